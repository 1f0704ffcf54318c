"""A run that is killed again and again, and runs that lose the content of one file: the bytes at the end."""

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import yaml

from sciwm.benchmarks.robustness.flips import files_of
from sciwm.benchmarks.robustness.guarded import GuardedProcess, Said
from sciwm.benchmarks.robustness.subject import SETTINGS
from sciwm.benchmarks.robustness.tally import Judged, Verdict, refusal

WAITS_AT_LEAST = 1.0
"""Seconds before which a process has only loaded its libraries."""


def fingerprints(run: Path) -> dict[str, str]:
    """What a run holds, file by file: digests of bytes, of netCDF files those of the values, without wall times."""
    return {str(p.relative_to(run)): _fingerprint(p) for p in sorted(run.rglob("*")) if _is_result(p)}


def _is_result(path: Path) -> bool:
    return path.is_file() and path.name not in (".lock", "index.html", "seals.json") and path.suffix != ".png"


def _fingerprint(path: Path) -> str:
    if path.suffix == ".nc":
        import xarray as xr

        with xr.open_dataset(path, decode_times=False) as ds:
            values = [ds[n].values.tobytes() for n in sorted(map(str, ds.variables)) if "seconds" not in n]
        return hashlib.sha256(b"".join(values)).hexdigest()
    if path.name == "metrics.json":
        return hashlib.sha256(json.dumps(_timeless(json.loads(path.read_text())), sort_keys=True).encode()).hexdigest()
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _timeless(value: object) -> object:
    if isinstance(value, dict):
        return {
            k: _timeless(v) for k, v in value.items() if k != "time" and "second" not in k and not k.endswith("_ms")
        }
    return value


def kill_and_resume(folder: Path, kills: int, seed: int) -> Iterator[Judged]:
    """Kill ``sciwm run`` at random moments of all stages, let it finish, and compare with a run left alone.

    Every kill that met a running command is a trial; the last one has the verdict on the bytes at the end.
    """
    config = folder / "tiny.yaml"
    config.write_text(SETTINGS)
    whole, torn = folder / "whole", folder / "torn"
    began = time.perf_counter()
    finish(_command(config, whole))
    lasts, rng = time.perf_counter() - began, np.random.default_rng(seed)
    met = 0
    while met < kills:
        latest = WAITS_AT_LEAST + (lasts - WAITS_AT_LEAST) * (met + 1) / kills
        met += was_killed(_command(config, torn), float(rng.uniform(WAITS_AT_LEAST, latest)))
        if met < kills:
            yield f"kill {met} in {_stage_of(torn)}", "unchanged", ""
    finish(_command(config, torn))
    one, other = fingerprints(whole), fingerprints(torn)
    differing = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    yield f"kill {met} in {_stage_of(torn)}", "silent" if differing else "unchanged", f"other bytes in {differing}"


def was_killed(command: Sequence[str], seconds: float) -> bool:
    """Run a command, and kill it if it still runs after so many seconds; whether it did."""
    process = _begin(command)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def finish(command: Sequence[str]) -> None:
    """Run a command to its end.

    Raises:
        RuntimeError: if it fails.
    """
    if status := _begin(command).wait():
        raise RuntimeError(f"'{' '.join(command)}' does not go on after kills, but ends with exit status {status}")


def _begin(command: Sequence[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603


def _command(config: Path, run: Path) -> list[str]:
    return [sys.executable, "-m", "sciwm", "run", str(config), "--out", str(run)]


def _stage_of(run: Path) -> str:
    """The stage that a killed run was in, by what it has not written yet."""
    marks = {
        "simulate": run / "data" / "test.zarr",
        "train": run / "model.json",
        "on-policy": run / "data" / "on_policy_1.zarr",
        "train on": run / "evaluation",
        "evaluate": run / "evaluation" / "rollouts.nc",
        "control": run / "controlled.nc",
        "report": run / "report" / "index.html",
    }
    return next((stage for stage, mark in marks.items() if not mark.exists()), "again")


def try_power_losses(process: GuardedProcess, run: Path, trials: Sequence[int], folder: Path) -> Iterator[Judged]:
    """Empty or delete one file of a copy of a run, and give ``sciwm run`` again: healed to the same bytes, or told.

    Told must leave everything else as it was, and the advice is not followed here.
    """
    config = folder / "tiny.yaml"
    config.write_text(yaml.safe_dump(yaml.safe_load(SETTINGS)))
    right, files = fingerprints(run), files_of(run)
    for trial in trials:
        path, way = files[trial // 2 % len(files)], ("emptied", "deleted")[trial % 2]
        copy = folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(run, copy)
        lost = copy / path.relative_to(run)
        lost.write_bytes(b"") if way == "emptied" else lost.unlink()
        answer = process.command(["run", str(config), "--out", str(copy)])
        yield f"{path.relative_to(run)} {way}", *_judged(answer, right, copy, str(path.relative_to(run)), process)


def _judged(
    answer: object, right: dict[str, str], copy: Path, lost: str, process: GuardedProcess
) -> tuple[Verdict, str]:
    refused = refusal(answer)  # type: ignore[arg-type]
    now = fingerprints(copy) if refused is None else {}
    if refused is None:
        differing = sorted(name for name in right if now.get(name) != right[name])
        if not differing:
            return "unchanged", ""
        noticed = process.command(["check", str(copy)])
        told = isinstance(noticed.value, Said) and noticed.value.status != 0
        return ("told", "by check") if told else ("silent", f"other bytes in {differing[:4]} after {lost} was lost")
    return refused
