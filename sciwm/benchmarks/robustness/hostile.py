"""Files made to harm: each command must refuse them at once, in clean words, and touch nothing else."""

import json
import os
import shutil
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import xarray as xr
import zarr

from sciwm.benchmarks.robustness.guarded import GuardedProcess, Said
from sciwm.benchmarks.robustness.subject import SETTINGS
from sciwm.benchmarks.robustness.tally import Judged, refusal

DEEP = "[" * 100_000 + "]" * 100_000
ESCAPE = "\x1b[2Jowned\x07"
PRECIOUS = "precious"

Make = Callable[[Path, Path, Path], list[str]]
"""``make(run, sound, folder)``: lays a trap in ``folder`` and returns the words of a command that meets it."""


def try_hostile(
    process: GuardedProcess, run: Path, sound: Path, trials: Sequence[int], folder: Path
) -> Iterator[Judged]:
    """Lay one trap after another."""
    for name, make in (list(TRAPS.items())[i] for i in trials if i < len(TRAPS)):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        canary = folder / "canary"
        canary.write_text(PRECIOUS)
        answer = process.command(make(run, sound, folder))
        said = answer.value.text if isinstance(answer.value, Said) else answer.said
        if canary.read_text() != PRECIOUS:
            yield name, "silent", "a file outside was overwritten"
        elif any(ord(c) < 32 and c not in "\n\t\r" for c in said):
            yield name, "silent", "control characters reach the terminal"
        else:
            yield name, *(refusal(answer) or ("unchanged", ""))


def _yaml(text: str) -> Make:
    def make(run: Path, sound: Path, folder: Path) -> list[str]:
        path = folder / "hostile.yaml"
        path.write_text(text)
        return ["check", str(path)]

    return make


def _special(command: str, lay: Callable[[Path], None]) -> Make:
    def make(run: Path, sound: Path, folder: Path) -> list[str]:
        path = folder / ("special.yaml" if command == "check yaml" else "special.nc")
        lay(path)
        words = {
            "check": ["check", str(path), "--run", str(run)],
            "check yaml": ["check", str(path)],
            "info": ["info", str(path)],
            "rollout": ["rollout", str(run), str(path), "--out", str(folder / "f.nc")],
        }
        return words[command]

    return make


def _zero(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _socket(path: Path) -> None:
    """A socket, bound by a short name as long ones are refused."""
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(here)


def _in_run(relative: str, content: str, command: str) -> Make:
    """A copy of the run in which one file has other content."""

    def make(run: Path, sound: Path, folder: Path) -> list[str]:
        copy = Path(shutil.copytree(run, folder / "run"))
        (copy / relative).write_text(content)
        return [command, str(copy)]

    return make


def _linked(relative: str, command: str) -> Make:
    """A copy of the run in which one file or folder is a link to something outside."""

    def make(run: Path, sound: Path, folder: Path) -> list[str]:
        copy = Path(shutil.copytree(run, folder / "run"))
        path = copy / relative
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        path.symlink_to(folder / "canary")
        return [command, str(copy)]

    return make


def _drafts_linked(run: Path, sound: Path, folder: Path) -> list[str]:
    """Names that temporary files might have are links to something outside."""
    copy = Path(shutil.copytree(run, folder / "run"))
    for name in ("metrics.jsonl", "model.json", "model.safetensors", "report/metrics.json", "report/index.html"):
        for suffix in (".tmp", ".part", ".draft", "~"):
            (copy / f"{name}{suffix}").symlink_to(folder / "canary")
    return ["report", str(copy)]


def _huge_header(run: Path, sound: Path, folder: Path) -> list[str]:
    """A netCDF-3 file of 200 bytes that says it has 2^31 - 1 variables and attributes."""
    path = folder / "huge.nc"
    path.write_bytes(b"CDF\x01" + struct.pack(">6i", 0, 10, 0x7FFFFFFF, 12, 0x7FFFFFFF, 11) + b"\x7f" * 170)
    return ["rollout", str(run), str(path), "--out", str(folder / "f.nc")]


def _huge_store(run: Path, sound: Path, folder: Path) -> list[str]:
    """A Zarr store whose field claims 10^12 values."""
    path = Path(shutil.copytree(sound / "zarr3", folder / "huge"))
    about = json.loads((path / "u" / "zarr.json").read_text())
    about["shape"] = [10**6, 10**6]
    (path / "u" / "zarr.json").write_text(json.dumps(about))
    return ["rollout", str(run), str(path), "--out", str(folder / "f.nc")]


def _deep_store(run: Path, sound: Path, folder: Path) -> list[str]:
    path = Path(shutil.copytree(sound / "zarr3", folder / "deep"))
    (path / "zarr.json").write_text(DEEP)
    return ["check", str(path), "--run", str(run)]


def _escapes(command: str) -> Make:
    def make(run: Path, sound: Path, folder: Path) -> list[str]:
        path = folder / "escapes"
        with xr.open_dataset(sound / "netcdf4", decode_times=False) as ds:
            ds = ds.load()
        ds["u"].attrs["units"] = ESCAPE
        ds[f"more{ESCAPE}"] = ds["u"] * 0
        ds.to_zarr(path, zarr_format=3, consolidated=False)
        return ["rollout", str(run), str(path), "--out", str(folder / "f.nc")] if command == "rollout" else [
            command, str(path), "--run", str(run),
        ]  # fmt: skip

    return make


def _escape_in_path(run: Path, sound: Path, folder: Path) -> list[str]:
    return ["check", str(folder / f"nothing{ESCAPE}.yaml")]


def _no_text_in_path(run: Path, sound: Path, folder: Path) -> list[str]:
    return ["check", os.fsdecode(os.fsencode(folder) + b"/caf\xe9.yaml")]


def _bad_fill(run: Path, sound: Path, folder: Path) -> list[str]:
    """A Zarr 2 store whose zeros are its fill value."""
    with xr.open_dataset(sound / "netcdf4", decode_times=False) as ds:
        group = zarr.open_group(folder / "zeros", mode="w", zarr_format=2)
        for name, variable in ds.load().variables.items():
            array = group.create_array(str(name), shape=variable.shape, dtype=variable.dtype, fill_value=0)
            array[...] = variable.values
            array.attrs["_ARRAY_DIMENSIONS"] = list(map(str, variable.dims))
    return ["check", str(folder / "zeros"), "--run", str(run)]


ALIASES = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)

