"""The numbers of a run: ``report/metrics.json`` by part, and ``metrics.jsonl`` by epoch of the training."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from sciwm.errors import InputError, Problem, raise_if
from sciwm.evaluation_parts import EVALUATION_PARTS
from sciwm.migration import migrated_metrics
from sciwm.run_paths import RunPaths
from sciwm.sealed_json import from_json
from sciwm.seals import require_sealed

FIRST = "mean_square_first_"
"""How the keys begin that hold the mean over the first window of control; the rest is its length."""

Interval = Annotated[list[float], Field(min_length=2, max_length=2)]
ByController = dict[str, float]
Counted = Annotated[int, Field(ge=0)]


class _Numbers(BaseModel):
    """Numbers of one kind; keys that are not listed, as other versions may write them, are left alone."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")


class _Measured(_Numbers):
    """One number of a part of the evaluation."""

    model_config = ConfigDict(extra="forbid")

    meaning: str
    value: float
    interval: Interval | None = None
    unit: str = ""


class _Rollout(_Numbers):
    """Forecasts of the test set over their lead times."""

    simulations: Counted
    lead_time: list[float]
    nrmse: list[float]
    nrmse_persistence: list[float]
    skill_vs_persistence: Annotated[list[float], Field(min_length=1)]
    valid_prediction_time: float
    valid_prediction_time_unit: str
    valid_prediction_time_interval: Interval | None
    valid_prediction_time_limit: float
    valid_to_the_end: Counted | bool


class _Latent(_Numbers):
    """The size of the latent, and how many of its directions vary."""

    size: Counted
    participation_ratio: float


class _Control(_Numbers):
    """What the controllers achieved; the names of further keys tell over which time."""

    episodes: Counted
    mean_square_final: ByController
    mean_square_final_worst: ByController
    mean_square_action: ByController
    seconds_per_decision: ByController
    relative_reduction: float | None = None


_KINDS: dict[str, TypeAdapter[Any]] = {
    "time": TypeAdapter(dict[str, Annotated[float, Field(ge=0)]]),
    "left_out": TypeAdapter(dict[str, str]),
    "rollout": TypeAdapter(_Rollout),
    "latent": TypeAdapter(_Latent),
    "control": TypeAdapter(_Control),
}
_PART: TypeAdapter[Any] = TypeAdapter(list[_Measured])
_BY_CONTROLLER: TypeAdapter[Any] = TypeAdapter(ByController)
_INTERVALS: TypeAdapter[Any] = TypeAdapter(dict[str, Interval])
_EPOCH: TypeAdapter[Any] = TypeAdapter(dict[str, float])
_UPDATE: TypeAdapter[Any] = TypeAdapter(Counted)


def read_metrics(paths: RunPaths, *, complete: bool = False) -> dict[str, Any]:
    """The numbers that the stages of a run have written so far, by part; empty before the first.

    Args:
        paths: The paths of the run.
        complete: Whether every part must have all its numbers, as the report needs them, and the file be there if one
            was written.

    Raises:
        InputError: If the file is damaged, or holds values of other kinds than the stages write.
    """
    path, folder = paths.metrics, paths.folder
    remedy = f"write it anew with 'sciwm evaluate {folder}' and 'sciwm control {folder}'"
    if complete or path.exists():  # one that is gone is written anew by the next stage
        require_sealed(paths, path, remedy)
    if not path.exists():
        return {}
    damaged = f"the file is damaged: delete it and {remedy}"
    try:
        metrics = from_json(path.read_bytes())
        if not isinstance(metrics, dict):
            raise ValueError(f"not a mapping but {type(metrics).__name__}")
    except ValueError as error:
        raise InputError([Problem(str(path), "a readable file in JSON", str(error), damaged)]) from error
    migrated = migrated_metrics(metrics)
    raise_if(
        [
            Problem(f"{path}: {place}", "a value as a stage writes it", got, damaged)
            for place, got in _wrong_kinds(migrated, complete)
        ]
    )
    return migrated


