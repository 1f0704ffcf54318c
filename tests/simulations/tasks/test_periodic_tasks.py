"""T4, T5 and T6 against what is known of them."""

import numpy as np
import pytest
import torch

from simulations.tasks import chaos, kolmogorov
from simulations.tasks.chaos import Chaos
from simulations.tasks.convection import Convection
from simulations.tasks.kolmogorov import Kolmogorov


def test_the_linear_task_is_the_matrix_recursion() -> None:
    """u+ = A u + B a, where a wave k gains exp((0.1 - 0.002 k^2 - 0.1 i k) / 10) and B adds boxes of ones."""
    task = Convection()
    scenario = task.draw(np.random.default_rng(0), 3)
    action = torch.rand(3, 8, dtype=torch.float64)
    k = 2 * np.pi * np.fft.rfftfreq(200, 1 / 200)
    gain = np.exp(0.1 * (0.1 - 0.002 * k**2 - 0.1j * k * (k < k[-1])))
    expected = np.fft.irfft(gain * np.fft.rfft(scenario.start[:, 0].numpy()))
    for j in range(8):
        centre = int((j + 0.5) * 25)
        expected[:, centre - 10 : centre + 10] += action[:, j, None].numpy()
    after, reward = task.step(scenario, scenario.start, action, 0)
    np.testing.assert_allclose(after[:, 0].numpy(), expected, atol=1e-12)
    squares = scenario.start.square().sum(dim=(1, 2)) + action.square().sum(dim=1)
    torch.testing.assert_close(reward, -squares)


def test_sensors_of_the_linear_task_are_noisy_points() -> None:
    """Ten sensors at every 20th point; the noise has variance 1/4: 4000 draws give it to 7 %."""
    task = Convection()
    scenario = task.draw(np.random.default_rng(0), 400)
    seen = task.observe(scenario, scenario.start, np.random.default_rng(1))
    noise = seen - scenario.start[:, 0, ::20]
    assert seen.shape == (400, 10)
    assert noise.var().item() == pytest.approx(0.25, rel=0.07)


@pytest.mark.parametrize(("goal", "energy"), [("E1", 0.26087), ("E2", 0.43816), ("E3", 1.58760)])
def test_equilibria_to_be_reached_are_steady(goal: str, energy: float) -> None:
    task = Chaos(goal)  # type: ignore[arg-type]
    target = torch.tensor(task.target)[None]
    assert target.square().mean().item() / 2 == pytest.approx(energy, abs=1e-5)
    unforced = torch.zeros(1, 4, dtype=torch.float64)
    torch.testing.assert_close(task.simulation.advance(target, unforced), target, rtol=0, atol=1e-12)


def test_chaos_starts_without_mean_flow_on_the_attractor() -> None:
    scenario = Chaos("dissipation").draw(np.random.default_rng(0), 8)
    assert scenario.start.mean(dim=-1).abs().max() < 1e-13
    assert 0.8 < scenario.start.square().mean().sqrt() < 1.5
    assert scenario.target is None


def test_a_flow_to_be_reached_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """The actions that made the target lead to it exactly, and no others were drawn in between."""
    monkeypatch.setattr("simulations.tasks.kolmogorov.WARM_UP", 4)
    task = Kolmogorov("target", num_points=16, steps_per_interval=2)
    scenario = task.draw(np.random.default_rng(0), 2)
    rng = np.random.default_rng(0)
    rng.bit_generator.state = _after_starts(task, 2)
    fields = scenario.start
    for interval, action in enumerate(task.random_actions(rng, 2)):
        fields, reward = task.step(scenario, fields, action, interval)
    assert reward.abs().max() < 1e-20
    nothing = task.distance(scenario, scenario.start)
    assert (nothing > 1e-3).all()


