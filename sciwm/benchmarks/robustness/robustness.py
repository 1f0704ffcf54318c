"""``sciwm benchmark robustness``: trials of every kind, in portions that are kept, so that it can go on."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from sciwm.benchmarks.cells import Cell, cached
from sciwm.benchmarks.results import Column, Row, text
from sciwm.benchmarks.robustness.configurations import try_configurations
from sciwm.benchmarks.robustness.damaged_inputs import try_inputs, write_sound_inputs
from sciwm.benchmarks.robustness.damaged_sources import try_sources
from sciwm.benchmarks.robustness.flips import try_flips
from sciwm.benchmarks.robustness.guarded import GuardedProcess
from sciwm.benchmarks.robustness.hostile import try_hostile
from sciwm.benchmarks.robustness.interruptions import kill_and_resume, try_power_losses
from sciwm.benchmarks.robustness.subject import subject_run
from sciwm.benchmarks.robustness.tally import MEANINGS, Judged, tally, together
from sciwm.config import shipped_config
from sciwm.progress import bar
from sciwm.provenance import source_commit

SHIPPED = ("ks_control.yaml", "ks_control_quick.yaml", "burgers_walls.yaml")
WHOLE_RUN_SECONDS = 300.0
"""What a command may take that makes a whole run anew; the others have ten seconds."""


@dataclass(frozen=True)
class Bench:
    """What trials work with: a finished run, sound inputs of every kind, and a folder of their own.

    Args:
        run: a finished run; trials work on copies.
        sound: the folder of the sound inputs.
        folder: an empty folder.
        seed: what random numbers are drawn from.
    """

    run: Path
    sound: Path
    folder: Path
    seed: int


def _inputs(bench: Bench, trials: Sequence[int]) -> Iterator[Judged]:
    with GuardedProcess() as process:
        yield from try_inputs(process, bench.run, bench.sound, trials, bench.seed, bench.folder)


def _sources(bench: Bench, trials: Sequence[int]) -> Iterator[Judged]:
    with GuardedProcess() as process:
        yield from try_sources(process, bench.folder / "sound", trials, bench.seed, bench.folder)


def _configurations(bench: Bench, trials: Sequence[int]) -> Iterator[Judged]:
    sources = [bench.run / "config.yaml", *map(shipped_config, SHIPPED)]
    with GuardedProcess() as process:
        yield from try_configurations(process, sources, trials, bench.seed, bench.folder)


def _flips(bench: Bench, trials: Sequence[int]) -> Iterator[Judged]:
    copy = Path(shutil.copytree(bench.run, bench.folder / "run"))
    with GuardedProcess() as process:
        yield from try_flips(process, copy, trials, bench.seed)


def _hostile(bench: Bench, trials: Sequence[int]) -> Iterator[Judged]:
    with GuardedProcess() as process:
        yield from try_hostile(process, bench.run, bench.sound, trials, bench.folder / "trap")


def _power(bench: Bench, trials: Sequence[int]) -> Iterator[Judged]:
    with GuardedProcess(seconds=WHOLE_RUN_SECONDS) as process:
        yield from try_power_losses(process, bench.run, trials, bench.folder)


def _kills(bench: Bench, trials: Sequence[int]) -> Iterator[Judged]:
    yield from kill_and_resume(bench.folder, len(trials), bench.seed)


@dataclass(frozen=True)
class Part:
    """One kind of trial.

    Args:
        title: what is tried, as the table says it.
        attempt: makes and judges the trials of the given numbers.
        trials, quick: their number in full and in a quick benchmark.
        portion: how many are kept together.
    """

    title: str
    attempt: Callable[[Bench, Sequence[int]], Iterator[Judged]]
    trials: int
    quick: int
    portion: int


PARTS = {
    "inputs": Part("damaged netCDF files and Zarr stores, forecast", _inputs, 10_000, 40, 500),
    "sources": Part("damaged files of others, inspected and brought in", _sources, 10_000, 42, 250),
    "configurations": Part("damaged configurations, checked", _configurations, 1_000, 40, 250),
    "flips": Part("single bits flipped in the files of a run, checked", _flips, 1_000, 40, 250),
    "hostile": Part("hostile files and links", _hostile, 80, 80, 80),
    "power": Part("runs that lost the content of one file, run again", _power, 200, 10, 50),
    "kills": Part("kills during a whole run, then compared with one left alone", _kills, 50, 3, 50),
}


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """One row for every kind of trial."""
    return run_some(quick, folder, seeds, tuple(PARTS))


def run_some(quick: bool, folder: Path, seeds: Sequence[int], names: Sequence[str]) -> list[Row]:
    """As :func:`run`, of some kinds of trials."""
    rows: list[Row] = []
    subject = subject_run(folder / "subject")
    for name in names:
        part = PARTS[name]
        count = part.quick if quick else part.trials
        portions = [range(i, min(i + part.portion, count)) for i in range(0, count, part.portion)]
        make = partial(_portion, part, subject, seeds[0], folder / name)
        with ProcessPoolExecutor(min(os.cpu_count() or 1, len(portions)), get_context("spawn")) as pool:
            tallies = list(bar(pool.map(make, portions), part.title, len(portions)))
        rows.append({"part": name, "title": part.title} | together(tallies))
    return rows


def columns() -> list[Column]:
    """The columns of the table: one row for each kind of trial."""
    counts = [Column(meaning, text(verdict)) for verdict, meaning in MEANINGS.items()]
    return [Column("what", text("title")), Column("tried", text("tried")), *counts]


def _portion(part: Part, run: Path, seed: int, folder: Path, trials: range) -> Cell:
    """The tally of some trials, kept until the code changes."""

    def make() -> Cell:
        with TemporaryDirectory() as made:
            sound, work = Path(made, "sound"), Path(made, "work")
            write_sound_inputs(run, sound)
            work.mkdir()
            return tally(part.attempt(Bench(run, sound, work, seed), trials))

    made_from = [source_commit().encode(), f"{seed} {trials}".encode()]
    return cached(folder / f"{trials.start}.json", made_from, make)
