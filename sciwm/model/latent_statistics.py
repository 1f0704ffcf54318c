"""What the training data say about latents: where they lie, how they vary, and what decoding leaves out."""

import torch
from torch import Tensor, nn

LARGEST_LATENT = 1024
"""The most numbers of a latent whose covariance is kept: more would take longer than a training, and more disk."""

SMALLEST_SHARE = 1e-6
"""The variance, as a share of the largest, below which a direction of the latent counts as rounding."""

INSIDE = 0.99
"""The share of the training data that counts as inside of them."""

BEGINNINGS = 0.1
"""What beginnings of runs count among all instants, where they are unlike these."""


class LatentStatistics(nn.Module):
    """The mean and the covariance of a latent over its training data, and the variance that its decoder leaves out.

    They are the prior of an analysis, what it adds to the errors of observations, and tell how far a state is from the
    data.

    Args:
        size: The number of values in a latent.
        shape: The shape of the decoded fields, ``(variable, *space)``.
    """

    def __init__(self, size: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        for name, values in {
            "mean": torch.zeros(size),
            "covariance": torch.eye(size),
            "residual": torch.zeros(shape),
            "reach": torch.ones(()),
            "valid": torch.ones(shape, dtype=torch.bool),
        }.items():
            self.register_buffer(name, values)
        self.mean: Tensor
        self.covariance: Tensor
        self.residual: Tensor
        self.reach: Tensor
        self.valid: Tensor

    @torch.no_grad()
    def fit(
        self,
        latents: Tensor,
        residual: Tensor,
        valid: Tensor | None = None,
        begun: tuple[Tensor, Tensor] | None = None,
    ) -> None:
        """Measure them.

        Runs may begin in states that are rare later, as at rest or cold: where these lie beyond the data, everything is
        that of a mixture in which they count a tenth, however short beginnings are. Else whoever observes the beginning
        of a run is told that it cannot be one.

        Args:
            latents: Latents of the training data, ``(sample, size)``.
            residual: The mean square of what decoding leaves out of normalised fields, ``(variable, *space)``, best
                from other data than the latent was fitted to.
            valid: Where fields exist, ``(variable, *space)``; everywhere by default.
            begun: Latents ``(run, size)`` at the first instants of runs, and what decoding leaves out there, as
                ``residual``.
        """
        exact = latents.double()
        mean = exact.mean(dim=0)
        centred = exact - mean
        covariance = centred.T @ centred / max(len(centred) - 1, 1)
        self._hold(mean, covariance, latents)
        if begun is not None and bool(self.departure(begun[0]).median() > 1):
            away = begun[0].double() - mean
            middle = away.mean(dim=0)
            mixed = (1 - BEGINNINGS) * covariance + BEGINNINGS * away.T @ away / len(away)
            shift = BEGINNINGS * middle
            self._hold(mean + shift, mixed - shift[:, None] * shift, latents)
            residual = (1 - BEGINNINGS) * residual + BEGINNINGS * begun[1]
        self.residual.copy_(residual)
        if valid is not None:
            self.valid.copy_(valid)

    def _hold(self, mean: Tensor, covariance: Tensor, latents: Tensor) -> None:
        floor = SMALLEST_SHARE * covariance.diagonal().max().clamp(min=torch.finfo(torch.float32).tiny)
        self.mean.copy_(mean)
        self.covariance.copy_(covariance + floor * torch.eye(len(covariance), dtype=covariance.dtype))
        self.reach.fill_(1.0)
        self.reach.copy_(self.departure(latents).quantile(INSIDE))

    def departure(self, latents: Tensor) -> Tensor:
        """How far latents ``(..., size)`` are from the training data, ``(...)``: 1 where 1 % of these are farther.

        It is the distance of Mahalanobis (1936), differentiable away from the mean.
        """
        root = torch.linalg.cholesky(self.covariance.double()).to(latents)
        away = torch.linalg.solve_triangular(root, (latents - self.mean.to(latents)).flatten(0, -2).T, upper=False)
        squares = away.square().mean(dim=0).unflatten(0, latents.shape[:-1]) if latents.ndim > 1 else away
        return (squares + torch.finfo(squares.dtype).tiny).sqrt() / self.reach.to(latents)
