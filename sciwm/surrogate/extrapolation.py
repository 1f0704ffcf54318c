"""Actions and parameters that the training data do not hold: what is told of them."""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from sciwm.data import Domain
from sciwm.data.forcing_checks import units_of_action

ROUNDING = 1e-6
"""How far outside of the data, as a share of the largest magnitude there, is rounding."""
EXTRAPOLATES = "the model extrapolates"


def excess(values: ArrayLike, low: ArrayLike, high: ArrayLike) -> NDArray[np.float64]:
    """How far values are outside of a range, in its units: positive above, negative below, 0 within or by rounding."""
    x, least, most = (np.asarray(v, dtype=float) for v in (values, low, high))
    slack = ROUNDING * np.maximum(np.abs(least), np.abs(most))
    return np.where(x > most + slack, x - most, np.where(x < least - slack, x - least, 0.0))


def share_outside(actions: ArrayLike, domain: Domain) -> NDArray[np.float64]:
    """How far actions ``(..., actuator)`` are from the middle of the data, in half ranges, if they are outside; or 0.

    However little an action is outside, it is above 1.
    """
    low, high = domain.action_range
    half = (high - low) / 2
    half = np.where(half > 0, half, np.maximum(np.abs(high), ROUNDING))
    away = np.abs(excess(actions, low, high)) / half
    return np.where(away > 0, 1 + np.maximum(away, ROUNDING), 0.0)


def furthest_outside(actions: ArrayLike, domain: Domain) -> NDArray[np.object_]:
    """Which action of ``(..., actuator)`` is furthest outside of the data, and by how much; empty if none is."""
    values, (low, high) = np.asarray(actions, dtype=float), domain.action_range
    away, share = excess(values, low, high), share_outside(values, domain)
    worst = share.argmax(axis=-1)
    words = np.full(worst.shape, "", dtype=object)
    for place in zip(*np.nonzero(share.max(axis=-1)), strict=True):
        j = int(worst[place])
        by, (side, end) = away[place][j], ("above", high[j]) if away[place][j] > 0 else ("below", low[j])
        unit = units_of_action(domain, j)
        name = domain.actuators.names[j]
        words[place] = f"{name} = {values[place][j]:g} {unit}, {abs(by):g} {side} {end:g}"
    return words


def ranges_outside(names: list[str], given: ArrayLike, known: ArrayLike) -> str:
    """The ranges that are outside of others, as text; empty if none is.

    Args:
        names: What has them.
        given: The least and the largest values, ``(2, n)``; NaN where there are none.
        known: Those of the data.
    """
    (least, most), (low, high) = np.asarray(given, dtype=float), np.asarray(known, dtype=float)
    wide = np.flatnonzero((excess(least, low, high) != 0) | (excess(most, low, high) != 0))
    return ", ".join(f"{names[j]} from {least[j]:g} to {most[j]:g} (data: {low[j]:g} to {high[j]:g})" for j in wide)


def actions_outside(forcing: xr.DataArray, domain: Domain) -> list[str]:
    """What is to be told of actions over (..., time, actuator) that the training data do not hold."""
    if not domain.brought_in or forcing.chunks is not None:
        return []
    values = forcing.transpose(..., "actuator").values.reshape(-1, forcing.sizes["actuator"])
    there = values[np.isfinite(values).all(axis=1)]
    if not len(there):
        return []
    names = [f"{n} [{units_of_action(domain, j)}]" for j, n in enumerate(domain.actuators.names)]
    told = ranges_outside(names, [there.min(axis=0), there.max(axis=0)], domain.action_range)
    return [f"Beyond the forcings of the training data {EXTRAPOLATES}: {told}"] if told else []


def parameters_outside(start: xr.Dataset, domain: Domain) -> list[str]:
    """What is to be told of parameters that the training data do not hold."""
    known = [p for p in domain.parameters if p.name in start]
    values = [start[p.name].values.astype(float) for p in known]
    given = [[v.min() for v in values], [v.max() for v in values]]
    names = [f"{p.name} [{p.units}]" for p in known]
    told = ranges_outside(names, given, [[p.low for p in known], [p.high for p in known]]) if known else ""
    return [f"Beyond the parameters of the training data {EXTRAPOLATES}: {told}"] if told else []
