"""What the files of a run were made from, compared with its configuration.

Stores and results carry the settings that made them. A configuration that was edited since then would turn them into
data and results of an experiment that nobody made.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import zarr

import simulations
from sciwm.config import Config, SimulationSettings, SourceSettings, differences, parse_config, sections_at
from sciwm.data import open_result, recipe
from sciwm.data.source import settings_of
from sciwm.errors import InputError, Problem, in_one_line
from sciwm.evaluation import target_fields
from sciwm.evaluation.suite import MADE_FROM, METRICS, PARTS, depends_on
from sciwm.evaluation_parts import METRICS_OF_PART
from sciwm.migration import migrated_config
from sciwm.reuse import description_of
from sciwm.run_paths import RunPaths

CONTROL_DEPENDS_ON = ("seed", "simulation", "data.warm_up", "data.amplitude", "planning", "control")
"""The keys of the configuration that the result of the control experiment depends on."""

OWN_SEED = "seed, as drawn for this set"
"""A set has a seed of its own, which derives from that of the experiment."""


# Stores ---------------------------------------------------------------------------------------


def store_problems(paths: RunPaths, config: Config) -> list[Problem]:
    """The stores of a run that were made from other settings than those of a configuration, each with what differs.

    Args:
        paths: The paths of the run.
        config: The experiment.
    """
    return [problem for path in paths.stores for problem in _problems_of_store(path, config)]


def target_problems(paths: RunPaths, config: Config) -> list[Problem]:
    """Sensitivities whose gradients are those of the cost of another target."""
    made_from = _made_from(paths.store("sensitivity")).get("target")
    if made_from is None:
        return []
    target = target_fields(config, simulations.build(config.simulated()[0].model_dump()))
    if hashlib.sha256(target.float().contiguous().numpy().tobytes()).hexdigest() == made_from:
        return []
    remedy = "restore config.yaml, or move the store away and simulate again"
    place = f"{paths.store('sensitivity')}: control.target"
    return [Problem(place, "the target that the stored gradients belong to", "another", remedy)]


def _problems_of_store(path: Path, config: Config) -> list[Problem]:
    made_from = _made_from(path)
    if not made_from:  # a damaged store is told by whoever opens it
        return []
    remedy = f"restore config.yaml, or move {path} away and make it again"
    if config.source is not None or "source" in made_from:
        return _problems_of_brought_in(path, made_from, config.source, remedy)
    try:
        there = _by_key(path.stem, made_from)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        expected = "the settings that the store was made from, in its attribute sciwm_config"
        return [Problem(str(path), expected, in_one_line(error), remedy)]
    changed = "; ".join(differences(there, _by_key(path.stem, _wanted(path.stem, config))))
    return [Problem(str(path), "a store made from the settings of config.yaml", changed, remedy)] if changed else []


def _problems_of_brought_in(
    path: Path, made_from: Mapping[str, Any], source: SourceSettings | None, remedy: str
) -> list[Problem]:
    """A store of files that was brought in by other settings, or in place of a simulation."""
    if source is None or "source" not in made_from:
        kinds = ("files of others", "a simulation")
        expected, got = kinds if source is not None else kinds[::-1]
        return [Problem(str(path), f"a store of {expected}", f"one of {got}", remedy)]
    try:
        there = SourceSettings.model_validate({**made_from["source"], "files": ["-"]})
    except (ValueError, TypeError) as error:
        expected = "the settings that the store was made from, in its attribute sciwm_config"
        return [Problem(str(path), expected, in_one_line(error), remedy)]
    changed = "; ".join(differences(settings_of(there), settings_of(source), "source"))
    return [Problem(str(path), "a store made from the settings of config.yaml", changed, remedy)] if changed else []


def changed_files(paths: RunPaths, digest: str) -> list[Problem]:
    """The stores of a run that were brought in from files of another content.

    Args:
        paths: The paths of the run.
        digest: The digest of the files as they are now.
    """
    remedy = "restore the files, or choose another --out: a model knows its data by their content"
    return [
        Problem(str(path), "files as they were when they were brought in", "files of another content", remedy)
        for path in paths.stores
        if _made_from(path).get("data", digest) != digest
    ]


def _made_from(path: Path) -> dict[str, Any]:
    """The settings that made a store, as it holds them; empty where none can be read."""
    try:
        return dict(json.loads(str(zarr.open_group(path, mode="r").attrs["sciwm_config"])))
    except Exception:  # whatever a damaged store makes the reader raise
        return {}


def _wanted(name: str, config: Config) -> dict[str, Any]:
    """The settings that a configuration gives a store, in the form in which a store holds them."""
    settings: dict[str, Any] = {"simulation": config.simulated()[0].model_dump()}
    if name in ("train", "validation", "test"):
        return settings | {"recipe": asdict(recipe(config, name))}
    sensitivities = config.simulated()[1].sensitivities
    if name == "sensitivity" and sensitivities is not None:
        return settings | {"recipe": sensitivities.model_dump()}
    return settings | config.training.on_policy.model_dump()


def _by_key(name: str, made_from: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a store by the keys of the configuration; those that are younger than it take their defaults."""
    simulation = SimulationSettings.model_validate(made_from["simulation"]).model_dump()
    if name in ("train", "validation", "test"):
        values = dict(made_from["recipe"])
        size = {key: values.pop(key) for key in ("simulations", "intervals")}
        return {"simulation": simulation, OWN_SEED: values.pop("seed"), "data": {name: size, **values}}
    if name == "sensitivity":
        size = {key: made_from.get("recipe", {}).get(key) for key in ("samples", "intervals", "perturbation")}
        return {"simulation": simulation, "data": {"sensitivities": size}}
    rounds = {key: made_from.get(key) for key in ("episodes", "intervals", "updates")}
    return {"simulation": simulation, "training": {"on_policy": rounds}}


