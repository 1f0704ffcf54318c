"""The face for scientists: names instead of positions, lazy instead of large, errors before work."""

import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

import sciwm
from sciwm.config import CEMSettings, Config, GradientSettings
from sciwm.data import check_forcing, open_trajectories
from sciwm.dynamics import rollout
from sciwm.errors import InputError
from sciwm.model import WorldModel, save_model
from simulations import ActionBox

EXTENT, INTERVAL = 22.0, 0.25


@pytest.fixture
def run(model: WorldModel, config: Config, tmp_path: Path) -> Path:
    """A run folder that holds a model."""
    save_model(tmp_path / "run", model, config, {"held_out_error": 0.125})
    return tmp_path / "run"


@pytest.fixture
def surrogate(run: Path) -> sciwm.Surrogate:
    """The model as a scientist gets it."""
    return sciwm.load(run)


@pytest.fixture(scope="session")
def lazy(data_folder: Path) -> xr.Dataset:
    """Stored trajectories, chunked by simulation."""
    return open_trajectories(data_folder / "validation.zarr")


@pytest.fixture
def ds(lazy: xr.Dataset) -> xr.Dataset:
    """The same in memory."""
    return lazy.compute()


def told(call: Callable[[], object]) -> list[str]:
    """What a call complains about."""
    with pytest.raises(InputError) as caught:
        call()
    return [str(p) for p in caught.value.problems]


def waves(num_points: int) -> xr.Dataset:
    """One smooth function on any grid."""
    x = np.arange(num_points) * EXTENT / num_points
    k = 2 * np.pi / EXTENT
    return xr.Dataset({"u": ("x", 1.3 * np.cos(k * x) + np.sin(2 * k * x + 1) - 0.4 * np.cos(3 * k * x))}, {"x": x})


# Encoding and decoding ------------------------------------------------------------------------


def test_encode_is_the_model_and_keeps_what_it_does_not_use(surrogate: sciwm.Surrogate, ds: xr.Dataset) -> None:
    latent = surrogate.encode(ds)
    assert latent.name == "latent"
    assert latent.dims == ("simulation", "time", "latent")
    assert latent.attrs == {"units": "1", "long_name": "latent state"}
    xr.testing.assert_identical(latent["time"], ds["time"])
    xr.testing.assert_identical(latent["simulation"], ds["simulation"])
    expected = surrogate.model.encode(torch.tensor(ds["u"].values[2])[:, None])
    np.testing.assert_allclose(latent[2].values, expected.numpy(), atol=1e-6)


@pytest.mark.parametrize("order", list(itertools.permutations(["simulation", "time", "x"])))
def test_dimensions_may_come_in_any_order(surrogate: sciwm.Surrogate, ds: xr.Dataset, order: tuple[str, ...]) -> None:
    latent = surrogate.encode(ds.transpose(*order, ...))
    assert latent.dims == tuple("latent" if d == "x" else d for d in order)
    xr.testing.assert_allclose(latent.transpose("simulation", "time", "latent"), surrogate.encode(ds), atol=1e-6)
    assert surrogate.decode(latent)["u"].dims == order


def test_other_dimensions_are_kept(surrogate: sciwm.Surrogate, ds: xr.Dataset) -> None:
    members = ds[["u"]].expand_dims(realization=["a", "b"]).assign_coords(run_of=("simulation", np.arange(8) * 2))
    latent = surrogate.encode(members)
    assert set(latent.dims) == {"realization", "simulation", "time", "latent"}
    assert latent.sel(realization="b").coords["run_of"].values.tolist() == list(range(0, 16, 2))
    assert surrogate.encode(ds.isel(simulation=0, time=0)).dims == ("latent",)


def test_lazy_encoding_computes_nothing_until_asked_and_agrees(
    surrogate: sciwm.Surrogate, lazy: xr.Dataset, ds: xr.Dataset
) -> None:
    latent = surrogate.encode(lazy)
    assert latent.chunks is not None
    assert latent.chunksizes["simulation"] == (1,) * 8  # as the input: memory is bounded by its chunks
    xr.testing.assert_allclose(latent.compute(), surrogate.encode(ds), atol=1e-6)
    across_space = surrogate.encode(ds.chunk(x=5, time=7))
    xr.testing.assert_allclose(across_space.compute(), surrogate.encode(ds), atol=1e-6)


