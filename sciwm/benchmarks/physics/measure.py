"""The numbers of one trained dynamics, sample by sample, the same ones for a world model and for any baseline."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sciwm.benchmarks.physics.scenario import SETTLING, Ground
from sciwm.benchmarks.physics.systems import horizons, time_unit
from sciwm.dynamics import Dynamics, encode_trajectory
from sciwm.evaluation.actions import HELD, ROUGH, draw_actions
from sciwm.evaluation.climate.long_run import long_runs
from sciwm.evaluation.control import run_control
from sciwm.evaluation.counterfactuals import effect_errors
from sciwm.evaluation.gradients import gradient_agreement
from sciwm.evaluation.probing.probes import Array, Probe, network_probe, ridge_probe
from sciwm.evaluation.probing.samples import encode, flat, read_samples
from sciwm.evaluation.rollouts import SIMULATIONS_AT_ONCE, VALID_ERROR, unseen_action_budget
from sciwm.evaluation.symmetry import symmetric_shift
from sciwm.evaluation.trajectories import decoded, relative_error
from sciwm.model.world_model import WorldModel
from sciwm.planning.linear_law import NoLinearLaw
from sciwm.training.held_out import participation_ratio
from simulations.generate import silent

VERSION = b"1"
"""Another one for another way to measure: what was measured before is measured again."""

LEADS = (1, 12, 40)
LOST = 100.0
"""Stands for errors beyond it, and for those of rollouts that are no longer finite."""

DRIFT_STEPS = 200
BUDGETS = {"energy_change_error": "change_error", "energy_read_error": "stated_error", "budget_residual": "residual"}
TOLD = ("mean |grad ", "mean (lap ")
"""Begin the names of functionals that sources of budgets tell of, and so labels that heads learn from."""

WORST = 2.0
"""Cost of an episode, over that without control, that stands for all that are worse or blew up."""

UPDATES, QUICK_UPDATES = 1500, 100  # of the network probe

Samples = dict[str, list[float]]


def measure(dynamics: Dynamics, ground: Ground, *, plans: bool, probes: bool) -> Samples:
    """All of the below.

    Args:
        plans: whether its gradients say anything of what actions do.
        probes: whether anything is claimed of what can be read from its latent.
    """
    samples = forecasts(dynamics, ground) | budgets(dynamics, ground) | effects(dynamics, ground)
    samples |= long_run(dynamics, ground) | shifted(dynamics, ground)
    if probes:
        samples |= probed(dynamics, ground)
    if plans:
        samples |= gradients(dynamics, ground) | controlled(dynamics, ground)
    if isinstance(dynamics, WorldModel):
        samples |= {"participation_ratio": [_participation(dynamics, ground)]}
    return samples


@torch.no_grad()
def forecasts(dynamics: Dynamics, ground: Ground) -> Samples:
    """``nrmse_LEAD``, ``valid_time`` in Lyapunov times and ``energy_drift`` of rollouts of the test set.

    The drift is how far the mean energy over the second half of 200 intervals is from the true one, in
    deviations of the true energy; forecasts that have lost the flow differ by chance, too.
    """
    config, truth, actions = ground.config, *ground.recorded()
    parts = zip(truth[:, 0].split(SIMULATIONS_AT_ONCE), actions.split(SIMULATIONS_AT_ONCE), strict=True)
    imagined = torch.cat([decoded(dynamics, start, action) for start, action in parts])
    truth = truth[:, 1:]
    error = relative_error(imagined, truth)
    lost = ~(error <= VALID_ERROR)
    first = torch.where(lost.any(dim=1), lost.float().argmax(dim=1) + 1, error.shape[1])
    steps = min(DRIFT_STEPS, error.shape[1])
    energy, true_energy = (_energy(ground, fields[:, :steps]) for fields in (imagined, truth))
    late = slice(steps // 2, None)
    drift = (energy[:, late].mean(dim=1) - true_energy[:, late].mean(dim=1)).abs() / true_energy.std()
    return {
        **{f"nrmse_{lead}": _bounded(error[:, lead - 1]) for lead in LEADS if lead <= error.shape[1]},
        "valid_time": (first * ground.simulation.control_interval / time_unit(config)).tolist(),
        "energy_drift": _bounded(drift),
    }


@torch.no_grad()
def budgets(dynamics: Dynamics, ground: Ground) -> Samples:
    """Changes of energy over each interval under fresh actions from the whole box, which recorded forcing never holds;
    of the simulations that arms match sensitivities with, a quarter hold such.

    Root mean squares over 8 intervals in deviations of the true changes: ``energy_change_error`` of the
    decoded fields; of a model with heads also ``energy_read_error`` of the energy that it states, and
    the ``budget_residual`` of that.
    """
    starts, actions, fields = ground.unseen
    together = torch.cat([starts[:, None], fields], dim=1)
    errors = unseen_action_budget(dynamics, ground.simulation, starts, actions, together).sel(functional="energy")
    over_time = (errors**2).mean("time", skipna=False) ** 0.5
    return {name: _bounded(torch.from_numpy(over_time[of].values)) for name, of in BUDGETS.items() if of in over_time}


@torch.no_grad()
def long_run(dynamics: Dynamics, ground: Ground) -> Samples:
    """Runs of 100 Lyapunov times, or of 400 intervals, free where that keeps the flow alive.

    ``blown_up`` is 1 for those that did, ``climate_distance`` that of their values from true ones, in
    deviations, ``climate_floor`` that of true ones from each other.
    """
    runs = long_runs(dynamics, ground.simulation, *ground.long_run(), settle=SETTLING, true=ground.true_climate)
    distance = runs["histogram_distance"].isel(variable=0)
    one, true = (torch.from_numpy(distance.sel(run=run).values) for run in ("model", "simulation"))
    blown_up = runs["blow_up_time"].sel(run="model").notnull().values.astype(float).tolist()
    return {"blown_up": blown_up, "climate_distance": _bounded(one), "climate_floor": true.tolist()}


def effects(dynamics: Dynamics, ground: Ground) -> Samples:
    """``effect_held`` and ``effect_rough``: errors of what other actions would have changed."""
    asked = ground.config.evaluation.effects
    lead = asked.lead_time or time_unit(ground.config) / 2
    intervals = max(1, round(lead / ground.simulation.control_interval))
    starts, actions = ground.draw("effects", asked.samples, intervals)
    others = {
        name: draw_actions(ground.simulation.actuators, asked.samples, intervals, hold=hold, seed=ground.config.seed)
        for name, hold in {"held": HELD, "rough": ROUGH}.items()
    }
    errors = effect_errors(dynamics, ground.simulation, starts, actions, others, shift=int(HELD))
    last = errors["effect_error"].sel(given="right").isel(time=-1)
    return {f"effect_{name}": _bounded(torch.from_numpy(last.sel(alternative=name).values)) for name in others}


def gradients(dynamics: Dynamics, ground: Ground) -> Samples:
    """``gradient_half`` and ``gradient_one``: cosines with the true gradients over these parts of a Lyapunov time."""
    half, one = horizons(ground.config)
    intervals = round(one / ground.simulation.control_interval)
    starts, actions = ground.draw("gradients", ground.config.evaluation.gradients.samples, intervals)
    found = gradient_agreement(dynamics, ground.simulation, starts, actions, ground.task().target, [half, one])
    cosine = np.nan_to_num(found["cosine"].values)  # where the true one is zero
    return {"gradient_half": cosine[0].tolist(), "gradient_one": cosine[1].tolist()}


@torch.no_grad()
def probed(dynamics: Dynamics, ground: Ground) -> Samples:
    """``probe_ridge`` and ``probe_network``: R2 within trajectories of functionals that nothing was trained on.

    Read from latents without their ledger. Half of the test simulations teach, the others judge; the mean
    over functionals. The values of one simulation are 1 - its errors over the mean variation within
    simulations, so that their mean is R2.
    """
    names = [v.name for v in ground.simulation.variables]
    samples = read_samples(ground.test, names, [0], ground.config.evaluation.probing.instants, 1, {})
    targets = [t.values for t in samples.targets if t.kind == "held_out" and not t.name.startswith(TOLD)]
    values = np.concatenate(targets, axis=2)
    half = len(values) // 2
    states = encode(dynamics, samples.fields)
    features = flat(dynamics.latent(states) if isinstance(dynamics, WorldModel) else states)
    features = features.reshape(*values.shape[:2], -1)
    learn, taught = (array[:half].reshape(-1, array.shape[2]) for array in (features, values))
    held_out = np.repeat(np.arange(half) % 4 == 0, values.shape[1])
    found = {}
    probes: dict[str, Callable[[Array, Array, NDArray[np.bool_]], Probe]] = {
        "ridge": ridge_probe,
        "network": partial(network_probe, updates=QUICK_UPDATES if ground.quick else UPDATES, seed=ground.config.seed),
    }
    for name, fit in probes.items():
        read = fit(learn, taught, held_out)(features[half:].reshape(-1, features.shape[2]))
        found[f"probe_{name}"] = _within_r2(values[half:], read.reshape(values[half:].shape))
    return found


@torch.no_grad()
def shifted(dynamics: Dynamics, ground: Ground) -> Samples:
    """``equivariance_error``: of one interval, if state and actuators move by a step of the actuators' lattice."""
    starts, actions = ground.draw("equivariance", ground.config.evaluation.effects.samples, 1)
    noise = torch.randn(starts[:1].shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = symmetric_shift(ground.simulation, noise)
    if found is None:
        return {}
    axis, points, places = found
    along = axis - len(ground.simulation.grid.shape)
    moved = torch.empty_like(actions)
    moved[:, :, places] = actions
    straight = decoded(dynamics, starts, actions).roll(points, along)
    difference = decoded(dynamics, starts.roll(points, along), moved) - straight
    return {"equivariance_error": _bounded(difference.flatten(1).norm(dim=1) / straight.flatten(1).norm(dim=1))}


def controlled(dynamics: Dynamics, ground: Ground) -> Samples:
    """``saving`` and ``regret`` of each start: mean square distance below no control, and above the adjoint's.

    ``without_law`` is 1 if no linear law of the dynamics holds the target, so that plans had no terminal cost.
    """
    task, known = ground.task(), ground.references()
    without_law = False
    try:
        policy = task.plan_with(dynamics)
    except NoLinearLaw:
        without_law, policy = True, ground.task(terminal="none").plan_with(dynamics)
    result = run_control(task, {"planned": lambda: policy}, silent)
    none, adjoint = (np.array(known[name]) for name in ("none", "adjoint"))
    cost = ground.cost_of(result.sel(controller="planned"))
    cost = cost.clip(max=WORST * none)
    return {
        "saving": (none - cost).tolist(),
        "regret": (cost - adjoint).tolist(),
        "without_law": [float(without_law)],
    }


def gain(samples: Mapping[str, Sequence[float]], references: Mapping[str, Sequence[float]]) -> float | None:
    """Share of what the adjoint saves."""
    best = float(np.mean(references["none"]) - np.mean(references["adjoint"]))
    return float(np.mean(samples["saving"])) / best if "saving" in samples and best > 0 else None


def _energy(ground: Ground, fields: Tensor) -> Tensor:
    """``(sample, time)`` of fields ``(sample, time, variable, *space)``."""
    energy: Tensor = ground.simulation.functionals(fields.flatten(0, 1))["energy"]
    return energy.unflatten(0, fields.shape[:2])


def _bounded(errors: Tensor) -> list[float]:
    values: list[float] = errors.double().nan_to_num(LOST, LOST).clamp(max=LOST).tolist()
    return values


def _within_r2(truth: Array, read: Array) -> list[float]:
    """For each simulation; both ``(simulation, time, functional)``."""
    inner, guess = (values - values.mean(axis=1, keepdims=True) for values in (truth, read))
    variation = (inner**2).sum(axis=1).mean(axis=0)
    varies = variation > 1e-12 * (truth**2).sum(axis=1).mean(axis=0)
    errors = ((guess - inner) ** 2).sum(axis=1)[:, varies] / variation[varies]
    values: list[float] = (1 - np.nan_to_num(errors, nan=LOST).clip(max=LOST).mean(axis=1)).tolist()
    return values


@torch.no_grad()
def _participation(model: WorldModel, ground: Ground) -> float:
    fields, _ = ground.recorded()
    return participation_ratio(model.latent(encode_trajectory(model, fields)))
