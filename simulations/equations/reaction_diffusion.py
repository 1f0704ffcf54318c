"""Reaction and diffusion between a wall at zero and a wall at which an action sets the field.

    u_t = u_xx + lambda(x) u        on (0, L), u(0, t) = 0, u(L, t) = U(t)
    lambda(x) = amplitude cos(gamma arccos(x / L))

The scheme is of central differences at ``x_i = i h``, with the first and the last point on the walls:

    u_i' = u_i + step ((u_{i+1} - 2 u_i + u_{i-1}) / h^2 + lambda_i u_i)

Expected behaviour: diffusion damps, and the reaction drives growth where lambda > 0. For a constant lambda the
wave sin(k pi x / L) grows at the rate lambda - (k pi / L)^2. At the good values one mode grows, at the rate
0.85.

Parameters: ``amplitude`` and ``gamma`` as in the equation.

Budgets, with <.> the mean over the points, M = <u> and E = <u^2>/2, up to the scheme's error:

    dM/dt = (u_x(L) - u_x(0)) / L + <lambda u>
    dE/dt = -<u_x^2> + <lambda u^2> + U u_x(L) / L

Good values: L = 1, amplitude 50, gamma 8, N = 201, step 1e-5, those of the benchmark (Bhan et al. 2024,
arXiv:2405.11401).
"""

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.base import Variable
from simulations.linear import LinearSimulation
from simulations.parameters import Parameter, non_negative
from simulations.step_limits import StepLimit


class ReactionDiffusion(LinearSimulation):
    """Linear reaction and diffusion on ``BoundedGrid.nodes``."""

    equation = "reaction_diffusion"
    variables: ClassVar[tuple[Variable, ...]] = (Variable("u", "concentration"),)
    functional_names = ("mass", "energy")
    parameters = (
        Parameter("amplitude", "largest reaction rate", 50.0),
        non_negative("gamma", "how often the reaction changes sign along x", 8.0),
    )
    walls: ClassVar[dict[str, tuple[int | slice, ...]]] = {"right": (0, -1)}

    def reaction(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """``lambda(x)``, shape ``(x,)``, or ``(batch, x)`` where parameters differ in the batch."""
        angle = np.arccos(np.clip(x / self.grid.extents[0], -1.0, 1.0))
        amplitude, gamma = (self.values[name][..., None] for name in ("amplitude", "gamma"))
        return np.asarray(amplitude * np.cos(gamma * angle))

    def operator(self) -> NDArray[Any]:
        """Diffusion and reaction; on the walls a rate that brings the field to zero in one solver step."""
        points = self.grid.shape[0]
        reaction = self.reaction(self.grid.coordinates["x"])
        diffusion = np.eye(points, k=1) - 2 * np.eye(points) + np.eye(points, k=-1)
        operator = diffusion / self.grid.spacing[0] ** 2 + reaction[..., None] * np.eye(points)
        operator[..., [0, -1], :] = 0.0
        operator[..., [0, -1], [0, -1]] = -1.0 / self.step
        return np.asarray(operator)

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """A random sum of the four longest sines that vanish on both walls, scaled to ``amplitude``."""
        x = self.grid.coordinates["x"] / self.grid.extents[0]
        field = sum(rng.normal() * np.sin(m * np.pi * x) for m in range(1, 5))
        return np.asarray(amplitude * field / np.sqrt(np.mean(field**2)))[None]

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """``mass`` = <u>, ``energy`` = <u^2>/2."""
        return {"mass": self.mean_over_space(fields), "energy": self.mean_over_space(fields.square()) / 2}

    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """``dM/du = 1`` and ``dE/du = u``."""
        return {"mass": torch.ones_like(fields), "energy": fields}

    def step_limits(self) -> list[StepLimit]:
        """The limit for the fastest decay, that of the shortest wave where the reaction is the strongest sink."""
        damping = 4 / self.grid.spacing[0] ** 2 + float(np.abs(self.values["amplitude"]).max())
        return [StepLimit(2 / damping, "diffusion")]
