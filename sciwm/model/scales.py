"""The scales of a domain as tensors, and what they turn physical values into."""

import dataclasses
from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor, nn

from sciwm.data import Domain, Functional
from simulations.torch_modes import building


def scales_of(domain: Domain) -> dict[str, Tensor]:
    """The scales of fields, functionals, actions and parameters, in double precision, by the names of buffers."""
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
    if domain.action_deviations:
        scales["largest_actions"] = torch.tensor(domain.action_deviations, dtype=torch.float64)
    middle = domain.action_means or (0.0,) * len(box)
    scales["middle_actions"] = torch.tensor(middle, dtype=torch.float64)
    for name in ("mean", "deviation"):
        values = [getattr(p, name) for p in domain.parameters]
        scales[f"parameter_{name}"] = torch.tensor(values, dtype=torch.float64)
    return scales


class ScaledModule(nn.Module, ABC):
    """A module that takes physical values, and works on scaled ones in the precision of its weights.

    Args:
        domain: The scales.
    """

    largest_actions: Tensor
    middle_actions: Tensor
    parameter_mean: Tensor
    parameter_deviation: Tensor
    variable_deviation: Tensor

    def __init__(self, domain: Domain) -> None:
        super().__init__()
        self.domain = domain
        with building(torch.float32):
            for name, values in scales_of(domain).items():
                self.register_buffer(name, values, persistent=False)

    @property
    @abstractmethod
    def weights(self) -> Tensor:
        """Any of the weights, for their precision and device."""

    def normalize(self, fields: Tensor) -> Tensor:
        """Scale physical fields ``(..., variable, *space)`` to zero mean and unit standard deviation.

        What does not vary in the training data becomes zero. The result has the precision of the weights.
        """
        centred = fields - self._of_variables(fields, "mean")
        return (centred / self._of_variables(fields, "divisor")).to(self.weights)

    def scaled(self, action: Tensor) -> Tensor:
        """Scale physical actions by the largest of each actuator, so that no action stays zero.

        Those of the data of others are scaled about their mean by their deviation. The result has the precision of the
        weights.
        """
        centred = action - self.middle_actions.to(action) if self.domain.action_means else action
        return (centred / self.largest_actions.to(action)).to(self.weights)

    def scaled_parameters(self, parameters: Tensor) -> Tensor:
        """Scale physical parameters ``(..., parameter)`` about their mean by their deviation.

        One that does not vary in the training data becomes zero. The result has the precision of the weights.
        """
        deviation = self.parameter_deviation.masked_fill(self.parameter_deviation == 0, torch.inf)
        return ((parameters - self.parameter_mean.to(parameters)) / deviation.to(parameters)).to(self.weights)

    def per_deviation(self, rates: Tensor) -> Tensor:
        """Physical rates ``(..., variable, *space)`` in deviations; zero for what does not vary in the data."""
        return rates / self._of_variables(rates, "divisor")

    def _of_variables(self, like: Tensor, name: str) -> Tensor:
        scale: Tensor = getattr(self, f"variable_{name}")
        return scale.to(like)

    def functional_scale(self, name: str) -> Tensor:
        """A scale of the functionals by name, ``(functional,)``: ``deviation``, ``change_deviation``, ..."""
        scale: Tensor = getattr(self, f"functional_{name}")
        return scale.to(self.weights)
