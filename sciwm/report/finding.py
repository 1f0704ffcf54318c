"""A judged number: what was measured, what it was compared with, and whether it is good."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from sciwm.evaluation.suite import Measure
from sciwm.report.numbers import in_text

GOOD, WEAK, NOT_APPLICABLE, NOT_MEASURED = "good", "weak", "not applicable", "not measured"
NO_VERDICT = "no verdict"
"""Of a result that was measured and has no rule."""
VERDICTS = (GOOD, WEAK, NOT_APPLICABLE, NOT_MEASURED, NO_VERDICT)


@dataclass(frozen=True)
class Finding:
    """One line of the page's overview.

    Args:
        verdict: one of ``VERDICTS``.
        measure: the number that was judged, None where there is none.
        compared: what it was compared with, and the numbers of that.
        reason: why the verdict is not good, empty where it is.
    """

    verdict: str
    measure: Measure | None = None
    compared: str = ""
    reason: str = ""


def at_most(limit: float, measure: Measure, compared: str, *, also: str = "") -> Finding:
    """Good if the whole 95 % interval of a measure is at most ``limit``.

    Args:
        also: what else speaks against the model, empty if nothing does.
    """
    worst = upper_end(measure)
    return _judged(measure.value <= limit, worst <= limit, f"above {limit:.3g}", worst, measure, compared, also)


def at_least(limit: float, measure: Measure, compared: str, *, also: str = "") -> Finding:
    """Good if the whole 95 % interval of a measure is at least ``limit``; ``also`` as for :func:`at_most`."""
    worst = lower_end(measure)
    return _judged(measure.value >= limit, worst >= limit, f"below {limit:.3g}", worst, measure, compared, also)


def upper_end(measure: Measure) -> float:
    """The upper end of the 95 % interval, or the value where there is no interval."""
    return max(measure.value, measure.value if measure.interval is None else measure.interval[1])


def lower_end(measure: Measure) -> float:
    """The lower end of the 95 % interval, or the value where there is no interval."""
    return min(measure.value, measure.value if measure.interval is None else measure.interval[0])


def highest(measures: Iterable[Measure]) -> Measure:
    """The measure whose interval reaches highest: if it is :func:`at_most` a limit, all of them are.

    The one with the highest value may have a narrow interval and meet a limit that another one does not surely meet.
    A measure that is NaN counts only if all are.
    """
    return max(measures, key=lambda m: -math.inf if math.isnan(m.value) else upper_end(m))


def lowest(measures: Iterable[Measure]) -> Measure:
    """The measure whose interval reaches lowest: if it is :func:`at_least` a limit, all of them are."""
    return min(measures, key=lambda m: math.inf if math.isnan(m.value) else lower_end(m))


def _judged(
    meets: bool, surely: bool, beyond: str, worst: float, measure: Measure, compared: str, also: str
) -> Finding:
    if math.isnan(measure.value):
        return Finding(NOT_MEASURED, None, compared, "nothing was left to be measured")
    number, unit = in_text(measure.value), f" {measure.unit}" if measure.unit else ""
    reasons = [also] if also else []
    if not meets:
        reasons.insert(0, f"{number}{unit} is {beyond}{unit}")
    elif not surely:
        reasons.insert(
            0, f"{number}{unit} meets the threshold, but its interval reaches {in_text(worst)}{unit}, {beyond}{unit}"
        )
    return Finding(WEAK if reasons else GOOD, measure, compared, "; ".join(reasons))
