"""T3: reaction and diffusion, controlled at one wall."""

from simulations.equations.reaction_diffusion import ReactionDiffusion
from simulations.grid import BoundedGrid
from simulations.shapes import boundary_values
from simulations.tasks.stabilization import Stabilization


class ReactionDiffusionTask(Stabilization):
    """Bhan et al. 2024, arXiv:2405.11401, section on the reaction-diffusion equation.

    1000 decisions of 1e-3, each 100 solver steps of 1e-5, the last one 99; ``|U| <= 20``.
    Published returns: backstepping 299.82 and 298.23 from u = 1 and 10, PPO 294.83 and 283.32, SAC
    236.04 and 232.75; means over 50 random starts 298.98, 293.19, 233.11.

    Example:
        >>> task = ReactionDiffusionTask(start=(1.0, 1.0))
        >>> task.intervals
        1000
    """

    name = "reaction_diffusion"
    summary = "bring u_t = u_xx + lambda(x) u to rest by u(1, t)"
    solver_steps = 99_999

    def build_plant(self) -> ReactionDiffusion:
        """201 points spaced by 0.005."""
        grid = BoundedGrid.nodes(201)
        return ReactionDiffusion(
            grid,
            boundary_values(grid, limit=20.0),
            parameters={"amplitude": 50.0, "gamma": 8.0},
            control_interval=1e-3,
            steps_per_interval=100,
        )
