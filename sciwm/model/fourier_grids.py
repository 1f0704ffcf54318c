"""Fourier interpolation of fields of any resolution to fixed grids, and their leading coefficients."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sciwm.model.spaces.fourier import along_axes, basis
from simulations.torch_modes import ordinary


class FourierGrids(nn.Module):
    """Fourier interpolation to fixed grids, as one matrix along each axis; matrices are kept for later calls."""

    def __init__(self) -> None:
        super().__init__()
        self._matrices: dict[tuple[int, int, int, torch.device], Tensor] = {}

    def coefficients(self, fields: Tensor, modes: Sequence[int]) -> Tensor:
        """The coefficients of the first ``modes`` wavenumbers of fields ``(..., *space)``, ``(..., *coefficients)``."""
        axes = zip(fields.shape[-len(modes) :], modes, strict=True)
        return along_axes(fields, [self._matrix(n, k, 0, fields.device) for n, k in axes])

    def resampled(self, fields: Tensor, modes: int, points: Sequence[int]) -> Tensor:
        """The first ``modes`` wavenumbers of fields ``(..., *space)`` on a grid of ``points``, ``(..., *points)``."""
        axes = zip(fields.shape[-len(points) :], points, strict=True)
        return along_axes(fields, [self._matrix(n, min(modes, (n - 1) // 2), m, fields.device) for n, m in axes])

    def _matrix(self, start: int, modes: int, end: int, device: torch.device) -> Tensor:
        """The matrix from ``start`` points to ``modes`` wavenumbers and, unless ``end`` is 0, on to ``end`` points."""
        key = (start, modes, end, device)
        if key not in self._matrices:
            with ordinary():  # the matrices stay, for callers in other modes too
                matrix = basis(modes, start).T / start
                self._matrices[key] = (matrix @ basis(modes, end) if end else matrix).to(device)
        return self._matrices[key]
