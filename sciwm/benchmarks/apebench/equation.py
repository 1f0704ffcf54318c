"""Burgers, Korteweg-de Vries and Kuramoto-Sivashinsky as one family: convection and any linear decay.

    u_t + b (u^2 / 2)_x = a_2 u_xx + a_3 u_xxx + a_4 u_xxxx        on [0, 1), periodic

Budgets, with <.> the spatial mean, M = <u> and E = <u^2>/2:

    dM/dt = 0
    dE/dt = -a_2 <u_x^2> + a_4 <u_xx^2>
"""

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations import Parameter, PeriodicGrid, StepLimit, Variable, uniform
from simulations.initial import random_waves
from simulations.pseudospectral import SpectralSimulation


class Convection(SpectralSimulation):
    """The convection family in the units of APEBench: domain and time step are one.

    A control interval holds two steps; :meth:`trajectory` shows every one.

    Args:
        num_points: of the grid.
        convection, diffusion, dispersion, hyperdiffusion: b, a_2, a_3 and a_4.
        real_weights: weigh the nonlinear term by the real parts of phi_1 and phi_2 alone, as exponax does.
            With dispersion both are complex, and without their imaginary parts the integrator is of first
            order only; results on its data are comparable to those on data of the same map.
    """

    equation = "convection"
    dealiasing: ClassVar[float] = 0.66  # 52 waves of 80: exponax counts the 2/3 rule one wave lower
    variables: ClassVar[tuple[Variable, ...]] = (Variable("u", "velocity"),)
    functional_names = ("mass", "energy")
    parameters = (
        Parameter("convection", "factor of the convection", 0.01),
        Parameter("diffusion", "factor of the second derivative", 0.0),
        Parameter("dispersion", "factor of the third derivative", 0.0),
        Parameter("hyperdiffusion", "factor of the fourth derivative", 0.0),
    )

    def __init__(
        self,
        num_points: int,
        *,
        convection: float,
        diffusion: float = 0.0,
        dispersion: float = 0.0,
        hyperdiffusion: float = 0.0,
        real_weights: bool = False,
    ) -> None:
        self.real_weights = real_weights
        grid = PeriodicGrid.line(num_points, 1.0)
        super().__init__(
            grid,
            uniform(grid, limit=1.0, acts_on="u"),
            parameters={
                "convection": convection,
                "diffusion": diffusion,
                "dispersion": dispersion,
                "hyperdiffusion": hyperdiffusion,
            },
            control_interval=2.0,
            steps_per_interval=2,
            order=2,
        )

    def tables(self) -> dict[str, tuple[NDArray[Any], ...]]:
        """Also the choice of weights."""
        tables = super().tables()
        if self.real_weights:
            decay, *weights = tables["integrator"]
            tables["integrator"] = (decay, *(np.real(weight) for weight in weights))
        return tables

    def linear_symbol(self) -> NDArray[Any]:
        """``-a_2 k^2 - i a_3 k^3 + a_4 k^4``."""
        square = self.grid.laplacian
        cube = -1j * self.grid.odd_wavenumbers[0] ** 3
        symbol = self.parameter("diffusion") * square + self.parameter("hyperdiffusion") * square**2
        return np.asarray(symbol + self.parameter("dispersion") * cube)

    def nonlinear_term(self, state_hat: Tensor) -> Tensor:
        """``-b (u^2 / 2)_x``; the lower 2/3 of the wavenumbers are squared, and none of the square are removed."""
        square_hat = self.spectrum(self.to_grid(self.dealiased(state_hat)).square())
        return -0.5 * self.table("convection", state_hat) * self.derivative(square_hat)

    def trajectory(self, starts: Tensor, steps: int) -> Tensor:
        """The fields after each single step, ``(batch, steps + 1, 1, x)``, the starts included."""
        state_hat = self.spectrum(starts)
        unforced = torch.zeros_like(state_hat)
        instants = [starts]
        for _ in range(steps):
            state_hat = self.step_in_fourier_space(state_hat, unforced)
            instants.append(self.to_grid(state_hat))
        return torch.stack(instants, dim=1)

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """Waves of the four longest wavelengths, without a mean flow."""
        return random_waves(self.grid, rng, modes=range(1, 5), amplitude=amplitude)[None]

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """``mass`` = <u>, ``energy`` = <u^2>/2."""
        return {"mass": self.mean_over_space(fields), "energy": self.mean_over_space(fields.square()) / 2}

    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """1 and u."""
        return {"mass": torch.ones_like(fields), "energy": fields}

    def step_limits_at(self, fields: Tensor) -> list[StepLimit]:
        """Convection by the fastest fluid."""
        return [self.advective_limit(float(np.abs(self.parameter("convection")).max() * fields.abs().max()))]
