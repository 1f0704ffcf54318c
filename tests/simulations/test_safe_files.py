"""Files that appear whole or not at all, and never where a link leads."""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from simulations import safe_files
from simulations.safe_files import draft_beside, leads_out, make_folder, sweep_drafts, write_atomically


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is flushed and renamed, in order; a flush is named by the file that it reaches."""
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def flush(descriptor: int) -> None:
        done.append(f"flush {Path(os.readlink(f'/proc/self/fd/{descriptor}')).name}")
        fsync(descriptor)

    def rename(old: Path, new: Path) -> None:
        done.append(f"rename {Path(new).name}")
        replace(old, new)

    monkeypatch.setattr(safe_files.os, "fsync", flush)
    monkeypatch.setattr(safe_files.os, "replace", rename)
    return done


def test_a_file_takes_its_place_when_it_is_on_the_disk_and_then_its_name_is(tmp_path: Path, flushed: list[str]) -> None:
    """Content, then the new name, then the folder that holds the name: no moment at which power may not fail."""
    write_atomically(tmp_path / "new" / "a.json", b"{}")
    draft = flushed.pop(1)
    assert draft.startswith("flush .a.json.")
    assert draft.endswith(".draft")
    assert flushed == [f"flush {tmp_path.name}", "rename a.json", "flush new"]
    assert (tmp_path / "new" / "a.json").read_bytes() == b"{}"
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.json"]


def test_a_folder_takes_its_place_with_everything_in_it_on_the_disk(tmp_path: Path, flushed: list[str]) -> None:
    """All that is in it, in any order, as nobody sees it before it has its name."""
    with draft_beside(tmp_path / "a.zarr", folder=True) as draft:
        (draft / "u").mkdir()
        (draft / "u" / "zarr.json").write_bytes(b"{}")
    assert set(flushed[:3]) == {"flush zarr.json", "flush u", f"flush {draft.name}"}
    assert flushed[3:] == ["rename a.zarr", f"flush {tmp_path.name}"]


def test_drafts_cannot_be_guessed_and_links_are_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link at the place is replaced; one at the very name of the draft stops the writing, and is not followed."""
    outside = tmp_path / "precious"
    outside.write_text("mine")
    place = tmp_path / "a.json"
    place.symlink_to(outside)
    names = set()
    for _ in range(3):
        with draft_beside(place) as draft:
            names.add(draft.name)
    assert len(names) == 3
    assert not place.is_symlink()
    monkeypatch.setattr(safe_files.secrets, "token_hex", lambda n: "0" * (2 * n))
    (tmp_path / f".a.json.{'0' * 16}.draft").symlink_to(outside)
    with pytest.raises(FileExistsError):
        write_atomically(place, b"theirs")
    assert outside.read_text() == "mine"


def test_what_fails_changes_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    """A file, a folder, and a folder in whose place another one with something in it stands."""
    (tmp_path / "a").write_text("before")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "kept").touch()
    for name, folder in (("a", False), ("c", True)):
        with pytest.raises(RuntimeError), draft_beside(tmp_path / name, folder=folder):
            raise RuntimeError
    with pytest.raises(OSError), draft_beside(tmp_path / "b", folder=True):
        pass
    assert (tmp_path / "a").read_text() == "before"
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")) == ["a", "b", "b/kept"]


def test_files_are_as_open_to_others_as_any_other_file(tmp_path: Path) -> None:
    """By the mask of the process, and not for the owner alone as temporary files are."""
    (tmp_path / "plain").touch()
    write_atomically(tmp_path / "safe", b"")
    assert stat.S_IMODE((tmp_path / "safe").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


@pytest.mark.parametrize("name", ["n" * 255, "ä" * 127, "[a-z]*.json", "new\nline"])
def test_any_name_has_a_draft(tmp_path: Path, name: str) -> None:
    """As long as a file system allows, and with characters that mean something in patterns."""
    write_atomically(tmp_path / name, b"1")
    assert (tmp_path / name).read_bytes() == b"1"
    (tmp_path / f".{name[:50]}.{'a' * 16}.draft").touch()
    sweep_drafts(tmp_path, name)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_remains_are_swept_and_nothing_else(tmp_path: Path) -> None:
    """Drafts of the name that is asked for, or all; a link is removed without what it leads to."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    folder = tmp_path / "folder"
    folder.mkdir()
    drafts = [f".{name}.{'0123456789abcdef'}.draft" for name in ("a", "b", "c")]
    (folder / drafts[0]).mkdir()
    (folder / drafts[0] / "half").touch()
    (folder / drafts[1]).symlink_to(outside)
    others = [".a.draft", "a.0123456789abcdef.draft", ".a.0123456789abcdef.draft.nc", drafts[2]]
    for name in others:
        (folder / name).touch()
    for name in ("a", "b"):
        sweep_drafts(folder, name)
    assert {p.name for p in folder.iterdir()} == set(others)
    sweep_drafts(folder)
    assert {p.name for p in folder.iterdir()} == set(others) - {drafts[2]}
    assert (outside / "kept").exists()
    sweep_drafts(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("lay", "out"),
    [
        (lambda run, outside: (run / "report").mkdir(), False),
        (lambda run, outside: None, False),
        (lambda run, outside: (run / "report").symlink_to(outside), True),
        (lambda run, outside: (run / "report").symlink_to(outside / "nowhere"), True),
        (lambda run, outside: ((run / "own").mkdir(), (run / "report").symlink_to("own")), False),
        (lambda run, outside: (run / "report").symlink_to(".."), True),
    ],
    ids=["a folder", "nothing", "a link", "a dangling link", "a link inside", "a link upward"],
)
def test_links_that_lead_out_are_known(tmp_path: Path, lay: Callable[[Path, Path], object], out: bool) -> None:
    """The folder itself may be a link, as it is the user who names it."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "disk").mkdir()
    run = tmp_path / "run"
    run.symlink_to(tmp_path / "disk")
    lay(run, tmp_path / "outside")
    assert leads_out(run / "report" / "metrics.json", run) == out
    assert not leads_out(run / "metrics.jsonl", run)


def test_new_folders_are_flushed_into_the_one_above(tmp_path: Path, flushed: list[str]) -> None:
    make_folder(tmp_path / "a" / "b")
    assert flushed == ["flush a", f"flush {tmp_path.name}"]
    make_folder(tmp_path / "a" / "b")
    assert len(flushed) == 2


def test_a_folder_that_others_still_write_to_is_removed_when_they_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first tries find a file that has come meanwhile."""
    folder = tmp_path / "draft"
    folder.mkdir()
    tries = []

    def rmtree(path: Path) -> None:
        tries.append(path)
        if len(tries) < 3:
            raise OSError(errno.ENOTEMPTY, "Directory not empty", str(path))
        path.rmdir()

    monkeypatch.setattr(safe_files.shutil, "rmtree", rmtree)
    monkeypatch.setattr(safe_files, "WAIT", 0.0)
    safe_files.remove(folder)
    assert len(tries) == 3
    assert not folder.exists()
