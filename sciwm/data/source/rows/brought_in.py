"""A resumable Zarr store of somebody's data.

Layout of ``NAME.zarr``:

- ``v``, for every state variable v under the user's name: its fields over ``(simulation, time, *space)``; 0 where
  ``valid(variable, *space)`` says that there is none, NaN behind the last instant of a shorter run;
- ``action``: all forcings side by side, in physical units over ``(simulation, time, actuator)``;
- numbers over ``(simulation, time)`` under the user's names, NaN where there are none: the functionals;
- ``parameter_value`` over ``(simulation, parameter)``, ``num_intervals`` over ``(simulation)``;
- static fields under the user's names, and ``forcing_basis(actuator, *space)`` with the principal components of
  forcings that vary in space.

Everything but fields and actions is known before they are written, and part of the sealed layout.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sciwm.data.roles import ATTRIBUTE, Roles
from sciwm.data.row_labels import NOTES, UNTITLED
from sciwm.data.source.rows.cutting import Piece
from sciwm.data.source.rows.inventory import Inventory
from sciwm.data.source.rows.space_axes import KEPT_ATTRIBUTES
from sciwm.data.units import units_of
from simulations.resumable_store import ResumableStore, WrittenRow, settings_text
from simulations.store_layout import HELD, StoreLayout, laid_out

KEPT_OF_FILES = ("institution", "references", "license", "comment")
"""The attributes of the files that tell whose data they are."""

BYTES_TOGETHER = 2**24
"""How much of one variable is held in memory to be written, unless a single row has more."""


class BroughtIn(ResumableStore):
    """A store of one set of somebody's data, one row for each part of a run.

    Args:
        path: The ``.zarr`` folder of a store that exists; :meth:`open_or_create` makes a new one.
    """

    kind, row = "a store of brought-in data", "simulation"

    @classmethod
    def open_or_create(
        cls, path: Path, found: Inventory, rows: Sequence[Piece], *, title: str, settings: dict[str, Any]
    ) -> "BroughtIn":
        """Open the store at ``path``, or lay out a new one.

        Args:
            path: The ``.zarr`` folder.
            found: What is known of the data.
            rows: The rows of this set.
            title: The title in the attributes of the store.
            settings: Everything that the values depend on, as plain data.

        Raises:
            StoreError: If the store at ``path`` was made with other settings or of other data, or is damaged.
        """
        wanted = settings_text(settings)
        longest = max(piece.intervals for piece in rows)
        sizes = {cls.row: len(rows), "time": longest + 1, "actuator": len(found.box)}
        sizes |= {axis.name: len(axis.values) for axis in found.axes}
        layout = laid_out(
            cls.row,
            sizes,
            about=_about(found, rows, title, wanted),
            arrays=lambda layout: _make_arrays(layout, found, rows),
        )
        return cls._open_or_lay_out(
            path, layout, settings=wanted, names=[*found.settings.variables, *found.settings.functionals, "action"]
        )

    def write(self, indices: Sequence[int], rows: Sequence[Piece], found: Inventory) -> None:
        """Write some rows of those of the set together, unless they are written already."""
        self._write_rows([WrittenRow(i, _values(self, rows[i], found), failed=False) for i in indices])

    def together(self) -> int:
        """How many rows are written at once: flushing them to the disk together takes a fraction of the time."""
        row = max(4 * int(np.prod(array.shape[1:])) for array in self._arrays_with_rows)
        return max(1, BYTES_TOGETHER // max(1, row))

    def length(self) -> int:
        """The number of instants of the longest row."""
        return int(self._array("action").shape[1])


def _values(store: BroughtIn, piece: Piece, found: Inventory) -> dict[str, NDArray[np.float32]]:
    """The values of one row, NaN behind its last instant."""
    record, settings = found.records[piece.record], found.settings
    shape = tuple(len(axis.values) for axis in found.axes)
    row: dict[str, NDArray[np.float32]] = {}
    for c, name in enumerate(settings.variables):
        values = np.full((store.length(), *shape), np.nan, np.float32)
        for start, stop in record.blocks(name, piece.first, piece.last + 1):
            read = record.read(name, start, stop)
            if found.valid is not None:
                read = np.where(found.valid[c], read, 0.0)
            values[start - piece.first : stop - piece.first] = read
        row[name] = values
    for name in settings.functionals:
        numbers = np.full(store.length(), np.nan, np.float32)
        numbers[: piece.intervals + 1] = record.read(name, piece.first, piece.last + 1)
        row[name] = numbers
    actions = np.full((store.length(), len(found.box)), np.nan, np.float32)
    actions[: piece.intervals] = _actions(piece, found)
    return row | {"action": actions}


def _actions(piece: Piece, found: Inventory) -> NDArray[np.float64]:
    """The actions of one row, ``(interval, actuator)``."""
    record = found.records[piece.record]
    actions = np.zeros((piece.intervals, len(found.box)))
    for forcing in found.forcings:
        columns = slice(forcing.first, forcing.first + forcing.count)
        for start, stop in record.blocks(forcing.name, piece.first, piece.last):
            read = record.read(forcing.name, start, stop)
            if forcing.name in found.components:
                read = found.components[forcing.name].coordinates(read)
            actions[start - piece.first : stop - piece.first, columns] = read.reshape(stop - start, -1)
    return actions


def _make_arrays(layout: StoreLayout, found: Inventory, rows: Sequence[Piece]) -> None:
    settings, box, row, clock = found.settings, found.box, layout.row, found.clock
    dims, dataset = tuple(axis.name for axis in found.axes), found.dataset
    about_time = {"units": clock.units, "long_name": "time", "axis": "T"}
    if clock.calendar:
        about_time |= {"calendar": clock.calendar, "since": clock.since}
    layout.known(row, np.arange(len(rows)), (row,), {"units": "1", "long_name": row})
    layout.known("time", np.arange(layout.sizes["time"]) * clock.interval, ("time",), about_time)
    for axis in found.axes:
        boundary = "periodic" if axis.periodic else "bounded"
        layout.known(axis.name, axis.values, (axis.name,), {**axis.attributes, "boundary": boundary})
    names = {"units": "1", "long_name": "actuator", "names": " ".join(box.names)}
    layout.known("actuator", np.arange(len(box)), ("actuator",), names)
    for name, bound, side in (("action_low", box.low, "lower"), ("action_high", box.high, "upper")):
        layout.known(name, bound, ("actuator",), {"units": box.units, "long_name": f"{side} bound"})
    for name in settings.functionals:
        named = _named(found, name)
        layout.variable(name, (row, "time"), named["long_name"], named["units"])
    for name in settings.variables:
        attributes = _kept(found, name)
        long_name, units = attributes.pop("long_name"), attributes.pop("units")
        layout.variable(name, (row, "time", *dims), long_name, units, sharded=True, **attributes)
    layout.variable("action", (row, "time", "actuator"), f"action, {HELD}", box.units)
    lengths = np.array([piece.intervals for piece in rows], dtype=np.int32)
    about = {"units": "1", "long_name": "number of control intervals"}
    layout.known("num_intervals", lengths, (row,), about)
    if settings.parameters:
        values = found.parameters[[piece.record for piece in rows]].astype(np.float32)
        layout.known("parameter_value", values, (row, "parameter"), {"long_name": "parameters of the runs"})
    if found.valid is not None:
        about = {"units": "1", "long_name": "whether the field exists", "variables": " ".join(settings.variables)}
        layout.known("valid", found.valid.astype(np.int8), ("variable", *dims), about)
    for name, field in found.static.items():
        over = tuple(d for d in dims if d in dataset[name].dims)
        layout.known(name, field.astype(np.float32), over, _kept(found, name))
    if found.components:
        basis = np.zeros((len(box), *(layout.sizes[d] for d in dims)), np.float32)
        for forcing in found.forcings:
            if forcing.name in found.components:
                over = tuple(d for d in dims if d in dataset[forcing.name].dims)
                shapes = found.components[forcing.name].shapes
                missing = [i for i, d in enumerate(dims) if d not in over]
                basis[forcing.first : forcing.first + forcing.count] = np.expand_dims(shapes, [1 + i for i in missing])
        about = {"units": "1", "long_name": "shape of the forcing, per unit of action"}
        layout.known("forcing_basis", basis, ("actuator", *dims), about)


def _about(found: Inventory, rows: Sequence[Piece], title: str, settings: str) -> dict[str, Any]:
    dataset, roles = found.dataset, found.settings
    parameters = tuple({"name": n, **_named(found, n)} for n in roles.parameters)
    run_name = roles.run or "simulation"
    stated = Roles(found.forcings, parameters, roles.time, run_name, dict(found.bounds), roles.functionals)
    origins = [_origin(found, piece) for piece in rows]
    kept = {k: str(dataset.attrs[k]) for k in KEPT_OF_FILES if k in dataset.attrs}
    return {
        "Conventions": "CF-1.11",
        "title": title,
        "source": str(dataset.attrs.get("title", UNTITLED)),
        "history": "written by sciwm bring-in",
        **kept,
        "variables": " ".join(roles.variables),
        ATTRIBUTE: stated.to_json(),
        NOTES: json.dumps({"rows": origins, "notes": list(found.notes)}, default=str),
        "sciwm_config": settings,
    }


def _origin(found: Inventory, piece: Piece) -> dict[str, Any]:
    """The run that a row comes from, and its first and last instant there, with their times as the files count them."""
    record = found.records[piece.record]
    times = {"from": float(record.clock.times[piece.first]), "to": float(record.clock.times[piece.last])}
    return {"run": record.label, "first": piece.first, "last": piece.last, **times}


def _named(found: Inventory, name: str) -> dict[str, str]:
    array = found.dataset[name]
    return {"long_name": str(array.attrs.get("long_name", name)), "units": units_of(array)}


def _kept(found: Inventory, name: str) -> dict[str, Any]:
    attributes = found.dataset[name].attrs
    return {k: str(attributes[k]) for k in KEPT_ATTRIBUTES[2:3] if k in attributes} | _named(found, name)
