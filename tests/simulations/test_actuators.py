import copy
import pickle
import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simulations import ActionBox, Actuators, BoundedGrid, PeriodicGrid, boxes, gaussian_jets, sine_modes, uniform

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


@given(
    middle=st.floats(-1e12, 1e12) | st.floats(-1, 1) | st.just(0.0),
    exponent=st.floats(-12, 12),
    shares=st.lists(st.floats(-1, 1), min_size=3, max_size=3),
    double=st.booleans(),
)
def test_scaled_actions_are_in_the_box_to_the_last_bit(
    middle: float, exponent: float, shares: list[float], double: bool
) -> None:
    """Compared with the exact bounds, not with rounded ones: tiny, huge, far from zero, on one side of it."""
    low, high = middle - 10.0**exponent, middle + 1.3 * 10.0**exponent
    dtype = torch.float64 if double else torch.float32
    if not high - low > 8 * torch.finfo(dtype).eps * max(abs(low), abs(high)):
        return  # hardly a number of this precision lies between
    action_box = box(low, high)
    normalized = torch.tensor([[-1.0], [1.0], *([share] for share in shares)], dtype=dtype)
    anywhere = torch.tensor([[0.0], [low], [high], [2 * low - high], [1e30]], dtype=dtype)
    nearest = action_box.nearest(anywhere)
    assert nearest.abs().max() <= 1
    for action in (action_box.to_physical(normalized), action_box.clamp(anywhere), action_box.to_physical(nearest)):
        assert (low <= action.double()).all()
        assert (action.double() <= high).all()
    ends = action_box.to_physical(normalized[:2]).double().flatten().tolist()
    rounding = 4 * torch.finfo(dtype).eps * max(abs(low), abs(high))
    assert ends == pytest.approx([low, high], abs=rounding)


def test_nothing_is_the_nearest_allowed_action() -> None:
    """Zero where it is allowed, otherwise the bound beside it."""
    action_box = ActionBox(("a", "b", "c"), np.array([-1.0, 0.2, -4.0]), np.array([1.0, 0.9, -3.0]))
    assert action_box.nearest(torch.zeros(1, 3)).tolist() == [[0.0, -1.0, 1.0]]


@pytest.mark.parametrize(("low", "high"), [(1e8 + 0.1, 1e8 + 0.2), (1e-50, 1e-49), (-3e38, 3e38)])
def test_a_precision_without_the_bounds_is_refused(low: float, high: float) -> None:
    """The scaled actions would be infinite, nan, or outside."""
    with pytest.raises(ValueError, match=r"torch.float32 holds.*Use torch.float64"):
        box(low, high).to_physical(torch.zeros(1))
    assert low <= box(low, high).to_physical(torch.zeros(1, dtype=torch.float64)).item() <= high
    with pytest.raises(ValueError, match=r"floating-point numbers, got torch\.int64"):
        box(low, high).clamp(torch.zeros(1, dtype=torch.int64))


def test_scaling_within_a_function_transform_leaves_nothing_of_it_behind() -> None:
    """The first use of a box is inside one; later it is used inside another, and copied."""
    action_box = ActionBox(("a", "b"), np.array([-2.0, 0.5]), np.array([2.0, 1.5]))
    for _ in range(2):
        slopes = torch.func.jacrev(action_box.to_physical)(torch.zeros(2))
        assert slopes.tolist() == [[2.0, 0.0], [0.0, 0.5]]
    assert copy.deepcopy(action_box).to_physical(torch.zeros(2)).tolist() == [0.0, 1.0]
    assert torch.func.vmap(action_box.to_normalized)(torch.tensor([[2.0, 0.5]])).tolist() == [[1.0, -1.0]]
    assert pickle.loads(pickle.dumps(action_box)) is not None  # noqa: S301 - its own


def test_symmetric_boxes_scale_by_one_product() -> None:
    """Results of trained models hang on these bits."""
    values = torch.linspace(-1, 1, 1001)[:, None]
    for limit in (0.5, 1.0, 2.0, 3.0, 10.0):
        assert torch.equal(box(-limit, limit).to_physical(values), limit * values)


