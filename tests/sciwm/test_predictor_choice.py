"""The choice between predictors by held-out forecasts, on data of others."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from brought_in import sets_of
from numpy.typing import NDArray

from sciwm.config import Config, parse_config
from sciwm.data import Trajectories
from sciwm.errors import InputError
from sciwm.model import WorldModel, load_model, read_description
from sciwm.surrogate.summary import summarize
from sciwm.training import build_model, predictor_choice, train
from sciwm.training.held_out_forecasts import HeldOutForecasts, typical
from sciwm.training.long_forecasts import runs_away
from sciwm.training.predictor_choice import best_of

POINTS = 12


def warmed(cubic: float, runs: int = 12, intervals: int = 30) -> dict[str, Any]:
    """A rod that diffuses heat and loses it to surroundings of another temperature, and by a cubic law."""
    rng = np.random.default_rng(0)
    x = np.linspace(0, 1, POINTS)
    shapes = np.stack([np.exp(-(((x - c) / 0.15) ** 2)) for c in (0.3, 0.75)])
    u = rng.normal(size=(runs, 3)) @ np.cos(np.pi * np.outer(np.arange(3), x))
    ambient, actions = rng.uniform(-1, 1, runs), rng.uniform(-1, 1, (runs, intervals, 2))
    instants = [u]
    for t in range(intervals):
        for _ in range(20):
            padded = np.pad(u, ((0, 0), (1, 1)), mode="edge")
            diffused = 0.02 * (padded[:, 2:] - 2 * u + padded[:, :-2]) * POINTS**2
            lost = ambient[:, None] - u - cubic * u**3
            u = u + 0.01 * (diffused + lost + 6 * actions[:, t] @ shapes)
        instants.append(u)
    fields: NDArray[np.float64] = np.stack(instants, axis=1)
    return {"fields": {"t": fields}, "actions": actions, "parameters": {"ambient": ambient}, "axes": {"x": x}}


@pytest.fixture(scope="module")
def linear_sets(tmp_path_factory: pytest.TempPathFactory) -> list[Trajectories]:
    """Training, validation and test runs of a linear law."""
    return sets_of(tmp_path_factory.mktemp("linear"), (8, 2, 2), **warmed(0.0))


@pytest.fixture(scope="module")
def cubic_sets(tmp_path_factory: pytest.TempPathFactory) -> list[Trajectories]:
    """The same of a cubic one."""
    return sets_of(tmp_path_factory.mktemp("cubic"), (8, 2, 2), **warmed(1.0))


def of_kind(kind: str, *, updates: int = 30, **predictor: Any) -> Config:
    """An experiment with a predictor of that kind."""
    source = {"files": ["rod.nc"], "variables": ["t"], "run": "rod", "space": ["x"], "periodic": []}
    training = {"updates": updates, "updates_per_epoch": 20, "batch_size": 16}
    model = {"latent_size": 6, "predictor": {"kind": kind, "substeps": 2} | predictor}
    tree = {"name": "rod", "source": source, "model": model, "training": training}
    return parse_config(tree | {"loss": {"horizon": 4}, "evaluation": {"steps": 20}}, where="test")


def errors_of(model: WorldModel, data: Trajectories, steps: int = 20) -> list[float]:
    """The errors of forecasts by lead time."""
    return HeldOutForecasts(data, steps, model.mean_fields).errors(model)


@pytest.mark.parametrize("tendency", ["quadratic", "neural"])
@pytest.mark.parametrize("substeps", [2, 3])
def test_every_predictor_starts_as_the_linear_one(
    linear_sets: list[Trajectories], tendency: str, substeps: int
) -> None:
    """Forecasts of 20 intervals, parameters and constants included, are the same to rounding."""
    linear = build_model(of_kind("linear"), linear_sets[0])
    other = build_model(of_kind("exponential", tendency=tendency, substeps=substeps), linear_sets[0])
    ours, theirs = (errors_of(model, linear_sets[2]) for model in (linear, other))
    np.testing.assert_allclose(ours, theirs, rtol=1e-3)
    assert max(ours) < 0.01, "a linear law with a parameter is found"


def test_a_linear_law_needs_no_more(
    linear_sets: list[Trajectories], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The linear predictor is kept, told in words, and loaded as what it is."""
    train(of_kind("auto"), tmp_path, linear_sets[:1], linear_sets[1])
    model, config = load_model(tmp_path)
    choice = read_description(tmp_path)["provenance"]["choice"]
    assert choice["chosen"] == "linear"
    assert (config.model.predictor.kind, model.settings.predictor.kind) == ("auto", "linear")
    assert choice["reason"] in capsys.readouterr().err
    assert "chose the linear predictor" in summarize(read_description(tmp_path))
    assert set(choice["errors"]) >= {"linear", "persistence", "climatology", "truncation"}
    np.testing.assert_allclose(errors_of(model, linear_sets[1]), choice["errors"]["linear"], rtol=1e-3)


