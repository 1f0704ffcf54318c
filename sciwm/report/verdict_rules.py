"""The rules by which the page calls a result good or weak: one threshold and one function for each part."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from sciwm.errors import counted
from sciwm.evaluation import (
    VALID_ERROR,
    bootstrap_interval,
    bootstrap_ratio_interval,
    early_distance,
    relative_reduction,
    valid_prediction_time,
)
from sciwm.evaluation.climate import share_blown_up
from sciwm.evaluation.suite import (
    Measure,
    coverage_of,
    mean_of,
    median_of,
    root_mean_square_of,
    share_of,
    use_of,
)
from sciwm.report.contents import Results
from sciwm.report.drawing import TIME_UNITS, time_unit
from sciwm.report.finding import (
    NOT_APPLICABLE,
    WEAK,
    Finding,
    at_least,
    at_most,
    highest,
    lower_end,
    lowest,
    upper_end,
)
from sciwm.report.numbers import in_text
from sciwm.uncertainty import FALSE_ALARMS, UNLIKE

TIMES_PERSISTENCE = 5.0
"""A forecast is worth its model if it is valid so many times as long as the flow takes to leave its start."""
BUDGET_ERROR = 0.1
"""Of the deviation of true changes: predicting the mean change has an error of 1."""
VRMSE = 0.2
"""Of the spatial deviation of the truth: the spatial mean of the truth has a VRMSE of 1."""
FORCING_USED = 0.8
"""Of the error with a wrong forcing: a model that does not use the forcing has 1."""
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
REDUCTION_LOST = 0.05
"""Of the reduction of the distance on the model's own grid."""
READABLE = 0.5
"""Half of the variance within simulations; 0 is what the mean of each simulation explains."""
NOTICED, UNNOTICED = 0.9, 0.6
"""AUROC that every violation must reach, and that no possible flow may exceed; chance is 0.5."""
MISCOVERED = 0.05
"""Of bands of 90 %: the share of the truth in them may be 85 to 95 %."""
RELATIVE_REDUCTION = 0.9
"""Share of what gradient planning through the true solver achieves."""


@dataclass(frozen=True)
class Rule:
    """How one part is judged.

    Args:
        sentence: when it is good, as the page says it.
        needs: variables without which it can be neither judged nor drawn; results of older versions may lack them.
        judge: makes the finding.
    """

    sentence: str
    needs: tuple[str, ...]
    judge: Callable[[Results, xr.Dataset], Finding]


def forecast(results: Results, rollouts: xr.Dataset) -> Finding:
    """Valid prediction time against that of persistence."""
    exponent = results.config.evaluation.lyapunov_exponent
    factor, unit = (exponent, "Lyapunov times") if exponent else (1.0, time_unit(results.domain.time_units))
    still = valid_prediction_time(rollouts.assign(nrmse=rollouts["nrmse_persistence"])).values * factor
    valid = valid_prediction_time(rollouts).values * factor
    end = float(rollouts["time"][-1]) * factor
    low, high = bootstrap_interval(valid)
    bound = ", at least" if (valid >= end).any() else ""
    measure = Measure(f"valid prediction time{bound}", float(valid.mean()), (low, high), unit)
    compared = f"persistence: {in_text(float(still.mean()))} {unit}; the test ends at {in_text(end)}"
    wanted = min(TIMES_PERSISTENCE * float(still.mean()), end)
    if wanted <= still.mean():
        return Finding(NOT_APPLICABLE, measure, compared, "persistence is valid to the end of the test too")
    return at_least(wanted, measure, compared)


def budgets(results: Results, errors: xr.Dataset) -> Finding:
    """Error of changes of the functional that is worst, under actions that the data never hold."""
    size = (errors["change_error"] ** 2).mean("time", skipna=False) ** 0.5
    starts = np.arange(errors.sizes["sample"])
    measures = [
        root_mean_square_of(f"error of changes of {name}", size.sel(functional=name), starts, nan_as=np.inf)
        for name in map(str, errors["functional"].values)
    ]
    return at_most(BUDGET_ERROR, highest(measures), "predicting the mean change: 1; the true solver: 0")


def scores(results: Results, found: xr.Dataset) -> Finding:
    """VRMSE of the worst variable after a Lyapunov time, or 40 intervals without an exponent."""
    exponent, interval = results.config.evaluation.lyapunov_exponent, results.domain.control_interval
    lead = min(1 / exponent if exponent else 40 * interval, float(found["time"][-1]))
    at = found.sel(time=lead, method="nearest")
    when = f"at lead time {float(at['time']):g} {time_unit(results.domain.time_units)}"
    measures = [
        mean_of(f"VRMSE of {n} {when}", at["vrmse"].sel(variable=n), at["simulation"], nan_as=np.inf)
        for n in map(str, found["variable"].values)
    ]
    return at_most(VRMSE, highest(measures), "the spatial mean of the truth: 1")


