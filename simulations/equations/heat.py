"""Heat conduction between walls of prescribed temperature or flux.

    u_t = kappa lap u + f(x, t)        on an interval or a rectangle

The scheme is of finite volumes of second order at cell centres ``x_i = (i + 1/2) h``. A wall at temperature w
adds ``2 kappa (w - u_0) / h^2`` to the time derivative of its cells, a wall with the flux q (heat per time
and area) adds ``q / h``. The 1D operators are symmetric, so that their eigenvectors separate the problem
into modes with rates l, and a control interval of any length is exact in time:

    u(t) = exp(l t) u + t phi_1(l t) s,    phi_1(z) = (exp(z) - 1) / z,    s = heaters and walls

Expected behaviour: every mode decays towards the steady profile. Between walls of prescribed flux only, the
mean does not decay: it changes by what walls and heaters supply.

Parameters: ``diffusivity`` is kappa.

Budgets, with <.> the mean over the cells, M = <u> and E = <u^2>/2:

    dM/dt = flux through the walls, per volume, + <f>
    dE/dt = -kappa <|grad u|^2> + u times the flux at the walls, per volume, + <u f>

Good values: L = 1, kappa = 0.01 to 1, 16 to 128 cells along each dimension, any control interval.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.actuators import Actuators
from simulations.base import Budget, Simulation, Variable
from simulations.closeness import same_positions
from simulations.grid import BoundedGrid
from simulations.parameters import positive

Array = NDArray[Any]

WALLS = (("left", "right"), ("bottom", "top"))
"""The walls at the beginning and at the end of x, and of y."""

KINDS = ("dirichlet", "neumann")


@dataclass(frozen=True)
class Wall:
    """The boundary condition at a wall.

    Args:
        kind: ``"dirichlet"`` prescribes the temperature, ``"neumann"`` the flux.
        value: The temperature, or the flux into the domain ``kappa du/dn``; one number for the whole batch.

    Raises:
        ValueError: If the kind is unknown or the value is not a finite number.
    """

    kind: Literal["dirichlet", "neumann"]
    value: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"heat: expected a wall of kind {' or '.join(KINDS)}, got {self.kind!r}.")
        number = isinstance(self.value, int | float | np.integer | np.floating)
        if not number or not np.isfinite(self.value):
            raise ValueError(
                f"heat: expected the value of a {self.kind} wall as one finite number, got {self.value!r}. "
                "Use actions on the wall for values that differ within a batch."
            )


class Heat(Simulation):
    """The heat equation on ``BoundedGrid.cells``, exact in time.

    Args:
        grid: The cell centres, ``BoundedGrid.cells(...)``.
        actuators: Heaters, which act on the temperature ``u``, and actions on walls, which are added to the
            value of the wall.
        walls: The boundary condition at each wall, by name: ``left`` and ``right``, in 2D also ``bottom`` and
            ``top``. A wall that is left out has the temperature 0.
        parameters: See :class:`~simulations.base.Simulation`.
        control_interval: The time over which an action is held constant; any length is exact.
        steps_per_interval: Has no effect, as an interval is exact in one step.

    Raises:
        ValueError: If a wall or the target of an actuator is unknown, or the points are not cell centres.
    """

    equation = "heat"
    variables: ClassVar[tuple[Variable, ...]] = (Variable("u", "temperature"),)
    functional_names = ("mean", "energy")
    parameters = (positive("diffusivity", "thermal diffusivity", 0.1),)
    num_spatial_dims = (1, 2)

    grid: BoundedGrid

    def __init__(
        self,
        grid: BoundedGrid,
        actuators: Actuators,
        *,
        walls: Mapping[str, Wall],
        parameters: Mapping[str, float | Sequence[float] | Array],
        control_interval: float,
        steps_per_interval: int = 1,
    ) -> None:
        self.grid = grid
        names = [name for pair in WALLS[: len(grid.shape)] for name in pair]
        _require_walls(walls)
        self.walls = {name: walls.get(name, Wall("dirichlet")) for name in names}
        self.profiles = actuators
        self.targets, self.heaters = actuators.targets("u"), actuators.shapes
        self._require_known(set(walls) - set(names), set(self.targets) - {"u", *names}, actuators)
        self._require_cells()
        super().__init__(
            grid,
            actuators.box,
            parameters=parameters,
            control_interval=control_interval,
            steps_per_interval=steps_per_interval,
        )

    @classmethod
    def grid_of(cls, shape: Sequence[int], extents: Sequence[float]) -> BoundedGrid:
        """The grid with these numbers of cells and these lengths."""
        return BoundedGrid.cells(shape, extents)

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """A random sum of cosines of up to three half-waves along each dimension, scaled to ``amplitude``."""
        field = np.zeros(self.grid.shape)
        for modes in np.ndindex(*(4,) * len(self.grid.shape)):
            axes = zip(modes, self.grid.coordinates.values(), self.grid.extents, strict=True)
            waves = np.meshgrid(*[np.cos(m * np.pi * x / extent) for m, x, extent in axes], indexing="ij")
            field += rng.normal() * np.prod(waves, axis=0)
        return np.asarray(amplitude * field / np.sqrt((field**2).mean()))[None]

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        """See :class:`~simulations.base.Simulation`."""
        return self._integrate(state, action)[0]

    def advance_with_fluxes(self, state: Tensor, action: Tensor) -> tuple[Tensor, dict[str, Budget]]:
        """:meth:`advance`, and the exact average of every budget."""
        end, mean = self._integrate(state, action)
        budgets = {}
        for name, q in self.derivatives(mean).items():  # at the mean field, as both functionals are at most quadratic
            output = self.mean_over_space(q[:, None] * self.table("response", mean))
            change = (self.functionals(end)[name] - self.functionals(state)[name]) / self.control_interval
            budgets[name] = Budget(change - (action * output).sum(dim=1), output)
        return end, budgets

    def rates(self, fields: Tensor) -> tuple[Tensor, Tensor]:
        """See :class:`~simulations.base.Simulation`."""
        axes = range(len(self.grid.shape))
        spread = torch.stack([_along(axis, fields, self.table(f"operator_{axis}", fields)) for axis in axes]).sum(0)
        return self.table("diffusivity", fields) * spread + self.table("walls", fields), self.table("response", fields)

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """``mean`` = <u>, ``energy`` = <u^2>/2."""
        return {"mean": self.mean_over_space(fields), "energy": self.mean_over_space(fields.square()) / 2}

    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """``dM/du = 1`` and ``dE/du = u``."""
        return {"mean": torch.ones_like(fields), "energy": fields}

    def tables(self) -> dict[str, tuple[Array, ...]]:
        """Operators, eigenvectors, propagators of the modes, and the supply of walls and heaters."""
        operators = [self._operator(axis) for axis in range(len(self.grid.shape))]
        values, vectors = zip(*[np.linalg.eigh(operator) for operator in operators], strict=True)
        z = self.parameter("diffusivity") * sum(np.ix_(*values)) * self.control_interval
        inflows = {name: self._inflow(name) for name in self.walls}
        heaters = [
            inflows.get(target, shape) for target, shape in zip(self.targets, self.heaters[:, None, None], strict=True)
        ]
        return super().tables() | {
            **{f"operator_{axis}": (operator,) for axis, operator in enumerate(operators)},
            **{f"modes_{axis}": (modes,) for axis, modes in enumerate(vectors)},
            "propagators": (np.exp(z), *_phi(z)),
            "walls": (sum(wall.value * inflows[name] for name, wall in self.walls.items()),),
            "response": (np.stack(np.broadcast_arrays(*heaters), axis=1),),
        }

    def _integrate(self, state: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        """The state after an interval, and the mean of the state over the interval."""
        self._require_fields("state", state)
        self._require_action(state, action)
        response = self.table("response", state).expand(len(state), -1, -1, *self.grid.shape)
        supply = torch.einsum("ba,ba...->b...", action, response) + self.table("walls", state)
        decay, phi_1, phi_2 = self._tables_for(state)["propagators"]
        u, s, t = self._to_modes(state), self._to_modes(supply), self.control_interval
        return self._to_grid(decay * u + t * phi_1 * s), self._to_grid(phi_1 * u + t * phi_2 * s)

    def _to_modes(self, fields: Tensor) -> Tensor:
        for axis in range(len(self.grid.shape)):
            fields = _along(axis, fields, self.table(f"modes_{axis}", fields))
        return fields

    def _to_grid(self, modes: Tensor) -> Tensor:
        for axis in range(len(self.grid.shape)):
            modes = _along(axis, modes, self.table(f"modes_{axis}", modes).T)
        return modes

    def _require_known(self, walls: set[str], targets: set[str], actuators: Actuators) -> None:
        if walls or targets or actuators.impulsive:
            raise ValueError(
                f"heat: expected walls {', '.join(self.walls)}, and actuators on them or on u all through an interval, "
                f"got {', '.join(sorted(walls | targets)) or 'impulsive ones'}. Set acts_on, or leave impulsive out."
            )
        if actuators.shapes.shape[1:] != self.grid.shape:
            raise ValueError(
                f"heat: expected actuator shapes on {self.grid.shape} cells, got {actuators.shapes.shape[1:]}."
            )

    def _require_cells(self) -> None:
        centres = BoundedGrid.cells(self.grid.shape, self.grid.extents).coordinates
        for dim, x in self.grid.coordinates.items():
            if not same_positions(x, centres[dim]):
                raise ValueError(f"heat: expected cell centres (i + 1/2) h, got {x[:3]}. Use BoundedGrid.cells(...).")

    def _operator(self, axis: int) -> Array:
        """The second difference along one dimension, with zero values at the walls."""
        count = self.grid.shape[axis]
        operator = np.diag(np.full(count - 1, 1.0), 1) + np.diag(np.full(count - 1, 1.0), -1) - 2 * np.eye(count)
        for name, cell in zip(WALLS[axis], (0, -1), strict=True):
            operator[cell, cell] = -1.0 if self.walls[name].kind == "neumann" else -3.0
        return operator / self.grid.spacing[axis] ** 2

    def _inflow(self, name: str) -> Array:
        """The time derivative per unit of a wall's value, ``(batch or 1, channel, *space)``."""
        axis = next(axis for axis, pair in enumerate(WALLS) if name in pair)
        h = self.grid.spacing[axis]
        along = np.zeros(self.grid.shape[axis])
        along[-WALLS[axis].index(name)] = 1.0
        shape = along.reshape(-1, *(1 for _ in self.grid.shape[axis + 1 :])) * np.ones(self.grid.shape)
        conductance = 1 / h if self.walls[name].kind == "neumann" else 2 * self.parameter("diffusivity") / h**2
        return np.asarray(conductance * shape[None, None])


