"""``sciwm rollout``: what it writes, in which form, and what it refuses before anything is computed."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from foreign_flows import flow, told

from sciwm.cli import forecast as command
from sciwm.cli import main
from sciwm.cli.forecast import forecast
from sciwm.config import Config
from sciwm.model import save_model
from sciwm.surrogate import Surrogate


@pytest.fixture
def store(data_folder: Path, tmp_path: Path) -> Path:
    """A store of ours with its digests, which a test may damage."""
    for name in ("validation.zarr", "validation.done"):
        shutil.copytree(data_folder / name, tmp_path / name)
    return tmp_path / "validation.zarr"


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A few flows in a file, each of another size."""
    ds = xr.concat([flow() * (1 + 0.1 * i) for i in range(5)], dim="simulation").assign_coords(simulation=np.arange(5))
    ds["action"] = 0.5 * ds["action"]
    ds.to_netcdf(tmp_path / "many.nc")
    return tmp_path / "many.nc"


def reread(path: Path) -> xr.Dataset:
    if path.suffix == ".zarr":
        return xr.open_zarr(path, consolidated=False, decode_times=False).load()
    return xr.load_dataset(path, decode_times=False)


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
@pytest.mark.parametrize("numbers", [2**22, 2 * 32])
def test_forecasts_in_parts_are_forecasts_as_a_whole(
    own: Surrogate, many: Path, tmp_path: Path, suffix: str, numbers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nothing is small enough for memory, so that all is chunked, read and checked in parts."""
    out = tmp_path / "deep" / f"forecast{suffix}"
    if numbers < 100:
        monkeypatch.setattr(command, "NUMBERS_IN_MEMORY", 0)
    monkeypatch.setattr(command, "NUMBERS_AT_ONCE", numbers)
    written = forecast(own, many, out, start=1)
    ds = xr.load_dataset(many, decode_times=False)
    expected = own.rollout(ds.isel(time=1), ds["action"].isel(time=slice(1, None)))
    assert written["u"].chunksizes["simulation"] == ((5,) if numbers > 100 else (1,) * 5)
    result = reread(out)
    assert set(result.data_vars) == {"u", "energy", "mass"}
    xr.testing.assert_allclose(result, expected.transpose(*result["u"].dims), atol=1e-5)
    assert result["u"].attrs == expected["u"].attrs
    assert [p.name for p in out.parent.iterdir()] == [out.name]  # no drafts


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_what_fails_on_the_way_leaves_nothing(
    own: Surrogate, many: Path, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A last part that leaves all bounds, when others are written already."""
    ds = xr.load_dataset(many, decode_times=False)
    ds["u"][4] *= 1e30
    ds.to_netcdf(tmp_path / "far.nc")
    monkeypatch.setattr(command, "NUMBERS_AT_ONCE", 2 * 32)
    out = tmp_path / "out" / f"forecast{suffix}"
    assert "expected a finite forecast" in told(lambda: forecast(own, tmp_path / "far.nc", out))[0]
    assert list(out.parent.iterdir()) == []


def test_coordinates_that_cannot_be_written_are_told_before_anything_is_computed(
    own: Surrogate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Zarr holds complex numbers, netCDF does not; each form is tried on its own."""
    ds = flow().expand_dims(simulation=[0, 1]).assign_coords(phase=("simulation", np.array([1j, 2j])))
    ds.to_zarr(tmp_path / "in.zarr", consolidated=False)
    encoded = []
    monkeypatch.setattr(type(own.model), "encode", lambda *given: encoded.append(given))
    (line,) = told(lambda: forecast(own, tmp_path / "in.zarr", tmp_path / "out.nc"))
    assert line.startswith(f"{tmp_path}/in.zarr: phase: expected a coordinate that a .nc file can hold, got ")
    assert not encoded
    assert not (tmp_path / "out.nc").exists()


def flip(path: Path) -> None:
    """One bit of the last byte but a few."""
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    "damaged", ["u/c/2/0/0", "action/c/2/0/0", "action_high/c/0", "x/c/0", "time/c/0", "u/zarr.json"]
)
def test_a_store_that_is_not_as_it_was_written_is_not_forecast(
    own: Surrogate, store: Path, tmp_path: Path, damaged: str
) -> None:
    flip(store / damaged)
    assert told(lambda: forecast(own, store, tmp_path / "out.nc"))
    assert not (tmp_path / "out.nc").exists()


def test_what_a_forecast_does_not_use_is_not_read(own: Surrogate, store: Path, tmp_path: Path) -> None:
    """Budgets of a store may be damaged: neither they nor rows are read to verify the rest."""
    flip(store / "energy_source" / "c" / "2" / "0")
    assert forecast(own, store, tmp_path / "out.nc", start=13).sizes["simulation"] == 8


def test_an_older_store_is_compared_with_the_digests_of_its_rows(
    own: Surrogate, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its chunks carry no checksums; --no-verify leaves it at that."""
    asked: list[Any] = []
    monkeypatch.setattr(command, "require_as_written", lambda path, rows: asked.append(rows))
    forecast(own, store, tmp_path / "out.nc", start=13)
    monkeypatch.setattr(command, "has_checksums", lambda path: False)
    forecast(own, store, tmp_path / "out.nc", start=13)
    forecast(own, store, tmp_path / "out.nc", start=13, verify=False)
    assert asked == [[], None]


def test_names_of_forecasts_say_what_they_are(
    own: Surrogate, config: Config, many: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    save_model(run, own.model, config, {"held_out_error": 0.125})
    for name in ("forecast.h5", "forecast", "forecast.nc.gz", "forecast.NC"):
        assert main(["rollout", str(run), str(many), "--out", str(tmp_path / name)]) == 2
        assert "expected a name that ends in .nc (netCDF) or .zarr, got" in capsys.readouterr().err
    out = tmp_path / "forecast.zarr"
    assert main(["rollout", str(run), str(many), "--out", str(out), "--no-verify"]) == 0
    assert "forecast.zarr: u, energy, mass at 5 instants" in capsys.readouterr().out
    assert (out / "zarr.json").exists()
    assert main(["rollout", str(run), str(many), "--out", str(out)]) == 2
    assert "got a folder; choose another --out" in capsys.readouterr().err
    shutil.rmtree(out)
    out.write_text("mine")
    assert main(["rollout", str(run), str(many), "--out", str(out)]) == 2
    assert "got a file, where a store is a folder" in capsys.readouterr().err
    assert out.read_text() == "mine"
