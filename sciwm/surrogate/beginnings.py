"""What a forecast begins with: fields of one instant, parameters and a schedule of actions; and the forecast of it."""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import xarray as xr

from sciwm.errors import Problem
from sciwm.surrogate.coding import advanced, decoded, encoded
from sciwm.surrogate.extrapolation import actions_outside, parameters_outside
from sciwm.surrogate.forcing_names import is_unforced, no_forcing, side_by_side
from sciwm.surrogate.forecast_errors import forecast_with_errors
from sciwm.surrogate.inputs import instant_of
from sciwm.surrogate.limits import intervals_of
from sciwm.surrogate.run_parameters import parameter_attributes, with_parameters
from sciwm.surrogate.schedules import NOTHING, Schedule, held_forcing
from sciwm.uncertainty import require_uncertainty

if TYPE_CHECKING:
    from sciwm.surrogate.surrogate import Surrogate


@dataclass(frozen=True)
class Beginning:
    """All that a forecast is made of.

    Args:
        start: Fields of one instant, and the parameters of the runs.
        schedule: The actions and the times.
        notes: What is to be told of it: why it ends early, and what the training data do not hold.
        problems: What keeps it from being forecast; without any, the rest may be used.
    """

    start: xr.Dataset
    schedule: Schedule
    notes: tuple[str, ...]
    problems: list[Problem]

    def tell(self, stacklevel: int) -> None:
        """Warn of what is to be told, once."""
        for note in self.notes:
            warnings.warn(f"{note}.", stacklevel=stacklevel + 1)


def start_of(surrogate: "Surrogate", ds: Any, where: str = "fields") -> tuple[xr.Dataset, list[Problem]]:
    """Fields and parameters of one instant, and all problems."""
    inside, problems = surrogate.names.inside(ds, where)
    start, wrong = instant_of(inside, surrogate.domain, where)
    start, lacking = with_parameters(start, inside, surrogate.domain, where)
    return start, problems + wrong + lacking + surrogate.resolution_problems(start.sizes, where)


def beginning_of(surrogate: "Surrogate", ds: Any, forcing: Any, intervals: Any = None) -> Beginning:
    """What a user gave as the beginning of a forecast; see ``Surrogate.rollout``."""
    domain, names = surrogate.domain, surrogate.names
    start, problems = start_of(surrogate, ds)
    if forcing is None and is_unforced(domain):
        count, wrong = intervals_of(intervals)
        forcing, intervals = no_forcing(count), None
    else:
        forcing, wrong = names.inside(forcing, "forcing")
    forcing, unnamed = side_by_side(forcing, domain)
    if wrong + unnamed:
        return Beginning(start, NOTHING, (), names.told(problems + wrong + unnamed))
    schedule, of_forcing = held_forcing(forcing, start, domain, intervals=intervals)
    problems = names.told(problems + of_forcing)
    if problems:
        return Beginning(start, schedule, (), problems)
    unusual = parameters_outside(start, domain) + actions_outside(schedule.forcing, domain)
    return Beginning(start, schedule, (*schedule.notes, *unusual), [])


def forecast_of(surrogate: "Surrogate", beginning: Beginning, kind: str | None, like: xr.Dataset) -> xr.Dataset:
    """The forecast.

    Args:
        surrogate: The model.
        beginning: Without problems.
        kind: The errors that it carries, see ``Surrogate.rollout``.
        like: What the start was read from, whose names and grids are kept.
    """
    model, start, schedule = surrogate.model, beginning.start, beginning.schedule
    state = encoded(model, start)
    if kind is None:
        made = decoded(model, advanced(model, state, schedule), may_end=True)
    else:
        known = require_uncertainty(surrogate.uncertainty, "uncertainty")
        made = forecast_with_errors(model, known, start, state, schedule, kind)
    told = {"comment": ". ".join(beginning.notes)} if beginning.notes else {}
    return as_given(surrogate, made.assign_attrs(surrogate.attributes("forecast") | told), start, like)


def as_given(surrogate: "Surrogate", result: xr.Dataset, start: xr.Dataset, like: Any) -> xr.Dataset:
    """A result with the parameters of its start, and the names and grids of the user's Dataset."""
    own = {p.name: start[p.name].assign_attrs(parameter_attributes(p)) for p in surrogate.domain.parameters}
    return surrogate.names.outside(result.assign(own), like)
