"""What the page says and shows of each part of the evaluation that has a section of its own."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import xarray as xr

from sciwm.evaluation_parts import EVALUATION_PARTS
from sciwm.report.budget_figures import budgets_over_time
from sciwm.report.contents import Results
from sciwm.report.drawing import Illustration
from sciwm.report.effect_figures import effect_over_lead_time, gradients_over_horizon
from sciwm.report.error_bar_figures import damages_noticed, error_bars_over_lead_time
from sciwm.report.held_out_figures import errors_over_lead_time, use_of_forcings
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


def _scores(results: Results, scores: xr.Dataset) -> list[Illustration]:
    if results.config.source is not None:
        return [errors_over_lead_time(scores)]
    return [scores_over_lead_time(scores)]


def _shifts(results: Results, together: xr.Dataset) -> list[Illustration]:
    figures = []
    for name in map(str, together["shift"].values):
        errors = together.sel(shift=name, drop=True)
        errors["factor"].attrs["long_name"] = f"{name.replace('_', ' ')}, as a multiple of that in the data"
        figures.append(error_under_shift(errors, f"{name}_shift", float(together["slope"].attrs["lead_time"])))
    return figures


SECTIONS: dict[str, PartSection] = {
    "budgets": PartSection(
        "Budgets under unseen actions",
        "Forecasts under new actions of the full range that change in every interval, as none in the training data do: "
        "the error of the changes of functionals, and their distance from the budgets that the model states, in "
        "deviations of the true changes.",
        lambda results, errors: [budgets_over_time(errors)],
    ),
    "scores": PartSection(
        "Scores by variable",
        "VRMSE is the root mean square error over the spatial deviation of the truth: predicting the spatial mean has "
        "1. Skill is 1 minus the mean square error over that of persistence: predicting no change has 0.",
        _scores,
    ),
    "effects": PartSection(
        "Effects of actions",
        "The difference between two futures of one state under two sequences of actions, imagined against true. A "
        "model that ignores the actions has an error of 1; one that uses them does worse when given wrong ones.",
        lambda results, effects: [effect_over_lead_time(effects)],
    ),
    "forcings": PartSection(
        "Use of the forcing",
        "No solver knows what other forcings would have done, so forecasts are checked for consistency: with a wrong "
        "forcing they must be worse. Where they are not, the model does not use it, or it matters little in the data.",
        lambda results, found: use_of_forcings(found),
    ),
    "gradients": PartSection(
        "Gradients with respect to actions",
        "Planning by gradients needs a cosine near 1 with the true gradient over its horizon. Beyond a Lyapunov time "
        "the true gradient itself grows without bound and is of little use.",
        _gradients,
    ),
    "long_run": PartSection(
        "Long runs",
        "No forecast of a chaotic flow is right for so long, but its statistics can be. Compare distances from the "
        "truth with those between true runs, and mind the share of runs that blew up, which more substeps of the "
        "predictor (model.predictor.substeps) often lower.",
        _long_runs,
    ),
    "resolution": PartSection(
        "Latents on finer grids",
        "The latent of a field should not depend on the grid that samples it, as long as the grid resolves it.",
        lambda results, errors: [error_over_grids({WHOSE: errors})],
    ),
    "refined_control": PartSection(
        "Control of a finer simulation",
        "The same planning, executed by a simulation on more points than the model was trained on.",
        lambda results, controlled: [control_over_grids(controlled)],
    ),
    "shifts": PartSection(
        "Shifts outside the data",
        "The model is not told of the shift, so errors grow where the physics changes. Read slopes with the errors "
        "themselves: a model that is nearly exact without the shift has a steep slope.",
        _shifts,
    ),
    "probing": PartSection(
        "Probing of the latent",
        "Probes are regressions from the latent to functionals and phases. The untrained encoder and the principal "
        "components of the fields show what needs no learning. An R² within simulations of 0 is that of the mean of "
        "each simulation.",
        lambda results, found: [readable_from_latents(found), readable_over_lead_time(found)],
    ),
    "functionals": PartSection(
        "Functionals read from the latent",
        "Ridge regressions from the latent to the numbers over time that the files hold, fitted to training runs and "
        "tested on held-out ones. An R² of 0 is that of their mean.",
        lambda results, found: [],  # few numbers, which stand in the table
    ),
    "surprise": PartSection(
        "Violations of physics",
        "Violations of physics should have an AUROC near 1, and possible flows one of 0.5. Where the share of false "
        "alarms is far from what was allowed, the test simulations are too few to set the threshold.",
        lambda results, found: [surprise_by_violation(found), detection_over_size(found)],
    ),
    "uncertainty": PartSection(
        "Error bars",
        "Every forecast can carry bands that should hold 50 and 90 % of the truth. They come from an ensemble and were "
        "calibrated by the validation set; the fewer runs it holds, the more the coverage of others may differ.",
        lambda results, scores: [error_bars_over_lead_time(scores)],
    ),
    "flags": PartSection(
        "Damaged records",
        "Records with faults of sensors, files and statements, of about the size of what is forecast. All should have "
        "an AUROC near 1 where two records after each other are given, and sound ones should rarely be flagged.",
        lambda results, found: [damages_noticed(found)],
    ),
}
"""Of all parts but the forecasts, which the page itself shows."""


READINGS_OF_FILES = {
    "scores": "Root mean square errors in the units of the data, weighed by the cells of the grid; where a field does "
    "not exist, nothing counts. Skill is 1 minus the mean square error over that of persistence, or of climatology, "
    "which is the mean field of the training data.",
}
"""How to read parts that are measured in another way where data come from files."""


def section_of(part: str, *, files: bool = False) -> PartSection:
    """The section of a part; one that has none in ``SECTIONS`` is shown by its purpose and its measures.

    Args:
        part: The part.
        files: Whether the data come from files.
    """
    if files and part in READINGS_OF_FILES:
        return replace(SECTIONS[part], reading=READINGS_OF_FILES[part])
    plain = PartSection(_sentence(part.replace("_", " ")), f"{_sentence(EVALUATION_PARTS[part])}.", lambda *_: [])
    return SECTIONS.get(part, plain)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
