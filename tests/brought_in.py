"""Stores of brought-in data, as a run writes them from somebody's files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.data import Trajectories
from sciwm.data.roles import ATTRIBUTE, ForcingVariable, Roles

Array = NDArray[Any]


def store_of(
    path: Path,
    fields: Mapping[str, Array],
    actions: Array,
    *,
    axes: Mapping[str, Array],
    parameters: Mapping[str, Array] | None = None,
    valid: Array | None = None,
    units: Mapping[str, str] | None = None,
    interval: float = 1.0,
) -> Trajectories:
    """Write a store and open it.

    Args:
        path: Where it is written.
        fields: Each variable, ``(run, time + 1, *space)``.
        actions: ``(run, time, actuator)``, within -1 and 1.
        axes: The positions along each space dimension, which ends at walls.
        parameters: Each parameter, ``(run,)``.
        valid: Where there are fields, ``(variable, *space)``.
        units: The units of some axes.
        interval: The time between two instants.
    """
    first = next(iter(fields.values()))
    names = [f"power.{j}" for j in range(actions.shape[2])]
    held = np.pad(actions, ((0, 0), (0, 1), (0, 0)), constant_values=np.nan).astype(np.float32)
    low = -np.ones(len(names))
    arrays: dict[str, Any] = {
        **{name: (("simulation", "time", *axes), values.astype(np.float32)) for name, values in fields.items()},
        "action": (("simulation", "time", "actuator"), held),
        "action_low": ("actuator", low),
        "action_high": ("actuator", -low),
        "status": ("simulation", np.ones(len(first), np.int8)),
    }
    if parameters:
        stacked = np.stack(list(parameters.values()), axis=1)
        arrays["parameter_value"] = (("simulation", "parameter"), stacked.astype(np.float32))
    if valid is not None:
        arrays["valid"] = (("variable", *axes), valid.astype(np.int8))
    coordinates: dict[str, Any] = {
        "time": ("time", interval * np.arange(first.shape[1]), {"units": "1"}),
        "actuator": ("actuator", np.arange(len(names)), {"names": " ".join(names)}),
    }
    for name, points in axes.items():
        attributes = {"units": (units or {}).get(name, "m"), "boundary": "bounded"}
        coordinates[name] = (name, points, attributes)
    forcing = ForcingVariable("power", "power", "W", "actuator", tuple(names), 0, len(names))
    stated = tuple({"name": name, "long_name": name, "units": "1"} for name in parameters or ())
    attributes = {ATTRIBUTE: Roles(forcings=(forcing,), parameters=stated).to_json()}
    xr.Dataset(arrays, coordinates, attributes).to_zarr(path, mode="w", consolidated=False)
    return Trajectories(path)


def sets_of(folder: Path, shares: Sequence[int], fields: Mapping[str, Array], **rest: Any) -> list[Trajectories]:
    """Training, validation and test sets of consecutive runs.

    Args:
        folder: Where they are written.
        shares: The number of runs in each.
        fields: Each variable of all runs.
        rest: What else :func:`store_of` takes; ``actions`` and ``parameters`` of all runs.
    """
    sets, start = [], 0
    for name, count in zip(("train", "validation", "test"), shares, strict=False):
        rows = slice(start, start + count)
        own = {k: v[rows] for k, v in fields.items()}
        parameters = {k: v[rows] for k, v in rest.get("parameters", {}).items()}
        given = rest | {"actions": rest["actions"][rows], "parameters": parameters}
        sets.append(store_of(folder / f"{name}.zarr", own, **given))
        start += count
    return sets
