"""The face for scientists: a trained model used like a solver, Datasets in and Datasets out."""

from sciwm.surrogate.surrogate import Surrogate, load

__all__ = ["Surrogate", "load"]
