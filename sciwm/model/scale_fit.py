"""The fit of all fixed scales of a model to training data."""

import torch
from torch import Tensor

from sciwm.model.predictor import ExponentialPredictor
from sciwm.model.principal_modes import weights_of_anomalies
from sciwm.model.readouts import VectorDecoder
from sciwm.model.world_model import WorldModel

NUMBERS_AT_ONCE = 2**23
"""The number of field values that are encoded at once."""


@torch.no_grad()
def fit_scales(
    model: WorldModel, fields: Tensor, shapes: Tensor | None, points: Tensor | None = None, *, overwrite: bool = False
) -> None:
    """Fit the fixed scales, and the coordinates of the actuators' shapes, to training data.

    Args:
        model: The model.
        fields: Physical fields, ``(sample, variable, *space)``.
        shapes: The shapes of the actuators, physical, ``(actuator, variable, *space)``; None if not known.
        points: What each point counts, ``(variable, *space)``, zero where there are no fields; variables then count by
            their anomalies about their mean fields. None where all points and variables count alike.
        overwrite: Whether the fields may be overwritten, which needs less memory.
    """
    normalized = _overwritten(model, fields) if overwrite else model.normalize(fields)
    encoder, decoder = model.encoder, model.decoder
    weights = None if points is None else weights_of_anomalies(normalized, points)
    encoder.fit(normalized, weights)
    decoder.fit(encoder.scale, normalized, weights)
    if isinstance(model.predictor, ExponentialPredictor) and isinstance(decoder, VectorDecoder):
        model.predictor.tendency.see(decoder.seen, decoder.mean)
    several = normalized[:: max(1, len(normalized) // 512)].split(max(1, NUMBERS_AT_ONCE // normalized[0].numel()))
    model.predictor.fit(encoder.scale, torch.cat([encoder(part) for part in several]))
    if shapes is not None and model.shapes is not None:
        in_units = model.per_deviation(shapes) * float(model.time_unit)
        scaled = in_units * model.largest_actions.to(shapes).view(-1, *(1,) * (shapes.ndim - 1))
        model.shapes.copy_(encoder.coordinates_of_shapes(scaled))


def _overwritten(model: WorldModel, fields: Tensor) -> Tensor:
    """The fields, normalised in place."""
    for part in fields.split(max(1, NUMBERS_AT_ONCE // fields[0].numel())):
        part.copy_(model.normalize(part))
    return fields
