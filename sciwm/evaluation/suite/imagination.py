"""Parts about forecasts: rollouts of the test set, scores, budgets, and the climate of long runs."""

from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from sciwm.config import Config
from sciwm.config.evaluation import LYAPUNOV_TIMES
from sciwm.data import Trajectories, recipe
from sciwm.dynamics import rollout
from sciwm.evaluation.actions import ROUGH, draw_actions, long_run_actions
from sciwm.evaluation.climate import intervals_of, long_runs, share_blown_up
from sciwm.evaluation.held_out_scores import score_held_out
from sciwm.evaluation.rollouts import (
    root_mean_square_over_time,
    skill_by_step,
    unseen_action_budget,
    valid_prediction_time,
)
from sciwm.evaluation.rollouts_in_groups import Rollouts, roll_out
from sciwm.evaluation.scores import evaluate
from sciwm.evaluation.statistics import bootstrap_interval
from sciwm.evaluation.suite.context import EvaluationContext
from sciwm.evaluation.suite.held_out_measures import errors_by_lead, measures_of_scores
from sciwm.evaluation.suite.measures import Measure, Outcome, mean_of, median_of, root_mean_square_of, share_of
from sciwm.model import WorldModel
from sciwm.training import participation_ratio
from simulations import Simulation
from simulations.generate import Progress, attractor_states

LONG_INTERVALS = 1000
"""Length of a long run in control intervals, if no Lyapunov exponent is configured."""

BUDGET_MEASURES = {
    "residual": "residual of the budget of {}, in deviations of its true change",
    "change_error": "error of the change of {} of the decoded fields, in deviations of the true change",
    "stated_error": "error of the change of {} that the heads read, in deviations of the true change",
}
UNSEEN_INTERVALS = 8
"""Length of the trajectories whose budgets are measured, in control intervals."""

SETTLING_SHARE = 0.1
"""Share of a long run, at its beginning, that does not count."""


def measure_test_set(context: EvaluationContext, progress: Progress) -> Outcome:
    """Forecast the test set from its first instants: errors, valid prediction time, and use of the latent."""
    rollouts, metrics = measure_rollouts(context.config, context.model, context.test, rollouts=context.rollouts)
    rollout = metrics["rollout"]
    interval = rollout["valid_prediction_time_interval"]
    valid = "valid prediction time" + (", at least" if rollout["valid_to_the_end"] else "")
    last = context.rollouts.errors.isel(time=-1)
    lead, groups = f"{float(last['time']):g}", last["simulation"]
    lost: float | None = np.inf
    name, still = "nRMSE", "nRMSE of persistence"
    if context.test.roles is not None:  # NaN is the error of a run that is over
        name, still, lost = "error in deviations", "error of persistence in deviations", None
        lead += "" if context.model.domain.time_units == "1" else f" {context.model.domain.time_units}"
    measures = [
        Measure(valid, rollout["valid_prediction_time"], interval, rollout["valid_prediction_time_unit"]),
        mean_of(f"{name} at lead time {lead}", last["nrmse"], groups, nan_as=lost),
        mean_of(f"{still} at lead time {lead}", last["nrmse_persistence"], groups),
    ]
    return Outcome(rollouts, measures, metrics)


def measure_rollouts(
    config: Config,
    model: WorldModel,
    data: Trajectories,
    *,
    rollouts: Rollouts | None = None,
) -> tuple[xr.Dataset, dict[str, Any]]:
    """Forecast a test set.

    Args:
        config: The experiment.
        model: What is evaluated.
        data: Simulations that it was not trained on.
        rollouts: The forecasts, if they are there already.

    Returns:
        The forecasts that are shown with the valid prediction time of each; the numbers of all under ``rollout`` and
        ``latent``.
    """
    forecasts = roll_out(model, data, steps=config.evaluation.steps) if rollouts is None else rollouts
    made, shown = forecasts.errors, forecasts.shown
    valid_time = valid_prediction_time(made)
    shown = shown.assign(valid_prediction_time=valid_time.sel(simulation=shown["simulation"]))
    error, exponent = made["nrmse"].isel(time=slice(1, None)), config.evaluation.lyapunov_exponent
    unit = exponent or 1.0
    time_unit = "time units" if model.domain.time_units == "1" else model.domain.time_units
    ends = made["intervals"].values if "intervals" in made.coords else made.sizes["time"] - 1
    over = np.arange(1, made.sizes["time"]) > np.reshape(ends, (-1, 1))
    errors = error.fillna(np.inf).where(~over)
    several = valid_time.size > 1  # of one there is no interval
    interval = tuple(v * unit for v in bootstrap_interval(valid_time)) if several else None
    metrics = {
        "rollout": {
            "simulations": made.sizes["simulation"],
            "lead_time": made["time"].values[1:].tolist(),
            "nrmse": errors.mean("simulation").values.tolist(),
            "nrmse_persistence": made["nrmse_persistence"].mean("simulation").values[1:].tolist(),
            **_beside_climatology(made),
            "skill_vs_persistence": skill_by_step(shown if data.roles is None else made, model).values.tolist(),
            "valid_prediction_time": float(valid_time.mean()) * unit,
            "valid_prediction_time_unit": "Lyapunov times" if exponent else time_unit,
            "valid_prediction_time_interval": interval,
            "valid_to_the_end": int((valid_time >= made["time"].values[ends]).sum()),
            "valid_prediction_time_limit": config.evaluation.steps * model.control_interval * unit,
        },
        "latent": {
            "size": model.latent_size,
            "participation_ratio": participation_ratio(forecasts.latents),
        },
    }
    return shown, metrics