def _require_walls(walls: object) -> None:
    if not isinstance(walls, Mapping):
        raise ValueError(
            f"heat: expected walls as a mapping of names to Wall, got {walls!r}. Use {{}} to hold all at temperature 0."
        )
    strangers = [f"{wall!r} for {name}" for name, wall in walls.items() if not isinstance(wall, Wall)]
    if strangers:
        raise ValueError(f'heat: expected a Wall, as Wall("dirichlet", 1.0), got {", ".join(strangers)}.')


def _along(axis: int, fields: Tensor, matrix: Tensor) -> Tensor:
    """A matrix product along one spatial axis: ``sum_i fields[..., i, ...] matrix[i, j]``."""
    dim = 2 + axis
    return (fields.movedim(dim, -1) @ matrix).movedim(-1, dim)


def _phi(z: Array) -> tuple[Array, Array]:
    """``phi_1 = (e^z - 1) / z`` and ``phi_2 = (e^z - 1 - z) / z^2``, by their series near zero."""
    small = np.abs(z) < 1e-2
    safe = np.where(small, 1.0, z)
    series = 1 / 2 + z / 6 + z**2 / 24 + z**3 / 120 + z**4 / 720 + z**5 / 5040
    phi_1 = np.where(small, 1 + z * series, np.expm1(safe) / safe)
    return phi_1, np.where(small, series, (np.expm1(safe) - safe) / safe**2)
