"""What the page says and shows of each part of the evaluation that has a section of its own."""

from collections.abc import Callable
from dataclasses import dataclass

import xarray as xr

from sciwm.report.budget_figures import budgets_over_time
from sciwm.report.contents import Results
from sciwm.report.drawing import Illustration
from sciwm.report.effect_figures import effect_over_lead_time, gradients_over_horizon
from sciwm.report.long_run_figures import climate, functionals_of_runs
from sciwm.report.probing_figures import readable_from_latents, readable_over_lead_time
from sciwm.report.score_figures import scores_over_lead_time
from sciwm.report.shift_figures import control_over_grids, error_over_grids, error_under_shift
from sciwm.report.surprise_figures import detection_over_size, surprise_by_violation

WHOSE = "world model"


@dataclass(frozen=True)
class PartSection:
    """One section.

    Args:
        title: its heading.
        reading: how to read what follows.
        draw: its figures.
    """

    title: str
    reading: str
    draw: Callable[[Results, xr.Dataset], list[Illustration]]


def _gradients(results: Results, agreement: xr.Dataset) -> list[Illustration]:
    return [gradients_over_horizon({WHOSE: agreement}, results.config.evaluation.lyapunov_exponent)]


def _long_runs(results: Results, runs: xr.Dataset) -> list[Illustration]:
    return [*(climate(runs, str(v)) for v in runs["variable"].values), *functionals_of_runs(runs)]


def _shifts(results: Results, together: xr.Dataset) -> list[Illustration]:
    figures = []
    for name in map(str, together["shift"].values):
        errors = together.sel(shift=name, drop=True)
        errors["factor"].attrs["long_name"] = f"factor of the {name.replace('_', ' ')}"
        figures.append(error_under_shift(errors, f"{name}_shift", float(together["slope"].attrs["lead_time"])))
    return figures


SECTIONS: dict[str, PartSection] = {
    "budgets": PartSection(
        "Budgets under unseen actions",
        "Imagined intervals under fresh full-range actions, which the training data never hold: how wrong changes of "
        "functionals are, and how far from the budgets that the model states, in deviations of the true changes.",
        lambda results, errors: [budgets_over_time(errors)],
    ),
    "scores": PartSection(
        "Scores by variable",
        "A VRMSE of 1 is what the spatial mean of the truth would get; a skill of 0 is no better than saying that "
        "nothing changes.",
        lambda results, scores: [scores_over_lead_time(scores)],
    ),
    "effects": PartSection(
        "What actions change",
        "Who predicts the flow well and ignores the actions has an error of 1 here; given wrong actions, a model that "
        "uses them must do worse than with the right ones.",
        lambda results, effects: [effect_over_lead_time(effects)],
    ),
    "gradients": PartSection(
        "Where gradients point",
        "Planning by gradients needs a cosine near 1 over its horizon; beyond a Lyapunov time even the true gradient "
        "grows without bound and says little about where to go.",
        _gradients,
    ),
    "long_run": PartSection(
        "Long runs",
        "No trajectory can be right for so long: what counts is whether statistics stay those of the truth, and "
        "distances are to be read beside those between true runs and with the share that blew up, which more "
        "substeps of the predictor (model.predictor.substeps) often lower.",
        _long_runs,
    ),
    "resolution": PartSection(
        "The same fields on finer grids",
        "A model that means the function and not its samples has the same latent on every grid that resolves it.",
        lambda results, errors: [error_over_grids({WHOSE: errors})],
    ),
    "refined_control": PartSection(
        "Control of a finer simulation",
        "Plans are made as before but executed on more points; what is lost is what the model owes to its own grid.",
        lambda results, controlled: [control_over_grids(controlled)],
    ),
    "shifts": PartSection(
        "Outside the data",
        "The model is not told of the shift, so errors must grow where the physics changes; a model that is nearly "
        "exact without it has a steep slope, so read slopes with the errors themselves.",
        _shifts,
    ),
    "probing": PartSection(
        "What can be read from the latent",
        "The untrained encoder and the principal components of the fields show what no learning was needed for; an R² "
        "within trajectories of 0 knows no more than which simulation it is.",
        lambda results, found: [readable_from_latents(found), readable_over_lead_time(found)],
    ),
    "surprise": PartSection(
        "What is noticed",
        "Violations should have an AUROC near 1 and controls one half; where the share of false alarms is far from "
        "what was allowed, the test simulations are too few to set the threshold.",
        lambda results, found: [surprise_by_violation(found), detection_over_size(found)],
    ),
}
