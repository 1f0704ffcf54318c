"""Checks of settings as people write them: numbers, flags and keys.

Each check raises a ValueError that begins with a small letter. :func:`collected` gathers several of them,
and :func:`raise_all` raises them as one message.
"""

import difflib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from numbers import Real
from typing import Any

import numpy as np


def finite(name: str, value: Any) -> float:
    """``value`` as a float; NumPy's numbers are taken too, booleans are not."""
    if isinstance(value, bool | np.bool) or not isinstance(value, Real) or not np.isfinite(float(value)):
        raise ValueError(f"expected {name} as a finite number, got {value!r}")
    return float(value)


def above_zero(name: str, value: Any) -> float:
    """``value`` as a float, refused unless it is finite and above zero."""
    try:
        number = finite(name, value)
    except ValueError:
        number = 0.0
    if not number > 0:
        raise ValueError(f"expected a finite {name} > 0, got {value!r}")
    return number


def whole(name: str, value: Any) -> int:
    """``value`` as an int; ``64.0`` is taken as 64."""
    number = finite(name, value)
    if not number.is_integer():
        raise ValueError(f"expected {name} as a whole number, got {value}")
    return int(number)


def flag(name: str, value: Any) -> bool:
    """``value`` as a bool; a text such as ``"false"`` is refused, as Python would take it for true."""
    if not isinstance(value, bool | np.bool):
        raise ValueError(f"expected {name} as true or false, got {value!r}")
    return bool(value)


def key_problems(
    keys: Iterable[Any], *, required: Collection[str], optional: Collection[str], prefix: str = ""
) -> list[str]:
    """The problems of a mapping's keys.

    Args:
        keys: The keys that were given.
        required: The keys that must be given.
        optional: The keys that may be given.
        prefix: Where the mapping stands in the settings, as ``"jets."``.

    Returns:
        One line for each unknown key, with the most similar known one, and for each missing key.
    """
    keys, known = list(keys), [*required, *optional]
    problems = []
    for key in keys:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            remedy = f"did you mean '{close[0]}'?" if close else f"known keys: {', '.join(known)}"
            problems.append(f"unknown key '{prefix}{key}', {remedy}")
    return problems + [f"expected {prefix}{key}, got nothing" for key in required if key not in keys]


@contextmanager
def collected(problems: list[str], prefix: str = "") -> Iterator[None]:
    """Append a ValueError to ``problems`` instead of raising it, so that one message can name all of them."""
    try:
        yield
    except ValueError as error:
        problems.append(prefix + str(error).rstrip("."))


def raise_all(problems: Collection[str], where: str) -> None:
    """Raise one ValueError that names all ``problems``, if there are any."""
    if problems:
        raise ValueError(f"{where}: {'; '.join(problems)}.")
