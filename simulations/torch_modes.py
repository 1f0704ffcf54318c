"""The modes of torch that a caller may have switched on around a computation, for something else.

Function transforms (``torch.func.grad``, ``vmap``), inference mode, autocast and the default device all reach into
the code that is called inside them. What depends on them, or must not, asks here.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from threading import RLock
from typing import ParamSpec, TypeVar

import torch

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

AUTOCAST_DEVICES = ("cpu", "cuda")

ONE_AT_A_TIME = RLock()
"""Held while the default precision is another, as it is one for all threads."""


def transformed() -> bool:
    """Whether a function transform is at work, even one that does not see the tensors at hand.

    Within one, torch refuses hooks on saved tensors, and gradients of its own that do not know the transform.
    ``torch.autograd.Function`` asks the same.
    """
    return bool(torch._C._are_functorch_transforms_active())


def exact(verb: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Decorate a verb so that autocast around it does not round its matrix products to half precision.

    Autocast suits the layers of a network. A solver or a budget loses most of its digits by it. Take gradients outside
    of autocast, as torch advises: what it computes backwards within is rounded.
    """
    is_on = torch.is_autocast_enabled

    @wraps(verb)
    def computed(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        if is_on("cpu") or is_on("cuda"):  # written out, as every step of every rollout comes by
            with _no_autocast():
                return verb(*args, **kwargs)
        return verb(*args, **kwargs)

    return computed


@contextmanager
def ordinary() -> Iterator[None]:
    """Compute as if nothing were set around: no inference mode, no autocast, tensors on the CPU unless told otherwise.

    What is made inside may take part in gradients later, and may be kept: a function transform around does not see it,
    so that it is a constant there, and whole when the transform has ended. Where it leaves inference mode, gradients
    are recorded as they are by default.
    """
    with ExitStack() as stack:
        if transformed():
            stack.enter_context(torch._C._DisableFuncTorch())
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        stack.enter_context(_no_autocast())
        yield


@contextmanager
def building(precision: torch.dtype) -> Iterator[None]:
    """:func:`ordinary`, with ``precision`` for tensors that are made without one, whatever torch's default is.

    It is for what is built of layers that know no precision. Arithmetic names its precisions instead, as the default
    is one for all threads.
    """
    with ONE_AT_A_TIME, ordinary():
        before = torch.get_default_dtype()
        torch.set_default_dtype(precision)
        try:
            yield
        finally:
            torch.set_default_dtype(before)


@contextmanager
def _no_autocast() -> Iterator[None]:
    with ExitStack() as stack:
        for device in AUTOCAST_DEVICES:
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        yield
