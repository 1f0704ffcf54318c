"""Where the command speaks to people: nothing else writes to the terminal."""

import argparse
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from sciwm.errors import shown


def say(text: str, *, to: IO[str] | None = None) -> None:
    """Print lines for people; what would steer the terminal, as names and units from files may, is written out."""
    print(shown(text), file=to or sys.stdout)


def complain(text: str) -> None:
    """Print each line as an error."""
    for line in text.splitlines():
        say(f"sciwm: error: {line}", to=sys.stderr)


@contextmanager
def spoken_warnings() -> Iterator[None]:
    """Show warnings, whose texts may hold names from files, as lines like all others."""
    before = warnings.formatwarning
    warnings.formatwarning = _as_a_line
    try:
        yield
    finally:
        warnings.formatwarning = before


def _as_a_line(message: Warning | str, category: object, filename: str, lineno: int, line: str | None = None) -> str:
    return shown(f"sciwm: warning: {' '.join(str(message).split())}") + "\n"


class Parser(argparse.ArgumentParser):
    """A parser of arguments whose messages, which repeat what was typed, are safe to show."""

    def _print_message(self, message: str, file: IO[str] | None = None) -> None:  # type: ignore[override]
        super()._print_message(shown(message), file)
