"""Somebody's data in the stores of a run: right values, wherever they stood and however they were written."""

import json
import signal
from pathlib import Path
from typing import Any

import cftime
import numpy as np
import pytest
import xarray as xr
import zarr
from foreign_data import APART, PLATE, Sets, bring_in_killed, made

from sciwm.data import fit_domain, require_as_written
from sciwm.data.source import NOTES, Given


def test_every_value_stands_where_it_belongs(tmp_path: Path) -> None:
    ds = made()
    sets = Sets(tmp_path, ds, split=APART)
    raw = sets.raw("test")
    assert [row["run"] for row in json.loads(raw.attrs[NOTES])["rows"]] == ["c4", "c2"]
    np.testing.assert_array_equal(raw["u"].values, ds["u"].values[[4, 2]].astype(np.float32))
    np.testing.assert_array_equal(raw["action"].values[:, :-1, 0], ds["q"].values[[4, 2], :-1].astype(np.float32))
    assert np.isnan(raw["action"].values[:, -1]).all()
    np.testing.assert_array_equal(raw["parameter_value"].values[:, 0], [5.0, 3.0])
    np.testing.assert_array_equal(raw["time"].values, 0.25 * np.arange(12))
    np.testing.assert_array_equal(raw["north"].values, ds["north"].values)
    train = sets.opened("train")
    assert (len(train.usable), train.intervals, train.control_interval, train.time_units) == (3, 11, 0.25, "h")
    domain = fit_domain(train)
    assert [(p.name, p.units, p.low, p.high) for p in domain.parameters] == [("k", "m", 1.0, 6.0)]
    assert (domain.time_name, domain.run_name, domain.variables[0].units) == ("clock", "case", "m s-1")


def test_order_of_dimensions_is_free(tmp_path: Path) -> None:
    ds = made(shape=(5, 4, 3))
    turned = ds.transpose("up", "clock", "east", "case", "north")
    sets = Sets(tmp_path / "a", ds, space=["north", "east", "up"])
    one = sets.raw("train")
    other = Sets(tmp_path / "b", turned, space=["north", "east", "up"]).raw("train")
    assert one["u"].dims == ("simulation", "time", "north", "east", "up")
    xr.testing.assert_equal(one, other)
    assert sets.opened("train").dimensions == ("north", "east", "up")


def test_descending_axes_are_turned_and_told(tmp_path: Path) -> None:
    ds = made()
    sets = Sets(tmp_path, ds.isel(north=slice(None, None, -1)))
    raw = sets.raw("train")
    np.testing.assert_array_equal(raw["north"].values, ds["north"].values)
    np.testing.assert_array_equal(raw["u"].values, ds["u"].values.astype(np.float32))
    assert "north: descending, turned" in sets.told


@pytest.mark.parametrize("labels", [[3, 3, 5, 6, 7, 8], [3.0, np.nan, 5.0, 6.0, 7.0, 8.0]])
def test_runs_whose_labels_tell_none_apart_are_numbered(labels: list[float], tmp_path: Path) -> None:
    sets = Sets(tmp_path, made().assign_coords(case=labels), split={"validation": [0], "test": [1]})
    assert [row["run"] for row in json.loads(sets.raw("train").attrs[NOTES])["rows"]] == [2, 3, 4, 5]
    assert "case: labels that do not tell runs apart: they are numbered from 0" in sets.told
    np.testing.assert_array_equal(sets.raw("test")["u"].values[0], made()["u"].values[1].astype(np.float32))


def test_uneven_axes_keep_their_points(tmp_path: Path) -> None:
    points = np.array([0.0, 1.0, 3.0, 7.0, 15.0])
    axis = Sets(tmp_path, made().assign_coords(north=points)).opened("train").axes[0]
    assert axis.points == tuple(points)
    assert not axis.periodic


def test_periodic_axes_may_begin_anywhere(tmp_path: Path) -> None:
    axis = Sets(tmp_path, made(), periodic=["east"]).opened("train").axes[1]
    assert (axis.periodic, axis.start, axis.extent) == (True, 10.0, 8.0)


