"""Probes, regressions from latents to quantities of the flow: ridge regression and a small network."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sciwm.data import mean_and_deviation

Array = NDArray[np.float64]

PENALTIES = np.logspace(-10, 2, 25)
"""Candidates for the ridge penalty, in units of the variance of a standardised feature."""


Probe = Callable[[Array], Array]
"""Features ``(sample, feature)`` to estimates ``(sample, target)``."""


@dataclass(frozen=True)
class Scales:
    """Mean and deviation of each column; a column that varies by rounding alone has its magnitude as deviation."""

    mean: Array
    deviation: Array

    @classmethod
    def of(cls, values: Array) -> "Scales":
        """From ``(sample, column)``."""
        return cls(*mean_and_deviation(values, axis=0))

    def apply(self, values: Array) -> Array:
        """To zero mean and unit deviation."""
        return (values - self.mean) / self.deviation

    def undo(self, values: Array) -> Array:
        """Inverse of :meth:`apply`."""
        return values * self.deviation + self.mean


def ridge_probe(features: Array, targets: Array, held_out: NDArray[np.bool_]) -> Probe:
    """Ridge regression, with the penalty for each target that has the smallest error on the held-out part.

        min_W |Y - X W|^2 / n + penalty |W|^2        (Hoerl & Kennard 1970, doi:10.1080/00401706.1970.10488634)

    on standardised columns; with the chosen penalty it is fitted again to all samples.

    Args:
        features: Features ``(sample, feature)``.
        targets: Targets ``(sample, target)``.
        held_out: Samples that choose the penalty, ``(sample,)``.
    """
    x_scales, y_scales = Scales.of(features), Scales.of(targets)
    x, y = x_scales.apply(features), y_scales.apply(targets)
    candidates = _ridge_weights(x[~held_out], y[~held_out], PENALTIES[:, None])
    errors = ((x[held_out] @ candidates - y[held_out]) ** 2).mean(axis=1)
    best = PENALTIES[errors.argmin(axis=0)]
    weights = _ridge_weights(x, y, best[None])[0]
    return lambda new: y_scales.undo(x_scales.apply(new) @ weights)


def network_probe(
    features: Array,
    targets: Array,
    held_out: NDArray[np.bool_],
    *,
    width: int = 64,
    updates: int = 1500,
    batch_size: int = 512,
    learning_rate: float = 3e-3,
    seed: int = 0,
) -> Probe:
    """A network of two hidden layers for all targets; keeps the weights with the smallest error on the held-out part.

    Args:
        features, targets, held_out: As for :func:`ridge_probe`.
        width: Number of units of a hidden layer.
        updates: Number of Adam steps; the learning rate falls to zero along a cosine.
        batch_size: Number of samples of an update.
        learning_rate: Rate at the first update.
        seed: Seed of weights and batches.
    """
    x_scales, y_scales = Scales.of(features), Scales.of(targets)
    x, y = (_tensor(s.apply(v)) for s, v in ((x_scales, features), (y_scales, targets)))
    kept = torch.from_numpy(~held_out)
    generator = torch.Generator().manual_seed(seed)
    network = _network(x.shape[1], width, y.shape[1], generator)
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, updates)
    learn_x, learn_y, test_x, test_y = x[kept], y[kept], x[~kept], y[~kept]
    best, best_error = {k: v.clone() for k, v in network.state_dict().items()}, np.inf
    with torch.enable_grad():
        for update in range(updates):
            rows = torch.randint(len(learn_x), (min(batch_size, len(learn_x)),), generator=generator)
            optimizer.zero_grad()
            (network(learn_x[rows]) - learn_y[rows]).square().mean().backward()
            optimizer.step()
            schedule.step()
            if update % 50 == 49 or update == updates - 1:
                error = float((network(test_x) - test_y).detach().square().mean())
                if error < best_error:
                    best, best_error = {k: v.clone() for k, v in network.state_dict().items()}, error
    network.load_state_dict(best)

    def read(new: Array) -> Array:
        with torch.no_grad():
            estimates: Array = network(_tensor(x_scales.apply(new))).numpy().astype(np.float64)
        return y_scales.undo(estimates)

    return read


def _ridge_weights(x: Array, y: Array, penalty: Array) -> Array:
    """``(penalty, feature, target)`` for penalties ``(penalty, target or 1)``, by the eigenvectors of ``X'X / n``."""
    values, vectors = np.linalg.eigh(x.T @ x / len(x))
    projected = vectors.T @ (x.T @ y / len(x))
    shrunk = projected / (np.maximum(values, 0.0)[None, :, None] + penalty[:, None, :])
    return np.asarray(vectors @ shrunk)


def _network(size_in: int, width: int, size_out: int, generator: torch.Generator) -> nn.Module:
    sizes = [(size_in, width), (width, width), (width, size_out)]
    layers = [nn.Linear(a, b) for a, b in sizes]
    with torch.no_grad():
        for layer, (fan_in, _) in zip(layers, sizes, strict=True):
            layer.weight.normal_(0, fan_in**-0.5, generator=generator)
            layer.bias.zero_()
    return nn.Sequential(layers[0], nn.GELU(), layers[1], nn.GELU(), layers[2])


def _tensor(values: Array) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))
