"""What does not vary in time: parameters and static fields; and fields that do not vary although they should."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sciwm.config import SourceSettings
from sciwm.data.source.rows.material import Record
from sciwm.data.source.rows.scan import Scan, single_problems
from sciwm.errors import Problem, counted


def parameter_values(
    records: Sequence[Record], settings: SourceSettings, sound: set[str]
) -> tuple[NDArray[np.float64], list[Problem]]:
    """The parameters of each record, ``(record, parameter)``; one that cannot be read is NaN."""
    values = np.full((len(records), len(settings.parameters)), np.nan)
    problems = []
    for j, name in enumerate(settings.parameters):
        if name not in sound:
            continue
        values[:, j] = [float(record.read(name).reshape(-1)[0]) for record in records]
        wrong = np.flatnonzero(~np.isfinite(values[:, j]))
        if len(wrong):
            place, got = f"{records[0].given.where}: {name}", f"{counted(len(wrong), 'other')}, the first at "
            remedy = "fill it in, or leave these runs out"
            problems.append(Problem(place, "a finite value for every run", got + records[wrong[0]].where, remedy))
        elif len(records):
            low, high = float(values[:, j].min()), float(values[:, j].max())
            problems += single_problems(low, high, f"{records[0].given.where}: {name}")
    return values, problems


def static_values(
    record: Record, settings: SourceSettings, sound: set[str]
) -> tuple[dict[str, NDArray[np.float64]], list[Problem], list[str]]:
    """The static fields, problems with them, and those that are constant, in words; missing values stay missing."""
    fields = {name: record.read(name) for name in settings.static if name in sound}
    problems = [
        Problem(f"{record.given.where}: {name}", "finite values", "infinite ones", "missing values are NaN")
        for name, values in fields.items()
        if np.isinf(values).any()
    ]
    for name, values in fields.items():
        good = values[np.isfinite(values)]
        if good.size:
            problems += single_problems(float(good.min()), float(good.max()), f"{record.given.where}: {name}")
    same = [name for name, values in fields.items() if np.ptp(values[np.isfinite(values)], axis=None) == 0]
    return fields, problems, [f"{name}: the same everywhere, it tells nothing" for name in same]


def empty_problems(settings: SourceSettings, scans: Mapping[str, Scan], where: str) -> list[Problem]:
    """Fields and forcings without any value."""
    remedy = "leave the variable out, or look at what wrote it, and at the number that it states for missing values"
    return [
        Problem(f"{where}: {name}", "values", "none: all are missing", remedy)
        for name in (*settings.variables, *settings.forcings)
        if name in scans and not np.isfinite(scans[name].low)
    ]


def constant_problems(
    settings: SourceSettings, scans: Mapping[str, Scan], where: str
) -> tuple[list[Problem], list[str]]:
    """Fields all of which never vary; those among others that never vary, in words."""
    problems = list[Problem]()
    same = [name for name in settings.variables if name in scans and scans[name].never_varies]
    if same and len(same) == len(settings.variables):
        got, remedy = f"{', '.join(same)} always and everywhere the same", "there is nothing to learn"
        return [*problems, Problem(where, "at least one variable that varies", got, remedy)], []
    return problems, [f"{name}: never varies" for name in same]
