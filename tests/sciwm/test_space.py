"""Two space dimensions and walls: stores, axes, forcing shapes and what is told of grids."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

from sciwm.cli.check import check
from sciwm.cli.describe import describe
from sciwm.data import (
    Axis,
    Domain,
    Trajectories,
    Windows,
    axis_in_words,
    axis_of,
    check_fields,
    check_forcing,
    fit_domain,
    open_trajectories,
    position_of,
)
from sciwm.errors import InputError
from sciwm.surrogate.inputs import target_of
from simulations import Actuators, BoundedGrid, boundary_values, build, gaussian_jets, run_episodes
from simulations.base import Simulation
from simulations.equations import BurgersDirichlet, TransportRecirculation
from simulations.generate import Recipe, generate
from simulations.store import TrajectoryStore
from simulations.wrappers import ActuatorLag

VORTICES = {"count": [2, 1], "width": 0.8, "limit": 1.0, "normalization": "peak", "acts_on": "w"}
FLOW: dict[str, Any] = {
    "equation": "navier_stokes_scalar",
    "num_points": [16, 12],
    "domain_extent": [6.0, 4.5],
    "control_interval": 0.1,
    "steps_per_interval": 4,
    "parameters": {"forcing_wavenumber": 2},
    "jets": [VORTICES, {**VORTICES, "count": 1, "acts_on": "c", "name": "dye"}],
}
RECIPE = Recipe(simulations=3, intervals=4, warm_up=2, batch=3)


@pytest.fixture(scope="module")
def flow_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of a two-dimensional flow that carries a scalar."""
    path = tmp_path_factory.mktemp("flow") / "train.zarr"
    generate(build(FLOW), RECIPE, path, settings=FLOW)
    return path


@pytest.fixture(scope="module")
def flow(flow_path: Path) -> Trajectories:
    """The same, opened for learning."""
    return Trajectories(flow_path)


@pytest.fixture(scope="module")
def domain(flow: Trajectories) -> Domain:
    """What a model of it is about."""
    return fit_domain(flow)


@pytest.fixture
def walled(domain: Domain) -> Domain:
    """The same variables between walls along y."""
    x, y = domain.axes
    return replace(domain, axes=(x, replace(y, start=y.spacing / 2, periodic=False)))


@pytest.fixture
def fields(flow_path: Path) -> xr.Dataset:
    """Fields that suit the flow."""
    return open_trajectories(flow_path)[["w", "c"]].load()


def write(simulation: Simulation, path: Path) -> Path:
    """One short episode from rest."""
    store = TrajectoryStore.open_or_create(path, simulation, simulations=1, intervals=2, title="", settings={})
    start = torch.zeros(1, len(simulation.variables), *simulation.grid.shape)
    action = torch.as_tensor(simulation.actuators.high, dtype=torch.float32)[None]
    store.write([0], run_episodes(simulation, start, lambda fields, interval: action, range(2)), simulation)
    return path


def told(call: Callable[[], object]) -> list[str]:
    with pytest.raises(InputError) as caught:
        call()
    return [str(p) for p in caught.value.problems]


# Stores ---------------------------------------------------------------------------------------


def test_a_flow_survives_the_round_trip(flow: Trajectories, domain: Domain) -> None:
    simulation = build(FLOW)
    assert flow.dimensions == domain.dimensions == ("x", "y")
    assert domain.shape == (16, 12)
    assert domain.periodic
    for axis, extent in zip(domain.axes, (6.0, 4.5), strict=True):
        assert axis.extent == pytest.approx(extent)
        np.testing.assert_allclose(axis.coordinates, simulation.grid.coordinates[axis.name])
    assert [v.name for v in flow.variables] == [v.name for v in simulation.variables] == ["w", "c"]
    assert flow.array("w").shape == (3, 5, 16, 12)
    assert Domain.from_json(domain.to_json()).axes == domain.axes
    batch = Windows([flow], domain).draw(np.random.default_rng(0), 2, 3)
    assert batch.fields.shape == (2, 4, 2, 16, 12)
    assert domain.variables[0].deviation == pytest.approx(float(flow.array("w").std()), rel=1e-5)


