"""The rules for what the true simulation shows: budgets, effects of actions, gradients, climate, grids and shifts."""

import numpy as np
import xarray as xr

from sciwm.errors import counted
from sciwm.evaluation import VALID_ERROR, bootstrap_ratio_interval
from sciwm.evaluation.climate import share_blown_up
from sciwm.evaluation.suite import Measure, median_of, root_mean_square_of
from sciwm.report.contents import Results
from sciwm.report.drawing import TIME_UNITS
from sciwm.report.finding import Finding, at_most, highest, lower_end, upper_end
from sciwm.report.numbers import in_text
from sciwm.report.rule import Rule, between, groups_of

BUDGET_ERROR = 0.1
"""Of the deviation of true changes: predicting the mean change has an error of 1."""
EFFECT_ERROR = 0.25
"""A quarter of the error of a model that ignores the actions."""
MISALIGNMENT = 0.05
"""Of 1 - cosine: an angle of 18 degrees, at which a step still descends almost as fast as possible."""
NORM_FACTOR = 2.0
"""A gradient whose norm is wrong by more makes steps of the wrong size."""
CLIMATE_RATIO = 1.5
"""Two true runs differ by a ratio of 1; the rest is what the model adds."""
GRID_CHANGE = 0.01
"""Of the norm of the latent: below the errors of most forecasts, above rounding (about 1e-6)."""


def budgets(results: Results, errors: xr.Dataset) -> Finding:
    """Error of changes of the functional that is worst, under actions that the data never hold."""
    size = (errors["change_error"] ** 2).mean("time", skipna=False) ** 0.5
    starts = np.arange(errors.sizes["sample"])
    measures = [
        root_mean_square_of(f"error of changes of {name}", size.sel(functional=name), starts, nan_as=np.inf)
        for name in map(str, errors["functional"].values)
    ]
    return at_most(BUDGET_ERROR, highest(measures), "predicting the mean change: 1; the true solver: 0")


def effects(results: Results, found: xr.Dataset) -> Finding:
    """Error of the effect of exchanging actions, for the worse kind of actions."""
    last = found["effect_error"].isel(time=-1)
    lead = f"at lead time {float(last['time']):g} {TIME_UNITS}"

    def error(alternative: str, given: str) -> Measure:
        values = last.sel(alternative=alternative, given=given)
        return median_of(
            f"error of the effect of {alternative} actions {lead}", values, groups_of(found), nan_as=np.inf
        )

    worst = highest(error(str(a), "right") for a in found["alternative"].values)
    wrong = [error(str(a), "shuffled").value for a in found["alternative"].values if "shuffled" in found["given"]]
    compared = "ignoring the actions: 1" + (f"; shuffled actions: {in_text(min(wrong))}" if wrong else "")
    return at_most(EFFECT_ERROR, worst, compared)


def gradients(results: Results, agreement: xr.Dataset) -> Finding:
    """Direction of the gradient over the planning horizon, and its norm."""
    horizon = results.config.planning.horizon * results.domain.control_interval
    near = agreement.sel(horizon=horizon, method="nearest")
    when = f"over {float(near['horizon']):g} {TIME_UNITS}"
    measure = median_of(
        f"1 − cosine with the true gradient {when}", 1 - near["cosine"], groups_of(agreement), nan_as=np.inf
    )
    norm = median_of("norm over the true one", near["norm_ratio"], groups_of(agreement), nan_as=np.inf)
    chance = 1 - float(near["cosine_shuffled"].median())
    compared = f"another sample's true gradient: {in_text(chance)}; {norm.meaning}: {in_text(norm.value)}"
    surely = lower_end(norm) >= 1 / NORM_FACTOR and upper_end(norm) <= NORM_FACTOR
    wrong = "" if surely else f"its norm is {in_text(norm.value)}{between(norm)} times the true one"
    return at_most(MISALIGNMENT, measure, compared, also=wrong)


