"""Forced partial differential equations: batched, differentiable, with exact budgets.

Importing this package makes every task and equation known to Gymnasium, as ``sciwm/...``.
"""

from simulations.actuators import ActionBox, Actuators, boxes, gaussian_jets, sine_modes, uniform
from simulations.catalogue import CATALOGUE, build
from simulations.episode import Episodes, run_episodes
from simulations.grid import BoundedGrid, Grid, PeriodicGrid
from simulations.parameters import Parameter
from simulations.registration import register_environments
from simulations.simulation import Budget, Simulation, Variable

register_environments()

__all__ = [
    "CATALOGUE",
    "ActionBox",
    "Actuators",
    "BoundedGrid",
    "Budget",
    "Episodes",
    "Grid",
    "Parameter",
    "PeriodicGrid",
    "Simulation",
    "Variable",
    "boxes",
    "build",
    "gaussian_jets",
    "run_episodes",
    "sine_modes",
    "uniform",
]
