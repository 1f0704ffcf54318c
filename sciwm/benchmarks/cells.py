"""What has been made stays made, as long as it was made of the same things."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sciwm.benchmarks.results import source_commit
from sciwm.config import Config
from sciwm.files import write_json

Cell = dict[str, Any]


SIMULATED_FROM = ("seed", "simulation", "data")
TRAINED_FROM = (*SIMULATED_FROM, "model", "loss", "training")
"""Sections of a configuration that data are made of, and a training."""


def sections(config: Config, names: Sequence[str] | None = None) -> bytes:
    """Some sections of a configuration, or all of it with its name, for :func:`kept`; threads count too."""
    return config.model_dump_json(include=None if names is None else set(names)).encode()


def kept(path: Path, made_of: Sequence[bytes], make: Callable[[], Cell]) -> Cell:
    """What stands at ``path`` if it was made of the same, else what is made now and kept there, with its commit."""
    digest = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in made_of)).hexdigest()
    if path.exists():
        cell: Cell = json.loads(path.read_text())
        if cell.pop("made_of") == digest:
            return cell
    commit = source_commit()
    made = make() | {"commit": commit}
    write_json(path, made | {"made_of": digest})
    return made