def test_bounds_are_minus_one_and_one_in_normalized_units() -> None:
    """low maps to -1, high to 1, actuator by actuator; exact for these binary fractions."""
    action_box = ActionBox(("a", "b"), np.array([-2.0, 0.5]), np.array([2.0, 1.5]))
    corners = torch.tensor([[-2.0, 0.5], [2.0, 1.5]])
    assert action_box.to_normalized(corners).tolist() == [[-1.0, -1.0], [1.0, 1.0]]
    assert action_box.to_physical(torch.tensor([[-1.0, -1.0], [1.0, 1.0]])).tolist() == corners.tolist()


def test_boxes_of_one_unit_add_up() -> None:
    """Names and bounds one after the other; a unit or a name twice is refused."""
    both = ActionBox.symmetric(["a"], 1.0, "N") + ActionBox.symmetric(["b", "c"], 2.0, "N")
    assert (both.names, both.low.tolist(), both.high.tolist()) == (("a", "b", "c"), [-1, -2, -2], [1, 2, 2])
    with pytest.raises(ValueError, match="one unit, got 'N' and 'K'"):
        both + ActionBox.symmetric(["d"], 1.0, "K")
    with pytest.raises(ValueError, match="different name for every actuator, got a, b, c, a"):
        both + ActionBox.symmetric(["a"], 1.0, "N")


# Jets ---------------------------------------------------------------------------------------


@given(
    half_points=st.integers(4, 128),
    extent=st.floats(0.1, 100),
    width_in_spacings=st.floats(1.001, 300),
    count=st.integers(1, 8),
    offset=st.floats(0, 1),
)
def test_jets_integrate_to_one(
    half_points: int, extent: float, width_in_spacings: float, count: int, offset: float
) -> None:
    """Grid sums of a periodic Gaussian are exact to 2 exp(-2 pi^2 (width / spacing)^2) = 6e-9, however wide."""
    grid = PeriodicGrid.line(2 * half_points, extent)
    (spacing,) = grid.spacing
    jets = gaussian_jets(grid, count=count, width=width_in_spacings * spacing, limit=1.0, offset=offset)
    np.testing.assert_allclose(jets.shapes.sum(axis=1) * spacing, 1.0, atol=6e-9)


@given(width_in_spacings=st.floats(1.001, 30), counts=st.tuples(st.integers(1, 4), st.integers(1, 4)))
def test_jets_of_two_dimensions_integrate_to_one(width_in_spacings: float, counts: tuple[int, int]) -> None:
    """As in one dimension; the number of jets is the product of those along each."""
    grid = PeriodicGrid((12, 20), (3.0, 4.0))
    jets = gaussian_jets(grid, count=counts, width=width_in_spacings * max(grid.spacing), limit=1.0)
    assert jets.shapes.shape == (counts[0] * counts[1], 12, 20)
    np.testing.assert_allclose(jets.shapes.sum(axis=(1, 2)) * np.prod(grid.spacing), 1.0, atol=2e-8)


@pytest.mark.parametrize("width", [0.5, 10.0])
def test_jets_are_smooth_across_the_end_of_the_period(width: float) -> None:
    """Spectra fall as exp(-(k width)^2 / 2) wherever the jet sits: no kink at its antipode; 1e-14 is rounding."""
    grid = PeriodicGrid.line(128, 22.0)
    spectra = np.abs(np.fft.rfft(gaussian_jets(grid, count=3, width=width, limit=1.0).shapes)) * grid.spacing[0]
    np.testing.assert_allclose(spectra, np.tile(np.exp(-((grid.wavenumbers[0] * width) ** 2) / 2), (3, 1)), atol=1e-14)


def test_jets_are_centred_at_equal_distances() -> None:
    """Jet j peaks at x = (j + offset) L / count; exact when that is a grid point."""
    grid = PeriodicGrid.line(64, 22.0)
    for offset in (0.0, 0.5):
        jets = gaussian_jets(grid, count=8, width=0.4, limit=1.0, offset=offset)
        assert jets.shapes.argmax(axis=1).tolist() == list(range(int(8 * offset), 64, 8))


