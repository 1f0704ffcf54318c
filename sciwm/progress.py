"""Progress bars for people, silence for files and pipes."""

from collections.abc import Iterable

from tqdm import tqdm


def bar(iterable: Iterable[int], description: str) -> Iterable[int]:
    """Show progress over ``iterable`` if the error stream is a terminal."""
    return tqdm(iterable, desc=description, disable=None, leave=False, dynamic_ncols=True)


class UpdatesBar:
    """A bar that counts updates and shows the latest word of the training.

    Args:
        total: updates in all.
        description: what is being trained.
    """

    def __init__(self, total: int, description: str) -> None:
        self._bar = tqdm(total=total, desc=description, disable=None, leave=False, dynamic_ncols=True, unit="update")

    def __call__(self, updates: int, message: str) -> None:
        """Advance by ``updates``; a non-empty message replaces the last one."""
        if message:
            self._bar.set_postfix_str(message)
        self._bar.update(updates)

    def close(self) -> None:
        """Leave the terminal clean."""
        self._bar.close()
