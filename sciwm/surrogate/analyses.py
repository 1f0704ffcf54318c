"""The analysis of a user's observations as a Dataset."""

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from sciwm.assimilation import Analysis, analyse, climatological_prior
from sciwm.data import Domain, finite_problems, position_of
from sciwm.data.times import flow_times
from sciwm.errors import Problem
from sciwm.surrogate.forcing_names import from_instant, is_unforced, side_by_side
from sciwm.surrogate.run_parameters import parameter_attributes, parameter_of
from sciwm.surrogate.schedules import held_forcing
from sciwm.surrogate.sensor_readings import Sensed, sensed

if TYPE_CHECKING:
    from sciwm.surrogate.surrogate import Surrogate

SURE = 0.999
ALLOWED = 1.5
"""An analysis fits if its chi-square is below this many times what it exceeds in one of a thousand: deviations are
never known exactly."""

LARGEST_LATENT = 1024


def analysed(surrogate: "Surrogate", given: Any, forcing: Any, error: Any, *, window: bool) -> xr.Dataset:
    """See ``Surrogate.analyse``."""
    model, domain, names = surrogate.model, surrogate.domain, surrogate.names
    observations, problems = names.inside(given, "observations", filled=False)
    if isinstance(observations, xr.Dataset):
        observations = observations.compute()
    found, wrong = sensed(observations, model, error)
    if model.latent_size > LARGEST_LATENT:
        got, remedy = f"{model.latent_size}", "train one with a vector or spectral latent"
        problems.append(Problem("model", f"a latent of at most {LARGEST_LATENT} numbers", got, remedy))
    if found is None:
        names.raise_if(problems + wrong)
        raise AssertionError("no observations and no problem")
    known, of_parameters = _known_parameters(observations, found, domain)
    actions, times, of_forcing = _actions(surrogate, forcing, observations, found)
    names.raise_if(problems + of_parameters + of_forcing)
    if model.statistics is None:
        warnings.warn(
            "This model was trained by a version that kept no statistics of its latent: the analysis takes latents to "
            "be independent and of unit deviation, and nothing to be left out of them. Train it again for better ones.",
            stacklevel=4,
        )
    result = analyse(model, found.observations, actions, climatological_prior(model, known))
    return names.outside(_dataset(surrogate, result, found, times, observations, window=window), given)


def _known_parameters(ds: xr.Dataset, found: Sensed, domain: Domain) -> tuple[torch.Tensor, list[Problem]]:
    """The parameters that observations hold, ``(batch, parameter)``; NaN where they are to be found."""
    columns, problems = [], list[Problem]()
    batch = math.prod(found.leading.values())
    for parameter in domain.parameters:
        values = np.full(batch, np.nan)
        if parameter.name in ds.variables:
            array, wrong = parameter_of(ds, parameter, domain, "observations")
            place = f"observations: {parameter.name}"
            extra = [str(d) for d in array.dims if d not in found.leading]
            if not wrong and extra:
                wrong = [Problem(place, f"one value for each of {tuple(found.leading)}", f"dimensions {array.dims}")]
            problems += wrong
            if not wrong:
                whole = array.expand_dims({d: n for d, n in found.leading.items() if d not in array.dims})
                values = whole.transpose(*found.leading).values.astype(float).reshape(-1)
        columns.append(values)
    together = np.stack(columns, axis=1) if columns else np.zeros((batch, 0))
    return torch.from_numpy(together), problems


def _actions(
    surrogate: "Surrogate", forcing: Any, ds: xr.Dataset, found: Sensed
) -> tuple[torch.Tensor, xr.DataArray, list[Problem]]:
    """The actions within the window, ``(batch, instants - 1, actuator)``, and the times of its instants."""
    domain, names, intervals = surrogate.domain, surrogate.names, found.instants - 1
    batch = math.prod(found.leading.values())
    times = flow_times(ds, intervals, domain)
    nothing = torch.zeros(batch, intervals, len(domain.actuators))
    if not intervals or is_unforced(domain):
        return nothing, times, []
    forcing, problems = names.inside(forcing, "forcing")
    forcing, unnamed = side_by_side(forcing, domain)
    start = ds.isel(time=0) if "time" in ds.dims else ds
    start = start.drop_vars([c for c in start.coords if c not in (*found.leading, "time")])[[]]
    if isinstance(forcing, xr.DataArray) and "time" in forcing.dims:
        forcing = from_instant(forcing, ds, intervals)
    if problems or unnamed:
        return nothing, times, problems + unnamed
    schedule, problems = held_forcing(forcing, start, domain)
    if problems:
        return nothing, times, problems
    used = schedule.forcing
    if used.sizes["time"] < intervals:
        expected, got = f"{intervals} intervals, as the observations span", str(used.sizes["time"])
        return nothing, times, [Problem("forcing: time", expected, got)]
    extra = [str(d) for d in used.dims if d not in (*found.leading, "time", "actuator")]
    if extra:
        place = f"forcing: {extra[0]}"
        return nothing, times, [Problem(place, "the dimensions of the observations", f"{used.dims}", "choose one")]
    used = used.isel(time=slice(0, intervals)).compute()
    problems = finite_problems(used, "forcing")
    whole = used.expand_dims({d: n for d, n in found.leading.items() if d not in used.dims})
    values = whole.transpose(*found.leading, "time", "actuator").values.astype(np.float32)
    return torch.from_numpy(values.reshape(batch, intervals, -1).copy()), times, problems


