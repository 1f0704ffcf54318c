"""How rules between sections are told, and the rule of where data come from."""

from collections.abc import Sequence

MOST_INTERVALS = 10**6
"""The largest number of control intervals in one run; see ``sciwm.config.kinds.Many``."""


def broken(*rules: tuple[str, bool, str, str]) -> list[str]:
    """The rules that are broken, in words, of rules as (key, whether it is broken, what was expected, what was got)."""
    return [f"{key}: expected {expected}, got {got}" for key, is_broken, expected, got in rules if is_broken]


ORIGINS = ("simulation", "data", "source")
"""Sections of a configuration that say where data come from; an experiment has only some of them."""


def problems_of_origin(given: Sequence[str]) -> list[str]:
    """What is wrong with the sections that say where data come from, in words.

    Args:
        given: Those of ``ORIGINS`` that are there.
    """
    if "source" not in given:
        remedy = "add this key, or 'source' if data come from files"
        return [f"{key}: expected a value, got nothing; {remedy}" for key in ORIGINS[:2] if key not in given]
    if len(given) == 1:
        return []
    expected = "expected either simulation and data, or source alone"
    return [f"source: {expected}, got {', '.join(given)}; take out what is not meant"]
