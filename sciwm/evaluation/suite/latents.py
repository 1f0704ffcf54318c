"""Parts about the latent: what can be read from it, and whether its prediction errors detect violations."""

from functools import partial

import numpy as np
import xarray as xr

from sciwm.evaluation.probing import probe, read_functionals
from sciwm.evaluation.suite.context import EvaluationContext
from sciwm.evaluation.suite.measures import Measure, Outcome, share_of
from sciwm.evaluation.surprise import (
    Residual,
    Violation,
    observed_budget,
    standard_controls,
    standard_violations,
    surprise,
)
from sciwm.evaluation.symmetry import lattice_shift
from sciwm.loss.terms import budget_residual
from sciwm.training import build_model
from simulations.generate import Progress

SIMULATION = {"units": "1", "long_name": "simulation of the test set that the trajectory comes from"}

FEWEST_SIMULATIONS = 4
"""Least number of test simulations: one half fits probes or sets thresholds, the other half is measured."""

PROBED_SHARES = (0.05, 0.25, 0.5)
"""Default horizons of probes, as shares of the lead time."""

EXPOSED_SHARE = 0.05
"""Default time for which lasting violations are observed, as a share of the lead time."""

DOUBLED = (1.01, 2.0)
"""Smallest and largest factor of the parameter that changes in a violation."""

KINDS = {"functional": "functional of the data", "held_out": "functional held out", "phase": "phase"}
"""Kinds of targets of probes, in words."""


def measure_probing(context: EvaluationContext, progress: Progress) -> Outcome:
    """Read functionals and phases from encoded and from rolled-out latents, and from those of an untrained encoder."""
    settings, longest = context.evaluation.probing, context.test.intervals - 1
    if settings.horizons is None:
        whole = min(context.lead(None), longest // 2)
        horizons = sorted({max(1, round(share * whole)) for share in PROBED_SHARES})
    else:
        horizons = sorted({min(context.lead(h), longest) for h in settings.horizons})
    as_trained = context.config.model_copy(update={"model": context.model.settings})
    untrained = build_model(as_trained, context.train).freeze()
    found = probe(
        {"world_model": context.model, "untrained_encoder": untrained},
        context.test,
        horizons=horizons,
        variables=[v.name for v in context.truth.variables],
        probes=settings.probes,
        instants=settings.instants,
        seed=context.seed("probing"),
    )
    measures = [
        measure
        for horizon in (0, horizons[-1])
        for kind, words in KINDS.items()
        if kind in found["kind"].values
        for measure in [_median_target(found, kind, words, horizon)]
    ]
    return Outcome(found, measures, {})


def measure_functionals(context: EvaluationContext, progress: Progress) -> Outcome:
    """Read the functionals that somebody's files hold from encoded and from rolled-out latents."""
    longest = min(context.lead(None), max(context.test.intervals_of(i) for i in context.test.usable))
    steps = sorted({0, *(max(1, round(share * longest)) for share in (*PROBED_SHARES, 1.0))})
    found = read_functionals(context.model, context.train, context.test, steps)
    units = "" if context.model.domain.time_units == "1" else f" {context.model.domain.time_units}"
    measures = []
    for target in map(str, found["target"].values):
        for horizon in (0, steps[-1]):
            one = found.sel(target=target, horizon=horizon)
            when = "encoded" if horizon == 0 else f"after {float(one['lead_time']):g}{units} of forecast"
            measures.append(Measure(f"R² of {target} on held-out runs, {when}", float(one["r2"])))
    return Outcome(found, measures, {})


def measure_surprise(context: EvaluationContext, progress: Progress) -> Outcome:
    """Measure how well prediction errors detect violations of physics.

    Violations are made on one half of the test simulations; the other half sets error covariance and thresholds.
    """
    settings, rows = context.evaluation.surprise, context.test.usable
    exposed = context.lead(settings.exposure, share=EXPOSED_SHARE)
    half = len(rows) // 2
    drawn = context.draw("surprise", settings.trajectories, exposed, of=rows[:half])
    others = context.draw("surprise", settings.trajectories, exposed, of=rows[half:])
    violations = [
        *standard_violations(context.changing_parameter(settings.parameter, DOUBLED), sizes=sorted(settings.sizes)),
        *_controls(context),
    ]
    residual: Residual | None = partial(budget_residual, context.model) if context.model.domain.functionals else None
    found = surprise(
        context.model,
        context.truth,
        drawn.starts,
        drawn.actions,
        validation=(others.starts, others.actions),
        violations=violations,
        groups=drawn.simulations,
        residual=residual,
        observed=observed_budget(context.truth),
        exposure=exposed * context.interval,
        false_alarms=settings.false_alarms,
        seed=context.seed("surprise"),
        progress=progress,
    )
    found = found.assign_coords(simulation=("trajectory", drawn.simulations, SIMULATION))
    return Outcome(found, _detected(found), {})


def _controls(context: EvaluationContext) -> list[Violation]:
    """The controls that apply to domain, actuators and model."""
    if not context.is_periodic:
        return []
    shift, *finer = standard_controls(resolution=context.sees_any_grid)
    return finer if lattice_shift(context.truth) is None else [shift, *finer]


def _median_target(found: xr.Dataset, kind: str, words: str, horizon: int) -> Measure:
    """How well the best probe reads the median target of a kind; targets that do not vary are left out."""
    one = found.sel(representation="world_model", horizon=horizon)
    one = one.isel(target=np.flatnonzero((found["kind"] == kind).values))
    best = one["within_r2"].max("probe")
    order = best.argsort().values[: int(best.notnull().sum())]
    lead = float(one["lead_time"])
    when = "encoded" if horizon == 0 else f"after {lead:g} time units"
    if not order.size:
        return Measure(f"R² within trajectories, {words}, {when}", np.nan)
    middle = one.isel(target=int(order[(order.size - 1) // 2]))
    probe_at = middle["within_r2"].fillna(-np.inf).argmax("probe")
    value, low, high = (float(middle[f"within_r2{end}"].isel(probe=probe_at)) for end in ("", "_low", "_high"))
    target = str(middle["target"].item())
    return Measure(f"R² within trajectories of the median {words} ({target}), {when}", value, (low, high))


def _detected(found: xr.Dataset) -> list[Measure]:
    """By latent prediction errors: the violation detected worst, the control detected most, and false alarms."""
    latent = found.sel(detector="latent", size=found["default_size"])
    measures = []
    for control, meaning in (
        (False, "AUROC of latent errors for the violation detected worst"),
        (True, "AUROC of latent errors for the control detected most"),
    ):
        chosen = latent.isel(violation=np.flatnonzero(found["control"].values == control))
        if not chosen.sizes["violation"]:
            continue
        extreme = chosen["auroc"].argmax("violation") if control else chosen["auroc"].argmin("violation")
        one = chosen.isel(violation=int(extreme))
        name = str(one["violation"].item()).replace("_", " ")
        values = float(one["auroc"]), (float(one["auroc_low"]), float(one["auroc_high"]))
        measures.append(Measure(f"{meaning} ({name})", *values))
    alarms = latent.isel(violation=0)["false_alarms"]
    count = len(np.unique(found["simulation"]))
    return [*measures, share_of("share of false alarms", float(alarms), count)]