def test_jets_of_two_dimensions_are_centred_on_a_lattice() -> None:
    """x varies slowest, as in the fields, and a jet falls off alike in both directions; exact on grid points."""
    grid = PeriodicGrid((24, 32), (6.0, 8.0))
    jets = gaussian_jets(grid, count=(2, 4), width=0.5, limit=1.0, offset=0.5)
    peaks = [tuple(int(i) for i in np.unravel_index(shape.argmax(), grid.shape)) for shape in jets.shapes]
    assert peaks == [(x, y) for x in (6, 18) for y in (4, 12, 20, 28)]
    first = jets.shapes[0]
    np.testing.assert_allclose(first[6, 4:12], first[6:14, 4], rtol=1e-12)
    assert jets.box.names == tuple(f"jet_{j}" for j in range(8))


@pytest.mark.parametrize("dimensions", [1, 2])
def test_peaks_and_means_of_jets_are_as_asked(dimensions: int) -> None:
    """One at the centre, up to images below 1e-13, or exactly no mean: the mean flow is then not driven."""
    grid = PeriodicGrid((32, 64)[:dimensions], (8.0, 16.0)[:dimensions])
    peak = gaussian_jets(grid, count=2, width=0.5, limit=1.0, normalization="peak")
    space = tuple(range(1, 1 + dimensions))
    np.testing.assert_allclose(peak.shapes.max(axis=space), 1.0, atol=1e-13)
    for normalization in ("peak", "integral"):
        mean_free = gaussian_jets(grid, count=2, width=0.5, limit=1.0, normalization=normalization, zero_mean=True)
        np.testing.assert_allclose(mean_free.shapes.mean(axis=space), 0.0, atol=1e-15)
    np.testing.assert_allclose(np.diff(mean_free.shapes), np.diff(integral_jets(grid).shapes), atol=1e-14)


def integral_jets(grid: PeriodicGrid) -> Actuators:
    return gaussian_jets(grid, count=2, width=0.5, limit=1.0)


@given(extent=st.floats(1.0, 100.0), width=st.floats(0.01, 1.0))
def test_too_narrow_jets_are_refused_with_a_number_of_points_that_works(extent: float, width: float) -> None:
    """A jet between two grid points would vanish; following the message's advice succeeds."""
    grid = PeriodicGrid.line(8, extent)
    if width >= grid.spacing[0]:
        return
    with pytest.raises(ValueError, match="at least one grid spacing wide") as refusal:
        gaussian_jets(grid, count=1, width=width, limit=1.0)
    advised = int(re.search(r"num_points = (\d+)", str(refusal.value))[1])
    gaussian_jets(PeriodicGrid.line(max(advised, 8), extent), count=1, width=width, limit=1.0)


@pytest.mark.parametrize("width", [0.0, -1.0, np.nan])
def test_widths_that_are_no_length_are_refused(width: float) -> None:
    """A jet has a positive width; advice on the number of points would be nonsense."""
    with pytest.raises(ValueError, match=f"expected a finite width > 0, got {width}"):
        gaussian_jets(PeriodicGrid.line(8, 1.0), count=1, width=width, limit=1.0)


@pytest.mark.parametrize("count", [0, (2,), (2, 2, 2), (2, 0)])
def test_counts_that_fit_no_lattice_are_refused(count: int | tuple[int, ...]) -> None:
    """One number of jets along each dimension, each at least one."""
    with pytest.raises(ValueError, match="count of jets along each of x, y, got"):
        gaussian_jets(PeriodicGrid.square(8, 1.0), count=count, width=0.2, limit=1.0)


# Sine modes, boxes, uniform ---------------------------------------------------------------


