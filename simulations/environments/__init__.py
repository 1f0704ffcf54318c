"""Tasks and equations behind Gymnasium.

``"sciwm/T1-v0"`` is a task of the table, ``"sciwm/KuramotoSivashinsky-v0"`` an equation at its good
values that is to be brought to rest; ``"sciwm/KuramotoSivashinskyGoal-v0"`` shows state and goal apart.
"""

from simulations.environments.single import GoalEnvironment, SimulationEnvironment
from simulations.environments.vector_env import SimulationVectorEnvironment

__all__ = [
    "GoalEnvironment",
    "SimulationEnvironment",
    "SimulationVectorEnvironment",
]
