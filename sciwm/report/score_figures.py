"""How good the imagined fields are, variable by variable."""

from itertools import cycle

import numpy as np
import xarray as xr

from sciwm.report.drawing import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    Illustration,
    LineLabel,
    band,
    illustrate,
    in_time,
    label_lines,
    new_figure,
    spread,
)

COLORS = (ORANGE, BLUE, GREEN, PURPLE)
HIGHEST = 2.0
"""Errors above this are drawn here: two unrelated states of the same size differ by about 1.4."""
SMALLEST = 1e-9
"""Errors below this are rounding, and drawn here."""


def scores_over_lead_time(scores: xr.Dataset) -> Illustration:
    """VRMSE, and 1 - skill, of every variable over lead time, on logarithmic scales."""
    lead = scores["time"].values[1:]
    figure = new_figure(4.8)
    upper, lower = figure.subplots(2, 1, sharex=True)
    errors, ratios = [LineLabel("spatial mean", 1.0, GREY)], [LineLabel("persistence", 1.0, GREY)]
    for name, color in zip(map(str, scores["variable"].values), cycle(COLORS), strict=False):
        one = scores.sel(variable=name).isel(time=slice(1, None))
        low, middle, high = (np.clip(part, SMALLEST, HIGHEST) for part in spread(one["vrmse"], "simulation"))
        band(upper, lead, low, middle, high, color=color)
        ratio = np.clip(1 - one["skill"].values, SMALLEST, None)
        lower.plot(lead, ratio, color=color)
        errors.append(LineLabel(name, float(middle[-1]), color, bold=True))
        if np.isfinite(ratio[-1]):
            ratios.append(LineLabel(name, float(ratio[-1]), color, bold=True))
    upper.set(yscale="log", ylabel="VRMSE", title="Error / spatial deviation of the truth")
    lower.set(yscale="log", ylabel="1 − skill", title="Mean square error / that of persistence")
    lower.set(xlabel=in_time("lead time"), xlim=(0, lead[-1]))
    for axes in (upper, lower):
        axes.axhline(1, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
        axes.margins(y=0.1)
        axes.grid(axis="y", color="#e6e8eb", linewidth=0.6)
    label_lines(upper, errors)
    label_lines(lower, ratios)
    caption = (
        f"Above, the median over {scores.sizes['simulation']} held-out simulations; shaded, the 10-90 % range; dashed, "
        f"what predicting the spatial mean of the truth would get; errors above {HIGHEST:g} are drawn there. Below, "
        "the ratio of mean squares over all simulations together; above the dashed line persistence is better."
    )
    return illustrate(figure, "scores_over_lead_time", caption, "VRMSE and 1 - skill of each variable over lead time")
