"""The Riccati equation against scipy, closed forms, and systems that algebraic solvers refuse."""

import itertools
import re

import numpy as np
import pytest
import scipy.linalg
from numpy.typing import NDArray

from sciwm.planning.riccati import riccati
from sciwm.planning.unreached_modes import NoSolution

Matrix = NDArray[np.float64]
EPSILON = float(np.finfo(np.float64).eps)


def solved(a: Matrix, b: Matrix, q: Matrix, r: Matrix) -> tuple[Matrix, Matrix]:
    """P = Q + W, and K."""
    value, gain = riccati(a, b, q, r, precision=EPSILON)
    return q + value, gain


def by_scipy(a: Matrix, b: Matrix, q: Matrix, r: Matrix) -> tuple[Matrix, Matrix]:
    p = scipy.linalg.solve_discrete_are(a, b, q, r)
    return p, np.linalg.solve(r + b.T @ p @ b, b.T @ p @ a)


def sampled(rates: Matrix, effect: Matrix, interval: float) -> tuple[Matrix, Matrix]:
    """A and B of ``x' = rates x + effect a`` with a held for an interval."""
    n, m = effect.shape
    whole = scipy.linalg.expm(interval * np.block([[rates, effect], [np.zeros((m, n + m))]]))
    return whole[:n, :n], whole[:n, n:]


@pytest.mark.parametrize("interval", [1e-4, 1e-3, 1e-2, 0.1, 1.0])
@pytest.mark.parametrize("growth", [-0.2, 0.0, 0.5], ids=["stable", "neutral", "growing"])
def test_short_and_long_intervals_agree_with_scipy(interval: float, growth: float) -> None:
    """Waves that decay, stay or grow under two actuators; a law of 1e-4 looks a hundred thousand intervals ahead."""
    wavenumbers = np.arange(1, 7)
    rates = np.diag(growth - 0.1 * (wavenumbers - 1.0) ** 2) + np.diag(np.full(5, 0.3), 1)
    effect = np.stack([np.sin(wavenumbers), np.cos(2.0 * wavenumbers)], axis=1)
    system = (*sampled(rates, effect, interval), np.eye(6) / 6, 0.005 * np.eye(2))
    for ours, theirs in zip(solved(*system), by_scipy(*system), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6 * np.abs(theirs).max())


@pytest.mark.parametrize("ratio", [1e-10, 1e-4, 1e4, 1e10])
def test_cheap_and_dear_actions_leave_a_small_residual(ratio: float) -> None:
    """The equation itself, as algebraic solvers lose their digits where actions are dear."""
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(8, 8)) / 2.5, rng.normal(size=(8, 2))
    q, r = np.eye(8), ratio * np.eye(2)
    p, gain = solved(a, b, q, r)
    np.testing.assert_allclose(q + a.T @ p @ (a - b @ gain), p, rtol=1e-8, atol=1e-8 * np.abs(p).max())
    assert np.abs(np.linalg.eigvals(a - b @ gain)).max() < 1


def test_actions_that_cost_nothing_bring_the_state_to_rest_in_one_interval() -> None:
    """Deadbeat: K = B^-1 A and nothing left to pay; of two equal actuators each does half."""
    p, gain = solved(np.diag([0.9, 1.2]), np.eye(2), np.eye(2), np.zeros((2, 2)))
    np.testing.assert_allclose(gain, np.diag([0.9, 1.2]), rtol=1e-12)
    np.testing.assert_allclose(p, np.eye(2), atol=1e-12)
    _, gain = solved(np.array([[1.2]]), np.ones((1, 2)), np.eye(1), np.zeros((2, 2)))
    np.testing.assert_allclose(gain, [[0.6], [0.6]], rtol=1e-8)


def test_a_singular_transition_and_costs_with_rounding_errors() -> None:
    """A shift forgets its last number; the cost is neither quite symmetric nor quite positive."""
    a, b, r = np.diag(np.ones(3), 1), np.array([[0.0], [0.0], [0.0], [1.0]]), np.eye(1)
    q = np.diag([1.0, 0.0, 0.0, 0.0])
    spoilt = q.copy()
    spoilt[0, 1], spoilt[2, 2] = 1e-15, -1e-16
    for ours, theirs in zip(solved(a, b, spoilt, r), by_scipy(a, b, q, r), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.999, 1 - 1e-6])
def test_modes_that_decay_without_actuators_are_summed(decay: float) -> None:
    """Their cost to go is the geometric series; the other mode has the scalar solution."""
    value, gain = riccati(np.diag([decay, 1.2]), np.array([[0.0], [1.0]]), np.eye(2), np.eye(1), precision=EPSILON)
    assert value[0, 0] == pytest.approx(decay**2 / (1 - decay**2), rel=1e-8)
    p = (1.44 + np.sqrt(1.44**2 + 4)) / 2  # p = 1 + 1.44 p / (1 + p)
    assert value[1, 1] == pytest.approx(p - 1, rel=1e-12)
    assert gain == pytest.approx(np.array([[0.0, 1.2 * p / (1 + p)]]), abs=1e-12)