def read_history(paths: RunPaths) -> list[dict[str, Any]]:
    """The metrics of every epoch of the training; empty before the first.

    Raises:
        InputError: If the file is damaged, or a line is no epoch.
    """
    path = paths.history
    remedy = f"write it anew with 'sciwm train {paths.folder}'"
    require_sealed(paths, path, remedy)
    if not path.exists():
        return []
    remedy, history, problems = f"the file is damaged: delete it and {remedy}", list[dict[str, Any]](), list[Problem]()
    lines = path.read_bytes().splitlines()
    if not lines:
        raise InputError([Problem(str(path), "a readable file: one line for each epoch", "an empty file", remedy)])
    for number, line in enumerate(lines, 1):
        try:
            epoch = from_json(line)
            history.append(epoch)
            said = epoch_problems(epoch)
        except ValueError as error:
            said = [str(error)]
        problems += [
            Problem(f"{path}: line {number}", "a readable file: the numbers of one epoch", got, remedy) for got in said
        ]
    raise_if(problems)
    return history


def history_text(history: Sequence[dict[str, Any]]) -> bytes:
    """The content of ``metrics.jsonl``: one line for each epoch."""
    return "".join(json.dumps(epoch) + "\n" for epoch in history).encode()


def epoch_problems(epoch: Any) -> list[str]:
    """What is wrong with the metrics of an epoch, in words: it has a phase, an update, and numbers by name."""
    if not isinstance(epoch, dict):
        return [f"not a mapping but {type(epoch).__name__}"]
    absent = [f"no '{key}'" for key in ("phase", "update") if key not in epoch]
    counts = {key: epoch[key] for key in ("phase", "update") if key in epoch}
    rest = {key: value for key, value in epoch.items() if key not in counts}
    found = [
        *_problems(_EPOCH, rest, ""),
        *(p for key, value in counts.items() for p in _problems(_UPDATE, value, key)),
    ]
    return absent + [f"{place}: {got}" for place, got in found]


def _wrong_kinds(metrics: dict[str, Any], complete: bool) -> list[tuple[str, str]]:
    """Places of values of a wrong kind, each with what is wrong."""
    found = []
    for key, value in metrics.items():
        if key in EVALUATION_PARTS:
            found += _problems(_PART, value, key)
        elif key in _KINDS:
            found += _problems(_KINDS[key], value, key, complete=complete)
    control, left_out = metrics.get("control"), metrics.get("left_out")
    if isinstance(control, dict):
        found += _of_first_window(control, complete)
    if isinstance(left_out, dict):
        found += [
            (f"left_out.{part}", "no part of the evaluation")
            for part in left_out
            if part not in (*EVALUATION_PARTS, "control")
        ]
    return found


def _of_first_window(control: dict[str, Any], complete: bool) -> list[tuple[str, str]]:
    """What is wrong with the numbers of control whose keys hold a time, and with the controllers that others name."""
    keys = [key for key in control if key.startswith(FIRST)]
    found = [
        problem
        for key in keys
        for problem in _problems(
            _INTERVALS if key.endswith("_interval") else _BY_CONTROLLER, control[key], f"control.{key}"
        )
    ]
    if found or not complete:
        return found
    means = [key for key in keys if not key.endswith("_interval")]
    if not means:
        return [("control", f"no '{FIRST}...'")]
    others = (f"{means[0]}_interval", "mean_square_final", "mean_square_final_worst", "mean_square_action")
    return [
        (f"control.{key}", f"no '{name}'")
        for key in others
        for name in control[means[0]]
        if not isinstance(control.get(key), dict) or name not in control[key]
    ]


def _problems(kind: TypeAdapter[Any], value: Any, place: str, *, complete: bool = True) -> list[tuple[str, str]]:
    """Places at which a value is of another kind, each with what is there; absent ones only if all must be there."""
    try:
        kind.validate_python(value, strict=True)
    except ValidationError as error:
        return [
            (".".join(map(str, [*([place] if place else []), *one["loc"]])), _in_words(one["msg"], one["input"]))
            for one in error.errors()
            if complete or one["type"] != "missing"
        ]
    return []


def _in_words(message: str, value: Any) -> str:
    wanted = message[:1].lower() + message[1:]
    return f"{json.dumps(value, default=str)[:60]} ({wanted})"
