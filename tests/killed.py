"""A training that ends as if its process were killed."""

from collections.abc import Callable


class Killed(BaseException):
    """What ends a process between two updates."""


def killed_at(update: int) -> Callable[[int, str], None]:
    """An observer of the training that ends it after so many updates of this process."""
    done = 0

    def advance(updates: int, message: str) -> None:
        nonlocal done
        done += updates
        if done > update:
            raise Killed

    return advance
