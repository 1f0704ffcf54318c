"""Symmetries as augmentation, for models that do not have them exactly.

The user names a symmetry of the equation. The matching transformation of the *actions* follows from the shapes of
the actuators: a shift or reflection that maps the set of shapes to itself, up to sign, permutes the actions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sciwm.data.actuation import Actuation
from sciwm.data.schema import Trajectories
from sciwm.data.windows import Batch
from sciwm.errors import InputError, Problem, raise_if

TOLERANCE = 1e-4
"""The largest difference between two shapes that count as equal, relative to the largest value."""
SAME_BOUNDS = 1e-5
"""The largest difference of bounds that count as equal, relative to the width of the box."""
CORRELATED = 1e-3
"""The largest difference of a correlation from one for shifts that are looked at more closely."""
SIGNS = (1.0, -1.0)

Kind = Literal["shifts", "even_reflections", "odd_reflections"]


@dataclass(frozen=True)
class Symmetry:
    """A transformation T of the fields and P of the actions: ``(T u, P a)`` is a trajectory if ``(u, a)`` is.

    Args:
        shift: The shift along each axis in grid points.
        reflected: Whether all axes are reflected after the shift: about the first point of a periodic axis, and
            about the middle between walls.
        sign: The factor of the fields, 1 or -1.
        source: The action that takes the place of each, ``(actuator,)``.
        action_sign: The factor of each action, 1 or -1, ``(actuator,)``.
        walls: Whether each axis lies between walls.
    """

    shift: tuple[int, ...]
    reflected: bool
    sign: float
    source: NDArray[np.intp]
    action_sign: NDArray[np.float64]
    walls: tuple[bool, ...]

    def of_fields(self, fields: Tensor) -> Tensor:
        """Transform fields ``(..., *space)``."""
        axes = tuple(range(-len(self.shift), 0))
        moved = torch.roll(fields, self.shift, axes)
        first = tuple(int(not walls) for walls in self.walls)
        return self.sign * (torch.roll(moved.flip(axes), first, axes) if self.reflected else moved)

    def of_actions(self, actions: Tensor) -> Tensor:
        """Transform actions ``(..., actuator)``."""
        return actions[..., torch.from_numpy(self.source)] * actions.new_tensor(self.action_sign)


def joint_symmetries(data: Trajectories | Actuation, kinds: Sequence[Kind]) -> list[Symmetry]:
    """All symmetries of the named kinds that the actuators allow; the identity is among the shifts.

    Args:
        data: What holds the grid, the shapes of the actuators and their bounds.
        kinds: The kinds to look for; ``"odd_reflections"`` change the sign of the fields.

    Raises:
        InputError: As :func:`require_symmetries`.
    """
    require_symmetries(data, kinds)
    return [symmetry for kind in kinds for symmetry in _of_kind(data, kind)]


def require_symmetries(data: Trajectories | Actuation, kinds: Sequence[Kind]) -> None:
    """Refuse kinds that the actuators do not allow; quicker than to look for all symmetries.

    Raises:
        InputError: If the shapes are not known, or a kind has no symmetry but the identity.
    """
    if not kinds:
        return
    if data.forcing_shapes is None:
        remedy = "leave it out, or add actuator_shape to the data"
        raise InputError([Problem("training.augmentation", "actuators of known shapes", "unknown ones", remedy)])
    problems = []
    for kind in kinds:
        needed = 1 + (kind == "shifts")  # the identity is a shift
        if len(list(islice(_of_kind(data, kind), needed))) < needed:
            expected, got = "actuators that it maps to each other, bounds included", "others"
            problems.append(Problem(f"training.augmentation: {kind}", expected, got, "leave it out"))
    raise_if(problems)


def augment(batch: Batch, symmetries: Sequence[Symmetry], rng: np.random.Generator) -> Batch:
    """Transform a batch by one symmetry, chosen at random; without symmetries it stays as it is."""
    if not symmetries:
        return batch
    chosen = symmetries[int(rng.integers(len(symmetries)))]
    return replace(
        batch,
        fields=chosen.of_fields(batch.fields),
        actions=chosen.of_actions(batch.actions),
        outputs=chosen.of_actions(batch.outputs),
    )


def _of_kind(data: Trajectories | Actuation, kind: Kind) -> Iterator[Symmetry]:
    """All symmetries of one kind, where the shapes are known."""
    shapes = torch.from_numpy(data.forcing_shapes)
    reflected, sign = kind != "shifts", -1.0 if kind == "odd_reflections" else 1.0
    walls = tuple(not axis.periodic for axis in data.axes)
    turned = Symmetry((0,) * len(walls), reflected, 1.0, np.arange(0), np.zeros(0), walls).of_fields(shapes)
    for shift in _candidates(shapes[0], turned):
        if any(points for points, bounded in zip(shift, walls, strict=True) if bounded):
            continue
        draft = Symmetry(shift, reflected, sign, np.arange(0), np.zeros(0), walls)
        matched = _matched(draft.of_fields(shapes), shapes)
        if matched is not None and _same_bounds(data, *matched):
            yield replace(draft, source=matched[0], action_sign=matched[1])


def _candidates(shape: Tensor, others: Tensor) -> list[tuple[int, ...]]:
    """Shifts that may map a shape ``(variable, *space)`` to another one, up to sign: those of high correlation."""
    axes = tuple(range(-shape.ndim + 1, 0))
    products = torch.fft.fftn(shape, dim=axes).conj() * torch.fft.fftn(others, dim=axes)
    overlap = torch.fft.ifftn(products, dim=axes).real.sum(dim=1).abs().flatten(1)
    near = overlap >= (1 - CORRELATED) * shape.norm() * others.flatten(1).norm(dim=1, keepdim=True)
    places = np.flatnonzero(near.any(dim=0).numpy())
    return [tuple(map(int, place)) for place in zip(*np.unravel_index(places, shape.shape[1:]), strict=True)]


def _matched(moved: Tensor, still: Tensor) -> tuple[NDArray[np.intp], NDArray[np.float64]] | None:
    """The permutation and the signs with ``T sum_j a_j g_j = sum_i a'_i g_i``; None if the shapes do not allow one.

    Args:
        moved, still: The shapes ``T g_j`` and ``g_i``, ``(actuator, variable, *space)``.
    """
    source, sign = np.zeros(len(still), dtype=np.intp), np.zeros(len(still))
    free = torch.ones(len(still), dtype=torch.bool)
    for i, shape in enumerate(still):
        errors = torch.stack([(moved - s * shape).flatten(1).abs().amax(dim=1) for s in SIGNS])
        s, j = divmod(int(errors.masked_fill(~free, torch.inf).argmin()), len(still))
        if errors[s, j] > TOLERANCE * shape.abs().max():
            return None
        source[i], sign[i], free[j] = j, SIGNS[s], False
    return source, sign


def _same_bounds(data: Trajectories | Actuation, source: NDArray[np.intp], sign: NDArray[np.float64]) -> bool:
    low, high = data.actuators.low, data.actuators.high
    allowed = SAME_BOUNDS * (high - low)  # whatever the units of each action, and wherever its zero is
    lowest, highest = np.where(sign > 0, low[source], -high[source]), np.where(sign > 0, high[source], -low[source])
    return bool(np.all(np.abs(lowest - low) <= allowed) and np.all(np.abs(highest - high) <= allowed))
