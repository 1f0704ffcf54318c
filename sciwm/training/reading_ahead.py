"""Windows of the next updates, read from the disk while this one is computed."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Drawn = TypeVar("Drawn")

AHEAD = 2
"""How many updates are drawn before they are needed: more than one, as some take longer than others."""


@contextmanager
def read_ahead(draw: Callable[[int], Drawn], total: int, *, worth_it: bool) -> Iterator[Callable[[int], Drawn]]:
    """Let a thread draw what the next updates need.

    Args:
        draw: Draws what an update needs; it must depend on the number of the update alone, so that it gives the same
            whenever it is called.
        total: The number of updates.
        worth_it: Whether drawing takes long; without, there is no thread.

    Yields:
        The same function, to be called with ascending numbers.
    """
    if not worth_it:
        yield draw
        return
    with ThreadPoolExecutor(1, "reading ahead") as pool:
        waiting: dict[int, Future[Drawn]] = {}

        def drawn(update: int) -> Drawn:
            begun = waiting.pop(update, None) or pool.submit(draw, update)
            for coming in range(update + 1, min(update + 1 + AHEAD, total)):
                if coming not in waiting:
                    waiting[coming] = pool.submit(draw, coming)
            return begun.result()

        yield drawn
