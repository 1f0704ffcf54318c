"""Sensitivities, opened for learning: twins, tangents and adjoint gradients of a solver.

A file or store holds, for every variable v, dimensions by name in any order:

    v, v_twin        (sample, time, *space)      twins: from one start under two sequences of actions
    action,          (sample, time, actuator)    physical, held from each time on; values at the last
    action_twin                                  time are not read
    v_tangent        (sample, time, *space)      optional: dv / d eps under actions + eps direction
    direction        (sample, time, actuator)    with the tangents
    action_gradient  (sample, time, actuator)    optional: dJ / d action of a cost over all of time
    v_target         (*space)                    optional: the target in J = sum_t <|u_t - target|^2>
    status           (sample)                    optional: 1 where the sample may be used
    action_low,      (actuator)                  needed by ``direction`` and ``action_gradient``, which
    action_high                                  belong to normalised actions (in [-1, 1])

Twins alone need nothing but two simulations by any solver.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from sciwm.data.checks import time_problems
from sciwm.data.formats import open_dataset
from sciwm.data.values import numbers_problems
from sciwm.errors import InputError, Problem, in_one_line, raise_if
from simulations import ActionBox
from simulations.resumable_store import digest_of

IN_MEMORY_BYTES = 2**31
DIMENSIONS = ("sample", "time", "actuator")
HELD = ("action", "action_twin", "direction", "action_gradient")
ABOUT = ("status", "action_low", "action_high", "actuator_shape")
AGREEMENT = 1e-5
"""The largest difference between the starts of twins, relative to the largest value."""


@dataclass(frozen=True)
class Sensitivities:
    """A batch of samples from their first instant on. H is the number of control intervals.

    Args:
        fields, twin: The fields of the two twins, physical, ``(batch, H + 1, variable, *space)``; they agree at the
            first instant.
        tangent: The tangent of the first one, of the same shape; None where the file holds none.
        actions, twin_actions: Their actions, physical, ``(batch, H, actuator)``.
        directions: The directions of the tangents, ``(batch, H, actuator)``, of normalised actions (in [-1, 1]): the
            physical direction is ``(high - low) / 2`` times it. None where there is no tangent.
        gradient: The gradient of the cost over all stored time with respect to normalised actions,
            ``(batch, H, actuator)``. None where the file holds none, where H is shorter than what is stored (as
            later costs depend on early actions), and where not all variables of the file were asked for.
    """

    fields: Tensor
    twin: Tensor
    tangent: Tensor | None
    actions: Tensor
    twin_actions: Tensor
    directions: Tensor | None
    gradient: Tensor | None


class SensitivitySet:
    """A netCDF file or Zarr store of sensitivities: small ones in memory, large ones read batch by batch.

    Args:
        path: The file or store.
        names: The variables in the order of the model's channels.
        dimensions: The names of the space dimensions in order; those of the file's first variable by default.

    Raises:
        InputError: If it cannot be read or used, with everything that is wrong.
    """

    def __init__(self, path: Path, names: Sequence[str], dimensions: Sequence[str] = ()) -> None:
        dataset = open_dataset(path)
        self.path, self.names = path, tuple(names)
        raise_if(layout_problems(dataset, self.names, str(path)))
        self.dimensions = tuple(dimensions) or space_dimensions(dataset[self.names[0]])
        self.has_tangents = f"{self.names[0]}_tangent" in dataset
        self.has_gradient = "action_gradient" in dataset and set(self.names) == set(variables_with_twins(dataset))
        targets = [f"{n}_target" for n in self.names if f"{n}_target" in dataset]
        raise_if(_dimension_problems(dataset, [*self._parts(), *targets], self.dimensions, str(path)))
        self.shape = tuple(dataset.sizes[d] for d in self.dimensions)
        self.intervals = dataset.sizes["time"] - 1
        self.control_interval = float(dataset["time"][1] - dataset["time"][0])
        self.num_actuators = dataset.sizes["actuator"]
        self.labels = dataset["actuator"].values.tolist() if "actuator" in dataset.coords else None
        self.positions = {d: dataset[d].values.astype(float) for d in self.dimensions if d in dataset.coords}
        about = _loaded(dataset[[n for n in ABOUT if n in dataset]], str(path))
        self.actuators = _bounds(about, dataset, str(path))
        self.actuator_shapes = _shapes(about, self.dimensions)
        status = about["status"].values if "status" in about else np.ones(dataset.sizes["sample"])
        self.usable: NDArray[np.intp] = np.flatnonzero(status == 1)
        if not len(self.usable):
            raise InputError([Problem(str(path), "a sample with status 1", "none", "let the simulation finish")])
        parts = dataset[[*self._parts(), *targets]]
        self._dataset = parts.transpose("sample", "time", *self.dimensions, "actuator", missing_dims="ignore")
        if parts.nbytes < IN_MEMORY_BYTES:
            self._dataset = _loaded(self._dataset, str(path))
            dataset.close()
            raise_if(self._value_problems())

    @property
    def holds(self) -> frozenset[str]:
        """The kinds that the file holds: ``twin`` always, ``tangent`` and ``gradient`` where they are there."""
        has_cost = self.has_gradient and self.target() is not None
        return frozenset(
            {"twin"} | ({"tangent"} if self.has_tangents else set()) | ({"gradient"} if has_cost else set())
        )

    def target(self) -> Tensor | None:
        """The target of the cost, physical, ``(variable, *space)``; None where the file does not state it."""
        if any(f"{n}_target" not in self._dataset for n in self.names):
            return None
        values = [self._dataset[f"{n}_target"].values for n in self.names]
        return torch.from_numpy(np.stack(values).astype(np.float32))

    def digest(self) -> str:
        """One sha256 for all finished samples of a store; empty for a netCDF file."""
        return digest_of(self.path) if self.path.is_dir() else ""

    def draw(self, rng: np.random.Generator, count: int, horizon: int) -> Sensitivities:
        """Draw ``count`` samples over the first ``horizon`` intervals, different ones where there are enough.

        Raises:
            ValueError: If the horizon is longer than the stored samples.
        """
        if not 1 <= horizon <= self.intervals:
            raise ValueError(f"{self.path}: expected a horizon of 1 to {self.intervals} intervals, got {horizon}.")
        chosen = rng.choice(self.usable, size=count, replace=count > len(self.usable))
        samples = self._dataset.isel(sample=chosen, time=slice(horizon + 1))

        def fields(part: str) -> Tensor:
            return _tensor(np.stack([samples[n + part].values for n in self.names], axis=2))

        def held(name: str) -> Tensor:
            return _tensor(samples[name].values[:, :horizon])

        return Sensitivities(
            fields=fields(""),
            twin=fields("_twin"),
            tangent=fields("_tangent") if self.has_tangents else None,
            actions=held("action"),
            twin_actions=held("action_twin"),
            directions=held("direction") if self.has_tangents else None,
            gradient=held("action_gradient") if self.has_gradient and horizon == self.intervals else None,
        )

    def _parts(self) -> list[str]:
        """The names of all arrays that batches are made of."""
        kinds = ("", "_twin", "_tangent") if self.has_tangents else ("", "_twin")
        optional = ["direction"] * self.has_tangents + ["action_gradient"] * self.has_gradient
        return [*(n + kind for n in self.names for kind in kinds), "action", "action_twin", *optional]

    def _value_problems(self) -> list[Problem]:
        """Values that are not finite in usable samples, and twins with different starts."""
        problems = []
        samples = self._dataset.isel(sample=self.usable)
        for name in self._parts():
            values = samples[name].values
            values = values[:, :-1] if name in HELD else values
            bad = self.usable[~np.isfinite(values).reshape(len(values), -1).all(axis=1)]
            if len(bad):
                got, remedy = f"others in samples {bad[:8].tolist()}", "write them again, or set their status to 2"
                problems.append(Problem(f"{self.path}: {name}", "finite values", got, remedy))
        if problems:
            return problems
        for name in self.names:
            start, twin = (samples[n].isel(time=0).values for n in (name, f"{name}_twin"))
            apart = np.abs(start - twin).max()
            if apart > AGREEMENT * np.abs(start).max():
                expected, got = f"the start of '{name}'", f"values up to {apart:.3g} from it"
                remedy = "simulate the twin from the same start"
                problems.append(Problem(f"{self.path}: {name}_twin at the first time", expected, got, remedy))
        return problems


def layout_problems(dataset: xr.Dataset, names: Sequence[str], where: str) -> list[Problem]:
    """Variables and dimensions that are missing, and tangents or gradients without what belongs to them."""
    wanted = [*(n + part for n in names for part in ("", "_twin")), "action", "action_twin"]
    tangents = [*(f"{n}_tangent" for n in names), "direction"]
    if any(n in dataset for n in tangents):
        wanted += tangents
    if "direction" in dataset or "action_gradient" in dataset:
        wanted += ["action_low", "action_high"]
    problems = [Problem(where, f"the variable '{n}'", "none") for n in wanted if n not in dataset]
    problems += [Problem(where, f"the dimension '{d}'", "none") for d in DIMENSIONS if d not in dataset.dims]
    if not names:
        problems.append(Problem(where, "the names of at least one variable", "none"))
    if "time" in dataset.dims and dataset.sizes["time"] < 2:
        problems.append(Problem(where, "at least two instants", str(dataset.sizes["time"])))
    elif "time" in dataset.coords:
        problems += time_problems(dataset["time"], None, where)
    elif "time" in dataset.dims:
        problems.append(Problem(where, "the coordinate 'time'", "none"))
    return problems


def _dimension_problems(
    dataset: xr.Dataset, parts: Sequence[str], dimensions: tuple[str, ...], where: str
) -> list[Problem]:
    """Arrays over other dimensions than the layout has, or of values that are no numbers."""
    dims = {name: ("sample", "time", *dimensions) for name in parts}
    dims |= {n: dimensions for n in parts if n.endswith("_target")}
    dims |= {n: ("sample", "time", "actuator") for n in parts if n in HELD}
    known = {"status": ("sample",), "action_low": ("actuator",), "action_high": ("actuator",)}
    dims |= {name: wanted for name, wanted in known.items() if name in dataset}
    problems = [] if dimensions else [Problem(where, "a dimension of space", f"dimensions {tuple(dataset.dims)}")]
    for name, wanted in dims.items():
        given = tuple(map(str, dataset[name].dims))
        if sorted(given) != sorted(wanted):
            problems.append(Problem(f"{where}: {name}", f"the dimensions {', '.join(wanted)}", ", ".join(given)))
        problems += numbers_problems(dataset[name], f"{where}: {name}")
    return problems


def space_dimensions(array: xr.DataArray) -> tuple[str, ...]:
    """The names of the space dimensions, in the order of ``array``."""
    return tuple(str(d) for d in array.dims if d not in DIMENSIONS)


def variables_with_twins(dataset: xr.Dataset) -> list[str]:
    """The names of the variables that have a twin, in the order that the Dataset states, then alphabetically."""
    found = sorted(str(n) for n in dataset.data_vars if f"{n}_twin" in dataset and n != "action")
    stated = str(dataset.attrs.get("variables", "")).split()
    return sorted(found, key=lambda name: stated.index(name) if name in stated else len(stated))


def _bounds(about: xr.Dataset, dataset: xr.Dataset, where: str) -> ActionBox | None:
    """Names and bounds of the actions; None where the file does not state them."""
    if "action_low" not in about or "action_high" not in about:
        return None
    low, high = about["action_low"].values, about["action_high"].values
    given = dataset["actuator"].attrs.get("names", "") if "actuator" in dataset.coords else ""
    names = str(given).split() or [f"action_{j}" for j in range(len(low))]
    try:
        return ActionBox(tuple(names), low, high, str(dataset["action"].attrs.get("units", "1")))
    except ValueError as error:
        place = f"{where}: action_low, action_high"
        raise InputError([Problem(place, "one name and low < high for every actuator", str(error))]) from error


def _shapes(about: xr.Dataset, dimensions: tuple[str, ...]) -> NDArray[Any] | None:
    """What one unit of each action adds, ``(actuator, *space)``; None where the file does not state it."""
    if "actuator_shape" not in about or set(about["actuator_shape"].dims) != {"actuator", *dimensions}:
        return None
    shapes: NDArray[Any] = about["actuator_shape"].transpose("actuator", *dimensions).values
    return shapes


def _loaded(dataset: xr.Dataset, where: str) -> xr.Dataset:
    try:
        return dataset.load()
    except Exception as error:  # whatever a damaged chunk makes the decompressor raise
        got = in_one_line(error)
        raise InputError([Problem(where, "readable values", got, "the file is damaged: write it again")]) from error


def _tensor(values: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
