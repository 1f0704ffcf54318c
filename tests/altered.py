"""What is wrong in a known way: a simulation under other actions, read out enlarged; heads that read nothing."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from sciwm.model.readouts import BudgetHeads
from simulations import Simulation, build


class Altered:
    """A simulation that feels ``gain`` times the actions and shows ``loudness`` times the fields."""

    def __init__(self, simulation: Simulation, *, gain: float = 1.0, loudness: float = 1.0) -> None:
        self.simulation = simulation
        self.actuators = simulation.actuators
        self.control_interval = simulation.control_interval
        self.gain = gain
        self.loudness = loudness

    def encode(self, fields: Tensor) -> Tensor:
        """The fields."""
        return self.simulation.encode(fields)

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        """One interval; without any gain no gradient reaches the actions either."""
        felt = self.gain * action if self.gain else action.new_zeros(action.shape)
        return self.simulation.advance(state, felt)

    def readout(self, state: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """Everything of the enlarged fields."""
        return self.simulation.readout(self.loudness * state, names)


def diffusion(*, diffusivity: float = 0.1, dimensions: int = 1) -> Simulation:
    """``u_t = D lap u + a(t)`` on ``[0, 2 pi)``: linear, and exact in time."""
    kind = "advection_diffusion_reaction" + ("_2d" if dimensions == 2 else "")
    stream = {"velocity": 0.0} if dimensions == 1 else {"velocity_x": 0.0, "velocity_y": 0.0}
    return build(
        {
            "equation": kind,
            "dimensions": dimensions,
            "num_points": 16,
            "domain_extent": 2 * np.pi,
            "control_interval": 0.5,
            "steps_per_interval": 2,
            "parameters": {**stream, "diffusivity": diffusivity, "growth": 0.0, "saturation": 0.0},
            "uniform": {"limit": 2.0, "acts_on": "u"},
            "jets": {"count": 2, "width": 1.0, "limit": 2.0},
        }
    )


def cleared(heads: BudgetHeads) -> BudgetHeads:
    """The same heads, reading zero from anything; features as they are, so that weights can be set by hand."""
    for readout in (heads.values, heads.sources, heads.outputs):
        readout.inverse_deviation.fill_(1.0)
        for values in (readout.mean, readout.weight, readout.bias):
            values.zero_()
    return heads
