"""How far imagined latents are from encoded ones, in units of what persistence would get."""

import torch
from torch import Tensor

from sciwm.loss.ranks import mean_over_ranks


def prediction_errors(imagined: Tensor, encoded: Tensor, metric: Tensor, *, relative_floor: float) -> Tensor:
    """Error of each step of a rollout, one for a predictor that copies the first latent:

        e_h = < w |z^_h - z_h|^2 > / < w |z_0 - z_h|^2 >,    w = 1 / (|z_0|^2 + floor),    |z|^2 = sum_i m_i z_i^2

    The weight makes a given *relative* error cost the same in a quiet state as in a turbulent one,
    down to ``floor`` (in units of the latent's variance). The metric m weighs wavenumbers (see
    ``Encoder.metric``). No gradient flows through w or the
    denominator, or the encoder would learn to be hard to copy.

    Args:
        imagined: ``(batch, H, size)``, the steps 1 to H.
        encoded: ``(batch, H + 1, size)``, the instants 0 to H.
        metric: ``(size,)``, summing to one.
        relative_floor: see above.

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
