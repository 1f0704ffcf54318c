"""What a dynamics does long after it has lost the true trajectory: its climate against the true one.

Runs of the dynamics and of the simulation start from the same states under the same actions. Every
run, imagined or true, is compared with the *other* true runs, so that the distances of the true
ones are what sampling alone leaves.
"""

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from sciwm.dynamics import Dynamics
from sciwm.errors import InputError, Problem, raise_if
from sciwm.evaluation.climate.climate import Climate, record_climate
from sciwm.evaluation.climate.spectra import log_spectral_distance, shell_wavenumbers, wasserstein
from sciwm.evaluation.invariants import vary_by_rounding
from sciwm.evaluation.trajectories import require_fit
from simulations import PeriodicGrid, Simulation
from simulations.generate import Progress, silent

Array = NDArray[np.float64]

RUNS = ("model", "simulation")
BINS = np.linspace(-5.0, 5.0, 81)
"""Edges of the histograms, in deviations of the truth from its mean."""


def intervals_of(lyapunov_times: float, exponent: float, control_interval: float) -> int:
    """How many control intervals so many Lyapunov times are, the last one whole."""
    return int(np.ceil(lyapunov_times / exponent / control_interval))


def long_runs(
    dynamics: Dynamics,
    simulation: Simulation,
    starts: Tensor,
    actions: Tensor,
    *,
    settle: int = 0,
    chunk: int = 64,
    range_factor: float = 3.0,
    positions: int = 8,
    true: Climate | None = None,
    progress: Progress = silent,
) -> xr.Dataset:
    """Statistics of long runs of a dynamics, and of the simulation's own under the same actions.

    A run has blown up once a value is not finite or lies outside ``range_factor`` times the range of
    all true runs about its middle; it has no distances (nan), so read them with the share that blew
    up. A functional that the truth conserves has none either: there is no deviation to measure with.
    Memory does not grow with the length but for functionals and a few values of each instant.

    Args:
        simulation: the truth, which also says what the functionals of fields are.
        starts: ``(sample, variable, *space)``, at least two.
        actions: physical, ``(sample, interval, actuator)``; zeros for free runs.
        settle: intervals at the beginning that do not count.
        chunk: intervals that are rolled out together.
        positions: points of the grid, drawn anew at each instant, whose values are kept.
        true: what ``record_climate`` found of the simulation itself with the same starts, actions, ``settle``
            and ``positions``, so that many dynamics can be held against one truth; None to record it.

    Returns:
        over ``run`` (model, simulation) and ``sample``: ``spectral_distance`` (decibel, by variable,
        on periodic grids), ``histogram_distance`` (by variable) and ``functional_distance`` (by
        functional; Wasserstein distances in deviations of the truth), ``functional_mean`` and
        ``functional_variation`` (deviation over time), ``blow_up_time`` (nan for those that do not);
        ``spectrum`` by shell; ``density`` of the values of all samples, by bin.

    Raises:
        InputError: if there are fewer than two samples, too few intervals, true runs that blow up, or
            things that do not fit together.
    """
    require_fit(dynamics, simulation, starts, {"actions": actions})
    _require_enough(starts, actions, settle)

    def recorded(runner: Dynamics, name: str) -> Climate:
        return record_climate(
            runner,
            simulation,
            starts,
            actions,
            settle=settle,
            chunk=chunk,
            positions=positions,
            progress=progress,
            description=f"long runs of the {name}",
        )

    true = true or recorded(simulation, RUNS[1])
    made = [recorded(dynamics, RUNS[0]), true]
    if not all(np.isfinite(a).all() for a in (true.lowest, true.highest)):
        remedy = "use more solver steps in an interval, or weaker actions"
        raise InputError([Problem("simulation", "true runs that stay finite", "some that blow up", remedy)])
    low, high = true.lowest.min(axis=(0, 1)), true.highest.max(axis=(0, 1))
    middle, half = (low + high) / 2, range_factor * (high - low) / 2
    within = [
        ((c.lowest >= middle - half) & (c.highest <= middle + half)).all(axis=2) for c in made
    ]  # false also for nan
    lost = [~w.all(axis=1) for w in within]
    interval = dynamics.control_interval
    blown = [np.where(gone, (1 + w.argmin(axis=1)) * interval, np.nan) for gone, w in zip(lost, within, strict=True)]
    dims = ("run", "sample")
    variables = {
        "blow_up_time": _array(np.stack(blown), dims, "time of blow-up"),
        **_distances(made, lost),
        **_of_functionals(made, lost, vary_by_rounding(simulation, starts, true.functionals.std(axis=(0, 1)))),
    }
    if isinstance(simulation.grid, PeriodicGrid):
        variables |= _of_spectra(made, lost)
    coordinates: dict[str, object] = {
        "run": list(RUNS),
        "variable": [v.name for v in simulation.variables],
        "functional": list(simulation.functional_names),
        "bin": ("bin", (BINS[1:] + BINS[:-1]) / 2, {"units": "1", "long_name": "deviations from the true mean"}),
    }
    if isinstance(simulation.grid, PeriodicGrid):
        shells = shell_wavenumbers(simulation.grid)
        coordinates["wavenumber"] = ("wavenumber", shells, {"units": "1", "long_name": "wavenumber"})
    return xr.Dataset(variables, coordinates, {"duration": actions.shape[1] * interval, "range_factor": range_factor})


