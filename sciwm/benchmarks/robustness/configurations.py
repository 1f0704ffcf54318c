"""Damaged configurations given to ``sciwm check``: refused in words, or read as any YAML library reads them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from sciwm.benchmarks.robustness.guarded import GuardedProcess
from sciwm.benchmarks.robustness.mutations import damaged
from sciwm.benchmarks.robustness.tally import Judged, Verdict, refusal

VALUES = (
    *(
        "-1",
        "0",
        "1e308",
        ".nan",
        ".inf",
        "null",
        "[]",
        "{}",
        "[1, 2]",
        "{a: 1}",
        "yes",
        '"text"',
        "2001-01-01",
        "0x10",
    ),
    *("1_000", "12:30:45", "1e-3", "3e-4", "99999999999999999999", '"\\u001b[2J"', "!!python/object:os.system x"),
    *("&a [*a]", "|", "? x", "é" * 300),
)


def try_configurations(
    process: GuardedProcess, sources: Sequence[Path], trials: Sequence[int], seed: int, folder: Path
) -> Iterator[Judged]:
    """Damage one configuration after another, and judge what ``check`` answers."""
    for trial in trials:
        rng = np.random.default_rng([seed, trial])
        source = sources[trial % len(sources)]
        path = folder / f"{source.stem}_damaged.yaml"
        what = _damage(source.read_text(encoding="utf-8"), path, rng)
        answer = process.command(["check", str(path)])
        verdict = refusal(answer, [path.name])
        yield f"{source.name} {trial} ({what})", *(verdict or _accepted(process, source, path))


def _damage(text: str, path: Path, rng: np.random.Generator) -> str:
    lines = text.splitlines(keepends=True)
    i = int(rng.integers(len(lines)))
    way = int(rng.integers(6))
    if way == 0:
        path.write_bytes(damaged(text.encode(), rng))
        return "bytes"
    if way == 1:
        key, colon, _ = lines[i].partition(":")
        value = VALUES[int(rng.integers(len(VALUES)))]
        lines[i] = f"{key}{colon or ':'} {value}\n"
        what = f"line {i} set to {value[:20]}"
    elif way == 2:
        del lines[i]
        what = f"without line {i}"
    elif way == 3:
        lines.insert(i, lines[i])
        what = f"line {i} twice"
    elif way == 4:
        lines[i] = " " * int(rng.integers(1, 9)) + lines[i].lstrip()
        what = f"line {i} indented otherwise"
    else:
        j = int(rng.integers(len(lines)))
        lines[i], lines[j] = lines[j], lines[i]
        what = f"lines {i} and {j} swapped"
    path.write_text("".join(lines), encoding="utf-8")
    return what


def _accepted(process: GuardedProcess, source: Path, path: Path) -> tuple[Verdict, str]:
    answer = process.call(_differences, str(path))
    if answer.outcome != "returned":
        return "silent", f"accepted, but not readable: {answer.said.strip()[-200:]}"
    if answer.value:
        return "silent", f"accepted with other values: {answer.value}"
    return ("unchanged" if _plain(path) == _plain(source) else "another"), ""


def _plain(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _differences(path: str) -> list[str]:
    """What the file says and the configuration does not have."""
    from sciwm.config import load_config

    return list(_missing(_plain(Path(path)), load_config(Path(path)).model_dump(mode="json"), ""))


def _missing(stated: Any, held: Any, place: str) -> Iterator[str]:
    if isinstance(stated, Mapping) and isinstance(held, Mapping):
        for key, value in stated.items():
            yield from _missing(value, held.get(key), f"{place}.{key}")
    elif isinstance(stated, list) and isinstance(held, list | tuple) and len(stated) == len(held):
        for i, (value, other) in enumerate(zip(stated, held, strict=True)):
            yield from _missing(value, other, f"{place}[{i}]")
    elif stated is None and isinstance(held, Mapping):
        return  # an empty section has its default values
    elif not _equal(stated, held):
        yield f"{place}: {stated!r} read as {held!r}"


def _equal(stated: Any, held: Any) -> bool:
    if isinstance(stated, bool) or isinstance(held, bool):
        return stated is held
    try:
        return float(stated) == float(held)  # YAML 1.1 takes 3e-4 for text
    except (TypeError, ValueError):
        return bool(stated == held)