def test_a_cubic_law_is_learned_by_the_network_and_resumed_to_the_byte(
    cubic_sets: list[Trajectories], tmp_path: Path
) -> None:
    """It is chosen and better on other runs; where one candidate is lost, the rest of the choice is made again."""
    train(config := of_kind("auto", updates=120), tmp_path, cubic_sets[:1], cubic_sets[1])
    choice = read_description(tmp_path)["provenance"]["choice"]
    assert choice["chosen"] == "neural"
    linear = load_model(tmp_path / "candidates" / "linear")[0]
    chosen = load_model(tmp_path)[0]
    assert typical(errors_of(chosen, cubic_sets[2])) < 0.85 * typical(errors_of(linear, cubic_sets[2]))

    files = ("model.safetensors", "model.json", "metrics.jsonl")
    before = {name: (tmp_path / name).read_bytes() for name in files}
    shutil.rmtree(tmp_path / "candidates" / "quadratic")
    (tmp_path / "model.json").unlink()
    train(config, tmp_path, cubic_sets[:1], cubic_sets[1])
    for name in files:
        assert (tmp_path / name).read_bytes() == before[name], name


def test_no_training_ends_worse_than_it_began(linear_sets: list[Trajectories], tmp_path: Path) -> None:
    """The start is the first epoch, and is kept where updates spoil it."""
    train(of_kind("exponential", updates=20), tmp_path, linear_sets[:1], linear_sets[1])
    history = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [epoch["update"] for epoch in history] == [0, 20]
    started = build_model(of_kind("exponential"), linear_sets[0])
    kept = load_model(tmp_path)[0]
    assert typical(errors_of(kept, linear_sets[1])) <= typical(errors_of(started, linear_sets[1])) * 1.001
    assert read_description(tmp_path)["provenance"]["held_out_error"] == min(e["held_out.error"] for e in history)


def test_where_the_law_has_changed_forecasts_return_to_persistence(
    tmp_path: Path,
) -> None:
    """Noise to learn from, and validation data that change slowly: these decide."""
    rng = np.random.default_rng(0)
    waves = np.cos(np.pi * np.outer(np.arange(6), np.linspace(0, 1, POINTS)))
    noise = rng.normal(size=(6, 31, 6))
    noise[4:] = 0.2 * np.cumsum(noise[4:], axis=1) + 2 * noise[4:, :1]
    rest = {"actions": np.zeros((6, 30, 1)), "axes": {"x": np.linspace(0, 1, POINTS)}}
    sets = sets_of(tmp_path, (4, 2), {"t": noise @ waves}, **rest)
    train(of_kind("linear"), tmp_path / "run", sets[:1], sets[1])
    model = load_model(tmp_path / "run")[0]
    assert read_description(tmp_path / "run")["provenance"]["linear_start"]["shrunk_to"] == "persistence"
    forecasts = HeldOutForecasts(sets[1], 20, model.mean_fields)
    assert typical(forecasts.errors(model)) < 1.05 * typical(forecasts.persistence)


def test_what_explodes_later_is_not_taken(
    linear_sets: list[Trajectories], cubic_sets: list[Trajectories], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that grows by a tenth in every interval is right for a few of them."""
    train(of_kind("linear"), tmp_path / "sound", linear_sets[:1], linear_sets[1])
    model, _ = load_model(tmp_path / "sound")
    assert not runs_away(model, linear_sets[:2])
    with torch.no_grad():
        model.predictor.decay.weight.copy_(1.1 * torch.eye(6))
    assert runs_away(model, linear_sets[:2])

    monkeypatch.setattr(predictor_choice, "runs_away", lambda model, sets: True)
    train(of_kind("auto", updates=3), tmp_path / "auto", cubic_sets[:1], cubic_sets[1])
    choice = read_description(tmp_path / "auto")["provenance"]["choice"]
    assert choice["chosen"] == "linear"
    assert "long forecasts of the neural predictor leave the data" in choice["reason"]


def test_a_later_candidate_must_be_clearly_better() -> None:
    """Luck is no reason, and an exploding one none either."""
    assert best_of({"linear": [0.10, 0.20], "quadratic": [0.099, 0.199], "neural": [float("inf")]}) == "linear"
    assert best_of({"linear": [0.10, 0.20], "quadratic": [0.05, 0.10], "neural": [0.0499, 0.0999]}) == "quadratic"


def test_simulated_data_leave_no_choice(make_config: Callable[..., Config], training_set: Trajectories) -> None:
    """There the kind is said; and a model is built once it is known."""
    with pytest.raises(InputError, match="kind: expected exponential or linear, as the data are simulated, got auto"):
        make_config(model={"latent": "vector", "predictor": {"kind": "auto"}})
    with pytest.raises(InputError, match="expected exponential or linear, got auto"):
        build_model(of_kind("auto"), training_set)


def test_a_network_acts_at_telling_points(cubic_sets: list[Trajectories]) -> None:
    """What it adds to the values of a field comes back as that field, and at first it adds nothing."""
    network = build_model(of_kind("exponential", tendency="neural"), cubic_sets[0]).predictor.tendency.network
    torch.testing.assert_close(network.values @ network.back, torch.eye(6), atol=1e-4, rtol=0)
    assert not network.held(torch.zeros(2, 3))(torch.randn(2, 6)).any()
