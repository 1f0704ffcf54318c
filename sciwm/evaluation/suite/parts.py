"""The parts of an evaluation by name: how each is measured, what it depends on, and where it does not apply."""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sciwm.config import Config
from sciwm.errors import Problem, raise_if
from sciwm.evaluation.suite.context import EvaluationContext
from sciwm.evaluation.suite.error_bars import measure_flags, measure_uncertainty
from sciwm.evaluation.suite.grids import measure_refined_control, measure_resolution
from sciwm.evaluation.suite.imagination import measure_budgets, measure_long_run, measure_scores, measure_test_set
from sciwm.evaluation.suite.interventions import (
    measure_effects,
    measure_forcings,
    measure_gradients,
    measure_shifts,
)
from sciwm.evaluation.suite.latents import (
    FEWEST_SIMULATIONS,
    measure_functionals,
    measure_probing,
    measure_surprise,
)
from sciwm.evaluation.suite.measures import Outcome
from sciwm.evaluation_parts import EVALUATION_PARTS, OF_FILES
from sciwm.uncertainty import why_none
from simulations.generate import Progress

NEEDS_SIMULATOR = "it needs a simulator, and the data come from files"
"""Why a part is left out of the evaluation of data from files."""


FOR_FILES = "it is for data from files, and another part compares with the simulator"
"""Why a part is left out of the evaluation of simulated data."""


def _always(context: EvaluationContext) -> str:
    return ""


def _simulator(context: EvaluationContext) -> str:
    return "" if context.simulation is not None else NEEDS_SIMULATOR


def _periodic(context: EvaluationContext) -> str:
    return _simulator(context) or _on_periodic(context)


def _on_periodic(context: EvaluationContext) -> str:
    return "" if context.is_periodic else "it needs a periodic domain"


def _any_grid(context: EvaluationContext) -> str:
    return _periodic(context) or ("" if context.sees_any_grid else "the model takes fields on its own grid alone")


def _simulations(context: EvaluationContext) -> str:
    count = len(context.test.usable)
    if context.simulation is None:
        return _simulator(context)
    return "" if count >= FEWEST_SIMULATIONS else f"it needs {FEWEST_SIMULATIONS} test simulations, there are {count}"


def _forced_records(context: EvaluationContext) -> str:
    if context.simulation is not None:
        return FOR_FILES
    return "" if context.model.domain.forcings else "the data have no forcings"


def _with_functionals(context: EvaluationContext) -> str:
    if context.test.roles is None:
        return FOR_FILES
    return "" if context.test.roles.functionals else "the data hold no functionals (source.functionals names them)"


def _probed(context: EvaluationContext) -> str:
    short = "" if context.test.intervals >= 3 else "it needs test simulations of at least 3 intervals"
    return _periodic(context) or _simulations(context) or short


def _error_bars(context: EvaluationContext) -> str:
    without = why_none(context.model) or "the model has no calibrated errors; 'sciwm train RUN' makes them"
    return "" if context.uncertainty is not None else without


@dataclass(frozen=True)
class EvaluationPart:
    """One part of an evaluation.

    Args:
        measure: Measures it.
        obstacle: Says why it does not apply; empty if it does.
        depends_on: Keys of the configuration, beside the part's own section, that its result depends on.
    """

    measure: Callable[[EvaluationContext, Progress], Outcome]
    obstacle: Callable[[EvaluationContext], str] = _always
    depends_on: Sequence[str] = ()


PARTS: dict[str, EvaluationPart] = {
    "rollouts": EvaluationPart(measure_test_set, depends_on=("evaluation.steps",)),
    "budgets": EvaluationPart(measure_budgets, _simulator, depends_on=("control.episodes", "data.warm_up")),
    "scores": EvaluationPart(measure_scores, depends_on=("evaluation.steps",)),
    "effects": EvaluationPart(measure_effects, _simulator),
    "forcings": EvaluationPart(measure_forcings, _forced_records),
    "gradients": EvaluationPart(measure_gradients, _simulator, depends_on=("planning.horizon", "control.target")),
    "long_run": EvaluationPart(measure_long_run, _simulator),
    "resolution": EvaluationPart(measure_resolution, _any_grid),
    "refined_control": EvaluationPart(measure_refined_control, _periodic, depends_on=("planning", "control")),
    "shifts": EvaluationPart(measure_shifts, _simulator),
    "probing": EvaluationPart(measure_probing, _probed),
    "functionals": EvaluationPart(measure_functionals, _with_functionals),
    "surprise": EvaluationPart(measure_surprise, _simulations),
    "uncertainty": EvaluationPart(measure_uncertainty, _error_bars, depends_on=("evaluation.steps", "data.validation")),
    "flags": EvaluationPart(measure_flags, _error_bars, depends_on=("data.validation",)),
}
"""How each of ``EVALUATION_PARTS`` is measured."""


def parts_of(config: Config) -> list[str]:
    """The parts that a configuration asks for, as far as they are for such data."""
    return [name for name in config.evaluation.parts if config.source is not None or name not in OF_FILES]


def check_names(names: Sequence[str], where: str) -> list[str]:
    """Check names of parts, and put them in the order in which they are measured.

    Args:
        names: Names of parts.
        where: Where the names come from, for the message.

    Raises:
        InputError: With the nearest valid name of each that is unknown.
    """
    problems = []
    for name in names:
        if name not in EVALUATION_PARTS:
            close = difflib.get_close_matches(name, EVALUATION_PARTS, n=1)
            remedy = f"did you mean '{close[0]}'?" if close else ""
            problems.append(Problem(where, f"parts among {', '.join(EVALUATION_PARTS)}", f"'{name}'", remedy))
    raise_if(problems)
    return [name for name in EVALUATION_PARTS if name in names]
