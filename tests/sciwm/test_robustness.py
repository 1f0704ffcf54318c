"""Some hundred damaged and hostile files of every kind: nothing changes silently, crashes, hangs or takes memory."""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from sciwm.benchmarks.robustness.configurations import try_configurations
from sciwm.benchmarks.robustness.damaged_inputs import try_inputs, write_sound_inputs
from sciwm.benchmarks.robustness.damaged_sources import try_sources
from sciwm.benchmarks.robustness.flips import files_of, try_flips
from sciwm.benchmarks.robustness.guarded import Answer, GuardedProcess, Said
from sciwm.benchmarks.robustness.hostile import TRAPS, try_hostile
from sciwm.benchmarks.robustness.interruptions import try_power_losses
from sciwm.benchmarks.robustness.mutations import damaged, one_bit_flipped
from sciwm.benchmarks.robustness.tally import WRONG, Judged, refusal, tally
from sciwm.config import shipped_config


@pytest.fixture(scope="module")
def process() -> Iterator[GuardedProcess]:
    """A process in which commands are tried; its patience is for machines that are busy with other tests."""
    with GuardedProcess(seconds=300.0) as made:
        yield made


@pytest.fixture(scope="module")
def run(finished_run: Path) -> Path:
    """A finished run, to be copied."""
    return finished_run


@pytest.fixture(scope="module")
def sound(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sound inputs of every kind."""
    folder = tmp_path_factory.mktemp("sound")
    write_sound_inputs(run, folder)
    return folder


def nothing_wrong(judged: Iterator[Judged]) -> dict[str, int]:
    """The counts of the verdicts, none of which may be a wrong one."""
    counts = tally(judged)
    assert not counts["examples"], "\n".join(counts["examples"])
    assert sum(counts[verdict] for verdict in WRONG) == 0
    return counts


def test_damaged_inputs_are_refused_or_read_as_others_read_them(
    process: GuardedProcess, run: Path, sound: Path, tmp_path: Path
) -> None:
    """A forecast of a damaged file is that of the sound one, or of what other libraries find in the file."""
    counts = nothing_wrong(try_inputs(process, run, sound, range(200), 1, tmp_path))
    assert counts["told"] > 80  # the damage is no damage otherwise


def test_damaged_files_of_others_are_refused_or_brought_in_as_others_read_them(
    process: GuardedProcess, tmp_path: Path
) -> None:
    """What stores hold is what the library of each format finds in the file; what is refused leaves no store."""
    (tmp_path / "trials").mkdir()
    trials = try_sources(process, tmp_path / "sound", range(200), 1, tmp_path / "trials", every=6)
    counts = nothing_wrong(trials)
    assert counts["told"] > 60
    assert counts["another"] > 3


def test_damaged_configurations_are_refused_or_read_as_others_read_them(
    process: GuardedProcess, run: Path, tmp_path: Path
) -> None:
    """What a configuration says is what the experiment has, in every key."""
    sources = [run / "config.yaml", shipped_config("burgers_walls.yaml")]
    counts = nothing_wrong(try_configurations(process, sources, range(200), 1, tmp_path))
    assert counts["told"] > 80


def test_every_flipped_bit_of_a_run_is_noticed(process: GuardedProcess, run: Path, tmp_path: Path) -> None:
    """``sciwm check`` has something to say about any bit of any file."""
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    assert process.command(["check", str(copy)]).value.status == 0
    counts = nothing_wrong(try_flips(process, copy, range(200), 1))
    assert counts["told"] == 200
    assert {"config.yaml", "model.json", "metrics.jsonl"} <= {str(p.relative_to(copy)) for p in files_of(copy)[:100]}


@pytest.mark.parametrize("trap", range(len(TRAPS)), ids=[name.replace(" ", "_") for name in TRAPS])
def test_hostile_files_are_refused(process: GuardedProcess, run: Path, sound: Path, trap: int, tmp_path: Path) -> None:
    """At once, in clean words, with nothing outside touched."""
    nothing_wrong(try_hostile(process, run, sound, [trap], tmp_path / "trap"))


def test_a_file_lost_in_a_power_failure_is_made_again_or_told(
    process: GuardedProcess, run: Path, tmp_path: Path
) -> None:
    """For one file of each kind, emptied or deleted: the same bytes again, or words about it."""
    nothing_wrong(try_power_losses(process, run, range(0, 6, 2), tmp_path))


def test_a_guarded_process_outlives_what_happens_in_it() -> None:
    """Hanging, dying, raising and taking memory are told apart, and the next call is answered."""
    with GuardedProcess(seconds=1.0, loaded=()) as process:
        assert process.call(sum, range(10**15)).outcome == "hung"
        assert process.call(os._exit, 3).outcome == "died"
        assert process.call(np.ones, 2**29).outcome == "out of memory"
        assert process.call(int, "x").said.endswith("ValueError: invalid literal for int() with base 10: 'x'\n")
        assert process.call(divmod, 7, 3).value == (2, 1)
        assert process.command(["--version"]).value.status == 0


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (Answer("returned", Said(0, "fine")), None),
        (Answer("returned", Said(2, "sciwm: error: a.nc: expected a file")), "told"),
        (Answer("returned", Said(2, "sciwm: error: fields: expected numbers")), "unnamed"),
        (Answer("returned", Said(2, "sciwm: error: a.nc: expected \x1b[2J")), "traceback"),
        (Answer("returned", Said(1, "Traceback (most recent call last):")), "traceback"),
        (Answer("returned", Said(2, "sciwm: error: memory: expected enough")), "memory"),
        (Answer("raised", said="KeyError: 'x'"), "traceback"),
        (Answer("died"), "traceback"),
        (Answer("hung"), "hang"),
        (Answer("out of memory"), "memory"),
    ],
)
def test_verdicts(answer: Answer, verdict: str | None) -> None:
    """Only a clean line that names the file counts as told."""
    judged = refusal(answer, ["a.nc"])
    assert (judged[0] if judged else None) == verdict


def test_damage_is_damage() -> None:
    """Flipped bits are counted, and every other way changes bytes, too, but for a rare overwriting by the same."""
    content, rng = bytes(range(256)) * 4, np.random.default_rng(0)
    flipped = one_bit_flipped(content, rng)
    assert sum((a ^ b).bit_count() for a, b in zip(content, flipped, strict=True)) == 1
    changed: Sequence[bool] = [damaged(content, rng) != content for _ in range(100)]
    assert sum(changed) >= 95
