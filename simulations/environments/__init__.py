"""Gymnasium environments of the control tasks.

``gymnasium.make("sciwm/T1-v0")`` makes a task of :mod:`simulations.tasks`. ``"sciwm/KuramotoSivashinsky-v0"``
is an equation at its good values that must be brought to rest; ``"sciwm/KuramotoSivashinskyGoal-v0"`` is the
same task with goals, for hindsight replay.
"""

from simulations.environments.single import GoalEnvironment, SimulationEnvironment
from simulations.environments.vector_env import SimulationVectorEnvironment

__all__ = [
    "GoalEnvironment",
    "SimulationEnvironment",
    "SimulationVectorEnvironment",
]
