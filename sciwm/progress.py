"""Progress bars on terminals; files and pipes get none."""

from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def bar(iterable: Iterable[T], description: str, total: int | None = None) -> Iterable[T]:
    """Iterate with a progress bar if the error stream is a terminal; ``total`` is for what has no length."""
    return tqdm(iterable, desc=description, total=total, disable=None, leave=False, dynamic_ncols=True)


class CountBar:
    """A progress bar that is advanced by calls and shows the latest message.

    Args:
        total: The count at the end.
        description: What is being done.
        unit: What is counted.
    """

    def __init__(self, total: int, description: str, unit: str) -> None:
        self._bar = tqdm(total=total, desc=description, disable=None, leave=False, dynamic_ncols=True, unit=unit)

    def __call__(self, count: int, message: str) -> None:
        """Advance by ``count``; a non-empty message replaces the last one."""
        if message:
            self._bar.set_postfix_str(message)
        self._bar.update(count)

    def close(self) -> None:
        """Remove the bar from the terminal."""
        self._bar.close()
