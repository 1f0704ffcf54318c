"""The world model of the APEBench scenarios: what it can hold, its data, and the benchmark around it."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from sciwm.benchmarks.apebench import compare, learned
from sciwm.benchmarks.apebench.equation import Convection
from sciwm.benchmarks.apebench.scenarios import NUM_POINTS, scenario, stepper
from sciwm.benchmarks.apebench.score import nrmse
from sciwm.config import parse_config
from sciwm.errors import InputError
from sciwm.model import ExponentialPredictor, WorldModel
from sciwm.model.spaces import SpectralProduct
from sciwm.training import build_model

WAVES = torch.arange(NUM_POINTS // 2)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> WorldModel:
    data = scenario("kdv")
    store = learned.store_trajectories(learned.split(data)[0], data, tmp_path_factory.mktemp("kdv") / "train.zarr")
    tree = learned.settings("kdv", 0).model_dump()
    tree["model"]["latent_modes"] = len(WAVES) - 1
    return build_model(parse_config(tree, where="test"), store)


def test_stores_hold_the_trajectories(tmp_path: Path) -> None:
    data = scenario("burgers")
    train, validation = learned.split(data)
    assert len(train) + len(validation) == len(data.train)
    stored = learned.store_trajectories(validation, data, tmp_path / "v.zarr")
    assert np.array_equal(stored.array("u"), validation[:, :, 0].numpy())
    assert not stored.array("action").any() and stored.control_interval == data.step
    assert stored.axes[0].periodic and math.isclose(stored.axes[0].extent, data.domain_extent)
    again = learned.store_trajectories(validation + 1, data, tmp_path / "v.zarr")
    assert np.array_equal(again.array("u"), stored.array("u")), "what is there is kept"


def test_without_layers_latents_are_the_waves_of_the_fields(fresh: WorldModel) -> None:
    """All but the shortest, whose sign the grid cannot tell."""
    fields = scenario("kdv").test[:3, 7]
    latent = fresh.encode(fields)
    assert not any(p.requires_grad for part in (fresh.encoder, fresh.decoder) for p in part.parameters())
    spectrum = torch.fft.rfft(fields.double())
    spectrum[..., -1] = 0
    truncated = torch.fft.irfft(spectrum).float()
    torch.testing.assert_close(fresh.readout(latent, ["fields"])["fields"], truncated, rtol=0, atol=2e-6)
    torch.testing.assert_close(fresh.encode(truncated), latent, rtol=0, atol=2e-3)


def test_channels_need_layers_to_make_them(fresh: WorldModel) -> None:
    settings = fresh.settings.model_copy(update={"latent_channels": 2})
    with pytest.raises(InputError, match="latent_channels"):
        WorldModel(settings, fresh.domain)
    tree = learned.settings("kdv", 0).model_dump()
    tree["model"]["latent"] = "fields"
    with pytest.raises(InputError, match=r"encoder\.layers"):
        parse_config(tree, where="test")


def test_the_predictor_can_hold_the_scheme_of_the_data(fresh: WorldModel) -> None:
    """Set by hand to the integrator of the equation it steps as the solver does."""
    simulation, fields = stepper("kdv"), scenario("kdv").test[:4, :21]
    _set_scheme(fresh, simulation)
    predicted = compare.forecast(fresh, fields[:, 0], 20)
    assert float(nrmse(predicted, fields[:, 1:]).max()) < 1e-3


def _set_scheme(model: WorldModel, simulation: Convection) -> None:
    """``E = exp(L)``, ``R = phi_2 / phi_1``, ``N = -phi_1 b/2 (u^2)_x`` with ``phi`` by contour means, real parts."""
    linear = torch.from_numpy(np.ravel(simulation.linear_symbol()))[: len(WAVES)].to(torch.complex128)
    circle = torch.exp(2j * math.pi * (torch.arange(64) + 0.5) / 64)
    z = linear[:, None] + circle
    phi_1, phi_2 = ((z.exp() - 1) / z).mean(dim=1).real, ((z.exp() - 1 - z) / z**2).mean(dim=1).real
    predictor, deviation = model.predictor, model.domain.variables[0].deviation
    assert isinstance(predictor, ExponentialPredictor) and isinstance(predictor.tendency.product, SpectralProduct)
    tendency, rank = predictor.tendency.product, predictor.tendency.product.back.start.channels
    sigma, mean_square = model.encoder.scale[0, : len(WAVES)], model.encoder.scale.square().mean()
    factor = -0.5 * float(np.ravel(simulation.parameter("convection"))[0]) * mean_square * deviation
    whitened = factor * tendency.scale_of_products[: len(WAVES)] / sigma
    decay = linear.exp()
    with torch.no_grad():
        for part in predictor.parameters():
            part.zero_()
        predictor.tendency.decay.weight[0, 0, 0], predictor.tendency.decay.weight[1, 0, 0] = decay.real, -decay.imag
        predictor.tendency.correction.weight[0, 0, 0] = phi_2 / phi_1
        tendency.factors.weight[0, 0, [0, rank]] = (WAVES < 53).float()
        tendency.back.weight[1, 0, 0] = -2 * math.pi * WAVES * phi_1 * whitened


def test_the_quick_benchmark_measures_every_method_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "DIFFICULTIES", {"burgers": None})
    monkeypatch.setattr(compare, "QUICK_UPDATES", 8)
    rows = compare.run(True, tmp_path, [0])
    assert [row["scenario"] for row in rows] == ["burgers"] * len(rows)
    by_method = {row["method"]: row for row in rows}
    assert by_method["ResNet (published)"]["nrmse"] == [0.0128]
    persistence, data = by_method["persistence"], scenario("burgers")
    still = nrmse(data.test[:, :1].expand_as(data.test[:, 1:]), data.test[:, 1:]).mean(dim=0)
    assert math.isclose(persistence["nrmse"][0], float(still[:100].log().mean().exp()), rel_tol=1e-5)
    assert math.isclose(persistence["nrmse_200"][0], float(still[-1]), rel_tol=1e-5)
    assert by_method["DMDc"]["nrmse"][0] < persistence["nrmse"][0]
    ours = by_method[compare.WORLD_MODEL]
    assert 0 < ours["parameters"][0] < 32_000 and ours["cpu_seconds"][0] > 0
    assert len(ours["nrmse_by_step"][0]) == 200

    monkeypatch.setattr(compare, "train_model", None)  # nothing is trained again
    assert json.dumps(compare.run(True, tmp_path, [0])) == json.dumps(rows)
    table = compare.best_first(rows)
    errors = [row["nrmse"][0] for row in table]
    assert errors == sorted(errors)
    for column in compare.columns():
        assert all(isinstance(column.show(row, rows), str) for row in table)


def test_training_that_goes_on_adds_its_seconds(tmp_path: Path) -> None:
    data, config = scenario("burgers"), learned.settings("burgers", 0, updates=4)
    model, seconds = learned.train_model(config, data, tmp_path)
    again, more = learned.train_model(config, data, tmp_path)
    assert more > seconds > 0
    assert torch.equal(_weights(again), _weights(model))


def _weights(model: WorldModel) -> Tensor:
    return torch.cat([p.detach().flatten() for p in model.predictor.parameters()])
