"""Errors about input: all problems of one input at once, each with what to do next."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One problem of an input.

    Args:
        where: File and key, or dataset and variable.
        expected: What would have been right.
        got: What was found.
        remedy: What to do next, if that is not obvious.
    """

    where: str
    expected: str
    got: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.where}: expected {self.expected}, got {self.got}" + (f"; {self.remedy}" if self.remedy else "")


class InputError(ValueError):
    """All problems of one input.

    Args:
        problems: The problems; the message has one line for each.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in problems))


def raise_if(problems: Sequence[Problem]) -> None:
    """Raise :class:`InputError` with all problems, if there are any."""
    if problems:
        raise InputError(problems)


def in_one_line(error: Exception) -> str:
    """The type and the first line of an error of another library."""
    return f"{type(error).__name__}: {(str(error).splitlines() or ['no reason given'])[0]}"


def counted(count: int, one: str, several: str = "") -> str:
    """A count with its noun in the singular or the plural.

    Args:
        count: The count.
        one: The noun for one.
        several: The noun for several; ``one`` with an s by default.

    Example:
        >>> counted(1, "value"), counted(3, "value"), counted(2, "that is not", "that are not")
        ('1 value', '3 values', '2 that are not')
    """
    return f"{count} {one}" if count == 1 else f"{count} {several or one + 's'}"
