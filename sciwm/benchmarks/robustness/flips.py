"""Single bits flipped in every file of a run, which ``sciwm check`` must notice."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from sciwm.benchmarks.robustness.guarded import GuardedProcess
from sciwm.benchmarks.robustness.mutations import one_bit_flipped
from sciwm.benchmarks.robustness.tally import Judged, refusal


def files_of(run: Path) -> list[Path]:
    """All files of a run that hold anything, in an order that changes the kind of file from one to the next."""
    files = [p for p in run.rglob("*") if p.is_file() and p.stat().st_size]
    seen: dict[str, int] = {}
    ranked = []
    for path in sorted(files):
        kind = "/".join("*" if part.isdigit() or path.stem.isdigit() else part for part in path.relative_to(run).parts)
        seen[kind] = seen.get(kind, -1) + 1
        ranked.append((seen[kind], str(path), path))
    return [path for _, _, path in sorted(ranked)]


def try_flips(process: GuardedProcess, run: Path, trials: Sequence[int], seed: int) -> Iterator[Judged]:
    """Flip one bit, check the store that it is in, or the run, and flip it back.

    A check that is content has missed a change.
    """
    files = files_of(run)
    for trial in trials:
        path, rng = files[trial % len(files)], np.random.default_rng([seed, trial])
        content = path.read_bytes()
        path.write_bytes(one_bit_flipped(content, rng))
        try:
            answer = process.command(["check", str(_store_of(run, path) or run)])
        finally:
            path.write_bytes(content)
        yield f"{path.relative_to(run)} {trial}", *(refusal(answer) or ("silent", "check is content"))


def _store_of(run: Path, path: Path) -> Path | None:
    """The store whose values, seal or marker a file holds; None for a file of no store."""
    folder, *below = path.relative_to(run).parts
    return (run / folder / below[0]).with_suffix(".zarr") if folder == "data" else None
