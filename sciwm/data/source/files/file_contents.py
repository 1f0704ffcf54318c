"""What one file or store holds, as one Dataset or as several that are to be joined."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import xarray as xr

from sciwm.data.declared_sizes import Declared
from sciwm.data.formats import open_file, open_store_group
from sciwm.data.layouts import fields_named, nameless_problems, with_text_labels
from sciwm.data.recognition import Kind
from sciwm.data.source.files.belonging import Part
from sciwm.data.source.files.lazy_values import in_chunks
from sciwm.data.source.files.pdebench_layout import from_pdebench, from_seed, is_pdebench, seeds_in
from sciwm.data.source.files.unnamed_dimensions import UNNAMED, with_named_dimensions
from sciwm.data.source.files.well_layout import from_well, is_well
from sciwm.errors import InputError, Problem, raise_if
from sciwm.progress import bar

STORES = (Kind.ZARR, Kind.ZARR_ZIP)


def parts_of(path: Path, kind: Kind, group: str, declared: Declared | None) -> tuple[list[Part], list[str]]:
    """The datasets in one file, lazily.

    Args:
        path: The file or store.
        kind: What it is.
        group: A group in it; without one, known layouts are recognised, and groups are taken together where there are
            no fields at the top.
        declared: The header of a netCDF or HDF5 file, which was weighed before.

    Returns:
        The datasets, and what should be known of them.

    Raises:
        InputError: If the file is not readable, lacks the group, or holds nothing.
    """
    top, groups = _opened(path, kind, "", declared)
    if group:
        return _one_group(path, kind, group.strip("/"), groups, declared)
    names = {name.strip("/") for name in declared or {}} | set(groups)
    if is_well(dict.fromkeys(names)):
        held = {name: _opened(path, kind, name, declared)[0] if name else top for name in {"", *names}}
        dataset, notes = from_well(held, path)
        return [Part(path.stem, str(path), dataset)], ["the layout of The Well", *notes]
    if is_pdebench(list(map(str, top.variables))) and kind not in STORES and _unnamed(top):
        return [Part(path.stem, str(path), from_pdebench(top, path))], ["the layout of PDEBench"]
    seeds = seeds_in(groups)
    if seeds and not top.data_vars:
        parts = [
            Part(seed, f"{path}: {seed}", from_seed(*_seed_groups(path, kind, seed, groups, declared), path, seed))
            for seed in bar(seeds, "opening seeds")
        ]
        return parts, ["the layout of PDEBench with a group for each seed"]
    fields = fields_named(top)
    inside = [name for name, held in groups.items() if held]
    if fields or not inside:
        if not fields:
            raise InputError([Problem(str(path), "fields over time and space", "no variables", "name another file")])
        dataset, notes = _usual(top, path, "")
        left = (
            f"{path}: variables at the top; those in groups ({', '.join(inside[:6])}) are left out: choose with group"
        )
        return [Part(path.stem, str(path), dataset)], [*notes, *([left] if inside else [])]
    return _all_groups(path, kind, inside, groups, declared)


def by_numbers(name: str) -> list[tuple[int, str]]:
    """Sorts names with numbers in them by these: run 2 before run 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _opened(path: Path, kind: Kind, group: str, declared: Declared | None) -> tuple[xr.Dataset, dict[str, list[str]]]:
    if kind in STORES:
        return open_store_group(path, group)
    return open_file(path, kind, group, declared)


def _usual(dataset: xr.Dataset, path: Path, group: str) -> tuple[xr.Dataset, list[str]]:
    """A dataset with names for its dimensions, text for its labels, and lazy values.

    What is called like a dimension and varies along others, too, is left out: neither a coordinate nor a variable.
    """
    raise_if(nameless_problems(dataset, path))
    chunked = in_chunks(dataset, path, group)
    odd = {str(n): c.dims for n, c in chunked.coords.items() if n in chunked.dims and c.dims != (n,)}
    named, notes = with_named_dimensions(chunked.drop_vars(list(odd)))
    notes += [f"{name}: called like a dimension, but lies over {dims}: left out" for name, dims in odd.items()]
    return with_text_labels(named), [f"{path}: {note}" for note in notes]


def _unnamed(dataset: xr.Dataset) -> bool:
    return any(str(d).startswith(UNNAMED) for d in dataset.dims)


def _seed_groups(
    path: Path, kind: Kind, seed: str, groups: Mapping[str, Sequence[str]], declared: Declared | None
) -> tuple[xr.Dataset, xr.Dataset]:
    grid = f"{seed}/grid"
    axes = _opened(path, kind, grid, declared)[0] if grid in groups else xr.Dataset()
    return _opened(path, kind, seed, declared)[0], axes


def _one_group(
    path: Path, kind: Kind, group: str, groups: Mapping[str, Sequence[str]], declared: Declared | None
) -> tuple[list[Part], list[str]]:
    if group not in groups:
        known = [f"'{name}' ({', '.join(held[:5])})" for name, held in list(groups.items())[:8]]
        got = "; ".join(known) or "no groups"
        raise InputError([Problem(f"{path}: group '{group}'", "a group of the file that holds variables", got)])
    dataset, notes = _usual(_with_inherited(path, kind, group, declared), path, group)
    return [Part(path.stem, f"{path}: {group}", dataset)], notes


def _with_inherited(path: Path, kind: Kind, group: str, declared: Declared | None) -> xr.Dataset:
    """A group with the coordinates of the groups above it, as in a DataTree."""
    dataset, _ = _opened(path, kind, group, declared)
    for above in _above(group):
        held, _ = _opened(path, kind, above, declared)
        coordinates = {
            name: variable
            for name, variable in held.variables.items()
            if name not in dataset.variables
            and (name in held.coords or variable.dims == (name,))
            and all(dataset.sizes.get(d) == held.sizes[d] for d in variable.dims)
        }
        dataset = dataset.assign_coords(coordinates)
    return dataset


def _above(group: str) -> Iterable[str]:
    """The groups above a group, the nearest first."""
    while group:
        group = group.rpartition("/")[0]
        yield group


def _all_groups(
    path: Path, kind: Kind, inside: Sequence[str], groups: Mapping[str, Sequence[str]], declared: Declared | None
) -> tuple[list[Part], list[str]]:
    """Every group that holds fields, with the coordinates above it."""
    parts, notes = [], []
    for name in bar(sorted(inside, key=by_numbers), "opening groups"):
        dataset, said = _usual(_with_inherited(path, kind, name, declared), path, name)
        if fields_named(dataset):
            parts.append(Part(name.replace("/", "_"), f"{path}: {name}", dataset))
        notes += said
    listed = ", ".join(part.where.partition(": ")[2] for part in parts[:6])
    return parts, [f"{path}: variables in groups ({listed}{', ...' if len(parts) > 6 else ''})", *notes]
