"""The base of every simulation: three verbs, exact budgets, parameters, blow-up detection.

``encode(fields) -> state``, ``advance(state, action) -> state``, ``readout(state, names)``: here
the state is the fields themselves, in physical units.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from simulations.actuators import ActionBox, Actuators
from simulations.grid import Grid
from simulations.inplace import has_storage
from simulations.parameters import Parameter, Values, checked

Array = NDArray[Any]
PRECISIONS = (torch.float32, torch.float64)


@dataclass(frozen=True)
class Variable:
    """Name and metadata of one field."""

    name: str
    long_name: str
    units: str = "1"


@dataclass(frozen=True)
class Budget:
    """``dQ/dt = source + sum_j a_j output_j`` of a functional Q.

    Args:
        source: everything but the actuators' work, shape ``(batch,)``.
        output: what one unit of each action contributes, shape ``(batch, actuator)``.
    """

    source: Tensor
    output: Tensor


@dataclass(frozen=True)
class StepLimit:
    """The largest stable solver step that one process allows, and where that limit comes from."""

    step: float
    process: str


class Simulation(ABC):
    """A forced equation on a grid, advanced one control interval at a time.

    Args:
        grid: the grid.
        actuators: names and bounds of the actions.
        parameters: values of the equation's parameters, a number or one per batch element; those
            left out take their defaults.
        control_interval: time over which an action is held constant.
        steps_per_interval: solver steps in one control interval.

    Raises:
        ValueError: with every parameter that is unknown or out of range, and a step that works
            where the given one is unstable whatever the state.
    """

    equation: ClassVar[str]
    variables: ClassVar[tuple[Variable, ...]]
    functional_names: ClassVar[tuple[str, ...]]
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    num_spatial_dims: ClassVar[tuple[int, ...]] = (1,)
    """Where an equation has a choice, the usual one first."""
    blow_up_magnitude: ClassVar[float] = 1e6
    profiles: Actuators | None = None
    """The actuators with their shapes, as they were given, where the equation is forced by such."""

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
        """One random start, shape ``(channel, *space)``, of root mean square ``amplitude``."""

    @abstractmethod
    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """Spatial means with a budget, each ``(batch,)``; fields ``(batch, channel, *space)``."""

    @abstractmethod
    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """Variational derivative dQ/du of each functional, broadcastable to ``(batch, channel, *space)``."""

    @abstractmethod
    def rates(self, fields: Tensor) -> tuple[Tensor, Tensor]:
        """What changes the fields, as values on the grid.

        Returns:
            the time derivative without actions, ``(batch, channel, *space)``, and what one unit of
            each action adds to it, ``(batch or 1, actuator, channel, *space)``.
        """

    @abstractmethod
    def advance_with_fluxes(self, state: Tensor, action: Tensor) -> tuple[Tensor, dict[str, Budget]]:
        """:meth:`advance`, with every budget averaged over the interval.

        Budgets from the values at the interval's ends alone are wrong by per cents of the change.
        """

    @abstractmethod
    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        """One control interval under a held action ``(batch, actuator)`` in physical units.

        Actions are taken as they are: ``actuators.clamp`` keeps them within their bounds. A state may come
        out as nan or absurdly large, where the step is too long for it: :meth:`blown_up` tells which
        elements are, and :func:`~simulations.episode.run_episodes` records when and why.

        Raises:
            ValueError: if a shape, precision or device does not fit.
        """

    def step_limits(self) -> list[StepLimit]:
        """Limits that hold whatever the state."""
        return []

    def step_limits_at(self, fields: Tensor) -> list[StepLimit]:
        """Limits that depend on the state, for naming the likely cause of a blow-up."""
        return []

    # The verbs that all share -----------------------------------------------------------------

    @property
    def step(self) -> float:
        """Time step of the solver."""
        return self.control_interval / self.steps_per_interval

    def encode(self, fields: Tensor) -> Tensor:
        """The state of a simulation is its fields, shape ``(batch, channel, *space)``.

        Raises:
            ValueError: if the shape does not fit or a value is not finite.
        """
        self._require_fields("fields", fields)
        finite = torch.isfinite(fields).flatten(1).all(dim=1)
        if not finite.all():
            rows = torch.nonzero(~finite).flatten().tolist()
            raise ValueError(
                f"{self.equation}: expected finite fields, got nan or infinity in element {_few(rows)} of the batch. "
                "Drop these elements, or look for the step at which they blew up."
            )
        return fields

    def readout(self, state: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """The named functionals, and the fields under the name ``"fields"``.

        Raises:
            ValueError: if a name is unknown or the shape does not fit.
        """
        self._require_fields("state", state)
        unknown = [name for name in names if name != "fields" and name not in self.functional_names]
        if unknown:
            known = ", ".join(("fields", *self.functional_names))
            raise ValueError(f"{self.equation}: expected readouts among {known}, got {', '.join(unknown)}.")
        functionals = self.functionals(state) if set(names) - {"fields"} else {}
        return {name: state if name == "fields" else functionals[name] for name in names}

    def budgets(self, fields: Tensor) -> dict[str, Budget]:
        """The instantaneous budget of every functional: ``dQ/dt = <dQ/du . u_t>``."""
        self._require_fields("fields", fields)
        drift, response = self.rates(fields)
        return {
            name: Budget(self.mean_over_space(q * drift), self.mean_over_space(q[:, None] * response))
            for name, q in self.derivatives(fields).items()
        }

    def blown_up(self, state: Tensor) -> Tensor:
        """Which elements are no longer a solution: non-finite or absurdly large, ``(batch,)``."""
        self._require_fields("state", state)
        return ~(state.abs().flatten(1).amax(dim=1) < self.blow_up_magnitude)  # also true for nan

    def why_blown_up(self, fields: Tensor) -> str:
        """The likeliest cause, from a state shortly before: the limit that the step exceeds most."""
        largest = float(fields.abs().max())
        if not largest < self.blow_up_magnitude:
            return (
                f"{self.equation}: expected values below {self.blow_up_magnitude:g}, got {largest:.3g}, a state far "
                "outside what the equation is solved for. Look at the start."
            )
        limits = [*self.step_limits(), *self.step_limits_at(fields)]
        tightest = min(limits, key=lambda limit: limit.step, default=None)
        if tightest is None or not tightest.step < self.step:
            return f"{self.equation}: the step {self.step:.3g} may be too long, or the start or an action too large."
        return f"{self.equation}: {self._too_long(tightest)}"

    def with_parameters(self, parameters: Values) -> "Simulation":
        """The same simulation with some parameters changed."""
        other = copy.copy(self)
        other._set_parameters(self.values | dict(parameters))
        other._prepare()
        return other

    def repeated(self, times: int) -> "Simulation":
        """The same for a batch repeated so many times, one round of elements after the other."""
        if self.batch_of_parameters is None or times == 1:
            return self
        if times not in self._repeated:
            tiled = {name: np.tile(v, times) for name, v in self.values.items() if v.ndim}
            self._repeated[times] = self.with_parameters(tiled)
        return self._repeated[times]

    # Shared machinery -------------------------------------------------------------------------

    def mean_over_space(self, values: Tensor) -> Tensor:
        """Sum over channels of the mean over space: ``(batch, ..., channel, *space)`` to ``(batch, ...)``."""
        if values.ndim < 2 + len(self.grid.shape):
            wanted = ("batch", len(self.variables), *self.grid.shape)
            raise ValueError(f"{self.equation}: expected fields of shape {wanted}, got {tuple(values.shape)}.")
        space = tuple(range(-len(self.grid.shape), 0))
        return values.mean(dim=space).sum(dim=-1)

    def parameter(self, name: str) -> Array:
        """A parameter shaped to broadcast over ``(batch, channel, *space)``."""
        return np.reshape(self.values[name], (-1, 1, *(1 for _ in self.grid.shape)))

    def table(self, name: str, like: Tensor) -> Tensor:
        """A precomputed array in the precision and on the device of ``like``."""
        return self._tables_for(like)[name][0]

    def tables(self) -> dict[str, tuple[Array, ...]]:
        """The arrays that steps need, in float64; every parameter is among them under its name."""
        return {p.name: (self.parameter(p.name),) for p in self.parameters}

    def march(self, step: Callable[[Tensor], Tensor], state: Tensor, count: int) -> Tensor:
        """``count`` solver steps; where gradients are recorded over many, only some states are kept.

        The others are computed anew in the backward pass, so that memory grows like the square root
        of the number of steps.
        """

        def several(state: Tensor, steps: int) -> Tensor:
            for _ in range(steps):
                state = step(state)
            return state

        if not (torch.is_grad_enabled() and has_storage(state)):
            return several(state, count)
        for steps in self.segments(count):
            if steps == count:
                return several(state, count)
            state = checkpoint(several, state, steps, use_reentrant=False, preserve_rng_state=False)
        return state

    def segments(self, count: int) -> list[int]:
        """Steps between the states that are kept where gradients are recorded: all of up to 64, else their root."""
        stride = int(np.ceil(np.sqrt(count))) if count > 64 else count
        return [min(stride, count - start) for start in range(0, count, stride)]

    def _prepare(self) -> None:
        """Check the step and forget what was computed for other parameters."""
        self._repeated: dict[int, Simulation] = {}
        self._tables: dict[tuple[torch.dtype, torch.device], dict[str, tuple[Tensor, ...]]] = {}
        limits = self.step_limits()
        tightest = min(limits, key=lambda limit: limit.step, default=None)
        if tightest is not None and tightest.step < self.step * (1 - 1e-12):
            raise ValueError(f"{self.equation}: {self._too_long(tightest)}")

    def _too_long(self, limit: StepLimit) -> str:
        problem = f"{limit.process} limits the step to {limit.step:.3g}, got {self.step:.3g}. "
        if not self.control_interval < limit.step * 1e9:
            return problem + "No number of steps will do: look at the parameters, the grid and the state."
        steps = int(np.ceil(self.control_interval / limit.step))
        steps += steps % 2
        return problem + f"Use steps_per_interval >= {steps} at control_interval = {self.control_interval:g}."

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
        if not isinstance(value, Tensor):
            raise ValueError(
                f"{self.equation}: expected {name} as a torch tensor, got {type(value).__name__}. "
                f"Use torch.as_tensor({name})."
            )
        given = value.shape
        fits = len(given) == len(shape) and given[1:] == shape[1:] and given[0] > 0 and shape[0] in (None, given[0])
        if not fits:
            wanted = tuple("batch" if s is None else s for s in shape)
            raise ValueError(
                f"{self.equation}: expected {name} of shape {wanted}, got {tuple(given)}.{self._about_batch(given)}"
            )
        if value.dtype not in PRECISIONS:
            raise ValueError(
                f"{self.equation}: expected {name} of float32 or float64, got {value.dtype}. "
                f"Use {name}.to(torch.float64)."
            )

    def _about_batch(self, given: Sequence[int]) -> str:
        if len(given) and given[0] == 0:
            return " A batch has at least one element."
        if self.batch_of_parameters is not None and len(given) and given[0] != self.batch_of_parameters:
            return (
                f" The parameters are given for a batch of {self.batch_of_parameters}; change them by with_parameters."
            )
        return ""

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
            with torch.inference_mode(False):  # or tables made there would refuse gradients later
                self._tables[key] = {
                    name: tuple(
                        torch.tensor(a, dtype=complex_ if np.iscomplexobj(a) else real, device=like.device)
                        for a in arrays
                    )
                    for name, arrays in self.tables().items()
                }
        return self._tables[key]


def require_alike(equation: str, state: Tensor, action: Tensor) -> None:
    """Refuse an action whose precision or device is not that of the state."""
    if action.dtype != state.dtype or action.device != state.device:
        raise ValueError(
            f"{equation}: expected action of {state.dtype} on {state.device} like the state, "
            f"got {action.dtype} on {action.device}. Use action.to(state)."
        )


def _few(rows: list[int]) -> str:
    return ", ".join(map(str, rows[:5])) + (f" and {len(rows) - 5} more" if len(rows) > 5 else "")
