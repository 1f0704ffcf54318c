"""The start of a forcing whose shapes are not known, from the training data."""

import torch
from torch import Tensor

from sciwm.model.least_squares import least_squares
from sciwm.model.world_model import WorldModel
from simulations.closeness import constant


@torch.no_grad()
def fit_forcing(model: WorldModel, before: Tensor, action: Tensor, after: Tensor, parameters: Tensor) -> None:
    """Where shapes are not known, start the forcing G from the least-squares fit

        z+ - z = a G + z A + c    over transitions of the data.

    Args:
        model: The model, its encoder fitted.
        before, after: Physical fields one interval apart, ``(sample, variable, *space)``.
        action: Physical actions, ``(sample, actuator)``; parameters of the run act like these.
        parameters: Physical parameters, ``(sample, parameter)``.
    """
    if model.shapes is not None:
        return
    z, change = model.latent(model.encode(before)), model.latent(model.encode(after))
    change, scaled = change - z, torch.cat([model.scaled(action), model.scaled_parameters(parameters)], dim=1)
    still = torch.from_numpy(constant(scaled.cpu().numpy(), axis=0)).to(scaled.device)
    scaled = scaled.masked_fill(still, 0.0)  # what it adds cannot be told from what is always added
    known = z if z.shape[1] < len(z) // 4 else z[:, :0]  # regressors, only with enough samples to fit them
    fitted = least_squares(torch.cat([scaled, known, torch.ones_like(scaled[:, :1])], dim=1), change)
    model.predictor.set_forcing(fitted[: scaled.shape[1]].masked_fill(still[:, None], 0.0).to(z))
