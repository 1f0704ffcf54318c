"""What a store holds and whether it is sound: trajectories or sensitivities."""

from pathlib import Path

import numpy as np
import xarray as xr

from sciwm.data import (
    LOST_REMEDY,
    SensitivitySet,
    Trajectories,
    axis_in_words,
    axis_of,
    check_same_simulation,
    is_sealed,
    open_trajectories,
    read_values,
    require_as_written,
    store_at,
)
from sciwm.data.sensitivity_set import layout_problems, space_dimensions, variables_with_twins
from sciwm.errors import InputError, Problem, counted, raise_if
from sciwm.run_paths import store_beside
from simulations.resumable_store import markers_of
from simulations.store_layout import STATUS_MEANINGS


def check_store(path: Path) -> str:
    """Check a store, and say in one line what it holds.

    Raises:
        InputError: with what is wrong, and in which simulations or samples.
    """
    require_as_written(path)
    dataset = open_trajectories(path)
    return _check_sensitivities(path, dataset) if _holds_sensitivities(dataset) else _check_trajectories(path, dataset)


def describe_store(path: Path) -> str:
    """A small table of what a store holds; fields are not read.

    Raises:
        InputError: if it cannot be read.
    """
    dataset = open_trajectories(path)
    if _holds_sensitivities(dataset):
        kind, rows = "sensitivities", _sensitivity_rows(path, dataset)
    else:
        kind, rows = "trajectories", _trajectory_rows(path, dataset)
    return "\n".join([f"{path}: a store of {kind}", *(f"  {name:<16}{value}" for name, value in rows.items())])


def outcomes_of(path: Path, dataset: xr.Dataset | None = None) -> str:
    """The number of simulations or samples with each status, as ``8 ok, 1 blew_up``.

    Args:
        path: the store.
        dataset: what it holds, if it is open already.
    """
    dataset = open_trajectories(path) if dataset is None else dataset
    if "status" not in dataset:
        raise InputError([Problem(str(path), "the variable 'status'", "none", LOST_REMEDY)])
    status = read_values(dataset["status"], path)
    counts = {meaning: int(np.sum(status == code)) for code, meaning in enumerate(STATUS_MEANINGS)}
    return ", ".join(f"{count} {meaning}" for meaning, count in counts.items() if count)


def _holds_sensitivities(dataset: xr.Dataset) -> bool:
    return "sample" in dataset.dims and "simulation" not in dataset.dims


def _check_trajectories(path: Path, dataset: xr.Dataset) -> str:
    data = Trajectories(path)
    for variable in data.variables:
        data.array(variable.name)
    return f"{path}: a store of trajectories, {outcomes_of(path, dataset)}, {_verified(path, dataset)}"


def _check_sensitivities(path: Path, dataset: xr.Dataset) -> str:
    """They must fit the training set beside them. Another solver writes no markers, and perhaps no status."""
    names = _variables_of_sensitivities(path, dataset)
    sensitivities = SensitivitySet(path, names)
    training_set = store_beside(path, "train")
    if training_set.exists():
        check_same_simulation(sensitivities, Trajectories(training_set))
    verified = _verified(path, dataset) if "status" in dataset else "unverified: without a status"
    return (
        f"{path}: a store of sensitivities, {counted(len(sensitivities.usable), 'sample')} that may be used, {verified}"
    )


def _verified(path: Path, dataset: xr.Dataset) -> str:
    """Whether everything is unchanged, by the markers and the seal that were written with it."""
    status = read_values(dataset["status"], path)
    unmarked = [i for i in store_at(path).missing() if status[i] != 0]
    if unmarked:
        return f"{len(unmarked)} of them unverified: without markers in {markers_of(path).name}"
    if not is_sealed(path):
        return "as they were written; coordinates, bounds and attributes unverified: written before these were sealed"
    return "as they were written"


def _trajectory_rows(path: Path, dataset: xr.Dataset) -> dict[str, str]:
    data = Trajectories(path)
    box = data.actuators
    about = {} if data.roles is None else _brought_in_rows(data)
    return {
        "simulations": outcomes_of(path, dataset),
        "variables": ", ".join(f"{v.name} ({v.long_name}) [{v.units}]" for v in data.variables),
        "grid": "; ".join(map(axis_in_words, data.axes)),
        "time": f"{counted(data.intervals, 'interval')} of {data.control_interval:g}",
        "actuators": f"{len(box)}: {', '.join(box.names)}",
        "functionals": ", ".join(data.functional_names) or "none",
        **about,
    }


def _brought_in_rows(data: Trajectories) -> dict[str, str]:
    """What else there is to tell of data from files."""
    roles, lengths = data.roles, [data.intervals_of(row) for row in data.usable]
    if roles is None:
        return {}
    names = [f"{p['name']} ({p['long_name']}) [{p['units']}]" for p in roles.parameters]
    uneven = f"runs of {min(lengths)} to {max(lengths)} intervals" if len(set(lengths)) > 1 else ""
    masked = "" if data.valid is None else f"fields exist at {data.valid.mean():.1%} of the points"
    rows = {
        "parameters": ", ".join(names) or "none",
        "bounds": ", ".join(f"{name} from {words}" for name, words in roles.bounds.items()),
        "lengths": uneven,
        "mask": masked,
    }
    return {name: text for name, text in rows.items() if text}


def _sensitivity_rows(path: Path, dataset: xr.Dataset) -> dict[str, str]:
    names = _variables_of_sensitivities(path, dataset)
    about = {n: dataset[n].attrs for n in names}
    described = (f"{n} ({a.get('long_name', n)}) [{a.get('units', '1')}]" for n, a in about.items())
    held = {"twins": names[0], "tangents": f"{names[0]}_tangent", "adjoint gradients": "action_gradient"}
    time, actuators = dataset["time"].values, str(dataset["actuator"].attrs.get("names", ""))
    return {
        "samples": outcomes_of(path, dataset) if "status" in dataset else f"{dataset.sizes['sample']}",
        "variables": ", ".join(described),
        "kinds": ", ".join(kind for kind, name in held.items() if name in dataset),
        "grid": "; ".join(_axis(dataset, d) for d in space_dimensions(dataset[names[0]])),
        "time": f"{counted(len(time) - 1, 'interval')} of {time[1] - time[0]:g}",
        "actuators": f"{dataset.sizes['actuator']}" + (f": {', '.join(actuators.split())}" if actuators else ""),
    }


def _variables_of_sensitivities(path: Path, dataset: xr.Dataset) -> list[str]:
    """The names of the variables, once the layout has been checked."""
    names = variables_with_twins(dataset)
    problems = layout_problems(dataset, names, str(path))
    raise_if(problems)
    return names


def _axis(dataset: xr.Dataset, dimension: str) -> str:
    """One axis in words; a file of another solver need not hold its coordinates."""
    if dimension in dataset.coords:
        return axis_in_words(axis_of(dataset[dimension]))
    return f"{dimension}: {dataset.sizes[dimension]} points"
