"""The climate of a dynamics, its statistics over times long after forecasts have become invalid, against the true one.

Runs of the dynamics and of the simulation start from the same states under the same actions. Every run of either is
compared with the *other* true runs, so that the distances of the true runs show what sampling alone causes.
"""

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from sciwm.data import mean_and_deviation
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
    """The number of control intervals in so many Lyapunov times, rounded up."""
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
    """Compare statistics of long runs of a dynamics with those of the true simulation under the same actions.

    A run *diverges* when a value is not finite or leaves the range of all true runs, widened by ``range_factor`` about
    its middle. A run that diverges has no distances (NaN): read them together with the share that diverges. A
    functional that the truth conserves has no distance either, since there is no true deviation to measure it in.
    Memory grows little with the length of the runs: only functionals and a few values of each instant are kept.

    Args:
        dynamics: What is evaluated.
        simulation: The truth, which also defines the functionals.
        starts: Starts ``(sample, variable, *space)``, at least two; 8 are a good number for runs of 100 Lyapunov times.
        actions: Physical actions ``(sample, interval, actuator)``; zeros for free runs.
        settle: Number of intervals at the beginning that do not count; a tenth of the run is a good value.
        chunk: Number of intervals that are rolled out together, which bounds the memory.
        range_factor: By how much the true range is widened.
        positions: Number of grid points, drawn anew at each instant, whose values are kept.
        true: The climate of the simulation with the same starts, actions, ``settle`` and ``positions``, as from
            ``record_climate``, so that many dynamics can be compared with one truth; None to record it.
        progress: Shows how far the runs are.

    Returns:
        Over ``run`` (model, simulation) and ``sample``: ``spectral_distance`` (decibel, by variable,
        on periodic grids), ``histogram_distance`` (by variable) and ``functional_distance`` (by
        functional; Wasserstein distances in deviations of the truth), ``functional_mean`` and
        ``functional_variation`` (deviation over time), ``blow_up_time`` (when it diverged; NaN if it did not);
        ``spectrum`` by shell; ``density`` of the values of all samples, by bin.

    Raises:
        InputError: If there are fewer than two samples or too few intervals, if true runs are not finite, or if
            arguments do not fit together.
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
        raise InputError([Problem("simulation", "true runs that stay finite", "some that do not", remedy)])
    low, high = true.lowest.min(axis=(0, 1)), true.highest.max(axis=(0, 1))
    middle, half = (low + high) / 2, range_factor * (high - low) / 2
    within = [
        ((c.lowest >= middle - half) & (c.highest <= middle + half)).all(axis=2) for c in made
    ]  # also false where not finite
    diverged = [~w.all(axis=1) for w in within]
    interval = dynamics.control_interval
    times = [
        np.where(gone, (1 + w.argmin(axis=1)) * interval, np.nan) for gone, w in zip(diverged, within, strict=True)
    ]
    dims = ("run", "sample")
    variables = {
        "blow_up_time": _array(np.stack(times), dims, "time at which the run diverged"),
        **_distances(made, diverged),
        **_of_functionals(made, diverged, vary_by_rounding(simulation, starts, true.functionals.std(axis=(0, 1)))),
    }
    if isinstance(simulation.grid, PeriodicGrid):
        variables |= _of_spectra(made, diverged)
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
    """Share of the samples that diverged, by ``run``."""
    return runs["blow_up_time"].notnull().mean("sample").assign_attrs(units="1", long_name="share that diverged")


def _require_enough(starts: Tensor, actions: Tensor, settle: int) -> None:
    problems = []
    if len(starts) < 2:
        remedy = "each run is compared with the other true ones"
        problems.append(Problem("starts", "at least two samples", str(len(starts)), remedy))
    if not 0 <= settle <= actions.shape[1] - 2:
        problems.append(Problem("settle", f"from 0 to {actions.shape[1] - 2} of {actions.shape[1]}", str(settle)))
    raise_if(problems)


def _distances(made: Sequence[Climate], diverged: Sequence[Array]) -> dict[str, xr.DataArray]:
    true = made[1].values  # (sample, kept, variable)
    mean, deviation = mean_and_deviation(true, axis=(0, 1))
    distance = _per_sample(made, diverged, lambda c: c.values)
    kept = [_kept((c.values - mean) / deviation, gone) for c, gone in zip(made, diverged, strict=True)]
    density = np.stack([[_density(column) for column in values.T] for values in kept])
    dims = ("run", "sample", "variable")
    return {
        "histogram_distance": _array(distance, dims, "Wasserstein distance of values over true deviation"),
        "density": _array(density, ("run", "variable", "bin"), "probability density"),
    }


def _of_functionals(
    made: Sequence[Climate], diverged: Sequence[Array], conserved: NDArray[np.bool_]
) -> dict[str, xr.DataArray]:
    values = [np.where(gone[:, None, None], np.nan, c.functionals) for c, gone in zip(made, diverged, strict=True)]
    mean, variation = (np.stack([statistic(v, axis=1) for v in values]) for statistic in (np.mean, np.std))
    distance = np.where(conserved, np.nan, _per_sample(made, diverged, lambda c: c.functionals))
    dims = ("run", "sample", "functional")
    return {
        "functional_mean": _array(mean, dims, "mean over time"),
        "functional_variation": _array(variation, dims, "deviation over time"),
        "functional_distance": _array(distance, dims, "Wasserstein distance of functionals over true deviation"),
    }


def _of_spectra(made: Sequence[Climate], diverged: Sequence[Array]) -> dict[str, xr.DataArray]:
    spectra = np.stack(
        [np.where(gone[:, None, None], np.nan, c.spectrum) for c, gone in zip(made, diverged, strict=True)]
    )
    true = made[1].spectrum
    others = (true.sum(axis=0) - true) / (len(true) - 1)
    distance = np.stack([log_spectral_distance(one, others) for one in spectra])
    dims = ("run", "sample", "variable")
    return {
        "spectrum": _array(spectra, (*dims, "wavenumber"), "time-mean energy by wavenumber"),
        "spectral_distance": _array(distance, dims, "log-spectral distance", "dB"),
    }


def _per_sample(made: Sequence[Climate], diverged: Sequence[Array], part: Callable[[Climate], Array]) -> Array:
    """Wasserstein distances of each sample from the other true ones, ``(run, sample, column)``."""
    true = part(made[1])
    _, deviation = mean_and_deviation(true, axis=(0, 1))
    found = np.full((len(made), len(true), true.shape[2]), np.nan)
    for sample in range(len(true)):
        others = np.delete(true, sample, axis=0).reshape(-1, true.shape[2])
        for run, (climate, gone) in enumerate(zip(made, diverged, strict=True)):
            for column in range(0 if gone[sample] else true.shape[2]):
                distance = wasserstein(part(climate)[sample, :, column], others[:, column])
                found[run, sample, column] = distance / deviation[column]
    return found


def _kept(values: Array, gone: Array) -> Array:
    """Values of the samples that did not diverge, ``(value, column)``."""
    return values[~gone.astype(bool)].reshape(-1, values.shape[2])


def _density(values: Array) -> Array:
    """Share of all values (also those beyond the bins) in each bin, over its width; NaN without values."""
    counts = np.histogram(values, BINS)[0]
    return counts / np.diff(BINS) / (len(values) or np.nan)


def _array(values: Array, dims: Sequence[str], meaning: str, units: str = "1") -> xr.DataArray:
    return xr.DataArray(values, dims=dims, attrs={"units": units, "long_name": meaning})