def test_packed_integers_are_decoded(tmp_path: Path) -> None:
    ds = made()
    packed = np.round((ds["u"].values - 0.5) / 0.001).astype(np.int16)
    ds["u"] = (ds["u"].dims, packed, {"scale_factor": 0.001, "add_offset": 0.5, "_FillValue": np.int16(-32768)})
    raw = Sets(tmp_path, ds).raw("train")
    np.testing.assert_allclose(raw["u"].values, packed * 0.001 + 0.5, rtol=1e-6)


def test_several_forcings_stand_side_by_side(tmp_path: Path) -> None:
    ds = made()
    heat = np.random.default_rng(1).uniform(0, 1, (6, 12, 2))
    ds["heat"] = (("case", "clock", "heater"), heat, {"valid_min": -0.5, "units": "kW", "long_name": "heating power"})
    ds = ds.assign_coords(heater=["left side", "right"])
    sets = Sets(tmp_path, ds, forcings=["heat", "q"], bounds={"q": [-2.0, 4.0]})
    train = sets.opened("train")
    assert train.actuators.names == ("heat.left_side", "heat.right", "q")
    np.testing.assert_allclose(train.actuators.low, [-0.5, -0.5, -2.0])
    np.testing.assert_allclose(train.actuators.high, [heat.max(), heat.max(), 4.0])
    np.testing.assert_array_equal(train.array("action")[3, :11, :2], heat[3, :11].astype(np.float32))
    assert train.roles is not None
    first, second = train.roles.forcings
    assert (first.dimension, first.labels, first.first, first.count) == ("heater", ("left side", "right"), 0, 2)
    assert (second.dimension, second.first, second.units) == ("", 2, "W")
    assert train.roles.bounds == {"heat": "valid_min and the range of the data", "q": "source.bounds"}


def test_data_without_forcing_have_one_action_that_stays_zero(tmp_path: Path) -> None:
    train = Sets(tmp_path, made().drop_vars("q"), forcings=[]).opened("train")
    assert train.actuators.names == ("none",)
    np.testing.assert_array_equal(train.array("action")[:, :-1], 0)
    assert train.roles is not None
    assert train.roles.forcings == ()


def test_a_forcing_of_all_runs_and_one_parameter_of_all(tmp_path: Path) -> None:
    ds = made().isel(case=slice(None)).assign(k=2.5)
    ds["q"] = ds["q"].isel(case=0, drop=True)
    raw = Sets(tmp_path, ds).raw("train")
    np.testing.assert_array_equal(raw["action"].values[2, :-1, 0], ds["q"].values[:-1].astype(np.float32))
    np.testing.assert_array_equal(raw["parameter_value"].values, 2.5)


def test_a_mask_is_found_and_its_points_hold_zero(tmp_path: Path) -> None:
    ds = made()
    land = np.zeros((5, 4), dtype=bool)
    land[1:3, 2] = True
    ds["u"] = ds["u"].where(~xr.DataArray(land, dims=("north", "east")))
    sets = Sets(tmp_path, ds)
    train = sets.opened("train")
    assert train.valid is not None
    np.testing.assert_array_equal(train.valid[0], ~land)
    expected = np.where(land, 0, ds["u"].values).astype(np.float32)
    np.testing.assert_array_equal(train.array("u")[:], expected)
    assert "u at 90.0%" in sets.told


def test_a_mask_that_is_given_counts(tmp_path: Path) -> None:
    ds = made()
    sea = np.ones((5, 4), dtype=np.int8)
    sea[0, 0] = 0
    ds["u"][..., 0, 0] = 1e30  # whatever stands on land
    ds["sea"] = (("north", "east"), sea)
    train = Sets(tmp_path, ds, mask="sea").opened("train")
    assert train.valid is not None
    np.testing.assert_array_equal(train.valid[0], sea == 1)
    assert train.array("u")[0].max() < 10


