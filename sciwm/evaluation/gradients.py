"""Agreement of gradients with respect to actions with the true ones: whether gradient planning can be trusted."""

from collections.abc import Sequence

import torch
import xarray as xr
from torch import Tensor

from sciwm.dynamics import Dynamics, readout_trajectory, rollout
from sciwm.errors import InputError, Problem
from sciwm.evaluation.trajectories import described, require_fit
from sciwm.planning import mean_square_distance
from simulations import Simulation


def gradient_agreement(
    dynamics: Dynamics,
    simulation: Simulation,
    starts: Tensor,
    actions: Tensor,
    target: Tensor,
    horizons: Sequence[float],
) -> xr.Dataset:
    """Compare gradients of the planning cost through a dynamics with those through the true simulation.

        J = sum_t < |u_t - u*|^2 >        g = dJ / da,  a in [-1, 1]

    with the sum over the instants up to each horizon and < > the mean over space and variables. On a chaotic flow
    gradients over more than a Lyapunov time grow exponentially and are of little use to a planner; agreement matters
    over the horizon that is planned.

    Args:
        dynamics: What is evaluated.
        simulation: The truth.
        starts: Starts ``(sample, variable, *space)``.
        actions: Physical actions at which the gradients are taken, ``(sample, time, actuator)``.
        target: The target u*, ``(variable, *space)``, NaN where the fields may take any value.
        horizons: Horizons in time units, rounded to whole intervals.

    Returns:
        Over ``horizon`` and ``sample``: ``cosine`` of the angle between the two gradients, 0 where that of the
        dynamics is zero or not finite; ``cosine_shuffled``, the cosine with the true gradient of another sample, to
        compare with; ``norm_ratio``, predicted over true norm; ``norm`` of the true gradient. NaN where the true
        gradient is zero.

    Raises:
        InputError: With everything that does not fit together.

    Example:
        >>> agreement = gradient_agreement(model, simulation, starts, actions, rest, [1, 5, 10])  # doctest: +SKIP
        >>> agreement["cosine"].median("sample")  # doctest: +SKIP
    """
    require_fit(dynamics, simulation, starts, {"actions": actions})
    steps = [round(horizon / dynamics.control_interval) for horizon in horizons]
    problems = [
        Problem("horizons", f"from one interval to {actions.shape[1]} of {dynamics.control_interval:g}", f"{horizon:g}")
        for horizon, count in zip(horizons, steps, strict=True)
        if not 1 <= count <= actions.shape[1]
    ]
    if tuple(target.shape) != tuple(starts.shape[1:]):
        problems.append(Problem("target", f"the shape {tuple(starts.shape[1:])}", f"{tuple(target.shape)}"))
    if problems or not steps:
        raise InputError(problems or [Problem("horizons", "at least one", "none")])
    rows: list[tuple[Tensor, ...]] = []
    for count in steps:
        imagined, true = (action_gradient(d, starts, actions[:, :count], target) for d in (dynamics, simulation))
        norms, true_norms = imagined.flatten(1).norm(dim=1), true.flatten(1).norm(dim=1)
        ratio = torch.where(true_norms > 0, norms / true_norms, torch.nan)
        rows.append((_cosine(imagined, true), _cosine(imagined, true.roll(1, dims=0)), ratio, true_norms))
    meanings = {
        "cosine": "cosine between predicted and true gradient",
        "cosine_shuffled": "cosine between predicted gradient and the true one of another sample",
        "norm_ratio": "norm of the predicted relative to the true gradient",
        "norm": "norm of the true gradient",
    }
    by_name = zip(meanings.items(), zip(*rows, strict=True), strict=True)
    variables = {
        name: described(torch.stack(values), ("horizon", "sample"), meaning) for (name, meaning), values in by_name
    }
    times = [count * dynamics.control_interval for count in steps]
    return xr.Dataset(variables, {"horizon": ("horizon", times, {"units": "1", "long_name": "horizon"})})


def action_gradient(dynamics: Dynamics, starts: Tensor, actions: Tensor, target: Tensor) -> Tensor:
    """``dJ / da`` of each sample, ``(sample, time, actuator)``, for actions scaled to ``[-1, 1]``."""
    with torch.enable_grad():
        normalized = dynamics.actuators.to_normalized(actions).detach().requires_grad_(True)
        physical = dynamics.actuators.to_physical(normalized)
        states = rollout(dynamics, dynamics.encode(starts), physical, save_memory=True)
        fields = readout_trajectory(dynamics, states, ["fields"])["fields"]
        total = mean_square_distance(fields, target).sum()  # samples do not interact
        if not total.requires_grad:
            return torch.zeros_like(actions)
        (gradient,) = torch.autograd.grad(total, [normalized], allow_unused=True, materialize_grads=True)
        return gradient


def _cosine(imagined: Tensor, true: Tensor) -> Tensor:
    g, h = imagined.double().flatten(1), true.double().flatten(1)
    norms, true_norms = g.norm(dim=1), h.norm(dim=1)
    cosine = (g * h).sum(dim=1) / torch.where(norms > 0, norms, 1.0) / true_norms
    return torch.where(true_norms > 0, cosine.nan_to_num(0.0), torch.nan)  # one that is not finite has no direction
