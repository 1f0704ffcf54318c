"""Applies functions of batches of tensors to arrays whose dimensions have names."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from sciwm.errors import InputError, Problem, counted
from sciwm.surrogate.metadata import kept
from simulations.torch_modes import ordinary

Array = NDArray[np.float32]


def map_blocks(
    function: Callable[..., tuple[Array, ...]],
    arrays: Sequence[xr.DataArray],
    reads: Sequence[Sequence[str]],
    gives: Sequence[Sequence[str]],
    sizes: dict[str, int],
) -> tuple[xr.DataArray, ...]:
    """Apply a function of float32 arrays along some dimensions, for all entries of the others; lazily if chunked.

    Args:
        function: Takes one array per entry of ``arrays`` and returns one per entry of ``gives``.
        reads: For each array the dimensions that the function needs whole; it sees them last.
        gives: The last dimensions of each result, which the function adds.
        sizes: Sizes of all dimensions in ``gives``.

    Returns:
        Results without attributes, with the coordinates of all dimensions but those in ``reads``.
    """

    def without_gradients(*blocks: Array) -> Any:
        with ordinary(), torch.no_grad():  # results depend on the blocks alone
            results = function(*blocks)
        return results if len(gives) > 1 else results[0]

    plain = [(kept(array), dims) for array, dims in zip(arrays, reads, strict=True)]
    whole = [a if a.chunks is None else a.chunk(dict.fromkeys(dims, -1)) for a, dims in plain]
    meta = tuple(np.empty(0, np.float32) for _ in gives)  # in the byte order of this machine, whatever comes in
    results = xr.apply_ufunc(
        without_gradients,
        *whole,
        input_core_dims=reads,
        output_core_dims=gives,
        exclude_dims={d for dims in reads for d in dims},
        dask="parallelized",
        dask_gufunc_kwargs={"output_sizes": sizes, "meta": meta},
        join="exact",
        keep_attrs="override",  # those of coordinates, as the variables have none
    )
    return results if len(gives) > 1 else (results,)


def fields_to_batch(fields: Sequence[Array], dimensions: int, remedy: str) -> tuple[Tensor, tuple[int, ...]]:
    """Variables ``(..., *space)`` to a tensor ``(batch, variable, *space)`` and the shape of what was before space.

    Raises:
        InputError: If values are not finite, with ``remedy``; of chunked data this is the first look at them.
    """
    together = np.stack(np.broadcast_arrays(*fields), axis=-1 - dimensions)
    bad = together.size - int(np.isfinite(together).sum())
    if bad:
        got = f"{counted(bad, 'that is not', 'that are not')} in a chunk"
        raise InputError([Problem("fields", "finite values", got, remedy)])
    leading = together.shape[: -1 - dimensions]
    return to_batch(together, leading, 1 + dimensions), leading


def from_batch(values: Tensor, leading: tuple[int, ...]) -> Array:
    """``(batch, core)`` to ``(..., core)``, with ``leading`` the shape of what precedes the core."""
    return values.reshape((*leading, *values.shape[1:])).numpy()


def to_batch(array: Array, leading: tuple[int, ...], core: int) -> Tensor:
    """``(..., core)``, broadcast to ``leading``, as ``(batch, core)``; a copy, since blocks of dask are read-only."""
    shape = array.shape[array.ndim - core :]
    together = np.broadcast_to(array, (*leading, *shape)).reshape(-1, *shape)
    with np.errstate(over="ignore"):  # too large for float32 becomes infinite, and is reported later
        return torch.from_numpy(together.astype(np.float32))
