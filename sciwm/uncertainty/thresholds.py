"""The scores above which records are flagged, from records that are sound: a finite number, and dependent ones."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FALSE_ALARMS = 0.05
"""The share of sound instants that may be flagged, all detectors together."""
CORRELATED = 0.05
"""The correlation below which two instants of a run count as independent."""
SURELY = 1.0
"""How many standard errors the median of held-out scores must lie above that of others to say that they are larger."""
LEVELS = 64
"""How many pairs of limits are tried to share the alarms among detectors."""
SMALLEST = 1e-12


@dataclass(frozen=True)
class Thresholds:
    """What is usual of some detectors.

    Args:
        limits: The score of each above which an instant is flagged, ``(detector,)``; infinite for one that looked at
            too few independent instants to hold the rate.
        independent: How many independent instants each looked at, ``(detector,)``.
        medians: The median score in the training data, and in the held-out ones, ``(2, detector)``.
    """

    limits: Array
    independent: Array
    medians: Array


def thresholds_of(training: Sequence[Array], held_out: Sequence[Array]) -> Thresholds:
    """Limits that a sound instant of another run passes in one of twenty cases at most, by any detector.

    A limit of split conformal prediction is the quantile at ``(1 - a) (n + 1) / n`` of scores of held-out data (Vovk,
    Gammerman & Shafer 2005; Lei et al. 2018, doi:10.1080/01621459.2017.1307116, eq. 7), with n the number of
    independent ones; where that is above 1, no limit holds the rate. Few runs, or the end of one record, hold few
    independent instants, and one part of the states alone, as a season. Scores of the training data therefore count
    too, raised by as much as the median of the held-out ones is surely above theirs, as a model was fitted to them.
    The limit is the larger of the two: that of all scores, and that of held-out ones, or the largest of these where
    they are too few, with :func:`allowance` for what the next run may add.

    Args:
        training: The scores of each training run, ``(instant, detector)``.
        held_out: Those of each run that the model was not fitted to.
    """
    learned, new = np.concatenate(training), np.concatenate(held_out)
    medians = np.stack([np.median(learned, axis=0), np.median(new, axis=0)])
    uncertain = np.log(np.maximum(new, SMALLEST)).std(axis=0) / np.sqrt(effective_numbers(held_out))
    raised = np.maximum(1.0, medians[1] / np.maximum(medians[0], SMALLEST) / np.exp(SURELY * uncertain))
    everything = [*(run * raised for run in training), *held_out]
    independent = effective_numbers(everything)
    held = independent >= fewest(FALSE_ALARMS)
    limits = np.full(len(held), np.inf)
    if held.any():
        of_all = _limits(np.concatenate(everything)[:, held], _alarms(float(independent[held].min())))
        count = float(effective_numbers(held_out)[held].min())
        enough = count >= fewest(FALSE_ALARMS)
        of_new = _limits(new[:, held], _alarms(count) if enough else 0.0)
        limits[held] = np.maximum(of_all, of_new) * (1.0 if enough else allowance(count))
    return Thresholds(np.maximum(limits, SMALLEST), independent, medians)


def allowance(runs: float) -> float:
    """How far the next run may be expected to exceed the largest of some, as a factor."""
    return 1 + 2 / max(1, runs)


def fewest(share: float) -> int:
    """The fewest independent scores of which a limit can hold a share of false alarms: 19 for 5 %."""
    return math.ceil(1 / share - 1e-9) - 1


def effective_numbers(runs: Sequence[Array]) -> Array:
    """How many independent scores as uncertain a mean would have, ``(detector,)``.

    The number of scores over ``1 + 2 sum_k r_k``, with their correlation r_k over k instants of a run about the mean of
    all runs, up to where it vanishes (Geyer 1992, doi:10.1214/ss/1177011137, section 3.3). Runs that differ as wholes
    are correlated over all of their length, and count once.

    Args:
        runs: Scores, ``(instant, detector)``.
    """
    logarithms = [np.log(np.maximum(run, SMALLEST)) for run in runs]
    together = np.concatenate(logarithms)
    centred = [run - together.mean(axis=0) for run in logarithms]
    power = np.square(together - together.mean(axis=0)).sum(axis=0)
    sums, counts = np.ones(together.shape[1]), np.ones(together.shape[1], dtype=bool)
    for lag in range(1, max(len(run) for run in runs)):
        products = [(run[:-lag] * run[lag:]).sum(axis=0) for run in centred if len(run) > lag]
        correlation = np.sum(products, axis=0) / np.maximum(power, SMALLEST)
        counts &= correlation > CORRELATED
        if not counts.any():
            break
        sums[counts] += 2 * correlation[counts]
    return len(together) / sums


def _alarms(count: float) -> float:
    """The share of scores, of which so many are independent, that may lie above their limit; none for too few."""
    return max(0.0, 1 - (1 - FALSE_ALARMS) * (1 + 1 / count))


def _limits(scores: Array, alarms: float) -> Array:
    """The limits above which, all detectors together, a share of the instants lies; the largest scores for none."""
    levels = np.linspace(1 - alarms, 1 - alarms / scores.shape[1] / 2, LEVELS)
    limits = np.quantile(scores, levels, axis=0, method="higher")
    above = np.array([(scores > limit).any(axis=1).mean() for limit in limits])
    few = np.flatnonzero(above <= alarms)
    return np.asarray(limits[few[0] if len(few) else -1])
