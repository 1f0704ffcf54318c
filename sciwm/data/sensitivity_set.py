"""Trajectories with their answers to actions, opened for learning.

What a file or store holds, for every variable v, dimensions by name in any order:

    v, v_twin        (sample, time, *space)      from one start under two sequences of actions
    action,          (sample, time, actuator)    physical, held from each time on; at the last time
    action_twin                                  there is none, and its values are not read
    v_tangent        (sample, time, *space)      optional: dv / d eps under actions + eps direction
    direction        (sample, time, actuator)    with the tangents
    action_gradient  (sample, time, actuator)    optional: dJ / d action of a cost over all of time
    v_target         (*space)                    optional: the target in J = sum_t <|u_t - target|^2>
    status           (sample)                    optional: 1 where the sample may be used
    action_low,      (actuator)                  needed by what is normalised: ``direction`` and
    action_high                                  ``action_gradient`` belong to actions in [-1, 1]

Twins alone need nothing but two runs of any solver.
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

from sciwm.data.checks import numbers_problems, time_problems
from sciwm.data.formats import open_dataset
from sciwm.errors import InputError, Problem, in_one_line, raise_if
from simulations import ActionBox
from simulations.resumable_store import digest_of

IN_MEMORY_BYTES = 2**31
DIMENSIONS = ("sample", "time", "actuator")
HELD = ("action", "action_twin", "direction", "action_gradient")
ABOUT = ("status", "action_low", "action_high", "actuator_shape")
AGREEMENT = 1e-5
"""Of the largest value: how far twins may lie from each other at the start."""


@dataclass(frozen=True)
class Sensitivities:
    """A batch from the first instant on, in physical units unless said otherwise.

    Args:
        fields, twin: ``(batch, H + 1, variable, *space)``; they agree at the start.
        tangent: of the same shape, None where the file holds none.
        actions, twin_actions: ``(batch, H, actuator)``.
        directions: ``(batch, H, actuator)``, of actions normalised to [-1, 1]: the physical direction is
            ``(high - low) / 2`` times it. None where there is no tangent.
        gradient: ``(batch, H, actuator)``, of the cost over all stored time by normalised actions; None
            where the file holds none, where H is shorter than what is stored (the first actions
            answer for what comes later), and where not all variables of the file were asked for.
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
        path: the file or store.
        names: variables in the order in which they are handed out.
        dimensions: names of the space dimensions in order; that of the file's first variable if empty.

    Raises:
        InputError: if it cannot be read or used, with all that is wrong.
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
            raise InputError([Problem(str(path), "at least one sample with status 1", "none", "let it be finished")])
        parts = dataset[[*self._parts(), *targets]]
        self._dataset = parts.transpose("sample", "time", *self.dimensions, "actuator", missing_dims="ignore")
        if parts.nbytes < IN_MEMORY_BYTES:
            self._dataset = _loaded(self._dataset, str(path))
            dataset.close()
            raise_if(self._value_problems())

    @property
    def holds(self) -> frozenset[str]:
        """What terms can be matched to: ``twin``, and ``tangent`` and ``gradient`` where the file has these."""
        has_cost = self.has_gradient and self.target() is not None
        return frozenset(
            {"twin"} | ({"tangent"} if self.has_tangents else set()) | ({"gradient"} if has_cost else set())
        )

    def target(self) -> Tensor | None:
        """``(variable, *space)``, what the cost measures the distance to; None where the file does not tell."""
        if any(f"{n}_target" not in self._dataset for n in self.names):
            return None
        values = [self._dataset[f"{n}_target"].values for n in self.names]
        return torch.from_numpy(np.stack(values).astype(np.float32))

    def digest(self) -> str:
        """One sha256 for all marked samples of a store, empty where nothing is marked, as in a netCDF file."""
        return digest_of(self.path) if self.path.is_dir() else ""

    def draw(self, rng: np.random.Generator, count: int, horizon: int) -> Sensitivities:
        """``count`` samples from their start to ``horizon`` intervals later, different ones where there are enough.

        Raises:
            ValueError: if the horizon is longer than what is stored.
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
        """Every array that is handed out."""
        kinds = ("", "_twin", "_tangent") if self.has_tangents else ("", "_twin")
        optional = ["direction"] * self.has_tangents + ["action_gradient"] * self.has_gradient
        return [*(n + kind for n in self.names for kind in kinds), "action", "action_twin", *optional]

    def _value_problems(self) -> list[Problem]:
        """What usable samples must not hold, and twins that do not start together."""
        problems = []
        samples = self._dataset.isel(sample=self.usable)
        for name in self._parts():
            values = samples[name].values
            values = values[:, :-1] if name in HELD else values
            bad = self.usable[~np.isfinite(values).reshape(len(values), -1).all(axis=1)]
            if len(bad):
                got, remedy = f"others in samples {bad[:8].tolist()}", "write them anew, or give them status 2"
                problems.append(Problem(f"{self.path}: {name}", "finite values", got, remedy))
        if problems:
            return problems
        for name in self.names:
            start, twin = (samples[n].isel(time=0).values for n in (name, f"{name}_twin"))
            apart = np.abs(start - twin).max()
            if apart > AGREEMENT * np.abs(start).max():
                expected, got = f"the start of '{name}'", f"values up to {apart:.3g} from it"
                remedy = "run the twin from the same start"
                problems.append(Problem(f"{self.path}: {name}_twin at the first time", expected, got, remedy))
        return problems


def layout_problems(dataset: xr.Dataset, names: Sequence[str], where: str) -> list[Problem]:
    """Variables and dimensions that are missing, and halves of what belongs together."""
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
    """Arrays over other dimensions than they should be, or of something that is no number."""
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
    """Names of the dimensions of space, in the order of ``array``."""
    return tuple(str(d) for d in array.dims if d not in DIMENSIONS)


def variables_with_twins(dataset: xr.Dataset) -> list[str]:
    """Names of the variables that have one, in the order that the dataset tells, then alphabetically."""
    found = sorted(str(n) for n in dataset.data_vars if f"{n}_twin" in dataset and n != "action")
    told = str(dataset.attrs.get("variables", "")).split()
    return sorted(found, key=lambda name: told.index(name) if name in told else len(told))


def _bounds(about: xr.Dataset, dataset: xr.Dataset, where: str) -> ActionBox | None:
    """Names and bounds of the actions, None where the file does not tell."""
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
    """What one unit of each action adds, ``(actuator, *space)``; None where the file does not tell."""
    if "actuator_shape" not in about or set(about["actuator_shape"].dims) != {"actuator", *dimensions}:
        return None
    shapes: NDArray[Any] = about["actuator_shape"].transpose("actuator", *dimensions).values
    return shapes


def _loaded(dataset: xr.Dataset, where: str) -> xr.Dataset:
    try:
        return dataset.load()
    except Exception as error:  # whatever a damaged chunk makes the decompressor raise
        got = in_one_line(error)
        raise InputError([Problem(where, "readable values", got, "write the file anew")]) from error


def _tensor(values: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
