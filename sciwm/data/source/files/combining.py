"""Many files, or groups of one, as one Dataset: along time, along runs, or side by side."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from sciwm.data.axes import RUNS, counts_runs
from sciwm.data.layouts import fields_named
from sciwm.data.source.files.belonging import Part, problems_of_units, problems_of_variables, short_names
from sciwm.data.source.files.time_dimension import disjoint, in_units_of, time_dimension
from sciwm.errors import InputError, Problem, counted, in_one_line, raise_if
from simulations.closeness import same_positions

RUN = "run"
"""The dimension that separates runs where each has a file of its own and nothing names it."""


def combined(parts: Sequence[Part]) -> tuple[xr.Dataset, list[str]]:
    """One Dataset of all parts.

    Parts with the same variables follow each other in time if their times do not overlap; else each is a run. They are
    joined along a dimension in which alone they differ, such as the labels of runs. Parts with other variables lie
    side by side.

    Returns:
        The Dataset, and in words what was joined along what.

    Raises:
        InputError: With everything that keeps parts from belonging together.
    """
    kinds: dict[frozenset[str], list[Part]] = {}
    for part in parts:
        kinds.setdefault(frozenset(fields_named(part.dataset)), []).append(part)
    raise_if(problems_of_variables(list(kinds.values())))
    notes: list[str] = []
    joined = []
    for alike in kinds.values():
        dataset, said = _joined(alike) if len(alike) > 1 else (alike[0].dataset, [])
        joined.append(replace(alike[0], dataset=dataset))
        notes += said
    if len(joined) == 1:
        return joined[0].dataset, notes
    aligned = _with_labels_of_the_first(joined)
    try:
        merged = xr.merge([p.dataset for p in aligned], join="exact", compat="override", combine_attrs="drop_conflicts")
    except ValueError as error:
        remedy = "name files of one grid, of the same times and runs, or one group"
        where = ", ".join(p.where for p in joined[:3])
        raise InputError([Problem(where, "variables over the same coordinates", in_one_line(error), remedy)]) from error
    return merged, [*notes, f"{counted(len(joined), 'set')} of variables, over the same coordinates"]


def _joined(parts: list[Part]) -> tuple[xr.Dataset, list[str]]:
    """Parts with the same variables as one Dataset."""
    raise_if(problems_of_units(parts))
    parts = _with_labels_of_the_first(_in_common_time(parts))
    found = time_dimension(parts[0].dataset)
    time = found[0] if found else None
    others = [d for d in _differing(parts) if d != time]
    runs = next((d for d in map(str, parts[0].dataset.dims) if counts_runs(d) == "run"), None)
    count = counted(len(parts), "part")
    if len(others) > 1 or (others and others[0] != runs and time in _differing(parts)):
        return _by_coordinates(parts), [f"{count} joined by their coordinates along {', '.join(_differing(parts))}"]
    if others and others[0] != runs:
        return _in_order(parts, others[0]), [f"{count} joined along '{others[0]}'"]
    if not others and time in _differing(parts):
        order = disjoint([p.dataset[time].values.astype(float) for p in parts])
        if order is not None:
            said = (
                f"{count} joined along '{time}', one after another; if each is a run of its own, name them one by one"
            )
            return _along([parts[i] for i in order], str(time)), [said]
    if runs is not None:
        return _along(_with_own_labels(parts, runs), runs), [f"{count} joined along '{runs}'"]
    return _as_runs(parts)


def _in_common_time(parts: Sequence[Part]) -> list[Part]:
    """Parts whose times all are counted as in the first."""
    found = time_dimension(parts[0].dataset)
    if found is None or any(found[0] not in p.dataset.coords for p in parts):
        return list(parts)
    time, first = found[0], parts[0].dataset[found[0]]
    counted_alike, problems = [], []
    for part in parts:
        values = in_units_of(part.dataset[time], first)
        if isinstance(values, str):
            problems.append(Problem(f"{part.where}: {time}", f"times as in {parts[0].where}", values))
        else:
            dataset = part.dataset.assign_coords({time: (time, values, first.attrs)})
            counted_alike.append(replace(part, dataset=dataset))
    raise_if(problems)
    return counted_alike


def _with_labels_of_the_first(parts: Sequence[Part]) -> list[Part]:
    """Parts whose labels are those of the first, to the last bit, where they are the same up to rounding.

    The times of a shorter part may be the first of those of the longest.
    """
    longest: dict[str, xr.DataArray] = {}
    for part in parts:
        for dim in map(str, part.dataset.dims):
            if dim in part.dataset.coords and part.dataset[dim].dtype.kind in "iuf":
                known = longest.setdefault(dim, part.dataset[dim])
                if part.dataset.sizes[dim] > known.size:
                    longest[dim] = part.dataset[dim]
    aligned = []
    for part in parts:
        labels = {
            dim: (dim, known.values[: part.dataset.sizes[dim]], part.dataset[dim].attrs)
            for dim, known in longest.items()
            if dim in part.dataset.coords
            and same_positions(part.dataset[dim].values, known.values[: part.dataset.sizes[dim]])
        }
        aligned.append(replace(part, dataset=part.dataset.assign_coords(labels)))
    return aligned


def _differing(parts: Sequence[Part]) -> list[str]:
    """The dimensions in whose labels, or numbers of points, parts differ."""
    first = parts[0].dataset

    def same(dim: str, other: xr.Dataset) -> bool:
        if dim not in first.coords or dim not in other.coords:
            return first.sizes[dim] == other.sizes.get(dim)
        return np.array_equal(first[dim].values, other[dim].values)

    return [d for d in map(str, first.dims) if not all(same(d, part.dataset) for part in parts[1:])]


def _with_own_labels(parts: Sequence[Part], runs: str) -> list[Part]:
    """Parts whose runs have labels of their own: those of the files before them where they repeat."""
    named = [runs in part.dataset.coords for part in parts]
    if not any(named):
        return list(parts)
    labels = [[str(label) for label in part.dataset[runs].values] for part in parts]
    if all(named) and len({label for held in labels for label in held}) == sum(map(len, labels)):
        return list(parts)
    short = short_names([part.label for part in parts])
    return [
        replace(p, dataset=p.dataset.assign_coords({runs: [f"{name}/{label}" for label in held]}))
        for p, name, held in zip(parts, short, labels, strict=True)
    ]


def _as_runs(parts: Sequence[Part]) -> tuple[xr.Dataset, list[str]]:
    """Parts as runs, by a label that each holds, or else by their names."""
    held = [n for n in map(str, parts[0].dataset.variables) if counts_runs(n) == "run" and not parts[0].dataset[n].ndim]
    for name in held:
        if all(name in p.dataset.variables and not p.dataset[name].ndim for p in parts):
            labels = [p.dataset[name].values.item() for p in parts]
            if len(set(labels)) == len(parts):
                bare = [replace(p, dataset=p.dataset.drop_vars(name)) for p in parts]
                return _along(bare, name, labels), [f"{counted(len(parts), 'part')}, each a run, told by '{name}'"]
    taken = set(map(str, parts[0].dataset.variables)) | set(map(str, parts[0].dataset.dims))
    dim = next(name for name in (RUN, *RUNS, "run_of_file") if name not in taken)
    short: list[Any] = short_names([part.label for part in parts])
    labels = [int(s) for s in short] if all(s.isdecimal() and str(int(s)) == s for s in short) else short
    said = f"{counted(len(parts), 'part')}, each a run: the dimension '{dim}' is made of their names"
    return _along(parts, dim, labels), [said]


def _in_order(parts: list[Part], dim: str) -> xr.Dataset:
    """Parts joined along a dimension, in the order of its labels."""
    if not all(dim in part.dataset.coords for part in parts):
        where = ", ".join(p.where for p in parts[:3])
        expected, got = f"labels of '{dim}' that tell how parts follow each other", "none, and other numbers of points"
        raise InputError([Problem(where, expected, got, f"write the coordinate '{dim}' into every file")])
    order = disjoint([p.dataset[dim].values for p in parts]) if parts[0].dataset[dim].dtype.kind in "iuf" else None
    return _along([parts[i] for i in order] if order is not None else parts, dim)


def _along(parts: Sequence[Part], dim: str, labels: Sequence[Any] = ()) -> xr.Dataset:
    """Parts joined along a dimension; a new one where there are labels for it. Shorter times are filled with NaN."""
    first = parts[0].dataset
    names = [n for n in map(str, first.data_vars) if dim in first[n].dims or _varies(n, parts)]
    values = xr.DataArray(list(labels), dims=dim, name=dim) if labels else dim
    try:
        return xr.concat(
            [part.dataset for part in parts],
            dim=values,
            data_vars=names,
            coords="minimal",
            compat="override",
            join="outer",
            combine_attrs="drop_conflicts",
        )
    except (ValueError, TypeError) as error:
        where = ", ".join(p.where for p in parts[:3])
        raise InputError([Problem(where, f"parts that join along '{dim}'", in_one_line(error))]) from error


def _varies(name: str, parts: Sequence[Part]) -> bool:
    """Whether a variable is another in some parts; one over time always counts as such, and is not read for it."""
    first = parts[0].dataset
    time = time_dimension(first)
    if time and time[0] in first[name].dims:
        return True
    return not all(
        first[name].variable.equals(part.dataset[name].variable)  # type: ignore[no-untyped-call]
        for part in parts[1:]
    )


def _by_coordinates(parts: Sequence[Part]) -> xr.Dataset:
    """Parts that tile several dimensions, as xarray joins them."""
    try:
        return xr.combine_by_coords(  # type: ignore[return-value]
            [part.dataset for part in parts],
            data_vars="minimal",
            coords="minimal",
            compat="override",
            join="outer",
            combine_attrs="drop_conflicts",
        )
    except ValueError as error:
        where = ", ".join(p.where for p in parts[:3])
        expected, remedy = "files that tile time, runs or space", "name files of one kind"
        raise InputError([Problem(where, expected, in_one_line(error), remedy)]) from error
