"""Files of a run that tell whether they are as they were written, and folders that tell whether they are the same."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import netCDF4
import pytest
import xarray as xr

import sciwm.seals
from sciwm.cli.check_run import check_all, check_run
from sciwm.config import Config
from sciwm.config.yaml_files import load_run_config
from sciwm.data import Kind, formats, open_result
from sciwm.data.declared_sizes import Declared, require_sound_header
from sciwm.errors import InputError
from sciwm.experiment.origins import result_problems
from sciwm.model import read_description
from sciwm.run_folder import at_work_in, locked, require_no_special_files, require_same_folder
from sciwm.run_paths import RunPaths
from sciwm.sealed_json import from_json, read_sealed, sealed
from sciwm.seals import check_seals, read_seals, require_sealed, write_sealed, write_sealed_netcdf


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    """A run with some numbers and one result."""
    paths = RunPaths(tmp_path / "run")
    write_sealed(paths, paths.metrics, b'{"time": {}}')
    write_sealed_netcdf(paths, paths.result("scores"), xr.Dataset({"rmse": ("time", [0.25, 0.5])}))
    return paths


def told(paths: RunPaths, path: Path) -> str:
    with pytest.raises(InputError) as caught:
        require_sealed(paths, path, "write it anew")
    return str(caught.value)


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)


def test_every_flipped_bit_is_found(paths: RunPaths) -> None:
    path = paths.result("scores")
    content = path.read_bytes()
    for bit in range(0, 8 * len(content), 8 * len(content) // 100):
        path.write_bytes(flipped(content, bit))
        assert "got another content; it is damaged or was edited: delete it, and write it anew" in told(paths, path)
    path.write_bytes(content)
    assert require_sealed(paths, path, "")


def test_every_flipped_bit_of_the_seals_is_found(paths: RunPaths) -> None:
    """A changed name would turn a sealed file into one that nobody vouches for."""
    content = paths.seals.read_bytes()
    for bit in range(8 * len(content)):
        paths.seals.write_bytes(flipped(content, bit))
        with pytest.raises(InputError, match=r"seals\.json: .* delete it"):
            read_seals(paths)


def test_a_number_written_in_another_way_is_another_file(tmp_path: Path) -> None:
    """One bit makes 1E-05 of 1e-05, which is the same number."""
    path = tmp_path / "numbers.json"
    content = sealed({"value": 1e-05})
    path.write_bytes(content.replace(b"1e-05", b"1E-05"))
    assert from_json(path.read_bytes()) == from_json(content)
    with pytest.raises(InputError, match="another content"):
        read_sealed(path, "numbers", "")
    path.write_bytes(content)
    assert read_sealed(path, "numbers", "") == {"value": 1e-05}


def test_what_is_gone_and_what_is_empty_is_told(paths: RunPaths) -> None:
    paths.metrics.write_bytes(b"")
    assert "got an empty file; it is damaged" in told(paths, paths.metrics)
    paths.metrics.unlink()
    assert "expected a file that was written, got nothing there; write it anew" in told(paths, paths.metrics)
    paths.result("scores").write_bytes(b"half")
    with pytest.raises(InputError) as caught:
        check_seals(paths, lambda path: f"make {path.stem}")
    scores, metrics = caught.value.problems
    assert (scores.where, scores.remedy[-12:]) == (str(paths.result("scores")), " make scores")
    assert (metrics.where, metrics.remedy) == (str(paths.metrics), "make metrics")


def test_files_without_a_digest_are_taken_and_told(paths: RunPaths) -> None:
    """As those of an older version."""
    paths.history.write_text("{}")
    assert not require_sealed(paths, paths.history, "")
    said = check_seals(paths, str)
    assert "2 files of numbers and results as they were written" in said
    assert said.endswith("; unverified, as they have no digest: metrics.jsonl")
    paths.seals.unlink()
    assert "unverified, as they have no digest: metrics.jsonl, evaluation/scores.nc" in check_seals(paths, str)


@pytest.mark.parametrize("first", [True, False], ids=["a new file", "a file that is replaced"])
@pytest.mark.parametrize("stopped_in", ["write_atomically", "_confirm"])
def test_a_stop_between_file_and_digest_leaves_a_whole_state(
    paths: RunPaths, monkeypatch: pytest.MonkeyPatch, first: bool, stopped_in: str
) -> None:
    """The file before it, or the new one; and nothing else is taken for right."""
    path, whole = (paths.history if first else paths.metrics), sciwm.seals.write_atomically

    def write(where: Path, content: bytes, *, within: Path) -> None:
        if where == path:
            raise KeyboardInterrupt
        whole(where, content, within=within)

    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    before = path.read_bytes() if path.exists() else b""
    monkeypatch.setattr(sciwm.seals, stopped_in, write if stopped_in == "write_atomically" else stop)
    with pytest.raises(KeyboardInterrupt):
        write_sealed(paths, path, b"new")
    monkeypatch.undo()
    assert (path.read_bytes() if path.exists() else b"") == (before if stopped_in == "write_atomically" else b"new")
    assert require_sealed(paths, path, "")
    path.write_bytes(b"other")
    assert "another content" in told(paths, path)
    path.write_bytes(b"new")
    write_sealed(paths, path, b"newest")
    assert len(read_seals(paths).files[path.relative_to(paths.folder).as_posix()]) == 1


def test_a_renamed_folder_is_not_made_anew(paths: RunPaths) -> None:
    with at_work_in(paths.folder):
        paths.folder.rename(paths.folder.with_name("renamed"))
        for write in (
            lambda: write_sealed(paths, paths.metrics, b"{}"),
            lambda: write_sealed_netcdf(paths, paths.controlled, xr.Dataset()),
        ):
            with pytest.raises(InputError, match="expected the run folder in which this command began, got nothing"):
                write()
    assert not paths.folder.exists()


def test_another_folder_of_the_same_name_is_told(paths: RunPaths) -> None:
    """As of a new run under the name that the old one had."""
    with at_work_in(paths.folder), at_work_in(paths.folder):
        paths.folder.rename(paths.folder.with_name("renamed"))
        shutil.copytree(paths.folder.with_name("renamed"), paths.folder)
        with pytest.raises(InputError, match="got another folder of that name"):
            require_same_folder(paths.folder)
    require_same_folder(paths.folder)  # no command is at work in it
    assert os.listdir(paths.folder)


def test_seals_name_files_of_the_run_alone(paths: RunPaths) -> None:
    """Whoever gives a run away can seal any name: none may lead to a device, or have a file of others deleted."""
    content = read_sealed(paths.seals, "", "")
    for name in ("/dev/zero", "../others.nc", "evaluation/../../others.nc"):
        paths.seals.write_bytes(sealed(content | {"files": content["files"] | {name: ["0"]}}))
        with pytest.raises(InputError, match=rf"expected names of files in the run, got '{name}'; delete it"):
            read_seals(paths)


def test_nothing_of_a_run_is_waited_for_without_end(paths: RunPaths) -> None:
    """Pipes and devices, also behind links, and in stores and places that links lead to."""
    elsewhere = paths.folder.with_name("elsewhere")
    elsewhere.mkdir()
    paths.data.mkdir()
    paths.store("train").symlink_to(elsewhere)
    (paths.folder / "nowhere").symlink_to("nothing")
    require_no_special_files(paths)
    places = (paths.seals, paths.weights, paths.result("pipe"), paths.data / "train.done" / "0.json", elsewhere / "c")
    for place in places:
        place.parent.mkdir(exist_ok=True)
        kept = place.rename(paths.folder.with_name("kept")) if place.exists() else None
        os.mkfifo(place)
        with pytest.raises(InputError, match=rf"{place.name}: expected a file of this run, got a pipe; remove it"):
            require_no_special_files(paths)
        place.unlink()
        place.symlink_to("/dev/zero")
        with pytest.raises(InputError, match=rf"{place.name}: expected a file of this run, got a device"):
            require_no_special_files(paths)
        place.unlink()
        if kept is not None:
            kept.rename(place)


@pytest.mark.parametrize("read", [load_run_config, lambda paths: read_description(paths.folder)])
def test_runs_are_looked_through_before_they_are_read(paths: RunPaths, read: Callable[[RunPaths], object]) -> None:
    paths.config.write_text("name: demo")
    paths.description.write_text("{}")
    os.mkfifo(paths.train_state)
    with pytest.raises(InputError, match="got a pipe"):
        read(paths)
    with pytest.raises(InputError, match="got a pipe"), locked(paths, "simulate"):
        pass
    with pytest.raises(InputError, match="got a pipe"):
        check_run(paths.folder, lambda path: load_run_config(paths))


def test_results_that_others_put_there_are_opened_with_a_bound(
    paths: RunPaths, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever opens them; what is sealed needs no process of its own."""
    asked: list[Path] = []

    def remember(path: Path, kind: Kind) -> Declared:
        asked.append(path)
        return require_sound_header(path, kind)

    monkeypatch.setattr(formats, "require_sound_header", remember)
    own, foreign = paths.result("scores"), paths.result("rollouts")
    with open_result(paths, own) as result:
        assert "rmse" in result
    assert not asked
    with netCDF4.Dataset(foreign, "w") as file:
        file.createDimension("x", 10**12)
        file.createVariable("u", "f8", ("x",), chunksizes=(1000,))
    for look in (
        lambda: open_result(paths, foreign),
        lambda: check_all([c for c in check_run(paths.folder, load_run_config) if "_check_result" in str(c)]),
    ):
        with pytest.raises(InputError, match="a header that declares 8 TB of values in"):
            look()
    asked.clear()
    metrics = {"rollout": {"nrmse": [1.0]}}
    assert result_problems(paths, config, metrics, digest="") == []  # whoever reads it tells
    assert asked == [foreign]
