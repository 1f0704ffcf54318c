"""Climatology: the forecast of the mean fields, which knows nothing of the start."""

import numpy as np
import torch
from torch import Tensor

from sciwm.data import Trajectories


def mean_fields(data: Trajectories) -> Tensor:
    """The mean of each variable at each point over all instants of usable simulations, ``(variable, *space)``.

    One simulation is in memory at a time. Where fields do not exist it is 0.

    Args:
        data: The training data.
    """
    means = []
    for variable in data.variables:
        array, total, count = data.array(variable.name), 0.0, 0
        for row in data.usable:
            values = np.asarray(array[row, : data.intervals_of(row) + 1], dtype=np.float64)
            total, count = total + values.sum(axis=0), count + len(values)
        means.append(total / count)
    return torch.from_numpy(np.stack(means).astype(np.float32))
