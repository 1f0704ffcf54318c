"""Registration of every task with Gymnasium; an environment's module is imported when one is made."""

import gymnasium

from simulations.tasks import TASKS


def environment_id(task: str, *, goal: bool = False) -> str:
    """The Gymnasium id of a task.

    Args:
        task: A name in ``simulations.tasks.TASKS``.
        goal: Whether the id is that of the environment with goals, ``"sciwm/...Goal-v0"``.

    Example:
        >>> from simulations import environment_id
        >>> environment_id("kuramoto_sivashinsky", goal=True)
        'sciwm/KuramotoSivashinskyGoal-v0'
    """
    words = [task] if task[0].isupper() else [word.title() for word in task.split("_")]
    return f"sciwm/{''.join(words)}{'Goal' if goal else ''}-v0"


def register_environments() -> None:
    """Register every task with Gymnasium; ids that are registered already stay as they are."""
    for task, entry in TASKS.items():
        if environment_id(task) in gymnasium.registry:
            continue
        gymnasium.register(
            environment_id(task),
            entry_point="simulations.environments.single:SimulationEnvironment",
            vector_entry_point="simulations.environments.vector_env:SimulationVectorEnvironment",
            kwargs={"task": task},
        )
        if entry.target != "none":
            gymnasium.register(
                environment_id(task, goal=True),
                entry_point="simulations.environments.single:GoalEnvironment",
                kwargs={"task": task},
            )
