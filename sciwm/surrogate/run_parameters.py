"""The parameters of the runs that a user's Dataset holds."""

import numpy as np
import xarray as xr

from sciwm.data import Domain, Parameter, numbers_problems
from sciwm.data.units import converted
from sciwm.data.values import fill_problems, finite_problems, packed_problems
from sciwm.errors import Problem


def with_parameters(fields: xr.Dataset, given: object, domain: Domain, where: str) -> tuple[xr.Dataset, list[Problem]]:
    """The fields with the parameters of the model beside them, in its units.

    Args:
        fields: The variables of the model.
        given: The Dataset that they were taken from.
        domain: The parameters.
        where: What it is, for messages.
    """
    if not isinstance(given, xr.Dataset) or not domain.parameters:
        return fields, []
    given, found, problems = _by_name(given, domain), {}, list[Problem]()
    for parameter in domain.parameters:
        if parameter.name not in given.variables:
            problems.append(_lacking(parameter, given, where))
            continue
        array, wrong = parameter_of(given, parameter, domain, where)
        problems += wrong or finite_problems(array, f"{where}: {parameter.name}")
        found[parameter.name] = array
    return fields.assign(found), problems


def _by_name(given: xr.Dataset, domain: Domain) -> xr.Dataset:
    """A store of ours with its parameters, which lie side by side in the order of the model, by their names."""
    values = given.get("parameter_value")
    if values is None or values.sizes.get("parameter") != len(domain.parameters):
        return given
    apart = {p.name: values.isel(parameter=j).drop_attrs() for j, p in enumerate(domain.parameters)}
    return given.assign({name: array for name, array in apart.items() if name not in given})


def parameter_of(
    given: xr.Dataset, parameter: Parameter, domain: Domain, where: str
) -> tuple[xr.DataArray, list[Problem]]:
    """One parameter of a Dataset in the units of the model; it may not vary in time or space."""
    array, place = given[parameter.name], f"{where}: {parameter.name}"
    array = array.isel({d: 0 for d in ("time",) if array.sizes.get(d) == 1}, drop=True)
    problems = numbers_problems(array, place) or packed_problems(array, place) + fill_problems(array, place)
    varying = [str(d) for d in array.dims if d in ("time", "actuator", *domain.dimensions)]
    if varying:
        remedy = f"choose one with ds.{parameter.name}.isel({varying[0]}=0)"
        problems.append(Problem(place, "one value for each run", f"dimensions {array.dims}", remedy))
    if problems:
        return array, problems
    array, problems = converted(array, parameter.units, place)
    return xr.DataArray(array.variable, {d: array[d] for d in array.dims if d in array.coords}), problems


def parameter_attributes(parameter: Parameter) -> dict[str, str]:
    """What a parameter in a result says of itself."""
    return {"units": parameter.units, "long_name": parameter.long_name}


def _lacking(parameter: Parameter, given: xr.Dataset, where: str) -> Problem:
    expected = f"the parameter '{parameter.name}' [{parameter.units}], constant in a run"
    has = ", ".join(map(str, given.data_vars)) or "no variables"
    about = f"{parameter.low:g} to {parameter.high:g} in the training data"
    remedy = (
        f"add it with ds.assign({parameter.name}={np.round(parameter.mean, 3):g}) ({about}), "
        "or let model.analyse find it from observations"
    )
    return Problem(where, expected, has, remedy)
