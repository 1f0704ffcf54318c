"""Latent coordinates that must be kept apart: all of them, or those of each wavenumber alone.

Where the data are translation invariant, coefficients of different wavenumbers are uncorrelated
whatever the encoder that commutes with translation; only those of one wavenumber (all channels,
cosine and sine of +-k) can collapse onto each other.
"""

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor, nn


class Blocks(nn.Module):
    """Blocks of coordinates, those of one size stacked so that they are computed at once.

    Args:
        blocks: index tensors ``(block size,)``; None takes all coordinates as one block.
    """

    def __init__(self, blocks: Sequence[Tensor] | None) -> None:
        super().__init__()
        self.count = len(blocks) if blocks is not None else 1
        for size, group in groupby(sorted(blocks or (), key=len), key=len):
            self.register_buffer(f"of_size_{size}", torch.stack(list(group)), persistent=False)

    def split(self, latents: Tensor) -> list[Tensor]:
        """``(N, size)`` to ``(N, blocks, block size)``, once for each block size."""
        return [latents[:, group] for group in self.buffers()] or [latents[:, None]]

    def slices(self, latents: Tensor, directions: int, generator: torch.Generator) -> Tensor:
        """Projections on random unit vectors, each inside one block; every block has the same number.

        Args:
            latents: ``(N, size)``.
            directions: how many in all, at least one a block.

        Returns:
            ``(N, M)``, with M the directions rounded up to a multiple of the blocks.
        """
        each, projected = -(-directions // self.count), []
        for part in self.split(latents):
            vectors = torch.randn(*part.shape[1:], each, generator=generator).to(latents)
            vectors = vectors / vectors.norm(dim=1, keepdim=True)
            projected.append(torch.einsum("nbi,bim->nbm", part, vectors).flatten(1))
        return torch.cat(projected, dim=1)
