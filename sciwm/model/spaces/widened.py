"""Slaved modes: wavenumbers beyond a latent's, which exist only within a step."""

from torch import Tensor, nn

from sciwm.model.spaces.latent_space import LatentSpace


class Widening(nn.Module):
    """Maps latents to a space with more wavenumbers, whose new coordinates are filled, and back.

    In a dissipative flow the long waves and the forcing determine ("slave") the short ones (Foias, Sell & Temam
    1988, doi:10.1016/0022-0396(88)90110-6). A latent need not hold the short waves, but without them the long ones
    are advanced wrongly. So a step starts them at zero, lets them grow and act, as nonlinear Galerkin methods do
    (Marion & Temam 1989, doi:10.1137/0726063), and drops them at its end.

    Args:
        space: The space of the latents.
        wider: A space with more wavenumbers, or the same one: then nothing is added.
    """

    def __init__(self, space: LatentSpace, wider: LatentSpace) -> None:
        super().__init__()
        self.space, self.size = space, wider.size
        places = space.places_in(wider) if wider.size != space.size else None
        self.register_buffer("places", places, persistent=False)
        self.places: Tensor | None

    def widened(self, values: Tensor, fill: float = 0.0) -> Tensor:
        """Add coordinates of value ``fill``, ``(batch, size) -> (batch, size of the wider space)``."""
        if self.places is None:
            return values
        return values.new_full((len(values), self.size), fill).index_copy(1, self.places, values)

    def narrowed(self, values: Tensor) -> Tensor:
        """Drop the added coordinates, ``(batch, size of the wider space) -> (batch, size)``."""
        return values if self.places is None else values[:, self.places]
