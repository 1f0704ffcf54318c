"""Wrappers: simulations whose actuators lag behind their commands.

A wrapped simulation has the same three verbs as a bare one, so that planners and rollouts take both. Its
state is one tensor ``(batch, n)``: the flattened state of the simulation inside, then the actuators.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from simulations.base import Budget, Simulation
from simulations.parameters import Values
from simulations.plant import Plant
from simulations.tensor_checks import require_alike

Array = NDArray[Any]


class ActuatorDynamics(ABC):
    """A simulation whose actuators do not follow their commands at once.

    Args:
        simulation: The simulation, or another wrapper; commands pass through the outer wrapper first.
    """

    def __init__(self, simulation: Plant) -> None:
        self.simulation = simulation
        self.equation = simulation.equation
        self.variables = simulation.variables
        self.grid = simulation.grid
        self.actuators = simulation.actuators
        self.control_interval = simulation.control_interval
        self.blow_up_magnitude = simulation.blow_up_magnitude
        self.functional_names = simulation.functional_names
        self.profiles = None  # the forcing is not the command times a shape

    @abstractmethod
    def respond(self, acting: Tensor, command: Tensor) -> Tensor:
        """The actions that the actuators take in the next interval, ``(batch, actuator)``.

        Args:
            acting: The actions that they took in the interval before, ``(batch, actuator)``.
            command: The commanded actions, ``(batch, actuator)``.
        """

    @abstractmethod
    def around(self, simulation: Plant) -> "ActuatorDynamics":
        """The same wrapper around another simulation."""

    @property
    def bare(self) -> Simulation:
        """The simulation inside all wrappers."""
        inner = self.simulation
        while isinstance(inner, ActuatorDynamics):
            inner = inner.simulation
        assert isinstance(inner, Simulation)  # noqa: S101 - everything else is a simulation
        return inner

    @property
    def values(self) -> dict[str, Array]:
        """The values of the parameters of the simulation inside."""
        return self.simulation.values

    @property
    def batch_of_parameters(self) -> int | None:
        """The size of the batch for which the parameters are given, None for any."""
        return self.simulation.batch_of_parameters

    def with_parameters(self, parameters: Values) -> "ActuatorDynamics":
        """The same wrapper around the simulation with other values of some parameters."""
        return self.around(self.simulation.with_parameters(parameters))

    def repeated(self, times: int) -> "ActuatorDynamics":
        """See :meth:`simulations.base.Simulation.repeated`."""
        inner = self.simulation.repeated(times)
        return self if inner is self.simulation else self.around(inner)

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """One random start of the fields, ``(channel, *space)``; :meth:`encode` turns a batch of them into a state."""
        return self.simulation.initial_state(rng, amplitude=amplitude)

    def encode(self, fields: Tensor, acting: Tensor | None = None) -> Tensor:
        """The state ``(batch, n)`` of fields.

        Args:
            fields: ``(batch, channel, *space)``.
            acting: The actions of the actuators at the start, ``(batch, actuator)`` in physical units; by
                default zero, or the bound nearest to zero.

        Raises:
            ValueError: If a shape does not fit.
        """
        count = len(self.actuators)
        if acting is None:
            acting = self.actuators.clamp(fields.new_zeros(len(fields), count))
        if acting.shape != (len(fields), count):
            raise ValueError(
                f"{self.equation}: expected acting of shape {(len(fields), count)}, got {tuple(acting.shape)}."
            )
        wrapped = isinstance(self.simulation, ActuatorDynamics)
        state = self.simulation.encode(fields, acting) if wrapped else self.simulation.encode(fields)  # type: ignore[call-arg]
        return torch.cat([state.flatten(1), acting], dim=1)

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        """The state after one control interval under a held command ``(batch, actuator)`` in physical units."""
        inner, acting = self._respond(state, action)
        return torch.cat([self.simulation.advance(inner, acting).flatten(1), acting], dim=1)

    def advance_with_fluxes(self, state: Tensor, action: Tensor) -> tuple[Tensor, dict[str, Budget]]:
        """:meth:`advance`, and the budgets of the simulation inside.

        ``output`` is per unit of the actions that the flow gets (:meth:`applied`), not of the command: an
        interval changes a functional by ``control_interval (source + sum_j applied_j output_j)``.
        """
        inner, acting = self._respond(state, action)
        inner, budgets = self.simulation.advance_with_fluxes(inner, acting)
        return torch.cat([inner.flatten(1), acting], dim=1), budgets

    def applied(self, state: Tensor) -> Tensor:
        """The actions that the flow got in the interval that led to ``state``, ``(batch, actuator)``."""
        inner, acting = self.split(state)
        return self.simulation.applied(inner) if isinstance(self.simulation, ActuatorDynamics) else acting

    def functionals(self, state: Tensor) -> dict[str, Tensor]:
        """The functionals of the fields inside, ``(batch,)`` each."""
        return self.simulation.functionals(self.split(state)[0])

    def readout(self, state: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """The readouts of the simulation inside, and under ``"acting"`` the actions of the actuators."""
        inner, acting = self.split(state)
        known = self.simulation.readout(inner, [name for name in names if name != "acting"])
        return {name: acting if name == "acting" else known[name] for name in names}

    def blown_up(self, state: Tensor) -> Tensor:
        """Which elements have blown up, ``(batch,)``."""
        return self.simulation.blown_up(self.split(state)[0])

    def why_blown_up(self, state: Tensor) -> str:
        """The likeliest cause of a blow-up, from a state one interval before."""
        return self.simulation.why_blown_up(self.split(state)[0])

    def split(self, state: Tensor) -> tuple[Tensor, Tensor]:
        """Split a state into that of the simulation inside and the actions of the actuators, ``(batch, actuator)``."""
        shape, count = self._inner_shape, len(self.actuators)
        size = int(np.prod(shape)) + count
        if state.ndim != 2 or state.shape[1] != size:
            raise ValueError(
                f"{self.equation}: expected state of shape ('batch', {size}), got {tuple(state.shape)}. "
                "Use encode(fields) to make one."
            )
        return state[:, :-count].unflatten(1, shape), state[:, -count:]

    def _respond(self, state: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        """The state of the simulation inside, and the actions that it gets under a command."""
        inner, acting = self.split(state)
        if action.shape != acting.shape:
            raise ValueError(
                f"{self.equation}: expected action of shape {tuple(acting.shape)}, got {tuple(action.shape)}."
            )
        require_alike(self.equation, state, action)
        return inner, self.respond(acting, action)

    @property
    def _inner_shape(self) -> tuple[int, ...]:
        if isinstance(self.simulation, ActuatorDynamics):
            return (int(np.prod(self.simulation._inner_shape)) + len(self.actuators),)
        return len(self.variables), *self.grid.shape

    def _positive(self, name: str, value: ArrayLike) -> Array:
        """Check that a value is above zero, one for all actuators or one for each."""
        array = np.asarray(value, dtype=np.float64)
        if array.shape not in ((), (len(self.actuators),)) or not np.all(array > 0) or np.isnan(array).any():
            raise ValueError(
                f"{self.equation}: expected {name} > 0, one for all or one for each of {len(self.actuators)} "
                f"actuators, got {array}. Leave the wrapper out for actuators without it."
            )
        return array


class ActuatorLag(ActuatorDynamics):
    """Actuators that approach their command u exponentially: ``x+ = u + (x - u) exp(-interval / tau)``.

    The value ``x+`` at the end of an interval acts during all of it, so that ``tau -> 0`` is the bare
    simulation.

    Args:
        simulation: The simulation, or another wrapper.
        time_constant: The time constant tau in units of time, one for all actuators or one for each. Two
            control intervals make the lag noticeable: 39 % of the way is covered in one interval.

    Raises:
        ValueError: If a time constant is not positive.

    Example:
        >>> import torch
        >>> from simulations import GOOD_VALUES, ActuatorLag, build
        >>> burgers = build({"equation": "burgers"} | GOOD_VALUES["burgers"].settings)
        >>> lagging = ActuatorLag(burgers, time_constant=2 * burgers.control_interval)
        >>> state = lagging.advance(lagging.encode(torch.zeros(1, 1, 128)), torch.ones(1, 4))
        >>> lagging.readout(state, ["acting"])["acting"]
        tensor([[0.3935, 0.3935, 0.3935, 0.3935]])
    """

    def __init__(self, simulation: Plant, time_constant: ArrayLike) -> None:
        super().__init__(simulation)
        self.time_constant = self._positive("time_constant", time_constant)

    def respond(self, acting: Tensor, command: Tensor) -> Tensor:
        """``u + (x - u) exp(-interval / tau)``."""
        remainder = command.new_tensor(np.exp(-self.control_interval / self.time_constant))
        return command + (acting - command) * remainder

    def __repr__(self) -> str:
        return f"ActuatorLag({self.simulation!r}, time_constant={self.time_constant.tolist()})"

    def around(self, simulation: Plant) -> "ActuatorLag":
        """The same lag around another simulation."""
        return ActuatorLag(simulation, self.time_constant)


class RateLimit(ActuatorDynamics):
    """Actuators that move towards their command by at most ``limit * interval`` in one interval.

    Args:
        simulation: The simulation, or another wrapper.
        limit: The largest change per unit of time, in physical units, one for all actuators or one for each.

    Raises:
        ValueError: If a limit is not positive.

    Example:
        >>> import torch
        >>> from simulations import GOOD_VALUES, RateLimit, build
        >>> burgers = build({"equation": "burgers"} | GOOD_VALUES["burgers"].settings)
        >>> limited = RateLimit(burgers, limit=4.0)  # 0.2 in a control interval of 0.05
        >>> state = limited.advance(limited.encode(torch.zeros(1, 1, 128)), torch.ones(1, 4))
        >>> limited.readout(state, ["acting"])["acting"]
        tensor([[0.2000, 0.2000, 0.2000, 0.2000]])
    """

    def __init__(self, simulation: Plant, limit: ArrayLike) -> None:
        super().__init__(simulation)
        self.limit = self._positive("limit", limit)

    def respond(self, acting: Tensor, command: Tensor) -> Tensor:
        """``x + clamp(u - x, -limit interval, limit interval)``."""
        reach = command.new_tensor(self.limit * self.control_interval)
        return acting + torch.clamp(command - acting, -reach, reach)

    def __repr__(self) -> str:
        return f"RateLimit({self.simulation!r}, limit={self.limit.tolist()})"

    def around(self, simulation: Plant) -> "RateLimit":
        """The same limit around another simulation."""
        return RateLimit(simulation, self.limit)