def test_neutral_modes_without_a_cost_are_left_alone() -> None:
    """Whether or not they are reached; with a cost, those that are reached are brought to rest."""
    for effect in ([[0.0], [1.0]], [[1.0], [1.0]]):
        _, gain = riccati(np.diag([1.0, 0.9]), np.array(effect), np.diag([0.0, 1.0]), np.eye(1), precision=EPSILON)
        assert abs(gain[0, 0]) < 1e-9
    a, b = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[0.0], [1.0]])
    np.testing.assert_allclose(
        solved(a, b, np.eye(2), np.eye(1))[1], by_scipy(a, b, np.eye(2), np.eye(1))[1], rtol=1e-9
    )


ROTATION = np.array([[0.0, -1.0], [1.0, 0.0]])
DRAWN = np.random.default_rng(5).uniform(size=(40, 2))


def rotating(interval: float, rate: float, effect: float, decay: float = 0.0) -> tuple[Matrix, Matrix]:
    """An oscillator beside a mode that decays and is reached, both in units of their own."""
    rates = scipy.linalg.block_diag(rate * ROTATION - decay * np.eye(2), -0.5)
    unit = np.array([1.0, 1e3, 1.0])
    a, b = sampled(rates, np.array([[effect], [0.0], [1.0]]), interval)
    return unit[:, None] * a / unit, unit[:, None] * b


@pytest.mark.parametrize("decades", [(-4, 0), (-7, -5)])
def test_a_neutral_mode_that_costs_and_is_not_reached_is_refused_whatever_rounding_does(
    decades: tuple[int, int],
) -> None:
    """An undamped oscillator; its cost grows for ever, and rounding alone may let it settle."""
    for interval, rate in zip(10 ** (decades[0] + np.ptp(decades) * DRAWN[:, 0]), 0.3 + 3 * DRAWN[:, 1], strict=True):
        a, b = rotating(interval, rate, 0.0)
        with pytest.raises(NoSolution, match="never decays") as refusal:
            riccati(a, b, interval * np.eye(3), interval * np.eye(1), precision=EPSILON)
        (mode,) = refusal.value.modes
        assert abs(np.angle(mode.eigenvalue)) == pytest.approx(interval * rate, rel=1e-6)


@pytest.mark.parametrize("decades", [(-4, 0), (-7, -5)])
def test_neutral_modes_that_cost_nothing_or_are_reached_and_modes_that_decay_are_accepted(
    decades: tuple[int, int],
) -> None:
    for interval, rate in zip(10 ** (decades[0] + np.ptp(decades) * DRAWN[:, 0]), 0.3 + 3 * DRAWN[:, 1], strict=True):
        r = interval * np.eye(1)
        free, decaying = rotating(interval, rate, 0.0), rotating(interval, rate, 0.0, decay=1e-3)
        value, _ = riccati(*free, interval * np.diag([0.0, 0.0, 1.0]), r, precision=EPSILON)
        np.testing.assert_allclose(value[:2], 0, atol=1e-12)
        value, _ = riccati(*decaying, interval * np.diag([1.0, 1e-6, 0.0]), r, precision=EPSILON)
        assert value[0, 0] == pytest.approx(1 / (2 * 1e-3), rel=2 * interval + 1e-6)
        system = (*rotating(interval, rate, 1.0), interval * np.diag([1.0, 1e-6, 1.0]), r)
        for ours, theirs in zip(solved(*system), by_scipy(*system), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6 * np.abs(theirs).max())


def test_what_a_neutral_mode_costs_is_that_of_its_state_and_of_what_it_moves() -> None:
    """Of equal oscillators, of a drift at a constant speed, and of a mode that another one hides."""
    drift, still = np.array([[1.0, 0.0], [1.0, 1.0]]), np.diag([1.0, 1.0, 0.5])
    twice = scipy.linalg.block_diag(*[scipy.linalg.expm(0.3 * ROTATION)] * 2, 0.5)
    alone, both = np.array([[0.0], [0.0], [1.0]]), np.array([[0.0], [1.0], [1.0]])
    hides = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    for a, b, q, accepted in (
        (twice, np.eye(5)[:, 4:], np.diag([0.0, 0.0, 0.0, 0.0, 1.0]), True),
        (twice, np.eye(5)[:, 4:], np.diag([1.0, 1.0, 0.0, 0.0, 1.0]), False),
        (twice, np.eye(5)[:, 4:], np.diag([0.0, 0.0, 1.0, 1.0, 1.0]), False),
        (scipy.linalg.block_diag(drift, 0.5), alone, np.diag([0.0, 0.0, 1.0]), True),
        (scipy.linalg.block_diag(drift, 0.5), alone, np.diag([0.0, 1.0, 1.0]), False),
        (scipy.linalg.block_diag(drift, 0.5), alone, np.diag([1.0, 0.0, 1.0]), False),
        (still, both, hides, True),  # the second, which is reached, takes the opposite of the first
        (still, alone, hides, False),
    ):
        try:
            riccati(a, b, q, np.eye(1), precision=EPSILON)
        except NoSolution:
            assert not accepted, (a, q)
        else:
            assert accepted, (a, q)


