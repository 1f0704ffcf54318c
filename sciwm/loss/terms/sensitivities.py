"""What the three terms share that are matched to the solver's sensitivities.

A planner follows the gradient of a cost through the model, so sensitivities to actions are what has to be
right. All three terms are one for a model that ignores its actions.
"""

import warnings
from collections.abc import Callable, Collection

import torch
from torch import Tensor

from sciwm.data import Sensitivities
from sciwm.loss.ranks import mean_over_ranks
from sciwm.model import WorldModel


def encode_sensitivities(model: WorldModel, data: Sensitivities, needs: Collection[str]) -> dict[str, Tensor]:
    """What the encoder makes of sensitivities, as far as terms need it: ``base``, ``tangent`` and ``twin``.

    Args:
        needs: of all terms, see ``Term.needs``.

    Returns:
        each ``(sample (H + 1), size)``.
    """

    def encode(fields: Tensor) -> Tensor:
        return model.encoder(model.normalize(fields))

    fields = data.fields.flatten(0, 1)
    if "tangent" in needs and data.tangent is not None:
        base, tangent = derivative_along(encode, fields, data.tangent.flatten(0, 1))
        encoded = {"base": base, "tangent": tangent}
    else:
        encoded = {"base": encode(fields)}
    if "twin" in needs:
        encoded["twin"] = encode(data.twin.flatten(0, 1))
    return encoded


def derivative_along(function: Callable[[Tensor], Tensor], at: Tensor, direction: Tensor) -> tuple[Tensor, Tensor]:
    """``f(x)`` and ``d f(x + eps d) / d eps`` by forward-mode differentiation, both differentiable in reverse."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch warns of its own rules when it first reads them
        both = torch.func.jvp(function, (at,), (direction,))
    return both[0], both[1]


def relative_error(imagined: Tensor, true: Tensor, metric: Tensor) -> Tensor:
    """Over ``(batch, H, size)``: mean over steps of the square error relative to the mean square."""
    with torch.no_grad():
        size = mean_over_ranks((true.square() @ metric).mean(dim=0)).clamp(min=1e-12)
    return (((imagined - true).square() @ metric).mean(dim=0) / size).mean()
