"""The plan of a user's forcing: what is to be reached, within which limits, and what the model predicts of it."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from sciwm.config import GradientSettings, PlanningSettings
from sciwm.data import Domain, numbers_problems
from sciwm.data.checks import grid_problems
from sciwm.data.times import flow_times
from sciwm.data.units import converted
from sciwm.errors import Problem
from sciwm.planning import (
    CEMPlanner,
    Cost,
    GradientPlanner,
    Limits,
    action_rate,
    build_planner,
    effort,
    leaving_data,
    planner_of,
    region_target,
)
from sciwm.surrogate.beginnings import as_given, start_of
from sciwm.surrogate.coding import advanced, decoded, departure_of, encoded
from sciwm.surrogate.extrapolation import parameters_outside
from sciwm.surrogate.forcing_names import apart
from sciwm.surrogate.inputs import target_of
from sciwm.surrogate.limits import goal_problems, planning_of, require_finite
from sciwm.surrogate.mapping import Array, from_batch, map_blocks, to_batch
from sciwm.surrogate.plan_limits import PlanLimits, limits_of
from sciwm.surrogate.schedules import Schedule

if TYPE_CHECKING:
    from sciwm.surrogate.surrogate import Surrogate

HELD = "action, held over the interval that starts here"
CORES = (2, 2, 1)
"""The dimensions of low, high and previous actions that a planner sees."""

ITERATIONS = 60
"""Steps of gradient descent where there is no linear law to begin from."""


@dataclass(frozen=True)
class Aim:
    """What a plan minimises, and how.

    Args:
        settings: Planner, horizon and weights.
        cost: The cost.
        planner: Finds the actions.
    """

    settings: PlanningSettings
    cost: Cost
    planner: GradientPlanner | CEMPlanner


def is_of_others(domain: Domain) -> bool:
    """Whether a model was trained on the data of others, whose actions are scaled about their mean."""
    return bool(domain.action_means)


def aim_of(
    surrogate: "Surrogate", target: Any, settings: Any, horizon: Any, departure_weight: float | None
) -> tuple[Aim | None, list[Problem]]:
    """What a plan minimises, and all problems."""
    model, domain, others = surrogate.model, surrogate.domain, is_of_others(surrogate.domain)
    chosen, problems = planning_of(settings, surrogate.config, horizon)
    weight, wrong = _departure_weight(surrogate, departure_weight)
    problems += wrong
    if others:
        if settings is None:
            chosen = chosen.model_copy(update={"planner": GradientSettings(iterations=ITERATIONS), "terminal": "none"})
        if chosen.terminal != "none":
            remedy = "choose settings with terminal='none'"
            problems.append(Problem("settings: planning.terminal", "none for data of others", "riccati", remedy))
        goal, wrong = _free_target(surrogate, target)
        if problems or wrong:
            return None, problems + wrong
        sizes = torch.tensor([v.size for v in domain.variables])
        cost = region_target(torch.from_numpy(goal), sizes) + chosen.action_weight * effort(domain.actuators)
        cost = cost + chosen.rate_weight * action_rate() if chosen.rate_weight else cost
        return Aim(chosen, _staying(surrogate, cost, weight), planner_of(chosen)), []
    goal, wrong = target_of(target, domain)
    wrong = wrong or surrogate.resolution_problems(dict(zip(domain.dimensions, goal.shape[1:], strict=True)), "target")
    if wrong:
        return None, problems + wrong
    fields = torch.from_numpy(goal)
    state = model.encode(fields[None])
    problems += goal_problems(model, fields, state, at_rest=chosen.terminal != "none")
    if problems:
        return None, problems
    planner, cost = build_planner(chosen, model, fields, goal=state)
    return Aim(chosen, _staying(surrogate, cost, weight), planner), []


def _staying(surrogate: "Surrogate", cost: Cost, weight: float) -> Cost:
    statistics = surrogate.model.statistics
    if not weight or statistics is None:
        return cost
    return cost + weight * leaving_data(statistics, surrogate.model.latent_size)


def _departure_weight(surrogate: "Surrogate", given: float | None) -> tuple[float, list[Problem]]:
    known = surrogate.model.statistics is not None
    if given is None:
        return float(is_of_others(surrogate.domain) and known), []
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given < np.inf:
        return 0.0, [Problem("departure_weight", "a number, at least 0", repr(given))]
    if given and not known:
        got = "none, as it was trained by an older version, or its latent is too large"
        return 0.0, [
            Problem("departure_weight", "a model with statistics of its latent", got, "leave it out, or use 0")
        ]
    return float(given), []


def _free_target(surrogate: "Surrogate", target: Any) -> tuple[NDArray[np.float32], list[Problem]]:
    """A target ``(variable, *space)`` that is NaN where fields may take any value."""
    domain, nothing = surrogate.domain, np.zeros(0, np.float32)
    inside, problems = surrogate.names.inside(target, "target", filled=False)
    if not isinstance(inside, xr.Dataset):
        return nothing, [Problem("target", "an xarray.Dataset", type(target).__name__, "as ds[['name']]")]
    named = [v for v in domain.variables if v.name in inside]
    if not named:
        names = ", ".join(v.name for v in domain.variables)
        return nothing, [Problem("target", f"some of the variables {names}", ", ".join(map(str, inside.data_vars)))]
    whole = np.full((len(domain.variables), *domain.shape), np.nan, np.float32)
    for v in named:
        place, array = f"target: {v.name}", inside[v.name]
        array = array.isel(time=0) if array.sizes.get("time") == 1 else array
        extra = [str(d) for d in array.dims if d not in domain.dimensions]
        wrong = numbers_problems(array, place)
        if extra:
            remedy = f"choose one with target.isel({', '.join(f'{d}=0' for d in extra)})"
            wrong.append(Problem(place, "no dimension beside space", f"{extra}", remedy))
        if not wrong:
            array, wrong = converted(array.astype(float), v.units, place)
        problems += wrong
        over = {d: n for d, n in zip(domain.dimensions, domain.shape, strict=True) if d not in array.dims}
        sizes = {a.name: a.num_points for a in domain.axes if array.sizes.get(a.name, a.num_points) != a.num_points}
        if wrong or sizes:
            problems += [Problem(f"{place}: {d}", f"{n} points", str(array.sizes[d])) for d, n in sizes.items()]
            continue
        with np.errstate(over="ignore"):
            values = array.expand_dims(over).transpose(*domain.dimensions).values.astype(np.float32)
        whole[domain.variables.index(v)] = values
    for axis in domain.axes:
        if axis.name in inside.dims and axis.name in inside.coords:
            problems += grid_problems(inside, axis, "target")
    if surrogate.names.valid is not None:
        whole[~surrogate.names.valid] = np.nan
    if not problems and (np.isinf(whole).any() or np.isnan(whole).all()):
        got = "infinite ones" if np.isinf(whole).any() else "none"
        problems.append(Problem("target", "finite values where something is to be reached, else NaN", got))
    return whole, problems


def planned(
    surrogate: "Surrogate",
    ds: Any,
    target: Any,
    horizon: Any,
    settings: Any,
    asked: Mapping[str, Any],
    departure_weight: float | None,
) -> xr.Dataset:
    """See ``Surrogate.plan``; ``asked`` has bounds, given, max_change and previous, as far as they are set."""
    model, domain, names = surrogate.model, surrogate.domain, surrogate.names
    start, problems = start_of(surrogate, ds)
    aim, wrong = aim_of(surrogate, target, settings, horizon, departure_weight)
    asked = {**asked, **{name: names.each_inside(asked[name]) for name in ("given", "previous")}}
    limits = None
    if any(value is not None for value in asked.values()):
        intervals = aim.settings.horizon if aim else planning_of(None, surrogate.config, horizon)[0].horizon
        limits, unfit = limits_of(domain, start, intervals, **asked)
        wrong = wrong + unfit
    names.raise_if(problems + wrong)
    if aim is None:
        raise AssertionError("no aim and no problem")
    start = start.compute()
    for note in parameters_outside(start, domain):
        warnings.warn(f"{note}.", stacklevel=4)
    state = encoded(model, start)
    forcing, cost = searched(surrogate, state, aim, limits)
    schedule = Schedule(forcing, flow_times(start, aim.settings.horizon, domain))
    latents = advanced(model, state, schedule)
    plan = decoded(model, latents).assign_attrs(surrogate.attributes("forecast"))
    padded = forcing.pad(time=(0, 1)).assign_coords(time=plan["time"], actuator=list(domain.actuators.names))
    padded.attrs = {"units": domain.actuators.units, "long_name": HELD}
    acting = apart(padded, domain) if domain.forcings else xr.Dataset({"forcing": padded})
    plan = plan.assign(acting.data_vars).assign_coords(acting.coords)
    plan["predicted_cost"] = cost.assign_attrs(units="1", long_name="cost of the plan as the model predicts it")
    if model.statistics is not None:
        plan["departure"] = departure_of(model, latents, model.statistics)
    return as_given(surrogate, plan, start, ds)


def searched(
    surrogate: "Surrogate", start: xr.DataArray, aim: Aim, limits: PlanLimits | None
) -> tuple[xr.DataArray, xr.DataArray]:
    """The forcing that was found, over (..., time, actuator) and physical, and its cost."""
    model, settings = surrogate.model, aim.settings

    def search(latents: Array, *bounds: Array) -> tuple[Array, ...]:
        shapes = [b.shape[: b.ndim - n] for b, n in zip(bounds, CORES, strict=False)]
        leading = np.broadcast_shapes(latents.shape[:-1], *shapes)
        state = to_batch(latents, leading, 1)
        found = _planner(aim, limits, bounds, leading).plan(model, state, aim.cost)
        results = from_batch(found.actions, leading), from_batch(found.predicted_cost, leading)
        require_finite(results, 0, surrogate.domain)
        return results

    sizes = {"time": settings.horizon, "actuator": len(surrogate.domain.actuators)}
    state = start.drop_vars("time", errors="ignore").transpose(..., "latent")
    arrays, reads = [state], [["latent"]]
    if limits is not None:
        arrays += [limits.low, limits.high]
        reads += [["time", "actuator"]] * 2
        if limits.previous is not None:
            arrays.append(limits.previous)
            reads.append(["actuator"])
    forcing, predicted = map_blocks(search, arrays, reads, [["time", "actuator"], []], sizes)
    return forcing, predicted


def _planner(
    aim: Aim, limits: PlanLimits | None, bounds: tuple[Array, ...], leading: tuple[int, ...]
) -> GradientPlanner | CEMPlanner:
    if limits is None:
        return aim.planner
    tensors = [to_batch(b, leading, n) for b, n in zip(bounds, CORES, strict=False)]
    change = None if limits.max_change is None else torch.from_numpy(limits.max_change).float()
    previous = tensors[2] if len(tensors) > 2 else None
    return replace(aim.planner, limits=Limits(tensors[0], tensors[1], change, previous))