def test_growing_modes_without_a_cost_are_turned_round() -> None:
    """With the least effort: 1.25 becomes 1 / 1.25, for P = (1.25^2 - 1) and K = 1.25 - 1 / 1.25."""
    a, b = np.diag([1.25, 0.5]), np.array([[1.0], [0.0]])
    p, gain = solved(a, b, np.zeros((2, 2)), np.eye(1))
    np.testing.assert_allclose(p, np.diag([1.25**2 - 1, 0.0]), atol=1e-12)
    np.testing.assert_allclose(gain, [[1.25 - 1 / 1.25, 0.0]], atol=1e-12)


TURN = 1.1 * np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
UNREACHED = {
    "growing": (np.array([[1.05, 0.2], [0.0, 0.9]]), (0,), 1.05, "grows by 1.05 per interval"),
    "growing slowly": (np.diag([0.5, 1 + 1e-7]), (1,), 1 + 1e-7, "grows by 1.0000001 per interval"),
    "turning": (scipy.linalg.block_diag(0.5, TURN), (1, 2), 1.1, "eigenvalue 1.05087+0.325072j"),
    "neutral": (np.diag([0.9, 0.5, 1.0]), (2,), 1.0, "never decays"),
}


@pytest.mark.parametrize(("a", "components", "growth", "told"), UNREACHED.values(), ids=UNREACHED)
def test_modes_that_no_actuator_reaches_are_named(
    a: Matrix, components: tuple[int, ...], growth: float, told: str
) -> None:
    """By eigenvalue, growth and where they are in the state: it is the right eigenvector that says this."""
    with pytest.raises(NoSolution) as refusal:
        riccati(a, np.zeros((len(a), 1)), np.eye(len(a)), np.eye(1), precision=EPSILON)
    (mode,) = refusal.value.modes
    assert sorted(mode.components) == list(components)
    assert abs(mode.eigenvalue) == pytest.approx(growth, rel=1e-12)
    assert told in str(refusal.value)


def test_one_actuator_cannot_hold_two_modes_of_one_growth() -> None:
    """Their difference is not reached."""
    with pytest.raises(NoSolution) as refusal:
        riccati(np.diag([1.1, 1.1, 0.5]), np.array([[1.0], [1.0], [1.0]]), np.eye(3), np.eye(1), precision=EPSILON)
    assert [mode.eigenvalue for mode in refusal.value.modes] == [pytest.approx(1.1)]


def test_a_stable_shift_without_actuators_is_stable() -> None:
    """Rounding scatters the eigenvalues of a chain of delays, all zero; its cost to go is a finite sum."""
    a = 5 * np.diag(np.ones(11), 1)
    value, _ = riccati(a, np.zeros((12, 1)), np.eye(12), np.eye(1), precision=EPSILON)
    np.testing.assert_allclose(np.diag(value), [sum(25.0**k for k in range(1, n + 1)) for n in range(12)], rtol=1e-12)


def test_numbers_beyond_all_bounds_are_refused_in_words_and_without_a_warning() -> None:
    """As ``linear_law`` passes them on; errors of linear algebra get words of its own."""
    rng = np.random.default_rng(0)
    for growth, reach, cost, effort in itertools.product(
        (1e60, 1e120, 1e300), (1e-200, 1.0, 1e160), (0.0, 1e-300, 1e140), (0.0, 1.0, 1e140)
    ):
        a, b = growth * rng.normal(size=(3, 3)), reach * rng.normal(size=(3, 1))
        try:
            _, gain = riccati(a, b, cost * np.eye(3), effort * np.eye(1), precision=EPSILON)
        except (NoSolution, np.linalg.LinAlgError):
            continue
        except ValueError as error:
            assert re.match("Expected .*, got .*", str(error))
        else:
            assert np.isfinite(gain).all()


def test_costs_that_have_no_least_are_refused() -> None:
    for q, told in (
        (-np.eye(1), "falls away"),
        (np.array([[np.nan]]), "got nan in the state"),
        (1e308 * np.eye(1), "smaller weights"),
    ):
        with pytest.raises(ValueError, match=told):
            riccati(np.eye(1), np.eye(1), q, np.eye(1), precision=EPSILON)
    with pytest.raises(ValueError, match="finite derivatives at the target"):
        riccati(np.array([[np.inf]]), np.eye(1), np.eye(1), np.eye(1), precision=EPSILON)
