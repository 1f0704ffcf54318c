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
    label_lines,
    largest,
    new_figure,
    spread,
)

COLORS = (ORANGE, BLUE, GREEN, PURPLE)
HIGHEST = 2.0
"""Errors above this are not drawn: two unrelated states of the same size differ by about 1.4."""


def scores_over_lead_time(scores: xr.Dataset) -> Illustration:
    """VRMSE and skill of every variable over lead time."""
    lead = scores["time"].values[1:]
    figure = new_figure(4.6)
    upper, lower = figure.subplots(2, 1, sharex=True)
    errors, skills, top = [], [], 0.0
    for name, color in zip(map(str, scores["variable"].values), cycle(COLORS), strict=False):
        one = scores.sel(variable=name).isel(time=slice(1, None))
        low, middle, high = spread(one["vrmse"], "simulation")
        band(upper, lead, low, middle, high, color=color)
        lower.plot(lead, one["skill"].values, color=color)
        errors.append(LineLabel(name, float(middle[-1]), color))
        skills.append(LineLabel(name, float(one["skill"].values[-1]), color))
        top = max(top, largest(high))
    lower.axhline(0, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    upper.set(ylabel="VRMSE", ylim=(0, min(1.1 * top, HIGHEST)))
    lower.set(ylabel="skill", xlabel="lead time", xlim=(0, lead[-1]), ylim=(-0.25, 1.03))
    for axes in (upper, lower):
        axes.grid(axis="y", color="#e6e8eb", linewidth=0.6)
    label_lines(upper, errors)
    label_lines(lower, [LineLabel("persistence", 0.0, GREY), *(s for s in skills if np.isfinite(s.value))])
    caption = (
        f"Above, the error over the spatial deviation of the truth: median over {scores.sizes['simulation']} held-out "
        "simulations; shaded, the 10-90 % range. Below, 1 minus the mean square error over that of persistence, all "
        "simulations together."
    )
    return illustrate(figure, "scores_over_lead_time", caption, "VRMSE and skill of each variable over lead time")
