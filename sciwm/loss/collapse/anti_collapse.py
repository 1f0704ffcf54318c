"""The interface of the anti-collapse terms; the class itself does nothing, as the kind ``none``."""

import torch
from torch import Tensor, nn


class AntiCollapse(nn.Module):
    """What the objective calls of an anti-collapse term. Here every method is that of the kind ``none``.

    A member keeps in ``state_dict`` what must survive between updates. Generators must be in the same state on all
    ranks: directions are then the same everywhere, and masks are those that one process with the whole batch would
    draw.
    """

    def penalties(self, latents: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Weighted penalties by name.

        Args:
            latents: ``(N, size)``, decorrelated samples of one instant (different simulations, never neighbouring
                frames); on each rank its part of the batch, N on all of them.
            generator: What draws random directions.
        """
        return {}

    def with_holes(self, fields: Tensor, generator: torch.Generator) -> Tensor | None:
        """Normalised fields ``(batch, variable, *space)`` with parts hidden, for completion; None if there is none."""
        return None

    def completion(self, encoded: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Weighted errors of completion by name, where there are fields with holes.

        Args:
            encoded: Latents of the fields with holes, ``(batch, size)``.
            targets: Latents of the whole fields, ``(batch, size)``.
        """
        return {}

    def targets(self, fields: Tensor, encoded: Tensor) -> Tensor:
        """The latents that predictions are compared with, ``(batch, size)``.

        Args:
            fields: Whole normalised fields, ``(batch, variable, *space)``.
            encoded: Their latents by the encoder in training, ``(batch, size)``.
        """
        return encoded

    def after_update(self, encoder: nn.Module, progress: float) -> None:
        """Follow the encoder after a step of the optimiser.

        Args:
            encoder: The encoder in training.
            progress: The fraction of the training that is done.
        """
