"""Symmetry as augmentation, for models that do not have it exactly.

The equation is said to have a symmetry by whoever asks for it; which transformations of the *actions*
go with it is found from the actuators' shapes: a shift or reflection that maps the set of shapes onto
itself, up to sign, is a permutation of the actions.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sciwm.data.schema import Trajectories
from sciwm.data.windows import Batch
from sciwm.problems import InputError, Problem

TOLERANCE = 1e-4


@dataclass(frozen=True)
class Symmetry:
    """``(T u, P a)`` is a trajectory if ``(u, a)`` is.

    Args:
        shift: grid points along each axis.
        reflected: whether every axis is turned round, after the shift.
        sign: what the fields are multiplied by.
        source: the action that takes the place of each, ``(actuator,)``.
        action_sign: and what it is multiplied by, ``(actuator,)``.
    """

    shift: tuple[int, ...]
    reflected: bool
    sign: float
    source: NDArray[np.intp]
    action_sign: NDArray[np.float64]

    def of_fields(self, fields: Tensor) -> Tensor:
        """``(..., *space)``."""
        axes = tuple(range(-len(self.shift), 0))
        moved = torch.roll(fields, self.shift, axes)
        return self.sign * (torch.roll(moved.flip(axes), (1,) * len(axes), axes) if self.reflected else moved)

    def of_actions(self, actions: Tensor) -> Tensor:
        """``(..., actuator)``."""
        return actions[..., torch.from_numpy(self.source)] * actions.new_tensor(self.action_sign)


def joint_symmetries(data: Trajectories, kinds: Sequence[str]) -> list[Symmetry]:
    """Every shift or reflection of the grid that the actuators allow, the identity among them.

    Args:
        data: gives the grid, the actuators' shapes and their bounds.
        kinds: among ``"shifts"``, ``"even_reflections"``, ``"odd_reflections"`` (where u changes sign).

    Raises:
        InputError: if the domain is bounded, or the shapes are not known.
    """
    if not kinds:
        return []
    if data.forcing_shapes is None or not all(axis.periodic for axis in data.axes):
        expected, got = "a periodic domain and actuators of known shapes", "neither or only one of them"
        raise InputError([Problem("training.augmentation", expected, got, "leave it out")])
    signs = [("shifts", False, 1.0), ("even_reflections", True, 1.0), ("odd_reflections", True, -1.0)]
    found = []
    for kind, reflected, sign in signs:
        if kind not in kinds:
            continue
        grid = [range(axis.num_points) for axis in data.axes]
        for shift in itertools.product(*grid):
            draft = Symmetry(shift, reflected, sign, np.arange(0), np.zeros(0))
            matched = _matched(draft.of_fields, torch.from_numpy(data.forcing_shapes))
            if matched is not None and _same_bounds(data, *matched):
                found.append(replace(draft, source=matched[0], action_sign=matched[1]))
    return found


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


def _matched(
    transform: Callable[[Tensor], Tensor], shapes: Tensor
) -> tuple[NDArray[np.intp], NDArray[np.float64]] | None:
    """For ``T sum_j a_j g_j = sum_i a'_i g_i`` the j and the sign of each i, if the shapes allow."""
    moved, still = transform(shapes).flatten(1).numpy(), shapes.flatten(1).numpy()
    size = np.abs(still).max()
    source, sign = np.zeros(len(still), dtype=np.intp), np.zeros(len(still))
    for i, shape in enumerate(still):
        for s in (1.0, -1.0):
            error = np.abs(moved - s * shape).max(axis=1)
            if error.min() < TOLERANCE * size:
                source[i], sign[i] = error.argmin(), s
    return (source, sign) if sign.all() and len(set(source.tolist())) == len(source) else None


def _same_bounds(data: Trajectories, source: NDArray[np.intp], sign: NDArray[np.float64]) -> bool:
    low, high = data.actuators.low, data.actuators.high
    lowest, highest = np.where(sign > 0, low[source], -high[source]), np.where(sign > 0, high[source], -low[source])
    return bool(np.allclose(lowest, low) and np.allclose(highest, high))
