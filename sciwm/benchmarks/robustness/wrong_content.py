"""Ways in which a file is sound and what it says is not, drawn at random: names, sizes, types, values, attributes."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from sciwm.benchmarks.robustness.sound_sources import Content, Held

ODD: tuple[Any, ...] = (
    *("", " ", "nonsense", "K", "1e400 m", "m**9**9**9", "x" * 70_000, "minutes since yesterday", "days since 0-0-0"),
    *("heat", "col row", "area: nothing", "\x1b[2J", "\u202e", "martian", "360_day", "T", "X", "time", "periodic"),
    *(5, -3.5, 0, float("nan"), float("inf"), 1e308, np.int8(-1), np.array([1.0, 2.0]), np.array([1, 2, 3], np.int16)),
    *(np.array([], float), b"bytes\xff", ["a", "b"], True),
)
"""What an attribute should not be, wherever it stands."""
ATTRIBUTES = (
    *("units", "calendar", "axis", "standard_name", "long_name", "positive", "bounds", "coordinates", "grid_mapping"),
    *("cell_measures", "ancillary_variables", "formula_terms", "_FillValue", "missing_value", "scale_factor"),
    *("add_offset", "valid_min", "valid_max", "valid_range", "_Unsigned", "dtype", "boundary", "flag_values"),
    *("sample_varying", "time_varying", "dim_varying", "_Encoding", "actual_range", "comment"),
)
OF_GROUPS = ("title", "institution", "Conventions", "coordinates", "spatial_dims", "simulation_parameters", "bc_type")
TYPES = ("S4", "U", "c16", "?", "i1", "u2", "i8", "f2", "f4", "f8", "M8[s]", ">f4", "u8")
EXTREME = (np.nan, np.inf, -np.inf, 1e39, 1e300, 9.969209968386869e36, -32768.0, -9999.0, 0.0, 1e20)

Way = Callable[[Content, np.random.Generator], str]


def spoil(content: Content, rng: np.random.Generator) -> str:
    """Change what a file holds in one way.

    Args:
        content: changed in place.
        rng: draws the way and its place.

    Returns:
        What was done, in words.

    Raises:
        Exception: if this content cannot be changed so.
    """
    ways = list(WAYS)
    return WAYS[ways[int(rng.integers(len(ways)))]](content, rng)


def _one(rng: np.random.Generator, things: Any) -> Any:
    things = list(things)
    return things[int(rng.integers(len(things)))]


def _array(content: Content, rng: np.random.Generator, least: int = 0) -> tuple[str, Held]:
    """An array of so many dimensions."""
    name = _one(rng, [n for n, held in content.arrays.items() if held.values.ndim >= least])
    return name, content.arrays[name]


def _times(content: Content) -> tuple[str, Held]:
    name = next(n for n in ("minute", "t-coordinate", "dimensions/time") if n in content.arrays)
    return name, content.arrays[name]


def _renamed_dimension(content: Content, rng: np.random.Generator) -> str:
    name, held = _array(content, rng, 1)
    old, new = _one(rng, held.dims), _one(rng, ("other", "row", "col", "time", "x", "nv", "run", "simulation", ""))
    everywhere = rng.random() < 0.5
    for each in content.arrays.values() if everywhere else [held]:
        each.dims = tuple(new if d == old else d for d in each.dims)
    return f"dimension {old} of {'all' if everywhere else name} called '{new}'"


def _renamed_array(content: Content, rng: np.random.Generator) -> str:
    name, _ = _array(content, rng)
    new = _one(rng, ("other", f"{name} ", name.upper(), "status", "action", "time", "u" * 300, "é", "valid"))
    content.arrays = {(new if n == name else n): held for n, held in content.arrays.items()}
    return f"{name} called '{new[:20]}'"


def _dropped(content: Content, rng: np.random.Generator) -> str:
    name, _ = _array(content, rng)
    del content.arrays[name]
    return f"without {name}"


def _odd_attribute(content: Content, rng: np.random.Generator) -> str:
    name, held = _array(content, rng)
    key, value = _one(rng, [*held.attributes, *ATTRIBUTES]), _one(rng, ODD)
    held.attributes[key] = value
    return f"{name}: {key}={str(value)[:30]!r}"


def _odd_attribute_of_group(content: Content, rng: np.random.Generator) -> str:
    name = _one(rng, content.groups or [""])
    key, value = _one(rng, [*content.groups.get(name, {}), *OF_GROUPS]), _one(rng, ODD)
    content.groups.setdefault(name, {})[key] = value
    return f"group '{name}': {key}={str(value)[:30]!r}"


def _lost_attribute(content: Content, rng: np.random.Generator) -> str:
    name, held = _one(rng, [(n, h) for n, h in content.arrays.items() if h.attributes])
    key = _one(rng, held.attributes)
    del held.attributes[key]
    return f"{name} without {key}"


def _packing(content: Content, rng: np.random.Generator) -> str:
    name, held = _array(content, rng)
    key = _one(rng, ("scale_factor", "add_offset"))
    value = _one(rng, (0.0, np.nan, np.inf, -1.0, 1e300, 1e-300, "0.1", np.array([1.0, 2.0]), np.float32(0.1), 3))
    held.attributes[key] = value
    return f"{name}: {key}={value!r}"


def _limits(content: Content, rng: np.random.Generator) -> str:
    name, held = _array(content, rng)
    low, high = _one(rng, ((5.0, -5.0), (np.nan, 1.0), (0.0, 0.0), (-1e300, 1e300), (3, 1), ("a", "b"), (2.0, 3.0)))
    if rng.random() < 0.5:
        held.attributes |= {"valid_min": low, "valid_max": high}
    else:
        held.attributes["valid_range"] = np.array([low, high])
    return f"{name}: valid from {low!r} to {high!r}"


def _fill(content: Content, rng: np.random.Generator) -> str:
    """A mark of missing values that is one of the values."""
    name, held = _array(content, rng)
    key = _one(rng, ("_FillValue", "missing_value"))
    held.attributes[key] = held.values.reshape(-1)[int(rng.integers(held.values.size))]
    return f"{name}: {key}={held.attributes[key]!r}"


def _extreme_values(content: Content, rng: np.random.Generator) -> str:
    name, held = _array(content, rng)
    values = held.values if held.values.dtype.kind == "f" else held.values.astype(float)
    value, where = _one(rng, EXTREME), int(rng.integers(4))
    flat = values.reshape(-1)
    with np.errstate(over="ignore"):
        if where == 0:
            flat[int(rng.integers(flat.size))] = value
        elif where == 1:
            flat[rng.random(flat.size) < 0.1] = value
        elif where == 2:
            values[..., int(rng.integers(values.shape[-1]))] = value
        else:
            values[...] = value
    content.arrays[name] = replace(held, values=values)
    return f"{name}: {value:g} at {('one point', 'some points', 'one of the last dimension', 'all points')[where]}"


def _missing_instants(content: Content, rng: np.random.Generator) -> str:
    """Whole instants of one run without values."""
    name, held = _one(rng, [(n, h) for n, h in content.arrays.items() if h.values.ndim >= 2 and h.values.shape[1] > 3])
    values = held.values if held.values.dtype.kind == "f" else held.values.astype(float)
    first = int(rng.integers(values.shape[1]))
    last = values.shape[1] if rng.random() < 0.5 else first + 1
    values[int(rng.integers(values.shape[0])), first:last] = np.nan
    content.arrays[name] = replace(held, values=values)
    return f"{name}: one run without {first} to {last}"


def _disordered_times(content: Content, rng: np.random.Generator) -> str:
    name, held = _times(content)
    values, way, i = held.values.astype(float), int(rng.integers(8)), int(rng.integers(1, held.values.size))
    if way == 0:
        rng.shuffle(values)
    elif way == 1:
        values[i] = values[i - 1]
    elif way == 2:
        values = values[::-1].copy()
    elif way == 3:
        values[i:] += 3 * (values[1] - values[0])
    elif way == 4:
        values[i] = _one(rng, EXTREME)
    elif way == 5:
        values = values * _one(rng, (1e-300, 1e300, 0.0, -1.0, 1e9))
    elif way == 6:
        values = values + _one(rng, (1e16, -1e16, 1e300))
    else:
        values = values + rng.normal(size=values.shape) * (values[1] - values[0]) * _one(rng, (1e-9, 1e-3, 0.2))
    content.arrays[name] = replace(held, values=values)
    return f"{name}: disordered in way {way}"


def _repeated_coordinates(content: Content, rng: np.random.Generator) -> str:
    name, held = _one(rng, [(n, h) for n, h in content.arrays.items() if h.values.ndim == 1])
    values, i = held.values.copy(), int(rng.integers(1, held.values.size))
    values[i] = values[i - 1]
    content.arrays[name] = replace(held, values=values)
    return f"{name}: {i} as the one before"


def _short_dimension(content: Content, rng: np.random.Generator) -> str:
    _, held = _array(content, rng, 1)
    size = int(rng.integers(len(held.dims)))
    length, dim = _one(rng, (0, 1, 1, 2, 3)), held.shape[size]
    for each in content.arrays.values():  # dimensions of HDF5 have no names, but lengths
        keep = tuple(slice(length if n == dim else None) for n in each.values.shape)
        each.values = each.values[keep]
    return f"all dimensions of length {dim} cut to {length}"


def _other_length(content: Content, rng: np.random.Generator) -> str:
    """One array that is shorter than its dimensions."""
    name, held = _array(content, rng, 1)
    axis = int(rng.integers(held.values.ndim))
    held.values = np.delete(held.values, 0, axis)
    return f"{name}: one less along {held.dims[axis]}"


def _other_type(content: Content, rng: np.random.Generator) -> str:
    name, held = _array(content, rng)
    kind = _one(rng, TYPES)
    with np.errstate(all="ignore"):
        held.values = held.values.astype(str if kind == "U" else kind)
    return f"{name}: as {kind}"


def _transposed(content: Content, rng: np.random.Generator) -> str:
    """With its dimensions, or without."""
    name, held = _array(content, rng, 2)
    order = rng.permutation(held.values.ndim)
    held.values = held.values.transpose(order)
    whole = rng.random() < 0.7
    if whole:
        held.dims = tuple(held.dims[k] for k in order)
    return f"{name}: transposed {'with' if whole else 'without'} its dimensions"


def _other_rank(content: Content, rng: np.random.Generator) -> str:
    name, held = _array(content, rng)
    if rng.random() < 0.5 or not held.values.ndim:
        content.arrays[name] = replace(held, values=held.values[..., None], dims=(*held.dims, "one"))
        return f"{name}: with one dimension more"
    content.arrays[name] = replace(held, values=held.values[0], dims=held.dims[1:])
    return f"{name}: without its first dimension"


def _huge(content: Content, rng: np.random.Generator) -> str:
    _, held = _array(content, rng, 1)
    size, axis = 10 ** int(rng.integers(8, 13)), int(rng.integers(held.values.ndim))
    old = held.dims[axis]
    for each in content.arrays.values():
        if old in each.dims:
            each.declared = tuple(size if d == old else n for d, n in zip(each.dims, each.values.shape, strict=True))
    return f"{size:g} points along {old}"


def _added(content: Content, rng: np.random.Generator) -> str:
    """A variable that nobody has named, or a scalar beside the dimensions."""
    name, held = _array(content, rng)
    new = _one(rng, ("extra", "status", "row_bnds", "time_bnds", "x", "lat", "simulation"))
    content.arrays[new] = Held(held.dims, held.values.copy(), dict(held.attributes))
    return f"{name} once more as {new}"


WAYS: Mapping[str, Way] = {
    way.__name__: way
    for way in (
        *(_renamed_dimension, _renamed_array, _dropped, _odd_attribute, _odd_attribute_of_group, _lost_attribute),
        *(_packing, _limits, _fill, _extreme_values, _missing_instants, _disordered_times, _repeated_coordinates),
        *(_short_dimension, _other_length, _other_type, _transposed, _other_rank, _huge, _added),
    )
}
"""By their names, so that each can be tried alone."""
