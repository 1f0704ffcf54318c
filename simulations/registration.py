"""Names under which Gymnasium knows the tasks; the environments themselves are imported when one is made."""

import gymnasium

from simulations.tasks import TASKS


def environment_id(task: str, *, goal: bool = False) -> str:
    """The name under which Gymnasium knows a task: ``"sciwm/KuramotoSivashinsky-v0"``."""
    words = [task] if task[0].isupper() else [word.title() for word in task.split("_")]
    return f"sciwm/{''.join(words)}{'Goal' if goal else ''}-v0"


def register_environments() -> None:
    """Make every task known to Gymnasium; those that are known already stay as they are."""
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
