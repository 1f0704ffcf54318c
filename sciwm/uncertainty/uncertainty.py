"""What a trained model knows about its own errors: members, calibrated spread, and what is usual."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from sciwm.model import WorldModel
from sciwm.model.ensemble import StepEnsemble
from sciwm.uncertainty.familiarity import Familiarity
from sciwm.uncertainty.thresholds import FALSE_ALARMS, fewest

COVERAGES = (0.5, 0.9)
"""The shares of the truth that bands hold."""

START_DETECTORS = ("residual", "spot", "distance")
"""What looks at a single instant: what decoding leaves out, where it leaves out most, and how unusual the state is."""
OF_SCORES = (*START_DETECTORS, "innovation")
"""What has a threshold from data: that, and how far a step is from what the model says."""
DETECTORS = (*OF_SCORES, "action", "parameter", "disagreement")
"""Everything that may say not to believe a model, in the order of the bits of a flag."""
MEANINGS = {
    "residual": "fields unlike those of the training data",
    "spot": "a place where fields are unlike those of the training data",
    "distance": "a state that the training data do not hold, or not for these parameters",
    "innovation": "a change that does not follow from the record before, the forcing and the parameters",
    "action": "an action outside the training data",
    "parameter": "a parameter outside the training data",
    "disagreement": "members that disagree more than in any forecast of the validation data",
}
"""The reasons, in words."""


UNLIKE = 1.3
"""The median score of other data, in units of that of the training data, above which they count as unlike these."""


@dataclass(frozen=True)
class Calibration:
    """What turns the raw spread of an ensemble into errors, by variable and lead time in control intervals.

    The variance of the errors is ``factor^2 (a e + b r + c g r)``, with the variance e of the members, the mean square
    r of what decoding leaves out, and g, how much of it the start has in units of r.

    Args:
        causes: a, b and c, ``(3, variable, lead)``.
        factor: ``(variable, lead)``.
        limits: Half the width of the band of each of ``COVERAGES`` in deviations, ``(2, variable, lead)``.
        covered: The share of runs left out of it that each band covers on average, ``(2, variable, lead)``; NaN where
            there are too few runs to know.
        spread: The largest disagreement of the members in a forecast of these runs, in deviations, ``(lead,)``.
        runs: The number of runs that it comes from.
    """

    causes: Tensor
    factor: Tensor
    limits: Tensor
    covered: Tensor
    spread: Tensor
    runs: int

    @property
    def longest(self) -> int:
        """The longest lead that was calibrated, in control intervals; factors stay the same beyond."""
        return self.factor.shape[1] - 1


@dataclass(frozen=True)
class Uncertainty:
    """All of it.

    Args:
        ensemble: The members.
        familiarity: What is usual.
        calibration: The calibration of forecasts.
        truncation: The mean square of what decoding leaves out of normalised fields, ``(variable, *space)``.
        left_out: What it leaves out in as many instants as the ensemble has pairs, with the variance ``truncation``.
        valid: 1 where fields exist, ``(variable, *space)``.
        thresholds: The score of each of ``OF_SCORES`` above which an instant is flagged; infinite where too few
            independent instants were seen to hold a rate of false alarms.
        starts: The largest score of each of ``START_DETECTORS`` that a start had in the calibration, in units of its
            threshold: of others the calibration knows nothing. Runs may begin in states that are rare later.
        independent: How many independent instants stand behind each threshold.
        medians: The median score of the training data and of the runs that calibrate, ``(2, detector)``.
    """

    ensemble: StepEnsemble
    familiarity: Familiarity
    calibration: Calibration
    truncation: Tensor
    left_out: Tensor
    valid: Tensor
    thresholds: Tensor
    starts: Tensor
    independent: Tensor
    medians: Tensor

    # Forecasts --------------------------------------------------------------------------------------

    def excess(self, residual: Tensor) -> Tensor:
        """How much decoding leaves out of a start, in units of what it does on average.

        Args:
            residual: What it leaves out of normalised fields, ``(batch, variable, *space)``.

        Returns:
            ``(batch, variable)``.
        """
        return self.over_space(residual.square() / self.truncation)

    def spread(self, fields: Tensor, excess: Tensor, lead: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and calibrated deviation of members.

        Args:
            fields: Their normalised fields, ``(batch, member, variable, *space)``.
            excess: See :meth:`excess`, ``(batch, variable)``.
            lead: The lead of each, in control intervals, ``(batch,)``.

        Returns:
            Both ``(batch, variable, *space)``.
        """
        members, truncation = self._causes(excess, lead)
        factor = self._at(self.calibration.factor, lead)
        variance = members * fields.var(dim=1) + truncation * self.truncation
        return fields.mean(dim=1), factor * variance.sqrt()

    def calibrated(self, fields: Tensor, excess: Tensor, lead: Tensor) -> Tensor:
        """Members as if drawn like the truth, ``(batch, member, variable, *space)``.

        Of M members with variance s^2 the mean has an error of ``(M + 1) / M s^2`` (Fortin et al. 2014,
        doi:10.1175/JHM-D-14-0008.1, eq. 15): this is the square of the deviation of :meth:`spread`. What decoding
        leaves out is that of some instants of the training data, alike in both members of a pair.
        """
        members, truncation = self._causes(excess, lead)
        factor, mean = self._at(self.calibration.factor, lead), fields.mean(dim=1, keepdim=True)
        left_out = self.left_out.repeat_interleave(2, dim=0)
        away = members.sqrt()[:, None] * (fields - mean) + truncation.sqrt()[:, None] * left_out
        count = fields.shape[1]
        return mean + math.sqrt(count / (count + 1)) * factor[:, None] * away

    def limits(self, lead: Tensor) -> Tensor:
        """Half the width of each band in deviations, ``(2, batch, variable, 1, ...)``."""
        return torch.stack([self._at(limit, lead) for limit in self.calibration.limits])

    def disagreement(self, fields: Tensor, lead: Tensor) -> Tensor:
        """The raw spread of members over the largest that validation runs had at this lead, ``(batch,)``."""
        return raw_spread(self, fields) / self.calibration.spread[self._index(lead)]

    @property
    def silent(self) -> tuple[str, ...]:
        """The detectors that looked at too few independent instants to hold a rate of false alarms, and say nothing."""
        return tuple(n for n, limit in zip(OF_SCORES, self.thresholds.tolist(), strict=True) if math.isinf(limit))

    @property
    def cautions(self) -> tuple[str, ...]:
        """What limits the flags, in words: detectors that say nothing, and validation data unlike the training data."""
        told = []
        if self.silent:
            counts = [f"{n} (of {self.independent[OF_SCORES.index(n)]:.0f})" for n in self.silent]
            told.append(
                f"these say nothing, as of fewer than {fewest(FALSE_ALARMS)} independent instants no threshold holds "
                f"{FALSE_ALARMS:.0%} of false alarms: {', '.join(counts)}"
            )
        away, steps = (self.medians[1] / self.medians[0])[[OF_SCORES.index("distance"), OF_SCORES.index("innovation")]]
        if max(away, steps) > UNLIKE:
            told.append(
                f"the validation data are unlike the training data: states are {away:.1f} times as far from them as "
                f"they are themselves, and steps {steps:.1f} times as surprising (median); thresholds are as wide, and "
                "what came later may lie further"
            )
        return tuple(told)

    # Single instants ---------------------------------------------------------------------------------

    def start_scores(self, model: WorldModel, residual: Tensor, state: Tensor) -> Tensor:
        """The scores of ``START_DETECTORS`` of instants, ``(batch, 3)``, in units of their thresholds.

        Args:
            model: The model.
            residual: What decoding leaves out of normalised fields, ``(batch, variable, *space)``.
            state: Their states, ``(batch, state)``.
        """
        return raw_start_scores(self, model, residual, state) / self.thresholds[: len(START_DETECTORS)]

    def innovation_score(self, innovation: Tensor) -> Tensor:
        """The score of one-step errors ``(..., latent)``, ``(...)``, in units of its threshold."""
        return self.familiarity.surprise(innovation) / self.thresholds[-1]

    def over_space(self, values: Tensor) -> Tensor:
        """The mean over space of ``(..., variable, *space)`` where fields exist, ``(..., variable)``."""
        return (values * self.valid).flatten(1 - self.valid.ndim).sum(-1) / self.valid.flatten(1).sum(-1)

    def _causes(self, excess: Tensor, lead: Tensor) -> tuple[Tensor, Tensor]:
        """The weight of the variance of the members, and that of what decoding leaves out."""
        a, b, c = (self._at(weight, lead) for weight in self.calibration.causes)
        return a, b + c * excess.reshape(*excess.shape, *(1,) * (self.valid.ndim - 1))

    def _at(self, values: Tensor, lead: Tensor) -> Tensor:
        """Values ``(variable, lead)`` at leads, ``(batch, variable, 1, ...)``."""
        at = values[:, self._index(lead)].T
        return at.reshape(*at.shape, *(1,) * (self.valid.ndim - 1))

    def _index(self, lead: Tensor) -> Tensor:
        return lead.long().clamp(max=self.calibration.longest)


def raw_spread(uncertainty: Uncertainty, fields: Tensor) -> Tensor:
    """The root mean square of the deviation of members over space and variables, ``(batch,)``."""
    return uncertainty.over_space(fields.var(dim=1)).mean(dim=-1).sqrt()


def raw_start_scores(uncertainty: Uncertainty, model: WorldModel, residual: Tensor, state: Tensor) -> Tensor:
    """The scores of ``START_DETECTORS`` in units of the training data, ``(batch, 3)``."""
    relative = (residual.square() / uncertainty.truncation).flatten(1).amax(dim=1).sqrt()
    whole = uncertainty.excess(residual).amax(dim=1).sqrt()
    count = len(model.domain.parameters)
    distance = uncertainty.familiarity.distance(model.latent(state), state[:, state.shape[1] - count :])
    return torch.stack([whole.double(), relative.double(), distance], dim=1)
