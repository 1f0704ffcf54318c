"""Errors that can be acted on."""

import pytest

from sciwm.errors import InputError, Problem, counted


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
