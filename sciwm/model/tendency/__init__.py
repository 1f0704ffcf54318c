"""Tendencies: what a latent changes by, apart from the integrator that advances it."""

from sciwm.model.tendency.neural_tendency import NeuralTendency
from sciwm.model.tendency.pointwise_network import PointwiseNetwork
from sciwm.model.tendency.quadratic_tendency import QuadraticTendency
from sciwm.model.tendency.tendency import PreparedTendency, Tendency

__all__ = ["NeuralTendency", "PointwiseNetwork", "PreparedTendency", "QuadraticTendency", "Tendency"]
