"""The base of every simulation: three verbs, exact budgets, parameters, detection of blow-ups.

The verbs are ``encode(fields) -> state``, ``advance(state, action) -> state`` and
``readout(state, names) -> values``. The state of a simulation is its fields, in physical units.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.actuators import ActionBox, Actuators
from simulations.grid import Grid
from simulations.parameters import Parameter, Values, checked
from simulations.step_limits import StepLimit, tightest, too_long
from simulations.tensor_checks import require_alike, require_finite, require_tensor
from simulations.torch_modes import exact, ordinary

__all__ = ["Budget", "Simulation", "Variable"]

Array = NDArray[Any]

EXACT = frozenset({"advance", "advance_with_fluxes", "rates", "functionals", "derivatives"})
"""The verbs that an equation defines and that compute."""


@dataclass(frozen=True)
class Variable:
    """One field of an equation.

    Args:
        name: The name in stores and Datasets, as ``"u"``.
        long_name: The name in words.
        units: The units of the values; "1" is dimensionless.
    """

    name: str
    long_name: str
    units: str = "1"


@dataclass(frozen=True)
class Budget:
    """``dQ/dt = source + sum_j a_j output_j``: the budget of a functional Q.

    Args:
        source: The rate of change without the actuators, ``(batch,)``.
        output: The rate of change per unit of each action, ``(batch, actuator)``.
    """

    source: Tensor
    output: Tensor


class Simulation(ABC):
    """A forced equation on a grid, advanced one control interval at a time.

    ``simulations.build`` makes one from plain settings. All verbs take and return batches of tensors in
    float32 or float64, and gradients flow through them to states and actions.

    Args:
        grid: The points on which the fields live.
        actuators: The names and bounds of the actions.
        parameters: Values of the equation's parameters by name, each one number or one for each element
            of a batch. A parameter that is left out takes its default.
        control_interval: The time over which an action is held constant, in the units of time of the
            equation. It should be shorter than the time in which the flow changes; ``GOOD_VALUES`` has a
            good value for every equation.
        steps_per_interval: The number of solver steps in one control interval. More steps are more
            accurate and cost proportionally more; twice the steps is a good check.

    Raises:
        ValueError: With every parameter that is unknown or out of range; or, if the step is unstable for
            every state, with a number of steps that is stable.

    Example:
        >>> import torch
        >>> from simulations import GOOD_VALUES, build
        >>> simulation = build({"equation": "burgers"} | GOOD_VALUES["burgers"].settings)
        >>> state = simulation.advance(torch.zeros(2, 1, 128), torch.ones(2, 4))
        >>> simulation.readout(state, ["mass", "energy"])["energy"].shape
        torch.Size([2])
    """

    equation: ClassVar[str]
    variables: ClassVar[tuple[Variable, ...]]
    functional_names: ClassVar[tuple[str, ...]]
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    num_spatial_dims: ClassVar[tuple[int, ...]] = (1,)
    """The admissible numbers of dimensions, the default first."""
    blow_up_magnitude: ClassVar[float] = 1e6
    """A value of this magnitude counts as a blow-up."""
    profiles: Actuators | None = None
    """The actuators with their shapes; None where the simulation has none."""

    def __init_subclass__(cls) -> None:
        """Keep autocast around a verb out of its arithmetic, in every equation, also in one of your own."""
        super().__init_subclass__()
        for verb in EXACT & cls.__dict__.keys():
            setattr(cls, verb, exact(cls.__dict__[verb]))

    def __init__(
        self,
        grid: Grid,
        actuators: ActionBox,
        *,
        parameters: Values,
        control_interval: float,
        steps_per_interval: int,
    ) -> None:
        if not (control_interval > 0 and np.isfinite(control_interval)):
            raise ValueError(f"{self.equation}: expected a finite control_interval > 0, got {control_interval}.")
        if not isinstance(steps_per_interval, int | np.integer) or steps_per_interval < 1:
            raise ValueError(
                f"{self.equation}: expected steps_per_interval of at least 1, a whole number, got {steps_per_interval}."
            )
        self.grid: Grid = grid
        self.actuators = actuators
        self.control_interval = control_interval
        self.steps_per_interval = steps_per_interval
        self._set_parameters(parameters)
        self._prepare()

    # What an equation defines ---------------------------------------------------------------

    @abstractmethod
    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """One random start.

        Args:
            rng: The generator; the same state of it gives the same function on every grid.
            amplitude: The root mean square of the start, unless the equation says otherwise.

        Returns:
            An array of shape ``(channel, *space)``.
        """

    @abstractmethod
    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """The functionals: spatial means that have a budget.

        Args:
            fields: ``(batch, channel, *space)``.

        Returns:
            One tensor ``(batch,)`` for each of ``functional_names``.
        """

    @abstractmethod
    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """The variational derivative dQ/du of each functional, broadcastable to ``(batch, channel, *space)``."""

    @abstractmethod
    def rates(self, fields: Tensor) -> tuple[Tensor, Tensor]:
        """The time derivative of the fields on the grid.

        Returns:
            The time derivative without actions, ``(batch, channel, *space)``, and the response to one unit
            of each action, ``(batch or 1, actuator, channel, *space)``, which is added to it.
        """

    @abstractmethod
    def advance_with_fluxes(self, state: Tensor, action: Tensor) -> tuple[Tensor, dict[str, Budget]]:
        """:meth:`advance`, and the budget of every functional averaged over the interval.

        Budgets computed from the two ends of an interval alone are wrong by several per cent.
        """

    @abstractmethod
    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        """The state after one control interval under a held action.

        A state for which the step is too long may come out as nan or very large: :meth:`blown_up` finds
        such elements, and :func:`~simulations.episode.run_episodes` records when and why they failed.

        Args:
            state: ``(batch, channel, *space)``, float32 or float64.
            action: ``(batch, actuator)`` in physical units, with the precision and device of the state. It
                is not clamped: use ``actuators.clamp`` to keep it within its bounds.

        Raises:
            ValueError: If a shape, precision or device does not fit.
        """

    def step_limits(self) -> list[StepLimit]:
        """Limits of stability that hold for every state."""
        return []

    def step_limits_at(self, fields: Tensor) -> list[StepLimit]:
        """Limits of stability at given fields; they name the likely cause of a blow-up."""
        return []

    # The verbs of all equations ----------------------------------------------------------------

    @property
    def step(self) -> float:
        """The time step of the solver, in units of time."""
        return self.control_interval / self.steps_per_interval

    def encode(self, fields: Tensor) -> Tensor:
        """Check fields ``(batch, channel, *space)`` and return them: they are the state of a simulation.

        Raises:
            ValueError: If the shape does not fit or a value is not finite.
        """
        self._require_fields("fields", fields)
        require_finite(self.equation, "fields", fields)
        return fields

    def readout(self, state: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """The values of some functionals, and the fields.

        Args:
            state: ``(batch, channel, *space)``.
            names: Names of functionals, and ``"fields"`` for the fields.

        Raises:
            ValueError: If a name is unknown or the shape does not fit.
        """
        self._require_fields("state", state)
        unknown = [name for name in names if name != "fields" and name not in self.functional_names]
        if unknown:
            known = ", ".join(("fields", *self.functional_names))
            raise ValueError(f"{self.equation}: expected readouts among {known}, got {', '.join(unknown)}.")
        functionals = self.functionals(state) if set(names) - {"fields"} else {}
        return {name: state if name == "fields" else functionals[name] for name in names}

    def budgets(self, fields: Tensor) -> dict[str, Budget]:
        """The budget of every functional at one instant: ``dQ/dt = <dQ/du . u_t>``."""
        self._require_fields("fields", fields)
        drift, response = self.rates(fields)
        return {
            name: Budget(self.mean_over_space(q * drift), self.mean_over_space(q[:, None] * response))
            for name, q in self.derivatives(fields).items()
        }

    def blown_up(self, state: Tensor) -> Tensor:
        """Which elements have blown up: a value is not finite or beyond ``blow_up_magnitude``, ``(batch,)``."""
        self._require_fields("state", state)
        return ~(state.abs().flatten(1).amax(dim=1) < self.blow_up_magnitude)  # also true for nan

    def why_blown_up(self, fields: Tensor) -> str:
        """The likeliest cause of a blow-up: the limit of stability that the step exceeds most.

        Args:
            fields: The fields one interval before the blow-up, ``(batch, channel, *space)``.
        """
        largest = float(fields.abs().max())
        if not largest < self.blow_up_magnitude:
            return (
                f"{self.equation}: expected values below {self.blow_up_magnitude:g}, got {largest:.3g}, a state far "
                "outside the range of the solver. Check the start."
            )
        limit = tightest([*self.step_limits(), *self.step_limits_at(fields)])
        if limit is None or not limit.step < self.step:
            return f"{self.equation}: the step {self.step:.3g} may be too long, or the start or an action too large."
        return f"{self.equation}: {too_long(limit, self.step, self.control_interval)}"

    def with_parameters(self, parameters: Values) -> "Simulation":
        """The same simulation with other values of some parameters.

        Args:
            parameters: Values by name, each one number or one for each element of a batch.
        """
        other = copy.copy(self)
        other._set_parameters(self.values | dict(parameters))
        other._prepare()
        return other

    def repeated(self, times: int) -> "Simulation":
        """The simulation of a batch repeated ``times`` times, as ``torch.Tensor.repeat`` orders its elements."""
        if self.batch_of_parameters is None or times == 1:
            return self
        if times not in self._repeated:
            tiled = {name: np.tile(v, times) for name, v in self.values.items() if v.ndim}
            self._repeated[times] = self.with_parameters(tiled)
        return self._repeated[times]

    # Shared machinery -------------------------------------------------------------------------

    def mean_over_space(self, values: Tensor) -> Tensor:
        """The mean over space, summed over channels: ``(batch, ..., channel, *space)`` to ``(batch, ...)``."""
        if values.ndim < 2 + len(self.grid.shape):
            wanted = ("batch", len(self.variables), *self.grid.shape)
            raise ValueError(f"{self.equation}: expected fields of shape {wanted}, got {tuple(values.shape)}.")
        space = tuple(range(-len(self.grid.shape), 0))
        return values.mean(dim=space).sum(dim=-1)

    def parameter(self, name: str) -> Array:
        """The value of a parameter, shaped to broadcast over ``(batch, channel, *space)``."""
        return np.reshape(self.values[name], (-1, 1, *(1 for _ in self.grid.shape)))

    def table(self, name: str, like: Tensor) -> Tensor:
        """A precomputed array in the precision and on the device of ``like``."""
        return self._tables_for(like)[name][0]

    def tables(self) -> dict[str, tuple[Array, ...]]:
        """The arrays that a step needs, in float64; each parameter is among them under its name."""
        return {p.name: (self.parameter(p.name),) for p in self.parameters}

    def _prepare(self) -> None:
        """Check the step, and drop all tables of former parameters."""
        self._repeated: dict[int, Simulation] = {}
        self._tables: dict[tuple[torch.dtype, torch.device], dict[str, tuple[Tensor, ...]]] = {}
        limit = tightest(self.step_limits())
        if limit is not None and limit.step < self.step * (1 - 1e-12):
            raise ValueError(f"{self.equation}: {too_long(limit, self.step, self.control_interval)}")

    def _set_parameters(self, parameters: Values) -> None:
        try:
            self.values: dict[str, Array] = checked(self.parameters, parameters)
        except ValueError as error:
            raise ValueError(f"{self.equation}: {error}.") from None
        self.batch_of_parameters: int | None = next((len(v) for v in self.values.values() if v.ndim), None)

    def _require_fields(self, name: str, fields: Tensor) -> None:
        self._require(name, fields, (self.batch_of_parameters, len(self.variables), *self.grid.shape))

    def _require_action(self, state: Tensor, action: Tensor) -> None:
        self._require("action", action, (len(state), len(self.actuators)))
        require_alike(self.equation, state, action)

    def _require(self, name: str, value: Tensor, shape: tuple[int | None, ...]) -> None:
        require_tensor(self.equation, name, value, shape, self.batch_of_parameters)

    def __repr__(self) -> str:
        points = " x ".join(map(str, self.grid.shape))
        extent = " x ".join(f"{extent:g}" for extent in self.grid.extents)
        values = [f"{n}={v:g}" if v.ndim == 0 else f"{n}=(batch of {len(v)})" for n, v in self.values.items()]
        count = len(self.actuators)
        parts = [
            f"{points} points on {extent}",
            *values,
            f"{count} action{'s' if count != 1 else ''}",
            f"control_interval={self.control_interval:g}",
            f"steps_per_interval={self.steps_per_interval}",
        ]
        return f"{type(self).__name__}({', '.join(parts)})"

    def _tables_for(self, like: Tensor) -> dict[str, tuple[Tensor, ...]]:
        double = like.dtype in (torch.float64, torch.complex128)
        real, complex_ = (torch.float64, torch.complex128) if double else (torch.float32, torch.complex64)
        key = (real, like.device)
        if key not in self._tables:
            with ordinary():  # the tables stay, for callers in other modes too
                self._tables[key] = {
                    name: tuple(
                        torch.tensor(a, dtype=complex_ if np.iscomplexobj(a) else real, device=like.device)
                        for a in arrays
                    )
                    for name, arrays in self.tables().items()
                }
        return self._tables[key]
