"""Checks of the actions that an environment is given, with messages in the user's own shapes and values."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from simulations.tasks.rows import Rows

SHOWN = 60
"""The number of letters of a wrong action that a message shows."""


def given_action(where: str, action: Any, shape: tuple[int, ...], rows: Rows | None = None) -> NDArray[np.float64]:
    """An action as numbers.

    Args:
        where: The task, which begins a message.
        action: An array, a sequence or a tensor.
        shape: The expected shape: ``(actuator,)`` for one environment, ``(num_envs, actuator)`` for several.
        rows: The rows of several environments that are used; others may be nan.

    Raises:
        ValueError: If it is not numbers of this shape, not finite where it is used, or a tensor that requires
            gradients.
    """
    if isinstance(action, torch.Tensor):
        if action.requires_grad:
            raise ValueError(
                f"{where}: expected an action without gradients, as an environment gives none back, got a tensor "
                "that requires them. Use action.detach()."
            )
        action = action.cpu().double().numpy() if not action.is_complex() else action.cpu().numpy()
    plural = "actions" if len(shape) > 1 else "an action"
    try:
        array = np.asarray(action)
        numeric = array.dtype.kind in "biuf"
    except (TypeError, ValueError, RuntimeError):  # such as rows of different lengths
        numeric = False
    if not numeric:
        raise ValueError(f"{where}: expected {plural} of {_numbers(shape)} in [-1, 1], got {_shown(action)}.")
    if array.shape != shape:
        raise ValueError(f"{where}: expected {plural} of shape {shape}, got {array.shape}.{_about(array.shape, shape)}")
    if not np.isfinite(array if rows is None else array[rows]).all():
        raise ValueError(f"{where}: expected finite {plural.split()[-1]}s, got {_shown(array)}. Check the policy.")
    return array.astype(np.float64)


def _numbers(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) + " number" + ("" if shape == (1,) else "s")


def _about(given: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    if given == (1, *wanted):
        return " This is one environment: give action[0]."
    if len(wanted) > 1 and given == wanted[1:]:
        return " Give one row for each environment."
    return " Give one value for each actuator."


def _shown(action: Any) -> str:
    text = " ".join((np.array2string(action) if isinstance(action, np.ndarray) else repr(action)).split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
