"""Whether error bars hold what they promise, and which damaged records are noticed."""

from itertools import cycle

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from sciwm.evaluation.sureness import SEEN_BY
from sciwm.report.drawing import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    Illustration,
    LineLabel,
    illustrate,
    in_time,
    label_lines,
    new_figure,
)

COLORS = (ORANGE, BLUE, GREEN, PURPLE)
WIDEST = 4.0
"""Ratios beyond this, and below its inverse, are drawn there."""


def error_bars_over_lead_time(scores: xr.Dataset) -> Illustration:
    """Coverage of the bands and spread over error, over lead time, and the ranks of the truth."""
    lead = scores["time"].values[1:]
    figure = new_figure(6.4)
    upper, middle, lower = figure.subplots(3, 1, height_ratios=(1.2, 1, 0.8))
    covered, ratios = [], [LineLabel("as it should be", 1.0, GREY)]
    for name, color in zip(map(str, scores["variable"].values), cycle(COLORS), strict=False):
        one = scores.sel(variable=name).isel(time=slice(1, None))
        for share in map(float, scores["coverage"].values):
            by_run = one["covered"].sel(coverage=share)
            upper.plot(lead, by_run.mean("simulation"), color=color)
            upper.fill_between(
                lead, by_run.min("simulation"), by_run.max("simulation"), color=color, alpha=0.12, linewidth=0
            )
            covered.append(LineLabel(f"{name}, {share:.0%}", float(by_run.isel(time=-1).mean()), color, bold=True))
        ratio = np.clip(one["spread_skill"].values, 1 / WIDEST, WIDEST)
        middle.plot(lead, ratio, color=color)
        if np.isfinite(ratio[-1]):
            ratios.append(LineLabel(name, float(ratio[-1]), color, bold=True))
        count = one.sizes["rank"]
        lower.stairs(one["ranks"].values * count, (np.arange(count + 1)) / count, color=color)
    for share in map(float, scores["coverage"].values):
        upper.axhline(share, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    middle.axhline(1, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    lower.axhline(1, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    upper.set(ylim=(0, 1.02), ylabel="share", title="Share of the truth in the bands", xlim=(0, lead[-1]))
    middle.set(
        yscale="log",
        ylabel="ratio",
        title="Spread / error",
        xlim=(0, lead[-1]),
        xlabel=in_time("lead time", scores["time"].attrs.get("units", "1")),
    )
    lower.set(
        ylim=(0, None), xlim=(0, 1), ylabel="density", xlabel="rank of the truth among the members / their number"
    )
    label_lines(upper, covered)
    label_lines(middle, ratios)
    caption = (
        f"Above, the share of the truth in the bands of 50 and 90 %, over {scores.sizes['simulation']} held-out "
        "forecasts; shaded, from the worst to the best of them. In the middle, the calibrated deviation over the "
        "error: above the dashed line error bars are wider than they need be, below it too narrow. Below, the ranks of "
        "the truth among the members: flat where they are drawn like it, high at both ends where they spread too "
        "little, high in the middle where they spread too much."
    )
    return illustrate(figure, "error_bars_over_lead_time", caption, "Coverage, spread over error, and ranks")


def damages_noticed(found: xr.Dataset) -> Illustration:
    """1 - AUROC of every damage, by what looks."""
    names = [str(name) for name in found["damage"].values]
    figure = new_figure(1.2 + 0.32 * len(names))
    axes: Axes = figure.subplots()
    finest = 0.5 / found.sizes["sample"] ** 2
    texts = dict(zip(SEEN_BY, ("a single instant", "and the record before"), strict=True))
    for (detector, text), color, shift in zip(texts.items(), (BLUE, ORANGE), (-0.12, 0.12), strict=True):
        missed = np.maximum(1 - found["auroc"].sel(detector=detector).values, finest)
        axes.plot(missed, np.arange(len(names)) + shift, "o", color=color, markersize=6, linestyle="none", label=text)
    axes.axvline(0.5, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set(
        xscale="log",
        xlim=(finest / 2, 1.2),
        xlabel="1 − AUROC: share of pairs in which the sound record scores higher",
    )
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    alarms = float(found["false_alarms"].sel(seen_by="record"))
    caption = (
        f"How well {found.sizes['sample']} damaged records are told from the same ones undamaged, of which "
        f"{alarms:.1%} are flagged. A single instant cannot show a fault that makes it look like another possible one; "
        "at the dashed line it is chance. The record before shows whether it follows from it."
    )
    return illustrate(figure, "damages_noticed", caption, "1 - AUROC of damaged records")
