"""Records with gaps ahead and runs of other lengths: forecasts go as far as the forcing does, and say so."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from foreign_flows import told

from sciwm.cli import main
from sciwm.config import Config, dump_config
from sciwm.model import WorldModel, save_model
from sciwm.surrogate import Surrogate

FORCINGS = ["power", "flow"]


def gap_in_time(ds: xr.Dataset) -> xr.Dataset:
    """Two instants are not there."""
    return ds.isel(t=[0, 1, 2, 5, 6])


def missing_forcing(ds: xr.Dataset) -> xr.Dataset:
    """A forcing is missing at two instants, and is there again behind."""
    return ds.assign(flow=ds["flow"].where((ds["t"] < 4.4) | (ds["t"] > 5.1)))


def padded(ds: xr.Dataset) -> xr.Dataset:
    """Runs of six, four and two intervals, padded behind their ends."""
    ends = xr.DataArray([6, 4, 2], dims="run", coords={"run": ds["run"]})
    instants = xr.DataArray(np.arange(7), dims="t", coords={"t": ds["t"]})
    own = {name: ds[name].where(instants < ends).transpose(*ds[name].dims) for name in FORCINGS}
    fields = {name: ds[name].where(instants <= ends).transpose(*ds[name].dims) for name in ("temp", "strain")}
    return ds.assign(own | fields)


def foreseen(plate: Surrogate, ds: xr.Dataset, intervals: int) -> xr.Dataset:
    """The forecast of so many intervals without any gap."""
    return plate.rollout(ds.isel(t=0), ds[FORCINGS].isel(t=slice(0, intervals)))


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (gap_in_time, "ends after 3 of 4 intervals, at t = 4.5 min: the times have a gap, from 4 min to 5.5 min"),
        (missing_forcing, "ends after 3 of 6 intervals, at t = 4.5 min: from then on 'flow' is missing"),
    ],
)
@pytest.mark.parametrize("kind", [None, "bands"])
def test_a_forecast_goes_up_to_the_gap(
    sure_plate: Surrogate, plate_data: xr.Dataset, change: Callable[[xr.Dataset], xr.Dataset], note: str, kind: None
) -> None:
    record = change(plate_data)
    with pytest.warns(UserWarning, match=f"^The forecast {note}.$"):
        forecast = sure_plate.rollout(record.isel(t=0), record[FORCINGS], uncertainty=kind)
    assert note in forecast.attrs["comment"]
    np.testing.assert_allclose(forecast["t"], [3, 3.5, 4, 4.5])
    if kind is None:
        np.testing.assert_array_equal(forecast["temp"], foreseen(sure_plate, plate_data, 3)["temp"])


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("kind", [None, "bands"])
def test_each_run_goes_up_to_its_own_end(
    sure_plate: Surrogate, plate_data: xr.Dataset, kind: None, chunked: bool
) -> None:
    record = padded(plate_data)
    given = record.chunk(run=1) if chunked else record
    words = "Forecasts end where a chunk" if chunked else r"2 runs of 3 end before interval 6, .*\(102 after 4, 107 af"
    with pytest.warns(UserWarning, match=words):
        forecast = sure_plate.rollout(given.isel(t=0), given[FORCINGS], uncertainty=kind).compute()
    whole = sure_plate.rollout(plate_data.isel(t=0), plate_data[FORCINGS], uncertainty=kind)
    there = record["temp"].notnull()
    assert forecast["temp"].notnull().equals(there)
    xr.testing.assert_allclose(forecast["temp"], whole["temp"].where(there).transpose(*forecast["temp"].dims))
    if kind:
        assert (forecast["flag"].where(~there.any(["row", "col"])).fillna(0) == 0).all()


def test_what_cannot_be_forecast_at_all_is_refused(plate: Surrogate, plate_data: xr.Dataset) -> None:
    """No interval, times that go back, and times with another step all through."""
    start, forcing = plate_data.isel(t=0), plate_data[FORCINGS]
    nothing = forcing.assign(flow=forcing["flow"].where(forcing["t"] > 3))
    (line,) = told(lambda: plate.rollout(start, nothing))
    assert line.startswith("forcing: expected a value for at least one interval, got 'flow' missing at the first")
    assert len(told(lambda: plate.rollout(start, forcing.isel(t=[0, 1, 1, 2])))) == 1
    (line,) = told(lambda: plate.rollout(start, forcing.assign_coords(t=3 + 0.7 * np.arange(7))))
    assert "forcing: t: expected equal steps of 0.5" in line
    infinite = forcing.assign(flow=forcing["flow"].where(forcing["t"] < 4, np.inf))
    assert "forcing: expected finite values" in told(lambda: plate.rollout(start, infinite))[0]


def test_intervals_cut_the_schedule(plate: Surrogate, plate_data: xr.Dataset) -> None:
    start, forcing = plate_data.isel(t=0), plate_data[FORCINGS]
    forecast = plate.rollout(start, forcing, intervals=2)
    xr.testing.assert_identical(forecast, foreseen(plate, plate_data, 2))
    near = plate.rollout(start, missing_forcing(plate_data)[FORCINGS], intervals=3)  # up to where it begins
    assert near.sizes["t"] == 4
    (line,) = told(lambda: plate.rollout(start, forcing, intervals=7))
    assert line == "intervals: expected at most 6, as the forcing has, got 7; leave it out, or give a longer forcing"
    assert "at least 1, got 0" in told(lambda: plate.rollout(start, forcing, intervals=0))[0]


def test_what_is_there_is_judged(sure_plate: Surrogate, plate_data: xr.Dataset) -> None:
    """Behind the ends of runs, where fields are missing and over a gap nothing is; all else as without."""
    whole = sure_plate.flags(plate_data, plate_data[FORCINGS])
    record = padded(plate_data)
    record["temp"][{"run": 0, "t": 3, "row": 1}] = np.nan
    with pytest.warns(UserWarning, match="^7 of 21 instants are not judged, as fields are missing there.$"):
        seen = sure_plate.flags(record, record[FORCINGS])
    there = record[["temp"]].notnull().all(["row", "col"])["temp"]
    assert seen["score"].sel(detector="residual", drop=True).notnull().equals(there)
    assert not seen["flag"].where(~there, False).any()
    for name in ("residual", "distance"):
        ours, theirs = (one["score"].sel(detector=name) for one in (seen, whole))
        np.testing.assert_allclose(ours.where(there), theirs.where(there), rtol=1e-4)
    steps = seen["score"].sel(detector="innovation").notnull().values
    assert steps.tolist() == [
        [True, True, True, False, False, True, True],
        [True, True, True, True, True, False, False],
        [True, True, True, False, False, False, False],
    ]
    part = gap_in_time(plate_data)
    over = sure_plate.flags(part, part[FORCINGS])["score"].sel(detector="innovation")
    assert over.notnull().values.tolist() == [[True, True, True, False, True]] * 3
    np.testing.assert_allclose(over[:, 4], whole["score"].sel(detector="innovation")[:, 6], rtol=1e-4)
    xr.testing.assert_allclose(
        sure_plate.flags(part, plate_data[FORCINGS])["score"], sure_plate.flags(part, part[FORCINGS])["score"]
    )
    backwards = plate_data.assign_coords(t=plate_data["t"].values[::-1])
    assert told(lambda: sure_plate.flags(backwards, backwards[FORCINGS]))


def test_the_commands_go_up_to_the_gap(
    plate_model: WorldModel, config: Config, plate_data: xr.Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, record, out = tmp_path / "run", tmp_path / "record.nc", tmp_path / "forecast.nc"
    save_model(run, plate_model, config.model_copy(update={"model": plate_model.settings}), {"held_out_error": 0.1})
    (run / "config.yaml").write_text(dump_config(config))
    gap_in_time(padded(plate_data)).to_netcdf(record)
    assert main(["check", str(record), "--run", str(run)]) == 0
    assert "; the forecast ends after 3 of 4 intervals, at t = 4.5 min: the times" in capsys.readouterr().out
    words = ["rollout", str(run), str(record), "--out", str(out)]
    with pytest.warns(UserWarning, match="^The forecast ends after 3 of 4|^1 run of 3 end before") as caught:
        assert main(words) == 0
    assert len(caught) == 2  # of the gap, and of the run that ends before it
    with xr.open_dataset(out) as written:
        assert written["temp"].notnull().all(["row", "col"]).sum("t").values.tolist() == [4, 4, 3]
        assert "1 run of 3 end before interval 3" in written.attrs["comment"]
    assert main([*words, "--intervals", "2"]) == 0
    assert main([*words, "--intervals", "9"]) == 2
    assert "--intervals: expected at most 4, as the forcing has, got 9" in capsys.readouterr().err
