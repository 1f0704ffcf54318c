"""What a training needs of the memory at least, so that too large ones are refused and not killed."""

import math
import os
from collections.abc import Sequence

from sciwm.config import Config
from sciwm.data.domain import Axis
from sciwm.errors import InputError, Problem

BYTES = 4  # of a number in single precision


def least_memory(config: Config, axes: Sequence[Axis]) -> int:
    """Bytes that an update holds at once for the gradients of the operator alone, which encodes or advances fields.

    A layer of it keeps what it is given and what its activation is given, for all instants of a batch of
    windows. Temporary arrays, predictor, heads and data come on top: the whole is at least twice that.

    Args:
        axes: the grid of the data.
    """
    model, loss = config.model, config.loss
    if model.latent == "spectral" and model.encoder.layers < 2:
        return 0  # what is linear answers to an impulse, not to every field
    if model.latent == "spectral":
        points = (4 * model.encoder.modes) ** len(axes)  # of the operator's own grid
    else:
        mirrored = model.latent == "vector"  # at walls
        points = math.prod(axis.num_points * (2 if mirrored and not axis.periodic else 1) for axis in axes)
    steps = loss.horizon if loss.rollout else 1
    instants = config.training.batch_size * (steps if model.latent == "fields" else 1 + steps)
    return BYTES * 2 * model.encoder.layers * model.encoder.width * points * instants


def require_memory(config: Config, axes: Sequence[Axis]) -> None:
    """Refuse a training that cannot fit into the memory of this machine.

    Raises:
        InputError: naming what to lower.
    """
    needed, there = least_memory(config, axes), installed_memory()
    if needed <= there:
        return
    encoder = "model.encoder.modes or width" if config.model.latent == "spectral" else "model.encoder.width"
    expected, got = f"at most the {there / 2**30:.3g} GiB of this machine", f"more than {needed / 2**30:.3g} GiB"
    remedy = f"lower training.batch_size, loss.horizon, {encoder}, or train on a machine with more"
    raise InputError([Problem("memory of the training", expected, got, remedy)])


def installed_memory() -> float:
    """Bytes; infinite where the system does not say."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return math.inf