def _dataset(
    surrogate: "Surrogate", result: Analysis, found: Sensed, times: xr.DataArray, ds: xr.Dataset, *, window: bool
) -> xr.Dataset:
    """The analysis with names and units."""
    from scipy.stats import chi2  # slow to import, and seldom needed

    model, domain, leading = surrogate.model, surrogate.domain, found.leading
    instants = range(found.instants) if window else [found.instants - 1]
    fields = torch.stack([model.readout(result.states[:, i], ["fields"])["fields"] for i in range(found.instants)], 1)
    shown, spread = fields[:, list(instants)], result.spread[:, list(instants)].double()
    if model.statistics is not None:
        deviation = model.variable_deviation.double()
        spread = (spread.square() + model.statistics.residual.double() * deviation.square()).sqrt()
    along = ("time",) if window else ()
    out = xr.Dataset(attrs=surrogate.attributes("analysis"))

    def placed(values: Any, dims: tuple[str, ...], units: str, long_name: str) -> xr.DataArray:
        array = np.asarray(values)
        array = array.reshape((*leading.values(), *array.shape[1:]))
        return xr.DataArray(array, dims=(*leading, *dims), attrs={"units": units, "long_name": long_name})

    for i, v in enumerate(domain.variables):
        own, of_spread = (x[:, :, i] if window else x[:, 0, i] for x in (shown, spread))
        dims = (*along, *domain.dimensions)
        out[v.name] = placed(own.numpy(), dims, v.units, v.long_name)
        out[f"{v.name}_deviation"] = placed(
            of_spread.numpy().astype(np.float32), dims, v.units, f"standard deviation of {v.long_name}"
        )
    values = model.parameters_in(result.states[:, -1]).numpy()
    for j, p in enumerate(domain.parameters):
        out[p.name] = placed(values[:, j], (), **parameter_attributes(p))
        deviations = result.parameter_spread[:, j].numpy()
        out[f"{p.name}_deviation"] = placed(deviations, (), p.units, f"standard deviation of {p.long_name}")
    seen = torch.stack([found.observations.predicted(fields[:, i], i) for i in range(found.instants)], dim=1)
    away = (found.observations.values - seen).numpy()
    for name, part in zip(found.variables, found.slices, strict=True):
        v = next(v for v in domain.variables if v.name == name)
        mean, rms = _mean_and_rms(away[:, :, part])
        out[f"{name}_misfit_mean"] = placed(mean, (), v.units, f"mean of observed minus analysed {v.long_name}")
        out[f"{name}_misfit"] = placed(rms, (), v.units, f"root mean square of observed minus analysed {v.long_name}")
    count, cost = found.observations.count.numpy(), result.cost.numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        share = cost / count
        fits = (share <= ALLOWED * chi2.ppf(SURE, count) / count) & result.settled.numpy()
    out["num_observations"] = placed(count, (), "1", "number of observations")
    out["chi_square"] = placed(share, (), "1", "least cost for each observation")
    out["fits"] = placed((fits & (count > 0)).astype(np.int8), (), "1", "whether model and observations agree")
    out["fits"].attrs |= {"flag_values": np.array([0, 1], np.int8), "flag_meanings": "no yes"}
    labels = {d: ds[d] for d in leading if d in ds.coords}
    out = out.assign_coords({axis.name: position_of(axis) for axis in domain.axes} | labels)
    when = times if window else times.isel(time=-1)
    return out.assign_coords(time=when) if "time" in ds.coords or window else out


def _mean_and_rms(away: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Over time and points of what was observed; NaN where nothing was."""
    there = np.isfinite(away)
    count = there.sum(axis=(1, 2))
    known = np.where(there, away, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return known.sum(axis=(1, 2)) / count, np.sqrt(np.square(known).sum(axis=(1, 2)) / count)
