"""What a model was trained on, as plain data: files, runs, period, ranges, and what was made of it."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sciwm.config import Config
from sciwm.data.row_labels import UNTITLED, notes_of
from sciwm.data.schema import Trajectories, open_trajectories

OF_WHOM = ("source", "institution", "references", "license", "comment")
"""The attributes of a store of brought-in data that tell whose data they are; ``source`` is the title of the files."""


def data_card(config: Config, sets: Mapping[str, Trajectories]) -> dict[str, Any]:
    """What is known of the data of an experiment; it follows from the stores alone.

    Args:
        config: The experiment.
        sets: The sets by name, ``train`` among them.
    """
    train = sets["train"]
    card: dict[str, Any] = {
        "sets": {name: _about(data) for name, data in sets.items()},
        "ranges": {v.name: _range(train, v.name) for v in train.variables},
        "actions": _actions(train),
    }
    if config.source is None or train.roles is None:
        settings, recipe = config.simulated()
        card["simulation"] = {"equation": settings.equation, "parameters": dict(settings.parameters)}
        return card | {"amplitude": getattr(recipe, "amplitude", None)}
    dataset = open_trajectories(train.path)
    notes, time = notes_of(dataset), dataset["time"].attrs
    made_from = json.loads(str(dataset.attrs.get("sciwm_config", "{}")))
    return card | {
        "files": {
            "names": [Path(name).name for name in config.source.files],
            "sha256": str(made_from.get("data", "")),
            **{k: str(dataset.attrs[k]) for k in OF_WHOM if dataset.attrs.get(k, UNTITLED) != UNTITLED},
        },
        "time": {"since": str(time.get("since", "")), "calendar": str(time.get("calendar", ""))},
        "notes": [str(note) for note in notes.get("notes", [])],
        "bounds": dict(train.roles.bounds),
        "static": list(config.source.static),
        "functionals": list(train.roles.functionals),
        "ignored": list(config.source.ignored),
        "exists": _shares(train),
    }


def _about(data: Trajectories) -> dict[str, Any]:
    rows = notes_of(open_trajectories(data.path)).get("rows", [])
    there = [rows[i] for i in data.usable] if len(rows) > max(data.usable) else []
    lengths = [data.intervals_of(i) for i in data.usable]
    about: dict[str, Any] = {
        "runs": [data.labels[i] for i in data.usable],
        "intervals": [min(lengths), max(lengths)],
        "instants": sum(lengths) + len(lengths),
        "sha256": data.digest(),
    }
    if there and "from" in there[0]:
        about["period"] = [min(row["from"] for row in there), max(row["to"] for row in there)]
    return about


def _range(data: Trajectories, name: str) -> list[float]:
    """The least and the largest value, one row in memory at a time; where fields do not exist, none counts."""
    array, low, high = data.array(name), math.inf, -math.inf
    place = [v.name for v in data.variables].index(name)
    for row in data.usable:
        values = np.asarray(array[row, : data.intervals_of(row) + 1])
        values = values if data.valid is None else values[:, data.valid[place]]
        low, high = min(low, float(values.min())), max(high, float(values.max()))
    return [low, high]


def _actions(data: Trajectories) -> dict[str, list[float]]:
    """The range of each action in the data."""
    parts = [np.asarray(data.array("action")[i, : data.intervals_of(i)]) for i in data.usable]
    together = np.concatenate(parts)
    low, high = together.min(axis=0), together.max(axis=0)
    return {n: [float(low[j]), float(high[j])] for j, n in enumerate(data.actuators.names)}


def _shares(data: Trajectories) -> dict[str, float]:
    """At which share of the points each variable exists, where it does not everywhere."""
    if data.valid is None:
        return {}
    return {v.name: float(data.valid[i].mean()) for i, v in enumerate(data.variables)}
