"""What a loss of power, a damaged disk or somebody's links do to a store, and that other rows do not pay for it."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import zarr
from cases.case import Case

from simulations import safe_files
from simulations.generate import Recipe, generate
from simulations.resumable_store import StoreError, digest_of
from simulations.store import TrajectoryStore
from simulations.store_seal import damaged_layout, markers_of, seal_of

RECIPE = Recipe(simulations=3, intervals=2, warm_up=0, share_unforced=0.0, batch=2)

Again = Callable[[Path], TrajectoryStore]


@pytest.fixture(scope="module")
def again(cases: Mapping[str, Case]) -> Again:
    """Writes what the store at a path lacks."""
    small = cases["kuramoto_sivashinsky"].coarse()
    simulation, settings = small.build(), dict(small.settings)
    return lambda path: generate(simulation, RECIPE, path, settings=settings)


@pytest.fixture(scope="module")
def whole(again: Again, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished store, to be copied."""
    return again(tmp_path_factory.mktemp("whole") / "a.zarr").path


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    for folder in (whole, markers_of(whole)):
        shutil.copytree(folder, tmp_path / folder.name)
    return tmp_path / whole.name


def files(path: Path) -> Iterator[Path]:
    """Every file of a store and of its markers, relative to the folder that they are in."""
    for folder in (path, markers_of(path)):
        yield from sorted(p.relative_to(path.parent) for p in folder.rglob("*") if p.is_file())


def every_byte(path: Path) -> dict[Path, bytes]:
    assert {p.name for p in path.parent.iterdir()} == {path.name, markers_of(path).name}
    return {name: (path.parent / name).read_bytes() for name in files(path)}


def row_of(name: Path) -> int | None:
    """The row that a file belongs to; None for files of the layout."""
    part = name.parts[3] if name.parts[2:3] == ("c",) else name.stem
    return int(part) if part.isdigit() and (name.parts[0].endswith(".done") or name.parts[1] in WITH_ROWS) else None


WITH_ROWS = {"u", "action", "failure_time", "status"} | {
    f"{name}{part}" for name in ("mass", "energy") for part in ("", "_source", "_output")
}


def empty(file: Path) -> None:
    file.write_bytes(b"")


# Mended ---------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.* damaged")
@pytest.mark.parametrize("lose", [empty, Path.unlink])
def test_whatever_file_is_lost_the_same_bytes_are_there_again(
    again: Again, whole: Path, path: Path, lose: Callable[[Path], None]
) -> None:
    """Metadata, coordinates, bounds, values, markers, the seal: one after the other; files of other rows stay."""
    before = every_byte(path)
    names = [name for name in before if row_of(name) in (None, 1)]
    assert len(names) > 30
    for name in names if lose is empty else names[::3]:
        lose(path.parent / name)
        stamps = {other: (path.parent / other).stat().st_mtime_ns for other in before if other != name}
        again(path)
        assert every_byte(path) == before, name
        changed = {other for other, stamp in stamps.items() if (path.parent / other).stat().st_mtime_ns != stamp}
        assert {row_of(other) for other in changed} <= {row_of(name)}, name


def test_what_is_mended_is_told(again: Again, path: Path) -> None:
    """What was damaged on the disk, and not what was merely not finished."""
    (path / "action_high" / "c" / "0").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"a\.zarr: restored action_high/c/0, which had been damaged"):
        again(path)
    (path / "energy" / "c" / "1" / "0").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"a\.zarr: simulations \[1\] are damaged and are computed again"):
        again(path)
    (markers_of(path) / "2.json").write_bytes(b"")
    again(path)


def test_a_torn_marker_costs_its_row_alone(path: Path) -> None:
    """It marks nothing, whatever is left of it; no word of the others is lost."""
    for content in ("", "{", "null", "{}", '{"sha256": 1}'):
        (markers_of(path) / "1.json").write_text(content)
        store = TrajectoryStore(path)
        assert store.missing() == [1], content
        assert store.causes() == []


# Told -----------------------------------------------------------------------------------------


