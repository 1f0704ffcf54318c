"""Errors on somebody's held-out runs, and how forecasts use the forcing, in their names and units."""

from itertools import cycle

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator, ScalarFormatter

from sciwm.errors import counted
from sciwm.report.drawing import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    YELLOW,
    Illustration,
    LineLabel,
    illustrate,
    in_time,
    label_lines,
    new_figure,
    with_units,
)

GUESSES = {
    "rmse_persistence": ("persistence", GREY, (0, (1, 1.2))),
    "rmse_climatology": ("climatology", BLUE, (0, (5, 1.5))),
    "rmse_linear": ("linear (DMDc)", GREEN, (0, (3, 1, 1, 1))),
    "rmse": ("world model", ORANGE, "-"),
}
GIVEN = {"right": ORANGE, "zeroed": GREY, "shuffled": BLUE, "shifted": GREEN}
NARROW = 10.0
"""The ratio of the ends of a logarithmic axis below which its ticks are plain numbers."""
SINGLE = (ORANGE, BLUE, GREEN, PURPLE, SKY, YELLOW, GREY)


def errors_over_lead_time(scores: xr.Dataset) -> Illustration:
    """The root mean square error of each variable beside persistence and climatology, and near walls."""
    names = [str(n) for n in scores["variable"].values]
    walls = "rmse_walls" in scores
    figure = new_figure(2.9 * len(names))
    panels = figure.subplots(
        len(names), 2 if walls else 1, sharex=True, squeeze=False, width_ratios=[1.35, 1][: 1 + walls]
    )
    later = scores.isel(time=slice(1, None))
    lead = later["time"].values
    for row, name in enumerate(names):
        one = later.sel(variable=name)
        units = with_units(str(one["variable_units"].item()), "")
        _beside_others(panels[row, 0], one, lead)
        panels[row, 0].set(ylabel=f"RMSE of {name}{units}".replace(" []", ""), title=f"{name}: all points")
        if walls:
            _near_walls(panels[row, 1], one, lead, titled=f"{name}: near walls and inside")
    for axes in panels.flat:
        axes.grid(axis="y", color="#e6e8eb", linewidth=0.6)
    for axes in panels[-1]:
        axes.set_xlabel(in_time("lead time", scores["time"].attrs.get("units", "1")))
    count = counted(scores.sizes["simulation"], "held-out run")
    caption = (
        f"Root mean square error of forecasts of {count} from the first instant under the recorded forcing: the mean "
        "over runs, and thin the single ones. Persistence keeps the first instant, climatology is the mean "
        "field of the training data"
        + (", DMDc a linear model of as many numbers, by least squares" if "rmse_linear" in scores else "")
        + ("; to the right, points within two cells of a wall, and all others." if walls else ".")
    )
    return illustrate(figure, "errors_over_lead_time", caption, "error over lead time beside persistence, climatology")


