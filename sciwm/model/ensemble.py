"""An ensemble of steps around a trained one: what data of other runs would have taught the model."""

import torch
from torch import Tensor, nn

from sciwm.model.world_model import WorldModel


class StepEnsemble(nn.Module):
    """Members whose step differs from the trained one by what is linear in the state and in what acts on it,

        z+ = step(z, a) +- x C_m,    x = [leading principal components of z, scaled actions, scaled parameters, 1].

    Each C_m comes with both signs, so that members lie around the trained model.

    Args:
        pairs: The number of C_m.
        kept: The number of principal components.
        inputs: The number of actions and parameters.
        size: The number of values in a latent.
    """

    def __init__(self, pairs: int, kept: int, inputs: int, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("components", torch.zeros(size, kept))
        self.register_buffer("corrections", torch.zeros(pairs, kept + inputs + 1, size))
        self.mean: Tensor
        self.components: Tensor
        self.corrections: Tensor

    @property
    def members(self) -> int:
        """The number of members."""
        return 2 * len(self.corrections)

    @property
    def signed(self) -> Tensor:
        """The correction of each member, ``(member, feature, size)``; neighbours differ in sign."""
        return torch.stack([self.corrections, -self.corrections], dim=1).flatten(0, 1)

    def features(self, latents: Tensor, inputs: Tensor) -> Tensor:
        """The features x of latents ``(..., size)`` and what acts on them ``(..., inputs)``."""
        along = (latents - self.mean) @ self.components
        return torch.cat([along, inputs, torch.ones_like(along[..., :1])], dim=-1)


def inputs_of(model: WorldModel, state: Tensor, action: Tensor) -> Tensor:
    """What acts on latents: scaled actions, and the scaled parameters that whole states carry."""
    return torch.cat([model.scaled(action), state[..., state.shape[-1] - len(model.domain.parameters) :]], dim=-1)


def rollout_members(model: WorldModel, ensemble: StepEnsemble, state: Tensor, actions: Tensor) -> Tensor:
    """The states of all members that follow ``state`` under ``actions``, moved so that their mean is the forecast.

    What members say is how far forecasts may be off, and not a better forecast: where some of them drift, their own
    mean would.

    Args:
        model: The trained model.
        ensemble: Its members.
        state: The first states, ``(batch, state)``, alike for all members.
        actions: Physical actions, ``(batch, time, actuator)``.

    Returns:
        ``(batch, member, time + 1, state)``, the start included.
    """
    signed = torch.nn.functional.pad(ensemble.signed, (0, 0, 0, 0, 0, 1))  # the last one is the forecast itself
    count, size = len(signed), model.latent_size
    states = [state[:, None].expand(-1, count, -1)]
    with model.assembled():
        for action in actions.unbind(dim=1):
            before = states[-1]
            held = action[:, None].expand(-1, count, -1)
            after = model.advance(before.flatten(0, 1), held.flatten(0, 1)).unflatten(0, before.shape[:2])
            x = ensemble.features(before[..., :size], inputs_of(model, before, held))
            moved = after[..., :size] + torch.einsum("bmf,mfs->bms", x, signed)
            states.append(torch.cat([moved, after[..., size:]], dim=-1))
    together = torch.stack(states, dim=2)
    members, forecast = together[:, :-1], together[:, -1:]
    return forecast + (members - members.mean(dim=1, keepdim=True))
