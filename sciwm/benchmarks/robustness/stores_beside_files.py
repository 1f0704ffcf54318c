"""Where stores hold something else than the file says that they were made of."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sciwm.benchmarks.robustness.read_directly import Said, read_directly
from sciwm.benchmarks.robustness.sound_sources import ROLES
from sciwm.data.source import NOTES

Values = NDArray[np.float64]
SINGLE = 1e-5
"""The share of a value by which it may differ, as stores are in single precision."""
STEP = 2e-3
"""The share of an interval by which an instant may be late."""


@dataclass(frozen=True)
class Wanted:
    """What stores must hold by the file, with space ascending.

    Args:
        labels: of the runs, empty where they are numbered.
        fields: by name, ``(run, time, *space)``.
        forcings: by name, ``(run, time, label)``; one label where they are over time alone.
        parameters: by name, ``(run,)`` or one number for all.
        axes: the positions, ascending; none where the file has none.
        inside: where the mask is not zero, ``(*space)``.
        times: of all instants.
        units: of fields, axes and time, by name; that of time without its date.
        since: the date from which times count.
    """

    labels: list[float]
    fields: dict[str, Values]
    forcings: dict[str, Values]
    parameters: dict[str, Values]
    axes: dict[str, Values]
    inside: NDArray[np.bool_]
    times: Values
    units: dict[str, str]
    since: str


def differences(run: str, kind: str, path: str) -> list[str]:
    """Where the stores of a run hold something else than a file of a kind says, in words."""
    roles = ROLES[kind]
    return list(_differences(Path(run), _wanted(read_directly(kind, Path(path)), roles), roles))


def _wanted(said: Mapping[str, Said], roles: Mapping[str, Any]) -> Wanted:
    space, over = roles["space"], (roles["run"], roles["time"])
    labels = said[over[0]].values.tolist() if over[0] in said and said[over[0]].dims == over[:1] else []
    if len(set(labels)) < len(labels) or not np.isfinite(labels).all():
        labels = []  # they tell no runs apart, which are numbered
    fields = {n: said[n].over((*over, *space)) for n in roles["variables"]}
    mask = said[roles["mask"]].over(space) if roles.get("mask") else np.array(1.0)
    inside = np.isfinite(mask) & (mask != 0)
    axes = {n: said[n].values for n in space if n in said and said[n].dims == (n,)}
    turned = [k for k, n in enumerate(space) if n in axes and axes[n][0] > axes[n][-1]]
    units = {n: _text(said[n].attributes.get("units", "1")) for n in (*fields, *axes, over[1]) if n in said}
    units = dict.fromkeys((*space, over[1]), "1") | units
    units[over[1]], _, since = units[over[1]].partition(" since ")
    return Wanted(
        labels,
        {n: np.flip(values, tuple(2 + k for k in turned)) for n, values in fields.items()},
        {n: _forcing(said[n], over, fields) for n in roles.get("forcings", ())},
        {n: said[n].over(over[:1]) for n in roles.get("parameters", ())},
        {n: np.sort(values) for n, values in axes.items()},
        np.flip(inside, tuple(turned)) if inside.ndim else inside,
        said[over[1]].values,
        units,
        since,
    )


def _forcing(said: Said, over: tuple[str, str], fields: Mapping[str, Values]) -> Values:
    """A forcing over runs, time and its labels; one that no run has of its own is that of all."""
    labels = [d for d, n in zip(said.dims, said.values.shape, strict=True) if d not in over and n != 1]
    values = said.over((*over, *labels))
    runs, instants = next(iter(fields.values())).shape[:2]
    values = values if over[0] in said.dims else np.broadcast_to(values, (runs, *values.shape))
    return values.reshape(runs, instants, -1)


def _differences(run: Path, wanted: Wanted, roles: Mapping[str, Any]) -> Iterator[str]:
    import zarr

    kept: dict[int, int] = {}
    for store in sorted((run / "data").glob("*.zarr")):
        group: Any = zarr.open_group(store, mode="r")
        names = [*roles["space"], *wanted.fields, "action", "time", *(["parameter_value"] if wanted.parameters else [])]
        held = {name: np.asarray(group[name][...]) for name in names}
        for name in roles["space"]:
            at = wanted.axes.get(name, np.arange(len(held[name]), dtype=float))
            yield from _unlike(f"{store.name}: {name}", held[name], at)
        for name, units in wanted.units.items():
            stated = _text(group["time" if name == roles["time"] else name].attrs["units"])
            if stated != units:
                yield f"{store.name}: {name} in '{stated}', not '{units}'"
        if wanted.since and group["time"].attrs.get("since") != wanted.since:
            yield f"{store.name}: times since {group['time'].attrs.get('since')}, not {wanted.since}"
        for i, row in enumerate(json.loads(group.attrs[NOTES])["rows"]):
            r = wanted.labels.index(float(row["run"])) if wanted.labels else int(row["run"])
            kept[r] = kept.get(r, 0) + row["last"] + 1 - row["first"]
            yield from _unlike_row(f"{store.name}: row {i}", held, i, wanted, r, slice(row["first"], row["last"] + 1))
    for r, length in enumerate(_lengths(list(wanted.fields.values()))):
        if kept.get(r, 0) != length:
            yield f"{kept.get(r, 0)} instants of run {r}, not {length}"


def _unlike_row(
    where: str, held: Mapping[str, NDArray[Any]], i: int, wanted: Wanted, r: int, span: slice
) -> Iterator[str]:
    """Row ``i`` beside some instants of run ``r``."""
    length, step = span.stop - span.start, held["time"][1] - held["time"][0]
    late = np.abs(np.diff(wanted.times[span]) - step).max(initial=0.0)
    if late > STEP * step + 4 * np.spacing(np.abs(wanted.times).max()):
        yield f"{where}: other times"
    for name, values in wanted.fields.items():
        never = np.isnan(values).all(axis=(0, 1)) | ~wanted.inside
        yield from _unlike(f"{where}: {name}", held[name][i, :length], np.where(never, 0.0, values[r, span]))
        if not np.isnan(held[name][i, length:]).all():
            yield f"{where}: {name} behind the last instant"
    for name, values in wanted.forcings.items():  # of which there is one alone
        yield from _unlike(f"{where}: {name}", held["action"][i, : length - 1], values[r, span][:-1])
    for j, (name, values) in enumerate(wanted.parameters.items()):
        yield from _unlike(f"{where}: {name}", held["parameter_value"][i, j], values[r] if values.ndim else values)


def _lengths(fields: Sequence[Values]) -> Iterator[int]:
    """The number of instants of each run between the first and the last at which there is anything."""
    for run in range(len(fields[0])):
        there = np.any([~np.isnan(f[run]).all(axis=tuple(range(1, f.ndim - 1))) for f in fields], axis=0)
        at = np.flatnonzero(there)
        yield int(at[-1] + 1 - at[0]) if len(at) > 1 else 0


def _unlike(where: str, got: NDArray[Any], wanted: NDArray[Any]) -> Iterator[str]:
    if np.shape(got) != np.shape(wanted):
        yield f"{where}: {np.shape(got)} values, not {np.shape(wanted)}"
        return
    largest = np.max(np.abs(wanted), initial=0.0, where=np.isfinite(wanted))
    if not np.allclose(got, wanted, rtol=SINGLE, atol=1e-6 * largest, equal_nan=True):
        yield f"{where}: other values"


def _text(units: Any) -> str:
    """Units as people read them: none, and a pure number, are 1."""
    if isinstance(units, np.ndarray | list) and np.size(units) == 1:
        units = np.asarray(units).reshape(-1)[0]
    words = " ".join((units.decode("utf-8", "replace") if isinstance(units, bytes) else str(units)).split())
    return "1" if words.lower() in ("", "1", "1.0", "none", "-") else words
