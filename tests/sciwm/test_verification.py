"""One flipped bit anywhere in a store is noticed before anything is made of it, and no more is read than is used."""

import random
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import xarray as xr
from cases.case import Case
from zarr.storage import LocalStore

from sciwm.cli.check import check
from sciwm.cli.describe import describe
from sciwm.data import Trajectories, require_as_written, require_layout
from sciwm.errors import InputError
from sciwm.experiment.run import Run
from simulations.generate import Recipe, generate
from simulations.store_seal import markers_of, seal_of


@pytest.fixture(scope="module")
def whole(cases: Mapping[str, Case], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The training set of a run, to be copied."""
    small, path = cases["kuramoto_sivashinsky"].coarse(), tmp_path_factory.mktemp("run") / "data" / "train.zarr"
    recipe = Recipe(simulations=3, intervals=2, warm_up=0)
    return generate(small.build(), recipe, path, settings=dict(small.settings)).path


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    shutil.copytree(whole.parent, tmp_path / "data")
    return tmp_path / "data" / whole.name


def test_a_flipped_bit_is_noticed_wherever_it_is(path: Path) -> None:
    """In every file of the layout and of the rows, in markers and in the seal; the message names file or row."""
    require_as_written(path)
    places, sealed = random.Random(0), seal_of(path).read_text().split()  # noqa: S311
    files = [p for p in sorted(path.parent.rglob("*")) if p.is_file()]
    assert len(files) > 50
    for file in files:
        content = file.read_bytes()
        place = places.randrange(len(content))
        file.write_bytes(content[:place] + bytes([content[place] ^ 1 << places.randrange(8)]) + content[place + 1 :])
        with pytest.raises(InputError) as told:
            require_as_written(path)
        name = str(file.relative_to(path)) if file.is_relative_to(path) else file.name
        row = name.split("/")[2] if "/c/" in name else file.stem
        named = str(file) if name in sealed else f"simulations [{row}]" if row.isdigit() else seal_of(path).name
        assert named in str(told.value), (file, place)
        assert "sciwm simulate" in str(told.value)
        file.write_bytes(content)
    require_as_written(path)


@pytest.mark.parametrize("name", ["action_high/c/0", "x/c/0", "actuator_shape/c/0/0", "u/zarr.json", "zarr.json"])
def test_check_and_the_stages_refuse_another_bound_grid_or_attribute(path: Path, name: str) -> None:
    """A value, a unit or a name that somebody, or a disk, has changed."""
    run = Run(path.parents[1])
    assert run.trajectories("train").intervals == 2
    assert check(path) == [f"{path}: a store of trajectories, 3 ok, as they were written"]
    content = (path / name).read_bytes()
    (path / name).write_bytes(
        content.replace(b'"1"', b'"m"').replace(b"CF-", b"cf-") if name.endswith(".json") else content[:-1] + b"?"
    )
    for look in (lambda: check(path), lambda: run.trajectories("train")):
        with pytest.raises(
            InputError, match=rf"train\.zarr/{name}: expected what was written, by the sha256 in .*, got"
        ):
            look()


def test_only_the_rows_that_are_asked_for_are_compared(path: Path) -> None:
    """A forecast of one simulation needs no other; the layout is compared in any case."""
    chunk = path / "u" / "c" / "2" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:-1])
    require_as_written(path, [0, 1])
    with pytest.raises(InputError, match=r"others in simulations \[2\]; give 'sciwm simulate"):
        require_as_written(path, [2])
    (path / "time" / "c" / "0").unlink()
    for rows in (None, [0]):
        with pytest.raises(InputError, match=r"time/c/0: expected what was written, .* got nothing there"):
            require_as_written(path, rows)


def test_a_lost_seal_is_told(path: Path) -> None:
    """Emptied or gone; what it sealed cannot be told to be right."""
    for lose in (lambda: seal_of(path).write_bytes(b""), lambda: seal_of(path).unlink()):
        lose()
        for look in (require_as_written, require_layout, check):
            with pytest.raises(
                InputError, match=r"layout\.sha256: expected the sha256 of .*, got none .*; give 'sciwm s"
            ):
                look(path)


def test_stores_of_before_they_were_sealed_are_read_and_told(path: Path) -> None:
    """Without checksums and without a seal: rows are compared by their markers, and the rest is told as unverified."""
    with xr.open_zarr(path, consolidated=False, decode_times=False) as dataset:
        older = dataset.load().drop_encoding()
    shutil.rmtree(path)
    seal_of(path).unlink()
    older.to_zarr(path, consolidated=False, zarr_format=3)
    assert Run(path.parents[1]).trajectories("train").intervals == 2
    (line,) = check(path)
    assert "3 ok, as they were written; coordinates, bounds and attributes unverified" in line
    shutil.rmtree(path / "u" / "c")
    with pytest.raises(InputError, match=r"others in simulations \[0, 1, 2\]"):
        require_as_written(path)


def test_nothing_is_asked_of_others(path: Path, tmp_path: Path) -> None:
    """A store without markers, a netCDF file, and nothing at all."""
    shutil.rmtree(markers_of(path))
    (path / "time" / "c" / "0").unlink()
    (tmp_path / "a.nc").touch()
    for other in (path, tmp_path / "a.nc", tmp_path / "nowhere.zarr"):
        require_as_written(other)


def test_no_more_is_read_than_is_used(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening, describing and verifying one row leave the fields of all others where they are."""
    read: list[str] = []
    get = LocalStore.get

    async def counted(self: LocalStore, key: str, *arguments: object, **options: object) -> object:
        read.append(f"{self.root.name}/{key}" if self.root != path else key)
        return await get(self, key, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(LocalStore, "get", counted)

    def fields(look: Callable[[Path], object]) -> set[str]:
        read.clear()
        look(path)
        assert read
        return {key for key in read if "u/c/" in key}

    assert fields(Trajectories) == fields(describe) == set()
    assert fields(lambda path: require_as_written(path, [1])) == {"u/c/1/0/0"}
