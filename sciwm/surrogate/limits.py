"""Checks of what a model can be asked for: planning settings, finite forecasts, targets that it can hold."""

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sciwm.config import Config, PlanningSettings, Section, parse_config
from sciwm.data import Domain
from sciwm.errors import InputError, Problem
from sciwm.model import WorldModel
from sciwm.surrogate.mapping import Array

AT_REST = 0.05  # largest relative change in an interval of a target that counts as at rest

UNFORCED = "as intervals=40: nothing acts on these data, so that no forcing says how long a forecast is"

LONGEST_PLAN = 10_000
"""The most intervals of a plan. A gradient keeps all states on the way: about a gigabyte here for a small latent."""


def planning_of(settings: Any, config: Config, horizon: Any) -> tuple[PlanningSettings, list[Problem]]:
    """The planning settings: those asked for or, by default, those of the run, with the horizon asked for."""
    problems = []
    if settings is not None and not isinstance(settings, PlanningSettings):
        remedy = "use model.config.planning.model_copy(update={...})"
        problems.append(Problem("settings", "sciwm.config.PlanningSettings", type(settings).__name__, remedy))
    chosen = config.planning
    if isinstance(settings, PlanningSettings):  # model_copy does not validate
        try:
            chosen = parse_config(config.model_dump() | {"planning": _plain(settings)}, where="settings").planning
        except InputError as error:
            problems += error.problems
    if horizon is None:
        return chosen, problems + _horizon_problems(chosen.horizon, "settings: planning.horizon")
    if isinstance(horizon, bool | np.bool_) or not isinstance(horizon, numbers.Integral):
        problems.append(Problem("horizon", "a whole number of intervals", repr(horizon)))
    elif horizon < 1:
        problems.append(Problem("horizon", "at least one interval", str(horizon)))
    elif int(horizon) > LONGEST_PLAN:
        problems += _horizon_problems(int(horizon), "horizon")
    else:
        chosen = chosen.model_copy(update={"horizon": int(horizon)})
    return chosen, problems


def intervals_of(intervals: Any, remedy: str = UNFORCED) -> tuple[int, list[Problem]]:
    """The length of a forecast, and what is wrong with it."""
    if isinstance(intervals, bool | np.bool_) or not isinstance(intervals, numbers.Integral) or intervals < 1:
        return 1, [Problem("intervals", "a whole number, at least 1", repr(intervals), remedy)]
    return int(intervals), []


def _horizon_problems(horizon: int, place: str) -> list[Problem]:
    """A problem if a plan would take more memory and time than anybody has."""
    if horizon <= LONGEST_PLAN:
        return []
    remedy = "memory and time grow with every interval: plan fewer, apply the first actions, observe and plan again"
    return [Problem(place, f"at most {LONGEST_PLAN} intervals", str(horizon), remedy)]


def _plain(section: Section) -> dict[str, Any]:
    """A section as plain data, valid or not."""
    return {key: _plain(value) if isinstance(value, Section) else value for key, value in vars(section).items()}


def require_finite(results: Sequence[Array], instants: int, domain: Domain) -> None:
    """Refuse a block of a forecast or of latents that is not finite, whether it is computed now or later.

    A model is stable only near its training data, so the remedy names their range.

    Args:
        results: Arrays ``(..., *core)``.
        instants: How many dimensions come before the core, if the last of them is the time of a forecast; else 0.
        domain: The domain of the model.

    Raises:
        InputError: With the first interval that is not finite, if there are times.
    """
    bad = [~np.isfinite(values) for values in results]
    if not any(b.any() for b in bad):
        return
    got = "values that are not finite"
    if instants:
        wrong = [b.any(axis=tuple(i for i in range(b.ndim) if i != instants - 1)) for b in bad]
        got += f" at interval {int(np.argmax(np.any(wrong, axis=0)))}"
    raise InputError([Problem("fields", "a finite forecast", got, f"give fields within {_training_range(domain)}")])


def _training_range(domain: Domain) -> str:
    about = ", ".join(f"{v.name} about {v.mean:.3g} +- {v.deviation:.3g} [{v.units}]" for v in domain.variables)
    return f"the training range, {about}"


@torch.no_grad()
def goal_problems(model: WorldModel, target: Tensor, state: Tensor, *, at_rest: bool) -> list[Problem]:
    """Whether a model can represent a target and, if asked, keeps it at rest without action, or the least allowed.

    The linear law of a planner is an expansion about a state at rest, and is wrong about any other.

    Args:
        target: Physical fields ``(variable, *space)``.
        state: The encoded target, ``(1, size)``.
        at_rest: Whether the target must be at rest: change by less than 5 % in an interval.
    """
    states = [state]
    if at_rest:
        states.append(model.advance(state, model.actuators.clamp(state.new_zeros(1, len(model.actuators)))))
    imagined = [model.readout(s, ["fields"])["fields"][0].double() for s in states]
    if not all(fields.isfinite().all() for fields in imagined):
        remedy = f"give a target within {_training_range(model.domain)}"
        return [Problem("target", "fields that the model can represent", "values that are not finite", remedy)]
    if not at_rest:
        return []
    before, moved = imagined
    deviations = model.variable_deviation.flatten().to(before)
    size = torch.maximum(target.double().square().flatten(1).mean(dim=1).sqrt(), AT_REST * deviations)
    change = float(((moved - before).square().flatten(1).mean(dim=1).sqrt() / size).max())
    if change < AT_REST:
        return []
    expected = "a target that stays where it is without action"
    got = f"a change of {100 * change:.3g} % per interval"
    return [Problem("target", expected, got, "choose settings with terminal='none'")]
