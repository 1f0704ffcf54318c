"""Blocks of latent coordinates that the anti-collapse term decorrelates: all of them, or those of each wavenumber.

Where the data are translation invariant and the encoder commutes with translation, coefficients of different
wavenumbers are uncorrelated. Only those of one wavenumber (all channels, cosine and sine of +-k) can then become
copies of each other.
"""

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor, nn


class Blocks(nn.Module):
    """Blocks of coordinates; blocks of the same size are computed together.

    Args:
        blocks: The indices of the coordinates of each block, ``(block size,)``; None makes one block of all.
    """

    def __init__(self, blocks: Sequence[Tensor] | None) -> None:
        super().__init__()
        self.count = len(blocks) if blocks is not None else 1
        for size, group in groupby(sorted(blocks or (), key=len), key=len):
            self.register_buffer(f"of_size_{size}", torch.stack(list(group)), persistent=False)

    def split(self, latents: Tensor) -> list[Tensor]:
        """Latents ``(N, size)`` as ``(N, blocks, block size)``, one tensor for each block size."""
        return [latents[:, group] for group in self.buffers()] or [latents[:, None]]

    def slices(self, latents: Tensor, directions: int, generator: torch.Generator) -> Tensor:
        """Projections on random unit vectors, each within one block; all blocks have the same number.

        Args:
            latents: ``(N, size)``.
            directions: The number of projections, at least one for each block.
            generator: What draws the vectors.

        Returns:
            ``(N, M)``, where M is ``directions`` rounded up to a multiple of the number of blocks.
        """
        each, projected = -(-directions // self.count), []
        for part in self.split(latents):
            vectors = torch.randn(*part.shape[1:], each, generator=generator).to(latents)
            vectors = vectors / vectors.norm(dim=1, keepdim=True)
            projected.append(torch.einsum("nbi,bim->nbm", part, vectors).flatten(1))
        return torch.cat(projected, dim=1)
