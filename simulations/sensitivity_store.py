"""A Zarr store of sensitivities that survives being killed at any moment.

Layout of ``NAME.zarr``, for every variable v of the equation: ``v``, ``v_twin`` and ``v_tangent`` over
``(sample, time, *space)``, ``v_target`` over space; ``action`` and ``action_twin`` in physical units,
``direction`` and ``action_gradient`` of normalised actions, over ``(sample, time, actuator)``, held over
the interval that starts at each time and NaN at the last. ``status`` is 1 where a sample is whole. It
has one chunk for each batch, which is written last, so a batch without it is simply written again.
"""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
import zarr
from numpy.typing import NDArray
from torch import Tensor

from simulations.sensitivity import Sensitivity
from simulations.simulation import Simulation
from simulations.store import STATUS_ATTRIBUTES, STATUS_MEANINGS, StoreError, difference, lay_out_axes

Array = NDArray[np.float32]
OK, BLEW_UP = STATUS_MEANINGS.index("ok"), STATUS_MEANINGS.index("blew_up")


class SensitivityStore:
    """Where the sensitivities of one simulation are written, batch by batch.

    Args:
        path: the ``.zarr`` folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._group = zarr.open_group(path, mode="r+")

    @classmethod
    def open_or_create(
        cls,
        path: Path,
        simulation: Simulation,
        *,
        samples: int,
        intervals: int,
        batch: int,
        target: Tensor,
        title: str,
        settings: str,
    ) -> "SensitivityStore":
        """Open the store at ``path``, or lay out a new one.

        Args:
            target: ``(variable, *space)``.
            settings: all that the values depend on, as JSON.

        Raises:
            StoreError: if what is there was made with other settings, or is damaged.
        """
        if not path.exists():
            draft = path.with_name(path.name + ".draft")
            shutil.rmtree(draft, ignore_errors=True)
            draft.parent.mkdir(parents=True, exist_ok=True)
            about = {"Conventions": "CF-1.11", "title": title, "source": "sciwm simulations", "sciwm_config": settings}
            _lay_out(zarr.create_group(draft, attributes=about), simulation, samples, intervals, batch, target)
            os.replace(draft, path)
        try:
            store = cls(path)
            differing = difference(str(store._group.attrs["sciwm_config"]), settings)
            absent = [] if differing else [n for n in _array_names(simulation) if n not in store._group]
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise StoreError(
                f"{path}: expected a store of sensitivities, found something unreadable ({error}). "
                "Move it away and run again."
            ) from error
        if differing:
            raise StoreError(
                f"{path}: this store was made with other settings ({differing}). "
                "Choose another output folder, or delete this store to make it anew."
            )
        if absent:
            raise StoreError(
                f"{path}: expected a store of sensitivities, found one without {', '.join(absent)}. "
                "Move it away and run again."
            )
        for stray in path.rglob("*.partial"):  # of a killed write
            stray.unlink(missing_ok=True)
        return store

    def missing(self) -> list[range]:
        """The batches not yet written, in order."""
        status = self._array("status")
        samples, batch = status.shape[0], status.chunks[0]
        batches = [range(n, min(n + batch, samples)) for n in range(0, samples, batch)]
        return [rows for rows in batches if not np.asarray(status[rows.start : rows.stop]).all()]

    def write(self, rows: range, found: Sensitivity, sequences: dict[str, Tensor], simulation: Simulation) -> None:
        """Write one batch; samples that failed are recorded, not written.

        Args:
            sequences: ``action``, ``action_twin``, ``direction``, each ``(batch, H, actuator)``.
        """
        failed, place = found.failed.cpu().numpy(), slice(rows.start, rows.stop)
        for name, values in _arrays(found, sequences, simulation).items():
            values[failed] = np.nan
            self._array(name)[place] = values
        self._array("status")[place] = np.where(failed, BLEW_UP, OK)

    def outcomes(self) -> dict[str, int]:
        """How many samples are pending, ok, or blew up."""
        status = np.asarray(self._array("status")[:])
        return {meaning: int((status == code).sum()) for code, meaning in enumerate(STATUS_MEANINGS)}

    def _array(self, name: str) -> zarr.Array[Any]:
        array = self._group[name]
        assert isinstance(array, zarr.Array)  # noqa: S101  (ours: it is checked when the store is opened)
        return array


def _array_names(simulation: Simulation) -> list[str]:
    """Every array that :meth:`SensitivityStore.write` fills."""
    fields = [v.name + part for v in simulation.variables for part in ("", "_twin", "_tangent")]
    return [*fields, "action", "action_twin", "direction", "action_gradient", "status"]


def _arrays(found: Sensitivity, sequences: dict[str, Tensor], simulation: Simulation) -> dict[str, Array]:
    """Every variable of a batch as ``(sample, time, ...)``; held quantities end in NaN."""
    arrays = {}
    for c, v in enumerate(simulation.variables):
        for part, values in (("", found.fields), ("_twin", found.twin), ("_tangent", found.tangent)):
            arrays[v.name + part] = values[:, :, c].float().cpu().numpy()
    for name, values in (sequences | {"action_gradient": found.gradient}).items():
        arrays[name] = torch.nn.functional.pad(values.float().cpu(), (0, 0, 0, 1), value=torch.nan).numpy()
    return arrays


def _lay_out(
    group: zarr.Group, simulation: Simulation, samples: int, intervals: int, batch: int, target: Tensor
) -> None:
    """Coordinates, metadata and NaN everywhere: a store whose shape is known before it is filled."""
    lay_out_axes(group, simulation, intervals, "sample", samples)
    grid, box = simulation.grid, simulation.actuators
    sizes = {"sample": samples, "time": intervals + 1, "actuator": len(box)}
    sizes |= dict(zip(grid.dims, grid.shape, strict=True))

    def variable(name: str, dims: tuple[str, ...], long_name: str, units: str, whole: bool = False) -> zarr.Array[Any]:
        shape = tuple(sizes[d] for d in dims)
        return group.create_array(
            name,
            shape=shape,
            dtype="float32",
            chunks=shape if whole else (1, *shape[1:]),
            fill_value=np.nan,
            dimension_names=dims,
            attributes={"units": units, "long_name": long_name},
        )

    over = ("sample", "time", *grid.dims)
    for c, v in enumerate(simulation.variables):
        variable(v.name, over, v.long_name, v.units)
        variable(f"{v.name}_twin", over, f"{v.long_name} from the same start under action_twin", v.units)
        variable(f"{v.name}_tangent", over, f"derivative of {v.long_name} along direction", v.units)
        wanted = variable(f"{v.name}_target", grid.dims, f"target of {v.long_name} in the cost", v.units, whole=True)
        wanted[...] = target[c].numpy()
    held = "held over the interval that starts here"
    normalized = "by actions normalised to [-1, 1]"
    over = ("sample", "time", "actuator")
    variable("action", over, f"action, {held}", box.units)
    variable("action_twin", over, f"action of the twin, {held}", box.units)
    variable("direction", over, f"direction of the tangent in actions normalised to [-1, 1], {held}", "1")
    summed = "sum over later times and variables of the mean square distance to the target"
    variable("action_gradient", over, f"derivative {normalized} of the {summed}, {held}", "1")
    group.create_array(
        "status",
        shape=(samples,),
        dtype="int8",
        chunks=(batch,),
        fill_value=0,
        dimension_names=("sample",),
        attributes=STATUS_ATTRIBUTES | {"long_name": "outcome of the sample"},
    )
