"""Violation of expectation: whether prediction errors detect what the physics forbids, and nothing else."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from sciwm.dynamics import Dynamics, rollout
from sciwm.errors import Problem, counted, raise_if
from sciwm.evaluation.surprise.alarms import MEANINGS, measured
from sciwm.evaluation.surprise.detection import Whitening, cross_scores
from sciwm.evaluation.surprise.violations import Scene, Violation, continued
from sciwm.evaluation.trajectories import SAME_INTERVAL
from simulations import Simulation
from simulations.closeness import close
from simulations.generate import Progress, silent
from simulations.resampling import resample

Array = NDArray[Any]
Residual = Callable[[Tensor, Tensor, Tensor], Tensor]
"""``residual(before, action, after)``: from states and action ``(batch, ...)`` of an interval to the residuals of its
budgets, ``(batch, functional)``."""


@torch.no_grad()
def surprise(
    dynamics: Dynamics,
    simulation: Simulation,
    starts: Tensor,
    actions: Tensor,
    *,
    validation: tuple[Tensor, Tensor],
    violations: Sequence[Violation],
    groups: ArrayLike | None = None,
    residual: Residual | None = None,
    observed: Residual | None = None,
    steps: int = 1,
    exposure: float = 1.0,
    false_alarms: float = 0.05,
    power: float = 0.9,
    seed: int = 0,
    progress: Progress = silent,
) -> xr.Dataset:
    """Score violated and untouched trajectories by prediction errors, and measure how well scores tell them apart.

        latent:  s = (z - z^)' Sigma^-1 (z - z^) / d,    z = encode(u_(t+steps)),  z^ = rollout(encode(u_t), a)
        budget:  s = r' C^-1 r / n,                      r = residual(encode(u_t), a_t, encode(u_(t+1)))
        equation: the same with                          r = observed(u_t, a_t, u_(t+1))

    with Sigma and C from the errors on validation trajectories. These also set the threshold of an alarm, each scored
    by the Sigma of the others, since its own would make scores of few errors with many components too low. The score of
    a trajectory is the mean over its intervals: the first prediction for a violation that happens at once, all within
    ``exposure`` for one that lasts; the same for violated, untouched and validation trajectories. Trajectories are
    computed in double precision, and encoded in the precision of ``starts``.

    Args:
        dynamics: Encodes and advances; its channels are those of ``simulation``.
        simulation: The truth.
        starts: Starts ``(trajectory, variable, *space)``, 200 or more for narrow intervals.
        actions: ``(trajectory, interval, actuator)`` in physical units, for at least ``exposure``.
        validation: Other starts and actions, for Sigma, C and the threshold of an alarm.
        violations: How trajectories are changed, see :func:`~sciwm.evaluation.surprise.violations.standard_violations`.
        groups: Simulation that each trajectory comes from, for bootstrap intervals; None if each comes from another.
        residual: As ``functools.partial(budget_residual, model)``; None to leave the budget score out.
        observed: As ``observed_budget(simulation)``: what the equation alone detects, without a model, from fields
            on its grid in double precision; None to leave the equation score out.
        steps: Number of intervals of a prediction.
        exposure: Time for which lasting violations are observed.
        false_alarms: Share of the validation trajectories above the threshold, such as 0.05.
        power: Rate of alarms that counts as detected, such as 0.9.
        seed: Seed of what violations draw.
        progress: Shows how many violations are done.

    Returns:
        Over ``detector``, ``violation``, ``size`` and ``trajectory``: ``score``, ``untouched``; over all but
        ``trajectory``: ``auroc`` (``..._low``, ``..._high``: 95 % bootstrap over groups), ``p_value``
        (paired one-sided Wilcoxon), ``alarms`` and ``false_alarms`` above ``threshold``; over ``detector`` and
        ``violation``: ``smallest_detectable``; ``control`` and ``default_size`` of each violation. NaN at sizes
        that a violation does not have. Attributes of ``detector``: samples, components and shrinkage.

    Raises:
        InputError: With everything that does not fit together.
    """
    exposed = max(steps, round(exposure / dynamics.control_interval))
    members = np.arange(len(starts)) if groups is None else np.asarray(groups)
    raise_if(_problems(dynamics, simulation, starts, actions, validation, violations, members, exposed))
    seen = starts.dtype
    by_equation = None if observed is None else _on_own_grid(observed, simulation)
    scene = _scene(simulation, starts, actions[:, :exposed], seed)
    calm = _scene(simulation, *validation, seed)
    reference = _errors(dynamics, calm, residual, by_equation, steps, seen)
    floors = {
        "latent": _rounding(dynamics.encode(calm.fields[:, 0].to(seen)).flatten(1)),
        "budget": np.zeros(1),
        "equation": np.zeros(1),
    }
    detectors = {n: Whitening.of(e.reshape(-1, e.shape[-1]), smallest=floors[n]) for n, e in reference.items()}
    calm_scores = {n: cross_scores(e, smallest=floors[n]) for n, e in reference.items()}

    def scores(fields: Tensor, told: Tensor) -> dict[str, Array]:
        observed_scene = Scene(simulation, fields, told, scene.generator)
        errors = _errors(dynamics, observed_scene, residual, by_equation, steps, seen)
        return {name: detectors[name].score(e).mean(axis=1) for name, e in errors.items()}

    rows = []
    for i in progress(range(len(violations)), "surprise by violation"):
        violation = violations[i]
        length = exposed if violation.lasts else steps
        part = Scene(simulation, scene.fields[:, : length + 1], scene.actions[:, :length], scene.generator)
        untouched = scores(part.fields, part.actions)
        by_size = [scores(*violation.change(part, size)) for size in violation.sizes]
        spans = {"latent": length - steps + 1, "budget": length, "equation": length}
        windows = {n: s[:, : spans[n]].mean(axis=1) for n, s in calm_scores.items()}
        thresholds = {n: float(np.quantile(w, 1 - false_alarms)) for n, w in windows.items()}
        rows.append(measured(violation, by_size, untouched, thresholds, power, members))
    result = xr.concat(
        rows, xr.DataArray([v.name for v in violations], dims="violation", name="violation"), join="outer"
    )
    for name in ("samples", "shrinkage"):
        result[f"validation_{name}"] = ("detector", [getattr(d, name) for d in detectors.values()])
    result["components"] = ("detector", [len(d.scales) for d in detectors.values()])
    for name, meaning in MEANINGS.items():
        result[name].attrs = {"units": "1", "long_name": meaning}
    return result.assign_attrs(
        steps=steps,
        exposure=exposed * dynamics.control_interval,
        power=power,
        allowed_false_alarms=false_alarms,
        validation_trajectories=len(validation[0]),
    )


def observed_budget(simulation: Simulation) -> Residual:
    """The budget residual of every functional between two observed fields, by the equation and without a model:

        r = Q(u+) - Q(u) - interval ( S + a . y ),    S and y averaged over both ends

    The trapezoidal rule has an error of third order in the interval.

    Args:
        simulation: Has the functionals and their budgets.
    """

    def residual(before: Tensor, action: Tensor, after: Tensor) -> Tensor:
        ends = simulation.budgets(before), simulation.budgets(after)
        first, last = simulation.functionals(before), simulation.functionals(after)

        def rate(name: str) -> Tensor:
            parts = [at[name].source + (action * at[name].output).sum(dim=1) for at in ends]
            return (parts[0] + parts[1]) / 2

        interval, names = simulation.control_interval, simulation.functional_names
        return torch.stack([last[n] - first[n] - interval * rate(n) for n in names], dim=1)

    return residual


def _on_own_grid(observed: Residual, simulation: Simulation) -> Residual:
    """The same residual for fields of any resolution, restricted to the grid of the simulation."""

    def residual(before: Tensor, action: Tensor, after: Tensor) -> Tensor:
        shape = simulation.grid.shape
        if tuple(before.shape[2:]) != shape:
            before, after = resample(before, shape), resample(after, shape)
        return observed(before, action, after)

    return residual


def _scene(simulation: Simulation, starts: Tensor, actions: Tensor, seed: int) -> Scene:
    starts, actions = starts.double(), actions.double()
    fields = torch.cat([starts[:, None], continued(simulation, starts, actions)], dim=1)
    return Scene(simulation, fields, actions, torch.Generator().manual_seed(seed))


def _errors(
    dynamics: Dynamics,
    scene: Scene,
    residual: Residual | None,
    observed: Residual | None,
    steps: int,
    seen: torch.dtype,
) -> dict[str, Array]:
    """Errors of every detector, ``(trajectory, prediction, component)``."""
    fields, actions = scene.fields.to(seen), scene.actions.to(seen)
    count, intervals = actions.shape[:2]
    states = dynamics.encode(fields.flatten(0, 1)).unflatten(0, (count, intervals + 1))
    told = torch.stack([actions[:, t : t + steps] for t in range(intervals - steps + 1)], dim=1)
    predicted = rollout(dynamics, states[:, : told.shape[1]].flatten(0, 1), told.flatten(0, 1))[:, -1]
    errors = {"latent": (states[:, steps:].flatten(0, 1) - predicted).flatten(1).unflatten(0, told.shape[:2])}
    if residual is not None:
        left = residual(states[:, :-1].flatten(0, 1), actions.flatten(0, 1), states[:, 1:].flatten(0, 1))
        errors["budget"] = left.unflatten(0, (count, intervals))
    if observed is not None:
        exact = scene.fields  # in double precision, so that rounding errors are not detected
        left = observed(exact[:, :-1].flatten(0, 1), scene.actions.flatten(0, 1), exact[:, 1:].flatten(0, 1))
        errors["equation"] = left.unflatten(0, (count, intervals))
    return {name: e.double().numpy() for name, e in errors.items()}


def _rounding(states: Tensor) -> Array:
    """The rounding error of each component of a latent, ``(component,)``."""
    rounding: Array = states.double().square().mean(dim=0).sqrt().numpy() * torch.finfo(states.dtype).eps
    return rounding


def _problems(
    dynamics: Dynamics,
    simulation: Simulation,
    starts: Tensor,
    actions: Tensor,
    validation: tuple[Tensor, Tensor],
    violations: Sequence[Violation],
    members: Array,
    exposed: int,
) -> list[Problem]:
    problems = []
    for where, fields, applied in (("starts", starts, actions), ("validation", *validation)):
        if fields.shape[1:] != (len(simulation.variables), *simulation.grid.shape) or len(fields) < 2:
            wanted = f"two or more of shape {(len(simulation.variables), *simulation.grid.shape)}"
            problems.append(Problem(where, wanted, f"shape {tuple(fields.shape)}"))
        if applied.ndim != 3 or len(applied) != len(fields) or applied.shape[2] != len(simulation.actuators):
            wanted = f"actions of shape ({len(fields)}, intervals, {len(simulation.actuators)})"
            problems.append(Problem(where, wanted, f"{tuple(applied.shape)}"))
        elif applied.shape[1] < exposed:
            remedy = "give more, or expose for a shorter time"
            wanted = f"actions of at least {counted(exposed, 'interval')}"
            problems.append(Problem(where, wanted, str(applied.shape[1]), remedy))
    if not close(dynamics.control_interval, simulation.control_interval, rtol=SAME_INTERVAL):
        expected = f"the interval {dynamics.control_interval:g} of the dynamics"
        problems.append(Problem("simulation", expected, f"{simulation.control_interval:g}"))
    if len(members) != len(starts):
        problems.append(Problem("groups", f"one for each of {len(starts)} trajectories", str(len(members))))
    names = [v.name for v in violations]
    if not names or len(set(names)) < len(names):
        problems.append(Problem("violations", "different names, at least one", ", ".join(names) or "none"))
    problems += [
        Problem(f"violations: {v.name}", "ascending sizes above zero with the default among them", str(v.sizes))
        for v in violations
        if not v.sizes or min(v.sizes) <= 0 or list(v.sizes) != sorted(set(v.sizes)) or v.default not in v.sizes
    ]
    return problems