def test_runs_of_unequal_length_are_padded(tmp_path: Path) -> None:
    ds = made()
    ds["u"][4, 9:] = np.nan
    ds["q"][4, 8:] = np.nan  # the value at the last instant of a run is never used
    test = Sets(tmp_path, ds, split=APART).opened("test")
    assert [test.intervals_of(row) for row in (0, 1)] == [8, 11]
    np.testing.assert_array_equal(test.array("u")[0, :9], ds["u"].values[4, :9].astype(np.float32))
    assert np.isnan(test.array("u")[0, 9:]).all()
    assert np.isnan(test.array("action")[0, 8:]).all()


def test_gaps_are_cut_where_that_is_asked_for(tmp_path: Path) -> None:
    ds = made()
    ds["u"][4, 6, 2, 1] = np.nan
    ds["q"][2, 3] = np.nan
    raw = Sets(tmp_path, ds, gaps="cut", split=APART).raw("test")
    rows = json.loads(raw.attrs[NOTES])["rows"]
    expected = [("c4", 0, 5), ("c4", 7, 11), ("c2", 0, 3), ("c2", 4, 11)]
    assert [(row["run"], row["first"], row["last"]) for row in rows] == expected
    assert raw["num_intervals"].values.tolist() == [5, 4, 3, 7]
    np.testing.assert_array_equal(raw["u"].values[1, :5], ds["u"].values[4, 7:].astype(np.float32))


def test_a_step_that_is_missing_cuts_all_runs(tmp_path: Path) -> None:
    ds = made().isel(clock=[0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11])
    raw = Sets(tmp_path, ds, gaps="cut").raw("train")
    assert raw["num_intervals"].values.tolist() == [4, 5] * 6
    np.testing.assert_array_equal(raw["time"].values, 0.25 * np.arange(6))


@pytest.mark.parametrize("lazy", [False, True])
def test_a_longer_interval_keeps_some_instants_and_averages_forcings(tmp_path: Path, lazy: bool) -> None:
    """States at the kept instants, and what acted between them; the end of a run may be left over."""
    ds = made()
    sets = Sets(tmp_path, ds.chunk(clock=5) if lazy else ds, interval=0.75)
    raw = sets.raw("train")
    np.testing.assert_array_equal(raw["u"].values, ds["u"].values[:, ::3].astype(np.float32))
    means = ds["q"].values.reshape(6, 4, 3).mean(axis=2)
    np.testing.assert_allclose(raw["action"].values[:, :3, 0], means[:, :3], rtol=1e-6)
    np.testing.assert_array_equal(raw["time"].values, 0.75 * np.arange(4))
    told = "clock: one of 3 instants is kept, as source.interval is 0.75, and q averaged over each interval"
    assert told in sets.notes
    assert told in json.loads(raw.attrs[NOTES])["notes"]


def test_instants_of_a_longer_interval_are_counted_anew_behind_a_gap(tmp_path: Path) -> None:
    """Nothing is averaged across it; what is missing between two kept states is no gap, but in a forcing."""
    ds = made(instants=16).isel(clock=[*range(7), *range(8, 16)])
    ds["u"][1, 1] = np.nan
    ds["q"][2, 3] = np.nan
    raw = Sets(tmp_path, ds, gaps="cut", interval=0.5).raw("train")
    rows = [(row["run"], row["first"], row["last"]) for row in json.loads(raw.attrs[NOTES])["rows"]]
    whole = [(0, 3), (4, 7)]
    expected = {"c2": [(0, 1), (2, 3), (4, 7)]}
    assert rows == [(f"c{i}", *piece) for i in range(6) for piece in expected.get(f"c{i}", whole)]
    np.testing.assert_array_equal(raw["u"].values[1], ds["u"].values[0, [7, 9, 11, 13]].astype(np.float32))
    np.testing.assert_allclose(raw["action"].values[1, 0, 0], ds["q"].values[0, 7:9].mean(), rtol=1e-6)


