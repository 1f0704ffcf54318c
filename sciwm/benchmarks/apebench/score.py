"""The score of APEBench, and what its authors published.

Its normalised error is defined apart from that of :mod:`sciwm.evaluation`, so that numbers are comparable with theirs:
variables have no units, and channels are summed.
"""

from collections.abc import Mapping

from torch import Tensor

from sciwm.errors import InputError, Problem

JUDGED_STEPS = 100

PUBLISHED: Mapping[str, Mapping[str, float]] = {
    "burgers": {"ResNet": 0.0128, "Conv": 0.0265, "Dilated ResNet": 0.0571, "UNet": 0.0649, "FNO": 0.0698},
    "kdv": {"Dilated ResNet": 0.0769, "UNet": 0.0963, "Conv": 0.1225, "FNO": 0.2100},
    "ks_conservative": {"ResNet": 0.2422, "Dilated ResNet": 0.2837, "Conv": 0.3428, "UNet": 0.4113, "FNO": 1.043},
}
"""Geometric mean of the mean nRMSE over 100 steps, median of 50 seeds, networks of about 32 000 parameters
after 10 000 updates of 20 samples (arXiv:2411.00180, results in one dimension)."""


def nrmse(predicted: Tensor, truth: Tensor) -> Tensor:
    """``||v - u|| / ||u||`` over space, summed over channels.

    Args:
        predicted, truth: ``(sample, time, channel, *space)``.

    Returns:
        ``(sample, time)``.
    """
    if predicted.shape != truth.shape:
        raise InputError(
            [Problem("predicted", f"the shape of truth, {tuple(truth.shape)}", f"{tuple(predicted.shape)}")]
        )
    ratio = (predicted - truth).flatten(3).norm(dim=3) / truth.flatten(3).norm(dim=3)
    return ratio.sum(dim=2)


def geometric_mean_nrmse(predicted: Tensor, truth: Tensor, steps: int = JUDGED_STEPS) -> Tensor:
    """The geometric mean over the first ``steps`` of the nRMSE, which is averaged over samples first.

    Args:
        predicted, truth: ``(sample, time, channel, *space)`` with at least so many instants, the first of
            them one step after the start.

    Returns:
        a number, over 100 steps comparable with :data:`PUBLISHED`; not finite if the forecast is not.

    Raises:
        InputError: if the shapes differ or there are too few instants.

    Example:
        >>> import torch
        >>> truth = torch.ones(2, 100, 1, 8)
        >>> round(geometric_mean_nrmse(1.5 * truth, truth).item(), 3)
        0.5
    """
    if truth.shape[1] < steps:
        raise InputError([Problem("truth", f"at least {steps} instants after the start", f"{truth.shape[1]}")])
    by_step = nrmse(predicted[:, :steps], truth[:, :steps]).mean(dim=0)
    return by_step.log().mean().exp()
