"""What takes long to make, made once for all tests and all workers: they read it, or copy it to write."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

ARGUMENTS = ("demo", "--quick")


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder that ``make(folder)`` has filled; who comes second waits, and gets the same.

    Args:
        factory: pytest's own folders, of which workers share one.
        name: What is made; a name for all tests.
        make: Fills an empty folder, or raises, in which case the next one tries again.
    """
    base = factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, whole = base / name, base / f"{name}.whole"
    with FileLock(base / f"{name}.lock"):
        if not whole.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            whole.touch()
    return folder


@dataclass(frozen=True)
class QuickDemo:
    """A finished demo.

    Args:
        run: the run folder.
        returncode, stdout, stderr: what the command answered.
    """

    run: Path
    returncode: int
    stdout: str
    stderr: str


def make_quick_demo(folder: Path) -> None:
    """``sciwm demo --quick`` as a newcomer runs it, in an empty folder."""
    command = [sys.executable, "-m", "sciwm", *ARGUMENTS]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    (folder / "answer.json").write_text(json.dumps([done.returncode, done.stdout, done.stderr]))


def quick_demo_in(folder: Path) -> QuickDemo:
    """What :func:`make_quick_demo` has left."""
    return QuickDemo(folder / "runs" / "demo", *json.loads((folder / "answer.json").read_text()))
