"""The quick demo as a newcomer runs it, once for all tests that look at it."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

ARGUMENTS = ("demo", "--quick")


@dataclass(frozen=True)
class QuickDemo:
    """A finished demo.

    Args:
        run: the run folder, shared by all tests: it is read, never written to.
        returncode, stdout, stderr: what the command answered.
    """

    run: Path
    returncode: int
    stdout: str
    stderr: str


def run_once(base: Path) -> QuickDemo:
    """``sciwm demo --quick`` in an empty folder of ``base``; who comes second waits, and gets the same."""
    folder, answer = base / "quick_demo", base / "quick_demo.json"
    with FileLock(base / "quick_demo.lock"):
        if not answer.exists():
            folder.mkdir()
            command = [sys.executable, "-m", "sciwm", *ARGUMENTS]
            done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
            answer.write_text(json.dumps([done.returncode, done.stdout, done.stderr]))
    return QuickDemo(folder / "runs" / "demo", *json.loads(answer.read_text()))
