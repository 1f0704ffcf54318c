"""Claims with their thresholds, made before anything was measured, and the verdicts that measurements give."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sciwm.benchmarks.results import Row
from sciwm.evaluation import paired_bootstrap

Array = NDArray[np.float64]
Kind = Literal["decrease", "difference", "ratio", "within", "above", "below"]


def _positive(values: Array) -> Array:
    """The values that can be divided by; nan in place of the others."""
    return np.where(values > 0, values, np.nan)


COMPARE: dict[Kind, Callable[[Array, Array], Array]] = {
    "decrease": lambda variant, other: 1 - variant / _positive(other),
    "difference": lambda variant, other: variant - other,
    "ratio": lambda variant, other: variant / _positive(other),
    "within": lambda variant, other: variant / _positive(other) - 1,
    "above": lambda variant, _: variant,
    "below": lambda variant, _: variant,
}
WORDS: dict[Kind, str] = {
    "decrease": "at least {:.0%} below {}",
    "difference": "at least {:g} above {}",
    "ratio": "at least {:g} times {}",
    "within": "within {:.0%} of {}",
    "above": "at least {:g}",
    "below": "at most {:g}",
}

NEGLIGIBLE_REGRET = 0.01
"""Regret, as a share of what planning saves, below which it is not compared."""

ALIGNED_COSINE = 0.99
"""Cosine with the true gradient above which gradients are not compared."""

CLIMATE_FLOOR_RATIO = 1.1
"""Distance of long runs from true ones, over that of true ones from each other, below which climates are alike."""

VIOLATION_AUROC, CONTROL_AUROC = 0.95, 0.6
"""AUROC that is at least wanted for a violation, and at most for a control, where nothing is violated."""

CENSORED_SHARE = 0.5
"""Share of forecasts that are valid to the end of the test, above which valid prediction times are not compared."""


@dataclass(frozen=True)
class Claim:
    """What has to be measured for a variant to be accepted.

    Args:
        variant: of which something is claimed.
        measure: what is measured of it.
        kind: how the mean v of the variant is compared with that of the other, o: ``decrease`` is 1 - v/o,
            ``difference`` v - o, ``ratio`` v/o, ``within`` v/o - 1; ``above`` and ``below`` are v alone.
        threshold: the least value; the largest one for ``below``, and the largest size for ``within``.
        against: the other variant or baseline; empty for ``above`` and ``below``.
    """

    variant: str
    measure: str
    kind: Kind
    threshold: float
    against: str = ""

    @property
    def text(self) -> str:
        """The claim in words."""
        if self.kind == "decrease" and not self.threshold:
            return f"below {self.against}"
        return WORDS[self.kind].format(self.threshold, self.against)


Found = tuple[float, float, float]
"""A value and the ends of its interval."""

Samples = Mapping[str, Mapping[str, Sequence[Sequence[float]]]]
"""``samples[variant][measure]``: for each seed the values of its samples."""


def judge(claim: Claim, system: str, samples: Samples, longest: float) -> Row:
    """Hold a claim against the paired samples of one system.

    Args:
        claim: what is judged.
        system: of the samples.
        samples: of all variants and baselines.
        longest: the valid prediction time of a forecast that is valid to the end of the test.

    Returns:
        a row of the kind ``claim``. Its verdict is that of :func:`verdict`, or ``not measured`` where samples are
        missing, or ``saturated`` where both sides are at a limit beyond which the measure cannot tell them apart: a
        negligible regret, forecasts that are valid to the end of the test, the climate of the truth, or gradients
        along the true ones.
    """
    row = _not_measured(claim, system)
    variant = samples.get(claim.variant, {}).get(claim.measure, [])
    other = samples.get(claim.against, {}).get(claim.measure, []) if claim.against else variant
    if not variant or not _can_be_paired(variant, other):
        return row
    if claim.against and _is_saturated(claim, samples, longest):
        return row | {"verdict": "saturated"}
    value, low, high = paired_bootstrap(variant, other, COMPARE[claim.kind])
    if not np.isfinite([value, low, high]).all():  # in some draws the other has nothing to be divided by
        return row | {"verdict": "undecided"}
    return row | {"value": value, "interval": [low, high], "verdict": verdict(claim, low, high)}


def judge_seeds(claim: Claim, system: str, found: Sequence[Found]) -> Row:
    """Hold a claim against the values of several seeds, each of which has an interval of its own.

    Args:
        claim: what is judged.
        system: of the values.
        found: of every seed.

    Returns:
        a row of the kind ``claim`` with their mean. Its interval reaches from the lowest end to the highest, so that
        it is not narrower than any of theirs.
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
        "variant": claim.variant,
        "against": claim.against,
        "measure": claim.measure,
        "claim": claim.text,
        "threshold": claim.threshold,
        "value": None,
        "interval": None,
        "verdict": "not measured",
    }


def verdict(claim: Claim, low: float, high: float) -> str:
    """``accepted`` or ``rejected`` if the whole interval lies on one side of the threshold, else ``undecided``."""
    bound = claim.threshold
    if claim.kind == "within":
        holds, fails = -bound <= low and high <= bound, low > bound or high < -bound
    elif claim.kind == "below":
        holds, fails = high <= bound, low > bound
    else:
        holds, fails = low >= bound, high < bound
    return "accepted" if holds else "rejected" if fails else "undecided"


def _can_be_paired(variant: Sequence[Sequence[float]], other: Sequence[Sequence[float]]) -> bool:
    return [len(a) for a in variant] == [len(b) for b in other]


def _is_saturated(claim: Claim, samples: Samples, longest: float) -> bool:
    """Whether both sides are at a limit of the measure."""
    sides = [samples[side] for side in (claim.variant, claim.against)]
    if claim.measure == "regret":
        return all(_is_negligible(side["regret"], side["saving"]) for side in sides)
    if claim.measure == "valid_time":
        return all(_ends_with_the_test(side["valid_time"], longest) for side in sides)
    if claim.measure == "climate_distance":
        return _are_both_the_true_climate(*sides)
    if claim.measure.startswith("gradient"):
        return all(_is_the_true_direction(side[claim.measure]) for side in sides)
    return False


def _ends_with_the_test(times: Sequence[Sequence[float]], longest: float) -> bool:
    """Whether most forecasts are still valid when the test ends."""
    return bool((_pooled(times) >= longest * (1 - 1e-9)).mean() > CENSORED_SHARE)


def _is_the_true_direction(cosines: Sequence[Sequence[float]]) -> bool:
    return bool(_pooled(cosines).mean() > ALIGNED_COSINE)


def _are_both_the_true_climate(*sides: Mapping[str, Sequence[Sequence[float]]]) -> bool:
    """Whether the same long runs blew up, and the others are as far from true ones as these from each other."""
    lost = [_pooled(side["blown_up"]) > 0 for side in sides]
    if not all(np.array_equal(lost[0], other) for other in lost) or lost[0].all():
        return False
    distances, floors = (
        np.array([_pooled(side[f"climate_{name}"])[~lost[0]].mean() for side in sides])
        for name in ("distance", "floor")
    )
    return bool((distances < CLIMATE_FLOOR_RATIO * floors).all())


def _is_negligible(regret: Sequence[Sequence[float]], saving: Sequence[Sequence[float]]) -> bool:
    """Whether the regret is so small a share of the saving that a share of it tells nothing."""
    return bool(_pooled(regret).mean() < NEGLIGIBLE_REGRET * _pooled(saving).mean())


def _pooled(groups: Sequence[Sequence[float]]) -> Array:
    """The values of all seeds."""
    return np.concatenate([np.asarray(group) for group in groups])
