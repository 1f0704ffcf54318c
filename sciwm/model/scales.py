"""The scales of a domain as tensors."""

import dataclasses

import numpy as np
import torch
from torch import Tensor

from sciwm.data import Domain, Functional


def scales_of(domain: Domain) -> dict[str, Tensor]:
    """The scales of fields, functionals and actions, in double precision, by the names of buffers."""
    space = (1,) * len(domain.axes)
    scales = {
        f"variable_{name}": torch.tensor([getattr(v, name) for v in domain.variables], dtype=torch.float64)
        for name in ("mean", "deviation")
    }
    scales = {name: values.view(-1, *space) for name, values in scales.items()}
    deviation = scales["variable_deviation"]
    scales["variable_divisor"] = deviation.masked_fill(deviation == 0, torch.inf)
    for part in dataclasses.fields(Functional):
        if part.name != "name":
            values = [getattr(f, part.name) for f in domain.functionals]
            scales[f"functional_{part.name}"] = torch.tensor(values, dtype=torch.float64)
    box = domain.actuators
    scales["largest_actions"] = torch.from_numpy(np.maximum(np.abs(box.low), np.abs(box.high)))
    return scales
