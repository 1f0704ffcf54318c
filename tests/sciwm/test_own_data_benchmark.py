"""The benchmark of the files of others, with next to nothing of everything."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sciwm.benchmarks.own_data import crash, plate, reaction_data
from sciwm.benchmarks.own_data.closed_form import climatology, dmdc, persistence
from sciwm.benchmarks.own_data.comparison import compare, found
from sciwm.benchmarks.own_data.data_set import DataSet
from sciwm.benchmarks.own_data.forecasts import scale_of, square_errors, starts_of
from sciwm.benchmarks.own_data.large_data import source_of, write_waves
from sciwm.benchmarks.own_data.own_data import checks_of, columns, forecasts
from sciwm.benchmarks.own_data.processes import measured
from sciwm.benchmarks.own_data.wanted import check
from sciwm.benchmarks.own_data.wanted import columns as columns_of_checks
from sciwm.benchmarks.results import markdown_table
from sciwm.errors import InputError


@pytest.fixture(scope="module")
def waves(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    """Eight runs of linear waves, which DMDc of as many modes forecasts as they are."""
    folder = tmp_path_factory.mktemp("own-data")
    write_waves(folder / "waves.zarr", runs=8, intervals=12, points=8)
    return DataSet(
        name="waves",
        folder=folder,
        source=source_of(folder / "waves.zarr"),
        settings={"model": {"predictor": {"rank": 2}}, "loss": {"horizon": 2}, "training": {"batch_size": 4}},
        seconds=0.2,
        steps=(1, 4),
        stride=4,
        epoch=2,
    )


def test_every_method_has_a_row_on_the_same_forecasts(waves: DataSet) -> None:
    """Trained within the same time, for each seed; tables can be made of the rows."""
    rows = compare("plate", waves, (6,), (0, 1), ("linear",))
    assert [row["method"] for row in rows] == ["persistence", "climatology", "dmdc", "linear"]
    linear, modes = found(rows, "linear", 6), found(rows, "dmdc", 6)
    assert modes["rmse"][-1] < 1e-3 < found(rows, "persistence")["rmse"][0]
    assert len(linear["by_seed"]) == len(linear["seconds"]) == 2
    assert len(linear["every_lead"][0]) == 4
    assert "DMDc, tuned" in markdown_table(forecasts(rows), columns())


def test_a_comparison_that_was_measured_is_not_trained_again(waves: DataSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells and run folders are found again."""
    first = compare("plate", waves, (6,), (0,), ("linear",))

    def train(run: Path) -> None:
        raise AssertionError(run)

    monkeypatch.setattr("sciwm.experiment.stages.train", train)
    again = compare("plate", waves, (6,), (0,), ("linear",))
    assert found(again, "linear", 6) == found(first, "linear", 6)


def test_simple_forecasts(waves: DataSet) -> None:
    """Persistence has no error where nothing changes, climatology that of the deviation; a season has its own means."""
    test = waves.set("test")
    starts = starts_of(test, 4, 4)
    assert len(starts.runs) == 3 * len(test.usable)
    np.testing.assert_array_equal(persistence(starts)[:, 3], starts.fields)
    scale = scale_of(waves.set("train"), "deviation")
    far = square_errors(climatology(waves, 0)(starts), starts, scale)
    assert far.shape == (len(test.usable), 4)
    assert 0.2 < far.mean() < 5
    near, _ = dmdc(waves, 6)
    assert square_errors(near(starts), starts, scale).max() < 1e-6


def test_bounds_of_checks() -> None:
    """Every seed must keep them; what is not finite does not."""
    assert check("plate", "error", [0.1, 0.2], most=0.2)["met"]
    assert not check("plate", "error", [0.1, 0.3], most=0.2)["met"]
    assert not check("plate", "error", [0.1, None], most=0.2)["met"]
    told = check("plate", "error", [0.1])
    assert told["met"] is None
    rows = checks_of([told, check("flags", "AUROC", [0.97], least=0.95, unit="", interval=[0.96, 0.98])])
    assert "0.97 (0.96 to 0.98)" in markdown_table(rows, columns_of_checks())


def test_parts_say_what_they_lack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plate is not ours to ship, and py-pde is optional."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"temp \(run, t, row, col\)"):
        plate.run(True, tmp_path, (0,))
    monkeypatch.setattr(reaction_data, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install"):
        reaction_data.write_reaction(tmp_path / "reaction.nc", 1, 1)


def test_the_memory_of_a_command_is_its_own() -> None:
    """A child that holds 60 MB more is seen to, whatever this process holds."""
    here = np.ones(2**24)
    code = "x = bytearray(60_000_000); x[::4096] = b'x' * len(x[::4096])"
    small, large = (measured(["python", "-c", text]).megabytes for text in ("pass", code))
    assert 50 < large - small < 80
    assert small < here.nbytes / 2**20
    with pytest.raises(RuntimeError, match="exit status 3"):
        measured(["python", "-c", "raise SystemExit(3)"])


def test_sensors_stand_at_points_of_the_field() -> None:
    """The same ones at all instants, by coordinates."""
    from sciwm.benchmarks.own_data.sensed_plate import observed

    fields = xr.DataArray(
        np.arange(24.0).reshape(2, 3, 4), dims=("t", "row", "col"), coords={"row": [0.0, 1, 2], "col": [5.0, 6, 7, 8]}
    )
    seen = observed(fields.to_dataset(name="temp"), 0.5, 0.0, np.random.default_rng(0))["temp"]
    assert seen.dims == ("t", "point")
    assert seen.sizes["point"] == 6
    there = fields.sel(row=seen["row"], col=seen["col"])
    np.testing.assert_array_equal(there.transpose("t", "point"), seen)


def test_kinds_of_kills_sum_to_twenty() -> None:
    """As the check says."""
    assert sum(crash.KILLS.values()) == 20
