"""Errors that can be acted on."""

import pytest

from sciwm.errors import InputError, Problem, counted, shown


def test_problem_reads_as_a_sentence() -> None:
    assert str(Problem("a.yaml: seed", "an integer", "'x'")) == "a.yaml: seed: expected an integer, got 'x'"
    assert str(Problem("u", "finite values", "3 nan", "drop them")).endswith("; drop them")


def test_one_thing_is_singular() -> None:
    assert [counted(n, "value") for n in (0, 1, 2)] == ["0 values", "1 value", "2 values"]
    assert counted(1, "that is not", "that are not") == "1 that is not"


def test_all_problems_are_kept_one_per_line() -> None:
    problems = [Problem("a", "b", "c"), Problem("d", "e", "f", "g")]
    with pytest.raises(ValueError, match="a: expected b, got c\nd: expected e, got f; g") as caught:
        raise InputError(problems)
    assert isinstance(caught.value, InputError)
    assert caught.value.problems == tuple(problems)


def test_nothing_steers_the_terminal() -> None:
    """Escape, bell, a carriage return, a line turned around and a byte of a path, in any part of a problem."""
    for raw, written in (
        ("\x1b[31m", r"\x1b[31m"),
        ("\x07\r", r"\x07\x0d"),
        ("\u202e", r"\u202e"),
        ("\udcff", r"\xff"),
    ):
        assert shown(f"u{raw}") == f"u{written}"
        for text in (str(Problem(raw, raw, raw, raw)), str(InputError([Problem("a", "b", raw)]))):
            assert written in text
            assert raw not in text
    assert str(Problem("a", "b", "c\nsciwm: error: d")) == r"a: expected b, got c\nsciwm: error: d"
    assert shown("µm²\tα\n") == "µm²\tα\n"
