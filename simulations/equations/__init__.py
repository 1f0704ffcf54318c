"""The equations, one in a file: terms, functionals, budgets, expected behaviour, good values.

``simulations.build`` makes each of them from plain settings, and ``simulations.GOOD_VALUES`` has good ones.
"""

from simulations.equations.advection_diffusion_reaction import AdvectionDiffusionReaction, AdvectionDiffusionReaction2D
from simulations.equations.allen_cahn import AllenCahn
from simulations.equations.burgers import Burgers
from simulations.equations.burgers_2d import Burgers2D
from simulations.equations.burgers_dirichlet import BurgersDirichlet
from simulations.equations.burgers_hidden_gain import HiddenGainBurgers
from simulations.equations.cahn_hilliard import CahnHilliard
from simulations.equations.gray_scott import GrayScott
from simulations.equations.heat import Heat, Wall
from simulations.equations.korteweg_de_vries import KortewegDeVries
from simulations.equations.kuramoto_sivashinsky import KuramotoSivashinsky
from simulations.equations.navier_stokes import NavierStokes
from simulations.equations.navier_stokes_scalar import NavierStokesScalar
from simulations.equations.reaction_diffusion import ReactionDiffusion
from simulations.equations.shallow_water import ShallowWater
from simulations.equations.swift_hohenberg import SwiftHohenberg
from simulations.equations.transport_recirculation import TransportRecirculation

__all__ = [
    "AdvectionDiffusionReaction",
    "AdvectionDiffusionReaction2D",
    "AllenCahn",
    "Burgers",
    "Burgers2D",
    "BurgersDirichlet",
    "CahnHilliard",
    "GrayScott",
    "Heat",
    "HiddenGainBurgers",
    "KortewegDeVries",
    "KuramotoSivashinsky",
    "NavierStokes",
    "NavierStokesScalar",
    "ReactionDiffusion",
    "ShallowWater",
    "SwiftHohenberg",
    "TransportRecirculation",
    "Wall",
]
