"""Whether a dynamics knows what actions do, and where they should be changed to."""

from collections.abc import Mapping
from itertools import cycle

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

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
    label_lines,
    largest,
    new_figure,
    spread,
)

GIVEN_COLORS = {"right": ORANGE, "zeroed": GREY, "shuffled": PURPLE, "shifted": BLUE}
COLORS = (ORANGE, BLUE, GREEN, PURPLE, SKY)
"""Of several dynamics in one figure, in turn."""


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
            text = "right actions" if right else f"{given} actions"
            labels.append(LineLabel(text, float(middle[-1]), GIVEN_COLORS[given], bold=right))
        axes.set(yscale="log", xlim=(0, lead[-1]), ylim=(lowest, 4), ylabel="effect error")
        axes.set_title(f"Data's actions exchanged for {alternative} ones")
        axes.grid(axis="y", color="#e6e8eb", linewidth=0.6)
        label_lines(axes, labels)
    panels[-1].set_xlabel("lead time")
    caption = (
        f"How wrong the difference between two futures of one state is, under the data's actions and under others, "
        f"relative to the true difference: median over {counted(effects.sizes['sample'], 'sample')}; "
        "shaded, the 10-90 % range. Who ignores actions has an error of 1. "
        "The other lines are the same dynamics given wrong actions."
    )
    alternative_text = "error of the effect of actions over lead time, with right and with wrong actions"
    return illustrate(figure, "effect_over_lead_time", caption, alternative_text)


def gradients_over_horizon(agreements: Mapping[str, xr.Dataset], exponent: float | None = None) -> Illustration:
    """Direction and size of gradients with respect to the actions against the true ones.

    Args:
        agreements: by name of the dynamics.
        exponent: Lyapunov exponent, to mark one Lyapunov time.
    """
    figure = new_figure(5.4)
    upper, lower = figure.subplots(2, 1, sharex=True)
    cosines: list[LineLabel] = []
    ratios: list[LineLabel] = []
    top = 2.0
    for (name, agreement), color in zip(agreements.items(), cycle(COLORS), strict=False):
        horizons = agreement["horizon"].values
        for axes, key, labels in ((upper, "cosine", cosines), (lower, "norm_ratio", ratios)):
            low, middle, high = spread(agreement[key], "sample")
            band(axes, horizons, low, middle, high, color=color, marker="o", markersize=3.5)
            labels.append(LineLabel(name, float(middle[-1]), color))
            top = max(top, 1.2 * largest(middle)) if key == "norm_ratio" else top
    first = next(iter(agreements.values()))
    chance = spread(first["cosine_shuffled"], "sample")[1]
    upper.plot(first["horizon"].values, chance, color=GREY, linestyle=(0, (1, 1.2)))
    cosines.append(LineLabel("another sample's", float(chance[-1]), GREY))
    upper.set(ylim=(-0.35, 1.05), ylabel="cosine", title="Direction")
    lower.set(yscale="log", ylim=(1 / top, top), ylabel="imagined / true", title="Norm", xlabel="horizon")
    lower.yaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
    lower.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    lower.yaxis.set_minor_formatter(NullFormatter())
    lower.axhline(1, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    upper.set(xscale="log", xlim=(first["horizon"].values[0], first["horizon"].values[-1]))
    if exponent is not None and 1 / exponent < first["horizon"].values[-1]:
        upper.axvline(1 / exponent, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    label_lines(upper, cosines)
    label_lines(lower, ratios)
    mark = "" if exponent is None else f" A Lyapunov time is {1 / exponent:.3g}."
    caption = (
        f"Gradient of the summed mean square distance from the target with respect to all actions up to the horizon, "
        f"through the dynamics and through the true simulation: median over "
        f"{counted(first.sizes['sample'], 'sample')}; shaded, the 10-90 % range. "
        f"Dotted: against the true gradient of another sample.{mark}"
    )
    return illustrate(figure, "gradients_over_horizon", caption, "cosine and norm ratio of gradients over the horizon")


def _lowest(values: Array) -> float:
    """A bound of the axis that shows the smallest value above rounding."""
    shown = values[np.isfinite(values) & (values > 0)]
    return float(np.clip(shown.min() / 2, 1e-4, 0.3)) if shown.size else 0.3
