"""Physics may shape latent and dynamics, but not take them over."""

from collections.abc import Sequence

import torch
from torch import Tensor


def backward_balanced(
    predictive: Tensor, physics: Tensor, encoded: Tensor, leaf: Tensor, predictor: Sequence[Tensor], *, cap: float
) -> tuple[float, float]:
    """Gradients of both, with the one of physics bounded where it enters the encoder, and in the predictor.

        g = g_predictive + min(1, cap |g_predictive| / |g_physics|) g_physics    at the latents; at the weights

    What else learns, such as the decoder, gets the whole gradient of both.

    Args:
        predictive: prediction, sensitivities and anti-collapse, a scalar.
        physics: all other terms, a scalar; without a graph if there are none.
        encoded: latents with the encoder's graph.
        leaf: the same latents, what both scalars were computed from.
        predictor: its weights.
        cap: largest share of physics; 0 leaves it free.

    Returns:
        the factors that ``g_physics`` was multiplied with, in the encoder and in the predictor.
    """
    places = ([leaf], [weight for weight in predictor if weight.requires_grad])
    torch.autograd.backward(predictive, retain_graph=physics.requires_grad)
    factors = (1.0, 1.0)
    if physics.requires_grad:
        before = [_taken(place) for place in places]
        physics.backward()
        factors = (_add(places[0], before[0], cap), _add(places[1], before[1], cap))
    if encoded.requires_grad:
        encoded.backward(leaf.grad)
    return factors


def _taken(place: Sequence[Tensor]) -> list[Tensor]:
    """The gradients there, which start anew."""
    gradients = [torch.zeros_like(x) if x.grad is None else x.grad for x in place]
    for x in place:
        x.grad = None
    return gradients


def _add(place: Sequence[Tensor], predictive: Sequence[Tensor], cap: float) -> float:
    """Add the bounded gradient of physics, which stands there, to that of prediction."""
    physics = _taken(place)
    share = float(_norm(physics)) / max(cap * float(_norm(predictive)), 1e-30)
    factor = 1 / max(1.0, share) if cap else 1.0
    for x, p, q in zip(place, predictive, physics, strict=True):
        x.grad = p + factor * q
    return factor


def _norm(gradients: Sequence[Tensor]) -> Tensor:
    return torch.stack([g.norm() for g in gradients]).norm() if gradients else torch.zeros(())
