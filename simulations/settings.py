"""Plain values as people write them: numbers checked, keys compared with those that are known."""

import difflib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from numbers import Real
from typing import Any

import numpy as np


def finite(name: str, value: Any) -> float:
    """A finite number, NumPy's ones included."""
    if isinstance(value, bool | np.bool) or not isinstance(value, Real) or not np.isfinite(float(value)):
        raise ValueError(f"expected {name} as a finite number, got {value!r}")
    return float(value)


def above_zero(name: str, value: Any) -> float:
    """A finite number above zero."""
    try:
        number = finite(name, value)
    except ValueError:
        number = 0.0
    if not number > 0:
        raise ValueError(f"expected a finite {name} > 0, got {value!r}")
    return number


def whole(name: str, value: Any) -> int:
    """A whole number; ``64.0`` is one, too."""
    number = finite(name, value)
    if not number.is_integer():
        raise ValueError(f"expected {name} as a whole number, got {value}")
    return int(number)


def flag(name: str, value: Any) -> bool:
    """True or false, and not a text that is taken for true."""
    if not isinstance(value, bool | np.bool):
        raise ValueError(f"expected {name} as true or false, got {value!r}")
    return bool(value)


def misfits(
    keys: Iterable[Any], *, required: Collection[str], optional: Collection[str], prefix: str = ""
) -> list[str]:
    """What is wrong with the keys of a mapping: those that nobody knows, with the likely one, and those missing."""
    keys, known = list(keys), [*required, *optional]
    problems = []
    for key in keys:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            remedy = f"did you mean '{close[0]}'?" if close else f"known keys: {', '.join(known)}"
            problems.append(f"unknown key '{prefix}{key}', {remedy}")
    return problems + [f"expected {prefix}{key}, got nothing" for key in required if key not in keys]


@contextmanager
def noted(problems: list[str], prefix: str = "") -> Iterator[None]:
    """Note a ValueError among the problems and go on, so that all can be told at once."""
    try:
        yield
    except ValueError as error:
        problems.append(prefix + str(error).rstrip("."))


def refuse(problems: Collection[str], where: str) -> None:
    """Raise one ValueError of all the problems, if there are any."""
    if problems:
        raise ValueError(f"{where}: {'; '.join(problems)}.")