def effects(results: Results, found: xr.Dataset) -> Finding:
    """Error of the effect of exchanging actions, for the worse kind of actions."""
    last = found["effect_error"].isel(time=-1)
    lead = f"at lead time {float(last['time']):g} {TIME_UNITS}"

    def error(alternative: str, given: str) -> Measure:
        values = last.sel(alternative=alternative, given=given)
        return median_of(f"error of the effect of {alternative} actions {lead}", values, _groups(found), nan_as=np.inf)

    worst = highest(error(str(a), "right") for a in found["alternative"].values)
    wrong = [error(str(a), "shuffled").value for a in found["alternative"].values if "shuffled" in found["given"]]
    compared = "ignoring the actions: 1" + (f"; shuffled actions: {in_text(min(wrong))}" if wrong else "")
    return at_most(EFFECT_ERROR, worst, compared)


def forcings(results: Results, found: xr.Dataset) -> Finding:
    """Error with the right forcing over that with the least harmful wrong one."""
    return at_most(FORCING_USED, use_of(found), "a model that does not use the forcing: 1")


def gradients(results: Results, agreement: xr.Dataset) -> Finding:
    """Direction of the gradient over the planning horizon, and its norm."""
    horizon = results.config.planning.horizon * results.domain.control_interval
    near = agreement.sel(horizon=horizon, method="nearest")
    when = f"over {float(near['horizon']):g} {TIME_UNITS}"
    measure = median_of(
        f"1 − cosine with the true gradient {when}", 1 - near["cosine"], _groups(agreement), nan_as=np.inf
    )
    norm = median_of("norm over the true one", near["norm_ratio"], _groups(agreement), nan_as=np.inf)
    chance = 1 - float(near["cosine_shuffled"].median())
    compared = f"another sample's true gradient: {in_text(chance)}; {norm.meaning}: {in_text(norm.value)}"
    surely = lower_end(norm) >= 1 / NORM_FACTOR and upper_end(norm) <= NORM_FACTOR
    wrong = "" if surely else f"its norm is {in_text(norm.value)}{_between(norm)} times the true one"
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


def shifts(results: Results, errors: xr.Dataset) -> Finding:
    """Error under the shift that is worst, early enough for chaos not to hide it."""
    lead = float(errors["slope"].attrs.get("lead_time", errors["time"][-1]))
    at = errors.sel(time=lead, method="nearest")

    def error(shift: str, factor: float) -> Measure:
        meaning = f"normalised error under {shift.replace('_', ' ')} × {factor:g} at lead time {lead:g} {TIME_UNITS}"
        return median_of(meaning, at["nrmse"].sel(shift=shift, factor=factor), _groups(errors), nan_as=np.inf)

    pairs = [(str(s), float(f)) for s in errors["shift"].values for f in errors["factor"].values]
    shifted = {pair: error(*pair) for pair in pairs if pair[1] != 1}
    worst = highest(shifted.values())
    shift, factor = next(pair for pair, measure in shifted.items() if measure is worst)
    still = float(at["nrmse_persistence"].sel(shift=shift, factor=factor).median())
    unshifted = f"without the shift: {in_text(error(shift, 1.0).value)}; " if (shift, 1.0) in pairs else ""
    return at_most(VALID_ERROR, worst, f"{unshifted}persistence: {in_text(still)}; unrelated states: about 1.4")


def probing(results: Results, found: xr.Dataset) -> Finding:
    """What can be read from rolled latents, against an untrained encoder, persistence and the time alone."""
    best = found["within_r2"].isel(horizon=0, drop=True).fillna(-np.inf).argmax("probe")
    followed = found[["within_r2", "within_r2_low", "within_r2_high"]].isel(probe=best)
    read = followed.isel(target=np.flatnonzero(found["kind"].values != "parameter"))

    def median(name: str, horizon: int) -> float:
        one = read["within_r2"].sel(representation=name).isel(horizon=horizon)
        return float(one.where(np.isfinite(one), -np.inf).median("target"))

    ours = read.sel(representation="world_model").isel(horizon=-1)
    low, high = (float(ours[f"within_r2_{end}"].median("target")) for end in ("low", "high"))
    lead = float(found["lead_time"][-1])
    when = f"after {lead:g} {TIME_UNITS} of rollout"
    measure = Measure(f"R² within simulations {when}, median over targets", median("world_model", -1), (low, high))
    others = [str(r) for r in found["representation"].values if r != "world_model"]
    words = [f"{_spoken(name)}: {_r_squared(median(name, -1))}" for name in others]
    encoded = {
        name: median(name, 0) for name in ("world_model", "untrained_encoder") if name in found["representation"]
    }
    at_start = ", ".join(f"{_spoken(name)} {_r_squared(value)}" for name, value in encoded.items())
    beaten = [_spoken(name) for name in others if median(name, -1) >= measure.value]
    wrong = f"no better than {' and '.join(beaten)}" if beaten else ""
    return at_least(READABLE, measure, f"{'; '.join(words)}; without a rollout: {at_start}", also=wrong)


