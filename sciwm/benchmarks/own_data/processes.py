"""Commands in processes of their own: the memory they took at most, and kills."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

LAUNCHER = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, status)
"""
"""A small process that starts the command: a child begins with the peak of the process that it was forked from."""


@dataclass(frozen=True)
class Measured:
    """What a command took.

    Args:
        megabytes: of resident memory at most.
        status: its exit status.
        said: its errors.
    """

    megabytes: float
    status: int
    said: str


def sciwm_command(*arguments: str) -> list[str]:
    """A ``sciwm`` command line of this Python."""
    return [sys.executable, "-m", "sciwm", *arguments]


def measured(command: Sequence[str]) -> Measured:
    """Run a command to its end.

    Raises:
        RuntimeError: if it fails.
    """
    made = subprocess.run([sys.executable, "-c", LAUNCHER, *command], capture_output=True, text=True, check=True)  # noqa: S603
    kilobytes, status = map(int, made.stdout.split())
    if status:
        raise RuntimeError(f"'{' '.join(command)}' ended with exit status {status}: {made.stderr[-2000:]}")
    return Measured(kilobytes / 1024, status, made.stderr)
