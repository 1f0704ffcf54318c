"""The calibration of a trained model on runs that it was not trained on."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sciwm.data import Trajectories
from sciwm.dynamics import encode_trajectory
from sciwm.errors import InputError, Problem
from sciwm.model import WorldModel, residual_of
from sciwm.uncertainty.bootstrap import PAIRS, fit_ensemble
from sciwm.uncertainty.calibrated_forecast import forecast_members, in_pieces
from sciwm.uncertainty.conformal import conformal_limits
from sciwm.uncertainty.familiarity import Familiarity
from sciwm.uncertainty.seen_states import (
    SeenStates,
    fields_at,
    look_at,
    parameters_at,
    spread_points,
    valid_of,
)
from sciwm.uncertainty.thresholds import allowance, thresholds_of
from sciwm.uncertainty.uncertainty import (
    COVERAGES,
    START_DETECTORS,
    Calibration,
    Uncertainty,
    raw_spread,
    raw_start_scores,
)
from sciwm.uncertainty.variance_components import variance_components

Array = NDArray[np.float64]

LARGEST_LATENT = 1024
"""The most numbers of a latent with an ensemble: covariances of more would take longer than a training."""
MOST_RUNS, LONGEST, POINTS = 32, 200, 512
"""The most runs and leads that are forecast, and the most points of each field that are looked at."""
MOST_INSTANTS = 128
"""The most instants of a run from which thresholds come."""
ROUNDING = 1e-9
"""The least variance of what decoding leaves out, in squared deviations: that of fields in single precision."""
HUGE = 1e6
"""The error of a forecast that is not finite, in deviations."""
FAR = 10.0
"""Members that go so far beyond the largest latent are halved until they do not."""
MOST_HALVINGS = 8
NUMBERS_AT_ONCE = 2**22
"""How many field values are decoded at once."""


def why_none(model: WorldModel) -> str:
    """Why a model has no error bars; empty if it can have them."""
    if model.latent_size <= LARGEST_LATENT:
        return ""
    return f"its latent has {model.latent_size} numbers, and error bars are made for at most {LARGEST_LATENT}"


@torch.no_grad()
def calibrate(
    model: WorldModel, training_sets: Sequence[Trajectories], validation_set: Trajectories, seed: int
) -> Uncertainty:
    """Give a trained model its ensemble, the calibration of its errors, and what is usual.

    Members and what is usual come from the training data. Errors come from forecasts of the validation runs from their
    first instants under their recorded actions, as those of the evaluation do. These runs chose the best epoch of the
    training; that one number makes errors look smaller than they are by little.

    Args:
        model: The trained model.
        training_sets: What it was trained on.
        validation_set: Runs that it was not fitted to.
        seed: Of the bootstraps.

    Raises:
        InputError: If the model can have no error bars.
    """
    if reason := why_none(model):
        raise InputError([Problem("uncertainty", "a model that can have error bars", reason)])
    model.eval()
    seen, valid = look_at(model, training_sets, PAIRS), valid_of(validation_set, model)
    truncation = seen.truncation.clamp(min=ROUNDING)
    count = len(model.domain.parameters)
    parameters = seen.states[:, seen.states.shape[1] - count :]
    others = torch.from_numpy(validation_set.parameters[validation_set.usable])
    bare = Uncertainty(
        fit_ensemble(model, seen, seed),
        Familiarity.of(model.latent(seen.states), parameters, seen, model.scaled_parameters(others)),
        _no_calibration(len(model.domain.variables)),
        truncation,
        _standardised(seen, truncation),
        valid,
        torch.ones(len(START_DETECTORS) + 1, dtype=torch.float64),
        torch.ones(len(START_DETECTORS), dtype=torch.float64),
        torch.full((len(START_DETECTORS) + 1,), torch.nan, dtype=torch.float64),
        torch.full((2, len(START_DETECTORS) + 1), torch.nan, dtype=torch.float64),
    )
    rows = validation_set.usable[:: -(-len(validation_set.usable) // MOST_RUNS)]
    calibrated = _calibrated(model, bare, validation_set, rows, float(model.latent(seen.states).abs().max()))
    scores = [_scores_of(model, calibrated, validation_set, row) for row in rows]
    learned = [(data, row) for data in training_sets for row in data.usable]
    learned = learned[:: -(-len(learned) // MOST_RUNS)]
    of_learned = [_scores_of(model, calibrated, data, row)[1] for data, row in learned]
    usual, count = thresholds_of(of_learned, [one for _, one in scores]), len(START_DETECTORS)
    thresholds = torch.from_numpy(usual.limits)
    largest = torch.from_numpy(np.max([start for start, _ in scores], axis=0)) * allowance(len(rows))
    return replace(
        calibrated,
        thresholds=thresholds,
        starts=(largest / thresholds[:count]).clamp(min=1.0),
        independent=torch.from_numpy(usual.independent),
        medians=torch.from_numpy(usual.medians),
    )


def _no_calibration(variables: int) -> Calibration:
    ones = torch.ones(variables, 1, dtype=torch.float64)
    return Calibration(ones.expand(3, -1, -1), ones, ones.expand(2, -1, -1), ones.expand(2, -1, -1), ones[0], 0)


def _standardised(seen: SeenStates, truncation: Tensor) -> Tensor:
    """What decoding leaves out at some instants, with mean zero and the given variance at every point."""
    several = seen.left_out[torch.arange(PAIRS) % len(seen.left_out)]
    centred = several - several.mean(dim=0)
    scale = centred.repeat_interleave(2, dim=0).std(dim=0)
    return centred * (truncation.sqrt() / scale.clamp(min=1e-30))


def _calibrated(
    model: WorldModel, bare: Uncertainty, data: Trajectories, rows: Sequence[int], largest: float
) -> Uncertainty:
    """Calibrate by forecasts of these runs; corrections of members that leave the data in them are halved before.

    Args:
        model, data, rows: The model and the runs.
        bare: What lacks the calibration; its ensemble is changed in place.
        largest: The largest latent in the data.
    """
    calibration, far = _calibration(model, bare, data, rows, FAR * largest)
    for _ in range(MOST_HALVINGS):
        if not far.any():
            break
        bare.ensemble.corrections[far] *= 0.5
        calibration, far = _calibration(model, bare, data, rows, FAR * largest)
    return replace(bare, calibration=calibration)


def _calibration(
    model: WorldModel, bare: Uncertainty, data: Trajectories, rows: Sequence[int], farthest: float
) -> tuple[Calibration, Tensor]:
    """The calibration, and which pairs of members go beyond ``farthest`` where not all of them do."""
    lengths = sorted((data.intervals_of(row) for row in rows), reverse=True)
    steps = min(LONGEST, lengths[(len(lengths) - 1) // 2])  # that half of the runs have
    places = spread_points(bare.valid, POINTS)
    size = (len(rows), len(model.domain.variables), steps + 1)
    errors, variances = np.full((*size, places.shape[1]), np.nan), np.full((*size, places.shape[1]), np.nan)
    excess, spread = np.zeros(size[:2]), np.full((size[0], size[2]), np.nan)
    far = torch.zeros(len(bare.ensemble.corrections), dtype=torch.bool)
    for i, (row, states) in enumerate(forecast_members(model, bare.ensemble, data, rows, steps)):
        extent = model.latent(states).abs().nan_to_num(torch.inf, torch.inf).amax(dim=(1, 2))
        beyond = (extent > farthest).view(-1, 2).any(dim=1)
        far |= beyond & ~beyond.all()  # where all do, so does the trained model
        fields = fields_at(model, data, row, np.arange(states.shape[1]))
        excess[i] = bare.excess(residual_of(model, fields[:1], states[0, :1], bare.valid))[0]
        for first, truth, guess in in_pieces(model, fields, states):
            of, error = slice(first, first + len(guess)), guess.mean(dim=1) - truth
            spread[i, of] = _finite(raw_spread(bare, guess))
            for found, values in ((errors, error), (variances, guess.var(dim=1))):
                picked = values.flatten(2).gather(2, places.expand(len(values), -1, -1))
                found[i, :, of] = _finite(picked.transpose(0, 1))
    truncation = bare.truncation.flatten(1).gather(1, places).double().numpy()
    return _fitted(errors, variances, excess, truncation, spread), far


def _finite(values: Tensor) -> Array:
    """Values of forecasts that diverge as far too large ones."""
    return np.asarray(values.nan_to_num(HUGE, HUGE, -HUGE).clamp(-HUGE, HUGE).double().numpy())


def _fitted(errors: Array, variances: Array, excess: Array, truncation: Array, spread: Array) -> Calibration:
    """The calibration by errors ``(run, variable, lead, point)``."""
    runs, variables, leads, _ = errors.shape
    square, mean_truncation = (errors**2).mean(axis=3), truncation.mean(axis=1)
    causes = np.zeros((3, variables, leads))
    least = np.array([0.0, 1.0, 0.0])  # what decoding left out of the training data, it leaves out of all others
    for v in range(variables):
        shape = (runs, leads)
        left_out = np.broadcast_to(mean_truncation[v], shape)
        several = np.stack([variances[:, v].mean(axis=2), left_out, left_out * excess[:, v, None]])
        causes[:, v] = variance_components(square[:, v], np.nan_to_num(several), least)
    a, b, c = causes[..., None]
    of_left_out = b + c * excess[:, :, None, None]
    deviation = np.sqrt(a * variances + of_left_out * truncation[:, None])
    with np.errstate(invalid="ignore"):
        factor = np.sqrt(np.nanmean(errors**2, axis=(0, 3)) / np.nanmean(deviation**2, axis=(0, 3)))
    scores = np.abs(errors) / (factor[:, :, None] * deviation)
    found = np.array(  # limits and what they cover, (variable, lead, 2, coverage)
        [[conformal_limits(scores[:, v, t], COVERAGES) for t in range(leads)] for v in range(variables)]
    )
    limits, covered = found.transpose(2, 3, 0, 1)
    spread_limit = np.maximum(allowance(runs) * np.nanmax(spread, axis=0), np.sqrt(ROUNDING))
    return Calibration(
        torch.from_numpy(causes),
        torch.from_numpy(factor),
        torch.from_numpy(np.ascontiguousarray(limits)),
        torch.from_numpy(np.ascontiguousarray(covered)),
        torch.from_numpy(spread_limit),
        runs,
    )


def _scores_of(model: WorldModel, known: Uncertainty, data: Trajectories, row: int) -> tuple[Array, Array]:
    """The raw scores of one run: of its first instant ``(start detector,)``, and of others ``(instant, detector)``."""
    intervals = data.intervals_of(row)
    instants = np.unique(np.linspace(0, intervals - 1, min(intervals, MOST_INSTANTS)).round().astype(int))
    both = np.unique(np.concatenate([instants, instants + 1]))
    seen, found = [], []
    for several in np.array_split(both, -(-len(both) * known.valid.numel() // NUMBERS_AT_ONCE)):
        fields, parameters = fields_at(model, data, row, several), parameters_at(data, row, len(several))
        seen.append(model.with_parameters(encode_trajectory(model, fields[None])[0], parameters))
        found.append(raw_start_scores(known, model, residual_of(model, fields, seen[-1], known.valid), seen[-1]))
    states, single = torch.cat(seen), torch.cat(found)
    action = torch.from_numpy(np.asarray(data.array("action")[row, :intervals])[instants].astype(np.float32))
    before, after = np.searchsorted(both, instants), np.searchsorted(both, instants + 1)
    innovation = model.latent(states[after]) - model.latent(model.advance(states[before], action))
    scores = torch.cat([single[after], known.familiarity.surprise(innovation)[:, None]], dim=1)
    return single[0].double().numpy(), scores.double().numpy()