def test_sine_modes_are_sines_and_cosines_of_each_wavenumber() -> None:
    """Two orthogonal shapes of mean square 1/2 for each mode, constant along y; 1e-14 is rounding."""
    grid = PeriodicGrid((16, 8), (3.0, 5.0))
    waves = sine_modes(grid, modes=[1, 3], limit=1.0)
    x = grid.mesh[0]
    for j, shape in enumerate(waves.shapes):
        k = 2 * np.pi * (1, 3)[j // 2] / 3.0
        np.testing.assert_allclose(shape, ((np.sin, np.cos)[j % 2])(k * x) + 0 * shape, atol=1e-14)
    flat = waves.shapes.reshape(4, -1)
    np.testing.assert_allclose(flat @ flat.T / flat.shape[1], np.eye(4) / 2, atol=1e-14)


@pytest.mark.parametrize(("modes", "advised"), [([4], 10), ([1, 6], 14)])
def test_modes_that_the_grid_does_not_hold_are_refused(modes: list[int], advised: int) -> None:
    """At 8 points mode 3 is the last with a sine and a cosine; the number of points advised is enough."""
    with pytest.raises(ValueError, match=rf"modes between 1 and 3 on 8 points, got .* num_points = {advised} "):
        sine_modes(PeriodicGrid.line(8, 1.0), modes=modes, limit=1.0)
    sine_modes(PeriodicGrid.line(advised, 1.0), modes=modes, limit=1.0)


@pytest.mark.parametrize(
    ("modes", "problem"),
    [
        ([], "at least one mode"),
        ([0, 1], "modes between 1 and 3 on 8 points.*Mode 0 is what `uniform` does"),
        ([1.5], "modes as a whole number, got 1.5"),
        (["1"], "modes as a finite number, got '1'"),
        ([1, 1], "every mode once"),
        (1, "at least one mode, as modes="),
    ],
)
def test_modes_that_are_no_waves_are_refused_without_advice_on_points(modes: Any, problem: str) -> None:
    """More points do not help against a mode that is no periodic wave, or that is there twice."""
    with pytest.raises(ValueError, match=problem) as refusal:
        sine_modes(PeriodicGrid.line(8, 1.0), modes=modes, limit=1.0)
    assert "num_points" not in str(refusal.value)


def test_boxes_are_one_inside_and_zero_outside() -> None:
    """Adjacent intervals share no point and cover the domain: low <= x < high; exact."""
    line = PeriodicGrid.line(16, 4.0)
    halves = boxes(line, intervals=[(0.0, 1.0), (1.0, 4.0)], limit=1.0).shapes
    assert halves.sum(axis=0).tolist() == [1.0] * 16
    assert halves[0].tolist() == [1.0] * 4 + [0.0] * 12
    rectangle = PeriodicGrid((16, 8), (4.0, 2.0))
    (shape,) = boxes(rectangle, intervals=[((1.0, 2.0), (0.5, 2.0))], limit=1.0).shapes
    assert (shape.sum(), shape[4:8, 2:].sum()) == (24, 24)
    walls = BoundedGrid({"x": np.linspace(0, 1, 5)}, (1.0,))
    assert boxes(walls, intervals=[(0.5, 0.8)], limit=1.0).shapes.tolist() == [[0, 0, 1, 1, 0]]


def test_boxes_without_points_or_of_other_dimensions_are_refused() -> None:
    """A box between two points acts on nothing; one interval along each dimension."""
    with pytest.raises(ValueError, match=r"box 1 at \(0.1, 0.2\): holds no grid point"):
        boxes(PeriodicGrid.line(8, 8.0), intervals=[(0.0, 1.0), (0.1, 0.2)], limit=1.0)
    with pytest.raises(ValueError, match=r"box 0 at \(0.0, 1.0\): expected .* along each of x, y"):
        boxes(PeriodicGrid.square(8, 8.0), intervals=[(0.0, 1.0)], limit=1.0)


def test_actuators_are_named_by_what_they_act_on() -> None:
    """Kinds on different variables stand beside each other without clashing; lengths and bounds add up."""
    grid = PeriodicGrid.square(16, 4.0)
    both = gaussian_jets(grid, count=1, width=0.5, limit=1.0, acts_on="u") + uniform(grid, limit=2.0, acts_on="v")
    assert both.box.names == ("u_jet_0", "v_uniform_0")
    assert both.acts_on == ("u", "v")
    assert both.shapes.shape == (2, 16, 16)
    assert (both.shapes[1] == 1).all()
    assert both.box.high.tolist() == [1.0, 2.0]


def test_actuators_that_do_not_fit_together_are_refused() -> None:
    """Impulses do not mix with what acts all through; what is acted on is named for all or for none."""
    grid = PeriodicGrid.line(16, 4.0)
    named = uniform(grid, limit=1.0, acts_on="u")
    with pytest.raises(ValueError, match="act alike in time"):
        named + boxes(grid, intervals=[(0, 1)], limit=1.0, acts_on="u", impulsive=True)
    with pytest.raises(ValueError, match=r"acts_on for each action \(1\), got \('u', 'v'\)"):
        Actuators(box(-1.0, 1.0), np.zeros((1, 16)), ("u", "v"))


def test_boxes_without_room_or_of_wrong_length_are_refused() -> None:
    """Bounds are one increasing pair per actuator, and shapes one profile per actuator."""
    with pytest.raises(ValueError, match="low < high"):
        box(1.0, 1.0)
    with pytest.raises(ValueError, match="low < high"):
        box(np.nan, 1.0)
    with pytest.raises(ValueError, match=r"shape \(2,\), one each per actuator, got \(1,\) and \(2,\)"):
        ActionBox(("a", "b"), np.zeros(1), np.ones(2))
    with pytest.raises(ValueError, match=r"for each action \(1\), got \(2, 8\)"):
        Actuators(box(-1.0, 1.0), np.zeros((2, 8)))


# Settings that cannot be meant ---------------------------------------------------------------


def test_all_that_is_wrong_with_jets_is_told_at_once() -> None:
    """A normalization that does not exist is no other one, and nothing of it may be nan or infinite."""
    with pytest.raises(ValueError, match="normalization 'integral' or 'peak', got 'peek'") as refusal:
        gaussian_jets(
            PeriodicGrid.line(16, 1.0),
            count=2.5,  # type: ignore[arg-type]
            width=np.inf,
            limit=np.inf,
            offset=np.nan,
            normalization="peek",  # type: ignore[arg-type]
            zero_mean="no",  # type: ignore[arg-type]
        )
    for problem in (
        "finite width",
        "finite limit",
        "offset as a finite",
        "count as a whole number, got 2.5",
        "zero_mean",
    ):
        assert problem in str(refusal.value)


def test_counts_may_be_numpy_integers() -> None:
    """Numbers read from arrays are numbers."""
    grid = PeriodicGrid.square(16, 4.0)
    for count in (np.int64(2), np.array([2, 2]), [2, 2.0]):
        assert len(gaussian_jets(grid, count=count, width=0.5, limit=1.0).box) == 4  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [1.0, 1.001, 2.0, 1e3, 1e300])
