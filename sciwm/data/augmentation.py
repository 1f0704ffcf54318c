"""Symmetry as augmentation, for models that do not have it exactly.

The equation is said to have a symmetry by whoever asks for it; which transformations of the *actions*
go with it is found from the actuators' shapes: a shift or reflection that maps the set of shapes onto
itself, up to sign, is a permutation of the actions.
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
"""Of a shape's largest value: how far one that is taken to it may be from it."""
CORRELATED = 1e-3
SIGNS = (1.0, -1.0)

Kind = Literal["shifts", "even_reflections", "odd_reflections"]


@dataclass(frozen=True)
class Symmetry:
    """``(T u, P a)`` is a trajectory if ``(u, a)`` is.

    Args:
        shift: grid points along each axis.
        reflected: whether every axis is turned round after the shift, about its first point; its middle between walls.
        sign: what the fields are multiplied by.
        source: the action that takes the place of each, ``(actuator,)``.
        action_sign: and what it is multiplied by, ``(actuator,)``.
        walls: which axes lie between walls.
    """

    shift: tuple[int, ...]
    reflected: bool
    sign: float
    source: NDArray[np.intp]
    action_sign: NDArray[np.float64]
    walls: tuple[bool, ...]

    def of_fields(self, fields: Tensor) -> Tensor:
        """``(..., *space)``."""
        axes = tuple(range(-len(self.shift), 0))
        moved = torch.roll(fields, self.shift, axes)
        first = tuple(int(not walls) for walls in self.walls)
        return self.sign * (torch.roll(moved.flip(axes), first, axes) if self.reflected else moved)

    def of_actions(self, actions: Tensor) -> Tensor:
        """``(..., actuator)``."""
        return actions[..., torch.from_numpy(self.source)] * actions.new_tensor(self.action_sign)


def joint_symmetries(data: Trajectories | Actuation, kinds: Sequence[Kind]) -> list[Symmetry]:
    """Every shift or reflection of the grid that the actuators allow, with ``"shifts"`` the identity among them.

    Args:
        data: gives the grid, the actuators' shapes and their bounds.
        kinds: which are looked for; with ``"odd_reflections"`` u changes sign.

    Raises:
        InputError: as :func:`require_symmetries`.
    """
    require_symmetries(data, kinds)
    return [symmetry for kind in kinds for symmetry in _of_kind(data, kind)]


def require_symmetries(data: Trajectories | Actuation, kinds: Sequence[Kind]) -> None:
    """Refuse kinds that the actuators do not allow, without looking for all symmetries of the others.

    Raises:
        InputError: if the shapes are not known, or nothing of a kind is allowed.
    """
    if not kinds:
        return
    if data.forcing_shapes is None:
        raise InputError(
            [Problem("training.augmentation", "actuators of known shapes", "unknown ones", "leave it out")]
        )
    problems = []
    for kind in kinds:
        needed = 1 + (kind == "shifts")  # the identity is always one
        if len(list(islice(_of_kind(data, kind), needed))) < needed:
            expected, got = "actuators that it takes to each other, bounds included", "others"
            problems.append(Problem(f"training.augmentation: {kind}", expected, got, "leave it out"))
    raise_if(problems)


def augment(batch: Batch, symmetries: Sequence[Symmetry], rng: np.random.Generator) -> Batch:
    """The batch transformed by one of the symmetries, chosen at random; without any, as it is."""
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
    """All of one kind, where shapes are known."""
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
    """Shifts that take one shape ``(variable, *space)`` to any of the others, up to sign, by their correlation."""
    axes = tuple(range(-shape.ndim + 1, 0))
    products = torch.fft.fftn(shape, dim=axes).conj() * torch.fft.fftn(others, dim=axes)
    overlap = torch.fft.ifftn(products, dim=axes).real.sum(dim=1).abs().flatten(1)
    near = overlap >= (1 - CORRELATED) * shape.norm() * others.flatten(1).norm(dim=1, keepdim=True)
    places = np.flatnonzero(near.any(dim=0).numpy())
    return [tuple(map(int, place)) for place in zip(*np.unravel_index(places, shape.shape[1:]), strict=True)]


def _matched(moved: Tensor, still: Tensor) -> tuple[NDArray[np.intp], NDArray[np.float64]] | None:
    """For ``T sum_j a_j g_j = sum_i a'_i g_i`` the j and the sign of each i, if the shapes allow.

    Args:
        moved, still: ``T g_j`` and ``g_i``, ``(actuator, variable, *space)``.
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
    lowest, highest = np.where(sign > 0, low[source], -high[source]), np.where(sign > 0, high[source], -low[source])
    return bool(np.allclose(lowest, low) and np.allclose(highest, high))
