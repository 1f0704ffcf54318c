"""Viscous Burgers under a forcing that varies in time, with actuators of unknown gain.

    u_t + u u_x = nu u_xx + F (sin(pi x) + 0.35 sin(2 pi q t + phi) sin(2 pi x)) + g sum_j a_j b_j(x)

on N nodes of [0, 1], with u = left and u = right at the end nodes. Advection is upwind, diffusion central,
and Euler's method takes the forcing at the middle of each step. There is no forcing at the walls. Time is a
second, uniform field, called ``clock``, so that the state alone determines the forcing.

Expected behaviour: the steady part of the forcing drives a hump to the right, where it steepens at the wall;
the unsteady part moves it to and fro.

Parameters: ``viscosity`` is nu, ``gain`` g, ``forcing`` F, ``frequency`` q, ``phase`` phi; ``left`` and
``right`` are the velocities at the walls.

Budgets, with <.> the mean over the nodes, M = <u> and E = <u^2>/2: the outputs of actuator j are g <b_j> for
M and g <u b_j> for E; advection, diffusion, walls and forcing are the source.

Good values: N = 48, nu = 0.008 to 0.018, F = 0.4 to 0.8, q = 0.5 to 1.5, gain 0.65 to 1.35, step 5e-4.
"""

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.base import Variable
from simulations.explicit import ExplicitSimulation
from simulations.parameters import Parameter, non_negative, positive
from simulations.step_limits import StepLimit


class HiddenGainBurgers(ExplicitSimulation):
    """Forced viscous Burgers equation between two walls on ``BoundedGrid.nodes``, with time as a second field."""

    equation = "burgers_hidden_gain"
    variables: ClassVar[tuple[Variable, ...]] = (Variable("u", "velocity"), Variable("clock", "time", "s"))
    functional_names = ("mass", "energy")
    parameters = (
        positive("viscosity", "kinematic viscosity", 0.013),
        non_negative("gain", "gain of the actuators", 1.0),
        non_negative("forcing", "amplitude F of the steady forcing", 0.6),
        non_negative("frequency", "frequency q of the unsteady forcing", 1.0),
        Parameter("phase", "phase phi of the unsteady forcing", 0.0),
        Parameter("left", "velocity at the left wall", 0.0),
        Parameter("right", "velocity at the right wall", 0.0),
    )

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """A random sum of four sine waves of root mean square ``amplitude``, at time zero."""
        u = sine_waves(self.grid.coordinates["x"], rng)
        return np.stack([amplitude * u / np.sqrt((u**2).mean()), np.zeros_like(u)])

    def response(self, like: Tensor) -> Tensor:
        """The actuators' shapes times the gain; neither shapes nor bounds of the actions show the gain."""
        return self.table("gain", like)[:, None] * super().response(like)

    def drift(self, fields: Tensor) -> Tensor:
        """The terms of the equation; an end node reaches its wall's value in one step; the clock runs at rate one."""
        u, h = fields[:, 0], self.grid.spacing[0]
        inside, slopes = u[:, 1:-1], u.diff(dim=1) / h
        advection = inside.clamp_min(0) * slopes[:, :-1] + inside.clamp_max(0) * slopes[:, 1:]
        rate = self._table("viscosity", fields) * slopes.diff(dim=1) / h - advection + self._forcing(fields[:, 1, 1:-1])
        left = (self._table("left", fields) - u[:, :1]) / self.step
        right = (self._table("right", fields) - u[:, -1:]) / self.step
        return torch.stack([torch.cat([left, rate, right], dim=1), torch.ones_like(u)], dim=1)

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """``mass`` = <u>, ``energy`` = <u^2>/2."""
        u = fields[:, 0]
        return {"mass": u.mean(dim=1), "energy": u.square().mean(dim=1) / 2}

    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """``dM/du = 1`` and ``dE/du = u``; both derivatives by the clock are zero."""
        velocity = fields.new_tensor([1.0, 0.0])[:, None]
        return {"mass": velocity.expand_as(fields), "energy": velocity * fields}

    def tables(self) -> dict[str, tuple[NDArray[Any], ...]]:
        """Also the two waves of the forcing at the inner nodes."""
        x = self.grid.coordinates["x"][1:-1]
        return super().tables() | {"waves": (np.stack([np.sin(np.pi * x), np.sin(2 * np.pi * x)]),)}

    def step_limits(self) -> list[StepLimit]:
        """The limit for diffusion at the largest viscosity of the batch."""
        return [self.diffusive_limit(float(np.max(self.values["viscosity"])))]

    def step_limits_at(self, fields: Tensor) -> list[StepLimit]:
        """The limit for upwind advection at the largest ``|u|``."""
        return [self.upwind_limit(float(fields[:, 0].abs().max()))]

    def _forcing(self, time: Tensor) -> Tensor:
        turns = self._table("frequency", time) * (time + self.step / 2)
        swing = 0.35 * torch.sin(2 * torch.pi * turns + self._table("phase", time))
        steady, unsteady = self.table("waves", time)
        return self._table("forcing", time) * (steady + swing * unsteady)

    def _table(self, name: str, like: Tensor) -> Tensor:
        return self.table(name, like)[:, 0]


def sine_waves(x: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """``sum_m n_m sin(m pi x) / m`` for m = 1 to 4, with standard normal ``n_m``, shape ``(x,)``."""
    return np.asarray(sum(rng.normal() / m * np.sin(m * np.pi * x) for m in range(1, 5)))
