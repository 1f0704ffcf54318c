"""Physics may shape the latent, but not take it over."""

import torch
from torch import Tensor


def backward_balanced(predictive: Tensor, physics: Tensor, encoded: Tensor, leaf: Tensor, *, cap: float) -> float:
    """Gradients of both, with the one of physics bounded where it enters the encoder.

        g = g_predictive + min(1, cap |g_predictive| / |g_physics|) g_physics    at the latents

    Predictor and heads get the whole gradient of both.

    Args:
        predictive: prediction and anti-collapse, a scalar.
        physics: all other terms, a scalar; without a graph if there are none.
        encoded: latents with the encoder's graph.
        leaf: the same latents, what both scalars were computed from.
        cap: largest share of physics; 0 leaves it free.

    Returns:
        the factor that ``g_physics`` was multiplied with.
    """
    torch.autograd.backward(predictive, retain_graph=physics.requires_grad)
    gradient = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
    factor = 1.0
    if physics.requires_grad:
        leaf.grad = None
        physics.backward()
        if leaf.grad is not None:
            share = float(leaf.grad.norm()) / max(cap * float(gradient.norm()), 1e-30)
            factor = 1 / max(1.0, share) if cap else 1.0
            gradient = gradient + factor * leaf.grad
    if encoded.requires_grad:
        encoded.backward(gradient)
    return factor
