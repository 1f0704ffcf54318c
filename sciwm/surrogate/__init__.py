"""A trained model used like a solver: xarray Datasets in and out."""

from sciwm.surrogate.surrogate import Surrogate, load

__all__ = ["Surrogate", "load"]