def test_lazy_non_finite_values_are_told_when_computed(surrogate: sciwm.Surrogate, lazy: xr.Dataset) -> None:
    latent = surrogate.encode(lazy.where(lazy["x"] > 1))
    assert "finite values" in told(latent.compute)[0]


def test_a_function_has_the_same_latent_at_any_resolution(surrogate: sciwm.Surrogate) -> None:
    reference = surrogate.encode(waves(32))
    assert float(abs(reference).max()) > 0.1
    for num_points in (64, 128):
        xr.testing.assert_allclose(surrogate.encode(waves(num_points)), reference, atol=1e-3)


def test_too_coarse_fields_are_refused(surrogate: sciwm.Surrogate) -> None:
    assert told(lambda: surrogate.encode(waves(8))) == [
        "fields: x: expected at least 14 points, got 8; coarser fields alias: give them on a finer grid"
    ]


def test_decode_is_the_readout_with_units(surrogate: sciwm.Surrogate, ds: xr.Dataset) -> None:
    decoded = surrogate.decode(surrogate.encode(ds))
    assert set(decoded.data_vars) == {"u", "energy", "mass"}
    assert decoded["u"].dims == ("simulation", "time", "x")
    assert decoded["energy"].dims == ("simulation", "time")
    assert decoded["u"].attrs == {"units": "1", "long_name": "velocity"}
    assert all(v.attrs["units"] for v in decoded.variables.values())
    assert decoded["x"].attrs["axis"] == "X"
    np.testing.assert_allclose(decoded["x"], ds["x"])
    np.testing.assert_allclose(decoded["time"], ds["time"])


def test_decode_of_something_else(surrogate: sciwm.Surrogate) -> None:
    assert (
        "expected a dimension 'latent' of size 13" in told(lambda: surrogate.decode(xr.DataArray([1.0], dims="z")))[0]
    )


# Rolling out ----------------------------------------------------------------------------------


def test_rollout_is_repeated_advance(surrogate: sciwm.Surrogate, ds: xr.Dataset) -> None:
    ds = ds.isel(time=slice(13, None))  # few: this model leaves all bounds soon
    forecast = surrogate.rollout(ds.isel(time=0), forcing=ds["action"])
    assert forecast["u"].dims == ("simulation", "time", "x")
    assert set(forecast.data_vars) == {"u", "energy", "mass"}
    xr.testing.assert_identical(forecast["time"], ds["time"])
    model = surrogate.model
    state = model.encode(torch.tensor(ds["u"].values[:, 0])[:, None])
    last = rollout(model, state, torch.tensor(ds["action"].values[:, :-1]))[:, -1]
    expected = model.readout(last, ["fields", "energy"])
    np.testing.assert_allclose(forecast["u"].values[:, -1], expected["fields"][:, 0].numpy(), atol=1e-5)
    np.testing.assert_allclose(forecast["energy"].values[:, -1], expected["energy"].numpy(), atol=1e-5)


def test_first_instant_is_the_start_as_the_model_sees_it(surrogate: sciwm.Surrogate, ds: xr.Dataset) -> None:
    forecast = surrogate.rollout(ds.isel(time=3), ds["action"].isel(time=slice(3, 9)))
    seen = surrogate.decode(surrogate.encode(ds.isel(time=3)))
    np.testing.assert_allclose(forecast["u"].isel(time=0), seen["u"], atol=1e-5)
    assert forecast["time"].values[0] == ds["time"].values[3]


def test_a_forcing_without_a_never_used_value_gives_one_more_instant(
    surrogate: sciwm.Surrogate, ds: xr.Dataset
) -> None:
    ds = ds.isel(time=slice(13, None))  # few: this model leaves all bounds soon
    stored = surrogate.rollout(ds.isel(time=0), ds["action"])
    plain = surrogate.rollout(ds.isel(time=0), ds["action"].isel(time=slice(0, -1)))
    xr.testing.assert_allclose(plain, stored)
    unlabelled = surrogate.rollout(
        ds.isel(time=0).drop_vars("time"), ds["action"].isel(time=slice(0, -1)).drop_vars("time")
    )
    np.testing.assert_allclose(unlabelled["time"], np.arange(8) * INTERVAL)
    later = surrogate.rollout(ds.isel(time=[4]), ds["action"].isel(time=slice(0, -1)).drop_vars("time"))
    np.testing.assert_allclose(later["time"], (17 + np.arange(8)) * INTERVAL)


