"""Units as text: which are the same, and how values go from one to another."""

import functools
import re
import sys
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import xarray as xr

from sciwm.errors import Problem
from simulations.closeness import close

if TYPE_CHECKING:
    import pint

PURE_NUMBER = (
    "",
    "1",
    "-",
    "--",
    "none",
    "unitless",
    "unit less",
    "no units",
    "no unit",
    "dimensionless",
    "nondimensional",
    "non-dimensional",
    "non dimensional",
    "adimensional",
    "n/a",
    "na",
)
"""Ways to write that a number has no units, in lower case; the numeral 1.0 and quotients such as m/m are others."""

CONVERT = "state in its attribute 'units' what it is in, or convert it before"
LONGEST = 100
TEMPORARY = "values in units"
SALINITY = "practical_salinity_unit"
FACTOR = re.compile(r"^([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d{1,3})?)(?:\s*\*\s*|\s+|$)", re.IGNORECASE)
ENDLESS = re.compile(r"\d\s*\)*\s*(\^|\*\*)|\d{4,}")  # powers of powers of numbers, which take for ever
TEMPERATURE = re.compile(r"^(deg(ree)?s?|[°º˚])?[ _]?(celsius|kelvin|fahrenheit|[ckf])$", re.IGNORECASE)
SCALES = {"c": "degC", "k": "K", "f": "degF"}

Data = TypeVar("Data", xr.Dataset, xr.DataArray)


def units_text(units: object) -> str:
    """Units as text, whatever an attribute holds: bytes, a number, an array of one; a pure number is ``"1"``."""
    if isinstance(units, np.ndarray | list | tuple) and np.size(units) == 1:
        units = np.asarray(units).reshape(-1)[0]
    text = " ".join((units.decode("utf-8", "replace") if isinstance(units, bytes) else str(units)).split())
    try:
        one = float(text) == 1
    except ValueError:
        one = False
    return "1" if units is None or one or text.lower() in PURE_NUMBER else text


def units_of(array: xr.DataArray, default: str = "1") -> str:
    """The units of an array as text; ``default`` where it states none."""
    return units_text(array.attrs["units"]) if "units" in array.attrs else default


def same_units(a: object, b: object) -> bool:
    """Whether two units are the same, however they are spelled: ``m/s`` and ``m s-1``, ``none`` and ``1``."""
    first, second = units_text(a), units_text(b)
    if first == second:
        return True
    zero_and_one = _changed(np.array([0.0, 1.0]), first, second)
    return zero_and_one is not None and zero_and_one[0] == 0 and close(zero_and_one[1], 1)


def converted(array: xr.DataArray, units: str, where: str) -> tuple[xr.DataArray, list[Problem]]:
    """An array in other units.

    Args:
        array: Numbers, also lazy ones. Without an attribute ``units`` it is taken to be in ``units`` already.
        units: The units that are wanted, as CF and UDUNITS spell them.
        where: The input and the variable, for the message.

    Returns:
        The array in ``units``, which its attribute then states as they were given, and no problem; or the array as it
        was, and the problem. Temperatures keep their zero: 0 degC is 273.15 K.
    """
    found = units_of(array, units_text(units))
    if "units" not in array.attrs:
        return array, []
    if same_units(found, units):
        return array.assign_attrs(units=units), []
    values = array.data if array.dtype.kind == "f" else array.astype(float).data
    values = _changed(values, found, units_text(units))
    if values is None:
        return array, [Problem(where, f"units '{units}', or others that convert to them", f"'{found}'", CONVERT)]
    return xr.DataArray(values, array.coords, array.dims, array.name, {**array.attrs, "units": units}), []


def without_quantities(data: Data) -> Data:
    """Arrays that carry their units in themselves (pint) as plain ones that state them in the attribute ``units``.

    Args:
        data: A Dataset or DataArray, quantified by pint-xarray or by hand, or not at all.

    Returns:
        The same values, variables and coordinates, lazy where they were; the input itself where nothing is quantified.
    """
    if "pint" not in sys.modules:  # then nothing can be a quantity
        return data
    if isinstance(data, xr.DataArray):
        return without_quantities(data.to_dataset(name=TEMPORARY))[TEMPORARY].rename(data.name)
    plain = {n: v for n, variable in data.variables.items() if (v := _plain(variable)) is not None}
    return data.drop_indexes([n for n in plain if n in data.xindexes]).assign(plain) if plain else data


def _plain(variable: xr.Variable) -> xr.Variable | None:
    """The variable without pint, or None where it has none; nothing is computed or read for that."""
    import pint

    data = variable._data
    if not isinstance(data, pint.Quantity):
        return None
    return xr.Variable(variable.dims, data.magnitude, {**variable.attrs, "units": _spelled(data)}, variable.encoding)


def _spelled(quantity: "pint.Quantity[Any]") -> str:
    """The units of a quantity as CF spells them; as its own registry does, where they are of the user's making."""
    text = str(quantity.units)
    known = _parsed(text)
    return format(known[1], "cf") if known else text


def _changed(values: Any, first: str, second: str) -> Any:
    """Numbers in one unit as numbers in another; None where there is no way."""
    here, there = _parsed(first), _parsed(second)
    if here is None or there is None:
        return None
    if (SALINITY in str(here[1])) != (SALINITY in str(there[1])):
        return None  # a scale of its own: 1 to the library, 1e-3 to UDUNITS
    try:
        return _registry().Quantity(values * here[0], here[1]).to(there[1]).magnitude / there[0]
    except Exception:  # other dimensions, or whatever the library raises where it knows no way
        return None


@functools.cache
def _parsed(text: str) -> "tuple[float, pint.Unit] | None":
    """A factor and a unit, as of ``10 m`` or ``1e-3``; None where the text is no unit that is known."""
    number = FACTOR.match(text)
    factor, name = (float(number[1]), text[number.end() :]) if number else (1.0, text)
    temperature = TEMPERATURE.match(name)
    if temperature:
        name = SCALES[temperature[3][0].lower()]
    if not factor or not np.isfinite(factor) or len(name) > LONGEST or ENDLESS.search(name):
        return None
    registry = _registry()
    for spelling in (name, name.lower()):  # UDUNITS knows Kelvin and Meters as well
        try:
            return factor, registry.parse_units(spelling)
        except Exception:  # noqa: S112 - whatever the parser raises for text that is no unit
            continue
    return None


@functools.cache
def _registry() -> "pint.UnitRegistry[Any]":
    """The units of pint with the spellings of CF. It takes seconds to import, and most data need no conversion."""
    known = "pint" in sys.modules
    import pint

    before = pint.application_registry.get()  # type: ignore[no-untyped-call]
    import cf_xarray.units

    if known:  # it makes itself the registry of the whole process, which may hold quantities of another one
        pint.application_registry.set(before)  # type: ignore[no-untyped-call]
    return cf_xarray.units.units
