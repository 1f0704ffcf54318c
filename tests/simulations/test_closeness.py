"""Numbers are compared by their own size: a grid in nanometres like the same one in metres."""

import numpy as np
import pytest

from simulations.closeness import close, constant, even, same_positions

SCALES = (1e-200, 1e-9, 1.0, 1e9, 1e200)


@pytest.mark.parametrize("scale", SCALES)
def test_numbers_of_any_size_are_compared_relatively(scale: float) -> None:
    assert close(scale * 3.0, scale * (1.0 + 2.0 + 1e-10))
    assert not close(scale, scale * (1 + 1e-6))
    assert not close(scale * np.array([1.0, 2.0]), scale * np.array([1.0, 2.1]))
    assert close(scale * np.ones(3), scale)


def test_zero_other_shapes_and_what_is_not_finite() -> None:
    assert close(0, 0)
    assert not close(0, 1e-300)
    assert close([0.0, 1.0], [1e-12, 1.0])  # zero beside one: the scale is one
    assert not close([1.0, 2.0], [1.0, 2.0, 3.0])
    assert not close(np.nan, np.nan)
    assert close([np.inf, 1.0], [np.inf, 1.0])
    assert not close(np.inf, 1.0)


@pytest.mark.parametrize("scale", SCALES)
def test_positions_are_compared_by_the_spacing(scale: float) -> None:
    """Wherever the grid begins, and however its points are ordered."""
    x = scale * (100 + np.arange(8.0))
    assert same_positions(x, x + 1e-4 * scale)
    assert not same_positions(x, x + 1e-2 * scale)
    assert not same_positions(x[::-1], x)
    assert not same_positions(x, x[:-1])


def test_positions_of_single_precision_are_those_of_double() -> None:
    days = 80000 + np.arange(48) / 24  # hourly in days: single precision has steps of 11 minutes there
    coarse = 8000 + np.arange(48) / 24
    assert same_positions(coarse, coarse.astype("f4"))
    assert not same_positions(days, days.astype("f4"))  # a fifth of the step is no rounding to be forgiven
    assert same_positions(850.1, np.float32(850.1))
    assert not same_positions(850.1, 850.2)


@pytest.mark.parametrize("scale", SCALES)
def test_even_grids_of_any_size(scale: float) -> None:
    x = np.arange(64) * 22 / 64
    assert even(scale * x)
    assert even(scale * x[::-1])
    assert not even(scale * np.sort(np.random.default_rng(0).uniform(0, 22, 64)))
    assert not even(scale * np.array([0, 1, 2, 3, 4, 5, 9, 30.0]))
    assert not even(scale * np.array([0, 1, 2, 3.1]))


@pytest.mark.parametrize("decimals", [2, 3, 5])
@pytest.mark.parametrize("count", [64, 50, 7])
def test_grids_rounded_to_decimals_are_even(decimals: int, count: int) -> None:
    assert even((np.arange(count) * 22 / 64).round(decimals))


@pytest.mark.parametrize("kind", ["f2", "f4"])
def test_grids_of_low_precision_are_even(kind: str) -> None:
    x = (np.arange(64) * 0.35).astype(kind)
    assert even(x)
    assert even(x.astype(float))  # the type is forgotten, the values still show it


def test_integers_that_skip_are_not_rounded_even_ones() -> None:
    assert not even([0, 1, 2, 4])
    assert not even([0, 10, 20, 31])
    assert not even([1.0, 1.0, 1.0])
    assert not even([0.0, np.nan, 2.0])
    assert not even((1e7 + np.arange(9) * 0.25).astype("f4"))  # steps of 0 and 1: the digits are lost


@pytest.mark.parametrize("scale", SCALES[1:-1])
@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_constants_up_to_rounding(scale: float, kind: str) -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, 100)
    step = np.finfo(kind).eps
    values = scale * np.stack([1 + 2 * step * noise, 1 + 100 * step * noise, 0 * noise, -1e-3 * np.ones(100)])
    assert constant(values.astype(kind), axis=1).tolist() == [True, False, True, True]
    assert not constant([1.0, np.nan])
    assert constant([3, 3, 3])
