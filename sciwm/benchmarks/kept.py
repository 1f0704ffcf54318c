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


def kept(path: Path, config: Config, make: Callable[[], Cell], *, of_file: Path | None = None) -> Cell:
    """What stands at ``path`` if it was made of ``config``, else what is made now and kept there, with its commit.

    Threads and the name of the experiment count too: nothing of a configuration is free to change.

    Args:
        of_file: something else that it is made of.
    """
    made_of = hashlib.sha256(config.model_dump_json().encode())
    if of_file is not None:
        made_of.update(of_file.read_bytes())
    digest = made_of.hexdigest()
    if path.exists():
        cell: Cell = json.loads(path.read_text())
        if cell.pop("made_of") == digest:
            return cell
    commit = source_commit()
    made = make() | {"commit": commit}
    write_json(path, made | {"made_of": digest})
    return made
