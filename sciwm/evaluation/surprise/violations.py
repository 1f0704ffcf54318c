"""Violations of physics, made by changing true trajectories; and controls, changes that the physics allows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sciwm.errors import InputError, Problem
from sciwm.evaluation.symmetry import apply_shift, symmetric_shift
from simulations import Simulation
from simulations.resampling import resample

SHARES = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Default sizes of injections and kicks, in units of the root mean square."""


@dataclass(frozen=True)
class Scene:
    """Trajectories of a simulation from its first instant on.

    Args:
        fields: Fields ``(trajectory, interval + 1, variable, *space)`` in double precision.
        actions: ``(trajectory, interval, actuator)``, in physical units, held over each interval.
        generator: Draws what is random in a violation.
    """

    simulation: Simulation
    fields: Tensor
    actions: Tensor
    generator: torch.Generator


Change = Callable[[Scene, float], tuple[Tensor, Tensor]]
"""From a scene and a size to observed fields and the actions that the model is given, both as in :class:`Scene`."""


@dataclass(frozen=True)
class Violation:
    """One way to change trajectories.

    Args:
        name: Its name in results.
        change: Makes the observed trajectory from a scene and a size.
        sizes: Sizes, ascending; ``change`` defines what they mean.
        default: The size that is reported.
        lasts: Whether it goes on for the time of exposure; otherwise it happens in the first interval.
        control: Whether the physics allows it, so that it should not be detected.
    """

    name: str
    change: Change
    sizes: tuple[float, ...] = (1.0,)
    default: float = 1.0
    lasts: bool = False
    control: bool = False


def standard_violations(parameter: str | None, *, sizes: Sequence[float] = SHARES) -> list[Violation]:
    """The usual violations: injected mass, a bump, energy, wrong forcing, reversed time, a splice, a changed parameter.

    Args:
        parameter: The parameter that changes, from 1 % to its double; None to leave this violation out.
        sizes: Sizes of injections and kicks, in units of the root mean square; 0.05, which is reported, is added.
    """
    shares = tuple(sorted({0.05, *sizes}))
    made = [
        Violation("mass_injection", _inject_mass, shares, 0.05),
        Violation("bump_injection", _inject_bump, shares, 0.05),
        Violation("energy_kick", _kick, shares, 0.05),
        Violation("wrong_forcing", _misinform, (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0), lasts=True),
        Violation("time_reversal", _reverse, lasts=True),
        Violation("splice", _splice),
    ]
    if parameter is not None:
        made.append(
            Violation(f"{parameter}_change", _change(parameter), (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0), lasts=True)
        )
    return made


def standard_controls(*, resolution: bool = True) -> list[Violation]:
    """The usual controls: a consistent shift of state and actuators and, if asked, a grid of twice the points.

    Args:
        resolution: Whether to add the finer grid, which a dynamics tied to its own grid cannot encode.
    """
    shift = Violation("consistent_shift", _shift, lasts=True, control=True)
    finer = Violation("finer_grid", _refine, (2.0,), 2.0, lasts=True, control=True)
    return [shift, finer] if resolution else [shift]


def continued(simulation: Simulation, state: Tensor, actions: Tensor) -> Tensor:
    """States after each action, ``(trajectory, interval, variable, *space)``."""
    states = []
    for action in actions.unbind(dim=1):
        state = simulation.advance(state, action)
        states.append(state)
    return torch.stack(states, dim=1) if states else state[:, None][:, :0]


def _after(scene: Scene, first: Tensor) -> tuple[Tensor, Tensor]:
    """The observed trajectory if the first interval ends in ``first`` and the simulation goes on from there."""
    rest = continued(scene.simulation, first, scene.actions[:, 1:])
    return torch.cat([scene.fields[:, :1], first[:, None], rest], dim=1), scene.actions


def _rms(fields: Tensor) -> Tensor:
    """Root mean square of each variable, ``(trajectory, variable, 1...)``."""
    return fields.square().mean(dim=tuple(range(2, fields.ndim)), keepdim=True).sqrt()


def _inject_mass(scene: Scene, size: float) -> tuple[Tensor, Tensor]:
    """The first variable rises everywhere by a share of its root mean square."""
    after = scene.fields[:, 1].clone()
    after[:, :1] += size * _rms(after)[:, :1]
    return _after(scene, after)


def _inject_bump(scene: Scene, size: float) -> tuple[Tensor, Tensor]:
    """The first variable rises by the same root mean square, in a Gaussian a tenth of the domain wide, at random."""
    after, shape = scene.fields[:, 1].clone(), scene.simulation.grid.shape
    bump = torch.ones(len(after), *(1,) * len(shape), dtype=after.dtype)
    for axis, count in enumerate(shape):
        centre = torch.rand(len(after), 1, generator=scene.generator, dtype=after.dtype)
        place = torch.arange(count, dtype=after.dtype) / count
        distance = (place - centre + 0.5) % 1 - 0.5
        along = torch.exp(-((distance / 0.1) ** 2) / 2)
        bump = bump * along.view(len(after), *(count if a == axis else 1 for a in range(len(shape))))
    bump = bump[:, None] / _rms(bump[:, None])
    after[:, :1] += size * _rms(after)[:, :1] * bump
    return _after(scene, after)


def _kick(scene: Scene, size: float) -> tuple[Tensor, Tensor]:
    """Deviations from the spatial mean grow by this share: energy is injected, but no mass."""
    after = scene.fields[:, 1]
    mean = after.mean(dim=tuple(range(2, after.ndim)), keepdim=True)
    return _after(scene, after + size * (after - mean))


def _change(parameter: str) -> Change:
    """The simulation goes on with the parameter raised by this share."""

    def change(scene: Scene, size: float) -> tuple[Tensor, Tensor]:
        value = np.asarray(scene.simulation.values[parameter])
        other = scene.simulation.with_parameters({parameter: (1 + size) * value})
        start = scene.fields[:, 0]
        return torch.cat([start[:, None], continued(other, start, scene.actions)], dim=1), scene.actions

    return change


def _misinform(scene: Scene, size: float) -> tuple[Tensor, Tensor]:
    """The model is given wrong actions, this share of the way from the true ones to random ones."""
    drawn = 2 * torch.rand(scene.actions.shape, generator=scene.generator, dtype=scene.actions.dtype) - 1
    return scene.fields, scene.actions + size * (scene.simulation.actuators.to_physical(drawn) - scene.actions)


def _reverse(scene: Scene, size: float) -> tuple[Tensor, Tensor]:
    """The trajectory and its actions are reversed in time."""
    return scene.fields.flip(1), scene.actions.flip(1)


def _splice(scene: Scene, size: float) -> tuple[Tensor, Tensor]:
    """After the first instant, another trajectory of the set is observed."""
    return torch.cat([scene.fields[:, :1], scene.fields[:, 1:].roll(1, 0)], dim=1), scene.actions


def _shift(scene: Scene, size: float) -> tuple[Tensor, Tensor]:
    """Fields move by the smallest shift that maps the actuators to each other, and actions are permuted with them."""
    found = symmetric_shift(scene.simulation, scene.fields[:1, 0])
    if found is None:
        expected, got = "actuators that some shift of a periodic grid maps onto each other", "none"
        raise InputError([Problem("consistent_shift", expected, got, "leave this control out")])
    return apply_shift(scene.simulation, scene.fields, scene.actions, found)


def _refine(scene: Scene, size: float) -> tuple[Tensor, Tensor]:
    """The same fields on a grid with ``size`` times the points along each dimension."""
    return resample(scene.fields, [round(size * n) for n in scene.simulation.grid.shape]), scene.actions
