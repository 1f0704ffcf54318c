"""Errors about input: all problems of one input at once, each with what to do next; and text that is safe to show."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace


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
        text = f"{self.where}: expected {self.expected}, got {self.got}" + (f"; {self.remedy}" if self.remedy else "")
        return shown(text).replace("\n", "\\n")  # a line break inside would look like a problem of its own


class InputError(ValueError):
    """All problems of one input.

    Args:
        problems: The problems; the message has one line for each.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in problems))

    def __reduce__(self) -> tuple[type["InputError"], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)  # for other processes, which make it anew from its problems


def raise_if(problems: Sequence[Problem]) -> None:
    """Raise :class:`InputError` with all problems, if there are any."""
    if problems:
        raise InputError(problems)


def in_file(path: object, problems: Sequence[Problem]) -> list[Problem]:
    """Problems that all say in which file they are."""
    return [p if str(path) in p.where else replace(p, where=f"{path}: {p.where}") for p in problems]


def shown(text: str) -> str:
    """Text as a person may be shown it: what would steer the terminal, or reorder the line, is written out.

    Names, units, attributes and paths come from files, and may hold anything. Line breaks and tabs stay.

    Example:
        >>> shown("m/s" + chr(27) + "[31m")
        'm/s\\\\x1b[31m'
    """
    return _STEERING.sub(_written_out, text)


_STEERING = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f"  # control characters, escape among them
    "\\u061c\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff"  # invisible, or turning the line around
    "\\ud800-\\udfff]"  # bytes of paths that are no text
)


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # one byte of a path that is not UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


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
