"""Wavenumbers beyond a latent's, which live within an interval only."""

from torch import Tensor, nn

from sciwm.model.spaces.latent_space import LatentSpace
from sciwm.model.spaces.spectral import SpectralSpace


class SlavedModes(nn.Module):
    """Takes latents to a space of more wavenumbers, where these are none yet, and back.

    Of a dissipative flow the short waves are slaves of the long ones and of the forcing (Foias, Sell &
    Temam 1988, doi:10.1016/0022-0396(88)90110-6). A latent need not hold them, but without them the long
    ones go wrong: so a step lets them grow and act, as nonlinear Galerkin methods do (Marion & Temam
    1989, doi:10.1137/0726063), and then forgets them.

    Args:
        space: of the latents.
        wider: one of more wavenumbers, or the same: then nothing is added.
    """

    def __init__(self, space: LatentSpace, wider: LatentSpace) -> None:
        super().__init__()
        self.space, self.size = space, wider.size
        places = None
        if isinstance(space, SpectralSpace) and isinstance(wider, SpectralSpace) and space != wider:
            places = space.places_in(wider)
        self.register_buffer("places", places, persistent=False)
        self.places: Tensor | None

    def added(self, values: Tensor, fill: float = 0.0) -> Tensor:
        """``(batch, size) -> (batch, size of the wider space)``, the new coordinates filled."""
        if self.places is None:
            return values
        return values.new_full((len(values), self.size), fill).index_copy(1, self.places, values)

    def dropped(self, values: Tensor) -> Tensor:
        """``(batch, size of the wider space) -> (batch, size)``: what was added is forgotten."""
        return values if self.places is None else values[:, self.places]