def test_very_wide_jets_are_uniform_and_have_nothing_but_a_mean(width: float) -> None:
    """Their deviation from one is 2 exp(-(2 pi width)^2 / 2) cos, down to zero, at any cost of images."""
    grid = PeriodicGrid.line(16, 1.0)
    (shape,) = gaussian_jets(grid, count=1, width=width, limit=1.0).shapes
    wave = 2 * np.exp(-(min(2 * np.pi * width, 50.0) ** 2) / 2) * np.cos(2 * np.pi * grid.coordinates["x"])
    np.testing.assert_allclose(shape, 1 + wave, atol=1e-14)
    if width > 1.1:
        with pytest.raises(ValueError, match=r"nothing is left of a jet. Use a smaller width"):
            gaussian_jets(grid, count=1, width=width, limit=1.0, zero_mean=True)


@pytest.mark.parametrize(("low", "high"), [(-np.inf, np.inf), (0.0, np.inf), (np.nan, 1.0), (-1.5e308, 1.5e308)])
def test_actions_without_finite_bounds_are_refused(low: float, high: float) -> None:
    """The middle of an infinite box is nan."""
    with pytest.raises(ValueError, match="finite low < high for every actuator"):
        box(low, high)


def test_action_boxes_take_sequences_and_at_least_one_actuator() -> None:
    """Lists become arrays; no actions at all would fail later."""
    listed = ActionBox(["a", "b"], [-1.0, 0], [1, 2.0])  # type: ignore[arg-type]
    assert listed.names == ("a", "b")
    assert listed.to_physical(torch.zeros(1, 2)).tolist() == [[0.0, 1.0]]
    with pytest.raises(ValueError, match="at least one actuator"):
        ActionBox((), np.zeros(0), np.zeros(0))
    with pytest.raises(ValueError, match="low as an array of numbers, got str"):
        ActionBox(("a",), "low", [1.0])  # type: ignore[arg-type]