def test_one_start_many_forcings_and_many_starts_one_forcing(surrogate: sciwm.Surrogate, ds: xr.Dataset) -> None:
    start = ds.isel(time=0, simulation=2, drop=True)
    few = slice(0, 6)  # this model amplifies rounding quickly
    forcings = ds["action"].isel(time=few).rename(simulation="realization").drop_vars("realization")
    ensemble = surrogate.rollout(start, forcings)
    assert ensemble["u"].dims == ("realization", "time", "x")
    alone = surrogate.rollout(start, forcings.isel(realization=5))
    np.testing.assert_allclose(ensemble["u"].isel(realization=5), alone["u"], atol=1e-5)
    together = surrogate.rollout(ds.isel(time=0), ds["action"].isel(simulation=5, time=few))
    assert together["u"].dims == ("simulation", "time", "x")
    np.testing.assert_allclose(together["u"].isel(simulation=2), alone["u"], atol=1e-5)


def test_lazy_rollout_agrees(surrogate: sciwm.Surrogate, lazy: xr.Dataset, ds: xr.Dataset) -> None:
    few = slice(0, 6)
    forecast = surrogate.rollout(lazy.isel(time=0), lazy["action"].isel(time=few))
    assert forecast["u"].chunksizes["simulation"] == (1,) * 8
    eager = surrogate.rollout(ds.isel(time=0), ds["action"].isel(time=few))
    xr.testing.assert_allclose(forecast.compute(), eager, atol=1e-5)


def test_actuators_are_found_by_name(surrogate: sciwm.Surrogate, ds: xr.Dataset) -> None:
    ds = ds.isel(time=slice(13, None))  # few: this model leaves all bounds soon
    named = ds["action"].assign_coords(actuator=[f"jet_{j}" for j in range(4)])
    expected = surrogate.rollout(ds.isel(time=0), ds["action"])
    for forcing in (named, named.isel(actuator=[3, 1, 0, 2]), ds["action"].isel(actuator=[2, 0, 1, 3])):
        xr.testing.assert_allclose(surrogate.rollout(ds.isel(time=0), forcing.transpose("actuator", ...)), expected)


@pytest.mark.parametrize(
    ("start", "forcing", "expected"),
    [
        (lambda d: d, lambda d: d.action, ["fields: time: expected one instant, got 21; choose one with ds.isel"]),
        (lambda d: d.u.isel(time=0), lambda d: d.action, ["fields: expected an xarray.Dataset, got DataArray"]),
        (
            lambda d: d.isel(time=0),
            lambda d: d,
            ["forcing: expected an xarray.DataArray, got Dataset; as ds['action']"],
        ),
        (lambda d: d.isel(time=0), lambda d: d.action.values, ["forcing: expected an xarray.DataArray, got ndarray"]),
        (lambda d: d.isel(time=0), lambda d: d.action * 100, ["between -1 and 1 [1]"]),
        (
            lambda d: d.isel(time=0),
            lambda d: d.action.isel(time=[-1]),
            ["forcing: time: expected at least one interval"],
        ),
        (lambda d: d.isel(time=2), lambda d: d.action, ["forcing: time: expected 0.5 first, the time of the fields"]),
        (
            lambda d: d.isel(time=0, simulation=1),
            lambda d: d.action,
            ["forcing: simulation: expected 1, as the fields"],
        ),
        (lambda d: d.isel(time=0, simulation=[1, 2]), lambda d: d.action, ["the 2 labels of the fields, got 8 labels"]),
        (
            lambda d: d.isel(time=0).drop_vars("u"),
            lambda d: d.action.isel(actuator=[0]),
            ["the variable 'u' [1]", "expected 4 actuators (jet_0, jet_1, jet_2, jet_3), got 1"],
        ),
        (
            lambda d: d.isel(time=0).assign_coords(x=d.x * 2),
            lambda d: d.action.where(d.time != 1.0),
            [
                "expected a period of 22",
                "finite values, got 32 that are not, the first at simulation=0, time=1, actuator=0",
            ],
        ),
    ],
)
def test_requests_that_make_no_sense(
    start: Callable[[xr.Dataset], xr.Dataset],
    forcing: Callable[[xr.Dataset], xr.DataArray],
    expected: list[str],
    surrogate: sciwm.Surrogate,
    ds: xr.Dataset,
) -> None:
    lines = told(lambda: surrogate.rollout(start(ds), forcing(ds)))
    assert len(lines) == len(expected), lines
    assert all(part in line for part, line in zip(expected, lines, strict=True)), lines


# Planning -------------------------------------------------------------------------------------


