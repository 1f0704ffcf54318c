"""Damaged netCDF files and Zarr stores given to ``sciwm rollout``.

A result counts as right if it is that of the sound input, or if the damaged file simply says something else: then it
must be the forecast of what libraries other than xarray read in it. Everything else must be refused.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from sciwm.benchmarks.robustness.guarded import GuardedProcess
from sciwm.benchmarks.robustness.mutations import damaged, damaged_text
from sciwm.benchmarks.robustness.tally import Judged, Verdict, refusal

KINDS = ("netcdf4", "netcdf3", "zarr3", "zarr2")
INSTANTS = 7


def write_sound_inputs(run: Path, folder: Path) -> None:
    """The first simulation of the test set of ``run`` as one input of every kind; all but netCDF-3 have checksums."""
    with xr.open_zarr(run / "data" / "test.zarr", consolidated=False, decode_times=False) as stored:
        ds = stored[["u", "action"]].isel(simulation=0, time=slice(INSTANTS)).load().drop_vars("simulation")
    for variable in ds.variables.values():
        variable.encoding = {}
    folder.mkdir(parents=True, exist_ok=True)
    checked = {name: {"fletcher32": True} for name in (*ds.data_vars, "x", "time")}
    ds.to_netcdf(folder / "netcdf4", engine="netcdf4", encoding=checked)
    ds.to_netcdf(folder / "netcdf3", engine="netcdf4", format="NETCDF3_CLASSIC")
    for version in (3, 2):
        shutil.rmtree(folder / f"zarr{version}", ignore_errors=True)
        ds.to_zarr(folder / f"zarr{version}", zarr_format=version, consolidated=False, encoding=_checksums(ds, version))


def _checksums(ds: xr.Dataset, version: int) -> dict[str, dict[str, object]]:
    if version == 2:
        import numcodecs  # type: ignore[import-untyped]

        return {str(n): {"filters": [numcodecs.CRC32C()]} for n in ds.variables}
    from zarr.codecs import Crc32cCodec

    return {str(n): {"compressors": [Crc32cCodec()]} for n in ds.variables}


def try_inputs(
    process: GuardedProcess, run: Path, sound: Path, trials: Sequence[int], seed: int, folder: Path
) -> Iterator[Judged]:
    """Damage one input after another, each drawn from the seed and its number, and judge what ``rollout`` answers."""
    right = {kind: _forecast(process, run, sound / kind, folder / f"right_{kind}.nc") for kind in KINDS}
    for trial in trials:
        rng = np.random.default_rng([seed, trial])
        kind = KINDS[trial % len(KINDS)]
        path = folder / f"{kind}_damaged"
        what = damage(sound / kind, path, rng)
        yield f"{kind} {trial} ({what})", *_judged(process, run, path, right[kind], folder / "forecast.nc")


def damage(source: Path, path: Path, rng: np.random.Generator) -> str:
    """A damaged copy of an input at ``path``; returns what was damaged."""
    if source.is_file():
        path.write_bytes(damaged(source.read_bytes(), rng))
        return "bytes"
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(source, path)
    files = sorted(p for p in path.rglob("*") if p.is_file())
    chosen = files[int(rng.integers(len(files)))]
    if rng.random() < 0.1:
        chosen.unlink()
        return f"without {chosen.relative_to(path)}"
    text = chosen.name in ("zarr.json", ".zarray", ".zattrs", ".zgroup")
    chosen.write_bytes((damaged_text if text else damaged)(chosen.read_bytes(), rng))
    return str(chosen.relative_to(path))


def _forecast(process: GuardedProcess, run: Path, source: Path, out: Path) -> xr.Dataset:
    answer = process.command(["rollout", str(run), str(source), "--out", str(out)])
    if (refused := refusal(answer)) is not None:
        raise RuntimeError(f"the sound input {source} is refused: {refused[1]}")
    return xr.load_dataset(out, decode_times=False)


def _judged(process: GuardedProcess, run: Path, path: Path, right: xr.Dataset, out: Path) -> tuple[Verdict, str]:
    out.unlink(missing_ok=True)
    answer = process.command(["rollout", str(run), str(path), "--out", str(out)])
    refused = refusal(answer, [path.name])
    if refused is not None:
        return ("traceback", "refused, but wrote a result") if refused[0] == "told" and out.exists() else refused
    result = xr.load_dataset(out, decode_times=False)
    if _same(result, right):
        return "unchanged", ""
    stated = process.call(_read_otherwise, str(run), str(path))
    if stated.outcome == "returned" and _same(result, stated.value):
        return "another", ""
    return "silent", f"another forecast than the file has ({stated.outcome}: {stated.said.strip()[-200:]})"


def _same(a: xr.Dataset, b: xr.Dataset) -> bool:
    """Whether two forecasts agree in every value of the fields and times."""
    return set(a.variables) == set(b.variables) and all(
        a[n].dims == b[n].dims and np.array_equal(a[n].values, b[n].values) for n in a.variables
    )


def _read_otherwise(run: str, path: str) -> xr.Dataset:
    """The forecast of what a file says, read without xarray."""
    import sciwm

    ds = _of_store(Path(path)) if Path(path).is_dir() else _of_netcdf(path)
    forecast = sciwm.load(run).rollout(ds.isel(time=0), ds["action"])
    return forecast.load()


def _of_netcdf(path: str) -> xr.Dataset:
    import netCDF4

    with netCDF4.Dataset(path) as file:
        read = {
            name: (v.dimensions, np.ma.filled(v[...].astype(float), np.nan).astype(v.dtype), dict(v.__dict__))
            for name, v in file.variables.items()
            if v.dtype is not str and v.dtype.kind in "iuf"
        }
    return xr.Dataset(read)


def _of_store(path: Path) -> xr.Dataset:
    import zarr

    read = {}
    for name, array in zarr.open_group(path, mode="r").arrays():
        attributes = dict(array.attrs)
        dims = getattr(array.metadata, "dimension_names", None) or attributes.pop("_ARRAY_DIMENSIONS")
        read[name] = (dims, np.asarray(array[...]), attributes)
    return xr.Dataset(read)