def long_run(results: Results, runs: xr.Dataset) -> Finding:
    """Distance of statistics from the truth, over the distance between true runs, and runs that blew up."""
    blown = float(share_blown_up(runs).sel(run="model"))
    lost = f"{in_text(100 * blown)} % of the runs blew up" if blown else ""
    measures, between = [], {}
    for key, what, unit in (
        ("spectral_distance", "spectra", "dB"),
        ("histogram_distance", "distributions", "deviations"),
    ):
        for name in map(str, runs["variable"].values) if key in runs else ():
            pair = runs[key].sel(variable=name).dropna("sample")
            model, true = (pair.sel(run=run).values for run in ("model", "simulation"))
            if model.size and true.mean() > 0:
                meaning = f"distance of {what} of {name} from the truth, over that between true runs"
                interval = bootstrap_ratio_interval(model, true) if model.size > 1 else None
                measures.append(Measure(meaning, float(model.mean() / true.mean()), interval))
                between[meaning] = f"true runs among themselves: 1 ({in_text(float(true.mean()))} {unit})"
    if not measures:
        # Runs are counted, as below: the interval of a share reaches above 0 however many runs there are.
        share = Measure(f"share of {counted(runs.sizes['sample'], 'run')} that blew up", blown)
        return at_most(0.0, share, "true runs: 0; there is no distance between them to compare with")
    worst = highest(measures)
    return at_most(CLIMATE_RATIO, worst, between[worst.meaning], also=lost)


def resolution(results: Results, errors: xr.Dataset) -> Finding:
    """Change of the latent on the grid where it is largest."""
    groups = errors["simulation"] if "simulation" in errors else np.arange(errors.sizes["sample"])
    measures = [
        median_of(
            f"relative change of the latent on {grid} points",
            errors["encoding_error"].sel(grid=grid),
            groups,
            nan_as=np.inf,
        )
        for grid in map(str, errors["grid"].values)
    ]
    return at_most(GRID_CHANGE, highest(measures), "the latent on the model's own grid: 0; rounding: about 10⁻⁶")


def shifts(results: Results, errors: xr.Dataset) -> Finding:
    """Error under the shift that is worst, early enough for chaos not to hide it."""
    lead = float(errors["slope"].attrs.get("lead_time", errors["time"][-1]))
    at = errors.sel(time=lead, method="nearest")

    def error(shift: str, factor: float) -> Measure:
        meaning = f"normalised error under {shift.replace('_', ' ')} × {factor:g} at lead time {lead:g} {TIME_UNITS}"
        return median_of(meaning, at["nrmse"].sel(shift=shift, factor=factor), groups_of(errors), nan_as=np.inf)

    pairs = [(str(s), float(f)) for s in errors["shift"].values for f in errors["factor"].values]
    shifted = {pair: error(*pair) for pair in pairs if pair[1] != 1}
    worst = highest(shifted.values())
    shift, factor = next(pair for pair, measure in shifted.items() if measure is worst)
    still = float(at["nrmse_persistence"].sel(shift=shift, factor=factor).median())
    unshifted = f"without the shift: {in_text(error(shift, 1.0).value)}; " if (shift, 1.0) in pairs else ""
    return at_most(VALID_ERROR, worst, f"{unshifted}persistence: {in_text(still)}; unrelated states: about 1.4")


SIMULATION_RULES: dict[str, Rule] = {
    "budgets": Rule(
        f"at most {BUDGET_ERROR:g} deviations of the true change, for every functional", ("change_error",), budgets
    ),
    "effects": Rule(
        f"at most {EFFECT_ERROR:g}, for slow and for fast actions", ("effect_error", "alternative", "given"), effects
    ),
    "gradients": Rule(
        f"at most {MISALIGNMENT:g} over the planning horizon, and a norm within a factor of {NORM_FACTOR:g}",
        ("cosine", "cosine_shuffled", "norm_ratio"),
        gradients,
    ),
    "long_run": Rule(
        f"at most {CLIMATE_RATIO:g} times the distance between true runs, and no run blows up",
        ("blow_up_time", "histogram_distance", "density", "functional_distance"),
        long_run,
    ),
    "resolution": Rule(f"at most {GRID_CHANGE:g} of the latent's norm, on every grid", ("encoding_error",), resolution),
    "shifts": Rule(
        f"at most {VALID_ERROR:g}, the error of a valid forecast, under every shift",
        ("nrmse", "nrmse_persistence", "slope", "shift"),
        shifts,
    ),
}
