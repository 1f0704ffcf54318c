"""A network that acts at points of space, on coordinates that stand for whole fields."""

from collections.abc import Callable
from functools import partial
from itertools import cycle, islice

import numpy as np
import scipy.linalg
import torch
from torch import Tensor, nn

from sciwm.model.spaces.dense import LatentMap

VALUES_PER_COORDINATE = 4
"""The number of values at collocation points for each coordinate: at fewer tendencies are known too poorly."""

MOST_CANDIDATES = 2**13
"""The number of points of the grid, evenly spaced, from which collocation points are chosen."""


class PointwiseNetwork(nn.Module):
    """``q(z, a) = P net(v_1(z), .., v_V(z), a)`` with the values v of all fields at a few points x_p.

    The same small network acts at every point, as local terms of an equation do (reactions, friction, saturation). P
    brings its values back to the coordinates by least squares, as in gappy and discrete empirical interpolation
    (Everson & Sirovich 1995, doi:10.1364/JOSAA.12.001657; Chaturantabut & Sorensen 2010, doi:10.1137/090766498); the
    points are those of pivoted QR (Drmac & Gugercin 2016, doi:10.1137/15M1019271). Its values start at zero.

    Args:
        variables: The number of fields V.
        inputs: The number of actions and parameters.
        size: The number of coordinates.
        points: The number of points of the grid.
        width: The number of units in each of two hidden layers.
    """

    def __init__(self, variables: int, inputs: int, size: int, points: int, width: int) -> None:
        super().__init__()
        self.count = min(points, -(-VALUES_PER_COORDINATE * size // variables))
        self.variables, self.width = variables, width
        self.of_fields = nn.Linear(variables, width)
        self.of_inputs = nn.Parameter(torch.zeros(inputs, width))
        self.hidden = nn.Linear(width, width)
        self.last = nn.Parameter(torch.zeros(width, variables))
        self.register_buffer("values", torch.zeros(size, self.count * variables))
        self.register_buffer("offset", torch.zeros(self.count * variables))
        self.register_buffer("back", torch.zeros(self.count * variables, size))
        self.values: Tensor
        self.offset: Tensor
        self.back: Tensor

    @property
    def numbers_per_row(self) -> int:
        """The number of intermediate values of one row."""
        return 2 * self.count * self.width

    @torch.no_grad()
    def see(self, fields: Tensor, mean: Tensor) -> None:
        """Choose the points.

        Args:
            fields: What one unit of each coordinate adds to the normalised fields, ``(size, V, *space)``; points at
                which it is nothing, as behind a mask, are not chosen.
            mean: The fields at zero, ``(V, *space)``.
        """
        by_point = fields.flatten(2).transpose(1, 2)
        places = _telling_points(by_point, self.count)
        values = by_point[:, places].flatten(1).double()
        self.values.copy_(values)
        self.offset.copy_(mean.flatten(1).T[places].flatten())
        self.back.copy_(torch.linalg.pinv(values))

    def held(self, action: Tensor) -> Callable[[Tensor], Tensor]:
        """``q(., a)`` for a held scaled action ``(batch, inputs)``."""
        first = (self.of_fields.bias + action @ self.of_inputs)[:, None]
        return partial(self._acted, first)

    def _acted(self, first: Tensor, z: Tensor) -> Tensor:
        at_points = torch.addmm(self.offset, z, self.values).unflatten(1, (self.count, self.variables))
        hidden = torch.tanh(at_points @ self.of_fields.weight.T + first)
        rates = torch.tanh(self.hidden(hidden)) @ self.last
        return rates.flatten(1) @ self.back

    def combined(self, others: LatentMap, action: Tensor) -> LatentMap:
        """The sum with other tendencies of the same held action."""
        return partial(_sum, others, self.held(action))


def _sum(one: LatentMap, other: LatentMap, z: Tensor) -> Tensor:
    return one(z) + other(z)


def _telling_points(by_point: Tensor, count: int) -> Tensor:
    """The points whose values tell most on all coordinates, ``(count,)``: the pivots of QR, then those of the rest.

    Args:
        by_point: ``(size, point, variable)``.
        count: How many; some come twice where there are fewer that tell anything.
    """
    left = by_point.square().sum(dim=(0, 2)).nonzero().flatten()
    left = left[:: -(-len(left) // max(MOST_CANDIDATES, count))]
    values = by_point[:, left].double()
    alike = values / values.flatten(1).norm(dim=1).clamp(min=1e-30)[:, None, None]  # else large coordinates take all
    columns, chosen, rest = alike.transpose(1, 2).flatten(0, 1).numpy(), list[int](), np.arange(len(left))
    while len(chosen) < count and len(rest):
        pivots = scipy.linalg.qr(columns[:, rest], mode="r", pivoting=True)[1]
        rank = min(*columns[:, rest].shape, count - len(chosen))
        chosen += rest[pivots[:rank]].tolist()
        rest = np.sort(rest[pivots[rank:]])
    return left[list(islice(cycle(chosen), count))]