def test_what_cannot_be_mended_is_named(again: Again, path: Path) -> None:
    """Damage in a store that other settings, or an older version, laid out; an array that was added; no seal."""
    root = path / "zarr.json"
    tree = json.loads(root.read_text())
    tree["attributes"]["history"] = "written by an older version"
    root.write_text(json.dumps(tree))
    seal = seal_of(path).read_text()
    sealed = {line.split()[1]: line for line in seal.splitlines()}
    older = seal.replace(sealed["zarr.json"], f"{hashlib.sha256(root.read_bytes()).hexdigest()}  zarr.json")
    seal_of(path).write_text(older)
    assert damaged_layout(path) == []
    again(path)  # another layout than today's, as it was written
    before = every_byte(path)
    cut = root.read_bytes()[:-9]
    root.write_bytes(cut)
    with pytest.raises(
        StoreError, match=r"a\.zarr: expected what was written, .* found others in zarr\.json\. Restore"
    ):
        again(path)
    assert every_byte(path) == before | {Path("a.zarr/zarr.json"): cut}
    root.write_bytes(before[Path("a.zarr/zarr.json")])
    seal_of(path).unlink()
    with pytest.raises(StoreError, match=r"expected .*layout\.sha256 with .*, found none .* have in zarr\.json"):
        again(path)
    seal_of(path).write_text(older)
    zarr.open_group(path).create_array("extra", shape=(2,), dtype="f4")
    with pytest.raises(StoreError, match=r"found others in extra/zarr\.json"):
        again(path)


def test_values_without_markers_are_nobodys_and_left_alone(again: Again, path: Path) -> None:
    """They may be another solver's: they are neither taken for our own nor computed anew, and nothing seals them."""
    shutil.rmtree(markers_of(path))
    before = {p: p.read_bytes() for p in path.rglob("*") if p.is_file()}
    for _ in range(2):
        with pytest.raises(StoreError, match=r"found values without their markers in .*a\.done"):
            again(path)
    assert {p: p.read_bytes() for p in path.parent.rglob("*") if p.is_file()} == before


# How it is sealed -----------------------------------------------------------------------------


def test_every_chunk_ends_in_its_checksum(path: Path) -> None:
    """CRC-32C by its definition (RFC 3720): polynomial 0x1EDC6F41, bits reflected, in four bytes, lowest first."""

    def crc32c(content: bytes) -> int:
        value = 0xFFFFFFFF
        for byte in content:
            value ^= byte
            for _ in range(8):
                value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        return value ^ 0xFFFFFFFF

    assert crc32c(b"123456789") == 0xE3069283  # the check value of the catalogue of CRC algorithms
    chunks = [p for p in path.rglob("*") if p.is_file() and p.name != "zarr.json"]
    assert len(chunks) > 30
    for chunk in chunks:
        content = chunk.read_bytes()
        assert int.from_bytes(content[-4:], "little") == crc32c(content[:-4]), chunk


def test_the_seal_is_that_of_every_file_beside_the_rows(path: Path) -> None:
    """As ``sha256sum`` would write it; with the markers it seals every file of the store."""
    names = [name.relative_to("a.zarr") for name in files(path) if name.parts[0] == "a.zarr" and row_of(name) is None]
    lines = [f"{hashlib.sha256((path / name).read_bytes()).hexdigest()}  {name}" for name in names]
    assert seal_of(path).read_text().splitlines() == lines
    told = {name for name in map(str, names) if "/c/" in name}
    assert told == {f"{n}/c/0" for n in ("action_high", "action_low", "actuator", "simulation", "time", "x")} | {
        "actuator_shape/c/0/0"
    }


def test_the_digest_of_a_store_is_that_of_rows_and_layout(path: Path) -> None:
    """Name and content of every marker, then of the seal; without a seal the digest of older versions."""
    parts = [(f"{i}.json", (markers_of(path) / f"{i}.json").read_bytes()) for i in range(3)]
    older = hashlib.sha256(b"".join(name.encode() + content for name, content in parts)).hexdigest()
    parts.append(("layout.sha256", seal_of(path).read_bytes()))
    assert digest_of(path) == hashlib.sha256(b"".join(name.encode() + content for name, content in parts)).hexdigest()
    seal_of(path).unlink()
    assert digest_of(path) == older


def test_the_cause_of_a_blow_up_is_sealed_and_older_markers_are_not_refused(
    cases: Mapping[str, Case], tmp_path: Path
) -> None:
    """The digest of a failed row covers values and cause; that of older versions covers the values alone."""
    small = cases["kuramoto_sivashinsky"].coarse()
    recipe = Recipe(simulations=4, intervals=5, warm_up=0, share_transient=1.0, amplitude=1e7, smallest_amplitude=1e6)
    store = generate(small.build(), recipe, tmp_path / "a.zarr", settings=dict(small.settings))
    (failed, *_) = np.flatnonzero(np.asarray(zarr.open_group(store.path)["status"]) == 2)
    marker = markers_of(store.path) / f"{failed}.json"
    written = json.loads(marker.read_text())
    marker.write_text(json.dumps(written | {"cause": written["cause"] + "?"}))
    assert store.verify() == store.verify([int(failed)]) == [failed]
    digest, group = hashlib.sha256(), zarr.open_group(store.path, mode="r")
    for name in sorted(WITH_ROWS):
        digest.update(np.asarray(group[name][int(failed)]).tobytes())
    marker.write_text(json.dumps(written | {"sha256": digest.hexdigest()}))
    assert store.verify() == []


