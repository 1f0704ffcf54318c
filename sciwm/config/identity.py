"""The parts of a configuration that two experiments must share to share data, or a trained model."""

from collections.abc import Mapping, Sequence
from typing import Any

from sciwm.config.experiment import Config
from sciwm.config.rules import ORIGINS

SIMULATED_SECTIONS = ("seed", *ORIGINS)
"""Sections of a configuration on which data depend."""

ELSEWHERE: Any = {"source": {"files"}}
"""What does not count: files may lie elsewhere by now, and are told apart by their content."""

LEARNED_SECTIONS = (*SIMULATED_SECTIONS, "model", "loss", "training")
"""Sections on which the weights of a model depend."""


def simulated_from(config: Config) -> dict[str, Any]:
    """The sections on which data, simulated or brought in, depend, as plain data."""
    return _without_absent(config.model_dump(include=set(SIMULATED_SECTIONS), exclude=ELSEWHERE))


def learned_from(config: Config) -> dict[str, Any]:
    """The sections on which weights depend, as plain data; all others may change in a run folder.

    The number of on-policy rounds is left out, as a run with more rounds begins like one with fewer, and so are
    the CPU threads.
    """
    excluded: Any = ELSEWHERE | {"training": {"on_policy": {"rounds"}, "threads": True}}
    return _without_absent(config.model_dump(include=set(LEARNED_SECTIONS), exclude=excluded))


def _without_absent(sections: dict[str, Any]) -> dict[str, Any]:
    return {name: section for name, section in sections.items() if section is not None}


def differences(there: Any, wanted: Any, key: str = "") -> list[str]:
    """The keys in which two such parts differ, each with both values.

    Args:
        there: The part that a file holds.
        wanted: The part that this experiment has.
        key: The key of both parts, as a prefix.
    """
    if isinstance(there, dict) and isinstance(wanted, dict):
        return [d for k in wanted for d in differences(there.get(k), wanted[k], f"{key}.{k}".lstrip("."))]
    return [] if there == wanted else [f"{key}: there {there}, asked {wanted}"]


def sections_at(tree: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """The values of a configuration at dotted keys; None where there is no such section.

    Args:
        tree: The configuration as plain data.
        keys: Keys such as ``evaluation.steps``.
    """
    return {key: _at(tree, key) for key in keys}


def _at(tree: Mapping[str, Any], key: str) -> Any:
    first, _, rest = key.partition(".")
    value = tree.get(first)
    return _at(value, rest) if rest and isinstance(value, Mapping) else value
