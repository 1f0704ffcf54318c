"""How errors grow outside the data, and with the grid."""

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import colormaps

from sciwm.errors import counted
from sciwm.evaluation import error_slope
from sciwm.report.drawing import (
    GREY,
    INK,
    ORANGE,
    Illustration,
    LineLabel,
    band,
    illustrate,
    in_time,
    label_lines,
    new_figure,
    spread,
)
from sciwm.report.effect_figures import COLORS
from sciwm.report.numbers import in_text

ROUNDING = 1.2e-7
"""Of a number in single precision, relative."""
HIGHEST = 2.0
"""Errors above this are not drawn: two unrelated states of the same size differ by about 1.4."""


def error_under_shift(errors: xr.Dataset, name: str, lead_time: float) -> Illustration:
    """Rollout errors at every factor of a shift, and their slope at one lead time.

    Args:
        name: of the figure's file, such as ``forcing_shift``.
    """
    lead, factors = errors["time"].values, errors["factor"].values
    what = errors["factor"].attrs["long_name"]
    figure = new_figure(3.9)
    axes = figure.subplots()
    labels, lowest = [], HIGHEST / 100
    colors = colormaps["YlOrRd"](np.linspace(0.4, 0.95, len(factors)))
    for factor, shade in zip(factors, colors, strict=True):
        color = "#" + "".join(f"{round(255 * c):02x}" for c in shade[:3])
        low, middle, high = spread(errors["nrmse"].sel(factor=factor), "sample")
        band(axes, lead, low, middle, high, color=color)
        lowest = min(lowest, float(np.nanmin(np.where(low > 0, low, np.nan), initial=lowest)))
        labels.append(
            LineLabel(
                f"× {factor:g}" + (", as in the data" if factor == 1 else ""),
                float(middle[-1]),
                color,
                bold=factor == 1,
            )
        )
    persistence = spread(errors["nrmse_persistence"].isel(factor=0), "sample")[1]
    axes.plot(lead, persistence, color=GREY, linestyle=(0, (1, 1.2)))
    axes.axvline(lead_time, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    axes.set(yscale="log", xlim=(0, lead[-1]), ylim=(max(lowest / 2, 1e-5), HIGHEST))
    axes.set(xlabel=in_time("lead time"), ylabel="error / norm of the truth (nRMSE)")
    axes.set_title(what[:1].upper() + what[1:])
    axes.grid(axis="y", color="#e6e8eb", linewidth=0.6)
    label_lines(axes, [*labels, LineLabel("persistence", float(persistence[-1]), GREY)])
    caption = (
        f"Median over {counted(errors.sizes['sample'], 'sample')}; shaded, the 10-90 % range; dotted, persistence at × "
        f"{factors[0]:g}. The truth is the simulation with the shift, of which the model is not told."
        f"{_slope_in_words(errors, lead_time)}"
    )
    return illustrate(figure, name, caption, f"normalised error over lead time by {what}")


def _slope_in_words(errors: xr.Dataset, lead_time: float) -> str:
    slopes = error_slope(errors, lead_time).dropna("sample")
    if not slopes.size:
        return ""
    middle, samples = float(slopes.median()), counted(slopes.size, "sample")
    return f" At the dashed line log error grows with log factor at a slope of {middle:.2g}, the median over {samples}."


def error_over_grids(errors: Mapping[str, xr.Dataset]) -> Illustration:
    """How much states depend on the grid on which the fields were seen.

    Args:
        errors: by name of the dynamics, as from ``encoding_errors``.
    """
    figure = new_figure(3.2)
    axes = figure.subplots()
    grids = [str(g) for g in next(iter(errors.values()))["grid"].values]
    for row, ((name, one), color) in enumerate(zip(errors.items(), cycle(COLORS), strict=False)):
        low, middle, high = spread(one["encoding_error"], "sample")
        place = np.arange(len(grids)) + 0.12 * (row - (len(errors) - 1) / 2)
        axes.errorbar(place, middle, [middle - low, high - middle], fmt="o", color=color, capsize=3, label=name)
    axes.set(
        yscale="log", xlim=(-0.5, len(grids) - 0.5), xlabel="points of the grid", ylabel="relative change of the state"
    )
    lowest, highest = (
        10.0 ** round_(np.log10(v)) for round_, v in zip((np.floor, np.ceil), axes.get_ylim(), strict=True)
    )
    axes.set_ylim(min(lowest, ROUNDING / 2), highest)
    axes.axhline(ROUNDING, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    axes.set_xticks(range(len(grids)), grids)
    axes.grid(axis="y", color="#e6e8eb", linewidth=0.6)
    axes.legend()
    samples = next(iter(errors.values())).sizes["sample"]
    caption = (
        f"Relative change of the encoded state when the same function is seen on another grid: median over {samples} "
        f"samples, with the 10-90 % range. Dashed: the rounding of single precision, {in_text(ROUNDING)}."
    )
    return illustrate(figure, "error_over_grids", caption, "change of encoded states with the grid")


def control_over_grids(controlled: xr.Dataset) -> Illustration:
    """Distance from the target where plans are executed on two grids, and what the finer grid changes."""
    times = controlled["time"].values
    figure = new_figure(5.2)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[1.3, 1])
    points = {grid: str(controlled["points"].sel(grid=grid).item()) for grid in ("coarse", "fine")}
    styles: dict[str, dict[str, Any]] = {
        "coarse": {"linewidth": 2.4, "alpha": 0.55},
        "fine": {"linestyle": (0, (4, 1.5)), "zorder": 5},
    }
    labels, changes = [], []
    for controller, text, color in (("none", "no control", GREY), ("planned", "planned", ORANGE)):
        distance = controlled["distance"].sel(controller=controller).fillna(np.inf)
        for grid, style in styles.items():
            upper.plot(times, distance.sel(grid=grid).median("episode"), color=color, **style)
        labels.append(LineLabel(text, float(distance.sel(grid="coarse").median("episode")[-1]), color))
        coarse, fine = (distance.sel(grid=grid).values for grid in ("coarse", "fine"))
        with np.errstate(invalid="ignore", divide="ignore"):
            change = np.median(np.nan_to_num(np.abs(fine - coarse) / coarse, nan=0.0, posinf=np.inf), axis=0)
        shown = np.where((change > 0) & np.isfinite(change), change, np.nan)
        lower.plot(times, shown, color=color)
        drawn = shown[np.isfinite(shown)]
        changes += [LineLabel(text, float(drawn[-1]), color)] if drawn.size else []
    upper.set(yscale="log", xlim=(times[0], times[-1]), ylabel="mean square distance\nfrom the target")
    lower.set(yscale="log", xlabel=in_time("time t"), ylabel="relative change\non the finer grid")
    for axes in (upper, lower):
        axes.margins(y=0.1)
        axes.grid(axis="y", color="#e6e8eb", linewidth=0.6)
    label_lines(upper, labels)
    label_lines(lower, changes)
    caption = (
        f"Median over {controlled.sizes['episode']} starts. Above, solid: executed on the model's own "
        f"{points['coarse']} points; dashed: on {points['fine']} points, from the same starts. Below, the relative "
        "difference between the two."
    )
    return illustrate(figure, "control_over_grids", caption, "distance from the target on two grids, and its change")
