"""A surrogate learned from Datasets in one call."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from sciwm.config import Config, parse_config
from sciwm.data.axes import KEPT, axis_kind, counts_runs, time_of
from sciwm.data.layouts import fields_named
from sciwm.data.source import Given, digest_of_dataset
from sciwm.data.units import without_quantities
from sciwm.errors import InputError, Problem, raise_if
from sciwm.experiment.bring_in import bring_in_datasets
from sciwm.experiment.stages import train as train_stage
from sciwm.surrogate import Surrogate, load

IN_PYTHON = "a Dataset in Python"
"""What stands in the configuration in place of files."""
WITHOUT_VALIDATION = {"validation": 0.15, "test": 0.0}
"""How the training data are split where no validation is given."""


def fit(
    train: xr.Dataset,
    *,
    validation: xr.Dataset | None = None,
    test: xr.Dataset | None = None,
    variables: Sequence[str] | None = None,
    actions: Sequence[str] = (),
    parameters: Sequence[str] = (),
    static: Sequence[str] = (),
    mask: str | None = None,
    ignored: Sequence[str] = (),
    run: str | None = None,
    time: str | None = None,
    space: Sequence[str] | None = None,
    periodic: Sequence[str] = (),
    bounds: Mapping[str, tuple[float, float]] | None = None,
    interval: float | None = None,
    gaps: str = "refuse",
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    seed: int = 0,
    out: str | Path | None = None,
) -> Surrogate:
    """Learn a surrogate from Datasets, as ``sciwm run`` does from files.

    The data are checked, cut into runs, brought into a run folder, and a model is trained on them. Chunked Datasets
    (dask) are read a part at a time. Results of the surrogate have the names, units and coordinates of the data.

    Args:
        train: Fields over time and space, forcings over time, and parameters, in any order of dimensions. Values that
            are missing at the same points always are a mask; runs may end early in missing values. A forcing at a
            time is held until the next one.
        validation: Data of the same kind, which choose the best epoch; by default 15 % of the runs of ``train``, or the
            last 15 % of time where there is one run.
        test: Data that are kept with the run for ``sciwm evaluate``, and not learned from.
        variables: The state; by default all fields over time and space that have no other role.
        actions: What drives the state: over time alone, over time and one other dimension, or over time and space.
        parameters: What is constant in a run and differs between runs.
        static: Fields over space alone, which are kept with the data.
        mask: A variable over space that is not zero where fields exist.
        ignored: Variables that are left out on purpose; any other without a role is refused.
        run: The dimension that tells runs apart; by default one that is named as such (``run``, ``simulation``,
            ``trajectory``, ...).
        time: The dimension of time; by default the one whose attributes, dates or name say so.
        space: One to three dimensions of space; by default all others of the fields.
        periodic: The space dimensions that are periodic, none by default: with walls or open ends nothing wrong is
            learned about a periodic flow, but its model is no longer the same everywhere.
        bounds: The least and the largest value of actions; by default ``valid_min`` and ``valid_max``, or else the
            range of the data.
        interval: The time between two states of the model, in the units of time; by default the most frequent step,
            else a whole multiple of it: one of so many instants is kept, and actions are averaged over the interval
            that follows it.
        gaps: ``"refuse"`` tells of missing instants and uneven steps, ``"cut"`` cuts runs there.
        settings: Keys of the sections ``model``, ``loss`` and ``training`` of a configuration, such as
            ``{"training": {"updates": 2000}}``.
        seed: The seed of the training.
        out: The run folder, in which a training that was stopped goes on, and from which ``sciwm.load`` loads the
            model again; a temporary one by default.

    Returns:
        The surrogate.

    Raises:
        InputError: With everything that is wrong with the data or the settings.

    Example:
        >>> import xarray as xr
        >>> plate = xr.open_dataset("heated_plate.nc")  # doctest: +SKIP
        >>> model = sciwm.fit(plate, actions=["power"], parameters=["ambient"])  # doctest: +SKIP
    """
    given = {"train": train, "validation": validation, "test": test}
    datasets = {name: without_quantities(dataset) for name, dataset in given.items() if dataset is not None}
    raise_if([Problem(n, "a Dataset", type(d).__name__) for n, d in datasets.items() if not isinstance(d, xr.Dataset)])
    first = datasets["train"]
    along = {"run": run or _run_of(first), "time": time or str(time_of(first) or "time")}
    taken = {*actions, *parameters, *static, *ignored, *([] if mask is None else [mask])}
    fields = [n for n in fields_named(first) if n not in taken and along["time"] in first[n].dims]
    over = list(space or _space_of(first, list(variables or fields), [d for d in along.values() if d]))
    source = {
        "files": [IN_PYTHON],
        "variables": list(variables or [n for n in fields if set(over) <= set(map(str, first[n].dims))]),
        "forcings": list(actions),
        "parameters": list(parameters),
        "static": list(static),
        "mask": mask,
        "ignored": list(ignored),
        **along,
        "space": over,
        "periodic": list(periodic),
        "bounds": {name: tuple(map(float, pair)) for name, pair in (bounds or {}).items()},
        "interval": interval,
        "gaps": gaps,
        "split": {"by": "run" if _has_runs(first, along["run"]) else "time", **WITHOUT_VALIDATION},
    }
    config = _config(source, settings or {}, seed)
    only = None if validation is None else "train"
    parts = [Given(_with_runs(d, along["run"]), n, only if n == "train" else n) for n, d in datasets.items()]
    needs = ["train", "validation", *(["test"] if test is not None else [])]
    if out is not None:
        return _fitted(config, Path(out), parts, needs)
    with tempfile.TemporaryDirectory() as folder:
        return _fitted(config, Path(folder), parts, needs)


def _fitted(config: Config, folder: Path, parts: Sequence[Given], needs: Sequence[str]) -> Surrogate:
    digest = " ".join(digest_of_dataset(part.dataset) for part in parts)
    bring_in_datasets(config, folder, parts, digest, needs)
    train_stage(folder)
    return load(folder)


def _config(source: dict[str, Any], settings: Mapping[str, Mapping[str, Any]], seed: int) -> Config:
    allowed = ("model", "loss", "training")
    if unknown := sorted(set(settings) - set(allowed)):
        raise InputError([Problem("settings", f"sections among {', '.join(allowed)}", ", ".join(unknown))])
    sections = {name: dict(section) for name, section in settings.items()}
    return parse_config({"name": "fit", "seed": seed, "source": source, **sections}, where="sciwm.fit")


def _run_of(dataset: xr.Dataset) -> str | None:
    named = [str(d) for d in dataset.dims if counts_runs(d)]
    return next(iter([*named, *(str(d) for d in dataset.dims if str(d).lower() in KEPT)]), None)


def _has_runs(dataset: xr.Dataset, run: str | None) -> bool:
    """Whether there are runs enough to keep some of them apart."""
    return run is not None and dataset.sizes.get(run, 0) > 2


def _space_of(dataset: xr.Dataset, fields: Sequence[str], others: Sequence[str]) -> list[str]:
    """The dimensions of the largest field that are neither time nor runs."""
    largest = max((dataset[n] for n in fields if n in dataset), key=lambda array: array.ndim, default=None)
    if largest is None:
        return [str(d) for d in dataset.dims if axis_kind(dataset, d) in ("X", "Y", "Z")] or ["x"]
    return [str(d) for d in largest.dims if d not in others][:3] or ["x"]


def _with_runs(dataset: xr.Dataset, run: str | None) -> xr.Dataset:
    return dataset if run is None or run in dataset.dims else dataset.expand_dims(run)
