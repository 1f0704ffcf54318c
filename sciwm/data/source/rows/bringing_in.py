"""Somebody's data brought into the stores of a run, row by row; what is there already is kept."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sciwm.config import SourceSettings
from sciwm.data.source.rows.brought_in import BroughtIn
from sciwm.data.source.rows.inventory import Progress, Rules, take_inventory
from sciwm.data.source.rows.material import Given


def settings_of(settings: SourceSettings) -> dict[str, Any]:
    """The settings that brought-in data depend on; files are told apart by their content and not by their names."""
    return settings.model_dump(mode="json", exclude={"files"})


def bring_in(
    given: Sequence[Given],
    settings: SourceSettings,
    place: Callable[[str], Path],
    *,
    digest: str,
    needed: Mapping[str, int],
    rules: Rules = lambda sizes: (),
    title: str,
    progress: Progress[Any],
) -> Sequence[str]:
    """Write the sets of somebody's data, as stores that are read like simulated ones.

    Killed at any moment and given again, it ends in the same bytes. At most a few rows, or one large one, are in
    memory at once.

    Args:
        given: The Datasets.
        settings: The roles and dimensions.
        place: The folder of the store of a set, by its name.
        digest: What identifies the data.
        needed: The number of control intervals that the longest row of each set must have.
        rules: What else the data must be for this experiment.
        title: The title of the stores.
        progress: Shows how far it is.

    Returns:
        What was made of the data, in words.

    Raises:
        InputError: With everything that is wrong with the data.
        StoreError: If stores are there that were made with other settings, or of other data.
    """
    found = take_inventory(given, settings, needed, progress, rules)
    for name, rows in found.rows.items():
        if not rows:
            continue
        made_from = {"source": settings_of(settings), "data": digest, "set": name}
        store = BroughtIn.open_or_create(place(name), found, rows, title=title, settings=made_from)
        store.discard_damaged()
        missing, count = store.missing(), store.together()
        groups = [missing[start : start + count] for start in range(0, len(missing), count)]
        for group in progress(groups, f"bringing in {name}"):
            store.write(group, rows, found)
    return found.notes