def test_shapes_are_finite_arrays() -> None:
    """A torch tensor becomes an array; shapes of nan are refused by the name of the action."""
    shapes = Actuators(box(-1.0, 1.0), torch.ones(1, 8)).shapes  # type: ignore[arg-type]
    assert isinstance(shapes, np.ndarray)
    assert shapes.dtype == np.float64
    with pytest.raises(ValueError, match="finite shapes, got nan or infinity in that of a"):
        Actuators(box(-1.0, 1.0), np.full((1, 8), np.nan))


# Walls and periods -----------------------------------------------------------------------------


@pytest.mark.parametrize("normalization", ["integral", "peak"])
def test_walls_cut_jets_off(normalization: Any) -> None:
    """A jet near one wall is not felt at the other; half of one at a wall is inside, to the trapezoidal rule."""
    grid = BoundedGrid.nodes(201, 2.0)
    jets = gaussian_jets(grid, count=2, width=0.1, limit=1.0, normalization=normalization)
    x = grid.coordinates["x"]
    height = 1.0 if normalization == "peak" else 1 / (0.1 * np.sqrt(2 * np.pi))
    for shape, centre in zip(jets.shapes, (0.0, 1.0), strict=True):
        np.testing.assert_allclose(shape, height * np.exp(-((x - centre) ** 2) / 0.02), atol=1e-14)
    np.testing.assert_allclose(np.trapezoid(jets.shapes, x) / height / (0.1 * np.sqrt(2 * np.pi)), [0.5, 1], atol=1e-9)
    with pytest.raises(ValueError, match=r"between the walls, 0 <= offset <= 1, got 1.5"):
        gaussian_jets(grid, count=2, width=0.1, limit=1.0, offset=1.5)


def test_too_narrow_jets_between_walls_are_refused_with_a_number_of_points_that_works() -> None:
    """Nodes stand on both walls, so that there is one more than spacings."""
    with pytest.raises(ValueError, match="num_points = 11 "):
        gaussian_jets(BoundedGrid.nodes(5), count=1, width=0.1, limit=1.0)
    gaussian_jets(BoundedGrid.nodes(11), count=1, width=0.1001, limit=1.0)


