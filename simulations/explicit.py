"""Equations between walls, by finite differences in space and forward Euler in time.

    u' = u + step (drift(u) + sum_j a_j g_j),    then u' = a_j at the nodes that an actuator holds

Euler's method is of first order and needs short steps; it is used because published benchmarks use it,
and their numbers depend on it. For functionals Q of first or second order in u,

    Q(u') - Q(u) = <dQ/du((u + u') / 2) (u' - u)>

is exact, so that the budgets of an interval close to rounding.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.actuators import Actuators
from simulations.base import Budget, Simulation
from simulations.checkpointing import march
from simulations.grid import BoundedGrid
from simulations.step_limits import StepLimit

Array = NDArray[Any]


class ExplicitSimulation(Simulation):
    """A forced equation on points between walls.

    Args:
        grid: The points between the walls.
        actuators: Actuators with their shapes on this grid. Each acts on a variable, to whose time derivative
            it is added, or on one of ``walls``, where it sets the field.
        parameters: See :class:`~simulations.base.Simulation`.
        control_interval: The time over which an action is held constant, in units of time.
        steps_per_interval: The number of solver steps in one control interval; the error message of an
            unstable step names a number that is stable.

    Raises:
        ValueError: If an actuator acts on something else, or the step is unstable for every state.
    """

    walls: ClassVar[Mapping[str, tuple[int | slice, ...]]] = {}
    """The index into ``(channel, *space)`` at which an action on each wall sets the field."""

    grid: BoundedGrid

    def __init__(
        self,
        grid: BoundedGrid,
        actuators: Actuators,
        *,
        parameters: Mapping[str, float | Sequence[float] | Array],
        control_interval: float,
        steps_per_interval: int,
    ) -> None:
        self.grid = grid
        self.profiles = actuators
        self.shapes, self.held = self._split_by_target(actuators)
        super().__init__(
            grid,
            actuators.box,
            parameters=parameters,
            control_interval=control_interval,
            steps_per_interval=steps_per_interval,
        )

    @classmethod
    def grid_of(cls, shape: Sequence[int], extents: Sequence[float]) -> BoundedGrid:
        """The grid with this number of points and this length: a line with a point on each wall."""
        (num_points,), (extent,) = shape, extents
        return BoundedGrid.nodes(num_points, extent)

    # What an equation defines ---------------------------------------------------------------

    @abstractmethod
    def drift(self, fields: Tensor) -> Tensor:
        """The time derivative without actions, ``(batch, channel, *space)``; unused where an actuator holds a wall."""

    def response(self, like: Tensor) -> Tensor:
        """The time derivative per unit of each action, ``(batch or 1, actuator, channel, *space)``."""
        return self.table("shapes", like)[None]

    # The verbs --------------------------------------------------------------------------------

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        """See :class:`~simulations.base.Simulation`."""
        self._require_fields("state", state)
        self._require_action(state, action)
        return march(self._stepper(state, action), state, self.steps_per_interval, action)

    def advance_with_fluxes(self, state: Tensor, action: Tensor) -> tuple[Tensor, dict[str, Budget]]:
        """:meth:`advance`, and every budget averaged over the interval; budgets close to rounding."""
        self._require_fields("state", state)
        self._require_action(state, action)
        step = self._stepper(state, action)
        source = {name: state.new_zeros(len(state)) for name in self.functional_names}
        weight = {name: torch.zeros_like(state) for name in self.functional_names}
        for _ in range(self.steps_per_interval):
            new = step(state)
            drift = self._drift_and_hold(state)
            for name, q in self.derivatives((state + new) / 2).items():
                source[name] = source[name] + self.mean_over_space(q * drift) / self.steps_per_interval
                weight[name] = weight[name] + q / self.steps_per_interval
            state = new
        response = self._response_and_hold(state)
        return state, {n: Budget(source[n], self.mean_over_space(weight[n][:, None] * response)) for n in source}

    def rates(self, fields: Tensor) -> tuple[Tensor, Tensor]:
        """See :class:`~simulations.base.Simulation`; a held node reaches its value within one solver step."""
        return self._drift_and_hold(fields), self._response_and_hold(fields)

    def tables(self) -> dict[str, tuple[Array, ...]]:
        """The parameters, the shapes of the actuators, and the nodes that each of them holds."""
        return super().tables() | {"shapes": (self.shapes,), "held": (self.held,)}

    # Limits of stability ------------------------------------------------------------------------

    def diffusive_limit(self, diffusivity: float) -> StepLimit:
        """``diffusivity step sum_d 1/h_d^2 <= 1/2``: with a longer step the shortest wave grows."""
        return StepLimit(0.5 / (diffusivity * sum(h**-2 for h in self.grid.spacing)), "diffusion")

    def upwind_limit(self, speed: float) -> StepLimit:
        """``speed step <= h``: at most one grid spacing in a step."""
        return StepLimit(min(self.grid.spacing) / max(speed, 1e-30), "advection")

    # Machinery ------------------------------------------------------------------------------------

    def _stepper(self, state: Tensor, action: Tensor) -> Callable[[Tensor], Tensor]:
        """The function that takes one Euler step; the forcing is computed once, as the action is held."""
        forcing = torch.einsum("ba,ba...->b...", action, self.response(state).expand(len(state), *self.shapes.shape))
        if not self.held.any():
            return lambda u: u + self.step * (self.drift(u) + forcing)
        held = self.table("held", state)
        anywhere, values = held.any(dim=0), torch.tensordot(action, held, 1)
        return lambda u: torch.where(anywhere, values, u + self.step * (self.drift(u) + forcing))

    def _drift_and_hold(self, fields: Tensor) -> Tensor:
        held = self.table("held", fields).any(dim=0)
        return torch.where(held, -fields / self.step, self.drift(fields)) if self.held.any() else self.drift(fields)

    def _response_and_hold(self, fields: Tensor) -> Tensor:
        return self.response(fields) + self.table("held", fields) / self.step

    def _split_by_target(self, actuators: Actuators) -> tuple[Array, Array]:
        """Split the actuators by what they act on.

        Returns:
            The shapes that are added to variables, and 1 at the nodes that an actuator holds, 0 elsewhere, each
            ``(actuator, channel, *space)``.
        """
        names = [v.name for v in self.variables]
        targets = actuators.targets(names[0])
        unknown = sorted(set(targets) - set(names) - set(self.walls))
        if unknown or actuators.impulsive:
            raise ValueError(
                f"{self.equation}: expected actuators on {' or '.join([*names, *self.walls])} that act all through "
                f"an interval, got {', '.join(unknown) or 'impulsive ones'}. "
                "Set acts_on, or leave impulsive out."
            )
        if actuators.shapes.shape[1:] != self.grid.shape:
            raise ValueError(
                f"{self.equation}: expected actuator shapes on a grid of {self.grid.shape}, "
                f"got {actuators.shapes.shape[1:]}. Make the actuators on the grid of the simulation."
            )
        added = np.zeros((len(targets), len(names), *self.grid.shape))
        held = np.zeros_like(added)
        for j, target in enumerate(targets):
            if target in names:
                added[j, names.index(target)] = actuators.shapes[j]
            else:
                held[(j, *self.walls[target])] = 1.0
        return added, held
