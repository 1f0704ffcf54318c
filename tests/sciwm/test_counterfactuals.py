"""Effects of actions and gradients on dynamics that are wrong in a known way."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from altered import Altered, diffusion
from torch import Tensor

from sciwm.errors import InputError
from sciwm.evaluation import HELD, ROUGH, draw_actions, effect_errors, gradient_agreement
from sciwm.evaluation.actions import beyond, wrong_actions
from sciwm.evaluation.gradients import action_gradient
from simulations import ActionBox, Simulation

Case = tuple[Simulation, Tensor, Tensor, Tensor]


@pytest.fixture(scope="module", params=["kuramoto_sivashinsky", "navier_stokes_scalar"])
def plant(request: pytest.FixtureRequest, cases: Mapping[str, Any], draw_states: Callable[..., Tensor]) -> Case:
    """A simulation in 1D and one of two fields in 2D, starts, and two sequences of actions."""
    simulation = cases[request.param].coarse().build()
    first, other = (
        draw_actions(simulation.actuators, 3, 4, hold=hold, seed=seed, dtype=torch.float64)
        for seed, hold in enumerate((HELD, ROUGH))
    )
    return simulation, draw_states(simulation, 3), first, other


def test_the_truth_has_no_effect_error_and_the_true_gradient(plant: Case) -> None:
    simulation, starts, first, other = plant
    effects = effect_errors(simulation, simulation, starts, first, {"rough": other}, in_states=True)
    assert effects["effect_error"].sel(given="right").max() == 0
    assert effects["state_effect_error"].max() < 1e-12
    assert (effects["effect"] > 0).all()
    interval = simulation.control_interval
    agreement = gradient_agreement(simulation, simulation, starts, first, starts[0] / 2, [interval, 4 * interval])
    np.testing.assert_allclose(agreement["cosine"].values, 1, rtol=1e-12)
    np.testing.assert_allclose(agreement["norm_ratio"].values, 1, rtol=1e-12)
    assert (agreement["cosine_shuffled"].values < 0.999).all()
    np.testing.assert_allclose(agreement["horizon"].values, [interval, 4 * interval])


def test_gradients_of_a_target_that_is_partly_free(plant: Case) -> None:
    """What may be anything costs nothing: other numbers there change no gradient, where it counts they do."""
    simulation, starts, actions, _ = plant
    wanted = starts[0] / 2
    wanted[..., ::2] = torch.nan
    agreement = gradient_agreement(simulation, simulation, starts, actions, wanted, [4 * simulation.control_interval])
    np.testing.assert_allclose(agreement["cosine"].values, 1, rtol=1e-12)
    whole = action_gradient(simulation, starts, actions, starts[0] / 2)
    assert not torch.allclose(action_gradient(simulation, starts, actions, wanted), whole, rtol=1e-3)


def test_who_ignores_actions_has_an_effect_error_of_one_and_no_gradient(plant: Case) -> None:
    simulation, starts, first, other = plant
    ignoring_actions = Altered(simulation, gain=0.0)
    effects = effect_errors(ignoring_actions, simulation, starts, first, {"rough": other}, in_states=True)
    np.testing.assert_allclose(effects["effect_error"].values, 1, rtol=1e-12)
    np.testing.assert_allclose(effects["state_effect_error"].values, 1, rtol=1e-12)
    agreement = gradient_agreement(
        ignoring_actions, simulation, starts, first, starts[0] / 2, [2 * simulation.control_interval]
    )
    assert not agreement["cosine"].any() and not agreement["norm_ratio"].any()
    assert (agreement["norm"] > 0).all()


def test_wrong_actions_are_noticed(plant: Case) -> None:
    """Zeroed actions have no effect (error 1); those of others have another, and so have late ones."""
    simulation, starts, first, other = plant
    error = effect_errors(simulation, simulation, starts, first, {"rough": other})["effect_error"]
    np.testing.assert_allclose(error.sel(given="zeroed").values, 1, rtol=1e-12)
    assert (error.sel(given="shuffled") > 0.05).all()
    late = error.sel(given="shifted", alternative="rough")
    assert late.isel(time=0).max() == 0 and (late.isel(time=-1) > 0.01).all()


@pytest.mark.parametrize("dimensions", [1, 2])
def test_a_linear_plant_with_the_wrong_gain(dimensions: int) -> None:
    """Effects scale with the gain: error |gain - 1|. From rest to zero the gradient scales with its square."""
    simulation = diffusion(dimensions=dimensions)
    starts = torch.zeros(2, 1, *simulation.grid.shape, dtype=torch.float64)
    first, other = (draw_actions(simulation.actuators, 2, 5, hold=ROUGH, seed=s, dtype=torch.float64) for s in (0, 1))
    for gain in (0.5, 1.7, -1.0):
        altered = Altered(simulation, gain=gain)
        effects = effect_errors(altered, simulation, starts, first, {"rough": other}, in_states=True)
        right = effects["effect_error"].sel(given="right").values
        np.testing.assert_allclose(right, abs(gain - 1), rtol=1e-9)
        np.testing.assert_allclose(effects["state_effect_error"].values, abs(gain - 1), rtol=1e-9)
        agreement = gradient_agreement(altered, simulation, starts, first, starts[0], [0.5, 2.5])
        np.testing.assert_allclose(agreement["cosine"].values, 1, rtol=1e-9)
        np.testing.assert_allclose(agreement["norm_ratio"].values, gain**2, rtol=1e-9)


def test_the_gradient_of_a_uniform_concentration_in_closed_form() -> None:
    """u_t = u_0 + interval sum_s a_s, so dJ/da_s = 2 interval limit sum_(t > s) (u_t - u*) for the uniform action."""
    simulation = diffusion()
    starts = torch.full((1, 1, 16), 0.3, dtype=torch.float64)
    actions = torch.zeros(1, 4, len(simulation.actuators), dtype=torch.float64)
    uniform = simulation.actuators.names.index("u_uniform_0")
    actions[0, :, uniform] = torch.tensor([1.0, -0.5, 0.2, 0.7])
    gradient = action_gradient(simulation, starts, actions, torch.full((1, 16), 0.1, dtype=torch.float64))
    distance = 0.3 - 0.1 + 0.5 * actions[0, :, uniform].cumsum(0)
    expected = 2 * 0.5 * 2.0 * distance.flip(0).cumsum(0).flip(0)
    torch.testing.assert_close(gradient[0, :, uniform], expected, rtol=1e-10, atol=0)


def test_actions_come_from_the_whole_box() -> None:
    box = ActionBox(("a", "b"), np.array([-1.0, 2.0]), np.array([3.0, 4.0]), "m/s")
    rough, held = (draw_actions(box, 50, 80, hold=hold, seed=3) for hold in (1.0, 8.0))
    for drawn in (rough, held):
        assert ((drawn >= torch.tensor([-1.0, 2.0])) & (drawn <= torch.tensor([3.0, 4.0]))).all()
    torch.testing.assert_close(rough.mean(dim=(0, 1)), torch.tensor([1.0, 3.0]), atol=0.1, rtol=0)
    changes = (held.diff(dim=1) != 0).float().mean().item()
    assert changes == pytest.approx(1 / 8, abs=0.02) and (rough.diff(dim=1) != 0).all()
    torch.testing.assert_close(draw_actions(box, 7, 80, hold=8.0, seed=3), held[:7])  # no sample depends on others
    torch.testing.assert_close(beyond(box, torch.tensor([[3.0, 2.0]]), 1.5), torch.tensor([[4.0, 1.5]]))


def test_wrong_actions_are_what_they_say() -> None:
    box = ActionBox.symmetric(["a"], 5.0)
    actions = torch.arange(6.0).view(2, 3, 1)
    wrong = {name: change(actions)[..., 0].tolist() for name, change in wrong_actions(box, shift=2).items()}
    assert wrong["right"] == [[0, 1, 2], [3, 4, 5]] and wrong["shuffled"] == [[3, 4, 5], [0, 1, 2]]
    assert wrong["zeroed"] == [[0, 0, 0]] * 2 and wrong["shifted"] == [[0, 0, 0], [3, 3, 3]]


def test_everything_that_does_not_fit_is_told_at_once() -> None:
    simulation = diffusion()
    count = len(simulation.actuators)
    with pytest.raises(InputError) as caught:
        effect_errors(
            simulation, simulation, torch.zeros(2, 1, 8), torch.zeros(2, 4, count), {"held": torch.zeros(2, 3, count)}
        )
    assert [p.where for p in caught.value.problems] == ["held", "starts"]
    with pytest.raises(InputError) as caught:
        gradient_agreement(
            simulation, simulation, torch.zeros(2, 1, 16), torch.zeros(2, 4, count), torch.zeros(16), [0.1, 1.0, 9.0]
        )
    assert [p.where for p in caught.value.problems] == ["horizons", "horizons", "target"]


@pytest.mark.parametrize(("interval", "differs"), [(5e-12, True), (1.000001e-12, False)])
def test_intervals_of_picoseconds_are_compared_as_others(interval: float, differs: bool) -> None:
    """Steps of 1 and 5 picoseconds are none that fit; a millionth is the rounding of single precision."""
    simulation, other = diffusion(), diffusion()
    simulation.control_interval, other.control_interval = 1e-12, interval
    count = len(simulation.actuators)
    with pytest.raises(InputError) as caught:
        effect_errors(other, simulation, torch.zeros(2, 1, 8), torch.zeros(2, 4, count), {})
    assert ("dynamics: control_interval" in [p.where for p in caught.value.problems]) == differs
