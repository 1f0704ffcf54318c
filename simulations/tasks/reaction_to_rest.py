"""T3: bring an unstable reaction-diffusion equation to rest by an action at one wall."""

from simulations.equations.reaction_diffusion import ReactionDiffusion
from simulations.grid import BoundedGrid
from simulations.shapes import boundary_values
from simulations.tasks.stabilization import Stabilization


class ReactionDiffusionTask(Stabilization):
    """The reaction-diffusion task of the PDE Control Gym (Bhan et al. 2024, arXiv:2405.11401).

    An episode has 1000 control intervals of 1e-3 with 100 solver steps each, the last one with 99; the bound is
    ``|U| <= 20``. Published returns from u = 1 and u = 10: backstepping 299.82 and 298.23, PPO 294.83 and 283.32,
    SAC 236.04 and 232.75. Published means over 50 random starts: 298.98, 293.19 and 233.11.

    Args:
        start: The bounds of the uniform starts, see :class:`~simulations.tasks.stabilization.Stabilization`.

    Example:
        >>> from simulations.tasks import ReactionDiffusionTask
        >>> task = ReactionDiffusionTask(start=(1.0, 1.0))
        >>> task.intervals
        1000
    """

    name = "reaction_diffusion"
    summary = "bring u_t = u_xx + lambda(x) u to rest by u(1, t)"
    solver_steps = 99_999

    def build_plant(self) -> ReactionDiffusion:
        """The simulation on 201 points with a spacing of 0.005."""
        grid = BoundedGrid.nodes(201)
        return ReactionDiffusion(
            grid,
            boundary_values(grid, limit=20.0),
            parameters={"amplitude": 50.0, "gamma": 8.0},
            control_interval=1e-3,
            steps_per_interval=100,
        )
