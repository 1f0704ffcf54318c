"""Parts about interventions: effects of actions, use of forcings, gradients, and shifts away from the training data."""

import numpy as np
import xarray as xr

from sciwm.evaluation.actions import HELD, alternative_actions
from sciwm.evaluation.control import target_fields
from sciwm.evaluation.counterfactuals import effect_errors
from sciwm.evaluation.forcing_use import forcing_use
from sciwm.evaluation.gradients import gradient_agreement
from sciwm.evaluation.shifts import error_slope, forcing_shift, parameter_shift
from sciwm.evaluation.statistics import bootstrap_ratio_interval
from sciwm.evaluation.suite.context import Drawn, EvaluationContext
from sciwm.evaluation.suite.measures import Measure, Outcome, median_of
from simulations.generate import Progress

HORIZONS = 6
"""Default number of horizons, from one control interval on."""

SLOPE_SHARE = 0.25
"""Share of the lead time at which the slope is measured: later, errors of chaotic flows are saturated."""


def measure_effects(context: EvaluationContext, progress: Progress) -> Outcome:
    """Measure the error of the predicted effect of replacing the recorded actions by slow and by fast ones."""
    settings = context.evaluation.effects
    intervals = context.lead(settings.lead_time)
    drawn, seed = context.draw("effects", settings.samples, intervals), context.seed("effects")
    others = alternative_actions(context.truth.actuators, settings.samples, intervals, seed=seed)
    effects = effect_errors(context.model, context.truth, drawn.starts, drawn.actions, others, shift=int(HELD))
    last = effects["effect_error"].isel(time=-1)
    where = f"at lead time {float(last['time']):g}"
    measures = [
        median_of(f"effect error of {name} {where}", values, drawn.simulations, nan_as=np.inf)
        for name, values in (
            ("held actions", last.sel(alternative="held", given="right")),
            ("rough actions", last.sel(alternative="rough", given="right")),
            ("held actions if the model is given zeros", last.sel(alternative="held", given="zeroed")),
        )
    ]
    return Outcome(_labelled(effects, drawn), measures, {})


def measure_forcings(context: EvaluationContext, progress: Progress) -> Outcome:
    """Give the model wrong forcings, which must make forecasts worse, and look at responses to small changes."""
    found = forcing_use(context.model, context.test, context.lead(None))
    measures = [use_of(found)]
    last = found.isel(time=-1)
    unit = "" if context.model.domain.time_units == "1" else f" {context.model.domain.time_units}"
    when = f"at lead time {float(last['time']):g}{unit}"
    for given in map(str, found["given"].values):
        error = median_of(
            f"error in deviations, {given} forcing, {when}", last["error"].sel(given=given), found["simulation"]
        )
        measures.append(error)
    for variable in map(str, found["variable"].values):
        for actuator in map(str, found["actuator"].values):
            one = last["response"].sel(variable=variable, actuator=actuator)
            per = str(one["actuator_units"].item())
            units = str(one["variable_units"].item()) + ("" if per == "1" else f" per {per}")
            meaning = f"response of the mean of {variable} to a lasting change of {actuator}, {when}"
            measures.append(Measure(meaning, float(one), None, "" if units == "1" else units))
    if found.sizes["actuator"] > 1:
        measures.append(Measure(f"response to all forcings unlike the sum of those to each, relative, {when}",
                                float(last["superposition"])))  # fmt: skip
    measures.append(Measure(f"response to twice the changes unlike twice the response, relative, {when}",
                            float(last["proportion"])))  # fmt: skip
    return Outcome(found, measures, {})


def use_of(found: xr.Dataset) -> Measure:
    """The error with the right forcing over that with the least harmful wrong one, over all lead times.

    Args:
        found: As from ``forcing_use``.
    """
    by_run = ((found["error"] ** 2).mean("time") ** 0.5).groupby("simulation").mean()
    wrong = [str(g) for g in found["given"].values if g in ("zeroed", "shuffled", "shifted")]
    totals = {name: float(by_run.sel(given=name).mean()) for name in wrong}
    least = min(totals, key=lambda name: totals[name])
    right, other = (by_run.sel(given=name).values for name in ("right", least))
    interval = bootstrap_ratio_interval(right, other) if len(right) > 1 else None
    ratio = float(right.mean() / other.mean()) if other.mean() > 0 else np.nan
    return Measure(f"error with the right forcing over that with a wrong one ({least})", ratio, interval)


