"""The effect of actions, and gradients with respect to them, imagined against true."""

from collections.abc import Mapping
from itertools import cycle

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import StrMethodFormatter

from sciwm.errors import counted
from sciwm.report.drawing import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    Array,
    Illustration,
    LineLabel,
    band,
    illustrate,
    in_time,
    label_lines,
    new_figure,
    spread,
)

KINDS = {"held": "slow (held)", "rough": "fast (rough)"}
"""Of the actions that the data's are exchanged for."""
GIVEN_COLORS = {"right": ORANGE, "zeroed": GREY, "shuffled": PURPLE, "shifted": BLUE}
COLORS = (ORANGE, BLUE, GREEN, PURPLE, SKY)
"""Of several dynamics in one figure, in turn."""
SMALLEST = 1e-9
"""Errors below this are rounding, and drawn here."""


def effect_over_lead_time(effects: xr.Dataset) -> Illustration:
    """Error of the imagined effect of exchanging actions, beside what wrong actions get."""
    alternatives = [str(a) for a in effects["alternative"].values]
    lead = effects["time"].values
    figure = new_figure(0.7 + 2.6 * len(alternatives))
    panels: list[Axes] = list(figure.subplots(len(alternatives), 1, sharex=True, squeeze=False)[:, 0])
    lowest = _lowest(effects["effect_error"].sel(given="right").median("sample").values)
    for axes, alternative in zip(panels, alternatives, strict=True):
        labels = []
        for given in map(str, effects["given"].values):
            low, middle, high = spread(effects["effect_error"].sel(alternative=alternative, given=given), "sample")
            right = given == "right"
            band(axes, lead, low, middle, high, color=GIVEN_COLORS[given], zorder=4 if right else 2)
            text = "given the right actions" if right else f"given {given} actions"
            labels.append(LineLabel(text, float(middle[-1]), GIVEN_COLORS[given], bold=right))
        axes.set(yscale="log", xlim=(0, lead[-1]), ylim=(lowest, 4), ylabel="relative error of the effect")
        axes.set_title(f"The data's actions exchanged for {KINDS.get(alternative, alternative)} ones")
        axes.grid(axis="y", color="#e6e8eb", linewidth=0.6)
        label_lines(axes, labels)
    panels[-1].set_xlabel(in_time("lead time"))
    caption = (
        f"Error of the difference between two futures of one state, under the data's actions and under others, "
        f"relative to the true difference: median over {counted(effects.sizes['sample'], 'sample')}; "
        "shaded, the 10-90 % range. A model that ignores the actions has an error of 1. "
        "The other lines are the same model given wrong actions: zero, those of another sample, or shifted in time."
    )
    alternative_text = "error of the effect of actions over lead time, with right and with wrong actions"
    return illustrate(figure, "effect_over_lead_time", caption, alternative_text)


def gradients_over_horizon(agreements: Mapping[str, xr.Dataset], exponent: float | None = None) -> Illustration:
    """Errors of direction and norm of gradients with respect to the actions, on logarithmic scales.

    Args:
        agreements: by name of the dynamics.
        exponent: Lyapunov exponent, to mark one Lyapunov time.
    """
    figure = new_figure(5.4)
    upper, lower = figure.subplots(2, 1, sharex=True)
    directions: list[LineLabel] = []
    norms: list[LineLabel] = []
    for (name, agreement), color in zip(agreements.items(), cycle(COLORS), strict=False):
        horizons = agreement["horizon"].values
        for axes, labels, error in (
            (upper, directions, 1 - agreement["cosine"]),
            (lower, norms, abs(agreement["norm_ratio"] - 1)),
        ):
            low, middle, high = (np.maximum(part, SMALLEST) for part in spread(error, "sample"))
            band(axes, horizons, low, middle, high, color=color, marker="o", markersize=3.5)
            labels.append(LineLabel(name, float(middle[-1]), color, bold=len(agreements) == 1))
    first = next(iter(agreements.values()))
    chance = spread(1 - first["cosine_shuffled"], "sample")[1]
    upper.plot(first["horizon"].values, chance, color=GREY, linestyle=(0, (1, 1.2)))
    directions.append(LineLabel("another sample's gradient", float(chance[-1]), GREY))
    upper.set(yscale="log", ylabel="1 − cosine", title="Direction: 0 is the true one, 1 is at a right angle")
    lower.set(yscale="log", ylabel="|imagined / true − 1|", title="Norm: relative error", xlabel=in_time("horizon"))
    upper.set(xscale="log", xlim=(0.9 * first["horizon"].values[0], 1.1 * first["horizon"].values[-1]))
    for axes in (upper, lower):
        axes.margins(y=0.1)
        axes.grid(axis="y", color="#e6e8eb", linewidth=0.6)
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    marked = exponent is not None and 1 / exponent < first["horizon"].values[-1]
    if exponent is not None and marked:
        upper.axvline(1 / exponent, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    label_lines(upper, directions)
    label_lines(lower, norms)
    mark = (
        "" if exponent is None else f" A Lyapunov time is {1 / exponent:.3g} time units{', dashed' if marked else ''}."
    )
    caption = (
        f"Gradient of the summed mean square distance from the target with respect to all actions up to the horizon, "
        f"through the dynamics and through the true simulation: median over "
        f"{counted(first.sizes['sample'], 'sample')}; shaded, the 10-90 % range. "
        f"Dotted: against the true gradient of another sample.{mark}"
    )
    return illustrate(figure, "gradients_over_horizon", caption, "errors of direction and norm of gradients by horizon")


def _lowest(values: Array) -> float:
    """A bound of the axis that shows the smallest value above rounding."""
    shown = values[np.isfinite(values) & (values > 0)]
    return float(np.clip(shown.min() / 2, 1e-4, 0.3)) if shown.size else 0.3
