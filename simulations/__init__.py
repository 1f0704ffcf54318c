"""Forced partial differential equations: batched, differentiable solvers with exact budgets.

:func:`build` makes a simulation from plain settings; :func:`run_episodes` advances it under a policy. The
equations are in :mod:`simulations.equations`, control tasks in :mod:`simulations.tasks`, and their Gymnasium
environments in :mod:`simulations.environments`; importing this package registers these as ``sciwm/...``.
Data sets are written by :mod:`simulations.generate` and :mod:`simulations.sensitivity_data`, which import
zarr and are therefore imported by name.

Example:
    >>> import torch
    >>> from simulations import GOOD_VALUES, build
    >>> chaos = build({"equation": "kuramoto_sivashinsky"} | GOOD_VALUES["kuramoto_sivashinsky"].settings)
    >>> chaos.advance(torch.zeros(3, 1, 64), torch.ones(3, 8)).shape
    torch.Size([3, 1, 64])
"""

from simulations.actuators import ActionBox, Actuators
from simulations.base import Budget, Simulation, Variable
from simulations.catalogue import BOUNDED, CATALOGUE, PERIODIC, build
from simulations.controller import Controller, HeldActionWarning
from simulations.episode import Episodes, Policy, run_episodes
from simulations.equations import Wall
from simulations.explicit import ExplicitSimulation
from simulations.good_values import GOOD_VALUES, GoodValues
from simulations.grid import BoundedGrid, Grid, PeriodicGrid
from simulations.initial import random_field, random_waves
from simulations.linear import LinearSimulation
from simulations.parameters import Parameter, non_negative, positive
from simulations.plant import Plant
from simulations.pseudospectral import SpectralSimulation
from simulations.registration import environment_id, register_environments
from simulations.resampling import resample
from simulations.sensors import Sensors
from simulations.shapes import boundary_values, boxes, gaussian_jets, sine_modes, uniform
from simulations.step_limits import StepLimit
from simulations.tasks import TASKS, Task, make_task
from simulations.wrappers import ActuatorLag, RateLimit

register_environments()

__all__ = [
    "BOUNDED",
    "CATALOGUE",
    "GOOD_VALUES",
    "PERIODIC",
    "TASKS",
    "ActionBox",
    "ActuatorLag",
    "Actuators",
    "BoundedGrid",
    "Budget",
    "Controller",
    "Episodes",
    "ExplicitSimulation",
    "GoodValues",
    "Grid",
    "HeldActionWarning",
    "LinearSimulation",
    "Parameter",
    "PeriodicGrid",
    "Plant",
    "Policy",
    "RateLimit",
    "Sensors",
    "Simulation",
    "SpectralSimulation",
    "StepLimit",
    "Task",
    "Variable",
    "Wall",
    "boundary_values",
    "boxes",
    "build",
    "environment_id",
    "gaussian_jets",
    "make_task",
    "non_negative",
    "positive",
    "random_field",
    "random_waves",
    "resample",
    "run_episodes",
    "sine_modes",
    "uniform",
]
