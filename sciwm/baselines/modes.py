"""Proper orthogonal decomposition: the orthonormal modes that hold most of the variance of fields.

    u = mean + deviation sqrt(e) sum_i z_i phi_i,    phi_i . phi_j = delta_ij,    sum_i <z_i^2> = 1

with the mean field, one deviation per variable, and e the mean square of the normalised fields, so that a squared
error of the coefficients z is a share of the variance. Sirovich (1987), doi:10.1090/qam/910462.
"""

import torch
from torch import Tensor, nn

from sciwm.data import ROUNDING
from sciwm.errors import InputError, Problem

MOST_SNAPSHOTS = 4096
MOST_MODES = 512


class Modes(nn.Module):
    """Orthonormal modes of normalised fields, the most energetic first.

    Args:
        mean: ``(variable, *space)``.
        scale: deviation of each variable times the root of e, ``(variable,)``.
        basis: ``(mode, variable, *space)``.
        shares: share of the variance that each mode holds, ``(mode,)``.
    """

    mean: Tensor
    scale: Tensor
    basis: Tensor
    shares: Tensor

    def __init__(self, mean: Tensor, scale: Tensor, basis: Tensor, shares: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        self.register_buffer("basis", basis)
        self.register_buffer("shares", shares)

    def __len__(self) -> int:
        return len(self.basis)

    def normalized(self, fields: Tensor) -> Tensor:
        """Physical fields ``(..., variable, *space)`` as vectors of mean square one, ``(..., point)``."""
        space = self.mean.ndim - 1
        if fields.shape[-space - 1 :] != self.mean.shape:
            remedy = "modes are tied to the grid that they were fitted on"
            raise InputError([Problem("fields", f"(..., {_listed(self.mean)})", f"({_listed(fields)})", remedy)])
        return ((fields - self.mean) / self._scale()).flatten(-space - 1)

    def encode(self, fields: Tensor) -> Tensor:
        """Coefficients ``(..., mode)`` of physical fields ``(..., variable, *space)``."""
        return self.normalized(fields) @ self.basis.flatten(1).T

    def decode(self, coefficients: Tensor) -> Tensor:
        """Physical fields of coefficients ``(..., mode)``."""
        vectors = coefficients @ self.basis.flatten(1)
        return vectors.unflatten(-1, self.mean.shape) * self._scale() + self.mean

    def truncated(self, rank: int | float) -> "Modes":
        """The leading modes.

        Args:
            rank: how many; or, as a fraction below one, the least share of the variance that they hold.

        Raises:
            InputError: if there are fewer modes.
        """
        if isinstance(rank, float) and 0 < rank < 1:
            rank = int((self.shares.cumsum(0) < rank).sum()) + 1
            rank = min(rank, len(self))  # a share that the modes kept do not reach
        if rank != int(rank) or not 1 <= rank <= len(self):
            expected = f"a share of the variance in (0, 1) or a whole number of modes, at most {len(self)}"
            raise InputError([Problem("rank", expected, str(rank), "the data hold no more modes than that")])
        return Modes(self.mean, self.scale, self.basis[: int(rank)], self.shares[: int(rank)])

    def _scale(self) -> Tensor:
        return self.scale.reshape(-1, *(1 for _ in self.mean.shape[1:]))


def fit_modes(fields: Tensor) -> Modes:
    """Fit all modes of the fields, at most 512, to at most 4096 evenly spaced snapshots.

    Args:
        fields: ``(snapshot, variable, *space)``.

    Returns:
        modes in float64.

    Raises:
        InputError: if the fields do not vary.
    """
    fields = fields[:: -(-len(fields) // MOST_SNAPSHOTS)].double()
    mean = fields.mean(dim=0)
    fluctuations = fields - mean
    deviation = fluctuations.transpose(0, 1).flatten(1).square().mean(dim=1).sqrt()
    largest = fields.transpose(0, 1).flatten(1).abs().amax(dim=1)
    varies = deviation > ROUNDING * largest
    if not varies.any():
        raise InputError([Problem("fields", "fields that vary", "the same one at every instant")])
    deviation = torch.where(varies, deviation, torch.where(largest > 0, largest, torch.ones_like(largest)))
    vectors = (fluctuations / deviation.reshape(-1, *(1 for _ in mean.shape[1:]))).flatten(1)
    energy = vectors.square().sum(dim=1).mean()
    vectors = vectors / energy.sqrt()
    basis, shares = _principal(vectors)
    return Modes(mean, deviation * energy.sqrt(), basis.unflatten(1, mean.shape), shares)


def _principal(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Orthonormal rows and their shares of the variance, from the smaller of the two correlation matrices."""
    count, size = vectors.shape
    by_points = size <= count
    shares, columns = torch.linalg.eigh((vectors.T @ vectors if by_points else vectors @ vectors.T) / count)
    kept = (shares > 1e-13 * shares[-1]).flip(0).nonzero().flatten()[:MOST_MODES]
    shares, columns = shares.flip(0)[kept], columns.flip(1)[:, kept]
    if not by_points:  # rounding errors of the product spoil the orthogonality of weak modes
        columns = torch.linalg.qr(vectors.T @ columns).Q
    return columns.T, shares


def _listed(tensor: Tensor) -> str:
    return ", ".join(map(str, tensor.shape))
