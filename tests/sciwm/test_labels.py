"""Labels of two datasets: within one tolerance relative to their spacing, whatever times are written as."""

from typing import Any

import cftime
import numpy as np
import pytest
import xarray as xr

from sciwm.data.labels import in_units, match

HOURS = np.arange(4.0)
DATES = np.datetime64("2000-02-28", "ns") + HOURS.astype("m8[h]")
DURATIONS = HOURS.astype("m8[h]").astype("m8[ns]")


def times(values: Any, **attributes: Any) -> xr.DataArray:
    return xr.DataArray(np.asarray(values), dims="time", name="time", attrs=attributes)


def calendar(kind: type) -> xr.DataArray:
    return times(np.array([kind(2000, 2, 28, int(h)) for h in HOURS], dtype=object))


SAME = {
    "dates": [
        times(DATES),
        times(DATES.astype("M8[s]")),
        calendar(cftime.DatetimeGregorian),
        calendar(cftime.DatetimeProlepticGregorian),
        times(HOURS, units="hours since 2000-02-28"),
        times(60 * HOURS, units="minutes since 2000-02-28", calendar="standard"),
        times((58 + HOURS / 24).astype("f4"), units="days since 2000-01-01"),
    ],
    "durations": [
        times(DURATIONS),
        times(HOURS, units="h"),
        times(3600 * HOURS, units="s"),
        times((HOURS / 24).astype("f4"), units="days"),
    ],
    "noleap": [
        calendar(cftime.DatetimeNoLeap),
        times(58 + HOURS / 24, units="days since 2000-01-01", calendar="365_day"),
    ],
    "numbers": [times(HOURS), times(HOURS.astype(int)), times(HOURS.astype("f4") + np.float32(1e-4))],
}


@pytest.mark.parametrize("kind", SAME)
def test_the_same_times_however_they_are_written(kind: str) -> None:
    for first in SAME[kind]:
        for second in SAME[kind]:
            matched = match(first, second[[3, 1, 0, 2]])
            assert not matched.problems
            assert matched.first.tolist() == [0, 1, 2, 3]
            assert matched.second.tolist() == [2, 1, 3, 0]


def test_kinds_that_cannot_be_compared_are_told() -> None:
    for one in SAME:
        for other in SAME:
            matched = match(SAME[one][0], SAME[other][0])
            assert len(matched.problems) == (one != other)
            assert all("time: expected " in str(p) for p in matched.problems)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_tolerance_follows_the_spacing(scale: float) -> None:
    x = times(scale * np.array([0.0, 1.0, 2.0, 10.0]))
    assert match(x, x + 0.005 * scale).first.tolist() == [0, 1, 2, 3]
    assert match(x, x + 0.05 * scale).first.tolist() == [3]  # its neighbours are eight times as far
    assert match(x, x + 0.5 * scale).first.tolist() == []


@pytest.mark.parametrize("kind", ["f2", "f4"])
@pytest.mark.parametrize("values", [0.1 * np.arange(1, 6), [1000.1, 850.3, 500.7, 0.1], 30 + np.arange(5) / 3])
def test_labels_of_low_precision(values: Any, kind: str) -> None:
    assert match(times(values), times(values).astype(kind)).first.tolist() == list(range(len(values)))


def test_hours_in_days_of_single_precision_and_nanoseconds() -> None:
    """Single precision is 11 minutes wide at 80 000 days; nanoseconds are below the digits of seconds since 1970."""
    days = 80000 + np.arange(48) / 24
    assert len(match(times(days), times(days.astype("f4"))).first) == 48
    nanoseconds = np.datetime64("2000-01-01", "ns") + np.arange(5) * np.timedelta64(1, "ns")
    assert match(times(nanoseconds), times(nanoseconds[1:])).first.tolist() == [1, 2, 3, 4]


def test_a_single_label() -> None:
    assert match(times([0.1]), times(np.array([0.1], "f4"))).first.tolist() == [0]
    assert match(times([0.1]), times([0.2])).first.tolist() == []
    assert match(times(DATES[[1]]), times(DATES)).second.tolist() == [1]
    assert match(times(DATES[[1]]), times(DATES[[2]])).first.tolist() == []


def test_units_of_labels_are_converted() -> None:
    levels = xr.DataArray([1000.0, 850.0, 500.0], dims="level", name="level", attrs={"units": "hPa"})
    matched = match(levels, xr.DataArray([50000.0, 85000.0], dims="level", name="level", attrs={"units": "Pa"}))
    assert (matched.first.tolist(), matched.second.tolist()) == ([1, 2], [1, 0])
    (problem,) = match(levels, levels.assign_attrs(units="m")).problems
    assert str(problem).startswith("truth: level: expected units 'hPa'")


def test_text_labels() -> None:
    names = xr.DataArray(["a", "b", "c"], dims="case", name="case")
    other = xr.DataArray(np.array([b"c", b"a"], dtype=object), dims="case", name="case")
    assert match(names, other).second.tolist() == [1, 0]
    (problem,) = match(names, xr.DataArray(["a", "a"], dims="case", name="case")).problems
    assert str(problem) == "truth: case: expected every label once, got the label a more than once; " + (
        "keep one of each, with ds.drop_duplicates('case')"
    )


@pytest.mark.parametrize(
    ("labels", "part"),
    [
        ([0.0, 1.0, 1.0], "expected every label once, got the label 1 more than once"),
        ([0.0, np.nan, 2.0], "expected finite labels, got 1 that are not, the first at index 1"),
        (DATES[[0, 0]], "more than once"),
        (np.array(["2000-01-01", "NaT"], "M8[ns]"), "finite labels"),
    ],
)
def test_labels_that_say_nothing(labels: Any, part: str) -> None:
    for problems in (match(times(labels), times(labels)).problems, match(times(labels), times(HOURS)).problems):
        assert part in str(problems[0])


def test_times_in_the_units_that_are_wanted() -> None:
    for given in (*SAME["dates"], *SAME["durations"]):
        values, problems = in_units(given, "minutes", "forecast: time")
        assert not problems
        np.testing.assert_allclose(values, 60 * HOURS, atol=1)  # single precision of days
    assert in_units(times(HOURS), "s", "f")[0].tolist() == HOURS.tolist()
    assert str(in_units(times(HOURS, units="m"), "s", "f: time")[1][0]).startswith("f: time: expected units 's'")
