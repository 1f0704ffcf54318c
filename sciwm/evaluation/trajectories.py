"""Decoded trajectories of any dynamics and their relative errors, which several measures share."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.nn import functional

from sciwm.data import ROUNDING
from sciwm.dynamics import Dynamics, readout_trajectory, rollout
from sciwm.errors import Problem, counted, raise_if
from simulations import Simulation
from simulations.closeness import close

SAME_INTERVAL = 1e-5
"""The largest relative difference of control intervals that count as equal: times may come in single precision."""


def decoded(dynamics: Dynamics, starts: Tensor, actions: Tensor) -> Tensor:
    """Roll out and decode: fields ``(sample, time, variable, *space)``, the first one interval after ``starts``.

    Args:
        starts: Starts ``(sample, variable, *space)``.
        actions: Physical actions ``(sample, time, actuator)``.
    """
    states = rollout(dynamics, dynamics.encode(starts), actions)
    return readout_trajectory(dynamics, states, ["fields"])["fields"]


def deviations(fields: Tensor) -> Tensor:
    """Standard deviation of each variable, ``(variable, 1, ...)``; of one that does not vary, its magnitude, or 1.

    Trajectories that are not finite do not count.

    Args:
        fields: Fields ``(sample, time, variable, *space)``.
    """
    finite = fields[torch.isfinite(fields).flatten(1).all(dim=1)]
    by_variable = finite.transpose(0, 2).flatten(1)
    deviation, largest = by_variable.std(dim=1), functional.pad(by_variable.abs(), (0, 1)).amax(dim=1)
    varies = deviation > ROUNDING * largest
    magnitude = torch.where(largest > 0, largest, 1.0)
    return torch.where(varies, deviation, magnitude).view(-1, *(1,) * (fields.ndim - 3))


def size(fields: Tensor, scale: Tensor) -> Tensor:
    """Root mean square over variables and space in units of ``scale``: ``(sample, time)``.

    Args:
        fields: Fields ``(sample, time, variable, *space)``.
        scale: As from :func:`deviations`.
    """
    return (fields / scale).square().flatten(2).mean(dim=2).sqrt()


def ratio(part: Tensor, whole: Tensor) -> Tensor:
    """``part / whole``, NaN where ``whole`` is zero."""
    return torch.where(whole > 0, part / whole, torch.nan)


def relative_error(guess: Tensor, true: Tensor) -> Tensor:
    """||u^ - u|| / ||u||, ``(sample, time)``, variables in units of their true deviation.

    Args:
        guess, true: ``(sample, time, variable, *space)``; a guess that is not finite has an error of NaN or infinity.
    """
    scale = deviations(true)
    return ratio(size(guess - true, scale), size(true, scale))


def times(dynamics: Dynamics, intervals: int) -> xr.DataArray:
    """Lead times of the intervals 1 to ``intervals``."""
    values = np.arange(1, intervals + 1) * dynamics.control_interval
    return xr.DataArray(values, dims="time", attrs={"units": "1", "long_name": "lead time"})


def described(values: Tensor, dims: Sequence[str], meaning: str, units: str = "1") -> xr.DataArray:
    """A tensor as an array with named dimensions, its meaning as ``long_name``, and units."""
    return xr.DataArray(values.detach().cpu().numpy(), dims=dims, attrs={"units": units, "long_name": meaning})


def require_fit(dynamics: Dynamics, simulation: Simulation, starts: Tensor, actions: Mapping[str, Tensor]) -> None:
    """Check that dynamics, simulation, starts and all sequences of actions fit together.

    Args:
        actions: By name, each ``(sample, time, actuator)``.

    Raises:
        InputError: With everything that does not fit.
    """
    problems = _action_problems(simulation, starts, actions)
    if not close(dynamics.control_interval, simulation.control_interval, rtol=SAME_INTERVAL):
        expected, got = f"{simulation.control_interval:g} as of the simulation", f"{dynamics.control_interval:g}"
        problems.append(Problem("dynamics: control_interval", expected, got))
    if len(dynamics.actuators) != len(simulation.actuators):
        expected = f"{counted(len(simulation.actuators), 'actuator')} as the simulation has"
        problems.append(Problem("dynamics: actuators", expected, f"{len(dynamics.actuators)}"))
    wanted = (len(simulation.variables), *simulation.grid.shape)
    if starts.shape[1:] != wanted or not len(starts):
        problems.append(Problem("starts", f"the shape {('sample', *wanted)}", f"{tuple(starts.shape)}"))
    else:
        with torch.no_grad():
            read = dynamics.readout(dynamics.encode(starts), ["fields"])["fields"]
        if read.shape[1:] != wanted:
            remedy = "take a simulation on the grid of the dynamics"
            problems.append(Problem("dynamics: fields", f"the shape {wanted}", f"{tuple(read.shape[1:])}", remedy))
    raise_if(problems)


def _action_problems(simulation: Simulation, starts: Tensor, actions: Mapping[str, Tensor]) -> list[Problem]:
    intervals = next(iter(actions.values())).shape[1:2]
    wanted = (len(starts), *intervals, len(simulation.actuators))
    return [
        Problem(name, f"actions of the shape {wanted} with at least one interval", f"{tuple(sequence.shape)}")
        for name, sequence in actions.items()
        if tuple(sequence.shape) != wanted or not sequence.numel()
    ]
