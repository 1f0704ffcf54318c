"""Control tasks by name; a task's module is imported when it is asked for."""

import difflib
import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from simulations.good_values import GOOD_VALUES
from simulations.tasks.task import Scenario, Task


@dataclass(frozen=True)
class TaskEntry:
    """Where a task is made.

    Args:
        factory: ``"module:function or class"``.
        settings: its keyword arguments.
        target: whether episodes have a target, and whether it differs between them, so that a
            controller has to see it.
    """

    factory: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    target: Literal["none", "same", "differs"] = "none"


_CHAOS = "simulations.tasks.chaos:Chaos"
_KOLMOGOROV = "simulations.tasks.kolmogorov:Kolmogorov"

TASKS: dict[str, TaskEntry] = {
    "T1": TaskEntry("simulations.tasks.burgers_target:BurgersTarget", target="differs"),
    "T2": TaskEntry("simulations.tasks.transport:Transport"),
    "T3": TaskEntry("simulations.tasks.reaction_to_rest:ReactionDiffusionTask"),
    "T4": TaskEntry("simulations.tasks.convection:Convection"),
    "T5a": TaskEntry(_CHAOS, {"goal": "rest"}, target="same"),
    "T5b": TaskEntry(_CHAOS, {"goal": "dissipation"}),
    "T5c": TaskEntry(_CHAOS, {"goal": "E1"}, target="same"),
    "T6a": TaskEntry(_KOLMOGOROV, {"goal": "dissipation"}),
    "T6b": TaskEntry(_KOLMOGOROV, {"goal": "target"}, target="differs"),
    "T6c": TaskEntry(_KOLMOGOROV, {"goal": "mixing"}),
    "T7": TaskEntry("simulations.tasks.hidden_gain:HiddenGain"),
} | {
    name: TaskEntry("simulations.tasks.regulation:regulate", {"equation": name}, target="same")
    for name, good in GOOD_VALUES.items()
    if good.rest is not None
}


def make_task(name: str, settings: Mapping[str, Any] | None = None) -> Task:
    """A task of the table.

    Args:
        name: ``"T1"`` and so on, or an equation of the catalogue, which is to be brought to rest.
        settings: keyword arguments of its factory that replace those of the table.

    Raises:
        ValueError: if the name is unknown, or a setting does not fit.

    Example:
        >>> make_task("kuramoto_sivashinsky", {"intervals": 50}).intervals
        50
    """
    if name not in TASKS:
        raise ValueError(f"Unknown task '{name}'. Known: {', '.join(TASKS)}.")
    entry = TASKS[name]
    module, attribute = entry.factory.split(":")
    factory = getattr(importlib.import_module(module), attribute)
    _require_known(name, list(inspect.signature(factory).parameters), settings)
    task = factory(**{**entry.settings, **(settings or {})})
    assert isinstance(task, Task)  # noqa: S101 - the table names nothing else
    return task


def _require_known(task: str, known: list[str], settings: Mapping[str, Any] | None) -> None:
    if settings is not None and not isinstance(settings, Mapping):
        raise ValueError(f"{task}: expected settings as a mapping of names to values, got {settings!r}.")
    for name in settings or {}:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            meant = f" Did you mean '{close[0]}'?" if close else ""
            raise ValueError(f"{task}: expected the settings {', '.join(known) or 'none'}, got '{name}'.{meant}")


__all__ = ["TASKS", "Scenario", "Task", "TaskEntry", "make_task"]