def test_a_record_is_split_in_time_without_overlap(tmp_path: Path) -> None:
    ds = made(runs=1, instants=40).isel(case=0, drop=True)
    split = {"by": "time", "validation": 0.2, "test": 0.3}
    sets = Sets(tmp_path, ds, run=None, split=split)
    rows = {name: json.loads(sets.raw(name).attrs[NOTES])["rows"][0] for name in ("train", "validation", "test")}
    assert {name: (row["first"], row["last"]) for name, row in rows.items()} == {
        "train": (0, 19),
        "validation": (20, 27),
        "test": (28, 39),
    }
    np.testing.assert_array_equal(sets.raw("test")["u"].values[0], ds["u"].values[28:].astype(np.float32))


def test_shares_of_runs_are_drawn_alike_every_time(tmp_path: Path) -> None:
    ds = made(runs=10)
    runs = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        sets = Sets(folder, ds, split={"validation": 0.2, "test": 0.3})
        names = ("train", "validation", "test")
        runs.append([[row["run"] for row in json.loads(sets.raw(name).attrs[NOTES])["rows"]] for name in names])
    assert runs[0] == runs[1]
    assert [len(names) for names in runs[0]] == [5, 2, 3]
    assert sorted(name for names in runs[0] for name in names) == sorted(map(str, ds["case"].values))


@pytest.mark.parametrize(
    ("times", "units", "interval"),
    [
        (np.datetime64("2001-02-27T00", "ns") + np.arange(12) * np.timedelta64(6, "h"), "hours", 6.0),
        (cftime.num2date(np.arange(12), "days since 2000-02-25", calendar="noleap"), "days", 1.0),
        (np.arange(12) * np.timedelta64(90, "s"), "seconds", 90.0),
    ],
    ids=["dates", "noleap", "durations"],
)
def test_dates_and_durations_become_numbers(tmp_path: Path, times: Any, units: str, interval: float) -> None:
    train = Sets(tmp_path, made().assign_coords(clock=times)).opened("train")
    assert (train.time_units, train.control_interval) == (units, interval)


def test_numbers_since_a_date_keep_their_calendar(tmp_path: Path) -> None:
    about = {"units": "days since 1850-01-01", "calendar": "360_day"}
    sets = Sets(tmp_path, made().assign_coords(clock=("clock", 30.0 * np.arange(12) + 15, about)))
    time = sets.raw("train")["time"]
    assert (time.attrs["units"], time.attrs["calendar"], time.values[1]) == ("days", "360_day", 30.0)
    assert sets.opened("train").time_units == "days"


def test_a_forcing_in_space_becomes_its_principal_components(tmp_path: Path) -> None:
    """Two patterns with known amplitudes: they span the components, and the amplitudes are recovered from these."""
    ds, rng = made(), np.random.default_rng(3)
    patterns = rng.normal(size=(2, 5, 4))
    amplitudes = rng.normal(size=(6, 12, 2))
    wind = np.einsum("rtk,knm->rtnm", amplitudes, patterns)
    ds["wind"] = (("case", "clock", "north", "east"), wind, {"units": "Pa"})
    sets = Sets(tmp_path, ds, forcings=["wind"], ignored=["q"])
    train = sets.raw("train")
    assert sets.opened("train").actuators.names == ("wind.pc1", "wind.pc2")
    basis, actions = train["forcing_basis"].values, train["action"].values[:, :-1]
    projected = np.einsum("jnm,rtnm->rtj", basis, wind[:, :-1]) / 20
    np.testing.assert_allclose(actions, projected, atol=1e-5)
    np.testing.assert_allclose(np.einsum("rtj,jnm->rtnm", actions, basis), wind[:, :-1], atol=1e-4)
    assert "wind: varies in space, replaced by 2 principal components with 100.00% of its variance" in sets.told


