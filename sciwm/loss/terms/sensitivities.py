"""What the three terms share that are matched to the solver's sensitivities: twins, tangents and adjoints.

A planner follows the gradient of a cost through the model, so that sensitivities to actions decide its plans. Each
of the three terms is one for a model that ignores its actions.
"""

import warnings
from collections.abc import Callable, Collection

import torch
from torch import Tensor

from sciwm.data import Sensitivities
from sciwm.loss.ranks import mean_over_ranks
from sciwm.model import WorldModel


def encode_sensitivities(model: WorldModel, data: Sensitivities, needs: Collection[str]) -> dict[str, Tensor]:
    """Encode sensitivities, as far as terms need them: ``base``, ``tangent`` and ``twin``.

    Args:
        model: The model in training.
        data: Samples of sensitivities.
        needs: The kinds that all terms together need, see ``Term.needs``.

    Returns:
        Latents by name, each ``(sample (H + 1), size)``.
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
    """``f(x)`` and ``d f(x + eps d) / d eps`` by forward-mode differentiation; reverse mode goes through both."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch warns of its own rules when it first reads them
        both = torch.func.jvp(function, (at,), (direction,))
    return both[0], both[1]


def relative_error(imagined: Tensor, true: Tensor, metric: Tensor) -> Tensor:
    """Mean over steps of the square error relative to the mean square, of ``(batch, H, size)``."""
    with torch.no_grad():
        size = mean_over_ranks((true.square() @ metric).mean(dim=0)).clamp(min=1e-12)
    return (((imagined - true).square() @ metric).mean(dim=0) / size).mean()
