"""Checks of values: real numbers, finite, unpacked; and why some of them may be missing."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.errors import Problem, counted

PACKED = ("scale_factor", "add_offset")
"""Attributes of numbers that stand for others: reading moves them away, so that they are left on raw numbers alone."""
MISSING = ("_FillValue", "missing_value")
"""Where an array states the number that stands for a missing value."""
NEVER_WRITTEN = 9.969209968386869e36
"""NC_FILL_FLOAT and NC_FILL_DOUBLE of netCDF, in whose files no attribute need state it."""


def numbers_problems(array: xr.DataArray, place: str, remedy: str = "") -> list[Problem]:
    """A problem if the values are no real numbers, but text, objects, dates, complex numbers or truth values."""
    if getattr(array.dtype, "kind", "O") in "iuf":
        return []
    return [Problem(place, "real numbers", f"{array.dtype}", remedy)]


def packed_problems(array: xr.DataArray, place: str) -> list[Problem]:
    """A problem if the values are integers that a file holds in place of the true numbers."""
    packing = [name for name in PACKED if name in array.attrs]
    if not packing or getattr(array.dtype, "kind", "O") not in "iu":
        return []
    got = f"{array.dtype} with the attribute {' and '.join(f'{n}={array.attrs[n]}' for n in packing)}"
    remedy = "these are packed: open the file without mask_and_scale=False, or decode them with xr.decode_cf(ds)"
    return [Problem(place, "the numbers themselves", got, remedy)]


def fill_problems(array: xr.DataArray, place: str) -> list[Problem]:
    """A problem if values are a number that stands for missing ones; chunked arrays are not read.

    That is the number which the attributes state, or the encoding (which reading has replaced, so that somebody put it
    back; zeros were more likely filled in), or the one that netCDF leaves where nothing was written. They must be as
    they were stored: a change of units changes this number too.
    """
    if array.chunks is not None or getattr(array.dtype, "kind", "O") not in "iuf":
        return []
    values = array.values
    for fill, said, remedy in _marks_of(array):
        with np.errstate(over="ignore", invalid="ignore"):
            marked = values == np.asarray(fill).astype(values.dtype)
        if marked.any() and np.isfinite(fill):
            got = f"{counted(int(marked.sum()), 'value')} {said}, the first at {first_place(marked, array)}"
            return [Problem(place, "the numbers themselves", got, remedy)]
    return []


def _marks_of(array: xr.DataArray) -> Iterator[tuple[float, str, str]]:
    """Numbers that stand for missing values in an array, each with who says so and what to do."""
    for name in MISSING:
        for held, where, also in ((array.attrs, "attribute", ""), (array.encoding, "encoding", ".encoding")):
            if name not in held or (also and any(key in held for key in PACKED)):
                continue
            said = f"that the {where} {name}={held[name]} states for missing ones"
            decode = "put NaN in their place" if also else "decode them with xarray.decode_cf(ds)"
            if isinstance(held[name], bytes | str):  # which decoding leaves alone
                decode = f"make the {where} {name} a number, {decode}"
            remedy = f"{decode} and fill or drop what is missing, or where they are meant, remove the {where} {name}"
            yield from ((fill, said, remedy) for fill in _numbers_in(held[name]) if fill or not also)
    if array.dtype.kind == "f" and array.dtype.itemsize >= 4:
        said = f"of {NEVER_WRITTEN:g}, which netCDF leaves where nothing was written"
        remedy = "mask them with ds.where(ds < 9e36), and fill or drop what is missing"
        yield NEVER_WRITTEN, said, remedy


def _numbers_in(stated: object) -> list[float]:
    """The numbers that an attribute states: one, several, or as text."""
    if isinstance(stated, bytes | str):
        stated = (stated.decode(errors="replace") if isinstance(stated, bytes) else stated).replace(",", " ").split()
    numbers = []
    for each in np.asarray(stated).reshape(-1).tolist():
        try:
            numbers.append(float(each))
        except (TypeError, ValueError, OverflowError):
            continue
    return numbers


def finite_problems(array: xr.DataArray, place: str) -> list[Problem]:
    """A problem if values are not finite, with their number and the first place; chunked arrays are not read."""
    wrong = numbers_problems(array, place) or packed_problems(array, place)
    if wrong or array.chunks is not None:
        return wrong
    bad = ~np.isfinite(array.values)
    if not bad.any():
        return []
    got = f"{not_finite(array.values)}, the first at {first_place(bad, array)}"
    return [Problem(place, "finite values", got, missing_remedy(array))]


def masked_value(array: xr.DataArray) -> float | None:
    """The finite number that reading has turned into NaN wherever it stood; None where there is none."""
    stated = (np.asarray(array.encoding.get(name, np.nan)) for name in MISSING)
    fills = (v.reshape(-1)[0] for v in stated if v.size == 1 and v.dtype.kind in "iuf")
    raw = next((float(fill) for fill in fills if np.isfinite(fill)), None)
    if raw is None:
        return None
    scale, offset = (array.encoding.get(name, otherwise) for name, otherwise in zip(PACKED, (1.0, 0.0), strict=True))
    return raw * float(scale) + float(offset)


def missing_remedy(array: xr.DataArray) -> str:
    """What to do about values that are not finite; it names the cause where the array was read from a file."""
    fill = masked_value(array)
    if fill is None:
        return "fill or drop them"
    return (
        f"every {fill:g} in the file reads as missing, as that is its fill value: where {fill:g} is meant, read it "
        "with mask_and_scale=False and remove the attribute that states it, or write it with the fill value NaN; else "
        "fill or drop them"
    )


def not_finite(values: NDArray[Any]) -> str:
    """How many values are not finite."""
    return counted(int((~np.isfinite(values)).sum()), "that is not", "that are not")


def first_place(mask: NDArray[np.bool_], array: xr.DataArray) -> str:
    """The place of the first true value, by coordinates where there are any, else by indices."""
    places = zip(array.dims, np.argwhere(mask)[0], strict=True)
    return ", ".join(f"{d}={_label(array, str(d), int(i))}" for d, i in places)


def _label(array: xr.DataArray, dimension: str, index: int) -> str:
    """The coordinate of a place; its index where the coordinate is not over this dimension alone."""
    along = array[dimension]
    value = along.values[index] if along.dims == (dimension,) else index
    return f"{value:g}" if isinstance(value, np.floating) else f"{value}"
