"""A resumable Zarr store of sensitivities.

Layout of ``NAME.zarr``:

- ``v``, ``v_twin`` and ``v_tangent``, for every variable v of the equation: trajectory, twin and tangent
  over ``(sample, time, *space)``;
- ``v_target``: the target in the cost, over space;
- ``action`` and ``action_twin``: actions in physical units over ``(sample, time, actuator)``;
- ``direction`` and ``action_gradient``: the direction of the tangent and the gradient of the cost, in
  normalised actions, over ``(sample, time, actuator)``;
- ``status``: 1 where a sample is complete.

Values over actuators belong to the interval that starts at each time; at the last time they are NaN.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.base import Simulation
from simulations.resumable_store import ResumableStore, WrittenRow, settings_text
from simulations.sensitivity import Sensitivity
from simulations.simulated_layout import about, sizes_of, write_axes
from simulations.store_layout import HELD, StoreLayout, laid_out


class SensitivityStore(ResumableStore):
    """A store of sensitivities of one simulation, one row for each sample.

    Args:
        path: The ``.zarr`` folder of a store that exists; :meth:`open_or_create` makes a new one.
    """

    kind, row = "a store of sensitivities", "sample"

    @classmethod
    def open_or_create(
        cls,
        path: Path,
        simulation: Simulation,
        *,
        samples: int,
        intervals: int,
        target: Tensor,
        title: str,
        settings: dict[str, Any],
    ) -> "SensitivityStore":
        """Open the store at ``path``, or lay out a new one.

        Args:
            path: The ``.zarr`` folder.
            simulation: The simulation whose sensitivities are written.
            samples: The number of rows.
            intervals: The number of control intervals in each row.
            target: The target in the cost, ``(variable, *space)``.
            title: The title in the attributes of the store.
            settings: Everything that the values depend on, as plain data.

        Raises:
            StoreError: If the store at ``path`` was made with other settings, or is damaged.
        """
        wanted = settings_text(settings)
        layout = laid_out(
            cls.row,
            sizes_of(simulation, cls.row, samples, intervals),
            about=about(simulation, title, wanted),
            arrays=partial(_make_arrays, simulation=simulation, target=target),
        )
        return cls._open_or_lay_out(path, layout, settings=wanted, names=_array_names(simulation))

    def write(
        self, indices: Sequence[int], found: Sensitivity, sequences: dict[str, Tensor], simulation: Simulation
    ) -> None:
        """Write the rows of ``found`` as the samples ``indices``; those that are written already are kept.

        Samples that failed are marked and stay NaN.

        Args:
            indices: The row of the store for each element of the batch.
            found: The sensitivities.
            sequences: ``action``, ``action_twin`` and ``direction``, each ``(batch, H, actuator)``.
            simulation: The simulation, for the names of its variables.
        """
        arrays = _arrays(found, sequences, simulation)
        rows = []
        for row, (index, failed) in enumerate(zip(indices, found.failed.tolist(), strict=True)):
            values = {} if failed else {name: array[row] for name, array in arrays.items()}
            rows.append(WrittenRow(index, values, failed))
        self._write_rows(rows)


def _array_names(simulation: Simulation) -> list[str]:
    """The names of the arrays that :meth:`SensitivityStore.write` fills."""
    fields = [v.name + part for v in simulation.variables for part in ("", "_twin", "_tangent")]
    return [*fields, "action", "action_twin", "direction", "action_gradient"]


def _arrays(found: Sensitivity, sequences: dict[str, Tensor], simulation: Simulation) -> dict[str, NDArray[np.float32]]:
    """The values of every array, ``(sample, time, ...)``; what is held over intervals ends in NaN."""
    arrays = {}
    for c, v in enumerate(simulation.variables):
        for part, values in (("", found.fields), ("_twin", found.twin), ("_tangent", found.tangent)):
            arrays[v.name + part] = values[:, :, c].float().cpu().numpy()
    for name, values in (sequences | {"action_gradient": found.gradient}).items():
        arrays[name] = torch.nn.functional.pad(values.float().cpu(), (0, 0, 0, 1), value=torch.nan).numpy()
    return arrays


def _make_arrays(layout: StoreLayout, simulation: Simulation, target: Tensor) -> None:
    grid, units = simulation.grid, simulation.actuators.units
    write_axes(layout, simulation)
    over = ("sample", "time", *grid.dims)
    for c, v in enumerate(simulation.variables):
        layout.variable(v.name, over, v.long_name, v.units)
        layout.variable(f"{v.name}_twin", over, f"{v.long_name} from the same start under action_twin", v.units)
        layout.variable(f"{v.name}_tangent", over, f"derivative of {v.long_name} along direction", v.units)
        wanted = layout.variable(f"{v.name}_target", grid.dims, f"target of {v.long_name} in the cost", v.units)
        wanted[...] = target[c].numpy()
    over = ("sample", "time", "actuator")
    layout.variable("action", over, f"action, {HELD}", units)
    layout.variable("action_twin", over, f"action of the twin, {HELD}", units)
    layout.variable("direction", over, f"direction of the tangent in actions normalised to [-1, 1], {HELD}")
    summed = "sum over later times and variables of the mean square distance to the target"
    normalized = "by actions normalised to [-1, 1]"
    layout.variable("action_gradient", over, f"derivative {normalized} of the {summed}, {HELD}")
