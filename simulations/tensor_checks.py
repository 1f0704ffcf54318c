"""Checks of the tensors that a simulation is given: type, shape, precision, device, finite values."""

from collections.abc import Sequence

import torch
from torch import Tensor

PRECISIONS = (torch.float32, torch.float64)


def require_tensor(
    where: str, name: str, value: Tensor, shape: Sequence[int | None], batch_of_parameters: int | None
) -> None:
    """Refuse what is not a batch of real numbers of the expected shape.

    Args:
        where: The equation, which begins the message.
        name: The argument, as ``"fields"``.
        value: What was given.
        shape: The expected shape; None in the first place takes a batch of any size.
        batch_of_parameters: The size of the batch for which the parameters are given, None for any; a
            misfit is told in the message.

    Raises:
        ValueError: If it is no tensor, or its shape or precision does not fit.
    """
    if not isinstance(value, Tensor):
        raise ValueError(
            f"{where}: expected {name} as a torch tensor, got {type(value).__name__}. Use torch.as_tensor({name})."
        )
    batch, given = shape[0], tuple(value.shape)
    if len(given) != len(shape) or given[1:] != tuple(shape[1:]) or given[0] == 0 or batch not in (None, given[0]):
        wanted = tuple("batch" if size is None else size for size in shape)
        raise ValueError(
            f"{where}: expected {name} of shape {wanted}, got {given}.{_about_batch(given, batch_of_parameters)}"
        )
    if value.dtype not in PRECISIONS:
        raise ValueError(
            f"{where}: expected {name} of float32 or float64, got {value.dtype}. Use {name}.to(torch.float64)."
        )


def require_finite(where: str, name: str, value: Tensor) -> None:
    """Refuse values ``(batch, ...)`` that are nan or infinite, and say in which elements of the batch."""
    finite = torch.isfinite(value).flatten(1).all(dim=1)
    if not finite.all():
        rows = torch.nonzero(~finite).flatten().tolist()
        few = ", ".join(map(str, rows[:5])) + (f" and {len(rows) - 5} more" if len(rows) > 5 else "")
        raise ValueError(
            f"{where}: expected finite {name}, got nan or infinity in element {few} of the batch. "
            "Drop these elements, or look for the step at which they blew up."
        )


def require_alike(where: str, state: Tensor, action: Tensor) -> None:
    """Refuse an action whose precision or device differs from those of the state."""
    if action.dtype != state.dtype or action.device != state.device:
        raise ValueError(
            f"{where}: expected action of {state.dtype} on {state.device} like the state, "
            f"got {action.dtype} on {action.device}. Use action.to(state)."
        )


def _about_batch(given: Sequence[int], batch: int | None) -> str:
    if given and given[0] == 0:
        return " A batch has at least one element."
    if batch is not None and given and given[0] != batch:
        return f" The parameters are given for a batch of {batch}; change them by with_parameters."
    return ""
