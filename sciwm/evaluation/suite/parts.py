"""The parts of an evaluation by name: what makes them, what they depend on, and where they do not apply."""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sciwm.errors import Problem, raise_if
from sciwm.evaluation.suite.context import Setting
from sciwm.evaluation.suite.grids import measure_refined_control, measure_resolution
from sciwm.evaluation.suite.imagination import measure_budgets, measure_long_run, measure_scores, measure_test_set
from sciwm.evaluation.suite.interventions import measure_effects, measure_gradients, measure_shifts
from sciwm.evaluation.suite.latents import FEWEST_SIMULATIONS, measure_probing, measure_surprise
from sciwm.evaluation.suite.measures import Outcome
from simulations.generate import Progress


def _always(setting: Setting) -> str:
    return ""


def _periodic(setting: Setting) -> str:
    return "" if setting.is_periodic else "it needs a periodic domain"


def _any_grid(setting: Setting) -> str:
    return _periodic(setting) or ("" if setting.sees_any_grid else "the model sees its own grid alone")


def _simulations(setting: Setting) -> str:
    count = len(setting.test.usable)
    return "" if count >= FEWEST_SIMULATIONS else f"it needs {FEWEST_SIMULATIONS} test simulations, there are {count}"


def _probed(setting: Setting) -> str:
    short = "" if setting.test.intervals >= 3 else "it needs test simulations of at least 3 intervals"
    return _periodic(setting) or _simulations(setting) or short


@dataclass(frozen=True)
class EvaluationPart:
    """One part.

    Args:
        purpose: what it answers, in a few words.
        measure: makes it.
        obstacle: why it does not apply, empty where it does.
        depends_on: keys of the configuration beside the part's own section whose change makes it anew.
    """

    purpose: str
    measure: Callable[[Setting, Progress], Outcome]
    obstacle: Callable[[Setting], str] = _always
    depends_on: Sequence[str] = ()


PARTS: dict[str, EvaluationPart] = {
    "rollouts": EvaluationPart("test simulations imagined from their first instant", measure_test_set,
                               depends_on=("evaluation.steps",)),
    "budgets": EvaluationPart("budgets under actions never seen", measure_budgets,
                              depends_on=("control.episodes", "data.warm_up")),
    "scores": EvaluationPart("scores of each variable in these", measure_scores, depends_on=("evaluation.steps",)),
    "effects": EvaluationPart("what other actions would have changed", measure_effects),
    "gradients": EvaluationPart("whether gradients point where the true ones do", measure_gradients,
                                depends_on=("planning.horizon", "control.target")),
    "long_run": EvaluationPart("the climate of long runs", measure_long_run),
    "resolution": EvaluationPart("whether the latent depends on the grid", measure_resolution, _any_grid),
    "refined_control": EvaluationPart("plans executed on a finer grid", measure_refined_control, _periodic,
                                      depends_on=("planning", "control")),
    "shifts": EvaluationPart("stronger forcing, another viscosity", measure_shifts),
    "probing": EvaluationPart("what can be read from the latent", measure_probing, _probed),
    "surprise": EvaluationPart("whether the impossible is noticed, and the possible not", measure_surprise,
                               _simulations),
}  # fmt: skip
"""In the order in which they are made and shown."""


def check_names(names: Sequence[str], where: str) -> list[str]:
    """Parts by name, in the order of the table.

    Raises:
        InputError: with the nearest valid name of each that is unknown.
    """
    problems = []
    for name in names:
        if name not in PARTS:
            close = difflib.get_close_matches(name, PARTS, n=1)
            remedy = f"did you mean '{close[0]}'?" if close else ""
            problems.append(Problem(where, f"parts among {', '.join(PARTS)}", f"'{name}'", remedy))
    raise_if(problems)
    return [name for name in PARTS if name in names]
