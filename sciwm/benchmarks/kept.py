"""What has been measured stays measured, as long as it was measured with the same settings."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sciwm.benchmarks.results import source_commit
from sciwm.config import Config
from sciwm.files import write_json

Cell = dict[str, Any]


def kept(path: Path, config: Config, make: Callable[[], Cell]) -> Cell:
    """What stands at ``path`` if it was made of ``config``, else what is made now and kept there, with its commit.

    Threads and the name of the experiment count too: nothing of a configuration is free to change.
    """
    digest = hashlib.sha256(config.model_dump_json().encode()).hexdigest()
    if path.exists():
        cell: Cell = json.loads(path.read_text())
        if cell.pop("made_of") == digest:
            return cell
    commit = source_commit()
    made = make() | {"commit": commit}
    write_json(path, made | {"made_of": digest})
    return made