def _beside_climatology(rollouts: xr.Dataset) -> dict[str, list[float]]:
    """The error of climatology over lead times, where it is compared with."""
    if "nrmse_climatology" not in rollouts:
        return {}
    return {"nrmse_climatology": rollouts["nrmse_climatology"].mean("simulation").values[1:].tolist()}


def measure_scores(context: EvaluationContext, progress: Progress) -> Outcome:
    """Score each variable in the forecasts of the test set."""
    if context.test.roles is not None:
        scores = score_held_out(context.rollouts.errors, context.model.domain)
        domain = context.model.domain
        return Outcome(scores, measures_of_scores(scores, domain), {"held_out": errors_by_lead(scores)})
    names = [v.name for v in context.model.domain.variables]
    shown = context.rollouts.shown
    forecast = shown[[f"{n}_imagined" for n in names]].rename({f"{n}_imagined": n for n in names})
    scores = evaluate(forecast, shown[names])
    lead = context.lead(None)
    at = scores.isel(time=min(lead, scores.sizes["time"] - 1))
    where = f"at lead time {float(at['time']):g}"
    measures = [
        mean_of(f"VRMSE of {n} {where}", at["vrmse"].sel(variable=n), at["simulation"], nan_as=np.inf) for n in names
    ]
    return Outcome(scores, measures, {})


def measure_long_run(context: EvaluationContext, progress: Progress) -> Outcome:
    """Measure the climate of long runs: forced ones from held-out states, free ones from states of the unforced flow.

    Free runs start from unforced states since forcing changes conserved means: a free flow would keep the means of a
    forced start for ever, and runs would differ by these alone.
    """
    settings, exponent = context.evaluation.long_run, context.evaluation.lyapunov_exponent
    if settings.duration is not None:
        intervals = max(10, round(settings.duration / context.interval))
    else:
        intervals = intervals_of(LYAPUNOV_TIMES, exponent, context.interval) if exponent else LONG_INTERVALS
    forced = exponent is None if settings.forced is None else settings.forced
    box, rng = context.truth.actuators, context.generator("long_run")
    actions = long_run_actions(box, settings.samples, intervals, forced=forced, rng=rng)
    if forced:
        drawn = context.draw("long_run", settings.samples, 0)
        starts, groups = drawn.starts, drawn.simulations
    else:
        groups = np.arange(settings.samples)
        starts = attractor_states(context.truth, recipe(context.config, "control"), groups)
    settle = int(SETTLING_SHARE * intervals)
    runs = long_runs(context.model, context.truth, starts, actions, settle=settle, progress=progress)
    name = context.truth.variables[0].name
    one, true = (runs.sel(run=run, variable=name) for run in ("model", "simulation"))
    diverged = float(share_blown_up(runs).sel(run="model"))
    measures = [share_of("share of long runs that diverge", diverged, len(np.unique(groups)))]
    if "spectral_distance" in runs:
        distance, between = (
            f"log-spectral distance of {name} from the true runs",
            f"log-spectral distance of {name} between true runs",
        )
        for meaning, values in ((distance, one["spectral_distance"]), (between, true["spectral_distance"])):
            measures.append(_with_unit(median_of(meaning, values, groups), "dB"))
    for between, part in (("from the true runs", one), ("between true runs", true)):
        meaning = f"Wasserstein distance of {name} {between}, in deviations"
        measures.append(median_of(meaning, part["histogram_distance"], groups))
    return Outcome(runs.assign_attrs(forced=int(forced)), measures, {})


def _with_unit(measure: Measure, unit: str) -> Measure:
    return Measure(measure.meaning, measure.value, measure.interval, unit)


def measure_budgets(context: EvaluationContext, progress: Progress) -> Outcome:
    """Compare the change of every functional with the truth, and with the budget that the model predicts."""
    errors = budgets_under_unseen_actions(context.config, context.model, context.truth)
    starts = np.arange(errors.sizes["sample"])
    measures = []
    for variable, meaning in BUDGET_MEASURES.items():
        if variable in errors:
            size = root_mean_square_over_time(errors[variable])
            measures += [
                root_mean_square_of(meaning.format(name), size.sel(functional=name), starts, nan_as=np.inf)
                for name in map(str, errors["functional"].values)
            ]
    return Outcome(errors, measures, {})


def budgets_under_unseen_actions(
    config: Config, model: WorldModel, simulation: Simulation, *, intervals: int = UNSEEN_INTERVALS
) -> xr.Dataset:
    """Errors of the budgets of a model under :func:`unseen_actions`, see :func:`unseen_action_budget`."""
    return unseen_action_budget(model, simulation, *unseen_actions(config, simulation, intervals=intervals))


def unseen_actions(config: Config, simulation: Simulation, *, intervals: int) -> tuple[Tensor, Tensor, Tensor]:
    """Held-out starts under actions unlike those of the data: uniform within bounds, and new in every interval.

    The recorded actions are held for longer; only the simulations of sensitivities, if there are any, hold some such.

    Args:
        config: The experiment.
        simulation: The true simulation.
        intervals: Length of the trajectories.

    Returns:
        Starts ``(sample, variable, *space)``, physical actions ``(sample, interval, actuator)``, and the true fields
        from the starts on, ``(sample, interval + 1, variable, *space)``.
    """
    starts = attractor_states(simulation, recipe(config, "control"), range(config.control.episodes))
    actions = draw_actions(simulation.actuators, len(starts), intervals, hold=ROUGH, seed=config.seed)
    with torch.no_grad():
        fields = torch.cat([starts[:, None], rollout(simulation, starts, actions)], dim=1)
    return starts, actions, fields
