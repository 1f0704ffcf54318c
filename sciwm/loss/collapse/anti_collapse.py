"""The interface of the anti-collapse family; by itself it does nothing."""

import torch
from torch import Tensor, nn


class AntiCollapse(nn.Module):
    """What an objective asks of a member; every answer here is that of ``none``.

    What must survive between updates, if anything, is in ``state_dict``. Generators must be in the
    same state on all ranks: directions are then the same everywhere, and masks are those that one
    process with the whole batch would draw.
    """

    def penalties(self, latents: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Weighted terms of the loss by name.

        Args:
            latents: ``(N, size)``, decorrelated samples of one instant (different simulations, never
                neighbouring frames); on each rank its part of the batch, all of the same N.
            generator: what random directions are drawn from.
        """
        return {}

    def with_holes(self, fields: Tensor, generator: torch.Generator) -> Tensor | None:
        """What the encoder has to complete: normalised fields ``(batch, variable, *space)``, parts of them hidden."""
        return None

    def completion(self, encoded: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Weighted terms of the loss by name, where there are fields with holes.

        Args:
            encoded: latents ``(batch, size)`` of fields with holes.
            targets: of the same fields, whole.
        """
        return {}

    def targets(self, fields: Tensor, encoded: Tensor) -> Tensor:
        """What predictions are compared with, ``(batch, size)``.

        Args:
            fields: normalised and whole, ``(batch, variable, *space)``.
            encoded: their latents ``(batch, size)`` by the encoder in training.
        """
        return encoded

    def after_update(self, encoder: nn.Module, progress: float) -> None:
        """To be called after each step of the optimiser, with the share of the training done."""
