"""Forced partial differential equations: batched, differentiable, with exact budgets."""

from simulations.actuators import ActionBox, Actuators, gaussian_jets
from simulations.catalogue import CATALOGUE, build
from simulations.episode import Episodes, run_episodes
from simulations.grid import PeriodicGrid
from simulations.simulation import Budget, Simulation, Variable

__all__ = [
    "CATALOGUE",
    "ActionBox",
    "Actuators",
    "Budget",
    "Episodes",
    "PeriodicGrid",
    "Simulation",
    "Variable",
    "build",
    "gaussian_jets",
    "run_episodes",
]
