"""Control tasks by name.

``TASKS`` has T1 to T7, which are published benchmarks or new tasks on chaos and turbulence, and the
regulation of every equation to rest. ``make_task`` makes one. The module of a task is imported when the task
is used.
"""

import difflib
import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from simulations.good_values import GOOD_VALUES
from simulations.tasks.task import Scenario, Task

if TYPE_CHECKING:
    from simulations.tasks.burgers_target import BurgersTarget
    from simulations.tasks.chaos import Chaos
    from simulations.tasks.convection import Convection
    from simulations.tasks.hidden_gain import HiddenGain
    from simulations.tasks.kolmogorov import Kolmogorov
    from simulations.tasks.reaction_to_rest import ReactionDiffusionTask
    from simulations.tasks.regulation import Regulation, regulate
    from simulations.tasks.stabilization import Stabilization
    from simulations.tasks.transport import Transport

__all__ = [
    "TASKS",
    "BurgersTarget",
    "Chaos",
    "Convection",
    "HiddenGain",
    "Kolmogorov",
    "ReactionDiffusionTask",
    "Regulation",
    "Scenario",
    "Stabilization",
    "Task",
    "TaskEntry",
    "Transport",
    "make_task",
    "regulate",
]

_HOMES = {
    "BurgersTarget": "burgers_target",
    "Chaos": "chaos",
    "Convection": "convection",
    "HiddenGain": "hidden_gain",
    "Kolmogorov": "kolmogorov",
    "ReactionDiffusionTask": "reaction_to_rest",
    "Regulation": "regulation",
    "Stabilization": "stabilization",
    "Transport": "transport",
    "regulate": "regulation",
}

if not TYPE_CHECKING:  # importing this package stays fast: it is imported to register the tasks

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'simulations.tasks' has no attribute '{name}'")
        return getattr(importlib.import_module(f"simulations.tasks.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


@dataclass(frozen=True)
class TaskEntry:
    """One task of the table.

    Args:
        factory: The class or function that makes the task, as ``"module:name"``.
        settings: The keyword arguments of the factory.
        target: Whether episodes have no target, the same target, or different ones; a controller needs to
            observe a target that differs.
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
"""The tasks by name."""


def make_task(name: str, settings: Mapping[str, Any] | None = None) -> Task:
    """Make a task of the table.

    Args:
        name: A name in ``TASKS``: ``"T1"`` to ``"T7"``, or an equation, which must be brought to rest.
        settings: Keyword arguments of the task's class or function, in place of those of the table.

    Raises:
        ValueError: If the name is unknown, or a setting does not fit.

    Example:
        >>> from simulations.tasks import make_task
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
    assert isinstance(task, Task)  # noqa: S101 - every factory of the table makes a task
    return task


def _require_known(task: str, known: list[str], settings: Mapping[str, Any] | None) -> None:
    if settings is not None and not isinstance(settings, Mapping):
        raise ValueError(f"{task}: expected settings as a mapping of names to values, got {settings!r}.")
    for name in settings or {}:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            meant = f" Did you mean '{close[0]}'?" if close else ""
            raise ValueError(f"{task}: expected the settings {', '.join(known) or 'none'}, got '{name}'.{meant}")
