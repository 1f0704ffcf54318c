"""Claims with their thresholds, and the verdict that measurements give."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sciwm.benchmarks.results import Row
from sciwm.evaluation.statistics import paired_bootstrap

Array = NDArray[np.float64]
Kind = Literal["cut", "lift", "ratio", "within", "above", "below"]


def _positive(values: Array) -> Array:
    """Those that shares can be taken of, nan in place of the others."""
    return np.where(values > 0, values, np.nan)


COMPARE: dict[Kind, Callable[[Array, Array], Array]] = {
    "cut": lambda arm, other: 1 - arm / _positive(other),
    "lift": lambda arm, other: arm - other,
    "ratio": lambda arm, other: arm / _positive(other),
    "within": lambda arm, other: arm / _positive(other) - 1,
    "above": lambda arm, _: arm,
    "below": lambda arm, _: arm,
}
WORDS: dict[Kind, str] = {
    "cut": "cut by at least {:.0%} of {}'s",
    "lift": "at least {:g} above {}'s",
    "ratio": "at least {:g} of {}'s",
    "within": "within {:.0%} of {}'s",
    "above": "at least {:g}",
    "below": "at most {:g}",
}

NEGLIGIBLE = 0.01
"""Regret, as a share of what planning saves, below which there is nothing left to gain."""


ALIGNED = 0.99
"""Cosine with the true gradient from which on there is nothing left to gain."""

AT_THE_FLOOR = 1.1
"""Distance of long runs from true ones, over that of true ones from each other, up to which both are alike."""

NOTICED, CALM = 0.95, 0.6
"""AUROC that a violation has to reach, and that what is none must not pass."""

MOST = 0.5
"""Share of forecasts that outlast the test, from which on it is too short to compare them."""


@dataclass(frozen=True)
class Claim:
    """What has to come out for an arm to be kept.

    Args:
        arm: which one.
        measure: what of it.
        kind: how its mean is compared: ``cut`` 1 - arm/other, ``lift`` arm - other, ``ratio`` arm/other,
            ``within`` arm/other - 1, or by itself, ``above`` or ``below``.
        threshold: at least that much; at most, for ``below``, and either way for ``within``.
        against: the other arm, if there is one.
    """

    arm: str
    measure: str
    kind: Kind
    threshold: float
    against: str = ""

    @property
    def text(self) -> str:
        """In words."""
        if self.kind == "cut" and not self.threshold:
            return f"below {self.against}'s"
        return WORDS[self.kind].format(self.threshold, self.against)


Found = tuple[float, float, float]
"""A value and the ends of its interval."""

Samples = Mapping[str, Mapping[str, Sequence[Sequence[float]]]]
"""``samples[arm][measure]``: for each seed the values of its simulations."""


def judge(claim: Claim, system: str, samples: Samples, longest: float) -> Row:
    """The claim held against paired samples of one system.

    The verdict is ``not measured`` where some are missing, and ``nothing to gain`` where both sides have a regret
    that is as good as none, or both a valid time that ends with the test, or both the climate of the truth where
    the same runs stayed finite, or both gradients that are as good as the true ones.

    Args:
        longest: valid time of a forecast that outlasts the test.
    """
    row = _not_measured(claim, system)
    arm = samples.get(claim.arm, {}).get(claim.measure, [])
    other = samples.get(claim.against, {}).get(claim.measure, []) if claim.against else arm
    if not arm or not _pair_up(arm, other):
        return row
    sides = [claim.arm, claim.against]
    if claim.measure == "regret" and all(_is_negligible(samples[s]["regret"], samples[s]["saving"]) for s in sides):
        return row | {"verdict": "nothing to gain"}
    if claim.measure == "valid_time" and all(_ends_with_the_test(times, longest) for times in (arm, other)):
        return row | {"verdict": "nothing to gain"}
    if claim.measure == "climate_distance" and _are_both_the_true_climate(*(samples[side] for side in sides)):
        return row | {"verdict": "nothing to gain"}
    if claim.against and claim.measure.startswith("gradient") and all(map(_is_the_true_direction, (arm, other))):
        return row | {"verdict": "nothing to gain"}
    value, low, high = paired_bootstrap(arm, other, COMPARE[claim.kind])
    if not np.isfinite([value, low, high]).all():  # there are draws in which the other has nothing to be cut
        return row | {"verdict": "undecided"}
    return row | {"value": value, "interval": [low, high], "verdict": verdict(claim, low, high)}


def judge_seeds(claim: Claim, system: str, found: Sequence[Found]) -> Row:
    """The claim held against the value of every seed with an interval of its own.

    The interval of their mean is not narrower than theirs together: from the lowest end to the highest.
    """
    row = _not_measured(claim, system)
    if not found or not np.isfinite(found).all():
        return row
    values, lows, highs = map(np.array, zip(*found, strict=True))
    low, high = float(lows.min()), float(highs.max())
    return row | {"value": float(values.mean()), "interval": [low, high], "verdict": verdict(claim, low, high)}


def _not_measured(claim: Claim, system: str) -> Row:
    return {
        "kind": "claim",
        "system": system,
        "arm": claim.arm,
        "against": claim.against,
        "measure": claim.measure,
        "claim": claim.text,
        "threshold": claim.threshold,
        "value": None,
        "interval": None,
        "verdict": "not measured",
    }


def verdict(claim: Claim, low: float, high: float) -> str:
    """Accepted or killed if the whole interval lies on one side of the threshold, undecided otherwise."""
    bound = claim.threshold
    if claim.kind == "within":
        kept, lost = -bound <= low and high <= bound, low > bound or high < -bound
    elif claim.kind == "below":
        kept, lost = high <= bound, low > bound
    else:
        kept, lost = low >= bound, high < bound
    return "accepted" if kept else "killed" if lost else "undecided"


def _pair_up(arm: Sequence[Sequence[float]], other: Sequence[Sequence[float]]) -> bool:
    return [len(a) for a in arm] == [len(b) for b in other]


def _ends_with_the_test(times: Sequence[Sequence[float]], longest: float) -> bool:
    """Whether most forecasts are still valid when the test ends."""
    return bool((np.concatenate([np.asarray(group) for group in times]) >= longest * (1 - 1e-9)).mean() > MOST)


def _is_the_true_direction(cosines: Sequence[Sequence[float]]) -> bool:
    return bool(np.concatenate([np.asarray(group) for group in cosines]).mean() > ALIGNED)


def _are_both_the_true_climate(*sides: Mapping[str, Sequence[Sequence[float]]]) -> bool:
    """Whether the same long runs blew up, and the others are hardly farther from true ones than these from others."""
    lost = [np.concatenate(side["blown_up"]) > 0 for side in sides]
    if not all(np.array_equal(lost[0], other) for other in lost) or lost[0].all():
        return False
    distances, floors = (
        np.array([np.concatenate(side[f"climate_{name}"])[~lost[0]].mean() for side in sides])
        for name in ("distance", "floor")
    )
    return bool((distances < AT_THE_FLOOR * floors).all())


def _is_negligible(regret: Sequence[Sequence[float]], saving: Sequence[Sequence[float]]) -> bool:
    """Whether plans lose so little against the adjoint's that a share of it is about nothing."""
    lost, saved = (np.concatenate([np.asarray(group) for group in groups]).mean() for groups in (regret, saving))
    return bool(lost < NEGLIGIBLE * saved)
