"""A resumable Zarr store of trajectories.

Layout of ``NAME.zarr``:

- ``v``, for every variable v of the equation: its fields over ``(simulation, time, *space)``;
- ``action``: actions in physical units over ``(simulation, time, actuator)``;
- ``f``, for every functional f: its value over ``(simulation, time)``, and its budget as ``f_source`` over
  ``(simulation, time)`` and ``f_output`` over ``(simulation, time, actuator)``;
- ``failure_time``: the time of a blow-up, NaN where there was none, over ``(simulation,)``.

Actions and budgets belong to the interval that starts at each time; at the last time they are NaN.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.base import Simulation
from simulations.episode import Episodes
from simulations.resumable_store import ResumableStore, WrittenRow, settings_text
from simulations.simulated_layout import about, sizes_of, write_axes
from simulations.store_layout import HELD, StoreLayout, laid_out


class TrajectoryStore(ResumableStore):
    """A store of trajectories of one simulation, one row for each of its realisations.

    Args:
        path: The ``.zarr`` folder of a store that exists; :meth:`open_or_create` makes a new one.
    """

    kind, row = "a trajectory store", "simulation"

    @classmethod
    def open_or_create(
        cls,
        path: Path,
        simulation: Simulation,
        *,
        simulations: int,
        intervals: int,
        title: str,
        settings: dict[str, Any],
    ) -> "TrajectoryStore":
        """Open the store at ``path``, or lay out a new one.

        Args:
            path: The ``.zarr`` folder.
            simulation: The simulation whose trajectories are written.
            simulations: The number of rows.
            intervals: The number of control intervals in each row.
            title: The title in the attributes of the store.
            settings: Everything that the values depend on, as plain data.

        Raises:
            StoreError: If the store at ``path`` was made with other settings, or is damaged.
        """
        wanted = settings_text(settings)
        layout = laid_out(
            cls.row,
            sizes_of(simulation, cls.row, simulations, intervals),
            about=about(simulation, title, wanted),
            arrays=partial(_make_arrays, simulation=simulation),
        )
        return cls._open_or_lay_out(path, layout, settings=wanted, names=_array_names(simulation))

    def write(self, indices: Sequence[int], episodes: Episodes, simulation: Simulation) -> None:
        """Write the rows of ``episodes`` as the simulations ``indices``; those that are written already are kept.

        A row that blew up is marked with its time and cause; its fields stay NaN.
        """
        arrays, rows = _arrays(episodes, simulation), []
        for row, (index, failure) in enumerate(zip(indices, episodes.failure_interval.tolist(), strict=True)):
            failed = failure >= 0
            values = {} if failed else {name: array[row] for name, array in arrays.items()}
            time = (failure + 1) * simulation.control_interval if failed else np.nan
            values["failure_time"] = np.asarray(time, dtype=np.float32)
            about = {"cause": episodes.failure_cause[row]} if failed else {}
            rows.append(WrittenRow(index, values, failed, about))
        self._write_rows(rows)

    def causes(self) -> list[str]:
        """The likeliest causes of the blow-ups, each once."""
        markers = (self._marked(i) or {} for i in range(self._count()))
        return sorted({marker["cause"] for marker in markers if "cause" in marker})


def _array_names(simulation: Simulation) -> list[str]:
    """The names of the arrays that :meth:`TrajectoryStore.write` fills."""
    budgets = [f"{name}{part}" for name in simulation.functional_names for part in ("", "_source", "_output")]
    return [*(v.name for v in simulation.variables), "action", *budgets, "failure_time"]


def _arrays(episodes: Episodes, simulation: Simulation) -> dict[str, NDArray[np.float32]]:
    """The values of every array, ``(simulation, time, ...)``; what is held over intervals ends in NaN."""

    def closed(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.concatenate([values, np.full_like(values[:, :1], np.nan)], axis=1)

    fields = episodes.fields.cpu().numpy()
    arrays = {v.name: fields[:, :, c] for c, v in enumerate(simulation.variables)}
    arrays["action"] = closed(episodes.actions.cpu().numpy())
    for name in simulation.functional_names:
        arrays[name] = episodes.functionals[name].cpu().numpy()
        arrays[f"{name}_source"] = closed(episodes.sources[name].cpu().numpy())
        arrays[f"{name}_output"] = closed(episodes.outputs[name].cpu().numpy())
    return {name: values.astype(np.float32) for name, values in arrays.items()}


def _make_arrays(layout: StoreLayout, simulation: Simulation) -> None:
    over = ("simulation", "time")
    write_axes(layout, simulation)
    for v in simulation.variables:
        layout.variable(v.name, (*over, *simulation.grid.dims), v.long_name, v.units)
    layout.variable("action", (*over, "actuator"), f"action, {HELD}", simulation.actuators.units)
    for name in simulation.functional_names:
        layout.variable(name, over, f"spatial mean {name}")
        layout.variable(f"{name}_source", over, f"net source of {name}, averaged and {HELD}")
        layout.variable(f"{name}_output", (*over, "actuator"), f"{name} fed per unit of action, averaged and {HELD}")
    layout.variable("failure_time", ("simulation",), "time at which the simulation blew up")