def test_forcing_shapes_are_what_the_solver_adds(flow: Trajectories) -> None:
    """The derivative of the tendency with respect to the actions."""
    simulation = build(FLOW)
    assert flow.forcing_shapes is not None
    assert flow.forcing_shapes.shape == (3, 2, 16, 12)
    _, response = simulation.rates(torch.zeros(1, 2, 16, 12, dtype=torch.float64))
    np.testing.assert_allclose(flow.forcing_shapes, response[0].numpy(), atol=1e-12)
    assert not flow.forcing_shapes[2, 0].any()  # dye does not stir


@pytest.mark.parametrize(
    "change",
    [
        {
            "equation": "gray_scott",
            "dimensions": 2,
            "parameters": {},
            "jets": {**VORTICES, "acts_on": "feed", "limit": 1e-3},
        },
        {
            "equation": "navier_stokes",
            "jets": None,
            "boxes": {"intervals": [((0, 3), (0, 2))], "limit": 1.0, "impulsive": True},
        },
    ],
    ids=["a parameter", "an impulse"],
)
def test_what_forces_no_variable_has_no_forcing_shape(change: dict[str, Any], tmp_path: Path) -> None:
    """The store keeps the shapes; only that they add to a tendency is not claimed."""
    simulation = build(FLOW | change)
    path = write(simulation, tmp_path / "a.zarr")
    assert open_trajectories(path)["actuator_shape"].values.any()
    assert Trajectories(path).forcing_shapes is None


def test_old_stores_have_periodic_axes_and_no_shapes(flow_path: Path, tmp_path: Path) -> None:
    """Nor do they tell the order of their variables."""
    old = open_trajectories(flow_path).load().drop_vars("actuator_shape")
    del old.attrs["variables"]
    for name in ("x", "y"):
        del old[name].attrs["boundary"]
    del old["actuator"].attrs["acts_on"]
    old.to_zarr(tmp_path / "old.zarr", consolidated=False)
    data = Trajectories(tmp_path / "old.zarr")
    assert all(axis.periodic for axis in data.axes)
    assert data.forcing_shapes is None
    assert [v.name for v in data.variables] == ["c", "w"]


def test_walls_are_kept(tmp_path: Path) -> None:
    """Between walls the grid begins where it begins; what sets a wall has no shape."""
    grid = BoundedGrid.interior(24)
    jets = gaussian_jets(grid, count=2, width=0.1, limit=1.0, offset=0.5)
    arguments: dict[str, Any] = {"parameters": {}, "control_interval": 0.01, "steps_per_interval": 4}
    data = Trajectories(write(BurgersDirichlet(grid, jets, **arguments), tmp_path / "jets.zarr"))
    (axis,) = data.axes
    assert not axis.periodic
    np.testing.assert_allclose(axis.coordinates, grid.coordinates["x"], rtol=1e-12)
    np.testing.assert_array_equal(data.forcing_shapes, jets.shapes[:, None])
    nodes = BoundedGrid.nodes(21)
    plant = TransportRecirculation(nodes, boundary_values(nodes, limit=1.0), **arguments)
    path = write(plant, tmp_path / "wall.zarr")
    assert Trajectories(path).forcing_shapes is None
    assert "actuator_shape" not in open_trajectories(path)
    assert "acts_on" not in open_trajectories(path)["actuator"].attrs


def test_a_lagging_actuator_claims_no_shape() -> None:
    """A command times a shape is not what the flow feels."""
    simulation = build(FLOW)
    assert isinstance(simulation.profiles, Actuators)
    assert ActuatorLag(simulation, 0.5).profiles is None


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda d: d.assign_coords(y=d.y + 1), "y: expected a grid that starts at 0, got 1"),
        (lambda d: d.assign_coords(y=d.y**1.5), "y: expected equispaced points"),
        (lambda d: d.drop_vars("y"), "expected the coordinate 'y', got none"),
        (lambda d: d.assign_coords(y=d.y.assign_attrs(boundary="round")), "y: expected the attribute boundary"),
        (
            lambda d: d.assign(c=d.c.transpose("simulation", "time", "y", "x")),
            "c: expected the dimensions ('simulation', 'time', 'x', 'y'), got ('simulation', 'time', 'y', 'x')",
        ),
        (lambda d: d.assign(w=d.w.expand_dims(z=2, axis=2)), "expected fields over one or two space dimensions"),
    ],
)
def test_broken_grids_are_told(
    change: Callable[[xr.Dataset], xr.Dataset], part: str, flow_path: Path, tmp_path: Path
) -> None:
    dataset = open_trajectories(flow_path).load()
    change(dataset.drop_encoding()).to_zarr(tmp_path / "bad.zarr", consolidated=False)
    assert any(part in line for line in told(lambda: Trajectories(tmp_path / "bad.zarr")))


