import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.actuators import ActionBox, Actuators
from simulations.equations.heat import Heat, Wall
from simulations.grid import BoundedGrid
from simulations.shapes import boundary_values, boxes

Array = NDArray[np.float64]
INSULATED = {name: Wall("neumann") for name in ("left", "right", "bottom", "top")}


def heat(
    shape: tuple[int, ...],
    extents: tuple[float, ...],
    walls: dict[str, Wall],
    *,
    diffusivity: float | list[float] = 0.1,
    interval: float = 0.5,
    actuators: Actuators | None = None,
) -> Heat:
    grid = BoundedGrid.cells(shape, extents)
    if actuators is None:
        actuators = Actuators(ActionBox.symmetric(["heater"], 1.0), np.ones((1, *grid.shape)))
    parameters = {"diffusivity": diffusivity}
    return Heat(grid, actuators, walls=walls, parameters=parameters, control_interval=interval)


def unforced(simulation: Heat, field: Array) -> Array:
    action = torch.zeros(1, len(simulation.actuators), dtype=torch.float64)
    return simulation.advance(torch.tensor(field)[None, None], action)[0, 0].numpy()


def mixed(diffusivity: float | list[float] = 0.1, interval: float = 0.5) -> Heat:
    """A rectangle with every kind of wall, two heaters and actions on a wall of each kind."""
    grid = BoundedGrid.cells((6, 5), (1.0, 2.0))
    heaters = boxes(grid, intervals=[((0, 0.5), (0, 1)), ((0.2, 1), (0.5, 2))], limit=1.0, acts_on="u")
    actuators = heaters + boundary_values(grid, walls=("left", "top"), limit=1.0)
    walls = {"left": Wall("dirichlet", 0.3), "right": Wall("neumann", 0.2), "top": Wall("neumann", -0.1)}
    return heat((6, 5), (1.0, 2.0), walls, diffusivity=diffusivity, interval=interval, actuators=actuators)


def draw(simulation: Heat, batch: int) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(0)
    state = np.stack([simulation.initial_state(rng, amplitude=1.0) for _ in range(batch)])
    return torch.tensor(state), torch.tensor(rng.uniform(-1, 1, (batch, len(simulation.actuators))))


@pytest.mark.parametrize("along", [("dirichlet", "neumann"), ("neumann", "dirichlet")])
def test_separable_waves_decay_at_their_discrete_rates(along: tuple[str, str]) -> None:
    """sin(m pi x) between cold walls, cos(n pi y) between insulated ones: 4 kappa sin^2(k h / 2) / h^2, to 1e-12."""
    kinds = {name: Wall(along[0 if name in ("left", "right") else 1]) for name in INSULATED}
    simulation = heat((12, 8), (1.0, 1.0), kinds, interval=0.3)
    field, rate = np.ones(()), 0.0
    for (points, kind), mode in zip(zip((12, 8), along, strict=True), (2, 3), strict=True):
        x = (np.arange(points) + 0.5) / points
        wave = np.sin(mode * np.pi * x) if kind == "dirichlet" else np.cos(mode * np.pi * x)
        field = field[..., None] * wave
        rate += 0.1 * 4 * points**2 * np.sin(mode * np.pi / points / 2) ** 2
    np.testing.assert_allclose(unforced(simulation, field), np.exp(-0.3 * rate) * field, rtol=0, atol=1e-12)


def test_discrete_solutions_converge_at_second_order() -> None:
    """A heated wall and an insulated one: the continuous quarter-waves sin((m + 1/2) pi x) decay like exp(-k^2 t)."""

    def error(points: int) -> float:
        simulation = heat((points,), (1.0,), {"right": Wall("neumann")}, interval=1.0)
        x = simulation.grid.coordinates["x"]
        waves = [(1.0, np.pi / 2), (0.5, 3 * np.pi / 2)]
        start = sum(a * np.sin(k * x) for a, k in waves)
        exact = sum(a * np.exp(-0.1 * k**2) * np.sin(k * x) for a, k in waves)
        return float(np.abs(unforced(simulation, start) - exact).max())

    errors = [error(points) for points in (16, 32, 64)]
    assert errors[-1] < 1e-4
    assert np.log2(errors[1] / errors[2]) == pytest.approx(2, abs=0.05), errors


