"""The numbers of a run, ``report/metrics.json``."""

import json
from typing import Any

from sciwm.errors import InputError, Problem
from sciwm.migration import migrated_metrics
from sciwm.run_paths import RunPaths


def read_metrics(paths: RunPaths) -> dict[str, Any]:
    """The numbers that the stages of a run have written so far, by part; empty before the first.

    Raises:
        InputError: if the file is damaged.
    """
    path = paths.metrics
    try:
        metrics = json.loads(path.read_text()) if path.exists() else {}
        if not isinstance(metrics, dict):
            raise ValueError(f"not a mapping but {type(metrics).__name__}")
        if not isinstance(metrics.get("time", {}), dict):
            raise ValueError(f"a 'time' that is no mapping but {metrics['time']!r}")
    except ValueError as error:
        remedy = (
            "the file is damaged: delete it and write it anew with "
            f"'sciwm evaluate {paths.folder}' and 'sciwm control {paths.folder}'"
        )
        raise InputError([Problem(str(path), "a readable file in JSON", str(error), remedy)]) from error
    return migrated_metrics(metrics)