# When it is on the disk -----------------------------------------------------------------------


def test_a_marker_is_written_when_its_row_is_on_the_disk(
    again: Again, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a marker gets its name, every chunk of its row, and every folder on the way to it, has been flushed.

    So has the whole layout before the store gets its name. A file that changed after its flush does not count.
    """
    path, flushed, named = tmp_path / "a.zarr", {}, []
    fsync, replace = os.fsync, os.replace

    def flush(descriptor: int) -> None:
        fsync(descriptor)
        status = os.fstat(descriptor)
        flushed[status.st_ino] = status.st_mtime_ns

    def on_the_disk(place: Path) -> bool:
        return flushed.get(place.stat().st_ino) == place.stat().st_mtime_ns

    def rename(old: Path, new: Path) -> None:
        if Path(old).suffix == ".partial":  # of zarr, whose chunks are flushed later
            return replace(old, new)
        named.append(Path(new).name)
        wanted = [p for p in Path(old).rglob("*")] if new == path else []
        if Path(new).suffix == ".json" and Path(new).parent == markers_of(path):
            row = int(Path(new).stem)
            chunks = [path.parent / name for name in files(path) if row_of(name) == row and name.parts[0] == "a.zarr"]
            assert len(chunks) >= 9
            wanted += [place for chunk in chunks for place in (chunk, *chunk.parents) if place.is_relative_to(path)]
        assert [place for place in {*wanted, Path(old)} if not on_the_disk(place)] == []
        return replace(old, new)

    monkeypatch.setattr(safe_files.os, "fsync", flush)
    monkeypatch.setattr(safe_files.os, "replace", rename)
    again(path)
    assert [named[:2], sorted(named[2:4]), named[4:]] == [["layout.sha256", "a.zarr"], ["0.json", "1.json"], ["2.json"]]
    assert all(on_the_disk(folder) for folder in (path.parent, markers_of(path)))


# Links ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("linked", ["a.zarr", "a.done", "a.zarr/u/c", "a.zarr/u/c/1", "a.zarr/status"])
def test_nothing_is_written_or_removed_where_a_link_leads(again: Again, path: Path, linked: str) -> None:
    """A whole store may be read through links; to what one lacks nothing is added, and the link is named."""
    outside = path.parent / "outside"
    shutil.move(path.parent / linked, outside)
    (path.parent / linked).symlink_to(outside)
    folder = outside / {"a.zarr": "u/c", "a.zarr/status": "c"}.get(linked, "")
    (folder / "kept.partial").touch()
    again(path)
    (markers_of(path) / "1.json").unlink()
    before = {p: p.read_bytes() for p in outside.rglob("*") if p.is_file()}
    with pytest.raises(StoreError, match=rf"{linked}: expected a folder to write to, found a link to {outside}\. Rem"):
        again(path)
    assert {p: p.read_bytes() for p in outside.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("linked", ["a.zarr", "a.done"])
def test_a_new_store_is_not_laid_out_where_a_link_leads(again: Again, tmp_path: Path, linked: str) -> None:
    """Not even a dangling one; what is outside stays."""
    outside = tmp_path / "outside"
    (tmp_path / linked).symlink_to(outside / "nowhere" if linked == "a.zarr" else outside)
    outside.mkdir()
    (outside / "kept").touch()
    with pytest.raises(StoreError, match=rf"{linked}: expected a folder to write to, found a link"):
        again(tmp_path / "a.zarr")
    assert [p.name for p in outside.rglob("*")] == ["kept"]


def test_pipes_in_the_place_of_markers_and_seals_are_not_waited_for(path: Path) -> None:
    """A pipe marks nothing and seals nothing: reading it would wait for ever."""
    for place in (markers_of(path) / "1.json", seal_of(path)):
        place.unlink()
        os.mkfifo(place)
    assert TrajectoryStore(path).missing() == [1]
    assert damaged_layout(path) is None
    assert len(digest_of(path)) == 64