def test_insulated_heat_is_conserved() -> None:
    """Between walls that let nothing in, the mean stays to rounding while everything else decays."""
    simulation = heat((8, 10), (1.0, 2.0), INSULATED, interval=5.0)
    field = 0.7 + np.random.default_rng(0).normal(size=(8, 10))
    end = unforced(simulation, field)
    assert end.mean() == pytest.approx(field.mean(), abs=1e-14)
    assert end.std() < 0.5 * field.std()


def test_steady_profiles_between_prescribed_walls_are_linear_and_exact() -> None:
    """From 1 to 3 between two temperatures; from 2 by a flux kappa du/dn = -0.15: both stay to rounding."""
    between = heat((7,), (2.0,), {"left": Wall("dirichlet", 1.0), "right": Wall("dirichlet", 3.0)})
    x = between.grid.coordinates["x"]
    np.testing.assert_allclose(unforced(between, 1 + x), 1 + x, rtol=0, atol=1e-13)
    cooled = heat((7,), (2.0,), {"left": Wall("dirichlet", 2.0), "right": Wall("neumann", -0.15)})
    np.testing.assert_allclose(unforced(cooled, 2 - 1.5 * x), 2 - 1.5 * x, rtol=0, atol=1e-13)


def test_steady_profiles_are_reached_from_anywhere() -> None:
    """After many diffusive times nothing is left of the start, on walls whose temperatures are actions."""
    actuators = boundary_values(BoundedGrid.cells((6,), (1.0,)), walls=("left", "right"), limit=5.0)
    simulation = heat((6,), (1.0,), {"left": Wall("dirichlet", 1.0)}, interval=100.0, actuators=actuators)
    action = torch.tensor([[1.0, 4.0]], dtype=torch.float64)
    end = simulation.advance(torch.randn(1, 1, 6, dtype=torch.float64), action)[0, 0].numpy()
    np.testing.assert_allclose(end, 2 + 2 * simulation.grid.coordinates["x"], rtol=0, atol=1e-12)


def test_uniform_heating_between_insulated_walls_raises_the_mean_alone() -> None:
    """du/dt = a: u rises by a times the interval everywhere, where the rates are zero."""
    simulation = heat((4, 6), (1.0, 1.0), INSULATED, interval=0.7)
    end = simulation.advance(torch.zeros(1, 1, 4, 6, dtype=torch.float64), torch.tensor([[0.4]], dtype=torch.float64))
    torch.testing.assert_close(end, torch.full_like(end, 0.28), rtol=0, atol=1e-14)


def test_intervals_of_any_length_are_exact() -> None:
    """Eight intervals are one of eight times the length, and a very short one follows the rates."""
    short, long = mixed(interval=0.25), mixed(interval=2.0)
    state, action = draw(long, 2)
    end = state
    for _ in range(8):
        end = short.advance(end, action)
    torch.testing.assert_close(end, long.advance(state, action), rtol=0, atol=1e-13)
    tiny = mixed(interval=1e-6)
    drift, response = tiny.rates(state)
    rate = drift + (action[:, :, None, None, None] * response).sum(dim=1)
    torch.testing.assert_close((tiny.advance(state, action) - state) / 1e-6, rate, rtol=1e-3, atol=1e-3)


