"""States from observations: the variational analysis in the latent of a world model."""

from sciwm.assimilation.observations import Observations
from sciwm.assimilation.prior import Prior, climatological_prior
from sciwm.assimilation.variational import Analysis, analyse

__all__ = ["Analysis", "Observations", "Prior", "analyse", "climatological_prior"]
