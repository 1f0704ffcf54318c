"""Functionals that a flow conserves, whose errors cannot be told in units of how they vary."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from simulations import Simulation

ROUNDING = 1e-5
"""Functionals that vary by less than this share of their natural size are conserved."""


def vary_by_rounding(simulation: Simulation, fields: Tensor, deviation: ArrayLike) -> NDArray[np.bool_]:
    """Which functionals vary by rounding alone, against what the fields' own size makes of them: ``|dQ/du| |u|``.

    Args:
        fields: some states, ``(sample, variable, *space)``.
        deviation: of each functional or of its changes, ``(functional,)``.
    """
    slopes = simulation.derivatives(fields)
    sizes = fields.flatten(2).square().mean(dim=(0, 2)).sqrt()
    natural = [
        (slopes[n].expand_as(fields).flatten(2).square().mean(dim=(0, 2)).sqrt() * sizes).sum().item()
        for n in simulation.functional_names
    ]
    return np.asarray(deviation) <= ROUNDING * np.array(natural)