def test_budgets_are_the_averages_of_instantaneous_ones_and_close() -> None:
    """Gauss quadrature of the budgets at 20 times in an interval, without eigenvectors, to 1e-10."""
    simulation = mixed(diffusivity=[0.05, 0.2])
    state, action = draw(simulation, 2)
    end, budgets = simulation.advance_with_fluxes(state, action)
    assert torch.equal(end, simulation.advance(state, action))
    nodes, weights = np.polynomial.legendre.leggauss(20)
    moments = [mixed([0.05, 0.2], interval=0.25 * (1 + node)).advance(state, action) for node in nodes]
    within = [simulation.budgets(moment) for moment in moments]
    before, after = simulation.functionals(state), simulation.functionals(end)
    for name, budget in budgets.items():
        for part in ("source", "output"):
            average = sum(w / 2 * getattr(b[name], part) for w, b in zip(weights, within, strict=True))
            torch.testing.assert_close(
                getattr(budget, part), average.expand_as(getattr(budget, part)), rtol=0, atol=1e-10
            )
        closed = 0.5 * (budget.source + (action * budget.output).sum(dim=1))
        torch.testing.assert_close(closed, after[name] - before[name], rtol=0, atol=1e-14)


def test_the_mean_changes_by_what_walls_and_heaters_put_in() -> None:
    """An insulated interval with flux q at one wall and a heater: d<u>/dt = q / L + <f>."""
    grid = BoundedGrid.cells((5,), (2.0,))
    heater = boxes(grid, intervals=[(0.0, 0.8)], limit=1.0, acts_on="u")  # the first two cells of five
    actuators = heater + boundary_values(grid, walls=("right",), limit=1.0)
    walls = {"left": Wall("neumann", 0.3), "right": Wall("neumann")}
    simulation = heat((5,), (2.0,), walls, interval=1.5, actuators=actuators)
    action = torch.tensor([[0.6, -0.5]], dtype=torch.float64)
    end = simulation.advance(torch.zeros(1, 1, 5, dtype=torch.float64), action)
    assert end.mean().item() == pytest.approx(1.5 * (0.3 / 2 - 0.5 / 2 + 0.6 * 2 / 5), abs=1e-14)


def test_gradients_are_those_of_a_linear_map() -> None:
    """gradcheck of one interval in state and action."""
    simulation = mixed()
    state, action = draw(simulation, 1)
    assert torch.autograd.gradcheck(simulation.advance, (state.requires_grad_(), action.requires_grad_()))


def test_transposed_problems_have_transposed_solutions() -> None:
    """x and y are alike: left is bottom, right is top."""
    walls = {"left": Wall("dirichlet", 0.5), "right": Wall("neumann", 0.1), "top": Wall("neumann", 0.4)}
    turned = {"bottom": walls["left"], "top": walls["right"], "right": walls["top"]}
    field = np.random.default_rng(0).normal(size=(4, 6))
    one, other = heat((4, 6), (1.0, 2.0), walls), heat((6, 4), (2.0, 1.0), turned)
    np.testing.assert_allclose(unforced(one, field), unforced(other, field.T.copy()).T, rtol=0, atol=1e-13)


def test_unknown_walls_and_points_that_are_no_cells_are_refused() -> None:
    """The messages name what is known, and the remedy."""
    with pytest.raises(ValueError, match=r"expected walls left, right, .* got top"):
        heat((5,), (1.0,), {"top": Wall("neumann")})
    impulsive = boxes(BoundedGrid.cells((5,), (1.0,)), intervals=[(0, 1)], limit=1.0, impulsive=True)
    with pytest.raises(ValueError, match="got impulsive ones"):
        heat((5,), (1.0,), {}, actuators=impulsive)
    with pytest.raises(ValueError, match=r"shapes on \(6,\) cells, got \(5,\)"):
        heat((6,), (1.0,), {}, actuators=boundary_values(BoundedGrid.cells((5,), (1.0,)), limit=1.0))
    for extent in (1.0, 1e-9):
        on_walls = BoundedGrid({"x": np.linspace(0, extent, 5)}, (extent,))
        actuators = boundary_values(on_walls, limit=1.0)
        with pytest.raises(ValueError, match=r"cell centres .* Use BoundedGrid.cells"):
            Heat(on_walls, actuators, walls={}, parameters={}, control_interval=0.1)
