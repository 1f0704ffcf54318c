"""What a model notices: violations against controls, and how small a violation may be."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

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
    label_lines,
    new_figure,
)

DETECTORS = {
    "latent": ("error in the latent", ORANGE),
    "budget": ("budget residual", BLUE),
    "equation": ("budget of the equation", GREEN),
}
COLORS = (ORANGE, BLUE, GREEN, PURPLE, SKY, YELLOW, INK, GREY)


def surprise_by_violation(result: xr.Dataset) -> Illustration:
    """AUROC of every violation and control at the size that is reported, for each detector."""
    names = [str(v) for v in result["violation"].values]
    reported = result.sel(size=result["default_size"])
    figure = new_figure(1.2 + 0.36 * len(names))
    axes: Axes = figure.subplots()
    detectors = [str(d) for d in result["detector"].values]
    for detector, offset in zip(detectors, np.linspace(-0.12, 0.12, len(detectors)), strict=True):
        one, (text, color) = reported.sel(detector=detector), DETECTORS[detector]
        places = np.arange(len(names)) + offset
        axes.hlines(places, one["auroc_low"], one["auroc_high"], color=color, linewidth=2, alpha=0.45)
        axes.plot(one["auroc"], places, "o", color=color, markersize=6, linestyle="none", label=text)
    axes.axvline(0.5, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    controls = result["control"].values
    if controls.any() and not controls.all():
        axes.axhline(np.flatnonzero(controls)[0] - 0.5, color="#8c959f", linewidth=0.7)
    sizes = result["default_size"].values
    axes.set_yticks(range(len(names)), [_described(n, s) for n, s in zip(names, sizes, strict=True)])
    axes.invert_yaxis()
    lowest = min(0.4, float(reported["auroc_low"].min()) - 0.03)
    axes.set(xlim=(lowest, 1.02), xlabel="AUROC, violated against untouched (dashed: cannot be told apart)")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=len(detectors))
    caption = (
        f"How well {result.sizes['trajectory']} trajectories with something impossible can be told from the same ones "
        "untouched; lines are 95 % bootstrap intervals. Below the line what is possible: a shift of state and "
        "actuators together, the same flow on a finer grid. These must stay at one half."
    )
    return illustrate(figure, "surprise_by_violation", caption, "AUROC of violations and controls")


def detection_over_size(result: xr.Dataset) -> Illustration:
    """Rate of alarms over the size of a violation, for all that come in several sizes."""
    swept = [str(v) for v in result["violation"].values if _sizes(result, str(v)).size > 1]
    detectors = [str(d) for d in result["detector"].values]
    figure = new_figure(3.7)
    panels: Sequence[Axes] = figure.subplots(1, len(detectors), sharey=True, squeeze=False)[0]
    for axes, detector in zip(panels, detectors, strict=True):
        for name, color in zip(swept, COLORS, strict=False):
            size = _sizes(result, name)
            rate = result["alarms"].sel(detector=detector, violation=name, size=size)
            axes.plot(size, rate, "o-", color=color, markersize=3.5, label=name.replace("_", " "))
        allowed, power = result.attrs["allowed_false_alarms"], result.attrs["power"]
        axes.axhline(allowed, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
        axes.axhline(power, color=INK, linewidth=0.8, linestyle=(0, (1, 3)))
        axes.set(title=DETECTORS[detector][0].capitalize(), xscale="log", ylim=(-0.02, 1.04), xlabel="size")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
    panels[0].set_ylabel("rate of alarms")
    figure.draw_without_rendering()  # places the axes, beside which the lines are named
    labels = [LineLabel(f"{100 * allowed:g} % false alarms", allowed, INK), LineLabel("detected", power, INK)]
    label_lines(panels[-1], labels)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=min(len(swept), 5))
    caption = (
        "Share of violated trajectories above the threshold that so many untouched ones exceed, over the size of the "
        "violation: in units of the root mean square for injections and kicks, of the parameter for its change, of the "
        "way to random actions for wrong forcing."
    )
    return illustrate(figure, "detection_over_size", caption, "rate of alarms over the size of each violation")


def _sizes(result: xr.Dataset, violation: str) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    made = result["alarms"].sel(violation=violation).notnull().any("detector")
    return np.asarray(result["size"].values[made.values])


def _described(name: str, size: float) -> str:
    text = name.replace("_", " ")
    return text if size == 1.0 and not name.endswith("_change") else f"{text}, {_amount(name, size)}"


def _amount(name: str, size: float) -> str:
    return f"x {size:g}" if name == "finer_grid" else f"{100 * size:g} %"
