"""The anti-collapse term that the settings ask for."""

from collections.abc import Sequence

from torch import Tensor

from sciwm.config import CollapseSettings
from sciwm.errors import InputError, Problem
from sciwm.loss.collapse.anti_collapse import AntiCollapse
from sciwm.loss.collapse.blocks import Blocks
from sciwm.loss.collapse.ema_target import EMATarget
from sciwm.loss.collapse.sigreg import SIGReg
from sciwm.loss.collapse.vicreg import VICReg
from sciwm.loss.collapse.visreg import VISReg
from sciwm.model import Encoder


def build_collapse(
    settings: CollapseSettings, encoder: Encoder | None = None, blocks: Sequence[Tensor] | None = None
) -> AntiCollapse:
    """Build the anti-collapse term of the settings.

    Args:
        settings: Kind and weights.
        encoder: The encoder, from normalised fields to latents; ``ema_target`` copies it.
        blocks: For a spectral latent the indices of the coordinates that belong to each wavenumber (all channels,
            cosine and sine of +-k); None for a vector latent.

    Raises:
        InputError: If the settings need blocks or an encoder that are not given.
    """
    if settings.within_wavenumbers and not blocks:
        got, remedy = "a latent without wavenumbers", "set it to false, or take a spectral latent"
        raise InputError([Problem("loss.collapse.within_wavenumbers", "a spectral latent", got, remedy)])
    inside = Blocks(blocks if settings.within_wavenumbers else None)
    match settings.kind:
        case "vicreg":
            return VICReg(settings.weight, settings.covariance, settings.deviation, inside)
        case "sigreg":
            return SIGReg(settings.weight, settings.directions, inside)
        case "visreg":
            return VISReg(settings.weight, settings.directions, inside)
        case "ema_target":
            if encoder is None:
                raise InputError([Problem("loss.collapse.kind", "an encoder to copy for ema_target", "none")])
            return EMATarget(
                encoder,
                settings.momentum,
                settings.final_momentum,
                settings.weight,
                settings.mask_fraction,
                settings.mask_boxes,
            )
        case "none":
            return AntiCollapse()