JSON_FILES = ("model.json", "report/metrics.json", "metrics.jsonl", "train_state.json", "data/train.done/0.json")

TRAPS: dict[str, Make] = {
    "nested aliases": _yaml(ALIASES),
    "merged aliases": _yaml(SETTINGS + "x: &x {a: 1}\ny: {<<: [" + ", ".join(["*x"] * 5000) + "]}\n"),
    "an alias of itself": _yaml("a: &a [*a]\n"),
    "200 kB of keys": _yaml("".join(f"key{i}: 1\n" for i in range(20_000))),
    "deep YAML": _yaml("[" * 20_000),
    "deep YAML by indents": _yaml("".join(" " * i + "a:\n" for i in range(1500))),
    "a tag that runs code": _yaml("name: !!python/object/apply:os.system ['touch canary']\n"),
    "20 MB of YAML": _yaml("# " + "x" * 20_000_000 + "\n"),
    "a long scalar": _yaml("name: " + "9" * 1_000_000 + "\n"),
    "a fifo as YAML": _special("check yaml", os.mkfifo),
    "/dev/zero as YAML": _special("check yaml", _zero),
    **{f"a fifo to {c}": _special(c, os.mkfifo) for c in ("check", "info", "rollout")},
    **{f"/dev/zero to {c}": _special(c, _zero) for c in ("check", "info", "rollout")},
    **{f"a socket to {c}": _special(c, _socket) for c in ("check", "info", "rollout")},
    **{
        f"deep JSON in {name} to {c}": _in_run(name, DEEP, c)
        for name in JSON_FILES
        for c in ("check", "report", "train")
    },
    "deep JSON in a store": _deep_store,
    **{
        f"{name} is a link, {c}": _linked(name, c)
        for name, c in (
            ("metrics.jsonl", "train"),
            ("report", "report"),
            ("report/metrics.json", "report"),
            ("report/index.html", "report"),
            ("controlled.nc", "control"),
            ("evaluation", "evaluate"),
            ("evaluation/rollouts.nc", "evaluate"),
            (".lock", "report"),
        )
    },
    "temporary names are links": _drafts_linked,
    "a huge netCDF-3 header": _huge_header,
    "a huge Zarr shape": _huge_store,
    **{f"escapes in units and names, {c}": _escapes(c) for c in ("rollout", "check")},
    "escapes in a path": _escape_in_path,
    "a path that is no text": _no_text_in_path,
    "zeros that are the fill value": _bad_fill,
}
