"""One equation per file: operators, functionals, budget, good values."""

from simulations.equations.burgers import Burgers
from simulations.equations.kuramoto_sivashinsky import KuramotoSivashinsky

__all__ = ["Burgers", "KuramotoSivashinsky"]
