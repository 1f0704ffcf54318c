"""Climates that are known: the truth's own, one that is enlarged, one that runs away."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from altered import Altered, diffusion
from torch import Tensor

from sciwm.errors import InputError
from sciwm.evaluation import HELD, draw_actions
from sciwm.evaluation.climate import (
    energy_spectrum,
    intervals_of,
    log_spectral_distance,
    long_runs,
    record_climate,
    share_blown_up,
)
from sciwm.evaluation.climate.spectra import shell_wavenumbers, wasserstein
from simulations import PeriodicGrid, Simulation


class Runaway(Altered):
    """Grows tenfold in every interval."""

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        """Ten times the state."""
        return 10 * state


@pytest.fixture(scope="module", params=["kuramoto_sivashinsky", "navier_stokes_scalar"])
def plant(
    request: pytest.FixtureRequest, cases: Mapping[str, Any], draw_states: Callable[..., Tensor]
) -> tuple[Simulation, Tensor, Tensor]:
    """A simulation in 1D and one in 2D, three starts and forcing."""
    simulation = cases[request.param].coarse().build()
    actions = draw_actions(simulation.actuators, 3, 12, hold=HELD, dtype=torch.float64)
    return simulation, draw_states(simulation, 3), actions


def test_the_energy_of_a_wave_is_in_its_shell() -> None:
    """|k| = 5 on a square box, and the shells on a longer one are narrower."""
    for extents, shell in (((2 * np.pi, 2 * np.pi), 5), ((4 * np.pi, 2 * np.pi), 10)):
        grid = PeriodicGrid((32, 16), extents)
        x, y = grid.mesh
        wave = torch.tensor(1.5 + 2 * np.cos(3 * x + 4 * y))[None, None]
        spectrum = energy_spectrum(wave, grid)[0, 0]
        assert spectrum[shell].item() == pytest.approx(2) and spectrum[0].item() == pytest.approx(1.5**2)
        assert spectrum.sum().item() == pytest.approx(wave.square().mean().item())
        assert shell_wavenumbers(grid)[shell] == pytest.approx(5)


def test_the_shells_add_up_to_the_mean_square() -> None:
    for shape in ((8,), (8, 12)):
        grid = PeriodicGrid(shape, (1.0, 3.0)[: len(shape)])
        noise = torch.randn(2, 3, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        expected = noise.square().flatten(2).mean(dim=2)
        torch.testing.assert_close(energy_spectrum(noise, grid).sum(dim=-1), expected)


def test_the_log_spectral_distance_of_an_enlarged_field() -> None:
    """20 |log10 c| decibel, whatever the field and its mean; what is rounding in the truth does not count."""
    grid = PeriodicGrid.line(16, 1.0)
    noise = torch.randn(4, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    reference = energy_spectrum(noise, grid).numpy()
    for factor in (0.5, 1.0, 3.0):
        distance = log_spectral_distance(energy_spectrum(factor * noise + 7, grid).numpy(), reference)
        np.testing.assert_allclose(distance, 20 * abs(np.log10(factor)), atol=1e-10)
    empty = np.array([0.0, 1.0, 1e-12])
    assert log_spectral_distance(np.array([0.0, 1.0, 1e-5]), empty) == 0


def test_wasserstein_distances_in_closed_form() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=500)
    assert wasserstein(values, rng.permutation(values) + 0.3) == pytest.approx(0.3)
    assert wasserstein(values, np.repeat(values, 3)) == pytest.approx(0, abs=1e-12)
    assert wasserstein([0.0, 1.0], [0.0, 0.0, 3.0]) == pytest.approx(5 / 6)
    assert wasserstein(2 * values, values) == pytest.approx(np.abs(values).mean())


def test_the_truth_is_as_far_from_itself_as_its_runs_are(plant: tuple[Simulation, Tensor, Tensor]) -> None:
    """The two runs coincide, in 1D and 2D, and chunks do not matter."""
    simulation, starts, actions = plant
    runs = long_runs(simulation, simulation, starts, actions, settle=2, chunk=5)
    whole = long_runs(simulation, simulation, starts, actions, settle=2, chunk=100)
    for name in ("spectral_distance", "histogram_distance", "functional_distance", "functional_mean", "spectrum"):
        values = runs[name].values
        np.testing.assert_array_equal(values[0], values[1])
        np.testing.assert_allclose(values, whole[name].values, rtol=1e-12, err_msg=name)
    assert (runs["spectral_distance"] > 0).all() and (runs["histogram_distance"] > 0).all()
    assert not share_blown_up(runs).any()
    densities = runs["density"].sum("bin") * float(runs["bin"].diff("bin")[0])
    np.testing.assert_allclose(densities.values, 1, rtol=1e-9)


def test_a_recorded_truth_takes_the_place_of_true_runs(plant: tuple[Simulation, Tensor, Tensor]) -> None:
    simulation, starts, actions = plant
    loud = Altered(simulation, loudness=1.1)
    true = record_climate(simulation, simulation, starts, actions, settle=2)
    runs = long_runs(loud, simulation, starts, actions, settle=2, true=true)
    xr.testing.assert_identical(runs, long_runs(loud, simulation, starts, actions, settle=2))
    itself = record_climate(loud, simulation, starts, actions, settle=2)
    model, truth = long_runs(loud, simulation, starts, actions, settle=2, true=itself)["histogram_distance"].values
    np.testing.assert_array_equal(model, truth)


def test_runs_are_compared_with_the_other_true_ones() -> None:
    """Constants 1 and 5 are 4 apart, two deviations; frozen waves of height 1 and 3 are 20 log10 3 decibel apart."""
    simulation = diffusion(diffusivity=0.0)
    unforced = torch.zeros(2, 3, len(simulation.actuators), dtype=torch.float64)
    constants = torch.tensor([1.0, 5.0], dtype=torch.float64)[:, None, None].expand(2, 1, 16)
    runs = long_runs(simulation, simulation, constants, unforced)
    np.testing.assert_allclose(runs["histogram_distance"].values, 2, rtol=1e-9)
    np.testing.assert_allclose(runs["functional_distance"].values, 2, rtol=1e-9)
    waves = torch.tensor([1.0, 3.0])[:, None, None] * torch.sin(torch.tensor(simulation.grid.mesh[0]))
    runs = long_runs(simulation, simulation, waves, unforced)
    np.testing.assert_allclose(runs["spectral_distance"].values, 20 * np.log10(3), rtol=1e-9)


def test_the_mean_spectrum_adds_up_to_the_mean_energy(
    cases: Mapping[str, Any], draw_states: Callable[..., Tensor]
) -> None:
    """Over the instants that count alone: <u^2> = 2 <energy>."""
    simulation = cases["kuramoto_sivashinsky"].coarse().build()
    actions = draw_actions(simulation.actuators, 3, 12, hold=HELD, dtype=torch.float64)
    kept = record_climate(simulation, simulation, draw_states(simulation, 3), actions, settle=7, chunk=4)
    energy = kept.functionals[:, :, list(simulation.functional_names).index("energy")]
    assert energy.shape == (3, 5) and kept.values.shape == (3, 5 * 8, 1) and kept.lowest.shape == (3, 12, 1)
    np.testing.assert_allclose(kept.spectrum[:, 0].sum(axis=1), 2 * energy.mean(axis=1), rtol=1e-12)


def test_an_enlarged_climate(plant: tuple[Simulation, Tensor, Tensor]) -> None:
    """Fields twice too large: the spectra are four times the true ones, and so are quadratic functionals."""
    simulation, starts, actions = plant
    runs = long_runs(Altered(simulation, loudness=2.0), simulation, starts, actions)
    spectrum = runs["spectrum"]
    np.testing.assert_allclose(spectrum.sel(run="model").values, 4 * spectrum.sel(run="simulation").values, rtol=1e-9)
    quadratic = "energy" if "energy" in simulation.functional_names else "enstrophy"
    for key in ("functional_mean", "functional_variation"):
        found = runs[key].sel(functional=quadratic)
        np.testing.assert_allclose(found.sel(run="model").values, 4 * found.sel(run="simulation").values, rtol=1e-9)
    assert (runs["functional_distance"].sel(functional=quadratic).diff("run") < 0).all()  # the truth is nearer


def test_a_run_that_leaves_the_range_of_the_truth_has_blown_up(plant: tuple[Simulation, Tensor, Tensor]) -> None:
    simulation, starts, actions = plant
    runs = long_runs(Runaway(simulation), simulation, starts, actions, range_factor=3.0)
    assert share_blown_up(runs).values.tolist() == [1, 0]
    true = record_climate(simulation, simulation, starts, actions)
    within = np.abs(np.stack([true.lowest, true.highest])).max()
    latest = int(np.ceil(np.log10(6 * within / float(starts.abs().flatten(1).amax(dim=1).min())))) + 1
    blown = runs["blow_up_time"].sel(run="model").values / simulation.control_interval
    assert ((blown >= 1) & (blown <= latest)).all()
    assert runs["histogram_distance"].sel(run="model").isnull().all()
    assert runs["spectral_distance"].sel(run="simulation").notnull().all()


def test_what_the_truth_conserves_has_no_distance(cases: Mapping[str, Any], draw_states: Callable[..., Tensor]) -> None:
    simulation = cases["kuramoto_sivashinsky"].coarse().build()
    unforced = torch.zeros(2, 6, len(simulation.actuators), dtype=torch.float64)
    runs = long_runs(simulation, simulation, draw_states(simulation, 2), unforced)
    assert runs["functional_distance"].sel(functional="mass").isnull().all()
    assert runs["functional_distance"].sel(functional="energy").notnull().all()


def test_too_little_to_compare_is_refused(plant: tuple[Simulation, Tensor, Tensor]) -> None:
    simulation, starts, actions = plant
    with pytest.raises(InputError) as caught:
        long_runs(simulation, simulation, starts[:1], actions[:1], settle=11)
    assert [p.where for p in caught.value.problems] == ["starts", "settle"]
    assert intervals_of(100, 0.05, 0.25) == 8000
