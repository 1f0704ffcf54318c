"""Bad input, told in a way that can be acted on: all problems at once, each with a remedy."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an input.

    Args:
        where: file and key, or dataset and variable.
        expected: what would have been right.
        got: what was found.
        remedy: what to do next, if it is not obvious from the rest.
    """

    where: str
    expected: str
    got: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.where}: expected {self.expected}, got {self.got}" + (f"; {self.remedy}" if self.remedy else "")


class InputError(ValueError):
    """Everything wrong with one input, raised once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in problems))


def raise_if(problems: Sequence[Problem]) -> None:
    """All of them at once, if there are any."""
    if problems:
        raise InputError(problems)


def in_one_line(error: Exception) -> str:
    """Kind and first line of what another library complains of."""
    return f"{type(error).__name__}: {(str(error).splitlines() or ['no reason given'])[0]}"


def counted(count: int, one: str, several: str = "") -> str:
    """So many of what is called ``one``; of what is called ``several``, by default with an s, unless it is one.

    Example:
        >>> counted(1, "value"), counted(3, "value"), counted(2, "that is not", "that are not")
        ('1 value', '3 values', '2 that are not')
    """
    return f"{count} {one}" if count == 1 else f"{count} {several or one + 's'}"
