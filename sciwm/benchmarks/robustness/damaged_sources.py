"""Damaged files of somebody else, given to ``sciwm inspect`` and ``sciwm bring-in``.

What is brought in must be what libraries of the format find in the file; everything else must be refused, and then no
store may be left.
"""

import gc
import shutil
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from unittest.mock import patch

import numpy as np
import yaml

from sciwm.benchmarks.robustness.damaged_inputs import damage
from sciwm.benchmarks.robustness.guarded import GuardedProcess, Said, command_line
from sciwm.benchmarks.robustness.sound_sources import ROLES, Content, settings_for, sound_content, write
from sciwm.benchmarks.robustness.stores_beside_files import differences
from sciwm.benchmarks.robustness.tally import WRONG, Judged, Verdict, refusal
from sciwm.benchmarks.robustness.wrong_content import spoil
from sciwm.data import declared_sizes

TOGETHER = 32
"""How many files are damaged before they are tried: one process reads all their headers."""
TRIES = 20
"""How many ways are drawn until a file of the kind can be written."""


def write_sound_sources(folder: Path) -> dict[str, Content]:
    """A sound file of every kind, named after it; returns what each holds."""
    folder.mkdir(parents=True, exist_ok=True)
    held = {}
    for kind in ROLES:
        held[kind] = sound_content(kind, folder / "netcdf4")
        write(held[kind], kind, folder / kind)
    return held


def try_sources(
    process: GuardedProcess, sound: Path, trials: Sequence[int], seed: int, folder: Path, every: int = 1
) -> Iterator[Judged]:
    """Damage one file after another, each drawn from the seed and its number, and judge what commands answer.

    Args:
        process: where commands are run.
        sound: where sound files are written.
        trials: the numbers of the trials; the kinds of files take turns.
        seed: what random numbers are drawn from.
        folder: an empty folder.
        every: one of so many is brought in, and the others are inspected; if 1, each is both.
    """
    held, kinds = write_sound_sources(sound), list(ROLES)
    for kind in kinds:
        (sound / f"{kind}.yaml").write_text(yaml.safe_dump(settings_for(kind, kind)), encoding="utf-8")
        run = sound / f"{kind}_run"
        verdict, said = _brought_in(process, kind, sound / kind, run, run, {})
        if verdict != "unchanged":
            raise RuntimeError(f"the sound {kind} is not brought in: {said}")
    for start in range(0, len(trials), TOGETHER):
        made: list[tuple[str, str, Path]] = []
        for trial in trials[start : start + TOGETHER]:
            kind, place = kinds[trial % len(kinds)], folder / str(trial)
            place.mkdir()
            path = place / f"{kind}_damaged"
            (place / f"{path.name}.yaml").write_text(yaml.safe_dump(settings_for(kind, path.name)), encoding="utf-8")
            rng = np.random.default_rng([seed, trial])
            made.append((f"{kind} {trial} ({_damaged(kind, held[kind], sound / kind, path, rng)})", kind, path))
        headers = _headers_of([path for _, _, path in made])
        for trial, (told, kind, path) in zip(trials[start : start + TOGETHER], made, strict=True):
            brings_in = trial // len(kinds) % every == 0
            judged: tuple[Verdict, str] = (
                ("unchanged", "") if brings_in and every > 1 else _inspected(process, path, headers)
            )
            if judged[0] not in WRONG and brings_in:
                run, right = path.with_name("run"), sound / f"{kind}_run"
                judged = _brought_in(process, kind, path, run, right, headers)
            yield told, *judged
            shutil.rmtree(path.parent)


def _damaged(kind: str, held: Content, source: Path, path: Path, rng: np.random.Generator) -> str:
    """Write a damaged copy; returns what was done."""
    if rng.random() < 0.4:
        return damage(source, path, rng)
    if rng.random() < 0.1:
        return _exchanged(source, path, rng)
    for _ in range(TRIES):
        content = deepcopy(held)
        try:
            what = spoil(content, rng)
            write(content, kind, path)
        except Exception:  # what a format cannot hold, cannot be given
            gc.collect()  # a file that was left open is closed here: HDF5 dies of what another thread closes
            continue
        return what
    raise RuntimeError(f"nothing can be written as {kind}")


def _exchanged(source: Path, path: Path, rng: np.random.Generator) -> str:
    """A copy in which two chunks of a store, or two blocks of a file, have changed places."""
    if source.is_dir():
        shutil.copytree(source, path)
        chunks = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith((".z", "zarr")))
        one, other = (chunks[int(k)] for k in rng.choice(len(chunks), 2, replace=False))
        first, second = one.read_bytes(), other.read_bytes()
        one.write_bytes(second)
        other.write_bytes(first)
        return f"{one.relative_to(path)} and {other.relative_to(path)} exchanged"
    content = source.read_bytes()
    length = 2 ** int(rng.integers(3, min(12, (len(content) // 4).bit_length())))
    a_at, b_at = sorted(int(k) * length for k in rng.choice(len(content) // length, 2, replace=False))
    a, b = content[a_at : a_at + length], content[b_at : b_at + length]
    path.write_bytes(content[:a_at] + b + content[a_at + length : b_at] + a + content[b_at + length :])
    return f"{length} bytes at {a_at} and {b_at} exchanged"


def _inspected(process: GuardedProcess, path: Path, headers: Mapping[str, str]) -> tuple[Verdict, str]:
    refused = refusal(process.call(_command, ["inspect", str(path)], headers), [path.name])
    return (refused[0], f"inspect: {refused[1]}") if refused else ("unchanged", "")


def _brought_in(
    process: GuardedProcess, kind: str, path: Path, run: Path, right: Path, headers: Mapping[str, str]
) -> tuple[Verdict, str]:
    """The verdict on what is made of one file; ``right`` is the run of the sound one."""
    config = path.with_name(f"{path.name}.yaml")
    refused = refusal(process.call(_command, ["bring-in", str(config), "--out", str(run)], headers), [path.name])
    if refused is not None:
        left = sorted(store.name for store in (run / "data").glob("*.zarr"))
        return ("silent", f"refused, but left {left}") if left and refused[0] == "told" else refused
    answer = process.call(differences, str(run), kind, str(path))
    if answer.outcome != "returned" or answer.value:
        found = "; ".join(answer.value) if answer.value else answer.said.strip()[-200:] or answer.outcome
        return "silent", f"brought in, but {found}"
    return ("unchanged" if _chunks_in(run) == _chunks_in(right) else "another"), ""


def _chunks_in(run: Path) -> dict[str, bytes]:
    """All values in the stores of a run, as they are packed."""
    chunks = (p for p in (run / "data").rglob("*") if p.is_file() and "c" in p.relative_to(run).parts)
    return {str(p.relative_to(run)): p.read_bytes() for p in chunks}


def _headers_of(paths: Sequence[Path]) -> dict[str, str]:
    """What is said of the headers of files, all of which are read by one process."""
    files = [path for path in paths if path.is_file()]
    return dict(zip(map(str, files), declared_sizes.header_lines(files), strict=True))


def _command(arguments: list[str], headers: Mapping[str, str]) -> Said:
    """A command, which need not start a process for each header."""
    ask = declared_sizes.header_lines

    def known(paths: Sequence[Path]) -> list[str]:
        return [headers.get(str(path)) or ask([path])[0] for path in paths]

    with patch.object(declared_sizes, "header_lines", known):
        return command_line(arguments)
