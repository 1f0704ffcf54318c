"""What the points of a grid count: the areas of their cells, and nothing where fields do not exist."""

from functools import reduce

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.data.axes import geographic_kind
from sciwm.data.coordinates import position_of
from sciwm.data.domain import Axis
from sciwm.data.schema import Trajectories


def point_weights(data: Trajectories) -> NDArray[np.float32]:
    """What each point of each variable counts, ``(variable, *space)``, of mean one where fields exist."""
    areas = reduce(np.multiply.outer, [cell_sizes(axis) for axis in data.axes])
    shape = (len(data.variables), *areas.shape)
    weights = np.broadcast_to(areas, shape) if data.valid is None else areas * data.valid
    there = weights[weights > 0]
    return (weights / (there.mean() if there.size else 1.0)).astype(np.float32)


def cell_sizes(axis: Axis) -> NDArray[np.float64]:
    """The extent of the cell about each point, up to a factor: between the middles, and for latitudes of the sphere."""
    points = axis.coordinates
    if len(points) == 1:
        return np.ones(1)
    middles = (points[1:] + points[:-1]) / 2
    edges = np.concatenate([[2 * points[0] - middles[0]], middles, [2 * points[-1] - middles[-1]]])
    if geographic_kind(xr.Dataset(coords={axis.name: position_of(axis)}), axis.name) == "latitude":
        edges = np.sin(np.deg2rad(edges.clip(-90, 90)))
    return np.diff(edges)
