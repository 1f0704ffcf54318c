"""A lower bound of the memory that a training needs, to refuse those that would be killed."""

import math
import os
from collections.abc import Sequence

from sciwm.config import Config
from sciwm.data import Axis
from sciwm.errors import InputError, Problem
from sciwm.model import ENCODERS

BYTES = 4  # of a number in single precision


def least_memory(config: Config, axes: Sequence[Axis]) -> int:
    """Bytes that an update holds at once for the gradients of the Fourier neural operator alone.

    Each layer keeps its input and that of its activation, for all instants of a batch of windows. Temporary arrays,
    predictor, heads and data come on top; the whole is at least twice as much.

    Args:
        config: The experiment.
        axes: The grid of the data.
    """
    encoder, sizes, loss = ENCODERS[config.model.latent], config.model.encoder, config.loss
    instants = config.training.batch_size * encoder.operator_instants(loss.horizon if loss.rollout else 1)
    return BYTES * 2 * sizes.layers * sizes.width * encoder.operator_points(sizes, axes) * instants


def require_memory(config: Config, axes: Sequence[Axis]) -> None:
    """Refuse a training that does not fit into the memory of this machine.

    Raises:
        InputError: With the keys to lower.
    """
    needed, there = least_memory(config, axes), installed_memory()
    if needed <= there:
        return
    expected, got = f"at most the {there / 2**30:.3g} GiB of this machine", f"more than {needed / 2**30:.3g} GiB"
    remedy = "lower training.batch_size, loss.horizon, model.encoder.width or modes, or train on a machine with more"
    raise InputError([Problem("memory of the training", expected, got, remedy)])


def installed_memory() -> float:
    """The memory of this machine in bytes; infinite where the system does not report it."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return math.inf
