"""One equation per file: operators, functionals, budget, good values."""

from simulations.equations.advection_diffusion_reaction import AdvectionDiffusionReaction, AdvectionDiffusionReaction2D
from simulations.equations.allen_cahn import AllenCahn
from simulations.equations.burgers import Burgers
from simulations.equations.burgers_2d import Burgers2D
from simulations.equations.cahn_hilliard import CahnHilliard
from simulations.equations.gray_scott import GrayScott
from simulations.equations.korteweg_de_vries import KortewegDeVries
from simulations.equations.kuramoto_sivashinsky import KuramotoSivashinsky
from simulations.equations.navier_stokes import NavierStokes, NavierStokesScalar
from simulations.equations.shallow_water import ShallowWater
from simulations.equations.swift_hohenberg import SwiftHohenberg

__all__ = [
    "AdvectionDiffusionReaction",
    "AdvectionDiffusionReaction2D",
    "AllenCahn",
    "Burgers",
    "Burgers2D",
    "CahnHilliard",
    "GrayScott",
    "KortewegDeVries",
    "KuramotoSivashinsky",
    "NavierStokes",
    "NavierStokesScalar",
    "ShallowWater",
    "SwiftHohenberg",
]
