"""Runs of a forecast that end before others: what is not computed of them, and what is told."""

import warnings

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.data import Domain
from sciwm.data.forcing_checks import action_problems
from sciwm.errors import raise_if
from sciwm.surrogate.extrapolation import actions_outside
from sciwm.surrogate.mapping import Array


def without_the_lost(actions: Array, leading: tuple[int, ...], domain: Domain) -> tuple[Array, NDArray[np.bool_]]:
    """Actions ``(..., time, actuator)`` with usual ones in the place of those that are missing.

    Args:
        actions: The actions.
        leading: The shape that they are broadcast to, before time.
        domain: What is usual.

    Returns:
        The actions, and where a run has ended, ``(*leading, time)``.
    """
    lost = np.logical_or.accumulate(np.isnan(actions).any(axis=-1), axis=-1)
    lost = np.broadcast_to(lost, (*leading, lost.shape[-1]))
    if not lost.any():
        return actions, lost
    return np.where(lost[..., None], usual_actions(domain), actions).astype(actions.dtype), lost


def usual_actions(domain: Domain) -> NDArray[np.float64]:
    """What stands for actions that are missing: their means."""
    return np.asarray(domain.action_means or (domain.actuators.low + domain.actuators.high) / 2, dtype=float)


def missing_where(lost: NDArray[np.bool_], values: Array) -> Array:
    """Values ``(..., core)`` that are missing where a run has ended, ``(...)``."""
    if not lost.any():
        return values
    return np.where(lost.reshape(*lost.shape, *(1,) * (values.ndim - lost.ndim)), np.nan, values).astype(values.dtype)


def look_at_chunk(actions: Array, domain: Domain) -> None:
    """Check the actions of a chunk that nobody has looked at, and tell what is unusual.

    Raises:
        InputError: If they are not finite or beyond a limit.
    """
    dims = [f"dim_{i}" for i in range(actions.ndim - 2)]
    block = xr.DataArray(actions, dims=[*dims, "time", "actuator"])
    raise_if(action_problems(block, domain, "a chunk of the forcing", may_end=domain.brought_in))
    told = actions_outside(block, domain)
    if np.isnan(actions).any():
        told.append("Forecasts end where a chunk of the forcing is missing; behind, values are missing")
    for note in told:
        warnings.warn(note, stacklevel=2)
