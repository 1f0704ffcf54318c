"""A stored result is used again only if it was made from the same."""

import json
from pathlib import Path

import pytest

from sciwm.benchmarks.cells import cached
from sciwm.reuse import description_of, digest_of, reusable


def read(path: Path) -> tuple[str, int]:
    content = json.loads(path.read_text())
    return content["key"], content["value"]


def test_a_description_does_not_depend_on_the_order_of_names() -> None:
    assert description_of({"a": 1, "b": [2.5, None]}) == description_of({"b": [2.5, None], "a": 1})
    assert description_of({"a": 1}) != description_of({"a": 2})


def test_a_digest_tells_parts_from_one_another() -> None:
    """The same bytes cut elsewhere, or in another order, are other parts."""
    digests = [digest_of(parts) for parts in ([b"ab", b"c"], [b"a", b"bc"], [b"c", b"ab"], [b"abc"], [])]
    assert len(set(digests)) == len(digests)
    assert digest_of([b"ab", b"c"]) == digests[0]


def test_only_a_result_of_the_same_key_is_used_again(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    assert reusable(path, "a", read) is None
    path.write_text('{"key": "a", "value": 3}')
    assert reusable(path, "a", read) == 3
    assert reusable(path, "b", read) is None


@pytest.mark.parametrize("content", ["", "half a fi", '{"value": 3}'])
def test_a_damaged_file_and_one_without_a_key_are_not_used(tmp_path: Path, content: str) -> None:
    path = tmp_path / "result.json"
    path.write_text(content)
    assert reusable(path, "a", read) is None
    assert cached(path, [b"a"], lambda: {"value": 4})["value"] == 4
    assert cached(path, [b"a"], lambda: pytest.fail("made again"))["value"] == 4
