"""Errors under a shift in closed form, and slopes of errors that follow a power law."""

import numpy as np
import pytest
import torch
import xarray as xr
from altered import Altered, diffusion

from sciwm.errors import InputError
from sciwm.evaluation import ROUGH, draw_actions, error_slope, forcing_shift, parameter_shift


@pytest.mark.parametrize("dimensions", [1, 2])
def test_other_diffusivity_in_closed_form(dimensions: int) -> None:
    """Waves of |k| = 2 that decay f times as fast as is believed: error exp((f - 1) D k^2 t) - 1."""
    simulation = diffusion(diffusivity=0.05, dimensions=dimensions)
    x = torch.tensor(simulation.grid.mesh[0])
    starts = torch.stack([torch.sin(2 * x), 3 * torch.cos(2 * x)])[:, None].expand(2, 1, *simulation.grid.shape)
    actions = torch.zeros(2, 4, len(simulation.actuators), dtype=torch.float64)
    errors = parameter_shift(simulation, simulation, starts, actions, parameter="diffusivity")
    rate = 0.05 * 4 * errors["time"]
    expected = np.exp((errors["factor"] - 1) * rate) - 1
    found = errors["nrmse"]
    np.testing.assert_allclose(found.values, expected.broadcast_like(found).transpose(*found.dims).values, atol=1e-12)


def test_starts_may_settle_to_the_shifted_parameter() -> None:
    """Of two waves the shorter one has decayed f times as fast before the rollout begins."""
    simulation = diffusion(diffusivity=0.1)
    x = torch.tensor(simulation.grid.mesh[0])
    starts = (torch.sin(x) + torch.sin(2 * x))[None, None]
    actions = torch.zeros(1, 4, len(simulation.actuators), dtype=torch.float64)
    errors = parameter_shift(simulation, simulation, starts, actions, parameter="diffusivity", factors=(3.0,), settle=2)
    rates, lead = 0.1 * np.array([1.0, 4.0])[:, None], errors["time"].values
    heights = np.exp(-3 * rates * 1.0)
    wrong = ((heights * (np.exp(-rates * lead) - np.exp(-3 * rates * lead))) ** 2).sum(axis=0)
    whole = ((heights * np.exp(-3 * rates * lead)) ** 2).sum(axis=0)
    np.testing.assert_allclose(errors["nrmse"].values[0, 0], np.sqrt(wrong / whole), rtol=1e-9)


def test_stronger_forcing_of_a_linear_plant() -> None:
    """A gain that is wrong by 1/10 is wrong by as much of the flow at any strength; the truth is never."""
    simulation = diffusion()
    starts = torch.zeros(2, 1, 16, dtype=torch.float64)
    actions = draw_actions(simulation.actuators, 2, 4, hold=ROUGH, dtype=torch.float64)
    errors = forcing_shift(Altered(simulation, gain=1.1), simulation, starts, actions, factors=(1.0, 2.0))
    np.testing.assert_allclose(errors["nrmse"].values, 0.1, rtol=1e-9)
    np.testing.assert_allclose(errors["nrmse_persistence"].values, 1, rtol=1e-9)
    assert forcing_shift(simulation, simulation, starts, actions)["nrmse"].max() == 0
    np.testing.assert_allclose(error_slope(errors, 1.0).values, 0, atol=1e-9)


def test_actions_go_beyond_the_box() -> None:
    """A dynamics that clamps them is wrong there, and there alone."""

    class Clamping(Altered):
        def advance(self, state: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
            return super().advance(state, self.actuators.clamp(action))

    simulation = diffusion()
    actions = simulation.actuators.to_physical(torch.ones(1, 2, len(simulation.actuators), dtype=torch.float64))
    errors = forcing_shift(Clamping(simulation), simulation, torch.zeros(1, 1, 16).double(), actions)["nrmse"]
    np.testing.assert_allclose(errors.isel(sample=0, time=-1).values, [0, 1 / 3, 1 / 2], atol=1e-12)


def test_slopes_of_power_laws_are_exact() -> None:
    factors, powers = np.array([1.0, 1.5, 2.0]), np.array([0.5, 1.0, 2.0])
    values = 0.1 * factors[:, None, None] ** powers[None, :, None] * np.array([1.0, 7.0])
    factor = xr.DataArray(factors, dims="factor", attrs={"long_name": "factor of viscosity"})
    coordinates = {"factor": factor, "time": [1.0, 2.0]}
    errors = xr.Dataset({"nrmse": (("factor", "sample", "time"), values)}, coordinates)
    for lead_time in (1.0, 1.9):
        np.testing.assert_allclose(error_slope(errors, lead_time).values, powers, rtol=1e-12)
    errors["nrmse"][1, 0, 0] = np.nan
    assert np.isinf(error_slope(errors, 1.0).values).tolist() == [True, False, False]


def test_what_cannot_be_shifted_is_told() -> None:
    simulation = diffusion()
    starts, actions = torch.zeros(1, 1, 16), torch.zeros(1, 2, len(simulation.actuators))
    with pytest.raises(InputError, match=r"expected one of .*diffusivity.*got 'viscosity'"):
        parameter_shift(simulation, simulation, starts, actions, parameter="viscosity")
    with pytest.raises(InputError) as caught:
        parameter_shift(simulation, simulation, starts, actions, parameter="growth", factors=(1.0, -2.0))
    assert [p.where for p in caught.value.problems] == ["parameter: growth", "factors"]
    errors = forcing_shift(simulation, simulation, starts, actions, factors=(2.0,))
    with pytest.raises(InputError) as caught:
        error_slope(errors, 40.0)
    assert [p.where for p in caught.value.problems] == ["lead_time", "errors: factor"]