def measure_gradients(context: EvaluationContext, progress: Progress) -> Outcome:
    """Compare gradients of the distance from the target with respect to the actions with the true ones."""
    settings, planned = context.evaluation.gradients, context.config.planning.horizon
    longest = context.lead(None if settings.horizons is None else max(settings.horizons))
    if settings.horizons is None:
        steps = {*np.geomspace(1, longest, HORIZONS).round().astype(int).tolist(), min(planned, longest)}
    else:
        steps = {context.lead(h) for h in settings.horizons}
    horizons = [n * context.interval for n in sorted(steps)]
    drawn = context.draw("gradients", settings.samples, longest)
    target = target_fields(context.config, context.truth)
    rows = [
        gradient_agreement(context.model, context.truth, drawn.starts, drawn.actions, target, [horizons[i]])
        for i in progress(range(len(horizons)), "gradients over growing horizons")
    ]
    agreement = xr.concat(rows, "horizon")
    near = agreement.sel(horizon=planned * context.interval, method="nearest")
    where = f"over {float(near['horizon']):g} time units"
    furthest = agreement.isel(horizon=-1)
    measures = [
        median_of(f"cosine with the true gradient {where}", near["cosine"], drawn.simulations),
        median_of(f"norm relative to the true gradient {where}", near["norm_ratio"], drawn.simulations, nan_as=np.inf),
        median_of(
            f"cosine with the true gradient over {float(furthest['horizon']):g} time units",
            furthest["cosine"],
            drawn.simulations,
        ),
    ]
    return Outcome(_labelled(agreement, drawn), measures, {})


def measure_shifts(context: EvaluationContext, progress: Progress) -> Outcome:
    """Measure errors under stronger forcing and, if the equation has one, under another viscosity."""
    settings = context.evaluation.shifts
    intervals = context.lead(settings.lead_time)
    drawn = context.draw("shifts", settings.samples, intervals)
    given = (context.model, context.truth, drawn.starts, drawn.actions)
    made = {"forcing": forcing_shift(*given, factors=settings.factors)}
    parameter = context.changing_parameter(settings.parameter, settings.factors)
    if parameter is not None:
        made[parameter] = parameter_shift(*given, parameter=parameter, factors=settings.factors)
    lead_time = max(1, round(SLOPE_SHARE * intervals)) * context.interval
    measures: list[Measure] = []
    for name, errors in made.items():
        meaning = f"exponent by which the error grows with {name} at lead time {lead_time:g}"
        slope = median_of(meaning, error_slope(errors, lead_time), drawn.simulations)
        at = errors["nrmse"].sel(time=lead_time, method="nearest")
        measures.append(slope)
        for factor in (min(settings.factors), max(settings.factors)):
            meaning = f"nRMSE with {name} × {factor:g} at lead time {lead_time:g}"
            measures.append(median_of(meaning, at.sel(factor=factor), drawn.simulations, nan_as=np.inf))
    together = xr.concat(list(made.values()), xr.DataArray(list(made), dims="shift", name="shift"))
    together["factor"].attrs["long_name"] = "factor of the shift"
    together["slope"] = xr.concat([error_slope(e, lead_time) for e in made.values()], "shift")
    together["slope"].attrs |= {"long_name": "slope of log error against log factor", "lead_time": lead_time}
    return Outcome(_labelled(together, drawn), measures, {})


def _labelled(dataset: xr.Dataset, drawn: Drawn) -> xr.Dataset:
    """Add the simulation that each sample comes from as a coordinate."""
    attributes = {"units": "1", "long_name": "simulation of the test set that the sample comes from"}
    return dataset.assign_coords(simulation=("sample", drawn.simulations, attributes))
