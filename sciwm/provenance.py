"""Where results come from: the commit of the source tree and the machine."""

import os
import platform
import subprocess
from functools import cache
from pathlib import Path


@cache
def source_commit() -> str:
    """The commit of the source tree when first asked, marked if files differ from it; unknown outside a checkout."""
    root = Path(__file__).parents[1]

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607
        return done.stdout.strip()

    if Path(git("rev-parse", "--show-toplevel") or root / "none").resolve() != root.resolve():
        return "unknown"  # installed inside the checkout of something else
    commit = git("rev-parse", "HEAD")
    changed = git("status", "--porcelain", "--", "sciwm", "simulations", "configs")
    return (commit + ("+changes" if changed else "")) if commit else "unknown"


def machine() -> str:
    """Architecture, number of cores and processor of the machine that runs this, in words."""
    return f"{platform.machine()}, {os.cpu_count()} cores, {_processor()}"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"
