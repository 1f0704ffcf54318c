from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import root

EXTENT = 22.0


@dataclass(frozen=True)
class Attractor:
    """Means over a batch of trajectories and over time."""

    exponent: float
    root_mean_square: float
    mean_square_slope: float
    mean_square_curvature: float
    largest_mean_flow: float


@pytest.fixture(scope="module")
def attractor(cases: Mapping[str, Any]) -> Attractor:
    """64 trajectories of 1000 time units after 150 on the standard domain."""
    return measure(cases, extent=EXTENT, num_points=48, batch=64, units=1000)


def measure(cases: Mapping[str, Any], *, extent: float, num_points: int, batch: int, units: int) -> Attractor:
    """Trajectories after 150 time units, each with a twin 1e-7 away that is brought back once per unit."""
    simulation = cases["kuramoto_sivashinsky"].build(
        num_points=num_points,
        domain_extent=extent,
        control_interval=1.0,
        jets={"count": 1, "width": 1.0, "limit": 1.0},
    )
    rng = np.random.default_rng(0)
    waves = np.stack([simulation.initial_state(rng, amplitude=1.0) for _ in range(batch)])
    fields = torch.tensor(waves - waves.mean(axis=-1, keepdims=True))
    k = torch.tensor(simulation.grid.wavenumbers[0])
    weights = torch.tensor(simulation.grid.parseval_weights)
    zero = torch.zeros(2 * batch, 1, dtype=torch.float64)
    offset = torch.tensor(rng.normal(size=waves.shape))
    offset -= offset.mean(dim=-1, keepdim=True)
    growth, squares = [], []
    for unit in range(150 + units):
        size = offset.square().mean(dim=-1, keepdim=True).sqrt()
        offset *= 1e-7 / size
        ends = simulation.advance(torch.cat([fields, fields + offset]), zero)
        fields, offset = ends[:batch], ends[batch:] - ends[:batch]
        if unit >= 150:
            growth.append(torch.log(offset.square().mean(dim=-1).sqrt() / 1e-7).mean().item())
            power = weights * simulation.spectrum(fields).abs().square()
            squares.append([(k ** (2 * n) * power).sum(dim=-1).mean().item() for n in range(3)])
    energy, slope, curvature = np.mean(squares, axis=0)
    return Attractor(np.mean(growth), np.sqrt(energy), slope, curvature, fields.mean(dim=-1).abs().max().item())


def test_the_leading_lyapunov_exponent_is_the_published_one(attractor: Attractor) -> None:
    """0.043 to 0.048 in the literature and 0.048 to 0.050 in long runs; the standard error here is 0.0009."""
    assert 0.043 < attractor.exponent < 0.055, attractor


def test_the_attractor_has_the_known_mean_squares(attractor: Attractor) -> None:
    """u_rms = 1.185 and <u_x^2> = <u_xx^2> = 0.92, to 2 %: several times the sampling errors of 0.2 and 0.5 %.

    Slope and curvature agree to 1e-3, because energy neither grows nor decays over 1000 time units.
    """
    assert attractor.root_mean_square == pytest.approx(1.185, rel=0.02), attractor
    assert attractor.mean_square_slope == pytest.approx(0.92, rel=0.02), attractor
    assert attractor.mean_square_curvature == pytest.approx(attractor.mean_square_slope, rel=1e-3), attractor


@pytest.mark.parametrize(
    ("extent", "num_points", "lowest", "highest", "root_mean_square"),
    [(60.0, 128, 0.080, 0.094, 1.306), (100.0, 216, 0.084, 0.099, None)],
)
def test_longer_domains_are_more_chaotic(
    extent: float,
    num_points: int,
    lowest: float,
    highest: float,
    root_mean_square: float | None,
    cases: Mapping[str, Any],
) -> None:
    """Known exponents 0.083 to 0.091 at L = 60 and 0.087 to 0.096 at L = 100; standard errors here: 0.001."""
    attractor = measure(cases, extent=extent, num_points=num_points, batch=16, units=350)
    assert lowest < attractor.exponent < highest, attractor
    if root_mean_square is not None:
        assert attractor.root_mean_square == pytest.approx(root_mean_square, rel=0.02), attractor
        assert attractor.mean_square_slope == pytest.approx(1.095, rel=0.03), attractor


def test_the_mean_flow_is_conserved_by_chaos(attractor: Attractor) -> None:
    """<u> starts at zero and is still zero to rounding after thousands of steps."""
    assert attractor.largest_mean_flow < 1e-13, attractor


@pytest.mark.parametrize(("waves", "energy"), [(1, 0.2609), (2, 0.4382), (3, 1.5876)])
def test_the_equilibria_are_steady_and_have_the_published_energies(
    waves: int, energy: float, cases: Mapping[str, Any]
) -> None:
    """Newton's method on sum_k b_k sin(k x), from 2 sin of one wave, finds <u^2>/2 to the published digits.

    Cvitanovic et al. (2010), doi:10.1137/070705623. These states are unstable, at rates below one: over ten time
    units rounding of 1e-15 grows to less than 1e-9.
    """
    simulation = cases["kuramoto_sivashinsky"].build()
    k = 2 * np.pi * np.arange(1, 22) / EXTENT
    sines = np.sin(np.outer(k, np.arange(128) * EXTENT / 128))
    cosines = np.cos(np.outer(k, np.arange(128) * EXTENT / 128))

    def residual(b: np.ndarray) -> np.ndarray:
        u, slope = b @ sines, (k * b) @ cosines
        return (k**2 - k**4) * b - (u * slope) @ sines.T / 64

    solution = root(residual, 2.0 * (np.arange(1, 22) == waves), tol=1e-13)
    assert solution.success, solution.message
    assert np.sum(solution.x**2) / 4 == pytest.approx(energy, abs=5e-5)

    state = start = torch.tensor(solution.x @ np.sin(np.outer(k, simulation.grid.coordinates["x"])))[None, None]
    for _ in range(40):
        state = simulation.advance(state, torch.zeros(1, len(simulation.actuators), dtype=torch.float64))
    assert (state - start).abs().max() < 1e-9


def test_another_viscosity_is_another_length(cases: Mapping[str, Any]) -> None:
    """If u(x, t) solves the equation with nu = 1, u(x / nu^(1/2), t / nu) / nu^(1/2) solves it with nu."""
    case, nu = cases["kuramoto_sivashinsky"], np.array([0.5, 2.0])
    one = case.build()
    start = torch.tensor(one.initial_state(np.random.default_rng(0), amplitude=1.0))[None]
    rest = torch.zeros(1, len(one.actuators), dtype=torch.float64)
    for value in nu:
        other = case.build(
            parameters={"viscosity": value},
            domain_extent=EXTENT * np.sqrt(value),
            control_interval=one.control_interval * value,
            jets={"count": 8, "width": 1.0, "limit": 1.0},
        )
        expected = one.advance(start, rest) / np.sqrt(value)
        torch.testing.assert_close(other.advance(start / np.sqrt(value), rest), expected, rtol=1e-12, atol=1e-12)
        bent, straight = other.dissipation(expected), one.dissipation(expected * np.sqrt(value))
        assert bent.item() == pytest.approx(straight.item() / value**2)
    assert case.build(parameters={"viscosity": 1.0}).equilibrium(1) == pytest.approx(one.equilibrium(1))
    with pytest.raises(ValueError, match="got a batch"):
        case.build(parameters={"viscosity": nu}).equilibrium(1)
