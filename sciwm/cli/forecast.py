"""``sciwm rollout``: forecasts the data of a file to a file, a part at a time, so that memory is bounded."""

import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeVar

import dask
import numpy as np
import xarray as xr

from sciwm.data import Domain, open_dataset, reading, require_as_written, require_instants
from sciwm.data.cf_output import with_cf_metadata
from sciwm.errors import InputError, Problem, in_file, in_one_line, raise_if
from sciwm.files import write_netcdf, write_zarr
from sciwm.surrogate import Surrogate
from sciwm.surrogate.beginnings import beginning_of, forecast_of
from sciwm.surrogate.forcing_names import forcing_in, is_unforced, side_by_side
from simulations.store_seal import has_checksums

NUMBERS_AT_ONCE = 2**22
"""How many numbers of an array are computed together, if a single trajectory has no more: 16 megabytes."""
NUMBERS_IN_MEMORY = 2**25
"""The most numbers of an array that is read as a whole, which lets all that is wrong with it be told at once."""
MOST_WORKERS = 4
"""How many parts are computed side by side: each takes memory."""

UNWRITABLE = (TypeError, ValueError, AttributeError, RuntimeError)
"""What the libraries raise for names, attributes and values that a file cannot hold."""

WRITERS = {".nc": write_netcdf, ".zarr": write_zarr}
"""What writes a forecast, by the suffix of its file."""

Data = TypeVar("Data", xr.Dataset, xr.DataArray)


def forecast(
    model: Surrogate,
    source: Path,
    out: Path,
    *,
    schedule: Path | None = None,
    intervals: int | None = None,
    start: int = 0,
    verify: bool = True,
    kind: Literal["bands", "members"] | None = None,
    origin: Mapping[str, str] | None = None,
) -> xr.Dataset:
    """Forecast from one instant of a file, and write the forecast whole or not at all.

    Args:
        model: The model.
        source: A netCDF file or Zarr store with fields, the parameters of the runs if the model has any, and forcing.
        out: What to write: netCDF with the suffix ``.nc``, a Zarr store with ``.zarr``.
        schedule: Another file or store with the forcing, from the instant of the start on.
        intervals: The length of the forecast; by default that of the forcing.
        start: The index of the instant to start from.
        verify: Whether a store of ours must be as it was written. Where its chunks end in checksums, these are
            compared as chunks are read, and no row is read for it; an older store is read whole.
        kind: The calibrated errors that it carries, see ``Surrogate.rollout``.
        origin: The attributes ``source`` and ``history`` of what is written, which say what made it.

    Returns:
        The forecast that was written, lazily.

    Raises:
        InputError: With everything that keeps the files from being forecast.
    """
    with _named(source):
        ds = _opened(model, source, verify)
        instants = require_instants(ds, source)
        if not 0 <= start < instants:
            raise InputError([Problem(f"--start of {source}", f"an index from 0 to {instants - 1}", str(start))])
        begin = ds.isel(time=start, missing_dims="ignore")
    of_forcing = schedule or source
    with _named(of_forcing):
        later = ds.isel(time=slice(start, None), missing_dims="ignore")
        forcing = _forcing(model, later if schedule is None else _opened(model, schedule, verify), of_forcing)
    with reading(source), reading(of_forcing):
        return _forecast(model, begin, forcing, intervals, (source, of_forcing), out, kind, origin or {})


@contextmanager
def _named(source: Path) -> Iterator[None]:
    """Let every problem say in which file it is."""
    try:
        yield
    except InputError as error:
        raise InputError(in_file(source, error.problems)) from error


def _opened(model: Surrogate, path: Path, verify: bool) -> xr.Dataset:
    """A file or store, with time by the name that the reading of files knows."""
    ds, own = open_dataset(path), model.domain.time_name
    if verify:
        require_as_written(path, rows=[] if has_checksums(path) else None)
    return ds.rename({own: "time"}) if own in {*ds.dims, *ds.coords} and own != "time" else ds


def _forcing(model: Surrogate, ds: xr.Dataset, path: Path) -> xr.DataArray | None:
    """All forcings of a file over ``actuator``; none where nothing acts."""
    if is_unforced(model.domain):
        return None
    forcing, problems = side_by_side(forcing_in(ds, model.domain, path), model.domain)
    raise_if(problems)
    whole: xr.DataArray = forcing
    return whole


