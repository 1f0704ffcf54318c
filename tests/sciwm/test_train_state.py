"""The state of a training on disk: whole or told, whatever happens to its files."""

import json
import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from killed import Killed, killed_at
from safetensors.torch import load_file, save_file

from sciwm.config import Config
from sciwm.data import Trajectories
from sciwm.errors import InputError
from sciwm.run_paths import RunPaths
from sciwm.sealed_json import sealed
from sciwm.training import read_stored_state, read_tensors, state_file, train

SETTINGS = {"updates": 6, "updates_per_epoch": 2, "batch_size": 8}


@pytest.fixture(scope="module")
def short(make_config: Callable[..., Config]) -> Config:
    """A training of six updates."""
    return make_config(training=SETTINGS)


@pytest.fixture(scope="module")
def begun(
    short: Config, training_set: Trajectories, validation_set: Trajectories, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A run that was stopped after four updates."""
    folder = tmp_path_factory.mktemp("begun")
    with pytest.raises(Killed):
        train(short, folder, [training_set], validation_set, advance=killed_at(4))
    return folder


@pytest.fixture
def paths(begun: Path, tmp_path: Path) -> RunPaths:
    """A copy to spoil."""
    return RunPaths(Path(shutil.copytree(begun, tmp_path / "run")))


@pytest.fixture
def told(short: Config, training_set: Trajectories, validation_set: Trajectories) -> Callable[[RunPaths], str]:
    """What the training says that is asked to go on; it must not touch anything."""

    def ask(paths: RunPaths) -> str:
        before = {path.name: path.read_bytes() for path in paths.folder.iterdir()}
        with pytest.raises(InputError) as caught:
            train(short, paths.folder, [training_set], validation_set)
        assert {path.name: path.read_bytes() for path in paths.folder.iterdir()} == before
        return str(caught.value)

    return ask


def rewrite(paths: RunPaths, **changes: Any) -> None:
    """Change the state as one who seals it anew, so that later checks are reached; ``...`` takes an entry out."""
    content = json.loads(paths.train_state.read_bytes()) | changes
    content.pop("sha256")
    paths.train_state.write_bytes(sealed({key: value for key, value in content.items() if value is not ...}))


def exchange(paths: RunPaths, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    """Change the tensors, and seal both files anew."""
    (path,) = paths.all_train_tensors
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    digest = state_file.digest_of(path.read_bytes())
    path.rename(paths.train_tensors(digest))
    rewrite(paths, tensors=digest)


def test_every_flipped_bit_is_noticed(paths: RunPaths) -> None:
    """Two hundred over both files, those of the JSON that change no value too."""
    (tensors,) = paths.all_train_tensors
    for path in (paths.train_state, tensors):
        content = path.read_bytes()
        for bit in np.random.default_rng(0).choice(8 * len(content), 100, replace=False):
            changed = bytearray(content)
            changed[bit // 8] ^= 1 << int(bit % 8)
            path.write_bytes(changed)
            with pytest.raises(InputError):
                state = read_stored_state(paths)
                assert state is not None
                read_tensors(paths, state)
        path.write_bytes(content)
    state = read_stored_state(paths)
    assert state is not None
    assert (state.phase, state.update) == (0, 4)
    assert read_tensors(paths, state)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"update": -5}, r"update: expected input should be greater than or equal to 0, got -5"),
        ({"update": 7}, r"update: expected at most 6, got 7"),
        ({"update": 2.5}, r"update: .* valid integer, got 2\.5"),
        ({"update": True}, r"update: .* valid integer, got True"),
        ({"phase": "0"}, r"phase: .* valid integer, got '0'"),
        ({"phase": 5}, r"phase: expected at most 0, got 5"),
        ({"best_error": float("nan")}, r"best_error: .* finite number, got nan"),
        ({"history": [{"phase": 0}]}, r"history\.0: expected the numbers of one epoch, got no 'update'"),
        ({"history": None}, r"history: .* valid list, got None"),
        ({"sums": {"rollout": [1.0]}}, r"sums\.rollout: .* at least 2 items"),
        ({"sums": {"rollout": [1.0, 0.0]}}, r"sums\.rollout: expected a count of at least 1, got 0"),
        ({"data": ...}, r"data: expected field required, got nothing"),
        ({"tensors": "../../etc/passwd"}, r"tensors: .* pattern"),
        ({"secret": 1}, r"secret: .* not permitted"),
        ({"experiment": {}}, r"train_state\.json: .*expected a value, got nothing"),
        ({"data": {"train.zarr": "0" * 64}}, r"data\.train\.zarr: expected the simulations that .*, got others"),
    ],
)  # fmt: skip
def test_nonsense_is_told(
    changes: dict[str, Any], words: str, paths: RunPaths, told: Callable[[RunPaths], str]
) -> None:
    """By its place and value, and with what to do."""
    rewrite(paths, **changes)
    message = told(paths)
    assert re.search(words, message), message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.pop("model.decoder.linear.weight"), ": model.decoder.linear.weight: expected a tensor, got"),
        (lambda t: t.update(stray=torch.zeros(1)), ": stray: expected a name that this training knows"),
        (lambda t: t["optimizer.0.exp_avg"].fill_(torch.nan), ": optimizer.0.exp_avg: expected finite values"),
        (lambda t: t.update({"optimizer.0.step": torch.zeros(3)}), ": optimizer.0.step: expected () of torch.float32"),
        (lambda t: t.update({"optimizer.0.step": torch.tensor(1)}), "got () of torch.int64"),
        (lambda t: t.pop("optimizer.0.exp_avg_sq"), ": optimizer.0.exp_avg_sq: expected a tensor, got nothing"),
        (lambda t: [t.pop(name) for name in list(t) if name.startswith("best.")], ": best."),
    ],
    ids=["missing", "unknown", "not finite", "shape", "type", "half of the moments", "no best weights"],
)
def test_tensors_that_do_not_fit_are_told(
    change: Callable[[dict[str, torch.Tensor]], object],
    words: str,
    paths: RunPaths,
    told: Callable[[RunPaths], str],
) -> None:
    exchange(paths, change)
    assert words in told(paths)


@pytest.mark.parametrize("cut", ["train_state.json", "tensors"])
def test_what_is_lost_is_told_with_what_helps(
    cut: str, paths: RunPaths, told: Callable[[RunPaths], str], short: Config, training_set: Trajectories,
    validation_set: Trajectories,
) -> None:  # fmt: skip
    """Emptied or removed by a loss of power; done as it says, training goes through."""
    path = paths.train_state if cut == "train_state.json" else paths.all_train_tensors[0]
    path.write_bytes(b"")
    assert "got an empty file" in told(paths)
    if path != paths.train_state:
        path.unlink()
        assert "got nothing there" in told(paths)
    paths.train_state.unlink()
    train(short, paths.folder, [training_set], validation_set)
    assert paths.description.exists()


def test_a_loss_of_power_between_the_files_leaves_the_state_before(
    paths: RunPaths, monkeypatch: pytest.MonkeyPatch, short: Config, training_set: Trajectories,
    validation_set: Trajectories, tmp_path: Path,
) -> None:  # fmt: skip
    """The new tensors are there already; training goes on from the old ones, to the same bytes."""
    write, before = state_file.write_atomically, paths.train_state.read_bytes()

    def lose_power(path: Path, content: bytes, *, within: Path) -> None:
        if path == paths.train_state:
            raise Killed
        write(path, content, within=within)

    monkeypatch.setattr(state_file, "write_atomically", lose_power)
    with pytest.raises(Killed):
        train(short, paths.folder, [training_set], validation_set)
    monkeypatch.undo()
    assert len(paths.all_train_tensors) == 2
    assert paths.train_state.read_bytes() == before
    train(short, paths.folder, [training_set], validation_set)
    train(short, tmp_path / "whole", [training_set], validation_set)
    whole = RunPaths(tmp_path / "whole")
    assert len(paths.all_train_tensors) == 1
    for name in ("weights", "description", "history", "train_state"):
        assert getattr(paths, name).read_bytes() == getattr(whole, name).read_bytes(), name
    assert paths.all_train_tensors[0].read_bytes() == whole.all_train_tensors[0].read_bytes()


def test_asked_to_stop_within_an_epoch_it_goes_on_to_the_same_bytes(
    short: Config, training_set: Trajectories, validation_set: Trajectories, tmp_path: Path
) -> None:
    """The sums of the epoch are part of the state."""
    whole, stopped = RunPaths(tmp_path / "whole"), RunPaths(tmp_path / "stopped")
    done = []

    def ask(updates: int, message: str) -> None:
        done.append(updates)
        if sum(done) == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(SystemExit):
        train(short, stopped.folder, [training_set], validation_set, advance=ask)
    assert json.loads(stopped.train_state.read_bytes())["sums"]
    for paths in (stopped, whole):
        train(short, paths.folder, [training_set], validation_set)
    for name in ("weights", "description", "history", "train_state"):
        assert getattr(stopped, name).read_bytes() == getattr(whole, name).read_bytes(), name


def test_a_finished_training_writes_its_history_anew(
    paths: RunPaths, short: Config, training_set: Trajectories, validation_set: Trajectories
) -> None:
    """As the advice about a damaged metrics.jsonl says."""
    train(short, paths.folder, [training_set], validation_set)
    before = paths.history.read_bytes()
    for content in (None, b"", b"{"):
        paths.history.unlink() if content is None else paths.history.write_bytes(content)
        train(short, paths.folder, [training_set], validation_set)
        assert paths.history.read_bytes() == before


def test_a_folder_renamed_during_training_is_not_made_anew(
    paths: RunPaths, short: Config, training_set: Trajectories, validation_set: Trajectories
) -> None:
    """What was saved before goes on under the new name."""
    renamed = paths.folder.with_name("renamed")

    def rename(updates: int, message: str) -> None:
        if updates == 1 and paths.folder.exists():
            paths.folder.rename(renamed)

    with pytest.raises(InputError, match=r"expected the run folder in which this command began, got nothing there"):
        train(short, paths.folder, [training_set], validation_set, advance=rename)
    assert not paths.folder.exists()
    train(short, renamed, [training_set], validation_set)
    assert RunPaths(renamed).description.exists()
