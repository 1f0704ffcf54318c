"""Plans for models of measured data: bounded optima, limits that are kept exactly, and how far plans leave the data."""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from foreign_flows import told
from scipy.optimize import lsq_linear

from sciwm.config import CEMSettings, GradientSettings, PlanningSettings
from sciwm.dynamics import readout_trajectory, rollout
from sciwm.model import WorldModel
from sciwm.planning import Imagined, Limits, effort, leaving_data, region_target
from sciwm.surrogate import Surrogate

HORIZON = 4
FORCINGS = ["power", "flow"]
THOROUGH = PlanningSettings(planner=GradientSettings(iterations=150, learning_rate=0.1), terminal="none")


@pytest.fixture(scope="module")
def goal(plate_data: xr.Dataset) -> xr.Dataset:
    """The temperature of a part of the plate."""
    return plate_data[["temp"]].isel(run=2, t=5).where(plate_data["col"] > 0.5)


def test_a_plan_is_the_bounded_least_squares_answer(plate: Surrogate, plate_data: xr.Dataset, goal: xr.Dataset) -> None:
    """The cost of a linear model is a sum of squares, whose least value within bounds is known."""
    bounds = {"power": (1.0, 5.0), "flow": (0.0, 2.0)}
    start = plate_data.isel(t=0, run=0)
    plan = plate.plan(start, goal, HORIZON, settings=THOROUGH, bounds=bounds, departure_weight=0)
    model, box = plate.model, plate.domain.actuators
    state = plate.encode(start).values[None]

    def residual(actions: torch.Tensor) -> np.ndarray[Any, Any]:
        many = torch.from_numpy(state).expand(len(actions), -1)
        states = rollout(model, many, actions.view(-1, HORIZON, 3))
        temp = readout_trajectory(model, states, ["fields"])["fields"][:, :, 0].double().numpy()
        wanted = goal["temp"].values
        away = ((temp - wanted) / 5.0)[:, :, np.isfinite(wanted)] / np.sqrt(np.isfinite(wanted).sum())
        costs = (
            np.sqrt(THOROUGH.action_weight / 3) * actions.view(-1, HORIZON, 3).numpy() / np.maximum(-box.low, box.high)
        )
        return np.concatenate([away.reshape(len(actions), -1), costs.reshape(len(actions), -1)], axis=1)

    at_zero = residual(torch.zeros(1, 12))[0]
    slopes = (residual(torch.eye(12)) - at_zero).T
    low, high = np.tile([1.0, 1.0, 0.0], HORIZON), np.tile([5.0, 5.0, 2.0], HORIZON)
    best = lsq_linear(slopes, -at_zero, bounds=(low, high))
    assert float(plan["predicted_cost"]) == pytest.approx(2 * best.cost, rel=2e-3)
    forcing = np.concatenate([plan["power"].values, plan["flow"].values[:, None]], axis=1)[:-1]
    assert ((forcing >= low[:3] - 1e-5) & (forcing <= high[:3] + 1e-5)).all()


def test_a_plan_has_the_names_of_the_data_and_can_be_rolled_out(
    plate: Surrogate, plate_data: xr.Dataset, goal: xr.Dataset
) -> None:
    plan = plate.plan(plate_data.isel(t=-1), goal, HORIZON)
    assert plan["power"].dims == ("run", "t", "heater")
    assert plan["power"]["heater"].values.tolist() == ["north", "south"]
    assert plan["power"].attrs["units"] == "W"
    assert plan["flow"].dims == ("run", "t")
    assert plan["departure"].dims == ("run", "t")
    np.testing.assert_allclose(plan["t"], 6 + 0.5 * np.arange(HORIZON + 1))
    assert plan["power"].isel(t=-1).isnull().all()
    again = plate.rollout(plate_data.isel(t=-1), plan[FORCINGS])
    np.testing.assert_allclose(again["temp"], plan["temp"], rtol=1e-5)
    on = plate.plan(plan.isel(t=1), goal, 2)  # with the parameters that it holds
    assert on.sizes["t"] == 3


