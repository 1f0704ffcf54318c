import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simulations import ActionBox, Actuators, PeriodicGrid, gaussian_jets

EPSILON = np.finfo(np.float64).eps
bounds = st.floats(-1e6, 1e6).map(lambda v: round(v, 3))


def box(low: float, high: float) -> ActionBox:
    return ActionBox(("a",), np.array([low]), np.array([high]))


@given(low=bounds, high=bounds, fraction=st.floats(0, 1))
def test_the_maps_to_and_from_the_bounds_are_inverse(low: float, high: float, fraction: float) -> None:
    """Each map undoes the other; rounding grows as |bound| / width, the cancellation in a narrow far-off box."""
    if not low < high:
        low, high = high - 1.0, low + 1.0
    action_box = box(low, high)
    tolerance = 8 * EPSILON * (1 + max(abs(low), abs(high)) / (high - low))
    normalized = torch.tensor([2 * fraction - 1], dtype=torch.float64)
    action = action_box.to_physical(normalized)
    assert action_box.to_normalized(action).item() == pytest.approx(normalized.item(), abs=tolerance)
    back = action_box.to_physical(action_box.to_normalized(action)).item()
    assert back == pytest.approx(action.item(), abs=tolerance * (high - low))


@given(low=bounds, high=bounds, action=st.floats(-1e7, 1e7))
def test_clamped_actions_are_within_bounds_and_inner_ones_untouched(low: float, high: float, action: float) -> None:
    """clamp is the nearest point of the box; exact."""
    if not low < high:
        low, high = high - 1.0, low + 1.0
    clamped = box(low, high).clamp(torch.tensor([action], dtype=torch.float64)).item()
    assert clamped == min(max(action, low), high)


def test_bounds_are_minus_one_and_one_in_normalized_units() -> None:
    """low maps to -1, high to 1, actuator by actuator; exact for these binary fractions."""
    action_box = ActionBox(("a", "b"), np.array([-2.0, 0.5]), np.array([2.0, 1.5]))
    corners = torch.tensor([[-2.0, 0.5], [2.0, 1.5]])
    assert action_box.to_normalized(corners).tolist() == [[-1.0, -1.0], [1.0, 1.0]]
    assert action_box.to_physical(torch.tensor([[-1.0, -1.0], [1.0, 1.0]])).tolist() == corners.tolist()


@given(
    half_points=st.integers(4, 128),
    extent=st.floats(0.1, 100),
    width_in_spacings=st.floats(1.001, 300),
    count=st.integers(1, 8),
)
def test_jets_integrate_to_one(half_points: int, extent: float, width_in_spacings: float, count: int) -> None:
    """Grid sums of a periodic Gaussian are exact to 2 exp(-2 pi^2 (width / spacing)^2) = 6e-9, however wide."""
    grid = PeriodicGrid(2 * half_points, extent)
    jets = gaussian_jets(grid, count=count, width=width_in_spacings * grid.spacing, limit=1.0)
    np.testing.assert_allclose(jets.shapes.sum(axis=1) * grid.spacing, 1.0, atol=6e-9)


@pytest.mark.parametrize("width", [0.5, 10.0])
def test_jets_are_smooth_across_the_end_of_the_period(width: float) -> None:
    """Spectra fall as exp(-(k width)^2 / 2) wherever the jet sits: no kink at its antipode; 1e-14 is rounding."""
    grid = PeriodicGrid(128, 22.0)
    spectra = np.abs(np.fft.rfft(gaussian_jets(grid, count=3, width=width, limit=1.0).shapes)) * grid.spacing
    np.testing.assert_allclose(spectra, np.tile(np.exp(-((grid.wavenumbers * width) ** 2) / 2), (3, 1)), atol=1e-14)


def test_jets_are_centred_at_equal_distances() -> None:
    """Jet j peaks at x = j L / count; exact when that is a grid point."""
    grid = PeriodicGrid(64, 22.0)
    jets = gaussian_jets(grid, count=8, width=0.4, limit=1.0)
    assert jets.shapes.argmax(axis=1).tolist() == list(range(0, 64, 8))


@given(extent=st.floats(1.0, 100.0), width=st.floats(0.01, 1.0))
def test_too_narrow_jets_are_refused_with_a_number_of_points_that_works(extent: float, width: float) -> None:
    """A jet between two grid points would vanish; following the message's advice succeeds."""
    grid = PeriodicGrid(8, extent)
    if width >= grid.spacing:
        return
    with pytest.raises(ValueError, match="at least one grid spacing wide") as refusal:
        gaussian_jets(grid, count=1, width=width, limit=1.0)
    advised = int(re.search(r"num_points = (\d+)", str(refusal.value))[1])
    gaussian_jets(PeriodicGrid(max(advised, 8), extent), count=1, width=width, limit=1.0)


@pytest.mark.parametrize("width", [0.0, -1.0, np.nan])
def test_widths_that_are_no_length_are_refused(width: float) -> None:
    """A jet has a positive width; advice on the number of points would be nonsense."""
    with pytest.raises(ValueError, match=f"width > 0, got {width}"):
        gaussian_jets(PeriodicGrid(8, 1.0), count=1, width=width, limit=1.0)


def test_boxes_without_room_or_of_wrong_length_are_refused() -> None:
    """Bounds are one increasing pair per actuator, and shapes one profile per actuator."""
    with pytest.raises(ValueError, match="low < high"):
        box(1.0, 1.0)
    with pytest.raises(ValueError, match="low < high"):
        box(np.nan, 1.0)
    with pytest.raises(ValueError, match=r"2 actuators, got shapes \(1,\) and \(2,\)"):
        ActionBox(("a", "b"), np.zeros(1), np.ones(2))
    with pytest.raises(ValueError, match=r"each of 1 actions, got \(2, 8\)"):
        Actuators(box(-1.0, 1.0), np.zeros((2, 8)))
