"""Spaces in which latents live, and the linear and quadratic maps that each allows."""

from sciwm.model.spaces.latent_space import LatentSpace
from sciwm.model.spaces.spectral import SpectralLinear, SpectralProduct, SpectralSpace, translate
from sciwm.model.spaces.vector import VectorSpace
from sciwm.model.spaces.widened import Widening

__all__ = [
    "LatentSpace",
    "SpectralLinear",
    "SpectralProduct",
    "SpectralSpace",
    "VectorSpace",
    "Widening",
    "translate",
]
