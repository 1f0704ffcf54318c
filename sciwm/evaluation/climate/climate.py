"""Records statistics of a long run while it is rolled out, so that its fields need not be stored."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sciwm.dynamics import Dynamics, readout_trajectory, rollout
from sciwm.evaluation.climate.spectra import energy_spectrum
from simulations import PeriodicGrid, Simulation
from simulations.generate import Progress, silent

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Climate:
    """Statistics of decoded fields over a long run; not finite where the run is not.

    Args:
        lowest, highest: Smallest and largest value over space at every instant, ``(sample, time, variable)``.
        values: Values at random grid points, drawn anew at each instant that counts,
            ``(sample, time * points, variable)``.
        functionals: Functionals of the fields at each instant that counts, ``(sample, time, functional)``.
        spectrum: Energy by wavenumber, mean over the instants that count, ``(sample, variable, shell)``; without
            shells on a grid that is not periodic.
    """

    lowest: Array
    highest: Array
    values: Array
    functionals: Array
    spectrum: Array


@torch.no_grad()
def record_climate(
    dynamics: Dynamics,
    simulation: Simulation,
    starts: Tensor,
    actions: Tensor,
    *,
    settle: int = 0,
    chunk: int = 64,
    positions: int = 8,
    seed: int = 0,
    progress: Progress = silent,
    description: str = "a long run",
) -> Climate:
    """Roll a dynamics out chunk by chunk, and record its statistics.

    Args:
        dynamics: What is run.
        simulation: Defines the functionals and the grid.
        starts: Starts ``(sample, variable, *space)``.
        actions: Physical actions ``(sample, interval, actuator)``.
        settle: Number of intervals at the beginning that do not count.
        chunk: Number of intervals that are rolled out together, which bounds the memory.
        positions: Number of random grid points whose values are kept at each instant.
        seed: Seed of these points, which are the same for every dynamics.
        progress, description: A bar over the chunks.
    """
    generator = torch.Generator().manual_seed(seed)
    grid = simulation.grid
    state = dynamics.encode(starts)
    lowest, highest, values, functionals = [], [], [], []
    spectrum: Tensor = torch.zeros(())
    begin = 0
    parts = actions.split(chunk, dim=1)
    for i in progress(range(len(parts)), description):
        part = parts[i]
        states = rollout(dynamics, state, part)
        state = states[:, -1]
        fields = readout_trajectory(dynamics, states, ["fields"])["fields"]
        flat = fields.flatten(3)
        lowest.append(flat.amin(dim=3))
        highest.append(flat.amax(dim=3))
        points = torch.randint(flat.shape[3], (flat.shape[1], positions), generator=generator).to(flat.device)
        chosen = flat.gather(3, points[None, :, None].expand(*flat.shape[:3], -1))
        counts = slice(max(settle - begin, 0), None)
        begin += part.shape[1]
        if begin <= settle:
            continue
        values.append(chosen[:, counts].transpose(2, 3).flatten(1, 2))
        functionals.append(_functionals(simulation, fields[:, counts]))
        if isinstance(grid, PeriodicGrid):
            spectrum = spectrum + energy_spectrum(fields[:, counts].double(), grid).sum(dim=1)
    if not isinstance(grid, PeriodicGrid):
        spectrum = starts.new_zeros(*starts.shape[:2], 0)
    return Climate(
        lowest=_numbers(torch.cat(lowest, dim=1)),
        highest=_numbers(torch.cat(highest, dim=1)),
        values=_numbers(torch.cat(values, dim=1)),
        functionals=_numbers(torch.cat(functionals, dim=1)),
        spectrum=_numbers(spectrum / (begin - settle)),
    )


def _functionals(simulation: Simulation, fields: Tensor) -> Tensor:
    """``(sample, time, functional)`` of fields ``(sample, time, variable, *space)``."""
    read = [simulation.functionals(instant) for instant in fields.unbind(dim=1)]  # parameters may differ by sample
    return torch.stack([torch.stack([r[n] for n in simulation.functional_names], dim=1) for r in read], dim=1)


def _numbers(values: Tensor) -> Array:
    return np.asarray(values.double().cpu().numpy())
