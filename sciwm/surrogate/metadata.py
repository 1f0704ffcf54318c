"""What results keep of the inputs' metadata: coordinates, in a form that every file format can hold.

A latent is no wind and a plan is no temperature: variables state what they are themselves. Of coordinates, attributes
are kept, while their codecs, chunks and packing belong to the file that they were read from.
"""

import json
import re
from typing import Any

import numpy as np
import xarray as xr

from sciwm.data.times import STATED
from sciwm.data.values import PACKED

OF_OTHERS = (
    "ancillary_variables",
    "bounds",
    "cell_measures",
    "cell_methods",
    "climatology",
    "coordinates",
    "formula_terms",
    "grid_mapping",
)
"""Attributes that name variables of the input, which are not in the result."""
OF_FILES = (
    "CLASS",
    "DIMENSION_LIST",
    "NAME",
    "REFERENCE_LIST",
    "_ARRAY_DIMENSIONS",
    "_ChunkSizes",
    "_DeflateLevel",
    "_Encoding",
    "_FillValue",
    "_NCProperties",
    "_Netcdf4Coordinates",
    "_Netcdf4Dimid",
    "_Shuffle",
    "_Storage",
    "_Unsigned",
    "_nc3_strict",
    "missing_value",
)
"""Attributes by which the libraries lay out a file, or which decide how it is read."""
LONGEST_NAME = 200
WHOLE = range(-(2**63), 2**63)


def kept(array: xr.DataArray) -> xr.DataArray:
    """The array with coordinates that any file format can hold, and without attributes of its own."""
    swapped = {name: _native(c) for name, c in array.coords.items() if c.dtype.byteorder in "<>"}
    plain = array.drop_attrs(deep=False).assign_coords(swapped)
    plain.encoding = {}
    for coordinate in plain.coords.values():
        coordinate.attrs = _attributes_of(coordinate)
        coordinate.encoding = {}
    return plain


def _native(coordinate: xr.DataArray) -> xr.Variable:
    """The coordinate in the byte order of this machine, and not in that of the file that it was read from."""
    return coordinate.variable.astype(coordinate.dtype.newbyteorder("="), keep_attrs=True)


def _attributes_of(coordinate: xr.DataArray) -> dict[str, Any]:
    attributes, kind = attributes_as_text(coordinate.attrs), coordinate.dtype.kind
    dropped = {"f": PACKED, "m": STATED, "M": STATED, "O": STATED}.get(kind, ())
    return {name: value for name, value in attributes.items() if name not in dropped}


def attributes_as_text(attributes: dict[Any, Any]) -> dict[str, Any]:
    """Attributes as netCDF and Zarr hold them: numbers, text, and lists of either; anything else becomes text."""
    named = {_name(name): value for name, value in attributes.items()}
    return {name: _value(value) for name, value in named.items() if name not in (*OF_OTHERS, *OF_FILES)}


def _name(name: Any) -> str:
    text = re.sub(r"[^\w .:+@-]", "_", str(name)).strip()[:LONGEST_NAME]
    return text if re.match(r"\w", text) else f"_{text}"


def _value(value: Any) -> Any:
    """The value itself, where all formats hold it."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, int) and not isinstance(value, bool) and value in WHOLE:
        return value
    if isinstance(value, float):
        return value
    if isinstance(value, list | tuple | np.ndarray | np.generic):
        array = _array(value)
        if array is not None:
            return value
    return _text(value)


def _array(value: Any) -> Any:
    """Several numbers or texts as an array of at most one dimension; None where they are something else."""
    if isinstance(value, list | tuple) and len({isinstance(v, str) for v in value}) > 1:
        return None
    try:
        array = np.asarray(value)
    except ValueError:  # lists of several lengths
        return None
    plain = array.dtype.kind in "iuU" or array.dtype in (np.float32, np.float64)
    return array if plain and array.ndim < 2 and array.size else None


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    return json.dumps(value, default=str) if isinstance(value, dict | list | tuple) else str(value)
