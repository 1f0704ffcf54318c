"""Transport with recirculation: the outflow at one wall re-enters everywhere.

    u_t = u_x + beta(x) u(0, t)        on (0, L), u(L, t) = U(t)
    beta(x) = amplitude cos(gamma arccos(x / L))

The scheme is of upwind differences at ``x_i = i h``. The first point is on the wall of the outflow, the last
one on the wall of the inflow, where an action sets the field:

    u_i' = u_i + step ((u_{i+1} - u_i) / h + beta_i u_0)

Expected behaviour: the field moves to the left at unit speed, and u(0, t) drives it everywhere. At the good
values one wave of period 0.59 grows at the rate 0.99. With ``step = h`` the transport term alone is exact.

Parameters: ``amplitude`` and ``gamma`` as in the equation.

Budgets, with <.> the mean over the points, M = <u> and E = <u^2>/2, up to the scheme's error:

    dM/dt = (U - u(0)) / L + <beta> u(0)
    dE/dt = (U^2 - u(0)^2) / (2 L) + <beta u> u(0)

Good values: L = 0.99, amplitude 5, gamma 7.35, N = 100, step 1e-4, those of the benchmark (Bhan et al. 2024,
arXiv:2405.11401; its code spaces 100 points by 0.01 and takes x / L for x in beta).
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


class TransportRecirculation(LinearSimulation):
    """Transport with recirculation, on ``BoundedGrid.nodes``."""

    equation = "transport_recirculation"
    variables: ClassVar[tuple[Variable, ...]] = (Variable("u", "transported quantity"),)
    functional_names = ("mass", "energy")
    parameters = (
        Parameter("amplitude", "strength of the recirculation", 5.0),
        non_negative("gamma", "how often the recirculation changes sign along x", 7.35),
    )
    walls: ClassVar[dict[str, tuple[int | slice, ...]]] = {"right": (0, -1)}

    def recirculation(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """``beta(x)``, shape ``(x,)``, or ``(batch, x)`` where parameters differ in the batch."""
        angle = np.arccos(np.clip(x / self.grid.extents[0], -1.0, 1.0))
        amplitude, gamma = (self.values[name][..., None] for name in ("amplitude", "gamma"))
        return np.asarray(amplitude * np.cos(gamma * angle))

    def operator(self) -> NDArray[Any]:
        """Upwind transport, and the recirculation in the column of u(0)."""
        points = self.grid.shape[0]
        recirculation = self.recirculation(self.grid.coordinates["x"])
        transport = (np.eye(points, k=1) - np.eye(points)) / self.grid.spacing[0]
        operator = np.broadcast_to(transport, (*recirculation.shape, points)).copy()
        operator[..., 0] += recirculation
        return operator

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """A random sum of cosines of up to two periods in L, scaled to ``amplitude``."""
        x = self.grid.coordinates["x"] / self.grid.extents[0]
        field = sum(rng.normal() * np.cos(m * np.pi * x) for m in range(5))
        return np.asarray(amplitude * field / np.sqrt(np.mean(field**2)))[None]

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """``mass`` = <u>, ``energy`` = <u^2>/2."""
        return {"mass": self.mean_over_space(fields), "energy": self.mean_over_space(fields.square()) / 2}

    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """``dM/du = 1`` and ``dE/du = u``."""
        return {"mass": torch.ones_like(fields), "energy": fields}

    def step_limits(self) -> list[StepLimit]:
        """The limit for transport at unit speed."""
        return [self.upwind_limit(1.0)]