# Results --------------------------------------------------------------------------------------


def result_problems(paths: RunPaths, config: Config, metrics: Mapping[str, Any], *, digest: str) -> list[Problem]:
    """The results of a run that were made from other settings or another model, or whose numbers are others.

    Args:
        paths: The paths of the run.
        config: The experiment.
        metrics: The numbers of the run; results without numbers are those of a stage that was stopped, and not shown.
        digest: The digest of the trained model.
    """
    problems = []
    for name in PARTS:
        if metrics.get(METRICS_OF_PART.get(name, name)):
            command = f"sciwm evaluate {paths.folder} --parts {name}"
            problems += _problems_of_result(
                paths, paths.result(name), config, metrics, digest, depends_on(name), command
            )
    if metrics.get("control"):
        command = f"sciwm control {paths.folder}"
        problems += _problems_of_result(paths, paths.controlled, config, metrics, digest, CONTROL_DEPENDS_ON, command)
    return problems


def _problems_of_result(
    paths: RunPaths, path: Path, config: Config, metrics: Mapping[str, Any], digest: str, keys: Any, command: str
) -> list[Problem]:
    remedy = f"measure it anew with '{command}', or restore config.yaml"
    try:
        with open_result(paths, path) as dataset:
            attributes = dict(dataset.attrs)
    except (OSError, ValueError, RuntimeError):  # whoever reads it tells
        return []
    changed, wanted = [], config.model_dump(mode="json")
    try:
        if "sciwm_config" in attributes:
            made_by = parse_config(migrated_config(json.loads(attributes["sciwm_config"])), where=str(path))
            there = made_by.model_dump(mode="json")
            changed += differences(sections_at(there, keys), sections_at(wanted, keys))
        if MADE_FROM in attributes and json.loads(attributes[MADE_FROM])["model"] != digest:
            changed.append("the model: there another, as it was trained again since")
        numbers = json.loads(attributes.get(METRICS, "{}"))
    except (InputError, ValueError, KeyError, TypeError) as error:
        return [Problem(str(path), "what the result was made from, in its attributes", in_one_line(error), remedy)]
    problems = []
    if changed:
        expected = "a result made from the settings of config.yaml and this model"
        problems.append(Problem(str(path), expected, "; ".join(changed), remedy))
    others = [
        key for key, value in numbers.items() if description_of({key: metrics.get(key)}) != description_of({key: value})
    ]
    if others:
        expected = f"the numbers of {', '.join(others)} in metrics.json"
        problems.append(Problem(str(path), expected, "others", remedy))
    return problems
