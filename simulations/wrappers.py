"""What stands between a decision and the flow: actuators that lag behind their commands.

A wrapped simulation keeps the three verbs, so that planners and rollouts take it like the bare one.
Its state is one tensor ``(batch, n)``: the state of what it wraps, flattened, then the actuators.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from simulations.actuators import ActionBox
from simulations.base import Budget, Simulation, Variable, require_alike
from simulations.grid import Grid
from simulations.parameters import Values

Array = NDArray[Any]


class Plant(Protocol):
    """A simulation, bare or wrapped."""

    @property
    def equation(self) -> str: ...
    @property
    def variables(self) -> tuple[Variable, ...]: ...
    @property
    def grid(self) -> Grid: ...
    @property
    def actuators(self) -> ActionBox: ...
    @property
    def control_interval(self) -> float: ...
    @property
    def values(self) -> dict[str, Array]: ...
    @property
    def batch_of_parameters(self) -> int | None: ...
    @property
    def blow_up_magnitude(self) -> float: ...
    @property
    def functional_names(self) -> tuple[str, ...]: ...

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]: ...
    def encode(self, fields: Tensor) -> Tensor: ...
    def advance(self, state: Tensor, action: Tensor) -> Tensor: ...
    def advance_with_fluxes(self, state: Tensor, action: Tensor) -> tuple[Tensor, dict[str, Budget]]: ...
    def functionals(self, state: Tensor, /) -> dict[str, Tensor]: ...
    def readout(self, state: Tensor, names: Sequence[str]) -> dict[str, Tensor]: ...
    def blown_up(self, state: Tensor) -> Tensor: ...
    def why_blown_up(self, fields: Tensor, /) -> str: ...
    def with_parameters(self, parameters: Values) -> "Plant": ...
    def repeated(self, times: int) -> "Plant": ...


class ActuatorDynamics(ABC):
    """A simulation whose actuators do not follow their commands at once.

    Args:
        simulation: the simulation, or another wrapper: commands pass through the outer one first.
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
        self.profiles = None  # a command times a shape is not yet what the flow feels

    @abstractmethod
    def respond(self, acting: Tensor, command: Tensor) -> Tensor:
        """What acts during the next interval, from what acted before, both ``(batch, actuator)``."""

    @abstractmethod
    def around(self, simulation: Plant) -> "ActuatorDynamics":
        """The same actuators on another simulation."""

    @property
    def bare(self) -> Simulation:
        """The simulation inside all wrappers."""
        inner = self.simulation
        while isinstance(inner, ActuatorDynamics):
            inner = inner.simulation
        assert isinstance(inner, Simulation)  # noqa: S101 - what is not a wrapper is a simulation
        return inner

    @property
    def values(self) -> dict[str, Array]:
        """Parameters of the simulation."""
        return self.simulation.values

    @property
    def batch_of_parameters(self) -> int | None:
        """For how many batch elements the parameters are given, None for any."""
        return self.simulation.batch_of_parameters

    def with_parameters(self, parameters: Values) -> "ActuatorDynamics":
        """The same with some parameters of the simulation changed."""
        return self.around(self.simulation.with_parameters(parameters))

    def repeated(self, times: int) -> "ActuatorDynamics":
        """The same for a batch repeated so many times, one round of elements after the other."""
        inner = self.simulation.repeated(times)
        return self if inner is self.simulation else self.around(inner)

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """One random start of the fields, ``(channel, *space)``; :meth:`encode` makes a state of a batch of them."""
        return self.simulation.initial_state(rng, amplitude=amplitude)

    def encode(self, fields: Tensor, acting: Tensor | None = None) -> Tensor:
        """Fields ``(batch, channel, *space)`` to a state ``(batch, n)``.

        Args:
            acting: what the actuators do at the start, ``(batch, actuator)`` in physical units;
                zero, or the bound nearest to it, by default.

        Raises:
            ValueError: if a shape does not fit.
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
        """One control interval under a held command ``(batch, actuator)`` in physical units."""
        inner, acting = self._respond(state, action)
        return torch.cat([self.simulation.advance(inner, acting).flatten(1), acting], dim=1)

    def advance_with_fluxes(self, state: Tensor, action: Tensor) -> tuple[Tensor, dict[str, Budget]]:
        """:meth:`advance`, with the budgets of the simulation inside.

        Their ``output`` is per unit of what acts, not of the command: an interval changes a functional by
        ``control_interval (source + sum_j acting_j output_j)``, with ``readout(after, ["acting"])`` of the
        innermost wrapper's actuators (:meth:`applied`).
        """
        inner, acting = self._respond(state, action)
        inner, budgets = self.simulation.advance_with_fluxes(inner, acting)
        return torch.cat([inner.flatten(1), acting], dim=1), budgets

    def applied(self, state: Tensor) -> Tensor:
        """What the flow felt during the interval that led to ``state``, ``(batch, actuator)``."""
        inner, acting = self.split(state)
        return self.simulation.applied(inner) if isinstance(self.simulation, ActuatorDynamics) else acting

    def functionals(self, state: Tensor) -> dict[str, Tensor]:
        """Those of the fields inside, ``(batch,)`` each."""
        return self.simulation.functionals(self.split(state)[0])

    def readout(self, state: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """What the simulation reads out, and under ``"acting"`` what the actuators do, ``(batch, actuator)``."""
        inner, acting = self.split(state)
        known = self.simulation.readout(inner, [name for name in names if name != "acting"])
        return {name: acting if name == "acting" else known[name] for name in names}

    def blown_up(self, state: Tensor) -> Tensor:
        """Which elements are no longer a solution, ``(batch,)``."""
        return self.simulation.blown_up(self.split(state)[0])

    def why_blown_up(self, state: Tensor) -> str:
        """The likeliest cause, from a state shortly before."""
        return self.simulation.why_blown_up(self.split(state)[0])

    def split(self, state: Tensor) -> tuple[Tensor, Tensor]:
        """The state of what is wrapped, and what the actuators do ``(batch, actuator)``."""
        shape, count = self._inner_shape, len(self.actuators)
        size = int(np.prod(shape)) + count
        if state.ndim != 2 or state.shape[1] != size:
            raise ValueError(
                f"{self.equation}: expected state of shape ('batch', {size}), got {tuple(state.shape)}. "
                "Make one of fields with encode."
            )
        return state[:, :-count].unflatten(1, shape), state[:, -count:]

    def _respond(self, state: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        """The state of what is wrapped, and what acts on it under a command."""
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
        """One value above zero for all actuators, or one for each."""
        array = np.asarray(value, dtype=np.float64)
        if array.shape not in ((), (len(self.actuators),)) or not np.all(array > 0) or np.isnan(array).any():
            raise ValueError(
                f"{self.equation}: expected {name} > 0, one for all or one for each of {len(self.actuators)} "
                f"actuators, got {array}. Leave the wrapper out for actuators without it."
            )
        return array


class ActuatorLag(ActuatorDynamics):
    """Actuators that approach their command exponentially: ``x+ = u + (x - u) exp(-interval / tau)``.

    The value at the end of an interval acts all through it, so that ``tau -> 0`` is the bare simulation.

    Args:
        time_constant: tau, one for all actuators or one for each, in units of time.

    Raises:
        ValueError: if a time constant is not positive.

    Example:
        >>> lagging = ActuatorLag(simulation, 0.5)  # doctest: +SKIP
        >>> state = lagging.advance(lagging.encode(fields), action)  # doctest: +SKIP
        >>> lagging.readout(state, ["fields"])["fields"].shape == fields.shape  # doctest: +SKIP
        True
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
        """The same lag on another simulation."""
        return ActuatorLag(simulation, self.time_constant)


class RateLimit(ActuatorDynamics):
    """Actuators that move towards their command by at most ``limit * interval`` in one interval.

    Args:
        limit: largest change per unit of time in physical units, one for all actuators or one for each.

    Raises:
        ValueError: if a limit is not positive.
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
        """The same limit on another simulation."""
        return RateLimit(simulation, self.limit)