def functionals(results: Results, found: xr.Dataset) -> Finding:
    """What is read worst from encoded latents."""
    encoded = found.sel(horizon=0)
    measures = [Measure(f"R² of {n} on held-out runs, encoded", float(encoded["r2"].sel(target=n)))
                for n in map(str, found["target"].values)]  # fmt: skip
    return at_least(READABLE, lowest(measures), "the mean of the held-out runs: 0")


def surprise(results: Results, found: xr.Dataset) -> Finding:
    """The violation that is noticed least in the latent; if all are noticed, what else decides: false alarms first."""
    latent = found.sel(detector="latent", size=found["default_size"])
    made, possible = (found["violation"].values[found["control"].values == control] for control in (False, True))
    least = lowest(_detection(latent.sel(violation=v), "violation noticed least") for v in made)
    share = float(latent["false_alarms"].isel(violation=0))
    alarms = _in_percent(share_of("alarms without a violation", share, len(np.unique(_groups(found, "trajectory")))))
    allowed = 100 * float(found.attrs.get("allowed_false_alarms", share))

    told, against = {least: f"{least.meaning}: {_with_interval(least)}"}, {}
    if len(possible):
        most = highest(_detection(latent.sel(violation=v), "possible flow noticed most") for v in possible)
        told[most] = f"possible flows: at most {_with_interval(most)}"
    told[alarms] = f"false alarms: {_with_interval(alarms)}, allowed {in_text(allowed)} %"
    if alarms.interval is not None and alarms.interval[0] > allowed:
        against[alarms] = f"{in_text(alarms.value)} % false alarms where {in_text(allowed)} % are allowed"
    if len(possible) and upper_end(most) > UNNOTICED:
        against[most] = f"a possible flow reaches {in_text(upper_end(most))}"

    reasons = "; ".join(against.values())
    if against and lower_end(least) >= NOTICED:
        decides = next(iter(against))
        return Finding(WEAK, decides, _beside(decides, told), reasons)
    return at_least(NOTICED, least, _beside(least, told), also=reasons)


def _beside(judged: Measure, told: dict[Measure, str]) -> str:
    """What a measure of surprise is compared with: chance, and all the others."""
    return "; ".join(["AUROC of chance: 0.5", *(words for measure, words in told.items() if measure is not judged)])


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


def uncertainty(results: Results, scores: xr.Dataset) -> Finding:
    """Distance of the coverage of bands of 90 % from it, for the worst variable."""
    share, measures = 0.9, []
    for name in map(str, scores["variable"].values):
        found = coverage_of(scores, name, share)
        low, high = found.interval or (found.value, found.value)
        least = 0.0 if low <= share <= high else min(abs(low - share), abs(high - share))
        interval = (least, max(abs(low - share), abs(high - share)))
        measures.append(Measure(f"{found.meaning}, distance from {share:.0%}", abs(found.value - share), interval))
    shares = scores["covered"].sel(coverage=share).isel(time=slice(1, None)).mean(("simulation", "time"))
    runs = int(scores.attrs.get("calibration_runs", 0))
    compared = f"bands hold {in_text(float(shares.min()))} to {in_text(float(shares.max()))}, calibrated by {runs} runs"
    return at_most(MISCOVERED, highest(measures), compared)


def flags(results: Results, found: xr.Dataset) -> Finding:
    """AUROC of the damage that is noticed least, with the record before; false alarms count too."""
    seen = found["auroc"].sel(detector="record")
    worst = int(np.argmin(seen.values))
    measure = Measure(f"AUROC of a {seen['damage'].values[worst]}, seen by two records", float(seen[worst]))
    alone = found["auroc"].sel(detector="single_instant")
    compared = f"chance: 0.5; seen by a single instant, the least is {in_text(float(alone.min()))}"
    alarms = float(found["false_alarms"].sel(seen_by="record"))
    also = f"{alarms:.1%} of sound records are flagged" if alarms > FALSE_ALARMS else ""
    if (far := float(found.attrs.get("times_as_far", 1.0))) > UNLIKE:
        unlike = f"sound records are unlike the training data: {in_text(far)} times as far from these as they are"
        compared, also = f"{compared}; {unlike}", f"{also}: {unlike}" if also else ""
    if cautions := found.attrs.get("cautions"):
        compared = f"{compared}; {cautions}"
    return at_least(NOTICED, measure, compared, also=also)


