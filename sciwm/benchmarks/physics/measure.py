"""The numbers of one trained dynamics, sample by sample, the same ones for a world model and for any baseline.

Each quantity is defined in :mod:`sciwm.evaluation`. Here it is measured on the shared starts and actions of a
scenario, summed up to one number for each sample, and bounded, so that variants can be compared in pairs.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sciwm.benchmarks.physics.scenario import SETTLING, Scenario
from sciwm.benchmarks.physics.systems import horizons, time_unit
from sciwm.dynamics import Dynamics, encode_trajectory
from sciwm.evaluation import (
    HELD,
    SIMULATIONS_AT_ONCE,
    alternative_actions,
    decoded,
    effect_errors,
    equivariance_errors,
    first_invalid,
    gradient_agreement,
    relative_error,
    relative_reduction,
    root_mean_square_over_time,
    run_control,
    unseen_action_budget,
)
from sciwm.evaluation.climate import long_runs
from sciwm.evaluation.probing import Array, Probe, encode, flat, network_probe, read_samples, ridge_probe
from sciwm.model import WorldModel
from sciwm.planning import NoLinearLaw
from sciwm.training import participation_ratio
from simulations.generate import silent

VERSION = b"2"
"""Of what is measured, and of its names: with another version, cells that were measured before are measured again."""

LEADS = (1, 12, 40)
"""Lead times of the normalised error, in control intervals."""

LARGEST_ERROR = 100.0
"""Stands for any larger error, and for that of a rollout that is no longer finite."""

LARGEST_COST_RATIO = 2.0
"""Cost of an episode, over that without control, which stands for any larger one, and for a flow that blew up."""

DRIFT_STEPS = 200
"""Intervals of a rollout over whose second half the energy drift is measured."""

BUDGET_MEASURES = {
    "energy_change_error": "change_error",
    "energy_read_error": "stated_error",
    "budget_residual": "residual",
}
"""Names here of the variables of ``unseen_action_budget``."""

BUDGET_SOURCES = ("mean |grad ", "mean (lap ")
"""How names of functionals begin that the source terms of budgets contain: heads may have been trained on these."""

PROBE_UPDATES, QUICK_PROBE_UPDATES = 1500, 100
"""Updates of the network probe."""

Samples = dict[str, list[float]]
"""By the name of the measure, one value for each sample."""


def measure(dynamics: Dynamics, scenario: Scenario, *, plans: bool, probes: bool) -> Samples:
    """All measures of a dynamics.

    Args:
        plans: measure gradients and control; leave them out for a dynamics that ignores actions.
        probes: measure what can be read from the latent; leave it out unless something is claimed of it, since
            the network probe takes long.
    """
    samples = forecasts(dynamics, scenario) | budgets(dynamics, scenario) | effects(dynamics, scenario)
    samples |= long_run(dynamics, scenario) | equivariance(dynamics, scenario)
    if probes:
        samples |= probed(dynamics, scenario)
    if plans:
        samples |= gradients(dynamics, scenario) | controlled(dynamics, scenario)
    if isinstance(dynamics, WorldModel):
        samples |= {"participation_ratio": [_participation(dynamics, scenario)]}
    return samples


@torch.no_grad()
def forecasts(dynamics: Dynamics, scenario: Scenario) -> Samples:
    """Errors of rollouts of the test set under its recorded actions.

    Returns:
        ``nrmse_LEAD``, the normalised error at each of ``LEADS``; ``valid_time``, the valid prediction time in
        Lyapunov times; ``energy_drift``, the error of the mean energy over the second half of 200 intervals, in
        standard deviations of the true energy. Forecasts that have lost the true trajectory have a drift by chance.
    """
    config, truth, actions = scenario.config, *scenario.recorded()
    parts = zip(truth[:, 0].split(SIMULATIONS_AT_ONCE), actions.split(SIMULATIONS_AT_ONCE), strict=True)
    imagined = torch.cat([decoded(dynamics, start, action) for start, action in parts])
    truth = truth[:, 1:]
    error = relative_error(imagined, truth)
    valid_intervals = torch.from_numpy(first_invalid(error.numpy()) + 1)
    steps = min(DRIFT_STEPS, error.shape[1])
    energy, true_energy = (_energy(scenario, fields[:, :steps]) for fields in (imagined, truth))
    late = slice(steps // 2, None)
    drift = (energy[:, late].mean(dim=1) - true_energy[:, late].mean(dim=1)).abs() / true_energy.std()
    return {
        **{f"nrmse_{lead}": _bounded(error[:, lead - 1]) for lead in LEADS if lead <= error.shape[1]},
        "valid_time": (valid_intervals * scenario.simulation.control_interval / time_unit(config)).tolist(),
        "energy_drift": _bounded(drift),
    }


@torch.no_grad()
def budgets(dynamics: Dynamics, scenario: Scenario) -> Samples:
    """Errors of the change of energy over each interval, under ``unseen_actions``.

    Returns:
        root mean squares over 8 intervals, in standard deviations of the true changes: ``energy_change_error`` of
        the decoded fields; for a model with heads also ``energy_read_error``, the same of the energy that its
        heads read, and ``budget_residual`` of the budget that they state.
    """
    errors = unseen_action_budget(dynamics, scenario.simulation, *scenario.unseen).sel(functional="energy")
    return {
        name: _bounded(torch.from_numpy(root_mean_square_over_time(errors[variable]).values))
        for name, variable in BUDGET_MEASURES.items()
        if variable in errors
    }


@torch.no_grad()
def long_run(dynamics: Dynamics, scenario: Scenario) -> Samples:
    """The climate of ``Scenario.long_run``.

    Returns:
        ``blown_up``, 1 for a run that blew up and else 0; ``climate_distance``, the Wasserstein distance of its
        values from those of true runs, in standard deviations; ``climate_floor``, that of true runs from each other.
    """
    starts, actions = scenario.long_run()
    runs = long_runs(dynamics, scenario.simulation, starts, actions, settle=SETTLING, true=scenario.true_climate)
    distance = runs["histogram_distance"].isel(variable=0)
    imagined, true = (torch.from_numpy(distance.sel(run=run).values) for run in ("model", "simulation"))
    blown_up = runs["blow_up_time"].sel(run="model").notnull().values.astype(float).tolist()
    return {"blown_up": blown_up, "climate_distance": _bounded(imagined), "climate_floor": true.tolist()}


def effects(dynamics: Dynamics, scenario: Scenario) -> Samples:
    """``effect_held`` and ``effect_rough``: errors of the effect of other actions, half a Lyapunov time on."""
    asked, simulation = scenario.config.evaluation.effects, scenario.simulation
    lead = asked.lead_time or time_unit(scenario.config) / 2
    intervals = max(1, round(lead / simulation.control_interval))
    starts, actions = scenario.draw("effects", asked.samples, intervals)
    others = alternative_actions(simulation.actuators, asked.samples, intervals, seed=scenario.config.seed)
    errors = effect_errors(dynamics, simulation, starts, actions, others, shift=int(HELD))
    last = errors["effect_error"].sel(given="right").isel(time=-1)
    return {f"effect_{name}": _bounded(torch.from_numpy(last.sel(alternative=name).values)) for name in others}


def gradients(dynamics: Dynamics, scenario: Scenario) -> Samples:
    """``gradient_half`` and ``gradient_one``: cosines with the true gradients over half a Lyapunov time and one."""
    half, one = horizons(scenario.config)
    intervals = round(one / scenario.simulation.control_interval)
    starts, actions = scenario.draw("gradients", scenario.config.evaluation.gradients.samples, intervals)
    target = scenario.task().target
    found = gradient_agreement(dynamics, scenario.simulation, starts, actions, target, [half, one])
    cosine = np.nan_to_num(found["cosine"].values)  # where the true one is zero
    return {"gradient_half": cosine[0].tolist(), "gradient_one": cosine[1].tolist()}


@torch.no_grad()
def probed(dynamics: Dynamics, scenario: Scenario) -> Samples:
    """``probe_ridge`` and ``probe_network``: R2 within trajectories of functionals that nothing was trained on.

    They are read from latents without their ledger. Probes are fitted to half of the test simulations and judged
    by the others. The evaluation pools the components of one target; here each simulation has a value of its own,
    so that variants can be compared in pairs: 1 - its square errors over the mean variation within simulations,
    mean over functionals. The mean of these values is the mean R2 of the functionals.
    """
    names = [v.name for v in scenario.simulation.variables]
    samples = read_samples(scenario.test, names, [0], scenario.config.evaluation.probing.instants, 1, {})
    targets = [t.values for t in samples.targets if t.kind == "held_out" and not t.name.startswith(BUDGET_SOURCES)]
    values = np.concatenate(targets, axis=2)
    half = len(values) // 2
    states = encode(dynamics, samples.fields)
    features = flat(dynamics.latent(states) if isinstance(dynamics, WorldModel) else states)
    features = features.reshape(*values.shape[:2], -1)
    fit_features, fit_values = (array[:half].reshape(-1, array.shape[2]) for array in (features, values))
    held_out = np.repeat(np.arange(half) % 4 == 0, values.shape[1])
    updates = QUICK_PROBE_UPDATES if scenario.quick else PROBE_UPDATES
    probes: dict[str, Callable[[Array, Array, NDArray[np.bool_]], Probe]] = {
        "ridge": ridge_probe,
        "network": partial(network_probe, updates=updates, seed=scenario.config.seed),
    }
    found = {}
    for name, fit in probes.items():
        read = fit(fit_features, fit_values, held_out)(features[half:].reshape(-1, features.shape[2]))
        found[f"probe_{name}"] = _within_r2(values[half:], read.reshape(values[half:].shape))
    return found


def equivariance(dynamics: Dynamics, scenario: Scenario) -> Samples:
    """``equivariance_error`` of one interval, where equation and actuators allow a shift."""
    starts, actions = scenario.draw("equivariance", scenario.config.evaluation.effects.samples, 1)
    errors = equivariance_errors(dynamics, scenario.simulation, starts, actions)
    return {} if errors is None else {"equivariance_error": _bounded(errors)}


def controlled(dynamics: Dynamics, scenario: Scenario) -> Samples:
    """The cost of control that plans through the dynamics, for each start.

    Returns:
        ``saving``, the mean square distance from the target below that without control; ``regret``, that above
        gradient planning through the true solver; ``without_law``, 1 if no linear law of the dynamics holds the
        target, so that its plans had no terminal cost.
    """
    task, known = scenario.task(), scenario.references()
    without_law = False
    try:
        policy = task.plan_with(dynamics)
    except NoLinearLaw:
        without_law, policy = True, scenario.task(terminal="none").plan_with(dynamics)
    result = run_control(task, {"planned": lambda: policy}, silent)
    none, adjoint = (np.array(known[name]) for name in ("none", "adjoint"))
    cost = scenario.cost_of(result.sel(controller="planned")).clip(max=LARGEST_COST_RATIO * none)
    return {
        "saving": (none - cost).tolist(),
        "regret": (cost - adjoint).tolist(),
        "without_law": [float(without_law)],
    }


def mean_relative_reduction(
    samples: Mapping[str, Sequence[float]], references: Mapping[str, Sequence[float]]
) -> float | None:
    """That of the mean cost; None for a dynamics that was not planned with, or where the best reduces nothing.

    Args:
        samples: of :func:`measure`.
        references: see ``Scenario.references``.
    """
    none = float(np.mean(references["none"]))
    best = float(np.mean(references["none"]) - np.mean(references["adjoint"]))
    return relative_reduction(float(np.mean(samples["saving"])), best, none) if "saving" in samples else None


def _energy(scenario: Scenario, fields: Tensor) -> Tensor:
    """``(sample, time)`` of fields ``(sample, time, variable, *space)``."""
    energy: Tensor = scenario.simulation.functionals(fields.flatten(0, 1))["energy"]
    return energy.unflatten(0, fields.shape[:2])


def _bounded(errors: Tensor) -> list[float]:
    values: list[float] = errors.double().nan_to_num(LARGEST_ERROR, LARGEST_ERROR).clamp(max=LARGEST_ERROR).tolist()
    return values


def _within_r2(truth: Array, read: Array) -> list[float]:
    """R2 within simulations, split among them; both ``(simulation, time, functional)``."""
    inner, guess = (values - values.mean(axis=1, keepdims=True) for values in (truth, read))
    variation = (inner**2).sum(axis=1).mean(axis=0)
    varies = variation > 1e-12 * (truth**2).sum(axis=1).mean(axis=0)
    errors = ((guess - inner) ** 2).sum(axis=1)[:, varies] / variation[varies]
    bounded = np.nan_to_num(errors, nan=LARGEST_ERROR).clip(max=LARGEST_ERROR)
    values: list[float] = (1 - bounded.mean(axis=1)).tolist()
    return values


@torch.no_grad()
def _participation(model: WorldModel, scenario: Scenario) -> float:
    fields, _ = scenario.recorded()
    return participation_ratio(model.latent(encode_trajectory(model, fields)))
