"""The same data in other units of time, length, fields and actions train the same model."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

import simulations
from sciwm.baselines.dmdc import regress
from sciwm.baselines.modes import fit_modes
from sciwm.config import Config
from sciwm.data import SensitivitySet, Trajectories, fit_domain, mean_and_deviation
from sciwm.errors import InputError
from sciwm.evaluation.probing.probes import ridge_probe
from sciwm.evaluation.probing.references import lookup
from sciwm.evaluation.trajectories import deviations
from sciwm.migration import migrated_weights
from sciwm.training import build_model, train
from simulations.sensitivity_data import SensitivityRecipe, generate_sensitivities

OTHER = {"time": 2.0**-15, "length": 2.0**9, "field": 2.0**-27, "action": 2.0**7}
"""Factors of a unit each: powers of two, by which numbers are scaled without rounding."""
SMALL = {"width": 4, "modes": 8, "layers": 2}


def factors_of(time: float = 1.0, length: float = 1.0, field: float = 1.0, action: float = 1.0) -> dict[str, float]:
    """By what every variable of a store is multiplied in other units; dimensions by the definitions of the budgets."""
    factors = {"time": time, "x": length, "actuator_shape": field / time / action, "action_gradient": field**2}
    factors |= dict.fromkeys(("u", "u_twin", "u_tangent", "u_target"), field)
    factors |= dict.fromkeys(("action", "action_twin", "action_low", "action_high"), action)
    for name, size in (("energy", field**2), ("mass", field)):
        factors |= {name: size, f"{name}_source": size / time, f"{name}_output": size / time / action}
    return factors


def rewritten(store: Path, to: Path, change: Callable[[xr.Dataset], xr.Dataset]) -> Path:
    """A copy of a store with something changed."""
    dataset = change(xr.open_zarr(store, consolidated=False, decode_times=False).load())
    for name in dataset.variables:
        dataset[name].encoding = {}
    dataset.to_zarr(to / store.name, consolidated=False)
    return to / store.name


def in_units(**units: float) -> Callable[[xr.Dataset], xr.Dataset]:
    """A change of a store to other units."""

    def change(dataset: xr.Dataset) -> xr.Dataset:
        for name, factor in factors_of(**units).items():
            if name in dataset.variables:
                old = dataset[name]
                values = (old.values.astype(np.float64) * factor).astype(old.dtype)
                dataset = dataset.assign({name: (old.dims, values, old.attrs)})
        return dataset

    return change


@pytest.fixture(scope="module")
def stores(config: Config, data_folder: Path) -> Path:
    """The stores of the tiny experiment, with sensitivities beside them."""
    path, settings = data_folder / "sensitivity.zarr", config.simulation.model_dump()
    starts = torch.from_numpy(np.asarray(Trajectories(data_folder / "train.zarr").array("u")[:8, -1]))[:, None]
    generate_sensitivities(
        simulations.build(settings), SensitivityRecipe(8, 4), starts, path, settings=settings, target=0.3
    )
    return data_folder


def learned(config: Config, stores: Path, folder: Path, change: Callable[[xr.Dataset], xr.Dataset]) -> dict[str, float]:
    """The numbers of the last epoch of a training on changed stores."""
    folder.mkdir()
    train_set, validation = (rewritten(stores / f"{n}.zarr", folder, change) for n in ("train", "validation"))
    sensitivities = None
    if config.loss.physics.matches_sensitivities:
        sensitivities = SensitivitySet(rewritten(stores / "sensitivity.zarr", folder, change), ["u"])
    train(config, folder, [Trajectories(train_set)], Trajectories(validation), sensitivities)
    last: dict[str, float] = json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])
    return last


PHYSICS = {"budget": 0.1, "shell": 0.01, "inverse": 0.1, "ramp": 0.0}
MATCHED = {"twins": 1.0, "tangents": 1.0, "adjoints": 0.1, "adjoints_from": 0.0}
KINDS: dict[str, dict[str, Any]] = {
    "spectral": {
        "model": {"conserved": ["u"], "predictor": {"slaved_modes": 2, "steady_forcing": ["x"]}},
        "data": {"sensitivities": {"intervals": 4}},
        "loss": {"physics": PHYSICS | MATCHED},
    },
    "ledger": {
        "model": {"ledger": True, "predictor": {"kind": "linear"}},
        "loss": {"collapse": {"kind": "visreg", "within_wavenumbers": True}},
    },
    "vector": {
        "model": {"latent": "vector", "latent_size": 8, "encoder": SMALL, "predictor": {"action_path": "general"}},
        "loss": {"collapse": {"kind": "sigreg", "weight": 10.0}, "horizon": 3},
    },
    "fields": {"model": {"latent": "fields", "encoder": SMALL}},
    "unknown shapes": {
        "model": {"predictor": {"equivariant": False, "action_path": "additive"}},
        "loss": {"collapse": {"kind": "ema_target"}, "horizon": 3},
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_units_change_no_bit(make_config: Callable[..., Config], stores: Path, tmp_path: Path, kind: str) -> None:
    """Powers of two scale numbers without rounding: every loss, gradient and error has the same bits."""
    training = {"updates": 3, "updates_per_epoch": 3, "batch_size": 8, "learning_rate": 4e-3}
    config = make_config(**KINDS[kind] | {"training": training})

    def kept(dataset: xr.Dataset) -> xr.Dataset:
        return dataset.drop_vars("actuator_shape") if kind == "unknown shapes" else dataset

    ours = learned(config, stores, tmp_path / "ours", kept)
    theirs = learned(config, stores, tmp_path / "theirs", lambda dataset: kept(in_units(**OTHER)(dataset)))
    assert ours["train.exploded"] == 0.0
    assert theirs == ours


def test_any_factor_trains_to_the_same_error(make_config: Callable[..., Config], stores: Path, tmp_path: Path) -> None:
    """A minute or a microsecond as unit of time, and others of everything else, differ by rounding."""
    training = {"updates": 10, "updates_per_epoch": 10, "batch_size": 8}
    config = make_config(model={"conserved": ["u"]}, training=training)
    small = {"time": 1e-6, "length": 1e6, "field": 1e8, "action": 1e-6}
    large = {"time": 3.6e6, "length": 1e-6, "field": 1e-8, "action": 1e6}
    ours, *theirs = (
        learned(config, stores, tmp_path / name, in_units(**units))["held_out.error"]
        for name, units in {"ours": {}, "small": small, "large": large}.items()
    )
    assert theirs == pytest.approx([ours, ours], rel=1e-4)


def test_a_model_in_another_unit_of_time_is_the_same(
    make_config: Callable[..., Config], stores: Path, tmp_path: Path
) -> None:
    """Older files hold shapes per unit of time of the data, and weights in that unit: they are used as they are."""
    config = make_config(model={"conserved": ["u"]})
    data = Trajectories(rewritten(stores / "train.zarr", tmp_path, in_units(time=0.4)))
    model, old = build_model(config, data), build_model(config, data)
    assert model.shapes is not None
    assert float(model.time_unit) == pytest.approx(4 * 0.4 * 0.25)
    state = {name: values.clone() for name, values in model.state_dict().items()}
    unit = state.pop("time_unit").float()
    state["shapes"] /= unit
    for name in state:
        if name.startswith(("predictor.tendency.forcing", "predictor.tendency.modulation")):
            state[name] *= unit
    old.load_state_dict(migrated_weights(state))
    assert float(old.time_unit) == 1.0
    fields, action = torch.from_numpy(data.array("u")[:4, 3])[:, None], torch.from_numpy(data.array("action")[:4, 3])
    start = model.encode(fields)
    torch.testing.assert_close(old.advance(start, action), model.advance(start, action))
    mean = model.readout(model.advance(start, action), ["fields"])["fields"].mean(dim=(1, 2))
    supplied = 0.4 * 0.25 * action @ torch.from_numpy(data.forcing_shapes).mean(dim=(1, 2)).float()
    torch.testing.assert_close(mean, fields.mean(dim=(1, 2)) + supplied, rtol=1e-4, atol=1e-5)


# What does not vary ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1.0, 1e-30, 1e30])
def test_scales_follow_the_unit(size: float) -> None:
    """The deviation of what varies, the magnitude of what varies by rounding, and one for zeros."""
    sign = np.tile([1.0, -1.0], 500)[:, None]
    values = sign * [0.5, 1e-8, 0.0] + [2.0, 0.3, 0.0]
    mean, deviation = mean_and_deviation((size * values).astype(np.float32), axis=0)
    np.testing.assert_allclose(mean, [2.0 * size, 0.3 * size, 0.0], rtol=1e-4)
    np.testing.assert_allclose(deviation, [0.5 * size, 0.3 * size, 1.0], rtol=1e-4)


def _with_functionals(size: float) -> Callable[[xr.Dataset], xr.Dataset]:
    """Energy that changes slowly without a source; mass that is constant up to rounding, and fed by rounding alone."""
    rng = np.random.default_rng(0)

    def change(dataset: xr.Dataset) -> xr.Dataset:
        shape = dataset["mass"].shape

        def noise(about: float, *more: int) -> Any:
            return (size * (about + 1e-9 * rng.normal(size=(*shape, *more)))).astype(np.float32)

        for name, values in {
            "mass": noise(0.3),
            "mass_source": noise(0.0),
            "mass_output": noise(0.0, dataset.sizes["actuator"]),
            "energy_source": noise(0.0),
        }.items():
            dataset[name] = (dataset[name].dims, values)
        dataset["energy"] = size * dataset["energy"]
        return dataset

    return change


@pytest.mark.parametrize("size", [1.0, 1e-12, 1e12])
def test_rounding_in_functionals_is_not_scaled_up(stores: Path, tmp_path: Path, size: float) -> None:
    """Its scale is the magnitude of the functional, or the rate at which that changes; in all units alike."""
    data = Trajectories(rewritten(stores / "train.zarr", tmp_path, _with_functionals(size)))
    energy, mass = fit_domain(data).functionals
    change = np.diff(np.asarray(data.array("energy"), dtype=float), axis=1).std()
    assert energy.change_deviation == pytest.approx(change)
    assert energy.source_deviation == pytest.approx(change / 0.25)
    assert mass.deviation == pytest.approx(0.3 * size)
    assert mass.change_deviation == pytest.approx(0.3 * size)
    assert mass.source_deviation == pytest.approx(0.3 * size / 0.25)
    assert mass.output_deviation == pytest.approx(0.3 * size / 0.25)


def test_rounding_in_functionals_is_not_fitted(config: Config, stores: Path, tmp_path: Path) -> None:
    """Heads read as its mean what varies by rounding alone, and everything else as before."""
    data = Trajectories(rewritten(stores / "train.zarr", tmp_path, _with_functionals(1e-12)))
    model = build_model(config, data)
    state = model.encode(torch.from_numpy(data.array("u")[:8, 5])[:, None])
    read = model.readout(state, ["energy", "mass"])
    torch.testing.assert_close(read["mass"], torch.full((8,), 3e-13), rtol=1e-6, atol=0.0)
    small = 1e-2 * model.domain.functionals[0].deviation
    torch.testing.assert_close(read["energy"], torch.from_numpy(data.array("energy")[:8, 5]), rtol=0.0, atol=small)
    heads = model.heads
    assert not heads.sources.weight.any()
    assert not heads.outputs.weight.view(-1, *heads.shape)[:, 1].any()
    assert heads.outputs.weight.view(-1, *heads.shape)[:, 0].any()


def _with_constant(dataset: xr.Dataset) -> xr.Dataset:
    """A second field of 273.15 up to rounding, and an action that is always the same."""
    rounding = 1e-5 * np.random.default_rng(0).normal(size=dataset["u"].shape)
    dataset["v"] = (dataset["u"].dims, (273.15 + rounding).astype(np.float32), {"units": "K"})
    dataset["action"][..., 1] = 0.3
    return dataset.drop_vars("actuator_shape")


def test_a_constant_field_and_a_constant_action(
    make_config: Callable[..., Config], stores: Path, tmp_path: Path
) -> None:
    """A field that does not vary is zero in the latent and decoded as it is; such an action gets no effect."""
    config = make_config(model={"latent_channels": 2, "encoder": {"layers": 0}}, loss={"physics": {"inverse": 0.1}})
    data = Trajectories(rewritten(stores / "train.zarr", tmp_path, _with_constant))
    model = build_model(config, data)
    fields = torch.from_numpy(np.stack([data.array(v.name)[:, 5] for v in data.variables], axis=1))
    constant = [v.name for v in data.variables].index("v")
    latent = model.encode(fields)
    assert latent.unflatten(1, (2, -1))[:, constant].abs().max() == 0
    assert latent.unflatten(1, (2, -1))[:, 1 - constant].std() > 0.3
    decoded = model.readout(latent, ["fields"])["fields"][:, constant]
    torch.testing.assert_close(decoded, fields[:, constant], rtol=1e-6, atol=0.0)
    effect = model.predictor.actuation(None).abs().amax(dim=1)
    assert effect[1] == 0.0
    assert (effect[[0, 2, 3]] > 1e-3).all()


def test_fields_that_never_vary_are_refused(stores: Path, tmp_path: Path) -> None:
    path = rewritten(stores / "train.zarr", tmp_path, lambda d: d.assign(u=0 * d["u"] + 2.5))
    with pytest.raises(InputError, match="at least one variable that varies, got the same values everywhere"):
        fit_domain(Trajectories(path))


def test_baselines_and_probes_leave_out_what_does_not_vary() -> None:
    """Rounding of a constant regressor is no information, and no error is measured in units of it."""
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(200, 2)))
    x[:, 1] = 0.3 + 1e-9 * x[:, 1]
    ((weights, offset),) = regress(x, 2 * x[:, :1] + 5, [0.0])
    torch.testing.assert_close(weights, torch.tensor([[2.0, 0.0]], dtype=torch.double))
    torch.testing.assert_close(offset, torch.tensor([5.0], dtype=torch.double))
    features, truth = x.numpy(), 2 * x[:, :1].numpy() + 5
    probe = ridge_probe(features, truth, np.arange(200) % 4 == 0)
    np.testing.assert_allclose(probe(np.array([[1.0, 0.30001]])), [[7.0]], rtol=1e-3)

    flow = torch.from_numpy(rng.normal(size=(40, 2, 8)))
    flow[:, 1] = 1e-20 * (5 + 1e-9 * flow[:, 1])
    flow[:, 0] *= 1e-20
    modes = fit_modes(flow)
    assert modes.shares[:8].sum() == pytest.approx(1.0)
    assert modes.basis[:8, 1].abs().max() < 1e-6
    with pytest.raises(InputError, match="fields that vary"):
        fit_modes(flow[:, 1:])
    torch.testing.assert_close(
        deviations(flow[:, None]).flatten(), torch.tensor([flow[:, 0].std().item(), 5e-20]).double(), rtol=1e-2, atol=0
    )
    taught = np.arange(3.0).reshape(3, 1, 1)
    gains = 1e9 + np.array([0.0, 0.0, 1e-7])
    parameters = {"viscosity": (np.arange(3.0), np.array([2.1])), "gain": (gains, np.array([1e9]))}
    assert lookup(taught, parameters, 1, nearest=1).item() == 2.0
