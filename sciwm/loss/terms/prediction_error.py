"""The error of imagined latents, relative to that of persistence."""

import torch
from torch import Tensor

from sciwm.loss.ranks import mean_over_ranks


def prediction_errors(imagined: Tensor, encoded: Tensor, metric: Tensor, *, relative_floor: float) -> Tensor:
    """Error of each step of a rollout, relative to a prediction that repeats the first latent (persistence):

        e_h = < w |z^_h - z_h|^2 > / < w |z_0 - z_h|^2 >,    w = 1 / (|z_0|^2 + floor),    |z|^2 = sum_i m_i z_i^2

    The weight makes a given *relative* error cost the same in a quiet state as in a turbulent one, down to ``floor``
    (in units of the latent's variance). The metric m weighs wavenumbers (see ``Encoder.metric``). No gradient flows
    through w or the denominator; otherwise the encoder would be rewarded for latents that change much.

    Args:
        imagined: Steps 1 to H, ``(batch, H, size)``.
        encoded: Instants 0 to H, ``(batch, H + 1, size)``.
        metric: The weights m, ``(size,)``, summing to one.
        relative_floor: The floor in w. 0.05 is a good value.

    Returns:
        ``(H,)``.
    """
    start, future = encoded[:, :1], encoded[:, 1:]
    with torch.no_grad():
        weight = 1 / (start.square() @ metric + relative_floor)
        of_this_rank = (weight * ((start - future).square() @ metric)).mean(dim=0)
        persistence = mean_over_ranks(of_this_rank).clamp(min=1e-12)
    error = (weight * ((imagined - future).square() @ metric)).mean(dim=0)
    return error / persistence
