"""Physical constants of an equation: names, bounds, and values for one run or for each of a batch."""

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
    """A physical constant of an equation, one value or one per batch element.

    Args:
        default: a good value.
        low, high: the bounds that it may take.
        low_included: whether ``low`` itself may be taken.
    """

    name: str
    long_name: str
    default: float
    units: str = "1"
    low: float = -np.inf
    high: float = np.inf
    low_included: bool = True

    def admits(self, value: Array) -> bool:
        """Whether every element is finite and within bounds."""
        above = value >= self.low if self.low_included else value > self.low
        return bool(np.all(np.isfinite(value) & above & (value <= self.high)))

    @property
    def range(self) -> str:
        """The bounds in words."""
        if np.isinf(self.low) and np.isinf(self.high):
            return f"a finite {self.name}"
        low = "" if np.isinf(self.low) else f"{self.name} {'>=' if self.low_included else '>'} {self.low:g}"
        high = "" if np.isinf(self.high) else f"{self.name} <= {self.high:g}"
        return " and ".join(part for part in (low, high) if part)


def positive(name: str, long_name: str, default: float, units: str = "1") -> Parameter:
    """A parameter above zero."""
    return Parameter(name, long_name, default, units, low=0.0, low_included=False)


def non_negative(name: str, long_name: str, default: float, units: str = "1") -> Parameter:
    """A parameter of zero or more."""
    return Parameter(name, long_name, default, units, low=0.0)


def checked(known: Sequence[Parameter], given: Values) -> dict[str, Array]:
    """A value for every known parameter, those left out at their defaults: each ``()`` or ``(batch,)``.

    Raises:
        ValueError: naming everything that does not fit.
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
                f"expected {parameter.name} as numbers, as gradients flow through states and actions alone, "
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
