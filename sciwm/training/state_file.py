"""The files of a train state: ``train_state.json``, and the tensors that it names with their digest.

The tensors are written first, under a name that depends on them; then the JSON takes its place, and with it the new
state. The tensors of the state before stay until then: whoever is stopped in between, also by a loss of power, leaves
one of both states, whole.
"""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from sciwm.errors import InputError, Problem, in_one_line, raise_if
from sciwm.files import write_atomically
from sciwm.metrics import epoch_problems
from sciwm.run_folder import require_same_folder
from sciwm.run_paths import RunPaths
from sciwm.sealed_json import read_sealed, sealed
from sciwm.version import __version__

WHAT = "the state of a training"
REMEDY = "delete it to train from the beginning"
Counted = Annotated[int, Field(ge=0)]


class StoredState(BaseModel):
    """What a train state holds beside its tensors.

    Args:
        format: The version of this layout.
        sciwm: The version that wrote it.
        experiment: The sections of the configuration that weights depend on.
        data: The digest of each set of simulations that was learned from, by its name.
        phase, update: The next update to make.
        history: The metrics of all epochs so far.
        sums: For each term its sum in this epoch and the number of values.
        best_error: The smallest held-out error of this phase; None before the first that is finite.
        tensors: The sha256 of the file of tensors.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    format: Literal[1] = 1
    sciwm: str
    experiment: dict[str, Any]
    data: dict[str, str]
    phase: Counted
    update: Counted
    history: list[dict[str, Any]]
    sums: dict[str, Annotated[list[float], Field(min_length=2, max_length=2)]]
    best_error: FiniteFloat | None
    tensors: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def write_state(paths: RunPaths, content: dict[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Write a state in place of the one before.

    Args:
        paths: The paths of the run.
        content: What :class:`StoredState` holds, without its format, version and tensors.
        tensors: All tensors by name.
    """
    require_same_folder(paths.folder)
    stored = save_tensors({name: _real(values) for name, values in tensors.items()})
    digest = digest_of(stored)
    description = {"format": 1, "sciwm": __version__, **content, "tensors": digest}
    write_atomically(paths.train_tensors(digest), stored, within=paths.folder)
    write_atomically(paths.train_state, sealed(description), within=paths.folder)
    for before in (*paths.all_train_tensors, paths.old_train_state):
        if before != paths.train_tensors(digest):
            before.unlink(missing_ok=True)


def digest_of(stored: bytes) -> str:
    """The digest of a file of tensors, by which the state names it."""
    return hashlib.sha256(stored).hexdigest()


def read_stored_state(paths: RunPaths) -> StoredState | None:
    """What ``train_state.json`` holds; None if there is none. The tensors are not read.

    Raises:
        InputError: If it is damaged, or holds what no training writes.
    """
    if not paths.train_state.exists():
        return None
    return parse_state(read_sealed(paths.train_state, WHAT, REMEDY), str(paths.train_state))


def parse_state(content: Mapping[str, Any], where: str) -> StoredState:
    """Check the content of a state.

    Args:
        content: The plain data of a state.
        where: The file that they come from.

    Raises:
        InputError: With everything that is wrong.
    """
    try:
        state = StoredState.model_validate(content)
    except ValidationError as error:
        raise InputError(
            [
                Problem(
                    f"{where}: {'.'.join(map(str, one['loc']))}",
                    one["msg"][:1].lower() + one["msg"][1:],
                    "nothing" if one["type"] == "missing" else repr(one["input"])[:60],
                    REMEDY,
                )
                for one in error.errors()
            ]
        ) from error
    raise_if(
        [
            Problem(f"{where}: history.{number}", "the numbers of one epoch", problem, REMEDY)
            for number, epoch in enumerate(state.history)
            for problem in epoch_problems(epoch)
        ]
        + [
            Problem(f"{where}: sums.{name}", "a count of at least 1", f"{count:g}", REMEDY)
            for name, (_, count) in state.sums.items()
            if not count >= 1
        ]
    )
    return state


def read_tensors(paths: RunPaths, state: StoredState) -> dict[str, Tensor]:
    """The tensors of a state by name; complex ones with a last axis of two.

    Raises:
        InputError: If the file is missing, or a single bit is another than was written.
    """
    path = paths.train_tensors(state.tensors)
    remedy = f"restore it from a backup, or delete {paths.train_state.name} to train from the beginning"
    if not path.exists():
        raise InputError(
            [Problem(str(path), f"the tensors that {paths.train_state.name} names", "nothing there", remedy)]
        )
    stored = path.read_bytes()
    if digest_of(stored) != state.tensors:
        got = "another content" if stored else "an empty file"
        raise InputError([Problem(str(path), "the tensors that were written, by their sha256", got, remedy)])
    try:
        return dict(load_tensors(stored))
    except (SafetensorError, ValueError, TypeError, KeyError) as error:  # signed by whoever wrote it, but no tensors
        raise InputError([Problem(str(path), "tensors", in_one_line(error), remedy)]) from error


def fitting(tensors: Mapping[str, Tensor], like: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
    """The tensors as a training takes them.

    Args:
        tensors: Tensors by name; complex ones may have a last axis of two in place of that.
        like: A tensor of the same shape and type for each that is needed, by name.
        where: The file that they come from.

    Raises:
        InputError: If one is missing, of another shape or type, or not finite, or if one is unknown.
    """
    problems = [Problem(f"{where}: {name}", "a tensor", "nothing", REMEDY) for name in like.keys() - tensors.keys()]
    problems += [
        Problem(f"{where}: {name}", "a name that this training knows", "another", REMEDY)
        for name in tensors.keys() - like.keys()
    ]
    found = {}
    for name in sorted(like.keys() & tensors.keys()):
        values, wanted = tensors[name], like[name]
        if wanted.is_complex() and values.shape == (*wanted.shape, 2) and values.is_floating_point():
            values = torch.view_as_complex(values)
        if (values.shape, values.dtype) != (wanted.shape, wanted.dtype):
            got = f"{tuple(values.shape)} of {values.dtype}"
            problems.append(Problem(f"{where}: {name}", f"{tuple(wanted.shape)} of {wanted.dtype}", got, REMEDY))
        elif not values.isfinite().all():
            problems.append(Problem(f"{where}: {name}", "finite values", "others", REMEDY))
        found[name] = values
    raise_if(sorted(problems, key=lambda problem: problem.where)[:MOST_TOLD])
    return found


MOST_TOLD = 8
"""How many tensors are told; a state of another model has hundreds that do not fit."""


def _real(values: Tensor) -> Tensor:
    """A tensor of its own, complex numbers with a last axis of two, as the format has none for all readers."""
    return (torch.view_as_real(values) if values.is_complex() else values).detach().contiguous().clone()
