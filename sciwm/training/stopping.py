"""A training that is asked to stop saves first."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def saving_on_sigterm(save: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """On SIGTERM, finish the current update, save, and exit with status 0."""
    asked = False

    def ask(signum: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True

    def stop_if_asked() -> None:
        if asked:
            save()
            print("sciwm: training stopped and saved; the same command goes on from here", file=sys.stderr)
            raise SystemExit(0)

    try:
        previous = signal.signal(signal.SIGTERM, ask)
    except ValueError:  # not in the main thread, where no signal can be caught
        yield stop_if_asked
        return
    try:
        yield stop_if_asked
    finally:
        signal.signal(signal.SIGTERM, previous)
