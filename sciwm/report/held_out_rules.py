"""The rules for what held-out data show without a simulator: forecasts, error bars and flags, use of the forcing."""

import numpy as np
import xarray as xr

from sciwm.evaluation import bootstrap_interval, valid_prediction_time
from sciwm.evaluation.suite import Measure, coverage_of, mean_of, use_of
from sciwm.report.contents import Results
from sciwm.report.drawing import time_unit
from sciwm.report.finding import NOT_APPLICABLE, Finding, at_least, at_most, highest, lowest
from sciwm.report.numbers import in_text
from sciwm.report.rule import NOTICED, READABLE, Rule
from sciwm.uncertainty import FALSE_ALARMS, UNLIKE

TIMES_PERSISTENCE = 5.0
"""A forecast is worth its model if it is valid so many times as long as the flow takes to leave its start."""
VRMSE = 0.2
"""Of the spatial deviation of the truth: the spatial mean of the truth has a VRMSE of 1."""
FORCING_USED = 0.8
"""Of the error with a wrong forcing: a model that does not use the forcing has 1."""
MISCOVERED = 0.05
"""Of bands of 90 %: the share of the truth in them may be 85 to 95 %."""


def forecast(results: Results, rollouts: xr.Dataset) -> Finding:
    """Valid prediction time against that of persistence."""
    exponent = results.config.evaluation.lyapunov_exponent
    factor, unit = (exponent, "Lyapunov times") if exponent else (1.0, time_unit(results.domain.time_units))
    still = valid_prediction_time(rollouts.assign(nrmse=rollouts["nrmse_persistence"])).values * factor
    valid = valid_prediction_time(rollouts).values * factor
    end = float(rollouts["time"][-1]) * factor
    interval = bootstrap_interval(valid) if valid.size > 1 else None
    bound = ", at least" if (valid >= end).any() else ""
    measure = Measure(f"valid prediction time{bound}", float(valid.mean()), interval, unit)
    compared = f"persistence: {in_text(float(still.mean()))} {unit}; the test ends at {in_text(end)}"
    wanted = min(TIMES_PERSISTENCE * float(still.mean()), end)
    if wanted <= still.mean():
        return Finding(NOT_APPLICABLE, measure, compared, "persistence is valid to the end of the test too")
    return at_least(wanted, measure, compared)


def scores(results: Results, found: xr.Dataset) -> Finding:
    """VRMSE of the worst variable after a Lyapunov time, or 40 intervals without an exponent."""
    exponent, interval = results.config.evaluation.lyapunov_exponent, results.domain.control_interval
    lead = min(1 / exponent if exponent else 40 * interval, float(found["time"][-1]))
    at = found.sel(time=lead, method="nearest")
    when = f"at lead time {float(at['time']):g} {time_unit(results.domain.time_units)}"
    found_of = {n: _vrmse(at, n, when) for n in map(str, found["variable"].values)}
    measures, still = [m for m in found_of.values() if m], [n for n, m in found_of.items() if not m]
    if not measures:
        return Finding(NOT_APPLICABLE, None, "", "no variable varies in the held-out data")
    compared = "the spatial mean of the truth: 1"
    if still:
        compared += f"; {', '.join(still)} left out: no variation in the held-out data"
    return at_most(VRMSE, highest(measures), compared)


def _vrmse(at: xr.Dataset, name: str, when: str) -> Measure | None:
    """The VRMSE of a variable; None for one that does not vary, which has an error and nothing to compare it with."""
    values, meaning = at["vrmse"].sel(variable=name), f"VRMSE of {name} {when}"
    if "rmse" not in at:
        return mean_of(meaning, values, at["simulation"], nan_as=np.inf)
    error = at["rmse"].sel(variable=name)
    values = values.where(~np.isinf(error), np.inf)  # of a run that is over both are not numbers
    if bool((values.isnull() & error.notnull()).any()) and not bool(values.notnull().any()):
        return None
    return mean_of(meaning, values, at["simulation"])


def forcings(results: Results, found: xr.Dataset) -> Finding:
    """Error with the right forcing over that with the least harmful wrong one."""
    return at_most(FORCING_USED, use_of(found), "a model that does not use the forcing: 1")


def functionals(results: Results, found: xr.Dataset) -> Finding:
    """What is read worst from encoded latents."""
    encoded = found.sel(horizon=0)
    measures = [Measure(f"R² of {n} on held-out runs, encoded", float(encoded["r2"].sel(target=n)))
                for n in map(str, found["target"].values)]  # fmt: skip
    return at_least(READABLE, lowest(measures), "the mean of the held-out runs: 0")


def uncertainty(results: Results, scores: xr.Dataset) -> Finding:
    """Distance of the coverage of bands of 90 % from it, for the worst variable."""
    share, measures = 0.9, []
    for name in map(str, scores["variable"].values):
        found = coverage_of(scores, name, share)
        measures.append(
            Measure(f"{found.meaning}, distance from {share:.0%}", abs(found.value - share), _away(found, share))
        )
    shares = scores["covered"].sel(coverage=share).isel(time=slice(1, None)).mean(("simulation", "time"))
    runs = int(scores.attrs.get("calibration_runs", 0))
    compared = f"bands hold {in_text(float(shares.min()))} to {in_text(float(shares.max()))}, calibrated by {runs} runs"
    return at_most(MISCOVERED, highest(measures), compared)


def _away(found: Measure, share: float) -> tuple[float, float] | None:
    """The interval of the distance from a share."""
    if found.interval is None:
        return None
    low, high = found.interval
    least = 0.0 if low <= share <= high else min(abs(low - share), abs(high - share))
    return least, max(abs(low - share), abs(high - share))


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


HELD_OUT_RULES: dict[str, Rule] = {
    "rollouts": Rule(
        f"at least {TIMES_PERSISTENCE:g} times as long as persistence, or to the end of the test",
        ("nrmse", "nrmse_persistence", "valid_prediction_time"),
        forecast,
    ),
    "scores": Rule(f"at most {VRMSE:g} for every variable", ("vrmse", "skill"), scores),
    "forcings": Rule(f"at most {FORCING_USED:g}", ("error", "response", "superposition"), forcings),
    "functionals": Rule(f"at least {READABLE:g} for every one", ("r2", "rmse"), functionals),
    "uncertainty": Rule(
        f"at most {MISCOVERED:g} from 90 %, for every variable", ("covered", "spread_skill", "ranks"), uncertainty
    ),
    "flags": Rule(
        f"at least {NOTICED:g} for every damage seen by two records, and at most {FALSE_ALARMS:.0%} false alarms",
        ("auroc", "false_alarms"),
        flags,
    ),
}
