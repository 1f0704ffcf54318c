"""Fields with boxes hidden from the encoder, for training."""

import torch
from torch import Tensor

from sciwm.loss.ranks import num_ranks, rows_of_this_rank


def hide_boxes(fields: Tensor, fraction: float, boxes: int, generator: torch.Generator) -> Tensor:
    """Replace random boxes of normalised fields by their mean, zero.

    Boxes have the proportions of the domain, wrap around its ends, may overlap, and hide all variables at once. Each
    covers ``1 - (1 - fraction)^(1/boxes)`` of the domain, up to whole points, so that ``fraction`` of it is hidden on
    average.

    Args:
        fields: ``(batch, variable, *space)`` in any number of space dimensions.
        fraction: The hidden fraction, in (0, 1).
        boxes: The number of boxes in each sample.
        generator: What draws their places.
    """
    batch, space = len(fields), fields.shape[2:]
    side = (1 - (1 - fraction) ** (1 / boxes)) ** (1 / len(space))
    corners = torch.rand(num_ranks() * batch, boxes, len(space), generator=generator)[rows_of_this_rank(batch)]
    hidden = torch.ones(batch, boxes, *(1 for _ in space), dtype=torch.bool)
    for axis, points in enumerate(space):
        corner = (corners[:, :, axis, None] * points).long()
        inside = (torch.arange(points) - corner) % points < max(1, round(side * points))
        hidden = hidden & inside.reshape(batch, boxes, *(points if a == axis else 1 for a in range(len(space))))
    return fields.masked_fill(hidden.any(dim=1)[:, None].to(fields.device), 0.0)
