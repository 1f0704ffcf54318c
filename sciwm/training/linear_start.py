"""The best linear step of latents, from which training starts: least squares, shrunk as held-out forecasts ask for.

    z+ = z A + u B + b,    < |z A + u B + b - z+|^2 > + ridge ( |A - D|^2 + |B|^2 + |b|^2 ) -> min

with latents z and inputs u that are centred, and of about unit size. D is what a large ridge leads to: the identity,
which is persistence, or what each coordinate keeps of itself, which is between persistence and climatology. Where
nothing can be learned, one of them is chosen.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import cast

import numpy as np
import torch
from torch import Tensor

from sciwm.data import Trajectories
from sciwm.dynamics import NUMBERS_AT_ONCE
from sciwm.model import WorldModel
from sciwm.model.linear_step import LinearStep
from sciwm.model.predictor import ExponentialPredictor, LinearPredictor
from sciwm.training.held_out_forecasts import HeldOutForecasts, typical

RIDGES = (*(10.0**-n for n in range(10, -2, -1)), torch.inf)
"""The ridges to choose from."""

TARGETS = ("persistence", "damped persistence")
"""What large ridges lead to."""

FOLDS = 4
"""Every piece is forecast once from a fit to those of the other folds."""

LONGEST, STARTS = 64, 8
"""The most steps of a forecast, and the most starts in a piece."""


SHRUNK, CLEARLY = (0.25, 0.5, 0.75, 1.0), 0.95
"""The shares of persistence or climatology to choose from, and the ratio of errors that is more than luck."""

PIECE, MOST_INTERVALS = 256, 2**16
"""The length of a piece in intervals, and the number of intervals above which some pieces are left out."""

MOST_INSTANTS = 64
"""The number of instants at which the truncation is measured."""

SMALLEST_FLOOR = 1e-8
"""The least error that counts, in units of the energy: below it all forecasts are as good."""


@dataclass(frozen=True)
class Piece:
    """Consecutive instants of one run.

    Args:
        latents: ``(T + 1, size)``.
        inputs: ``(T, inputs)``, scaled actions and parameters.
    """

    latents: Tensor
    inputs: Tensor

    def cut(self, start: int, stop: int) -> "Piece":
        """The intervals from ``start`` to ``stop``."""
        return Piece(self.latents[start : stop + 1], self.inputs[start:stop])

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True)
class Chosen:
    """A linear step and how it was found.

    Args:
        step: The step.
        ridge: The ridge.
        towards: What a large ridge leads to: ``persistence`` or ``damped persistence``.
        bounded: Whether growing modes were held at their size.
        shrunk: The share that persistence or climatology have in it, as forecasts of the validation data ask for.
        shrunk_to: Which of both.
    """

    step: LinearStep
    ridge: float
    towards: str
    bounded: bool
    shrunk: float = 0.0
    shrunk_to: str = ""

    def to_json(self) -> dict[str, float | str | bool | None]:
        """How it was found, as plain data; the ridge is None where nothing but the target was taken."""
        ridge = self.ridge if math.isfinite(self.ridge) else None
        plain = {name: getattr(self, name) for name in ("towards", "bounded", "shrunk", "shrunk_to")}
        return {"ridge": ridge, "radius": self.step.radius, **plain}


@torch.no_grad()
def start_linear(model: WorldModel, data: Trajectories) -> Chosen:
    """Start the predictor of a model from the best linear step of its latents.

    Args:
        model: The model, its encoder fitted.
        data: The training data; of many instants, pieces that are spread evenly.
    """
    places = _places(data)
    pieces = [_piece(model, data, *place) for place in places]
    energies = model.encoder.scale.double().flatten().square()
    left_out = _share_left_out(model, data, [(row, first) for row, first, _ in places])
    chosen = choose_linear_step(pieces, energies, left_out * float(energies.sum()))
    _set(model, chosen.step)
    return chosen


@torch.no_grad()
def shrink(model: WorldModel, chosen: Chosen, forecasts: HeldOutForecasts) -> Chosen:
    """Bring the start nearer to persistence or climatology where these forecast the validation data better.

    They do where the law has changed since the training data, or where these are too few.

    Args:
        model: The model, which starts from the chosen step.
        chosen: What was chosen by the training data alone.
        forecasts: Forecasts of the validation data.
    """

    def error(other: Chosen) -> float:
        return typical(forecasts.errors_of_step(model, other.step))

    best, least = chosen, CLEARLY * error(chosen)
    for name, kept in (("persistence", 1.0), ("climatology", 0.0)):
        for share in SHRUNK:
            other = replace(chosen, step=chosen.step.shrunk(share, kept), shrunk=share, shrunk_to=name)
            if (found := error(other)) < least:
                best, least = other, found
    if best is not chosen:
        _set(model, best.step)
    return best


def _set(model: WorldModel, step: LinearStep) -> None:
    cast(ExponentialPredictor | LinearPredictor, model.predictor).set_linear(step)


def _places(data: Trajectories) -> list[tuple[int, int, int]]:
    """The row, first and last instant of each piece."""
    places = []
    for row in data.usable:
        length = data.intervals_of(row)
        ends = torch.linspace(0, length, 1 + -(-length // PIECE)).round().long().tolist()
        places += [(row, first, last) for first, last in pairwise(ends)]
    return places[:: -(-len(places) * PIECE // MOST_INTERVALS)]


def _share_left_out(model: WorldModel, data: Trajectories, instants: Sequence[tuple[int, int]]) -> float:
    """The mean square of what decoded latents miss, in units of that of the anomalies, at a few instants."""
    missed, whole = 0.0, 1e-30
    for row, instant in instants[:: -(-len(instants) // MOST_INSTANTS)]:
        fields = _fields(data, row, instant, instant + 1)
        decoded = model.readout(model.encode(fields), ["fields"])["fields"]
        normalized = model.normalize(fields)
        missed += float((model.normalize(decoded) - normalized).square().sum())
        whole += float((normalized - model.normalize(model.mean_fields)).square().sum())
    return max(missed / whole, SMALLEST_FLOOR)


def _fields(data: Trajectories, row: int, start: int, stop: int) -> Tensor:
    arrays = [data.array(v.name) for v in data.variables]
    return torch.from_numpy(np.stack([array[row, start:stop] for array in arrays], axis=1).astype(np.float32))


def _piece(model: WorldModel, data: Trajectories, row: int, first: int, last: int) -> Piece:
    numbers = math.prod(axis.num_points for axis in data.axes) * len(data.variables)
    step = max(1, NUMBERS_AT_ONCE // numbers)
    parts = (_fields(data, row, start, min(start + step, last + 1)) for start in range(first, last + 1, step))
    latents = [model.latent(model.encode(part)).double() for part in parts]
    actions = torch.from_numpy(np.asarray(data.array("action")[row, first:last], dtype=np.float32))
    parameters = model.scaled_parameters(torch.from_numpy(data.parameters[row])).expand(len(actions), -1)
    return Piece(torch.cat(latents), torch.cat([model.scaled(actions), parameters], dim=1).double())


def choose_linear_step(pieces: Sequence[Piece], energies: Tensor, floor: float) -> Chosen:
    """Choose ridge and D by forecasts of pieces that were not fitted, then fit to all.

    Forecasts count by the geometric mean over their lead times of the root mean square error.

    Args:
        pieces: Of any lengths of at least one interval.
        energies: What the square of each coordinate counts in a distance between fields, ``(size,)``.
        floor: The mean square of what the latent does not hold, in the same units.
    """
    folds = [(_Fits(fitted), _windows(held_out)) for fitted, held_out in _folds(pieces)]

    def error(ridge: float, towards: str, bounded: bool = False) -> float:
        steps = [(fits.step(ridge, towards), windows) for fits, windows in folds]
        return sum(forecast_error(s.bounded() if bounded else s, w, energies, floor) for s, w in steps) / len(steps)

    least, ridge, towards = min((error(ridge, towards), ridge, towards) for towards in TARGETS for ridge in RIDGES)
    step = _Fits(pieces).step(ridge, towards)
    bounded = step.radius > 1 and error(ridge, towards, bounded=True) <= least
    return Chosen(step.bounded() if bounded else step, ridge, towards, bounded)


def forecast_error(step: LinearStep, windows: Piece, energies: Tensor, floor: float) -> float:
    """The geometric mean over lead times of the root mean square error; infinite where forecasts explode.

    Args:
        step: What is tried.
        windows: Windows of equal length, stacked: latents ``(window, H + 1, size)``, inputs ``(window, H, inputs)``.
        energies, floor: As for :func:`choose_linear_step`.
    """
    matrix, forcing, constant = (torch.from_numpy(x) for x in (step.matrix, step.forcing, step.constant))
    z, total = windows.latents[:, 0], 0.0
    for h, added in enumerate((windows.inputs @ forcing + constant).unbind(dim=1)):
        z = z @ matrix + added
        square = ((z - windows.latents[:, h + 1]).square() @ energies).mean() + floor
        total += float(square.log()) / 2
    return total / windows.inputs.shape[1] if torch.isfinite(z).all() else torch.inf


class _Fits:
    """All fits to some pieces, from one decomposition."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        before = torch.cat([p.latents[:-1] for p in pieces])
        x = torch.cat([before, torch.cat([p.inputs for p in pieces]), torch.ones_like(before[:, :1])], dim=1)
        y = torch.cat([p.latents[1:] for p in pieces])
        self.size = before.shape[1]
        self.squares, self.products = x.T @ x / len(x), x.T @ y / len(x)
        spectrum, self.axes = torch.linalg.eigh(self.squares)
        self.spectrum = spectrum.clamp(min=0)[:, None]

    def step(self, ridge: float, towards: str) -> LinearStep:
        """The fit of one ridge, of :data:`RIDGES`, and one of :data:`TARGETS`."""
        target = torch.zeros_like(self.products)
        own, square = self.products.diagonal(), self.squares.diagonal()[: self.size]
        kept = torch.ones_like(own) if towards == "persistence" else (own / square.clamp(min=1e-30)).clamp(0, 1)
        target[: self.size].diagonal().copy_(kept)
        left = self.products - self.squares @ target
        weights = (target + self.axes @ (self.axes.T @ left / (self.spectrum + ridge))).numpy()
        return LinearStep(weights[: self.size], weights[self.size : -1], weights[-1])


def _folds(pieces: Sequence[Piece]) -> list[tuple[list[Piece], list[Piece]]]:
    """Pieces to fit and pieces to forecast: every one once, or the last part of each where there are few."""
    if len(pieces) >= FOLDS:
        return [([p for i, p in enumerate(pieces) if i % FOLDS != k], list(pieces[k::FOLDS])) for k in range(FOLDS)]
    places = [max(1, len(p) - max(1, len(p) // FOLDS)) for p in pieces]
    first = [p.cut(0, place) for p, place in zip(pieces, places, strict=True)]
    return [(first, [p.cut(min(place, len(p) - 1), len(p)) for p, place in zip(pieces, places, strict=True)])]


def _windows(pieces: Sequence[Piece]) -> Piece:
    """Windows of equal length, stacked."""
    steps = max(1, min(LONGEST, max(map(len, pieces)) // 2))
    long_enough = [p for p in pieces if len(p) >= steps]
    cut = [
        piece.cut(start, start + steps)
        for piece in long_enough
        for start in range(0, len(piece) - steps + 1, max(1, (len(piece) - steps) // (STARTS - 1)))
    ]
    return Piece(torch.stack([w.latents for w in cut]), torch.stack([w.inputs for w in cut]))