def _after_starts(task: Kolmogorov, batch: int) -> dict[str, object]:
    """The state of the generator once the starts are drawn."""
    from simulations.initial import random_field

    rng = np.random.default_rng(0)
    for _ in range(batch):
        random_field(task.simulation.grid, rng, cutoff=6, amplitude=2.0)
    return dict(rng.bit_generator.state)


def test_the_digits_of_chaos() -> None:
    """L = 22, N = 64, actions of 0.25; jets of width 0.4 at j L / 8 that integrate to one; |a| <= 1."""
    task = Chaos("rest")
    plant = task.simulation
    x = plant.grid.coordinates["x"]
    np.testing.assert_allclose(x, np.arange(64) * 22 / 64)
    assert (plant.control_interval, task.intervals) == (0.25, 400)
    distance = np.abs(x - 5.5)  # the third of eight, the second of four
    shape = np.exp(-(distance**2) / (2 * 0.4**2)) / (np.sqrt(2 * np.pi) * 0.4)
    np.testing.assert_allclose(plant.forcing_shapes[2, 0], shape, atol=1e-12)
    np.testing.assert_allclose(Chaos("E2").simulation.forcing_shapes[1, 0], shape, atol=1e-12)
    np.testing.assert_allclose(plant.actuators.high, np.ones(8))
    assert chaos.WARM_UP * 0.25 == 200


def test_the_digits_of_turbulence() -> None:
    """nu = 0.01, mu = 0.1, sin 4y; 64^2, step 0.0125; 4 x 2 bumps of width 0.5 without mean."""
    task = Kolmogorov()
    plant = task.simulation
    values = {name: float(value) for name, value in plant.values.items()}
    flow = {"viscosity": 0.01, "drag": 0.1, "forcing_amplitude": 1.0, "forcing_wavenumber": 4.0}
    assert values == flow | {"stream_x": 0.0, "stream_y": 0.0}
    assert plant.grid.shape == (64, 64)
    assert (plant.control_interval, plant.step) == (0.25, pytest.approx(0.0125))
    x, y = plant.grid.mesh
    centres = [((j + 0.5) * np.pi / 2, (i + 0.5) * np.pi) for j in range(4) for i in range(2)]
    for shape, (a, b) in zip(plant.forcing_shapes[:, 0], centres, strict=True):
        images = [(a + 2 * np.pi * m, b + 2 * np.pi * n) for m in (-1, 0, 1) for n in (-1, 0, 1)]
        bump = sum(np.exp(-((x - p) ** 2 + (y - q) ** 2) / (2 * 0.5**2)) for p, q in images)
        np.testing.assert_allclose(shape, bump - bump.mean(), atol=1e-9)
    assert kolmogorov.WARM_UP * 0.25 == 50
    actions = task.random_actions(np.random.default_rng(0), 3)
    assert actions.shape == (32, 3, 8)
    for held in actions.split(4):
        assert torch.equal(held, held[:1].expand(4, -1, -1))
    assert not torch.equal(actions[3], actions[4])


def test_the_digits_of_the_linear_task() -> None:
    """c ~ U(0.9, 1.1), s ~ U(0.04, 0.06): heights at the centre and widths at half of it, over 2000 draws."""
    task = Convection()
    start = task.draw(np.random.default_rng(0), 2000).start[:, 0].numpy()
    heights = start[:, 100]
    widths = start.mean(axis=1) / (np.pi * heights)  # int sech = pi s
    assert (heights.min(), heights.max()) == (pytest.approx(0.9, abs=2e-3), pytest.approx(1.1, abs=2e-3))
    assert (widths.min(), widths.max()) == (pytest.approx(0.04, abs=2e-4), pytest.approx(0.06, abs=2e-4))


def test_unknown_goals_are_refused() -> None:
    with pytest.raises(ValueError, match="rest, dissipation, E1, E2 or E3, got 'E4'"):
        Chaos("E4")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="dissipation, target, mixing, got 'rest'"):
        Kolmogorov("rest")  # type: ignore[arg-type]