def _detection(one: xr.Dataset, what: str) -> Measure:
    """AUROC of one violation, or of one possible flow."""
    name = str(one["violation"].item()).replace("_", " ")
    interval = float(one["auroc_low"]), float(one["auroc_high"])
    return Measure(f"AUROC of the {what} ({name})", float(one["auroc"]), interval)


def _in_percent(share: Measure) -> Measure:
    interval = None if share.interval is None else (100 * share.interval[0], 100 * share.interval[1])
    return Measure(share.meaning, 100 * share.value, interval, "%")


def _with_interval(measure: Measure) -> str:
    return f"{in_text(measure.value)}{f' {measure.unit}' if measure.unit else ''}{_between(measure)}"


def _between(measure: Measure) -> str:
    """The interval in brackets, empty if there is none."""
    if measure.interval is None:
        return ""
    return " ({} to {})".format(*map(in_text, measure.interval))


def _r_squared(value: float) -> str:
    """What is far worse than the mean need not be told how much."""
    return in_text(value) if value >= -1 else "below -1"


def _spoken(representation: str) -> str:
    return {"pca": "PCA of the fields", "lookup": "time alone"}.get(representation, representation.replace("_", " "))


def _groups(found: xr.Dataset, dim: str = "sample") -> xr.DataArray:
    """The simulation that each sample comes from; results that do not know it have as many groups as samples."""
    return found["simulation"] if "simulation" in found.coords else xr.DataArray(np.arange(found.sizes[dim]), dims=dim)


RULES: dict[str, Rule] = {
    "rollouts": Rule(
        f"at least {TIMES_PERSISTENCE:g} times as long as persistence, or to the end of the test",
        ("nrmse", "nrmse_persistence", "valid_prediction_time"),
        forecast,
    ),
    "budgets": Rule(
        f"at most {BUDGET_ERROR:g} deviations of the true change, for every functional", ("change_error",), budgets
    ),
    "scores": Rule(f"at most {VRMSE:g} for every variable", ("vrmse", "skill"), scores),
    "effects": Rule(
        f"at most {EFFECT_ERROR:g}, for slow and for fast actions", ("effect_error", "alternative", "given"), effects
    ),
    "forcings": Rule(f"at most {FORCING_USED:g}", ("error", "response", "superposition"), forcings),
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
    "refined_control": Rule(f"at most {REDUCTION_LOST:g}", ("saving", "points", "distance"), refined_control),
    "shifts": Rule(
        f"at most {VALID_ERROR:g}, the error of a valid forecast, under every shift",
        ("nrmse", "nrmse_persistence", "slope", "shift"),
        shifts,
    ),
    "probing": Rule(
        f"at least {READABLE:g}, and above all that it is compared with",
        ("within_r2", "within_r2_low", "within_r2_high", "kind"),
        probing,
    ),
    "functionals": Rule(f"at least {READABLE:g} for every one", ("r2", "rmse"), functionals),
    "surprise": Rule(
        f"at least {NOTICED:g} for every violation, at most {UNNOTICED:g} for every possible flow, and false alarms "
        "whose 95 % interval does not lie above what is allowed",
        ("auroc", "auroc_low", "auroc_high", "false_alarms", "control", "default_size", "smallest_detectable"),
        surprise,
    ),
    "uncertainty": Rule(
        f"at most {MISCOVERED:g} from 90 %, for every variable", ("covered", "spread_skill", "ranks"), uncertainty
    ),
    "flags": Rule(
        f"at least {NOTICED:g} for every damage seen by two records, and at most {FALSE_ALARMS:.0%} false alarms",
        ("auroc", "false_alarms"),
        flags,
    ),
    "control": Rule(
        f"at least {RELATIVE_REDUCTION:g} of the reduction by gradients through the true solver, and no episode "
        "blows up",
        ("distance",),
        control,
    ),
}
"""For every part of the evaluation that is judged, and for control.

A threshold is met only if the whole 95 % interval meets it. What blows up is counted instead, and what a probe is
compared with counts by its value.
"""


def lacking(part: str, dataset: xr.Dataset) -> list[str]:
    """What results of an older version do not hold, so that the part can be neither judged nor drawn.

    A part without a rule lacks nothing.
    """
    needs = RULES[part].needs if part in RULES else ()
    return [name for name in needs if name not in dataset.variables]