def _beside_others(axes: Axes, one: xr.Dataset, lead: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> None:
    for run in range(one.sizes["simulation"]):
        axes.plot(lead, _drawable(one["rmse"].isel(simulation=run)), color=ORANGE, linewidth=0.5, alpha=0.5)
    for key, (text, color, style) in GUESSES.items():
        if key not in one:
            continue  # results of older versions have no linear model
        mean = _drawable(one[key].mean("simulation"))
        if not np.isfinite(mean).any():
            continue  # without an error, or none that is finite
        axes.plot(lead, mean, color=color, linestyle=style, linewidth=2.0 if key == "rmse" else 1.5, label=text)
    _logarithmic(axes, lead)
    axes.legend(loc="best", fontsize="small")


def _near_walls(
    axes: Axes, one: xr.Dataset, lead: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", *, titled: str
) -> None:
    axes.plot(lead, _drawable(one["rmse_walls"]), color=PURPLE, label="within two cells of a wall")
    axes.plot(lead, _drawable(one["rmse_interior"]), color=GREEN, label="inside")
    _logarithmic(axes, lead)
    axes.set_title(titled)
    axes.legend(loc="best", fontsize="small")


def _drawable(values: xr.DataArray) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """What a logarithmic axis can show."""
    found = np.asarray(values.values, dtype=np.float64)
    return np.where(np.isfinite(found) & (found > 0), found, np.nan)


def _logarithmic(axes: Axes, lead: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> None:
    axes.set(yscale="log", xlim=(0, lead[-1]))
    axes.margins(y=0.1)
    low, high = axes.get_ylim()
    if high < NARROW * low:  # powers of ten lie outside, and names of all others would be long
        axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
        axes.yaxis.set_major_formatter(ScalarFormatter(useOffset=False))
        axes.yaxis.set_minor_locator(NullLocator())


def use_of_forcings(found: xr.Dataset) -> list[Illustration]:
    """Errors under wrong forcings, and the responses to small changes of each."""
    lead, units = found["time"].values, found["time"].attrs.get("units", "1")
    figure = new_figure(3.0)
    axes = figure.subplots()
    labels = []
    colours = dict(zip([g for g in map(str, found["given"].values) if g not in GIVEN], cycle(SINGLE[3:]), strict=False))
    for given in map(str, found["given"].values):
        error = found["error"].sel(given=given)
        middle = _drawable(error.median("sample"))
        color = GIVEN.get(given, colours.get(given, INK))
        axes.plot(lead, middle, color=color, linewidth=2.2 if given == "right" else 1.5)
        if np.isfinite(middle[-1]):
            labels.append(LineLabel(given, float(middle[-1]), color, bold=given == "right"))
    axes.set(yscale="log", xlim=(0, lead[-1]), xlabel=in_time("lead time", units), ylabel="error in deviations")
    axes.margins(y=0.1)
    axes.grid(axis="y", color="#e6e8eb", linewidth=0.6)
    label_lines(axes, labels)
    caption = (
        f"Median error of {found.sizes['sample']} forecasts of held-out runs, in deviations of the training data, with "
        "the recorded forcing (right) and with wrong ones: none, or the value within bounds nearest to zero (zeroed), "
        "that of another run (shuffled), and the right one a quarter of the forecast late (shifted)."
    )
    first = illustrate(figure, "forcings_wrong", caption, "forecast errors under right and wrong forcings")
    return [first, *(_responses(found, str(name)) for name in found["variable"].values)]


def _responses(found: xr.Dataset, variable: str) -> Illustration:
    one = found.sel(variable=variable)
    lead, units = found["time"].values, found["time"].attrs.get("units", "1")
    figure = new_figure(3.0)
    axes = figure.subplots()
    labels = []
    for actuator, color in zip(map(str, found["actuator"].values), cycle(SINGLE), strict=False):
        values = one["response"].sel(actuator=actuator).values
        axes.plot(lead, values, color=color)
        labels.append(LineLabel(actuator, float(values[-1]), color))
    axes.axhline(0, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    per = sorted({str(u) for u in found["actuator_units"].values})
    unit = str(one["variable_units"].item())
    shown = f" [{unit} per {per[0]}]" if len(per) == 1 and per[0] not in ("", "1") else ""
    axes.set(
        xlim=(0, lead[-1]), xlabel=in_time("lead time", units), ylabel=f"change of mean {variable}\n{shown.strip()}"
    )
    axes.grid(axis="y", color="#e6e8eb", linewidth=0.6)
    axes.margins(y=0.1)
    label_lines(axes, labels)
    caption = (
        f"How the mean of {variable} over space answers a lasting change of each forcing by "
        f"{found.attrs['small_change']:.0%} of its range, for each unit of the change: look at sign and size. The "
        "response to all together and to twice the changes stand in the table."
    )
    return illustrate(figure, f"forcings_response_{variable}", caption, f"response of {variable} to each forcing")