def test_a_flow_is_described_and_sound(flow_path: Path) -> None:
    assert "x: 16 points, period 6 [1]; y: 12 points, period 4.5 [1]" in describe(flow_path)
    assert "as they were written" in check(flow_path)[0]


# Grids ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [Axis("x", 16, 0.5, units="m"), Axis("y", 9, 0.125, 0.0625, "km", periodic=False)])
def test_axes_are_coordinates_and_back(axis: Axis) -> None:
    assert axis_of(position_of(axis)) == axis


def test_axes_in_words() -> None:
    assert axis_in_words(Axis("x", 16, 0.5, units="m")) == "x: 16 points, period 8 [m]"
    assert axis_in_words(Axis("y", 9, 0.25, 1.0, periodic=False)) == "y: 9 points, from 1 to 3 [1]"


def test_sound_flows_have_no_problems(fields: xr.Dataset, domain: Domain, walled: Domain) -> None:
    assert check_fields(fields, domain) == []
    assert check_fields(fields.transpose("y", "simulation", "x", "time"), domain) == []
    assert check_fields(fields.isel(x=slice(None, None, 2)), domain) == []  # any resolution over the same period
    y = position_of(walled.axes[1])
    assert check_fields(fields.assign_coords(y=y), walled) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda d: d.isel(x=0), ["dataset: w: expected the dimension 'x'", "dataset: c: expected the dimension"]),
        (lambda d: d.assign_coords(x=d.x * 2, y=d.y + 1), ["x: expected a period of 6", "y: expected a grid that"]),
        (
            lambda d: d.assign_coords(y=d.y.assign_attrs(boundary="bounded")),
            ["dataset: y: expected a periodic axis, got boundary 'bounded'"],
        ),
    ],
)
def test_flows_that_do_not_suit(
    change: Callable[[xr.Dataset], xr.Dataset], expected: list[str], fields: xr.Dataset, domain: Domain
) -> None:
    lines = [str(p) for p in check_fields(change(fields), domain)]
    assert len(lines) == len(expected), lines
    assert all(part in line for part, line in zip(expected, lines, strict=True)), lines


@pytest.mark.parametrize(
    ("change", "got"),
    [
        (lambda y: y[:-1], "got 11 from 0.1875 to 3.9375"),
        (lambda y: y + 0.1, "got 12 from 0.2875 to 4.4125"),
        (lambda y: y * 1.1, "got 12 from 0.20625 to 4.74375"),
    ],
)
def test_between_walls_only_the_points_of_the_model_will_do(
    change: Callable[[Any], Any], got: str, fields: xr.Dataset, walled: Domain
) -> None:
    y = change(walled.axes[1].coordinates)
    moved = fields.isel(y=slice(0, len(y))).assign_coords(y=("y", y))
    (line,) = (str(p) for p in check_fields(moved, walled))
    assert line == f"dataset: y: expected 12 points from 0.1875 to 4.3125 [1], {got}; " + (
        "interpolate the fields to the model's grid"
    )


def test_space_is_no_dimension_of_a_forcing(domain: Domain) -> None:
    forcing = xr.DataArray(np.zeros((2, 3, 2)), dims=("time", "actuator", "y"))
    assert "no dimension 'y', a name that is taken" in str(check_forcing(forcing, domain)[0])


def test_targets_come_in_any_order(fields: xr.Dataset, domain: Domain) -> None:
    one = fields.isel(simulation=0, time=0)
    goal, problems = target_of(one.transpose("y", "x"), domain)
    assert not problems
    np.testing.assert_array_equal(goal, np.stack([one["w"].values, one["c"].values]))
    _, (problem,) = target_of(fields.isel(time=0), domain)
    assert "no dimension beside 'x' and 'y'" in str(problem)