def test_sine_modes_need_a_period() -> None:
    """Between walls there is no wavenumber."""
    with pytest.raises(ValueError, match=r"periodic grid for sine_modes.*Use gaussian_jets or boxes"):
        sine_modes(BoundedGrid.nodes(16), modes=[1], limit=1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("shift", [-16.0, -8.0, 0.0, 8.0])
def test_boxes_wrap_around_the_period(shift: float) -> None:
    """A box moved by a period is the same box, on both sides of the end where it lies across; exact."""
    grid = PeriodicGrid.line(8, 8.0)
    across, inner = boxes(grid, intervals=[(shift - 1, shift + 2), (shift + 3, shift + 5)], limit=1.0).shapes
    assert across.tolist() == [1, 1, 0, 0, 0, 0, 0, 1]
    assert inner.tolist() == [0, 0, 0, 1, 1, 0, 0, 0]
    whole, *_ = boxes(grid, intervals=[(shift - 0.1, shift + 7.9)], limit=1.0).shapes
    assert whole.tolist() == [1.0] * 8
    with pytest.raises(ValueError, match=r"at most the period 8, got one of 8.5"):
        boxes(grid, intervals=[(shift, shift + 8.5)], limit=1.0)


def test_boxes_between_walls_end_at_the_walls() -> None:
    """The last box includes the far wall, so that boxes can cover the domain; none goes beyond it."""
    grid = BoundedGrid.nodes(5)
    assert boxes(grid, intervals=[(0, 0.5), (0.5, 1)], limit=1.0).shapes.tolist() == [[1, 1, 0, 0, 0], [0, 0, 1, 1, 1]]
    with pytest.raises(ValueError, match=r"box 0 at \(-0.5, 0.5\): .* walls at 0 and 1; box 1 at \(2, 3\): .* walls"):
        boxes(grid, intervals=[(-0.5, 0.5), (2, 3)], limit=1.0)


@pytest.mark.parametrize("interval", [(1.0, 0.0), (0.0, 1.0, 2.0), 0.5, (0.0, np.inf), "ab", ((0, 1), (0,))])
def test_intervals_that_are_none_are_refused(interval: Any) -> None:
    """Each is a low and a higher number."""
    with pytest.raises(ValueError, match=r"box 0 at .*: expected .low, high. with finite low < high along each of x"):
        boxes(PeriodicGrid.line(8, 8.0), intervals=[interval], limit=1.0)


@pytest.mark.parametrize("intervals", [[], 3.0, "ab"])
def test_boxes_without_intervals_are_refused(intervals: Any) -> None:
    """Nothing would act."""
    with pytest.raises(ValueError, match="at least one interval of boxes"):
        boxes(PeriodicGrid.line(8, 8.0), intervals=intervals, limit=1.0)


# Sets side by side -----------------------------------------------------------------------------


def test_two_sets_of_a_kind_stand_side_by_side_under_different_names() -> None:
    """Without another name they clash, and the message says what to do."""
    grid = PeriodicGrid.line(16, 4.0)
    wide = gaussian_jets(grid, count=1, width=1.0, limit=1.0)
    with pytest.raises(ValueError, match=r"got jet_0, jet_0. Give one of the sets another `name`"):
        wide + gaussian_jets(grid, count=1, width=0.5, limit=1.0)
    both = wide + gaussian_jets(grid, count=1, width=0.5, limit=1.0, name="narrow")
    assert both.box.names == ("jet_0", "narrow_0")
    others = (
        sine_modes(grid, modes=[1], limit=1.0, name="n"),
        boxes(grid, intervals=[(0, 1)], limit=1.0, name="n"),
        uniform(grid, limit=1.0, acts_on="u", name="n"),
    )
    assert all(one.box.names[0] == "n_0" for one in others)


def test_sets_that_name_what_they_act_on_stand_beside_those_that_do_not() -> None:
    """Where nothing is named the equation's first variable is meant."""
    grid = PeriodicGrid.line(16, 4.0)
    jets = gaussian_jets(grid, count=1, width=1.0, limit=1.0)
    both = jets + uniform(grid, limit=1.0, acts_on="v")
    assert both.targets("u") == ("u", "v")
    assert jets.targets("u") == ("u",)
    with pytest.raises(ValueError, match="acts_on as text, got 3"):
        uniform(grid, limit=1.0, acts_on=3)  # type: ignore[arg-type]


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e9])
def test_bounds_that_differ_by_rounding_alone_are_refused(scale: float) -> None:
    """0.1 + 0.2 is 0.3 in any unit: scaled actions would be divided by nothing. Narrow boxes are sound."""
    with pytest.raises(ValueError, match="low < high for every actuator, by more than rounding"):
        ActionBox(["still"], [scale * 0.3], [scale * (0.1 + 0.2)])
    narrow = ActionBox(["narrow"], [scale], [scale * (1 + 1e-6)])
    middle = torch.tensor([scale * (1 + 0.5e-6)], dtype=torch.float64)
    torch.testing.assert_close(narrow.to_normalized(middle), torch.zeros(1, dtype=torch.float64), rtol=0, atol=1e-8)
