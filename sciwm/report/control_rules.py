"""The rules for plans, executed by the true simulation."""

import numpy as np
import xarray as xr

from sciwm.evaluation import bootstrap_ratio_interval, early_distance, relative_reduction
from sciwm.evaluation.suite import Measure
from sciwm.report.contents import Results
from sciwm.report.drawing import TIME_UNITS
from sciwm.report.finding import NOT_APPLICABLE, Finding, at_least, at_most
from sciwm.report.numbers import in_text
from sciwm.report.rule import Rule

REDUCTION_LOST = 0.05
"""Of the reduction of the distance on the model's own grid."""
RELATIVE_REDUCTION = 0.9
"""Share of what gradient planning through the true solver achieves."""


def refined_control(results: Results, controlled: xr.Dataset) -> Finding:
    """Share of the reduction of the distance that is lost where plans are executed on a finer grid."""
    coarse, fine = (controlled["saving"].sel(grid=grid).values for grid in ("coarse", "fine"))
    points = [str(controlled["points"].sel(grid=grid).item()) for grid in ("coarse", "fine")]
    if not coarse.mean() > 0:
        return Finding(NOT_APPLICABLE, None, "", "plans reduce nothing on the model's own grid")
    interval = bootstrap_ratio_interval(coarse - fine, coarse)
    share = float((coarse - fine).mean() / coarse.mean())
    measure = Measure(f"share of the reduction that is lost on {points[1]} points", share, interval)
    return at_most(REDUCTION_LOST, measure, f"the same plans on the model's own {points[0]} points: 0")


def control(results: Results, controlled: xr.Dataset) -> Finding:
    """Relative reduction of the distance from the target, and episodes that blew up."""
    names = [str(n) for n in controlled["controller"].values]
    if "none" not in names or "adjoint" not in names:
        return Finding(NOT_APPLICABLE, None, "", "it needs the controllers 'none' and 'adjoint' to compare with")
    early = early_distance(controlled, first=results.config.control.first)
    none, ours, best = (early.sel(controller=n).values for n in ("none", "world_model", "adjoint"))
    value = relative_reduction(float((none - ours).mean()), float((none - best).mean()), float(none.mean()))
    if value is None:
        return Finding(NOT_APPLICABLE, None, "", "gradients through the true solver reduce nothing either")
    interval = bootstrap_ratio_interval(none - ours, none - best)
    measure = Measure(f"relative reduction over the first {results.first_window:g} {TIME_UNITS}", value, interval)
    blown = int(np.isinf(ours).sum())
    lost = f"{blown} of {len(ours)} episodes blew up" if blown else ""
    compared = (
        f"no control: 0 (mean square distance {in_text(float(none.mean()))}); gradients through the true solver: 1 "
        f"({in_text(float(best.mean()))}); world model: {in_text(float(ours.mean()))}"
    )
    return at_least(RELATIVE_REDUCTION, measure, compared, also=lost)


CONTROL_RULES: dict[str, Rule] = {
    "refined_control": Rule(f"at most {REDUCTION_LOST:g}", ("saving", "points", "distance"), refined_control),
    "control": Rule(
        f"at least {RELATIVE_REDUCTION:g} of the reduction by gradients through the true solver, and no episode "
        "blows up",
        ("distance",),
        control,
    ),
}
