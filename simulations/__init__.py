"""Forced partial differential equations: batched, differentiable, with exact budgets.

Importing this package makes every task and equation known to Gymnasium, as ``sciwm/...``.
"""

from simulations.actuators import ActionBox, Actuators
from simulations.base import Budget, Simulation, Variable
from simulations.catalogue import BOUNDED, CATALOGUE, PERIODIC, build
from simulations.episode import Episodes, run_episodes
from simulations.grid import BoundedGrid, Grid, PeriodicGrid
from simulations.parameters import Parameter
from simulations.registration import register_environments
from simulations.sensors import Sensors
from simulations.shapes import boundary_values, boxes, gaussian_jets, sine_modes, uniform
from simulations.wrappers import ActuatorLag, RateLimit

register_environments()

__all__ = [
    "BOUNDED",
    "CATALOGUE",
    "PERIODIC",
    "ActionBox",
    "ActuatorLag",
    "Actuators",
    "BoundedGrid",
    "Budget",
    "Episodes",
    "Grid",
    "Parameter",
    "PeriodicGrid",
    "RateLimit",
    "Sensors",
    "Simulation",
    "Variable",
    "boundary_values",
    "boxes",
    "build",
    "gaussian_jets",
    "run_episodes",
    "sine_modes",
    "uniform",
]
