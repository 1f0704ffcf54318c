"""A model before training."""

import math
from dataclasses import replace

import numpy as np
import torch

from sciwm.config import Config
from sciwm.data import Trajectories, fit_domain, point_weights, sample_fields
from sciwm.model import WorldModel, fit_forcing, fit_scales, starts_linear
from sciwm.training.conserved import require_conserved
from sciwm.training.head_fit import fit_heads, transitions
from sciwm.training.linear_start import Chosen, start_linear

MOST_FIELDS, MOST_NUMBERS, MOST_NUMBERS_OF_LARGE = 8192, 2**26, 2**25
"""The number of fields that scales are fitted to, and of the values of large ones; of data not in memory, fewer."""


def build_model(config: Config, training_set: Trajectories) -> WorldModel:
    """A model before training: scales, forcing and heads are fitted to the training data.

    On the data of others its predictor is the best linear step, see ``sciwm.training.linear_start``.

    Raises:
        InputError: If the data do not allow what the configuration asks for.
    """
    return built(config, training_set)[0]


def built(config: Config, training_set: Trajectories) -> tuple[WorldModel, Chosen | None]:
    """The same, and the linear step that its predictor starts as; None where it does not."""
    torch.manual_seed(config.seed)
    domain = fit_domain(training_set)
    if not config.model.has_heads:
        domain = replace(domain, functionals=())
    model = WorldModel(config.model, domain)
    names = [v.name for v in training_set.variables]
    shapes = training_set.forcing_shapes
    if starts_linear(config.model, domain):
        numbers = MOST_NUMBERS if training_set.in_memory else MOST_NUMBERS_OF_LARGE
        most = max(2 * config.model.latent_size, numbers // (len(names) * math.prod(domain.shape)))
        fields = torch.from_numpy(sample_fields([training_set], names, limit=min(MOST_FIELDS, most)))
        fit_scales(model, fields, None, torch.from_numpy(point_weights(training_set)), overwrite=True)
        return model, start_linear(model, training_set)
    fields = torch.from_numpy(sample_fields([training_set], names, limit=MOST_FIELDS))
    fit_scales(model, fields, None if shapes is None else torch.from_numpy(shapes.astype(np.float32)))
    pairs = transitions([training_set], domain, config.seed)
    if shapes is not None:
        require_conserved(config.model.conserved, training_set, shapes, domain)
    else:
        fit_forcing(model, pairs.fields[:, 0], pairs.actions[:, 0], pairs.fields[:, 1], pairs.parameters)
    fit_heads(model, pairs)
    return model, None
