"""T2: bring transport with recirculation to rest by an action at the inflow."""

from simulations.equations.transport_recirculation import TransportRecirculation
from simulations.grid import BoundedGrid
from simulations.shapes import boundary_values
from simulations.tasks.stabilization import Stabilization


class Transport(Stabilization):
    """The transport task of the PDE Control Gym (Bhan et al. 2024, arXiv:2405.11401).

    An episode has 50 control intervals of 0.1 with 1000 solver steps each; the bound is ``|U| <= 20``. (The
    published code omits the last step, which changes none of the digits below.) Published returns from u = 1 and
    u = 10: backstepping 289.84 and 198.38, PPO 244.47 and 72.51, SAC 217.33 and 146.10. Published means over 50
    random starts: 243.06, 189.98 and 179.90.

    Args:
        start: The bounds of the uniform starts, see :class:`~simulations.tasks.stabilization.Stabilization`.

    Example:
        >>> from simulations.tasks import Transport
        >>> task = Transport(start=(1.0, 1.0))
        >>> task.intervals
        50
    """

    name = "transport"
    summary = "bring u_t = u_x + beta(x) u(0, t) to rest by u(1, t)"
    solver_steps = 50_000

    def build_plant(self) -> TransportRecirculation:
        """The simulation on 100 points with a spacing of 0.01."""
        grid = BoundedGrid.nodes(100, 0.99)
        return TransportRecirculation(
            grid,
            boundary_values(grid, limit=20.0),
            parameters={"amplitude": 5.0, "gamma": 7.35},
            control_interval=0.1,
            steps_per_interval=1000,
        )
