"""Parts about what a model knows of its errors: calibrated forecasts, and records that it must flag."""

import numpy as np
import xarray as xr

from sciwm.evaluation.suite.context import EvaluationContext
from sciwm.evaluation.suite.measures import Measure, Outcome, mean_of, share_of
from sciwm.evaluation.sureness import SEEN_BY, detect_damages, score_ensemble
from sciwm.uncertainty import require_uncertainty
from simulations.generate import Progress


def measure_uncertainty(context: EvaluationContext, progress: Progress) -> Outcome:
    """Forecast the test set with calibrated errors: coverage of bands, spread over error, fair CRPS."""
    known = require_uncertainty(context.uncertainty, "uncertainty")
    scores = score_ensemble(context.model, known, context.test, context.evaluation.steps, progress)
    scores = scores.assign_attrs(calibration_runs=known.calibration.runs)
    measures = [coverage_of(scores, name, share) for share in (0.9, 0.5) for name in _names(scores)]
    later = scores["spread_skill"].isel(time=slice(1, None))
    for name in _names(scores):
        one = later.sel(variable=name)
        spans = f"{float(one.min()):.2g} to {float(one.max()):.2g} over lead times"
        measures.append(Measure(f"spread over error of {name}, median ({spans})", float(one.median())))
    last = scores.isel(time=min(context.lead(None), scores.sizes["time"] - 1))
    for name in _names(scores):
        crps, units = last["crps"].sel(variable=name), str(last["variable_units"].sel(variable=name).item())
        measure = mean_of(f"fair CRPS of {name} at lead time {float(last['time']):g}", crps, crps["simulation"])
        measures.append(Measure(measure.meaning, measure.value, measure.interval, "" if units == "1" else units))
    return Outcome(scores, measures, {})


def coverage_of(scores: xr.Dataset, variable: str, share: float) -> Measure:
    """The share of the truth in a band, over all lead times after the start, with an interval over simulations."""
    later = scores["covered"].sel(coverage=share, variable=variable).isel(time=slice(1, None))
    by_run = later.mean("time")
    return mean_of(f"share of {variable} in bands of {share:.0%}", by_run, by_run["simulation"])


def measure_flags(context: EvaluationContext, progress: Progress) -> Outcome:
    """Damage records of the test set, and see which are flagged; sound ones must not be."""
    known = require_uncertainty(context.uncertainty, "flags")
    found = detect_damages(context.model, known, context.test, context.seed("flags"))
    single, record = (found["auroc"].sel(detector=name) for name in SEEN_BY)
    alarms, runs = float(found["false_alarms"].sel(seen_by="record")), len(np.unique(found["simulation"]))
    worst, alone = (str(seen["damage"].values[int(np.argmin(seen.values))]) for seen in (record, single))
    measures = [
        Measure(f"lowest AUROC of damages, seen by two records ({worst})", float(record.min())),
        Measure(f"lowest AUROC of damages, seen by a single instant ({alone})", float(single.min())),
        share_of("share of sound records that are flagged", alarms, runs),
    ]
    if far := found.attrs.get("times_as_far"):
        measures.append(Measure("distance of sound records from the training data, over that of these", far))
    return Outcome(found, measures, {})


def _names(scores: xr.Dataset) -> list[str]:
    return [str(name) for name in scores["variable"].values]