def share_blown_up(runs: xr.Dataset) -> xr.DataArray:
    """Share of the samples that blew up, by ``run``."""
    return runs["blow_up_time"].notnull().mean("sample").assign_attrs(units="1", long_name="share that blew up")


def _require_enough(starts: Tensor, actions: Tensor, settle: int) -> None:
    problems = []
    if len(starts) < 2:
        remedy = "each run is compared with the other true ones"
        problems.append(Problem("starts", "at least two samples", str(len(starts)), remedy))
    if not 0 <= settle <= actions.shape[1] - 2:
        problems.append(Problem("settle", f"from 0 to {actions.shape[1] - 2} of {actions.shape[1]}", str(settle)))
    raise_if(problems)


def _distances(made: Sequence[Climate], lost: Sequence[Array]) -> dict[str, xr.DataArray]:
    true = made[1].values  # (sample, kept, variable)
    mean, deviation = true.mean(axis=(0, 1)), _or_one(true.std(axis=(0, 1)))
    distance = _per_sample(made, lost, lambda c: c.values)
    kept = [_kept((c.values - mean) / deviation, gone) for c, gone in zip(made, lost, strict=True)]
    density = np.stack([[_density(column) for column in values.T] for values in kept])
    dims = ("run", "sample", "variable")
    return {
        "histogram_distance": _array(distance, dims, "Wasserstein distance of values over true deviation"),
        "density": _array(density, ("run", "variable", "bin"), "probability density"),
    }


def _of_functionals(
    made: Sequence[Climate], lost: Sequence[Array], conserved: NDArray[np.bool_]
) -> dict[str, xr.DataArray]:
    values = [np.where(gone[:, None, None], np.nan, c.functionals) for c, gone in zip(made, lost, strict=True)]
    mean, variation = (np.stack([statistic(v, axis=1) for v in values]) for statistic in (np.mean, np.std))
    distance = np.where(conserved, np.nan, _per_sample(made, lost, lambda c: c.functionals))
    dims = ("run", "sample", "functional")
    return {
        "functional_mean": _array(mean, dims, "mean over time"),
        "functional_variation": _array(variation, dims, "deviation over time"),
        "functional_distance": _array(distance, dims, "Wasserstein distance of functionals over true deviation"),
    }


def _of_spectra(made: Sequence[Climate], lost: Sequence[Array]) -> dict[str, xr.DataArray]:
    spectra = np.stack([np.where(gone[:, None, None], np.nan, c.spectrum) for c, gone in zip(made, lost, strict=True)])
    true = made[1].spectrum
    others = (true.sum(axis=0) - true) / (len(true) - 1)
    distance = np.stack([log_spectral_distance(one, others) for one in spectra])
    dims = ("run", "sample", "variable")
    return {
        "spectrum": _array(spectra, (*dims, "wavenumber"), "time-mean energy by wavenumber"),
        "spectral_distance": _array(distance, dims, "log-spectral distance", "dB"),
    }


def _per_sample(made: Sequence[Climate], lost: Sequence[Array], part: Callable[[Climate], Array]) -> Array:
    """Wasserstein distances of each sample from the other true ones, ``(run, sample, column)``."""
    true = part(made[1])
    deviation = _or_one(true.std(axis=(0, 1)))
    found = np.full((len(made), len(true), true.shape[2]), np.nan)
    for sample in range(len(true)):
        others = np.delete(true, sample, axis=0).reshape(-1, true.shape[2])
        for run, (climate, gone) in enumerate(zip(made, lost, strict=True)):
            for column in range(0 if gone[sample] else true.shape[2]):
                distance = wasserstein(part(climate)[sample, :, column], others[:, column])
                found[run, sample, column] = distance / deviation[column]
    return found


def _kept(values: Array, gone: Array) -> Array:
    """Values of the samples that did not blow up, ``(value, column)``."""
    return values[~gone.astype(bool)].reshape(-1, values.shape[2])


def _density(values: Array) -> Array:
    """Share of all values in each bin, those beyond the bins included, over its width; nan without values."""
    counts = np.histogram(values, BINS)[0]
    return counts / np.diff(BINS) / (len(values) or np.nan)


def _or_one(deviation: Array) -> Array:
    return np.where(deviation > 0, deviation, 1.0)


def _array(values: Array, dims: Sequence[str], meaning: str, units: str = "1") -> xr.DataArray:
    return xr.DataArray(values, dims=dims, attrs={"units": units, "long_name": meaning})
