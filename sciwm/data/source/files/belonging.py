"""Parts of somebody's data: files, or groups of one; whether they belong together, and what tells them apart."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import xarray as xr

from sciwm.data.layouts import fields_named
from sciwm.data.units import same_units, units_of
from sciwm.errors import Problem


@dataclass(frozen=True)
class Part:
    """One of several datasets that belong together.

    Args:
        label: What tells it from the others: the name of its file, or of its group.
        where: The file and the group, for errors.
        dataset: What it holds.
    """

    label: str
    where: str
    dataset: xr.Dataset


def problems_of_variables(kinds: Sequence[Sequence[Part]]) -> list[Problem]:
    """A problem for parts that share some variables and lack others."""
    most = max(kinds, key=len)
    wanted = set(fields_named(most[0].dataset))
    return [
        Problem(
            part.where,
            f"the variables {', '.join(sorted(wanted))} as in {most[0].where}",
            f"no {', '.join(sorted(wanted - held))}" if wanted - held else f"also {', '.join(sorted(held - wanted))}",
            "leave it out, or name one group",
        )
        for alike in kinds
        for part in alike
        if (held := set(fields_named(part.dataset))) != wanted and held & wanted
    ]


def problems_of_units(parts: Sequence[Part]) -> list[Problem]:
    """Problems of variables that have other units or dimensions than in the first part."""
    first, problems = parts[0], []
    for part in parts[1:]:
        for name in fields_named(part.dataset):
            here, there = part.dataset[name], first.dataset[name]
            place = f"{part.where}: {name}"
            if set(here.dims) != set(there.dims):
                problems.append(Problem(place, f"dimensions {there.dims} as in {first.where}", f"{here.dims}"))
            if not same_units(units_of(here), units_of(there)):
                expected, remedy = f"units '{units_of(there)}' as in {first.where}", "convert it first"
                problems.append(Problem(place, expected, f"'{units_of(here)}'", remedy))
    return problems


def short_names(labels: Sequence[str]) -> list[str]:
    """Names without what they all begin and end with; numbers stay whole."""
    begin = re.sub(r"\d+$", "", _beginning(labels))
    end = re.sub(r"^\d+", "", _beginning([label[::-1] for label in labels])[::-1])
    short = [label[len(begin) : len(label) - len(end)] for label in labels]
    short = short if all(short) and len(set(short)) == len(short) else list(labels)
    return short if len(set(short)) == len(short) else [f"{i}_{label}" for i, label in enumerate(labels)]


def _beginning(labels: Sequence[str]) -> str:
    """What all texts begin with."""
    first, last = min(labels), max(labels)
    alike = [a == b for a, b in zip(first, last, strict=False)]
    return first[: alike.index(False)] if False in alike else first[: len(alike)]
