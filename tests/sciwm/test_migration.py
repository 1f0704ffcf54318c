"""A run that an older version wrote: it loads, forecasts, plans, goes on training and is checked as before.

``stored_run.tar.gz`` holds a finished run of format 3 (bent encoder, head for inverse dynamics, CEM), the state of the
same training after half of its updates, and what that version forecast and planned.
"""

import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from safetensors.torch import load_file

import sciwm
from sciwm.cli.check import check
from sciwm.config import CEMSettings
from sciwm.errors import InputError
from sciwm.experiment import Run, stages
from sciwm.migration import migrated_config, migrated_metrics, migrated_weights
from sciwm.run_paths import RunPaths
from sciwm.training import read_stored_state


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """The run and what belongs to it, in a folder of its own."""
    with tarfile.open(Path(__file__).with_name("stored_run.tar.gz")) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def test_it_forecasts_and_plans_as_it_did(stored: Path) -> None:
    expected = json.loads((stored / "expected.json").read_text())
    model = sciwm.load(stored / "run")
    ds = xr.open_zarr(stored / "run" / "data" / "test.zarr", consolidated=False).load()
    forecast = model.rollout(ds.isel(time=0), forcing=ds["action"])
    np.testing.assert_allclose(forecast["u"].isel(time=-1), expected["u"], rtol=1e-5, atol=1e-6)
    plan = model.plan(ds.isel(time=0), target=0 * ds[["u"]].isel(simulation=0, time=0))
    np.testing.assert_allclose(plan["forcing"].isel(time=slice(-1)), expected["forcing"], rtol=1e-4, atol=1e-5)


def test_its_configuration_is_read_as_it_was_meant(stored: Path) -> None:
    config = Run(stored / "run").config()
    cem = {"samples": 6, "elites": 2, "deviation": 0.3}
    assert config.planning.planner == CEMSettings(iterations=2, **cem)  # type: ignore[arg-type]
    assert config.control.oracle_cem == CEMSettings(iterations=1, **cem)  # type: ignore[arg-type]
    assert sciwm.load(stored / "run").config == config


def test_it_is_sound_and_goes_on(stored: Path) -> None:
    run = stored / "run"
    assert any("weights as they were written" in line for line in check(run))
    before = migrated_weights(load_file(run / "model.safetensors"))
    stages.train(run)  # nothing is left to learn; the file is written in the form of today
    after = load_file(run / "model.safetensors")
    assert {name.partition(".")[0] for name in after.keys() - before.keys()} == {"statistics"}  # of its latent
    assert before.keys() <= after.keys()
    assert all(torch.equal(after[name], values) for name, values in before.items())
    assert "rollout" in stages.evaluate(run)


def test_a_training_that_it_began_ends_in_the_same_weights(stored: Path) -> None:
    run = stored / "run"
    finished = load_file(run / "model.safetensors")
    before = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for name in ("model.safetensors", "model.json", "metrics.jsonl"):
        (run / name).unlink()
    shutil.move(stored / "begun_train_state.pt", run / "train_state.pt")
    stages.train(run)
    ended = load_file(run / "model.safetensors")
    for name, values in migrated_weights(finished).items():
        if name != "heads.sources.weight":  # fitted to features that nearly repeat each other: it magnifies rounding
            torch.testing.assert_close(ended[name], values, rtol=1e-4, atol=1e-5)
    after = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert len(after) == len(before)
    errors = [name for name in before[-1] if name.startswith("held_out.")]
    assert errors
    assert {n: after[-1][n] for n in errors} == pytest.approx({n: before[-1][n] for n in errors}, rel=1e-3)


def test_a_state_that_it_wrote_is_read_once_and_kept_in_the_form_of_today(stored: Path) -> None:
    """Resumed, it is replaced by the sealed pair; torn or nonsense, it is told in one line."""
    run = stored / "run"
    saved = torch.load(run / "train_state.pt", weights_only=True)
    torch.save(saved | {"update": -5}, run / "train_state.pt")
    with pytest.raises(InputError, match=r"train_state\.pt: update: expected .* got -5; delete it to train"):
        stages.train(run)
    (run / "train_state.pt").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(InputError, match=r"train_state\.pt: .*delete it to train from the beginning") as caught:
        stages.train(run)
    assert len(str(caught.value)) < 400
    shutil.move(stored / "begun_train_state.pt", run / "train_state.pt")
    stages.train(run)
    assert not (run / "train_state.pt").exists()
    state = read_stored_state(RunPaths(run))
    assert state is not None
    assert state.update == saved["update"]
    assert state.history == [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({}, {}),
        ({"planning": None}, {"planning": None}),
        ({"planning": {"horizon": 3}}, {"planning": {"horizon": 3}}),
        ({"planning": {"planner": {"kind": "cem"}}}, {"planning": {"planner": {"kind": "cem"}}}),
        (
            {"planning": {"iterations": 2, "horizon": 3}},
            {"planning": {"horizon": 3, "planner": {"kind": "gradient", "iterations": 2}}},
        ),
        (
            {"planning": {"planner": "gradient", "samples": 32}, "control": {"episodes": 2, "cem_iterations": 4}},
            {
                "planning": {"planner": {"kind": "gradient"}},
                "control": {"episodes": 2, "oracle_cem": {"samples": 32, "iterations": 4}},
            },
        ),
        ({"control": {"cem_iterations": 4}}, {"control": {"oracle_cem": {"iterations": 4}}}),
        ({"planning": {"planner": "cem"}}, {"planning": {"planner": {"kind": "cem", "iterations": 6}}}),
        (
            {"control": {"cem_iterations": 4, "oracle_cem": {"samples": 8}}},
            {"control": {"cem_iterations": 4, "oracle_cem": {"samples": 8}}},
        ),
        ({"planning": {"planner": "magic"}}, {"planning": {"planner": {"kind": "magic"}}}),
        ({"planning": [1]}, {"planning": [1]}),
    ],
)
def test_planner_settings_of_older_files(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Those of today are left as they are; what is wrong stays wrong, to be told."""
    assert migrated_config(old) == new
    assert migrated_config(new) == new


def test_the_reduction_of_the_cost_has_its_name() -> None:
    metrics = {"time": {}, "control": {"episodes": 2, "gain": 0.9}}
    assert migrated_metrics(metrics)["control"] == {"episodes": 2, "relative_reduction": 0.9}
    assert migrated_metrics({"control": []}) == {"control": []}


def test_weights_of_today_keep_their_names(stored: Path) -> None:
    state = dict(sciwm.load(stored / "run").model.state_dict())
    assert list(migrated_weights(state)) == list(state)
    assert any(name.startswith("predictor.tendency.product.") for name in state)
