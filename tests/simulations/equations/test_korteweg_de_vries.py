import numpy as np
import pytest
import torch
from torch import Tensor

from simulations import PeriodicGrid, gaussian_jets
from simulations.equations import KortewegDeVries

ZERO = torch.zeros(1, 1, dtype=torch.float64)


def line(num_points: int, extent: float, duration: float, steps: int) -> KortewegDeVries:
    grid = PeriodicGrid.line(num_points, extent)
    jets = gaussian_jets(grid, count=1, width=1.0, limit=1.0)
    return KortewegDeVries(grid, jets, parameters={}, control_interval=duration, steps_per_interval=steps)


def as_state(field: np.ndarray) -> Tensor:
    return torch.tensor(field)[None, None]


def test_a_soliton_travels_unchanged() -> None:
    """-(c/2) sech^2(sqrt(c) (x - c t - a) / 2) with c = 4, by 8 units in two, to 1e-7 of a depth of 2."""
    simulation = line(256, 32.0, 2.0, 1600)
    x = simulation.grid.mesh[0]
    start, exact = (-2 / np.cosh(x - 10 - 4 * time) ** 2 for time in (0.0, 2.0))
    assert (simulation.advance(as_state(start), ZERO) - as_state(exact)).abs().max() < 1e-7


def two_solitons(x: np.ndarray, time: float) -> np.ndarray:
    """``-2 (log tau)_xx`` (Hirota 1971, doi:10.1103/PhysRevLett.27.1192) of wavenumbers 2 and 1."""
    coefficients = np.array([1.0, 1.0, 1.0, 1 / 9])
    wavenumbers = np.array([0.0, 2.0, 1.0, 3.0])
    phases = np.array([0.0, -40.0, -25.0, -65.0])  # the faster one starts at 20, the slower at 25
    frequencies = np.array([0.0, 8.0, 1.0, 9.0])
    waves = coefficients * np.exp(wavenumbers * x[:, None] - frequencies * time + phases)
    tau, slope, curvature = (np.sum(wavenumbers**n * waves, axis=1) for n in range(3))
    return -2 * (curvature / tau - (slope / tau) ** 2)


def test_solitons_pass_through_one_another() -> None:
    """The faster overtakes the slower and both go on, shifted, to 1e-6 of the closed form of two solitons."""
    simulation = line(320, 54.0, 3.0, 1600)
    x = simulation.grid.mesh[0]
    start, exact = two_solitons(x, 0.0), two_solitons(x, 3.0)
    assert x[start.argmin()] < 21 < 30 < x[exact.argmin()], "no overtaking"
    assert (simulation.advance(as_state(start), ZERO) - as_state(exact)).abs().max() < 1e-6


def test_mass_energy_and_hamiltonian_are_conserved() -> None:
    """Mass to rounding; energy and Hamiltonian to the error of the time integrator, at its order."""
    x = line(64, 20.0, 0.3, 2).grid.mesh[0]
    phase = 2 * np.pi * x / 20
    start = as_state(0.2 + np.cos(phase) + 0.5 * np.sin(2 * phase))

    def drifts(steps: int) -> dict[str, float]:
        simulation = line(64, 20.0, 0.3, steps)
        before, after = (simulation.functionals(s) for s in (start, simulation.advance(start, ZERO)))
        return {name: abs((after[name] - before[name]).item()) for name in before}

    coarse, fine = drifts(64), drifts(128)
    assert fine["mass"] < 1e-14
    for name in ("energy", "hamiltonian"):
        assert fine[name] < 1e-9, (name, coarse, fine)
        assert np.log2(coarse[name] / fine[name]) == pytest.approx(4, abs=0.25), (name, coarse, fine)


def test_the_hamiltonian_has_the_sign_that_conserves_it() -> None:
    """Its unforced budget vanishes for a smooth field, where those of its two parts are not small."""
    simulation = line(64, 20.0, 1.0, 128)
    phase = 2 * np.pi * simulation.grid.mesh[0] / 20
    state = as_state(np.cos(phase) + 0.5 * np.sin(2 * phase))
    drift, _ = simulation.rates(state)
    cubic = simulation.mean_over_space(3 * state.square() * drift).item()
    assert abs(cubic) > 1e-2
    assert simulation.budgets(state)["hamiltonian"].source.item() == pytest.approx(0, abs=1e-12)
