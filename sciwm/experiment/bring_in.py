"""The stage that brings somebody's files into a run, in place of a simulation."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sciwm.config import Config, SourceSettings
from sciwm.data import source as room
from sciwm.errors import InputError, Problem, raise_if
from sciwm.experiment.origins import changed_files
from sciwm.experiment.run import Run
from sciwm.experiment.source_sizes import size_problems
from sciwm.progress import bar
from sciwm.run_folder import require_same_folder


def bring_in(config: Config, folder: Path) -> Sequence[str]:
    """Write ``config.yaml`` and the stores for training, validation and test from the files of the section ``source``.

    What is there already is kept, so that a stopped stage can be given again. Files that changed since are refused.

    Args:
        config: The experiment.
        folder: The run folder; made if it is not there.

    Returns:
        What was made of the files, in words.

    Raises:
        InputError: With everything that is wrong with the files, or if the folder belongs to another experiment.
    """
    source = source_of(config)
    opened = room.open_files([Path(name) for name in source.files], source.group)
    given = [room.Given(opened.dataset, ", ".join(map(str, opened.files[:3])))]
    digest = room.digest_of_files(list(bar(opened.files, "comparing files")))
    notes = bring_in_datasets(config, folder, given, digest)
    return [*opened.notes, *notes]


def bring_in_datasets(
    config: Config, folder: Path, given: Sequence[room.Given], digest: str, needs: Sequence[str] = room.SETS
) -> Sequence[str]:
    """As :func:`bring_in`, of Datasets that are open.

    Args:
        config: The experiment.
        folder: The run folder; made if it is not there.
        given: The Datasets.
        digest: What identifies them.
        needs: The sets that must not be empty.
    """
    source, run = source_of(config), Run(folder)
    with run.stage("bring_in", resumes=True, claims=True):
        raise_if(changed_files(run.paths, digest))
        run.claim(config)
        return room.bring_in(
            given,
            source,
            run.paths.store,
            digest=digest,
            needed=needed_intervals(config, needs),
            rules=partial(size_problems, config),
            title=config.name,
            progress=partial(_while_there, folder),
        )


def look_at(config: Config) -> Sequence[str]:
    """Check the files of an experiment, and write nothing.

    Returns:
        What would be made of the files, in words.

    Raises:
        InputError: With everything that is wrong with them.
    """
    source = source_of(config)
    opened = room.open_files([Path(name) for name in source.files], source.group)
    given = [room.Given(opened.dataset, ", ".join(map(str, opened.files[:3])))]
    rules: Callable[[room.Sizes], list[Problem]] = partial(size_problems, config)
    found = room.take_inventory(given, source, needed_intervals(config, room.SETS), bar, rules)
    return [*opened.notes, *found.notes]


def needed_intervals(config: Config, needs: Sequence[str]) -> dict[str, int]:
    """The number of control intervals that the longest run of each set must have."""
    return {name: 1 if name == "test" else config.loss.horizon for name in needs}


def source_of(config: Config) -> SourceSettings:
    """The section ``source``.

    Raises:
        InputError: If the experiment has a simulation.
    """
    if config.source is None:
        remedy = "use 'sciwm simulate', or write such a section with 'sciwm inspect FILE --out CONFIG'"
        raise InputError([Problem(config.name, "a section 'source' with files", "a simulation", remedy)])
    return config.source


def _while_there(folder: Path, iterable: Iterable[Any], description: str) -> Iterator[Any]:
    """A progress bar that ends with an error once the folder is gone: a store would be made anew where it was."""
    for item in bar(iterable, description):
        require_same_folder(folder)
        yield item
    require_same_folder(folder)
