"""Tangents: the derivative of a rollout along a direction of actions is matched to the solver's."""

from torch import Tensor

from sciwm.data import Sensitivities
from sciwm.dynamics import rollout
from sciwm.loss.terms.sensitivities import derivative_along, relative_error
from sciwm.loss.terms.term import Term, TermInputs
from sciwm.model import WorldModel


def tangent_error(model: WorldModel, latents: Tensor, tangents: Tensor, data: Sensitivities, metric: Tensor) -> Tensor:
    """Relative error of the tangents of a rollout, against the solver's tangents, encoded:

        dz^_h / d eps  against  dE(u_h) [du_h / d eps],    actions a + eps d

    Args:
        model: The model in training.
        latents: Latents of the true fields, ``(batch, H + 1, size)``.
        tangents: Tangents of these latents, ``(batch, H + 1, size)``; zero at the start.
        data: Actions and directions.
        metric: The weights of the coordinates, ``(size,)``.
    """
    actions, directions = data.actions, physical_directions(model, data)

    def imagine(actions: Tensor) -> Tensor:
        return rollout(model, latents[:, 0], actions)

    return relative_error(derivative_along(imagine, actions, directions)[1], tangents[:, 1:], metric)


def physical_directions(model: WorldModel, data: Sensitivities) -> Tensor:
    """The directions of the tangents in physical units, ``(batch, H, actuator)``; stored ones are normalised."""
    if data.directions is None:
        raise ValueError("Expected sensitivities with tangents, got none; store the tangents and their direction.")
    box = model.actuators
    return data.directions * data.directions.new_tensor((box.high - box.low) / 2)


class Tangents(Term):
    """:func:`tangent_error` of simulations with tangents."""

    name = "tangents"
    group = "predictive"
    needs = frozenset({"tangent"})
    ramps = True

    def forward(self, inputs: TermInputs) -> Tensor | None:
        """The error of the imagined tangents; None without tangents."""
        data, encoded = inputs.sensitivities, inputs.encoded
        if data is None or "tangent" not in encoded:
            return None
        return tangent_error(inputs.model, encoded["base"], encoded["tangent"], data, inputs.metric)