def test_a_plan_encodes_its_start_once_and_its_target_once(
    surrogate: sciwm.Surrogate, ds: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And makes the bounds of the actions once, however often they are rescaled."""
    encoded, made = [], []
    encode, new_tensor = WorldModel.encode, torch.Tensor.new_tensor

    def counted(model: WorldModel, fields: torch.Tensor) -> torch.Tensor:
        encoded.append(tuple(fields.shape))
        return encode(model, fields)

    def noted(like: torch.Tensor, *given: Any, **kind: Any) -> torch.Tensor:
        made.append(given)
        return new_tensor(like, *given, **kind)

    monkeypatch.setattr(WorldModel, "encode", counted)
    monkeypatch.setattr(torch.Tensor, "new_tensor", noted)
    start, goal = ds.isel(time=0, simulation=[0, 1, 2]), 0 * ds[["u"]].isel(time=0, simulation=0)
    surrogate.plan(start, goal, horizon=3)
    assert sorted(shape[0] for shape in encoded) == [1, 3]
    assert not made
    assert len(surrogate.domain.actuators._tensors) == 1


@pytest.mark.parametrize("planner", [GradientSettings(iterations=8), CEMSettings(iterations=8)])
def test_plan_reaches_further_than_doing_nothing_and_can_be_rolled_out(
    surrogate: sciwm.Surrogate, ds: xr.Dataset, planner: GradientSettings | CEMSettings
) -> None:
    settings = surrogate.config.planning.model_copy(update={"planner": planner, "action_weight": 0.0})
    start, goal = ds.isel(time=-1, simulation=[0, 3]), 0 * ds[["u"]].isel(time=0, simulation=0)
    plan = surrogate.plan(start, goal, horizon=3, settings=settings)
    assert plan["forcing"].dims == ("simulation", "time", "actuator")
    assert plan["forcing"].attrs["units"] == "1"
    assert plan["forcing"]["actuator"].values.tolist() == ["jet_0", "jet_1", "jet_2", "jet_3"]
    assert plan["u"].dims == ("simulation", "time", "x")
    assert plan["predicted_cost"].dims == ("simulation",)
    np.testing.assert_allclose(plan["time"], 5 + np.arange(4) * INTERVAL)
    assert np.isnan(plan["forcing"].isel(time=-1)).all()
    assert (abs(plan["forcing"].isel(time=slice(0, -1))) <= 1).all()
    again = surrogate.rollout(start, plan["forcing"])
    xr.testing.assert_allclose(again["u"], plan["u"])
    at_goal = surrogate.decode(surrogate.encode(goal))["u"]

    def cost(flow: xr.Dataset) -> xr.DataArray:
        return ((flow["u"] - at_goal) ** 2).mean("x").isel(time=slice(1, None)).sum("time")

    np.testing.assert_allclose(cost(plan), plan["predicted_cost"], rtol=1e-4)
    nothing = surrogate.rollout(start, 0 * plan["forcing"].isel(time=slice(0, -1)))
    assert (cost(plan) < cost(nothing)).all()


@pytest.mark.parametrize(
    "mode", [torch.inference_mode, torch.no_grad, lambda: torch.autocast("cpu", dtype=torch.bfloat16)]
)
def test_all_verbs_give_the_same_bits_in_every_mode_of_torch(
    surrogate: sciwm.Surrogate, run: Path, ds: xr.Dataset, mode: Callable[[], AbstractContextManager[object]]
) -> None:
    """Servers and evaluation loops set a mode around everything; loaded in it, a model plans outside too."""
    start, rest = ds.isel(simulation=0, time=0), 0 * ds[["u"]].isel(simulation=0, time=0)

    def verbs(model: sciwm.Surrogate) -> list[xr.Dataset]:
        latent = model.encode(start)
        rolled = model.rollout(start, forcing=ds["action"].isel(simulation=0))
        return [latent.to_dataset(), model.decode(latent), rolled, model.plan(start, target=rest, horizon=3)]

    wanted = verbs(surrogate)
    with mode():
        within = sciwm.load(run)
        found = [*verbs(surrogate), *verbs(within)]
    for one, other in zip([*found, *verbs(within)], wanted * 3, strict=True):
        xr.testing.assert_identical(one, other)


def test_plan_for_one_state_uses_the_configured_horizon(surrogate: sciwm.Surrogate, ds: xr.Dataset) -> None:
    plan = surrogate.plan(ds.isel(time=0, simulation=0), ds.isel(time=5, simulation=1))
    assert plan["forcing"].dims == ("time", "actuator")
    assert plan.sizes["time"] == surrogate.config.planning.horizon + 1
    assert plan["predicted_cost"].ndim == 0


def test_plans_that_make_no_sense(surrogate: sciwm.Surrogate, ds: xr.Dataset) -> None:
    lines = told(lambda: surrogate.plan(ds, ds.isel(time=0), horizon=0))
    assert len(lines) == 3
    for part in ("fields: time: expected one instant", "horizon: expected at least one", "target.isel(simulation=0)"):
        assert any(part in line for line in lines), lines


def test_fields_and_forcing_must_be_numbers(surrogate: sciwm.Surrogate, ds: xr.Dataset) -> None:
    """Text, truth values, duplicates, lost times and taken names are told before anything is computed."""
    start, forcing = ds[["u"]].isel(time=0), ds["action"].isel(time=slice(0, 4))
    for change in (lambda d: d.astype(str), lambda d: d.astype(complex), lambda d: d > 0, lambda d: d.astype(object)):
        assert "expected real numbers" in told(lambda change=change: surrogate.encode(change(start)))[0]
        assert "expected real numbers" in told(lambda change=change: surrogate.rollout(start, change(forcing)))[0]
    assert "'simulation'" in told(lambda: surrogate.encode(start.isel(simulation=[])))[0]
    assert "empty dimension 'time'" in told(lambda: surrogate.rollout(ds.isel(time=[]), forcing))[0]
    assert "at least one interval" in told(lambda: surrogate.rollout(start, forcing.isel(time=[])))[0]
    assert "no dimension 'actuator'" in told(lambda: surrogate.encode(start.expand_dims(actuator=4)))[0]
    assert "no dimension 'latent'" in told(lambda: surrogate.rollout(start, forcing.expand_dims(latent=4)))[0]
    assert (
        "time: expected one number, got nan"
        in told(lambda: surrogate.rollout(start.assign_coords(time=np.nan), forcing))[0]
    )
    wrong = told(lambda: surrogate.rollout(start, forcing.assign_coords(simulation=[0, 1, 2, 9, 4, 5, 6, 7])))
    assert wrong == ["forcing: simulation: expected the 8 labels of the fields, got 9 where the fields have 3"]


def test_actuators_are_never_guessed(surrogate: sciwm.Surrogate, ds: xr.Dataset) -> None:
    """Names and numbers in any order are the same actuators; other labels are refused, not read as they stand."""
    start, forcing = ds[["u"]].isel(time=0), ds["action"].isel(time=slice(0, 4))
    plain = surrogate.rollout(start, forcing.drop_vars("actuator", errors="ignore"))["u"]
    names = list(surrogate.domain.actuators.names)
    for labels in (names, list(range(len(names)))):
        turned = forcing.assign_coords(actuator=labels).isel(actuator=slice(None, None, -1))
        np.testing.assert_array_equal(surrogate.rollout(start, turned)["u"], plain)
    for labels in ([str(j) for j in range(len(names))], [n.upper() for n in names], range(1, len(names) + 1)):
        (line,) = told(lambda labels=labels: surrogate.rollout(start, forcing.assign_coords(actuator=list(labels))))
        assert line.startswith(f"forcing: actuator: expected the labels {', '.join(names)}, or 0 to {len(names) - 1}")


def test_bounds_are_met_in_single_precision(surrogate: sciwm.Surrogate, ds: xr.Dataset) -> None:
    """A plan at a limit of 123.4567 is one that can be rolled out; beyond it is not."""
    box = surrogate.domain.actuators
    wide = ActionBox(box.names, 123.4567 * np.sign(box.low), 123.4567 * np.sign(box.high), box.units)
    domain = replace(surrogate.domain, actuators=wide)
    forcing = xr.DataArray(np.full((2, len(box)), np.float32(123.4567)), dims=("time", "actuator"))
    assert check_forcing(forcing, domain) == []
    assert "got 123.58" in str(check_forcing(1.001 * forcing, domain)[0])


def test_names_of_results_are_taken(surrogate: sciwm.Surrogate, ds: xr.Dataset) -> None:
    """A dimension or a coordinate of that name would hide them."""
    start, forcing = ds[["u"]].isel(time=0), ds["action"].isel(time=slice(0, 4))
    assert (
        "no dimension 'energy', a name that is taken"
        in told(lambda: surrogate.rollout(start.rename(simulation="energy"), forcing.rename(simulation="energy")))[0]
    )
    latent = surrogate.encode(start)
    for name in ("x", "u", "energy"):
        assert (
            f"latent: expected no dimension '{name}'"
            in told(lambda name=name: surrogate.decode(latent.rename(simulation=name)))[0]
        )
    assert "no coordinate 'forcing', a name" in told(lambda: surrogate.encode(start.assign_coords(forcing=1.0)))[0]


def test_settings_are_looked_at_though_copied(surrogate: sciwm.Surrogate, ds: xr.Dataset) -> None:
    """``model_copy`` takes everything."""
    start = ds.isel(time=0, simulation=0)
    planner = surrogate.config.planning.planner.model_copy(update={"iterations": -1, "rate": 1})
    wrong = {"planner": planner, "horizn": 1, "action_weight": -5}
    settings = surrogate.config.planning.model_copy(update=wrong)
    lines = told(lambda: surrogate.plan(start, start, settings=settings))
    for name in ("planner.iterations", "planner.rate", "horizn", "action_weight"):
        assert any(f"planning.{name}" in line for line in lines), name
    other = surrogate.config.planning.model_copy(update={"planner": "foo"})
    assert (
        "planning.planner.kind: expected 'gradient' or 'cem'"
        in told(lambda: surrogate.plan(start, start, settings=other))[0]
    )
    assert any("did you mean 'horizon'?" in line for line in lines)


@pytest.mark.parametrize("horizon", [1.5, True, float("nan"), "3"])
def test_horizons_are_whole_numbers(surrogate: sciwm.Surrogate, ds: xr.Dataset, horizon: object) -> None:
    """No fraction of an interval can be planned."""
    start = ds.isel(time=0, simulation=0)
    (line,) = told(lambda: surrogate.plan(start, start, horizon=horizon))  # type: ignore[arg-type]
    assert line == f"horizon: expected a whole number of intervals, got {horizon!r}"


@pytest.mark.parametrize("horizon", [10_001, 10**9, 2**70])
def test_horizons_without_end_are_told_before_memory_is(
    surrogate: sciwm.Surrogate, ds: xr.Dataset, horizon: int
) -> None:
    start = ds.isel(time=0, simulation=0)
    (line,) = told(lambda: surrogate.plan(start, start, horizon=horizon))
    assert line.startswith(f"horizon: expected at most 10000 intervals, got {horizon}; memory and time grow with")
    settings = surrogate.config.planning.model_copy(update={"horizon": 20_000})
    (line,) = told(lambda: surrogate.plan(start, start, settings=settings))
    assert "planning.horizon: expected at most 10000 intervals, got 20000" in line


def test_other_kinds_of_arguments(surrogate: sciwm.Surrogate, ds: xr.Dataset) -> None:
    """Everything else than what is asked for is told by its type."""
    start = ds.isel(time=0, simulation=0)
    assert "PlanningSettings, got dict" in told(lambda: surrogate.plan(start, start, settings={}))[0]  # type: ignore[arg-type]
    assert "an xarray.DataArray, got Dataset" in told(lambda: surrogate.decode(ds))[0]  # type: ignore[arg-type]
    assert "path of a run folder, got NoneType" in told(lambda: sciwm.load(None))[0]  # type: ignore[arg-type]
    assert len(told(lambda: sciwm.evaluate(ds["u"], None))) == 2  # type: ignore[arg-type]


def test_targets_are_resolved_and_at_rest(surrogate: sciwm.Surrogate, ds: xr.Dataset) -> None:
    """A linear law holds nothing that moves on by itself."""
    start = ds.isel(time=0, simulation=0)
    assert "target: x: expected at least 14 points, got 8" in told(lambda: surrogate.plan(start, waves(8)))[0]
    settings = surrogate.config.planning.model_copy(update={"terminal": "riccati"})
    (line,) = told(lambda: surrogate.plan(start, waves(32), settings=settings))
    assert line.startswith("target: expected a target that stays where it is without action, got a change of ")
    assert line.endswith("choose settings with terminal='none'")


@pytest.mark.parametrize("terminal", ["riccati", "none"])
def test_targets_beyond_imagination_are_told(surrogate: sciwm.Surrogate, ds: xr.Dataset, terminal: str) -> None:
    """A target too large for the latents is to blame itself, and not the start."""
    start, settings = ds.isel(time=0, simulation=0), surrogate.config.planning.model_copy(update={"terminal": terminal})
    (line,) = told(lambda: surrogate.plan(start, 1e38 * waves(32), settings=settings))
    assert line.startswith(
        "target: expected fields that the model can represent, got values that are not finite; give a"
    )
    assert "u about" in line


@pytest.mark.parametrize("size", [1e6, 1e25])
def test_no_message_counts_what_is_not_a_number(surrogate: sciwm.Surrogate, ds: xr.Dataset, size: float) -> None:
    settings = surrogate.config.planning.model_copy(update={"terminal": "riccati"})
    (line,) = told(lambda: surrogate.plan(ds.isel(time=0, simulation=0), size + waves(32), settings=settings))
    assert line.startswith("target: expected ")
    assert "nan" not in line


def test_imagination_without_bounds_is_told(surrogate: sciwm.Surrogate, ds: xr.Dataset) -> None:
    """No forecast holds NaN: far from the data the model knows nothing."""
    start = ds[["u"]].isel(time=0, simulation=0)
    far = start.assign(u=1e30 * start["u"])
    for call in (
        lambda: surrogate.rollout(far, ds["action"].isel(simulation=0)),
        lambda: surrogate.plan(far, 0 * start),
        lambda: surrogate.encode(1e300 * start.astype(float)),
    ):
        (line,) = told(call)
        assert "expected a finite forecast, got values that are not finite" in line
        assert "give fields within the training range, u about" in line


# The object and the module --------------------------------------------------------------------


def test_printing_shows_what_the_model_expects(surrogate: sciwm.Surrogate) -> None:
    text = repr(surrogate)
    for part in ("tiny", "u (velocity) [1]", "32 points, period 22", "0.25", "4: jet_0, jet_1", "-1 to 1 [1]"):
        assert part in text
    for part in ("energy, mass", "13 numbers", "1.25e-01 of persistence"):
        assert part in text


def test_load_accepts_text_and_tells_what_is_missing(run: Path, tmp_path: Path) -> None:
    assert sciwm.load(str(run)).model.latent_size == 13
    assert "expected a trained model, got nothing there" in told(lambda: sciwm.load(tmp_path / "none"))[0]


def test_module_lists_its_face() -> None:
    assert {"load", "evaluate", "Surrogate", "InputError"} <= set(dir(sciwm))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        sciwm.nothing  # type: ignore[attr-defined]  # noqa: B018


# Scores ---------------------------------------------------------------------------------------


@pytest.fixture
def truth() -> xr.Dataset:
    """A wave that grows: u = (1 + t) cos x for two amplitudes, and its energy."""
    x = xr.DataArray(np.arange(16) * 2 * np.pi / 16, dims="x")
    time = xr.DataArray([0.0, 0.1, 0.2], dims="time")
    amplitude = xr.DataArray([1.0, 2.0], dims="simulation", coords={"simulation": [7, 8]})
    u = (amplitude * (1 + time) * np.cos(x)).assign_coords(time=time, x=x).assign_attrs(units="m")
    return xr.Dataset({"u": u, "energy": ((u**2).mean("x") / 2).assign_attrs(units="m2")})


def test_scores_are_the_closed_forms(truth: xr.Dataset) -> None:
    """A forecast that is 10 % too large, where <u^2> = var u = (1 + t)^2 / 2 for the first amplitude."""
    scores = sciwm.evaluate(1.1 * truth, truth)
    assert scores["rmse"].dims == ("variable", "simulation", "time")
    u = scores.sel(variable="u", simulation=7)
    growth = 1 + truth["time"].values
    np.testing.assert_allclose(u["rmse"], 0.1 * growth / np.sqrt(2))
    np.testing.assert_allclose(u["nrmse"], 0.1)
    np.testing.assert_allclose(u["vrmse"], 0.1)
    np.testing.assert_allclose(u["skill"][1:], 1 - (0.1 * growth[1:] / truth["time"].values[1:]) ** 2)
    assert np.isnan(u["skill"][0])
    energy = scores.sel(variable="energy", simulation=8)
    np.testing.assert_allclose(energy["nrmse"], 0.1)
    assert np.isnan(energy["vrmse"]).all()
    assert scores["variable_units"].values.tolist() == ["m", "m2"]


def test_perfect_and_persistent_forecasts(truth: xr.Dataset) -> None:
    perfect = sciwm.evaluate(truth, truth)
    assert (perfect["skill"].isel(time=slice(1, None)) == 1).all()
    assert (perfect["rmse"] == 0).all()
    persistent = sciwm.evaluate(truth.isel(time=0).expand_dims(time=truth["time"]), truth)
    assert (abs(persistent["skill"].isel(time=slice(1, None))) < 1e-12).all()


def test_scores_align_by_name_and_time(truth: xr.Dataset) -> None:
    """Order of dimensions, longer truths, rounded times and one of several simulations."""
    expected = sciwm.evaluate(1.1 * truth, truth).isel(time=[1, 2], simulation=[1])
    part = (1.1 * truth).isel(time=[1, 2], simulation=[1]).transpose("x", "time", ...)
    part = part.assign_coords(time=part["time"] + 1e-9)
    with pytest.warns(UserWarning, match="1 of the 3 times of the truth that the forecast has not"):
        scores = sciwm.evaluate(part, truth)
    np.testing.assert_allclose(scores["rmse"], expected["rmse"])
    assert np.isnan(scores["skill"].isel(time=0)).all()  # persistence starts where the forecast does
    ensemble = (1.1 * truth).expand_dims(realization=3)
    assert sciwm.evaluate(ensemble, truth)["rmse"].sizes["realization"] == 3


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_forecast_that_blew_up_is_infinitely_wrong_from_then_on(truth: xr.Dataset, value: float) -> None:
    """One of two simulations is lost at the last instant, at a single point; no mean leaves it out."""
    gone = (truth["x"] == 0) & (truth["simulation"] == 8) & (truth["time"] == 0.2)
    whole = sciwm.evaluate(1.1 * truth, truth)
    scores = sciwm.evaluate((1.1 * truth).assign(u=1.1 * truth["u"].where(~gone, value)), truth)
    xr.testing.assert_allclose(scores.sel(time=[0.0, 0.1]), whole.sel(time=[0.0, 0.1]))
    xr.testing.assert_allclose(scores.sel(simulation=7).drop_vars("skill"), whole.sel(simulation=7).drop_vars("skill"))
    lost = scores.sel(variable="u", time=0.2)
    assert np.isposinf(lost[["rmse", "nrmse", "vrmse"]].mean("simulation").to_array()).all()
    assert np.isneginf(lost["skill"])


def test_truth_is_finite_where_it_is_compared(truth: xr.Dataset) -> None:
    """What is not is counted and placed by its coordinates; instants beyond the forecast do not matter."""
    spoilt = truth.assign(u=truth["u"].where((truth["time"] < 0.2) | (truth["x"] > 1)))
    (line,) = told(lambda: sciwm.evaluate(truth, spoilt))
    got = f"got {2 * 3} that are not, the first at simulation=7, time=0.2, x=0; fill or drop them"
    assert line == f"truth: u: expected finite values, {got}"
    with pytest.warns(UserWarning, match="leaves out"):
        sciwm.evaluate(truth.isel(time=[0, 1]), spoilt)
    assert len(told(lambda: sciwm.evaluate(truth, truth * np.nan))) == 2
    assert told(lambda: sciwm.evaluate(truth.astype(str), truth))[0].startswith("forecast: u: expected real numbers")


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda t: t.rename(u="v", energy="e"), "expected variables over time as in the forecast (u "),
        (lambda t: t.assign_coords(time=t.time + 10), "truth: time: expected times of the forecast, 0 to 0.2, got 10"),
        (lambda t: t.isel(x=slice(0, 8)), "truth: x: expected the 16 points of the forecast"),
        (lambda t: t.assign_coords(x=t.x + 0.1), "interpolate one to the grid of the other"),
        (lambda t: t.assign_coords(simulation=[1, 2]), "truth: simulation: expected labels of the forecast"),
        (lambda t: t.expand_dims(member=2), "select one, as truth.isel(member=0)"),
        (lambda t: t.drop_vars("time"), "truth: expected a coordinate 'time', got none"),
    ],
)
def test_truths_that_do_not_match(change: Callable[[xr.Dataset], xr.Dataset], part: str, truth: xr.Dataset) -> None:
    assert part in told(lambda: sciwm.evaluate(truth, change(truth)))[0]


def test_forecast_of_a_stored_trajectory_can_be_scored(surrogate: sciwm.Surrogate, lazy: xr.Dataset) -> None:
    scores = sciwm.evaluate(surrogate.rollout(lazy.isel(time=0), lazy["action"]), lazy)
    assert scores["rmse"].chunks is not None
    assert scores["variable"].values.tolist() == ["u", "energy", "mass"]
    assert np.isfinite(scores["nrmse"].sel(variable="u").mean("simulation")).all()