@pytest.mark.parametrize(
    "planner", [GradientSettings(iterations=20), CEMSettings(iterations=3, samples=32, elites=4, deviation=0.5)]
)
def test_limits_are_kept_exactly(
    plate: Surrogate, plate_data: xr.Dataset, goal: xr.Dataset, planner: GradientSettings | CEMSettings
) -> None:
    settings = PlanningSettings(planner=planner, terminal="none", action_weight=0.0)
    air = xr.DataArray(
        [0.5, 0.7, 0.1, 1.5, 0.3, 0.2, 0.2], dims="t", coords={"t": plate_data["t"]}, attrs={"units": "m/s"}
    )
    limits = {
        "bounds": {"power": ([0.0, 1.0], [5.0, 4.0])},
        "max_change": {"power": [0.75, 1.25]},
        "given": {"flow": air},
        "previous": {"power": plate_data["power"].isel(t=1), "flow": 0.5},
    }
    plan = plate.plan(plate_data.isel(t=2), 3 * goal, HORIZON, settings=settings, **limits)
    power = plan["power"].isel(t=slice(0, -1)).astype(float)
    assert float(power.min()) >= 0
    assert float(power.isel(heater=1).min()) >= 1.0 - 1e-6
    assert (power.max(["run", "t"]) <= [5.0, 4.0]).all()
    before = plate_data["power"].isel(t=1).clip([0.0, 1.0], [5.0, 4.0]).astype(float)
    changes = abs(xr.concat([before.drop_vars("t"), power.drop_vars("t")], dim="t").diff("t")).max(["run", "t"])
    assert (changes <= [0.75, 1.25]).all()
    assert (changes > [0.7, 1.0]).all()  # or the limit would not be tried
    np.testing.assert_allclose(plan["flow"].isel(t=slice(0, -1)), np.tile(air.values[2:6], (3, 1)), rtol=1e-6)


def test_limits_are_differentiated_through() -> None:
    """An action that is held back passes its gradient on to the one before."""
    limits = Limits(-1.0, 1.0, torch.tensor([0.5]), torch.tensor([[0.0]]))
    wanted = torch.tensor([[[0.2], [1.0], [1.0]]], requires_grad=True)
    followed = limits.followed(wanted)
    assert followed.flatten().tolist() == pytest.approx([0.2, 0.7, 1.0])
    (gradient,) = torch.autograd.grad(followed[0, 1, 0], wanted)
    assert gradient.flatten().tolist() == [1.0, 0.0, 0.0]


def test_a_penalty_keeps_plans_near_the_data(plate: Surrogate, plate_data: xr.Dataset, goal: xr.Dataset) -> None:
    """Towards a target that lies far away; the penalty is on by default, and can be left out."""
    far = goal + 40
    brief = PlanningSettings(planner=GradientSettings(iterations=30), terminal="none")
    free = plate.plan(plate_data.isel(t=0), far, HORIZON, settings=brief, departure_weight=0)
    near = plate.plan(plate_data.isel(t=0), far, HORIZON, settings=brief, departure_weight=1e3)
    assert float(free["departure"].max()) > 1.2
    beyond = [float((p["departure"].isel(t=slice(1, None)) - 1).clip(min=0).sum()) for p in (free, near)]
    assert beyond[1] < 0.5 * beyond[0]
    usual = plate.plan(plate_data.isel(t=0), far, HORIZON, settings=brief)
    assert float(usual["predicted_cost"].sum()) > float(free["predicted_cost"].sum())


def test_wider_bounds_than_those_of_the_data_are_told(
    plate: Surrogate, plate_data: xr.Dataset, goal: xr.Dataset
) -> None:
    with pytest.warns(UserWarning, match=r"extrapolates: power.north from 0 to 12 \(data: 0 to 8\), power.south"):
        plan = plate.plan(plate_data.isel(t=0), goal + 40, HORIZON, bounds={"power": (0, 12)})
    assert 8 < float(plan["power"].max()) <= 12