def _forecast(
    model: Surrogate,
    begin: xr.Dataset,
    forcing: xr.DataArray | None,
    intervals: int | None,
    paths: tuple[Path, Path],
    out: Path,
    kind: Literal["bands", "members"] | None,
    origin: Mapping[str, str],
) -> xr.Dataset:
    workers = min(MOST_WORKERS, os.cpu_count() or 1)
    with dask.config.set(scheduler="threads", num_workers=workers):
        begin = begin.assign({v.name: _if_small(begin[v.name]) for v in model.domain.variables if v.name in begin})
        known = {p.name: begin[p.name].compute() for p in model.domain.parameters if p.name in begin}
        begin = begin.assign(known)
        forcing = None if forcing is None else _if_small(forcing)
        made = beginning_of(model, begin, forcing, intervals)
        problems = [_by_option(p) for p in made.problems]
        of_forcing = [p for p in problems if p.where.startswith("forcing")]
        raise_if(in_file(paths[0], [p for p in problems if p not in of_forcing]) + in_file(paths[1], of_forcing))
        made.tell(stacklevel=3)
        acting = made.schedule.forcing
        parts = replace(made.schedule, forcing=_in_parts(acting, acting, model))
        made = replace(made, start=_in_parts(made.start, acting, model), schedule=parts)
        with _named(paths[0]):
            lazy = forecast_of(model, made, kind, begin)
            lazy = lazy.assign_coords({name: c.compute() for name, c in lazy.coords.items() if c.chunks is not None})
            lazy = lazy.assign_attrs(origin)
            _rehearse(lazy, paths[0], out)
            WRITERS[out.suffix](out, with_cf_metadata(lazy))
    return lazy


def _by_option(problem: Problem) -> Problem:
    """A problem of an argument as one of the option that sets it."""
    if problem.where != "intervals":
        return problem
    remedy = problem.remedy.replace("intervals=", "--intervals ")
    return replace(problem, where="--intervals", got="none" if problem.got == "None" else problem.got, remedy=remedy)


def _if_small(array: xr.DataArray) -> xr.DataArray:
    """The array in memory if it fits, else in chunks."""
    return array.compute() if array.size <= NUMBERS_IN_MEMORY else array.chunk()


def _in_parts(data: Data, forcing: xr.DataArray, model: Surrogate) -> Data:
    """The data chunked along further dimensions, such as ``simulation``, so that the forecast of a part is bounded."""
    domain: Domain = model.domain
    of_fields = len(domain.variables) * math.prod(data.sizes.get(d, 1) for d in domain.dimensions)
    of_latents = (forcing.sizes["time"] + 1) * (model.model.state_size + len(domain.actuators))
    rows = max(1, NUMBERS_AT_ONCE // max(of_fields, of_latents))
    chunks = {}
    for dim, size in data.sizes.items():
        if dim not in (*domain.dimensions, "time", "actuator"):
            chunks[dim] = min(size, rows)
            rows = max(1, rows // size)
    whole = {dim: -1 for dim in data.dims if dim not in chunks}
    return data.chunk({**whole, **chunks})


def _rehearse(lazy: xr.Dataset, source: Path, out: Path) -> None:
    """Write the coordinates, which come from the input, to see before the forecast is computed that they can be."""
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, coordinate) in enumerate(lazy.coords.items()):
            try:
                alone = coordinate.drop_vars([n for n in coordinate.coords if n != name]).to_dataset(name="rehearsal")
                WRITERS[out.suffix](Path(folder, str(number)), alone)
            except UNWRITABLE as error:
                place, got = f"{source}: {name}", in_one_line(error)
                expected = f"a coordinate that a {out.suffix} file can hold"
                problems.append(Problem(place, expected, got, "drop it from the input, or rename it"))
        for number, dimension in enumerate(lazy.dims):
            try:
                alone = xr.Dataset({"rehearsal": (dimension, np.zeros(1))})
                WRITERS[out.suffix](Path(folder, f"dimension_{number}"), alone)
            except UNWRITABLE as error:
                place, got = f"{source}: {dimension}", in_one_line(error)
                problems.append(Problem(place, f"a dimension that a {out.suffix} file can hold", got, "rename it"))
    raise_if(problems)
