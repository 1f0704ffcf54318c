"""Detects functionals that a flow conserves, whose errors cannot be measured in units of their variation."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from simulations import Simulation

ROUNDING = 1e-5
"""A functional that varies by less than this share of its natural size counts as conserved."""


def vary_by_rounding(simulation: Simulation, fields: Tensor, deviation: ArrayLike) -> NDArray[np.bool_]:
    """Which functionals vary by rounding errors alone, compared with their natural size ``|dQ/du| |u|``.

    Args:
        simulation: Defines the functionals.
        fields: Some states, ``(sample, variable, *space)``.
        deviation: Standard deviation of each functional, or of its changes, ``(functional,)``.
    """
    slopes = simulation.derivatives(fields)
    sizes = fields.flatten(2).square().mean(dim=(0, 2)).sqrt()
    natural = [
        (slopes[n].expand_as(fields).flatten(2).square().mean(dim=(0, 2)).sqrt() * sizes).sum().item()
        for n in simulation.functional_names
    ]
    return np.asarray(deviation) <= ROUNDING * np.array(natural)