def test_costs_are_what_they_say_and_can_be_pickled(plate_model: WorldModel) -> None:
    statistics = plate_model.statistics
    assert statistics is not None
    fields = torch.full((1, 2, 2, 4, 5), 31.0)
    target = torch.full((2, 4, 5), torch.nan)
    target[0, 0, :2] = torch.tensor([30.0, 33.0])
    states = statistics.mean + torch.tensor([0.0, 100.0])[None, :, None] * torch.ones(4)
    states = torch.cat([states, torch.zeros(1, 2, 1)], dim=2)
    actions = torch.tensor([[[-1.0, 0.0, -1.0], [1.0, -1.0, 1.0]]])
    imagined = Imagined(states, {"fields": fields}, actions, actions[:, 0])
    beyond = float(statistics.departure(states[0, 1:, :4])) - 1
    costs = {
        region_target(target, torch.tensor([5.0, 1.0])): 2 * (1 / 25 + 4 / 25) / 2,
        effort(plate_model.actuators): ((0.5**2 + 1 / 9) + (1 + 1)) / 3,
        leaving_data(statistics, 4): beyond**2,
    }
    for cost, expected in costs.items():
        assert float(pickle.loads(pickle.dumps(cost))(imagined)) == pytest.approx(expected, rel=1e-4)  # noqa: S301


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"bounds": {"heat": (0, 1)}}, ["bounds: heat: expected one of power, flow, got 'heat'"]),
        ({"bounds": (0, 5)}, ["bounds: expected values by name, of power, flow, got tuple; as {'power': ...}"]),
        ({"bounds": {"power": (5, 0)}}, ["bounds: power: expected finite bounds, low below high [W], got (5, 0)"]),
        ({"bounds": {"power": 5}}, ["bounds: power: expected a lower and an upper bound [W], got 5"]),
        ({"max_change": {"power": 0}}, ["max_change: power: expected a positive number [W] for each interval"]),
        (
            {"given": {"flow": xr.DataArray([1.0, 2.0], dims="t")}, "max_change": {"flow": 1.0}},
            [
                "given: flow: t: expected 4 intervals, as the plan, got 2",
                "max_change: flow: expected none, as it is given",
            ],
        ),
        ({"given": {"flow": "wind"}}, ["given: flow: expected an xarray.DataArray over time [m s-1], or a number"]),
        ({"previous": {"flow": 1.0}}, ["previous: expected all of power, flow, got flow"]),
        (
            {"previous": {"power": 8.0, "flow": 1.0}, "bounds": {"power": (0, 2)}, "max_change": {"power": 1.0}},
            [
                "previous: power.north: expected a value from which",
                "previous: power.south: expected a value from which",
            ],
        ),
        ({"departure_weight": -1}, ["departure_weight: expected a number, at least 0, got -1"]),
        (
            {"target": lambda g: g.rename(temp="heat")},
            ["target: expected some of the variables temp, strain, got heat"],
        ),
        ({"target": lambda g: g * np.nan}, ["target: expected finite values where something is to be reached"]),
        (
            {"target": lambda g: g.drop_vars("run").expand_dims(run=2)},
            ["target: temp: expected no dimension beside space, got ['run']"],
        ),
        ({"settings": PlanningSettings()}, ["settings: planning.terminal: expected none for data of others"]),
        (
            {"horizon": 0, "target": lambda g: g["temp"]},
            ["horizon: expected at least one", "target: expected an xarray."],
        ),
    ],
)
def test_what_is_wrong_with_a_request_is_told(
    plate: Surrogate, plate_data: xr.Dataset, goal: xr.Dataset, arguments: dict[str, Any], expected: list[str]
) -> None:
    change: Callable[[xr.Dataset], Any] = arguments.get("target", lambda g: g)
    options = {"horizon": HORIZON} | {name: value for name, value in arguments.items() if name != "target"}
    lines = told(lambda: plate.plan(plate_data.isel(t=0), change(goal), **options))
    assert len(lines) == len(expected), lines
    assert all(part in line for part, line in zip(expected, lines, strict=True)), lines
