"""Configurations as editors and attackers write them."""

import os
from pathlib import Path

import pytest
import yaml

from sciwm.config import load_config
from sciwm.config.yaml_text import DEEPEST, LARGEST, MOST_ALIASES, parse_yaml
from sciwm.errors import InputError

SHIPPED = Path(__file__).parents[2] / "configs" / "ks_control_quick.yaml"


def told(path: Path) -> str:
    """What loading complains about."""
    with pytest.raises(InputError) as caught:
        load_config(path)
    return str(caught.value)


@pytest.mark.parametrize(
    "encoded",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-be").join([b"\xfe\xff", b""]),
        lambda text: text.replace("\n", "\r\n").encode(),
    ],
    ids=["byte order mark", "UTF-16", "UTF-16 big endian", "CRLF"],
)
def test_encodings_of_windows_are_read_as_the_same(encoded: object, tmp_path: Path) -> None:
    path = tmp_path / "copy.yaml"
    path.write_bytes(encoded(SHIPPED.read_text()))  # type: ignore[operator]
    assert load_config(path) == load_config(SHIPPED)


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"name: a\nseed: 1  # f\xfcr\n", ["the byte 0xfc in line 2", "save it as UTF-8"]),
        (b"name: a\ntraining:\n\tupdates: 3\n", ["indented by spaces, got a tab at line 3", "put spaces"]),
        (b"name: !!python/name:os.system\n", ["the tag 'tag:yaml.org,2002:python/name:os.system'", "no objects"]),
        (b"name: !mine {a: 1}\n", ["the tag '!mine'"]),
        (b"name: " + b"[" * 5000, [f"more than {DEEPEST} sections and lists inside each other at line 1, column 38"]),
        (b"a: 1\n" * 2 + b"b: 2\n", ["the key 'a' twice"]),
        (b"#" * (LARGEST + 1), [f"of at most {LARGEST} bytes, got a larger file"]),
    ],
)
def test_what_is_no_configuration_says_where(content: bytes, parts: list[str], tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    message = told(path)
    assert message.startswith(f"{path}: expected ")
    for part in parts:
        assert part in message


def test_a_nest_of_aliases_is_refused_before_it_is_unfolded(tmp_path: Path) -> None:
    """Nine of each of nine: 430 bytes that stand for more than 10^8 values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    path = tmp_path / "nest.yaml"
    path.write_text("\n".join(lines))
    assert f"more than {MOST_ALIASES} aliases at line 3" in told(path)
    assert parse_yaml("a: &a [1, 2]\nb: *a\n", where="here") == {"a": [1, 2], "b": [1, 2]}


def test_as_many_keys_as_fit_are_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every section is made once, and not all keys are compared with all others: problems end after some."""
    path = tmp_path / "many.yaml"
    path.write_text("".join(f"k{i}: 1\n" for i in range(6500)))
    assert path.stat().st_size < LARGEST
    lines = told(path).splitlines()
    assert len(lines) == 43  # 40, the two sections that data come from, and how many more
    assert lines[-1].endswith("problems more; mend these first")


def test_numbers_and_the_same_data_as_by_the_loader_of_yaml() -> None:
    """Both parsers, in C and in Python, give what the library gives, but for numbers such as 3e-4."""
    text = SHIPPED.read_text()
    assert parse_yaml(text, where="here") == yaml.safe_load(text)
    assert parse_yaml("a: 3e-4\nb: 1_000\nc: yes\n", where="here") == {"a": 3e-4, "b": 1000, "c": True}


def test_special_files_are_refused_at_once(tmp_path: Path) -> None:
    """A pipe that nobody writes to would be waited for without end; zeros never end."""
    pipe, zeros = tmp_path / "pipe.yaml", tmp_path / "zeros.yaml"
    os.mkfifo(pipe)
    zeros.symlink_to("/dev/zero")
    assert "expected a readable YAML file, got a pipe; name a file" in told(pipe)
    assert "got a device" in told(zeros)
    assert "Is a directory" in told(tmp_path)


def test_a_key_with_the_name_of_a_kind_is_a_key(tmp_path: Path) -> None:
    """``cem`` names a kind of planner, but only in the place of one."""
    path = tmp_path / "kinds.yaml"
    text = SHIPPED.read_text()
    path.write_text(text + "\ncem: {samples: 4}\n")
    assert f"{path}: cem: expected a known key, got unknown key 'cem'; known keys: name, " in told(path)
    path.write_text(text.replace("training:", "training:\n  gradient: {kind: x}"))
    assert f"{path}: training.gradient: expected a known key, got unknown key 'gradient'; " in told(path)


def test_a_guess_is_made_only_where_it_is_likely(tmp_path: Path) -> None:
    path = tmp_path / "guess.yaml"
    path.write_text(SHIPPED.read_text())
    with pytest.raises(InputError, match="unknown key 'iteration_count'") as caught:
        load_config(path, ["control.oracle_cem.iteration_count=3"])
    assert "did you mean" not in str(caught.value)
    with pytest.raises(InputError, match="did you mean 'iterations'"):
        load_config(path, ["control.oracle_cem.iteratons=3"])
