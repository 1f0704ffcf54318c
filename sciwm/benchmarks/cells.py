"""The cells of a benchmark: what is trained or measured once, such as one variant with one seed, a JSON file each.

A benchmark that is interrupted, or run again, measures only the cells that are missing or whose inputs have
changed; :mod:`sciwm.reuse` decides which these are.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sciwm.config import Config
from sciwm.files import write_json
from sciwm.provenance import source_commit
from sciwm.reuse import digest_of, reusable

Cell = dict[str, Any]
"""Numbers, text, lists and mappings, by name."""

KEY = "made_of"
"""Under which a file keeps the digest of the inputs of its cell."""


def settings_bytes(config: Config, sections: Sequence[str] | None = None) -> bytes:
    """Settings as an input of :func:`cached`; the number of threads counts, since it changes roundings.

    Args:
        sections: names of sections of the configuration; all of them, and its name, if left out.
    """
    asked = type(config).model_fields if sections is None else sections
    return config.model_dump_json(include={name for name in asked if getattr(config, name) is not None}).encode()


def cached(path: Path, made_from: Sequence[bytes], make: Callable[[], Cell]) -> Cell:
    """The cell stored at ``path`` if it was made from the same inputs; otherwise it is made now, and stored.

    Args:
        made_from: all inputs, such as settings, the weights of a model, and the version of what is measured.
        make: makes the cell.

    Returns:
        the cell, with the ``commit`` of the source with which it was made.
    """
    digest = digest_of(made_from)
    stored = reusable(path, digest, _read)
    if stored is not None:
        return stored
    commit = source_commit()
    made = make() | {"commit": commit}
    write_json(path, made | {KEY: digest})
    return made


def _read(path: Path) -> tuple[str, Cell]:
    cell: Cell = json.loads(path.read_text())
    return cell.pop(KEY), cell
