"""Wavenumbers beyond a latent's, which live within an interval only."""

from torch import Tensor, nn

from sciwm.model.spaces.latent_space import LatentSpace


class Widening(nn.Module):
    """Takes latents to a space of more wavenumbers, where the new coordinates are filled, and back.

    In a dissipative flow the short waves are slaves of the long ones and of the forcing (Foias, Sell &
    Temam 1988, doi:10.1016/0022-0396(88)90110-6). A latent need not hold them, but without them the long
    ones go wrong. So a step lets them grow and act, as nonlinear Galerkin methods do (Marion & Temam
    1989, doi:10.1137/0726063), and then forgets them.

    Args:
        space: of the latents.
        wider: one of more wavenumbers, or the same: then nothing is added.
    """

    def __init__(self, space: LatentSpace, wider: LatentSpace) -> None:
        super().__init__()
        self.space, self.size = space, wider.size
        places = space.places_in(wider) if wider.size != space.size else None
        self.register_buffer("places", places, persistent=False)
        self.places: Tensor | None

    def widened(self, values: Tensor, fill: float = 0.0) -> Tensor:
        """``(batch, size) -> (batch, size of the wider space)``, the new coordinates filled."""
        if self.places is None:
            return values
        return values.new_full((len(values), self.size), fill).index_copy(1, self.places, values)

    def narrowed(self, values: Tensor) -> Tensor:
        """``(batch, size of the wider space) -> (batch, size)``: what was added is forgotten."""
        return values if self.places is None else values[:, self.places]
