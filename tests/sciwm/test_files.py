"""Files of a run are written in the run, whatever links somebody put there."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sciwm.errors import InputError
from sciwm.experiment.run import Run
from sciwm.files import write_atomically, write_json, write_netcdf

Write = Callable[[Path, Path | None], None]

WRITERS: dict[str, Write] = {
    "bytes": lambda path, within: write_atomically(path, b"theirs", within=within),
    "JSON": lambda path, within: write_json(path, {"theirs": 1}, within=within),
    "netCDF": lambda path, within: write_netcdf(path, xr.Dataset({"theirs": 1}), within=within),
}


@pytest.fixture(params=WRITERS)
def write(request: pytest.FixtureRequest) -> Write:
    """Writes one kind of file."""
    return WRITERS[request.param]


def test_a_linked_folder_of_a_run_is_refused(tmp_path: Path, write: Write) -> None:
    """However the link gets there; what is outside stays as it is, and the message names the link and its end."""
    outside, run = tmp_path / "outside", tmp_path / "run"
    outside.mkdir()
    (outside / "a.x").write_text("mine")
    (run / "deep").mkdir(parents=True)
    (run / "report").symlink_to(outside)
    (run / "deep" / "figures").symlink_to("../report")
    for path, link in ((run / "report" / "a.x", "report"), (run / "deep" / "figures" / "a.x", "deep/figures")):
        with pytest.raises(
            InputError, match=rf"run/{link}: expected a folder of .*run, got a link to {outside}; .*remove"
        ):
            write(path, run)
    assert {p.name: p.read_text() for p in outside.iterdir()} == {"a.x": "mine"}


def test_a_linked_file_is_replaced_and_a_linked_run_is_written_to(tmp_path: Path, write: Write) -> None:
    """A user may put a whole run on another disk; then its files are there."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "precious").write_text("mine")
    run = tmp_path / "run"
    run.symlink_to(tmp_path / "disk")
    (run / "a.x").symlink_to(tmp_path / "precious")
    write(run / "a.x", run)
    write(run / "report" / "b.x", run)
    assert (tmp_path / "precious").read_text() == "mine"
    assert not (tmp_path / "disk" / "a.x").is_symlink()
    assert (tmp_path / "disk" / "report" / "b.x").stat().st_size > 0


def test_a_netcdf_file_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    """Values that the format cannot hold are found while the draft is written."""
    path = tmp_path / "a.nc"
    write_netcdf(path, xr.Dataset({"a": 1.0}))
    with pytest.raises((TypeError, ValueError)):
        write_netcdf(path, xr.Dataset({"b": ("x", np.array([{1}, {2}], dtype=object))}))
    with xr.open_dataset(path) as dataset:
        assert float(dataset["a"]) == 1.0
    assert [p.name for p in tmp_path.iterdir()] == ["a.nc"]


@pytest.mark.parametrize(
    ("stage", "linked"),
    [
        ("simulate", "data"),
        ("on_policy_1", "data"),
        ("evaluate", "evaluation"),
        ("report", "report/figures"),
        ("control", "report"),
    ],
)
def test_no_stage_begins_that_would_write_where_a_link_leads(tmp_path: Path, stage: str, linked: str) -> None:
    """Before hours of work, and before the first byte; stages that only read what is linked go on."""
    outside, run = tmp_path / "outside", tmp_path / "run"
    outside.mkdir()
    (run / linked).parent.mkdir(parents=True, exist_ok=True)
    (run / linked).symlink_to(outside)
    with (
        pytest.raises(InputError, match=rf"run/{linked}: expected a folder of .*run, got a link to {outside}"),
        Run(run).stage(stage),
    ):
        pytest.fail("it began")
    assert list(outside.iterdir()) == []
    if linked == "data":
        with Run(run).stage("train"):
            pass


def test_a_linked_lock_is_refused(tmp_path: Path) -> None:
    """Whatever the library that locks does about links."""
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").symlink_to(tmp_path / "precious")
    begun = Run(tmp_path / "run").stage("train")
    with (
        pytest.raises(InputError, match=r"run/\.lock: expected a file of this run, got a link to .*precious; remove"),
        begun,
    ):
        pytest.fail("it began")
    assert (tmp_path / "precious").read_text() == "mine"
