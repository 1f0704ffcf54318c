"""The gradient of the physical terms, bounded relative to that of the predictive ones."""

from collections.abc import Sequence

import torch
from torch import Tensor


def backward_balanced(
    predictive: Tensor, physics: Tensor, encoded: Tensor, leaf: Tensor, predictor: Sequence[Tensor], *, cap: float
) -> tuple[float, float]:
    """Compute gradients, with that of the physical terms bounded at the latents and at the predictor's weights:

        g = g_predictive + min(1, cap |g_predictive| / |g_physics|) g_physics

    All other weights, such as the decoder's, get the sum of both gradients.

    Args:
        predictive: Prediction, sensitivities and anti-collapse, a scalar.
        physics: All other terms, a scalar; without a graph if there are none.
        encoded: The latents with the encoder's graph.
        leaf: The same latents as a leaf, from which both scalars were computed.
        predictor: The predictor's weights.
        cap: The largest ratio of the two norms; 0 sets no bound. 0.1 is a good value.

    Returns:
        The factors of ``g_physics`` at the latents and at the predictor.
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
    """The gradients of ``place``, which are reset."""
    gradients = [torch.zeros_like(x) if x.grad is None else x.grad for x in place]
    for x in place:
        x.grad = None
    return gradients


def _add(place: Sequence[Tensor], predictive: Sequence[Tensor], cap: float) -> float:
    """Add the bounded gradient of the physical terms, which ``place`` holds, to that of the predictive ones."""
    physics = _taken(place)
    share = float(_norm(physics)) / max(cap * float(_norm(predictive)), 1e-30)
    factor = 1 / max(1.0, share) if cap else 1.0
    for x, p, q in zip(place, predictive, physics, strict=True):
        x.grad = p + factor * q
    return factor


def _norm(gradients: Sequence[Tensor]) -> Tensor:
    return torch.stack([g.norm() for g in gradients]).norm() if gradients else torch.zeros(())
