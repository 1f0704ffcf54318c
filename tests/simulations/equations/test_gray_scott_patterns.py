"""Pearson's regimes: which pattern each pair of feed and kill makes, by what can be measured of it."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, label
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from simulations import PeriodicGrid, uniform
from simulations.equations import GrayScott

Mask = NDArray[np.bool_]

REGIMES = {
    "gliders": (0.014, 0.054),
    "bubbles": (0.098, 0.057),
    "maze": (0.029, 0.057),
    "worms": (0.058, 0.065),
    "spirals": (0.018, 0.051),
    "spots": (0.03, 0.062),
}
INTERVAL, DURATION = 50.0, 7000.0
ACTIVE = 0.15  # activator that counts as present: patterns are steep there, between 0 and 0.25 to 0.5


@dataclass(frozen=True)
class Descriptors:
    """What tells patterns apart.

    Args:
        area: fraction of the domain that is active, averaged over the last 1000 time units.
        swept: fraction that was active at some time in these, over ``area``: 1 for a pattern at rest.
        parts, holes: how many connected pieces the active part has, and the inactive one.
        length, hole_length: area of a piece over that of the largest disc within it, averaged over the area:
            little more than 1 for a disc, 1.3 for a square, the larger the longer.
    """

    area: float
    swept: float
    parts: int
    length: float
    holes: int
    hole_length: float

    def fit(self, ranges: dict[str, tuple[float, float]]) -> bool:
        """Whether all that are named are within their ranges."""
        return all(low <= getattr(self, name) <= high for name, (low, high) in ranges.items())


AT_REST, MOVING = (1.0, 1.5), (2.0, 8.0)
EXPECTED: dict[str, dict[str, tuple[float, float]]] = {
    "gliders": {"swept": MOVING, "area": (0.05, 0.2), "parts": (3, 30), "length": (1, 3)},
    "spirals": {"swept": MOVING, "area": (0.22, 0.5)},
    "spots": {"swept": AT_REST, "area": (0.2, 0.4), "parts": (18, 45), "length": (1, 1.6)},
    "worms": {"swept": AT_REST, "area": (0.15, 0.42), "parts": (3, 15), "length": (2.5, 15)},
    "maze": {"swept": AT_REST, "area": (0.46, 0.6), "length": (20, 100), "hole_length": (4, 100)},
    "bubbles": {"swept": AT_REST, "area": (0.25, 0.6), "length": (15, 100), "holes": (3, 15), "hole_length": (1, 3)},
}


def starts(simulation: GrayScott, seed: int) -> torch.Tensor:
    """Patches of activator on substrate; for bubbles, holes of this shape in the uniform state that has activator."""
    patches = simulation.initial_state(np.random.default_rng(seed), amplitude=1.0)
    hole = 2 * patches[1]  # 1 inside, 0 outside
    feed, kill = REGIMES["bubbles"]
    u = (1 - np.sqrt(1 - 4 * (feed + kill) ** 2 / feed)) / 2
    active = np.stack([u + (1 - u) * hole, feed * (1 - u) / (feed + kill) * (1 - hole)])
    return torch.tensor(np.stack([active if name == "bubbles" else patches for name in REGIMES]), dtype=torch.float32)


def activator_over_time(seed: int = 0) -> NDArray[np.float32]:
    """v of every regime at the last 21 intervals, shape ``(time, regime, x, y)``."""
    feed, kill = np.transpose(list(REGIMES.values()))
    grid = PeriodicGrid.square(96, 0.75)
    simulation = GrayScott(
        grid,
        uniform(grid, limit=0.1, acts_on="v"),
        parameters={"feed": feed, "kill": kill},
        control_interval=INTERVAL,
        steps_per_interval=20,
        order=2,
    )
    state, action = starts(simulation, seed), torch.zeros(len(REGIMES), 1)
    kept = []
    for _ in range(round(DURATION / INTERVAL)):
        state = simulation.advance(state, action)
        kept = [*kept[-20:], state[:, 1].numpy()]
    return np.stack(kept)


def pieces(mask: Mask) -> list[Mask]:
    """Connected pieces on a periodic domain."""
    labels, count = label(mask)
    ends = [np.concatenate([labels[i], labels[:, i]]) for i in (0, -1)]
    across = np.minimum(*ends) > 0  # active on both sides of the seam
    bridges = coo_array((np.ones(across.sum()), [end[across] for end in ends]), shape=(count + 1, count + 1))
    merged = connected_components(bridges, directed=False)[1][labels]
    return [mask & (merged == one) for one in np.unique(merged[mask])]


def length(parts: list[Mask]) -> float:
    """Mean of area / (area of the largest disc within), weighted by area."""
    areas = np.array([part.sum() for part in parts])
    radii = np.array([to_the_outside(part).max() for part in parts])
    return float(np.average(areas / (np.pi * radii**2), weights=areas)) if parts else 0.0


def to_the_outside(mask: Mask) -> NDArray[np.float64]:
    """Distance of every point of a mask to the nearest outside, in points, on a periodic domain."""
    half = len(mask) // 2
    distance = distance_transform_edt(np.pad(mask, half, mode="wrap"))
    return np.asarray(distance[half:-half, half:-half])


def describe(v: NDArray[np.float32]) -> Descriptors:
    """Descriptors of one pattern, ``(time, x, y)``."""
    active = v > ACTIVE
    parts, holes = pieces(active[-1]), pieces(~active[-1])
    return Descriptors(
        area=float(active.mean()),
        swept=float(active.any(axis=0).mean() / max(active.mean(), 1 / active.size)),
        parts=len(parts),
        length=length(parts),
        holes=len(holes),
        hole_length=length(holes),
    )


@pytest.fixture(scope="module")
def patterns() -> dict[str, Descriptors]:
    v = activator_over_time()
    return {name: describe(v[:, element]) for element, name in enumerate(REGIMES)}


@pytest.mark.parametrize("regime", REGIMES)
def test_feed_and_kill_choose_the_pattern(patterns: dict[str, Descriptors], regime: str) -> None:
    """Each pattern of Pearson (1993) fits the description of its own regime, and of no other.

    Gliders are a few separate spots that move about all the time, spirals are waves that fill the domain and change
    all the time; the others come to rest or, as worms, grow at their ends only. Spots are round and many, worms long
    and apart, a maze is long in its activator and in its gaps, bubbles are round gaps in connected activator.
    """
    fitting = [name for name, ranges in EXPECTED.items() if patterns[regime].fit(ranges)]
    assert fitting == [regime], patterns[regime]


def test_pieces_and_lengths_of_known_shapes() -> None:
    """A disc across a corner is one piece of length 1; stripes of 9 points go round the domain, discs of 5 within."""
    x, y = np.meshgrid(*[np.minimum(np.arange(64), 64 - np.arange(64))] * 2, indexing="ij")
    disc = x**2 + y**2 < 12**2
    (whole,) = pieces(disc)
    assert np.array_equal(whole, disc)
    assert length([whole]) == pytest.approx(1.0, abs=0.1)
    stripes = pieces(np.broadcast_to((np.arange(64) + 4) % 32 < 9, (64, 64)))
    assert len(stripes) == 2
    assert length(stripes) == pytest.approx(64 * 9 / (np.pi * 5**2))
