"""Records with faults of sensors, files and statements, which a model must flag, and sound ones, which it must not."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from sciwm.data import Domain, Trajectories
from sciwm.evaluation.surprise.detection import auroc
from sciwm.model import WorldModel, residual_of
from sciwm.uncertainty import OF_SCORES, START_DETECTORS, Uncertainty, fields_at, parameters_at

INSTANTS = 64
"""The number of instants of each run, spread evenly, that are damaged in turn."""

MOST_NUMBERS = 2**24
"""The number of field values above which there are fewer instants of each run, and then fewer runs."""

NOISE, SPOT, OFFSET, DEAD, STATED = 0.2, 2.0, 3.0, 3.0, 0.4
"""The sizes of damages, in deviations of the variable or the parameter."""

SEEN_BY = ("single_instant", "record")
"""What looks: all that a single instant can show, and that together with the step from the record before."""


@dataclass(frozen=True)
class Records:
    """Two instants after each other, of several runs, physical.

    Args:
        before, after: Fields, ``(sample, variable, *space)``.
        action: ``(sample, actuator)``.
        parameters: ``(sample, parameter)``.
        runs: The run of each sample.
    """

    before: Tensor
    after: Tensor
    action: Tensor
    parameters: Tensor
    runs: tuple[int, ...]


Damage = Callable[[Tensor, np.random.Generator], Tensor]
"""What a fault makes of normalised fields ``(sample, variable, *space)``; a lasting one is the same at all instants."""


def _noise(fields: Tensor, rng: np.random.Generator) -> Tensor:
    return fields + NOISE * torch.from_numpy(rng.standard_normal(fields.shape, dtype=np.float32))


def _spot(fields: Tensor, rng: np.random.Generator) -> Tensor:
    damaged = fields.clone()
    for sample in damaged:
        places = [int(rng.integers(0, max(1, n - 2))) for n in sample.shape[1:]]
        sample[(slice(None), *(slice(p, p + 3) for p in places))] += SPOT
    return damaged


def _dead_line(fields: Tensor, rng: np.random.Generator) -> Tensor:
    damaged = fields.clone()
    damaged[..., int(rng.integers(0, fields.shape[-1]))] = -DEAD
    return damaged


def _offset(fields: Tensor, rng: np.random.Generator) -> Tensor:
    return fields + OFFSET


def _flipped(axis: int) -> Damage:
    return lambda fields, rng: fields.flip(axis + 2)


DAMAGES: dict[str, Damage] = {
    "noise": _noise,
    "spot": _spot,
    "dead line": _dead_line,
    "offset": _offset,
}
"""Faults of fields; beside these every axis is flipped, and every parameter stated wrongly."""


@torch.no_grad()
def detect_damages(
    model: WorldModel, uncertainty: Uncertainty, data: Trajectories, seed: int, damages: dict[str, Damage] | None = None
) -> xr.Dataset:
    """Damage records of runs, and see whether they are told from sound ones.

    Args:
        model: What is evaluated.
        uncertainty: Its detectors and their thresholds.
        data: Runs that neither was fitted to.
        seed: Of the damages.
        damages: Faults of normalised fields; ``DAMAGES`` and flipped axes by default.

    Returns:
        ``auroc`` over ``damage`` and ``detector`` (each alone, and ``SEEN_BY``), ``noticed``, the share of damaged
        records that are flagged, and ``false_alarms``, that of sound ones, over ``seen_by``; ``score`` over
        ``damage``, ``detector`` and ``sample``, the sound records first, with the run of each ``sample``. The attribute
        ``cautions`` says what limits the flags, ``times_as_far`` how far sound records are from the training data, in
        units of the distance of these.
    """
    sound, domain = _records(model, data), model.domain
    chosen = _default(domain) if damages is None else damages
    several = {"none": _scores(model, uncertainty, sound)}
    for number, (name, damage) in enumerate(chosen.items()):
        rng = np.random.default_rng([seed, number])
        state = rng.bit_generator.state
        damaged = []
        for fields in (sound.before, sound.after):
            if name != "noise":  # which is new at every instant
                rng.bit_generator.state = state
            damaged.append(_physical(model, damage(model.normalize(fields), rng)))
        both = Records(damaged[0], damaged[1], sound.action, sound.parameters, sound.runs)
        several[name] = _scores(model, uncertainty, both)
    for place, parameter in enumerate(domain.parameters):
        wrong = sound.parameters.clone()
        wrong[:, place] += STATED * parameter.deviation
        stated = Records(sound.before, sound.after, sound.action, wrong, sound.runs)
        several[f"{parameter.name} stated wrongly"] = _scores(model, uncertainty, stated)
    about = {"times_as_far": _times_as_far(model, uncertainty, sound), "cautions": "; ".join(uncertainty.cautions)}
    return _compared(several, sound.runs).assign_attrs({name: told for name, told in about.items() if told})


def _times_as_far(model: WorldModel, uncertainty: Uncertainty, sound: Records) -> float:
    """The median distance of sound records from the training data over that of these; 0 if it is unknown."""
    state = model.encode(sound.after, sound.parameters)
    parameters = state[:, state.shape[1] - len(model.domain.parameters) :]
    distance = uncertainty.familiarity.distance(model.latent(state), parameters).median()
    return float((distance / uncertainty.medians[0, OF_SCORES.index("distance")]).nan_to_num())


def _default(domain: Domain) -> dict[str, Damage]:
    return DAMAGES | {f"flipped {axis.name}": _flipped(i) for i, axis in enumerate(domain.axes)}


def _records(model: WorldModel, data: Trajectories) -> Records:
    most = max(1, MOST_NUMBERS // (2 * len(model.domain.variables) * math.prod(model.domain.shape)))
    rows = data.usable[:: -(-len(data.usable) // most)]
    each = min(INSTANTS, max(1, most // len(rows)))
    parts: list[tuple[Tensor, ...]] = []
    runs: list[int] = []
    for row in rows:
        count = data.intervals_of(row)
        instants = np.unique(np.linspace(0, count - 1, min(count, each)).round().astype(int))
        actions = np.asarray(data.array("action")[row, :count], np.float32)[instants]
        parts.append(
            (
                fields_at(model, data, row, instants),
                fields_at(model, data, row, instants + 1),
                torch.from_numpy(actions),
                parameters_at(data, row, len(instants)),
            )
        )
        runs += [row] * len(instants)
    before, after, action, parameters = (torch.cat(several) for several in zip(*parts, strict=True))
    return Records(before, after, action, parameters, tuple(runs))


def _physical(model: WorldModel, normalized: Tensor) -> Tensor:
    scales = [torch.tensor([getattr(v, n) for v in model.domain.variables]) for n in ("deviation", "mean")]
    deviation, mean = (scale.view(-1, *(1,) * len(model.domain.axes)) for scale in scales)
    return normalized * deviation + mean


def _scores(model: WorldModel, uncertainty: Uncertainty, records: Records) -> Tensor:
    """The score of each detector in units of its threshold, ``(sample, detector)``."""
    before, after = (model.encode(fields, records.parameters) for fields in (records.before, records.after))
    residual = residual_of(model, records.after, after, uncertainty.valid)
    innovation = model.latent(after) - model.latent(model.advance(before, records.action))
    single = uncertainty.start_scores(model, residual, after)
    return torch.cat([single, uncertainty.innovation_score(innovation)[:, None]], dim=1)


def _compared(several: dict[str, Tensor], runs: Sequence[int]) -> xr.Dataset:
    names = list(OF_SCORES)
    seen = {n: torch.stack([*s.T, s[:, : len(START_DETECTORS)].amax(dim=1), s.amax(dim=1)]) for n, s in several.items()}
    sound, damages = seen["none"], [name for name in several if name != "none"]
    found = [[auroc(seen[n][d].numpy(), sound[d].numpy()) for d in range(len(sound))] for n in damages]
    flagged = {n: (s[-2:] > 1).double().mean(dim=1).numpy() for n, s in seen.items()}
    score = torch.stack(list(seen.values())).numpy()
    long_names = {
        "auroc": "probability that a damaged record scores above a sound one",
        "noticed": "share of damaged records that are flagged",
        "false_alarms": "share of sound records that are flagged",
        "score": "score in units of the threshold",
    }
    made = xr.Dataset(
        {
            "auroc": (("damage", "detector"), np.array(found)),
            "noticed": (("damage", "seen_by"), np.stack([flagged[n] for n in damages])),
            "false_alarms": (("seen_by",), flagged["none"]),
            "score": (("record", "detector", "sample"), score),
        },
        {
            "damage": damages, "detector": [*names, *SEEN_BY], "seen_by": list(SEEN_BY),
            "record": list(seen), "simulation": ("sample", list(runs)),
        },
    )  # fmt: skip
    for name, text in long_names.items():
        made[name].attrs = {"units": "1", "long_name": text}
    return made