def test_static_fields_are_kept_and_constant_ones_told(tmp_path: Path) -> None:
    ds = made()
    depth = np.arange(20.0).reshape(4, 5)
    ds["depth"] = (("east", "north"), depth, {"units": "m"})
    ds["area"] = (("north",), np.full(5, 3.0))
    sets = Sets(tmp_path, ds, static=["depth", "area"])
    np.testing.assert_array_equal(sets.raw("train")["depth"].transpose("east", "north").values, depth)
    assert "area: the same everywhere" in sets.told
    assert [v.name for v in sets.opened("train").variables] == ["u"]


def test_several_datasets_belong_to_sets_of_their_own(tmp_path: Path) -> None:
    parts = [Given(made(runs=3), "one", "train"), Given(made(runs=2, instants=9, seed=1), "two", "validation")]
    sets = Sets(tmp_path, [*parts, Given(made(runs=1, seed=2), "three", "test")], split={"by": "run"})
    assert [len(sets.opened(name).usable) for name in ("train", "validation", "test")] == [3, 2, 1]
    np.testing.assert_array_equal(sets.raw("validation")["u"].values, parts[1].dataset["u"].values.astype(np.float32))


def test_chunked_data_give_the_same_bytes(tmp_path: Path) -> None:
    Sets(tmp_path / "a", made())
    Sets(tmp_path / "b", made().chunk({"case": 1, "clock": 5}))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_large_records_are_cut_and_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that would not fit into memory are cut; parts of a row are read without reading all of it."""
    monkeypatch.setattr("sciwm.data.source.rows.cutting.LARGEST_ROW", 4 * 20 * 40)
    monkeypatch.setattr("sciwm.data.source.rows.cutting.FEWEST_INSTANTS", 8)
    monkeypatch.setattr("simulations.store_layout.LARGEST_CHUNK", 1000)
    monkeypatch.setattr("simulations.store_layout.PART_OF_ROW", 4 * 20 * 7)
    ds = made(runs=1, instants=100)
    sets = Sets(tmp_path, ds)
    rows = json.loads(sets.raw("train").attrs[NOTES])["rows"]
    assert "large records are cut into rows of at most 40 instants" in sets.told
    assert [(row["first"], row["last"]) for row in rows] == [(0, 32), (33, 66), (67, 99)]
    np.testing.assert_array_equal(sets.raw("train")["u"].values[1], ds["u"].values[0, 33:67].astype(np.float32))
    array = zarr.open_group(sets.path("train"), mode="r")["u"]
    assert isinstance(array, zarr.Array)
    assert (array.chunks, array.shards) == ((1, 7, 5, 4), (1, 35, 5, 4))
    assert len([f for f in (sets.path("train") / "u" / "c").rglob("*") if f.is_file()]) == 3
    require_as_written(sets.path("train"))


def test_the_plate_as_it_was_measured(tmp_path: Path) -> None:
    with xr.open_dataset(PLATE, decode_times=False) as ds:
        roles: dict[str, Any] = {"variables": ["temp"], "forcings": ["power"], "parameters": ["ambient"]}
        names: dict[str, Any] = {"run": "run", "time": "t", "space": ["row", "col"]}
        sets = Sets(tmp_path, ds, **roles, **names, split={"validation": [104], "test": [112, 120]})
        test = sets.opened("test")
        np.testing.assert_allclose(test.array("temp")[1], ds["temp"].sel(run=120).values, rtol=1e-6)
    assert test.actuators.names[0] == "power.north_west"
    assert (test.actuators.low[0], test.actuators.high[0], test.actuators.units) == (0.0, 8.0, "W")
    assert test.variables[0].units == "degC"


@pytest.mark.filterwarnings("ignore:.*fork")
def test_killed_at_any_moment_it_ends_in_the_same_bytes(tmp_path: Path) -> None:
    """While stores are laid out, while rows are written, and between the sets."""
    Sets(tmp_path / "whole", made(), split=APART)
    for calls in (1, 2, 4, 7, 11):
        assert bring_in_killed(tmp_path / "killed", calls) == signal.SIGKILL
    Sets(tmp_path / "killed", made(), split=APART)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
