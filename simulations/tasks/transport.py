"""T2: transport with recirculation, controlled where the flow enters."""

from simulations.equations.transport_recirculation import TransportRecirculation
from simulations.grid import BoundedGrid
from simulations.shapes import boundary_values
from simulations.tasks.stabilization import Stabilization


class Transport(Stabilization):
    """Bhan et al. 2024, arXiv:2405.11401, section on the transport equation.

    50 decisions of 0.1, each 1000 solver steps of 1e-4; ``|U| <= 20``. (The published code
    leaves out the very last step, which changes none of the digits below.)
    Published returns: backstepping 289.84 and 198.38 from u = 1 and 10, PPO 244.47 and 72.51, SAC
    217.33 and 146.10; means over 50 random starts 243.06, 189.98, 179.90.

    Example:
        >>> task = Transport(start=(1.0, 1.0))
        >>> task.intervals
        50
    """

    name = "transport"
    summary = "bring u_t = u_x + beta(x) u(0, t) to rest by u(1, t)"
    solver_steps = 50_000

    def build_plant(self) -> TransportRecirculation:
        """100 points spaced by 0.01."""
        grid = BoundedGrid.nodes(100, 0.99)
        return TransportRecirculation(
            grid,
            boundary_values(grid, limit=20.0),
            parameters={"amplitude": 5.0, "gamma": 7.35},
            control_interval=0.1,
            steps_per_interval=1000,
        )
