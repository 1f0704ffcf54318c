"""Data that cannot be brought in: every problem is told, with what was expected, found, and can be done."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from foreign_data import Sets, made

from sciwm.data.source import Given
from sciwm.errors import InputError


def told(folder: Path, dataset: xr.Dataset | list[Given], **changed: Any) -> list[str]:
    """What is wrong with data; nothing may have been written."""
    with pytest.raises(InputError) as caught:
        Sets(folder / "sets", dataset, **changed)
    assert not (folder / "sets").exists()
    return [str(problem) for problem in caught.value.problems]


def with_value(value: float, *place: int) -> xr.Dataset:
    ds = made()
    ds["u"].values[place] = value
    return ds


def renamed(**names: str) -> xr.Dataset:
    return made().rename(names)


CASES: dict[str, tuple[Callable[[], xr.Dataset], dict[str, Any], list[str]]] = {
    "missing variable": (
        lambda: renamed(u="v"),
        {"ignored": ["v"]},
        ["the variable 'u' (source.variables)", "got v, q, k", "change source.variables"],
    ),
    "mistyped variable": (lambda: renamed(u="temp"), {"variables": ["tmep"], "ignored": ["temp"]}, ["'temp'?"]),
    "a parameter that nobody named": (
        made,
        {"parameters": []},
        ["made: k:", "expected a role", "got none, over case", "it may be one of parameters; or name it in"],
    ),
    "a parameter that varies in time": (
        lambda: made().assign(k=made()["q"]),
        {},
        ["made: k:", "one for each of 'case'", "got case, clock; it varies in time: name it in source.forcings"],
    ),
    "a field without a dimension": (
        lambda: made().assign(u=made()["u"].isel(east=0, drop=True), v=made()["u"]),
        {"ignored": ["v"]},
        ["made: u: expected dimensions (case, clock, north, east), in any order, got case, clock, north"],
    ),
    "text": (lambda: made().assign(k=("case", list("abcdef"))), {}, ["made: k: expected real numbers"]),
    "no such dimension": (made, {"time": "cloc"}, ["the dimension 'cloc' (source.time)", "did you mean 'clock'?"]),
    "a missing value": (
        lambda: with_value(np.nan, 4, 6, 2, 1),
        {},
        ["made: u: expected finite values, got 1 missing, the first at case=c4, clock=4.5, north=14, east=12; fill"],
    ),
    "no value at all": (
        lambda: made().assign(u=made()["u"] * np.nan),
        {},
        ["made: u: expected values, got none: all are missing; leave the variable out, or look at what wrote it"],
    ),
    "one short record": (
        lambda: made(runs=1, instants=4),
        {"parameters": [], "ignored": ["k"], "split": {"by": "time", "validation": 0.5, "test": 0.0}},
        ["expected a run of at least 2 control intervals, got 1 run, the longest of 1; change source.split (hold out"],
    ),
    "an infinite value": (
        lambda: with_value(np.inf, 4, 6, 2, 1),
        {"gaps": "cut"},
        ["made: u: expected finite values, got 1 infinite value, the first at case=c4, clock=4.5, north=14, east=12"],
    ),
    "too large a number": (lambda: with_value(1e39, 0, 0, 0, 0), {}, ["made: u: expected values up to 3.4e+38"]),
    "too small numbers": (
        lambda: made().assign(u=made()["u"] * 1e-60),
        {},
        ["made: u: expected values above 1.2e-38, as in single precision"],
    ),
    "too large a parameter": (
        lambda: made().assign(k=made()["k"] * 1e39),
        {},
        ["made: k: expected values up to 3.4e+38, as in single precision, got values from 1e+39 to 6e+39"],
    ),
    "a missing step": (
        lambda: made().isel(clock=[0, 1, 2, 3, 5, 6, 7, 8]),
        {},
        ["made: clock: expected equal steps of 0.25 [h], got 1 other, the first 0.5 after 3.75; cut runs there"],
    ),
    "an interval between two spacings": (
        made,
        {"interval": 0.6},
        [
            "made: clock (source.interval): expected a whole multiple of the spacing of the data, 0.25 [h], got 0.6; "
            "state 0.5 or 0.75, or leave it out"
        ],
    ),
    "an interval below the spacing": (lambda: made(), {"interval": 0.1}, ["got 0.1; state 0.25, or leave it out"]),
    "times that repeat": (
        lambda: made().assign_coords(clock=[0, 1, 2, 2, *range(4, 12)]),
        {},
        ["made: clock: expected increasing times, got 2 after 2; leave the repeated"],
    ),
    "times as text": (lambda: made().assign_coords(clock=list("abcdefghijkl")), {}, ["numbers, durations or dates"]),
    "no times": (lambda: made().drop_vars("clock"), {}, ["made: clock: expected times as a coordinate, got none"]),
    "too few instants": (
        lambda: made(instants=2),
        {},
        ["made: train: expected a run of at least 2 control intervals, got 6 runs, the longest of 1"],
    ),
    "a point twice": (
        lambda: made().assign_coords(east=[0.0, 1.0, 1.0, 2.0]),
        {},
        ["made: east: expected positions that increase or decrease throughout, got 1 after 1; sort"],
    ),
    "an uneven period": (
        lambda: made().assign_coords(east=[0.0, 1.0, 3.0, 4.0]),
        {"periodic": ["east"]},
        ["made: east: expected equispaced points, as it is periodic, got points 1 to 2 apart; interpolate"],
    ),
    "nothing varies": (
        lambda: made().assign(u=xr.full_like(made()["u"], 20.0)),
        {},
        ["made: expected at least one variable that varies, got u always and everywhere the same"],
    ),
    "nothing is there": (lambda: made().assign(u=made()["u"] * np.nan), {}, ["made: u: expected values, got none"]),
    "a forcing that never varies": (
        lambda: made().assign(q=xr.full_like(made()["q"], 2.0)),
        {},
        ["made: q: expected a forcing that varies, or bounds, got the value 2 always; name it in source.ignored"],
    ),
    "a forcing beyond its bounds": (
        lambda: made().assign(q=made()["q"].assign_attrs(valid_min=0.0, valid_max=9.0)),
        {},
        ["made: q: expected values within [0, 9] (valid_min and valid_max), got values from -0.9"],
    ),
    "a parameter that is missing": (
        lambda: made().assign(k=("case", [1, np.nan, 3, 4, 5, 6])),
        {},
        ["made: k: expected a finite value for every run, got 1 other, the first at case=c1"],
    ),
    "runs of other names": (
        made,
        {"split": {"validation": ["c1"], "test": ["x9"]}},
        ["made: source.split.test: expected labels of runs, c0, c1, c2, c3, c4, c5, got x9"],
    ),
    "no run left to train on": (
        lambda: made(runs=2),
        {"split": {"validation": ["c1"], "test": ["c0"]}},
        ["made: train: expected a run of at least 2 control intervals, got 0 runs"],
    ),
    "a name that is taken": (
        lambda: renamed(u="action"),
        {"variables": ["action"]},
        ["made: action: expected a name that is not taken, got 'action'; rename it with ds.rename(action=...)"],
    ),
    "no runs at all": (lambda: made().isel(case=slice(0)), {}, ["made: case: expected at least one run, got none"]),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_said_what_is_wrong(tmp_path: Path, case: str) -> None:
    make, changed, parts = CASES[case]
    lines = told(tmp_path, make(), **changed)
    assert any(all(part in line for part in parts) for line in lines), lines


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    ds = made().isel(clock=[0, 1, 2, 3, 5, 6, 7, 8])
    ds["u"].values[3, 5, 1, 1] = np.nan
    ds["q"].values[2, 2] = np.inf
    ds["h"] = (("north",), np.arange(5.0))
    ds["k"] = ("case", list("abcdef"))
    lines = told(tmp_path, ds.assign_coords(east=[0.0, 1.0, 3.0, 4.0]), ignored=["lost"])
    for part in ("made: h: expected a role", "'lost' (source.ignored)", "made: k: expected real numbers",
                 "made: clock: expected equal steps", "made: u: expected finite values, got 1 missing",
                 "made: q: expected finite values, got 1 infinite"):  # fmt: skip
        assert any(part in line for line in lines), part


def test_datasets_must_be_alike(tmp_path: Path) -> None:
    other = made(runs=2).assign_coords(north=np.arange(5.0), clock=("clock", np.arange(12.0), {"units": "h"}))
    other["u"].attrs["units"] = "km/h"
    lines = told(tmp_path, [Given(made(), "one", "train"), Given(other, "two", "validation")])
    for part in ("two: north: expected 5 points from 10 to 18, as in the other data, got 5 from 0 to 4",
                 "two: u: expected units 'm s-1' as in one, got 'km/h'",
                 "two: clock: expected steps of 0.25 [h], as in the other data, got 1 [h]"):  # fmt: skip
        assert any(part in line for line in lines), (part, lines)
