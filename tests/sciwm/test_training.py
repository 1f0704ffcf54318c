"""The loop: it learns, and a run killed anywhere ends in the same bytes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from killed import Killed, killed_at

from sciwm.config import Config, dump_config
from sciwm.data import Trajectories, Windows
from sciwm.errors import InputError
from sciwm.loss import Objective
from sciwm.loss.terms.heads import head_error
from sciwm.model import WorldModel, load_model
from sciwm.training import NothingLearned, train
from sciwm.training.held_out import HeldOut

FILES = ("model.safetensors", "model.json", "metrics.jsonl")

SCRIPT = """
import sys
from pathlib import Path
from sciwm.config.yaml_files import load_config
from sciwm.data.schema import Trajectories
from sciwm.training.loop import train
run, data = Path(sys.argv[1]), Path(sys.argv[2])
def tell(updates, message):
    print(updates, flush=True)
train(load_config(run / "config.yaml"), run, [Trajectories(data / "train.zarr")],
      Trajectories(data / "validation.zarr"), advance=tell)
"""


def _start(config: Config, run: Path, data: Path) -> subprocess.Popen[str]:
    run.mkdir(exist_ok=True)
    (run / "config.yaml").write_text(dump_config(config))
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(run), str(data)], stdout=subprocess.PIPE, text=True, env=os.environ.copy()
    )


def _wait_for_updates(process: subprocess.Popen[str], count: int) -> None:
    assert process.stdout is not None
    for _ in range(count + 1):
        process.stdout.readline()


def test_learning_beats_persistence(
    make_config: Callable[..., Config], training_set: Trajectories, validation_set: Trajectories, tmp_path: Path
) -> None:
    """A hundred updates on a few seconds of data predict held-out rollouts better than copying does."""
    config = make_config(training={"updates": 100, "updates_per_epoch": 50, "batch_size": 24})
    train(config, tmp_path, [training_set], validation_set)
    history = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [h["update"] for h in history] == [50, 100]
    assert history[-1]["held_out.error"] < 0.3
    assert history[-1]["held_out.participation_ratio"] > 2
    model, stored = load_model(tmp_path)
    assert stored == config
    assert model.latent_size == 13


def test_logged_gradients_are_those_at_the_latents(
    make_config: Callable[..., Config], model: WorldModel, training_set: Trajectories
) -> None:
    """Of a term that is computed from them once more, with its weight; another one does not feel that weight."""
    settings = [make_config(loss={"physics": {"heads_encoded": weight}}) for weight in (0.5, 1.0)]
    held_outs = [HeldOut(c, Objective(c.loss, model), Windows([training_set], model.domain)) for c in settings]
    half, whole = (held_out.measure(model, 1.0, None) for held_out in held_outs)
    batch = held_outs[0].batch.first(settings[0].training.batch_size)
    latents = model.encoder(model.normalize(batch.fields).flatten(0, 1)).detach().requires_grad_()
    error = head_error(model, model.state_of(latents.unflatten(0, batch.fields.shape[:2])), batch)
    (gradient,) = torch.autograd.grad(error, [latents])
    assert half["gradient_norm.heads_encoded"] == pytest.approx(0.5 * float(gradient.norm()), rel=1e-4)
    assert whole["gradient_norm.heads_encoded"] == pytest.approx(float(gradient.norm()), rel=1e-4)
    assert whole["gradient_norm.one_step"] == pytest.approx(half["gradient_norm.one_step"], rel=1e-5)


def test_killed_and_resumed_training_gives_the_same_bytes(
    make_config: Callable[..., Config], training_set: Trajectories, validation_set: Trajectories, data_folder: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    """SIGKILL at several places, twice in the same run, changes no byte of model, description and metrics."""
    config = make_config(training={"updates": 40, "updates_per_epoch": 5, "batch_size": 8})
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    train(config, whole, [training_set], validation_set)
    for updates in (3, 14):
        process = _start(config, killed, data_folder)
        _wait_for_updates(process, updates)
        process.kill()
        process.communicate()
        assert not (killed / "model.json").exists()
    train(config, killed, [training_set], validation_set)
    for name in FILES:
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name


def test_sigterm_saves_and_exits_with_success(
    make_config: Callable[..., Config], data_folder: Path, tmp_path: Path
) -> None:
    """A polite request ends the training before its last update and loses none: the state has all that were told."""
    config = make_config(training={"updates": 4000, "updates_per_epoch": 1000, "batch_size": 8})
    process = _start(config, tmp_path / "run", data_folder)
    _wait_for_updates(process, 5)
    process.send_signal(signal.SIGTERM)
    told, _ = process.communicate()  # a process that did not listen would end too, with its last update
    assert process.returncode == 0

    state = json.loads((tmp_path / "run" / "train_state.json").read_bytes())
    assert state["update"] == 5 + sum(map(int, told.split())) < config.training.updates


def test_a_state_of_another_training_is_told(
    make_config: Callable[..., Config], training_set: Trajectories, validation_set: Trajectories, tmp_path: Path
) -> None:
    """By the key that differs; the file stays as it is."""
    settings = {"updates": 4, "updates_per_epoch": 2, "batch_size": 8}
    with pytest.raises(Killed):
        train(make_config(training=settings), tmp_path, [training_set], validation_set, advance=killed_at(2))
    before = (tmp_path / "train_state.json").read_bytes()
    other = make_config(training=settings, loss={"one_step": 2.0})
    with pytest.raises(InputError, match=r"loss\.one_step: there 1\.0, asked 2\.0; restore config\.yaml, or delete"):
        train(other, tmp_path, [training_set], validation_set)
    assert (tmp_path / "train_state.json").read_bytes() == before


def test_damaged_state_is_told(
    config: Config, training_set: Trajectories, validation_set: Trajectories, tmp_path: Path
) -> None:
    """A torn state file names itself and what to do; nothing is overwritten."""
    (tmp_path / "train_state.pt").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(InputError, match="delete it to train from the beginning"):
        train(config, tmp_path, [training_set], validation_set)
    assert not (tmp_path / "model.json").exists()


def test_hopeless_learning_rate_is_told(
    make_config: Callable[..., Config], training_set: Trajectories, validation_set: Trajectories, tmp_path: Path
) -> None:
    """Training that only explodes stops with a remedy instead of writing a useless model."""
    config = make_config(training={"updates": 20, "updates_per_epoch": 5, "learning_rate": 10.0})
    with pytest.raises(NothingLearned, match=r"lower training\.learning_rate"):
        train(config, tmp_path, [training_set], validation_set)
