"""Progress bars for people, silence for files and pipes."""

from collections.abc import Iterable

from tqdm import tqdm


def bar(iterable: Iterable[int], description: str) -> Iterable[int]:
    """Show progress over ``iterable`` if the error stream is a terminal."""
    return tqdm(iterable, desc=description, disable=None, leave=False, dynamic_ncols=True)


class CountBar:
    """A bar that counts what is done and shows the latest word of it.

    Args:
        total: how many in all.
        description: what is being done.
        unit: what is counted.
    """

    def __init__(self, total: int, description: str, unit: str) -> None:
        self._bar = tqdm(total=total, desc=description, disable=None, leave=False, dynamic_ncols=True, unit=unit)

    def __call__(self, count: int, message: str) -> None:
        """Advance by ``count``; a non-empty message replaces the last one."""
        if message:
            self._bar.set_postfix_str(message)
        self._bar.update(count)

    def close(self) -> None:
        """Leave the terminal clean."""
        self._bar.close()
