"""Tendencies: what a latent changes by, apart from the integrator that advances it."""

from sciwm.model.tendency.quadratic_tendency import QuadraticTendency
from sciwm.model.tendency.tendency import PreparedTendency, Tendency

__all__ = ["PreparedTendency", "QuadraticTendency", "Tendency"]
