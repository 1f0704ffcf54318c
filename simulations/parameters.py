"""Parameters of an equation: names, bounds, and one value for all simulations or one for each of a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[Any]
Values = Mapping[str, float | Sequence[float] | Array]


@dataclass(frozen=True)
class Parameter:
    """A parameter of an equation; :func:`positive` and :func:`non_negative` make the common ones.

    Args:
        name: The name in settings.
        long_name: The name in words, for the attributes of stores.
        default: The value if none is given; a good one.
        units: The units of the value; "1" is dimensionless.
        low: The smallest admissible value.
        high: The largest admissible value.
        low_included: Whether ``low`` itself is admissible.
    """

    name: str
    long_name: str
    default: float
    units: str = "1"
    low: float = -np.inf
    high: float = np.inf
    low_included: bool = True

    def admits(self, value: Array) -> bool:
        """Whether every element of ``value`` is finite and within the bounds."""
        above = value >= self.low if self.low_included else value > self.low
        return bool(np.all(np.isfinite(value) & above & (value <= self.high)))

    @property
    def range(self) -> str:
        """The bounds as they stand in an error message, as ``"viscosity > 0"``."""
        if np.isinf(self.low) and np.isinf(self.high):
            return f"a finite {self.name}"
        low = "" if np.isinf(self.low) else f"{self.name} {'>=' if self.low_included else '>'} {self.low:g}"
        high = "" if np.isinf(self.high) else f"{self.name} <= {self.high:g}"
        return " and ".join(part for part in (low, high) if part)


def positive(name: str, long_name: str, default: float, units: str = "1") -> Parameter:
    """A parameter that must be above zero."""
    return Parameter(name, long_name, default, units, low=0.0, low_included=False)


def non_negative(name: str, long_name: str, default: float, units: str = "1") -> Parameter:
    """A parameter that must be zero or more."""
    return Parameter(name, long_name, default, units, low=0.0)


def checked(known: Sequence[Parameter], given: Values) -> dict[str, Array]:
    """The value of every known parameter, as arrays of shape ``()`` or ``(batch,)``.

    Args:
        known: The parameters of the equation.
        given: Values by name; a parameter that is left out takes its default.

    Raises:
        ValueError: With every name that is unknown and every value that is out of bounds.
    """
    names = [p.name for p in known]
    problems = [
        f"expected the parameters {', '.join(names) or 'none'}, got {n}" for n in sorted(set(given) - set(names))
    ]
    values = {}
    for parameter in known:
        try:
            values[parameter.name] = _numbers(parameter, given.get(parameter.name, parameter.default))
        except ValueError as error:
            problems.append(str(error))
    sizes = {v.shape for v in values.values() if v.ndim}
    if len(sizes) > 1 or any(len(size) > 1 for size in sizes):
        problems.append(f"expected parameters of one value or one per batch element, got shapes {sorted(sizes)}")
    if problems:
        raise ValueError("; ".join(problems))
    return values


def _numbers(parameter: Parameter, value: Any) -> Array:
    if isinstance(value, torch.Tensor):
        if value.requires_grad:
            raise ValueError(
                f"expected {parameter.name} without gradients, which only states and actions have, "
                f"got a tensor that requires them; use {parameter.name}.detach()"
            )
        value = value.cpu()
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"expected {parameter.range}, got {value!r}") from None
    if not array.size:
        raise ValueError(f"expected {parameter.name} of one value or one per batch element, got none")
    if not parameter.admits(array):
        raise ValueError(f"expected {parameter.range}, got {array}")
    return array
