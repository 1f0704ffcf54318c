"""The fit of all fixed scales of a model to training data."""

import torch
from torch import Tensor

from sciwm.model.predictor import ExponentialPredictor
from sciwm.model.principal_modes import weights_of_anomalies
from sciwm.model.readouts import VectorDecoder
from sciwm.model.world_model import WorldModel


@torch.no_grad()
def fit_scales(model: WorldModel, fields: Tensor, shapes: Tensor | None, points: Tensor | None = None) -> None:
    """Fit the fixed scales, and the coordinates of the actuators' shapes, to training data.

    Args:
        model: The model.
        fields: Physical fields, ``(sample, variable, *space)``.
        shapes: The shapes of the actuators, physical, ``(actuator, variable, *space)``; None if not known.
        points: What each point counts, ``(variable, *space)``, zero where there are no fields; variables then count by
            their anomalies about their mean fields. None where all points and variables count alike.
    """
    normalized, encoder, decoder = model.normalize(fields), model.encoder, model.decoder
    weights = None if points is None else weights_of_anomalies(normalized, points)
    encoder.fit(normalized, weights)
    decoder.fit(encoder.scale, normalized, weights)
    if isinstance(model.predictor, ExponentialPredictor) and isinstance(decoder, VectorDecoder):
        model.predictor.tendency.see(decoder.seen, decoder.mean)
    model.predictor.fit(encoder.scale, encoder(normalized[:: max(1, len(normalized) // 512)]))
    if shapes is not None and model.shapes is not None:
        in_units = model.per_deviation(shapes) * float(model.time_unit)
        scaled = in_units * model.largest_actions.to(shapes).view(-1, *(1,) * (shapes.ndim - 1))
        model.shapes.copy_(encoder.coordinates_of_shapes(scaled))
