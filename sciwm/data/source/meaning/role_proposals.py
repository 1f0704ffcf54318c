"""Which role each variable of somebody's data may have, with the reason; what is doubtful is said."""

from dataclasses import dataclass

import xarray as xr

from sciwm.data.layouts import fields_named
from sciwm.data.source.meaning.recognising import Dimensions
from sciwm.data.source.meaning.staggering import ADVICE

ROLES = ("variables", "forcings", "parameters", "static", "mask", "ignored")
"""The roles of the section ``source``, in its order."""
OWN = {"action", "action_low", "action_high", "status"}
"""Variables by which a store of ours is told."""
MASKS = ("mask", "lsm", "landmask", "land_mask", "land_sea_mask", "sea_mask", "wet", "tmask", "mask_rho", "is_fluid")
MASK_STANDARD_NAMES = ("land_binary_mask", "sea_binary_mask", "land_area_fraction", "sea_area_fraction")
FORCING_WORDS = ("stress", "heat_flux", "radiation", "precipitation", "wind_", "forcing", "heating", "insolation")
"""Words in names of fields that often drive others and are not driven by them."""


@dataclass(frozen=True)
class Proposal:
    """A role for one variable.

    Args:
        name: The variable.
        role: One of :data:`ROLES`.
        reason: Why.
        doubt: What should be decided by somebody who knows the data; empty where nothing is doubtful.
    """

    name: str
    role: str
    reason: str
    doubt: str = ""


def propose_roles(dataset: xr.Dataset, dims: Dimensions) -> list[Proposal]:
    """A role for each variable by its dimensions, its type and its metadata; no values are read.

    Args:
        dataset: The data.
        dims: What its dimensions are.
    """
    if set(map(str, dataset.data_vars)) >= OWN:
        return _own(dataset, dims)
    described = set(fields_named(dataset))
    found = []
    for name in map(str, dataset.data_vars):
        if name not in described:
            continue  # bounds, grid mappings and the like need no role
        found.append(_propose(dataset[name], name, dims))
    masks = [p for p in found if p.role == "mask"]
    extra = {p.name for p in masks[1:]}
    return [Proposal(p.name, "ignored", "another mask", p.doubt) if p.name in extra else p for p in found]


def _own(dataset: xr.Dataset, dims: Dimensions) -> list[Proposal]:
    """The roles of what a store of ours holds: fields and actions; all else is known of them."""
    found = []
    for name in map(str, dataset.data_vars):
        is_field = set(dims.space) <= set(map(str, dataset[name].dims)) and dims.time in dataset[name].dims
        role = "forcings" if name == "action" else "variables" if is_field and dims.space else "ignored"
        found.append(Proposal(name, role, "as a store of sciwm holds it"))
    return found


def _propose(array: xr.DataArray, name: str, dims: Dimensions) -> Proposal:
    if array.dtype.kind not in "iufb":
        return Proposal(name, "ignored", f"{_words_of(array)}, no numbers")
    over = [d for d in map(str, array.dims) if array.sizes[d] != 1 or d in (dims.time, *dims.space)]
    rest = [d for d in over if d != dims.run]
    torn = [d for d in rest if d in dims.named("staggered")]
    if torn:
        doubt = f"{name}: {dims.reason(torn[0])}, so that it cannot be used as it is; {ADVICE}"
        return Proposal(name, "ignored", f"lies at other points ({', '.join(torn)})", doubt)
    if name.lower().endswith(("_bnds", "_bounds")) and array.shape[-1:] == (2,):
        return Proposal(name, "ignored", "bounds of cells, by its name")
    if dims.time in rest:
        return _varying(array, name, rest, dims)
    return _constant(array, name, rest, dims)


def _varying(array: xr.DataArray, name: str, rest: list[str], dims: Dimensions) -> Proposal:
    """A variable that varies in time."""
    others = [d for d in rest if d != dims.time]
    if dims.space and set(others) == set(dims.space):
        return Proposal(name, "variables", "varies in time and space", _may_drive(array, name))
    if not others:
        return Proposal(name, "forcings", "varies in time alone")
    if len(others) == 1:
        along = "space" if others[0] in dims.space else "labels"
        return Proposal(name, "forcings", f"varies in time and along '{others[0]}' ({along})")
    if set(others) < set(dims.space):
        return Proposal(name, "forcings", f"varies in time and along {', '.join(others)}, a part of space")
    left = ", ".join(d for d in others if d not in dims.space)
    doubt = f"{name}: varies along {left} beside time and space: make a variable of each, as with .to_dataset('{left}')"
    return Proposal(name, "ignored", f"has dimensions of its own ({left})", doubt)


def _may_drive(array: xr.DataArray, name: str) -> str:
    about = (name, array.attrs.get("standard_name", ""), array.attrs.get("long_name", ""))
    words = "_".join(map(str, about)).lower().replace(" ", "_")
    if any(word in words for word in FORCING_WORDS):
        return f"{name}: by its name it may drive the others: if it is known ahead of a forecast, name it in forcings"
    return ""


def _constant(array: xr.DataArray, name: str, rest: list[str], dims: Dimensions) -> Proposal:
    """A variable that does not vary in time."""
    if not rest:
        if dims.run in array.dims:
            return Proposal(name, "parameters", f"one number for each '{dims.run}'")
        return Proposal(name, "parameters", "one number for all data")
    if set(rest) <= set(dims.space):
        if _says_mask(array, name) and set(rest) == set(dims.space) and dims.run not in array.dims:
            return Proposal(name, "mask", "by its name, over space")
        if dims.run in array.dims and array.sizes[dims.run] > 1:
            doubt = f"{name}: differs between runs; name it in forcings over time and space, repeated, if it matters"
            return Proposal(name, "ignored", "a field of each run without time", doubt)
        if _is_position(array):
            return Proposal(name, "ignored", "positions of the points")
        return Proposal(name, "static", "varies in space alone")
    return Proposal(name, "ignored", f"over {', '.join(rest)}, without time and space")


def _says_mask(array: xr.DataArray, name: str) -> bool:
    standard = str(array.attrs.get("standard_name", ""))
    return name.lower() in MASKS or standard in MASK_STANDARD_NAMES or "mask" in name.lower()


def _is_position(array: xr.DataArray) -> bool:
    words = f"{array.attrs.get('standard_name', '')} {array.attrs.get('units', '')}".lower()
    return any(word in words for word in ("longitude", "latitude", "degrees_north", "degrees_east"))


def _words_of(array: xr.DataArray) -> str:
    return {"U": "text", "S": "text", "O": "objects", "M": "dates", "m": "durations", "c": "complex numbers"}.get(
        array.dtype.kind, str(array.dtype)
    )
