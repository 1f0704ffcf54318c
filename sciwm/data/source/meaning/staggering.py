"""Grids on which variables lie at different points: centres, faces and corners of cells."""

import re
from collections.abc import Sequence

import numpy as np
import xarray as xr

PAIRS = (
    (r"(xi|eta)_rho", r"(xi|eta)_(u|v|psi)", "ROMS"),
    (r"s_rho", r"s_w", "ROMS"),
    (r"[xy]h", r"[xy]q", "MOM"),
    (r"[XY]C|[ij]", r"[XY]G|[ij]_g", "MITgcm"),
    (r"(lon|lat|[xy])(_?[ct])?", r"(lon|lat|[xy])_?[uvfqg]", "a C-grid"),
    (r"(bottom_top|south_north|west_east)", r"(bottom_top|south_north|west_east)_stag", "WRF"),
    (r"lev|z_?t", r"ilev|z_?w", "a vertical grid"),
)
"""Names of the same dimension at centres and at faces, and whose they are."""

HALF = 0.05
"""How far a shift may be from half a cell, as a share of the spacing."""

ADVICE = (
    "bring all fields to one grid first: with xgcm, Grid(ds, coords={'X': {'center': 'CENTRE', 'right': 'FACE'}})"
    ".interp(ds['u'], 'X'); or by hand, 0.5 * (u + u.shift(FACE=-1)) renamed to the dimension of the centres; between "
    "grids that are not straight, with xesmf.Regridder(ds, target, 'bilinear')"
)
"""What to do about variables at other points."""


def staggered_with(dataset: xr.Dataset, dim: str, space: Sequence[str]) -> str | None:
    """Why a dimension is one of space at other points than the fields; None where it is not.

    By names that models use, by the attribute ``c_grid_axis_shift``, or by coordinates half a cell beside those of a
    space dimension.
    """
    shift = dataset[dim].attrs.get("c_grid_axis_shift") if dim in dataset.coords else None
    for other in space:
        if abs(dataset.sizes[dim] - dataset.sizes[other]) > 1:
            continue
        if shift is not None and dataset[dim].attrs.get("axis") == dataset[other].attrs.get("axis"):
            return f"'{other}' at the faces of cells, by its attribute c_grid_axis_shift"
        whose = _by_name(dim, other)
        if whose:
            return f"'{other}' at other points of its cells, by its name as in {whose}"
        if _half_a_cell(dataset, dim, other):
            return f"'{other}' shifted by half a cell"
    return None


def _by_name(dim: str, other: str) -> str:
    for centre, face, whose in PAIRS:
        same = dim.split("_")[0][:1].lower() == other.split("_")[0][:1].lower()
        if same and ((_is(centre, other) and _is(face, dim)) or (_is(face, other) and _is(centre, dim))):
            return whose
    same_stem = dim.partition("_")[0] == other.partition("_")[0] and "_" in dim and "_" in other
    return "ROMS" if same_stem and _is(PAIRS[0][1], dim) and _is(PAIRS[0][1], other) else ""


def _is(pattern: str, name: str) -> bool:
    return re.fullmatch(pattern, name, re.IGNORECASE) is not None


def _half_a_cell(dataset: xr.Dataset, dim: str, other: str) -> bool:
    if dim not in dataset.coords or other not in dataset.coords:
        return False
    a, b = dataset[dim], dataset[other]
    if a.dtype.kind not in "iuf" or b.dtype.kind not in "iuf" or min(a.size, b.size) < 3:
        return False
    first, second = np.sort(a.values.astype(float)), np.sort(b.values.astype(float))
    step = float(np.median(np.diff(second)))
    offset = (first[:1] - second[0]) / step if step else np.zeros(1)
    even = np.allclose(np.diff(first), step, rtol=HALF)
    return bool(even and abs(abs(offset[0]) - 0.5) <= HALF)
