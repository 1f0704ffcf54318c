"""Files in exactly the layouts of The Well and PDEBench, with values that were drawn; see ``foreign_data.py``."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def write_well(path: Path, trajectories: int = 2) -> dict[str, Array]:
    """A file of The Well with every kind of field; returns what it holds by name."""
    rng, (steps, nx, ny) = np.random.default_rng(0), (6, 8, 5)
    shape = (trajectories, steps, nx, ny)
    held = {
        "density": rng.normal(size=shape).astype("f4"),
        "speed": rng.normal(size=(trajectories, nx, ny)).astype("f4"),
        "profile": rng.normal(size=nx).astype("f4"),
        "velocity": rng.normal(size=(*shape, 2)).astype("f4"),
        "stress": rng.normal(size=(*shape, 2, 2)).astype("f4"),
        "action": rng.normal(size=(trajectories, steps)).astype("f4"),
    }
    with h5py.File(path, "w") as file:
        file.attrs.update({"dataset_name": "made_up", "grid_type": "cartesian", "n_spatial_dims": 2})
        file.attrs.update({"n_trajectories": trajectories, "simulation_parameters": ["tcool"], "tcool": 0.25})
        dimensions = file.create_group("dimensions")
        dimensions.attrs["spatial_dims"] = ["x", "y"]
        for name, values in (("time", np.arange(steps) * 0.1), ("x", np.arange(nx) / nx), ("y", np.linspace(0, 1, ny))):
            axis = dimensions.create_dataset(name, data=values.astype("f4"))
            axis.attrs.update({"sample_varying": False} | ({"time_varying": False} if name != "time" else {}))
        ends = file.create_group("boundary_conditions")
        for name, kind, size in (("x", "PERIODIC", nx), ("y", "WALL", ny)):
            end = ends.create_group(f"{name}_{kind.lower()}")
            end.attrs.update({"associated_dims": [name], "associated_fields": [], "bc_type": kind})
            end.attrs.update({"sample_varying": False, "time_varying": False})
            end.create_dataset("mask", data=np.isin(np.arange(size), [0, size - 1]))
        _group(file, "scalars", {"tcool": np.array([0.25], "f4"), "action": held["action"]}, {"action": (True, True)})
        varying = {"density": (True, True), "speed": (True, False), "profile": (False, False)}
        _group(file, "t0_fields", {n: held[n] for n in varying}, varying)
        file["t0_fields/profile"].attrs["dim_varying"] = [True, False]
        for name, group in (("velocity", "t1_fields"), ("stress", "t2_fields")):
            _group(file, group, {name: held[name]}, {name: (True, True)})
        file["t2_fields/stress"].attrs.update({"symmetric": False, "antisymmetric": False})
    return held


def _group(file: Any, name: str, held: dict[str, Array], varying: dict[str, tuple[bool, bool]]) -> None:
    group = file.create_group(name)
    group.attrs["field_names"] = list(held)
    for own, values in held.items():
        by_sample, by_time = varying.get(own, (False, False))
        made = group.create_dataset(own, data=values)
        made.attrs.update({"sample_varying": by_sample, "time_varying": by_time})
        if name != "scalars":
            made.attrs["dim_varying"] = [True, True]


def write_pdebench_scalar(path: Path) -> Array:
    """A file of a scalar equation in one dimension, as 1D_Burgers_Sols_Nu0.01.hdf5."""
    tensor = np.random.default_rng(1).normal(size=(3, 6, 16)).astype("f4")
    with h5py.File(path, "w") as file:
        file["tensor"], file["x-coordinate"] = tensor, (np.arange(16) + 0.5) / 16
        file["t-coordinate"] = np.arange(7) * 0.01
        file.attrs["Nu"] = 0.01
    return tensor


def write_pdebench_cfd(path: Path) -> dict[str, Array]:
    """A file of compressible flow in two dimensions, on a square."""
    rng = np.random.default_rng(2)
    held = {n: rng.normal(size=(2, 5, 8, 8)).astype("f4") for n in ("density", "pressure", "Vx", "Vy")}
    with h5py.File(path, "w") as file:
        for name, values in held.items():
            file[name] = values
        for axis, size in (("x", 8), ("y", 8), ("t", 6)):
            file[f"{axis}-coordinate"] = np.arange(size) / size
        file.attrs.update({"eta": 0.01, "zeta": 0.01, "M": 0.1})
    return held


def write_pdebench_seeds(path: Path) -> Array:
    """A file with a group for each seed, as 2D_diff-react_NA_NA.h5; returns (seed, time, x, y, channel)."""
    data = np.random.default_rng(3).normal(size=(3, 6, 8, 8, 2)).astype("f4")
    with h5py.File(path, "w") as file:
        for seed, values in enumerate(data):
            name = f"{seed:04d}"
            file.create_dataset(f"{name}/data", data=values, compression="lzf")
            for axis, size in (("x", 8), ("y", 8), ("t", 6)):
                file.create_dataset(f"{name}/grid/{axis}", data=np.arange(size, dtype="f4"), compression="lzf")
            file[name].attrs["config"] = "sim:\n  seed: 0\n"
    return data
