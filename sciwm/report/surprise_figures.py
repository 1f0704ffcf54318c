"""Violations of physics that a model notices, and how small they may be."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from sciwm.report.drawing import BLUE, GREEN, INK, ORANGE, Illustration, illustrate, new_figure

DETECTORS = {
    "latent": ("error in the latent", ORANGE),
    "budget": ("budget residual", BLUE),
    "equation": ("budget of the equation", GREEN),
}


def surprise_by_violation(result: xr.Dataset) -> Illustration:
    """1 - AUROC of every violation and control at the size that is reported, for each detector."""
    names = [str(v) for v in result["violation"].values]
    reported = result.sel(size=result["default_size"])
    figure = new_figure(1.2 + 0.36 * len(names))
    axes: Axes = figure.subplots()
    detectors = [str(d) for d in result["detector"].values]
    finest = 0.5 / result.sizes["trajectory"] ** 2  # half a pair: finer no AUROC of so many can be
    for detector, offset in zip(detectors, np.linspace(-0.2, 0.2, len(detectors)), strict=True):
        one, (text, color) = reported.sel(detector=detector), DETECTORS[detector]
        places = np.arange(len(names)) + offset
        low, middle, high = (np.maximum(1 - one[f"auroc{end}"].values, finest) for end in ("_high", "", "_low"))
        axes.hlines(places, low, high, color=color, linewidth=2, alpha=0.45)
        axes.plot(middle, places, "o", color=color, markersize=6, linestyle="none", label=text)
    for place, text, style in ((0.5, "chance", (2, 2)), (finest, "no pair", (1, 3))):
        axes.axvline(place, color=INK, linewidth=0.8, linestyle=(0, style))
        axes.annotate(text, (place, 1.01), xycoords=axes.get_xaxis_transform(), ha="center", va="bottom")
    controls = result["control"].values
    if controls.any() and not controls.all():
        axes.axhline(np.flatnonzero(controls)[0] - 0.5, color="#8c959f", linewidth=0.7)
    sizes = result["default_size"].values
    axes.set_yticks(range(len(names)), [_described(n, s) for n, s in zip(names, sizes, strict=True)])
    axes.invert_yaxis()
    axes.set(
        xscale="log",
        xlim=(finest / 2, 1.2),
        xlabel="1 − AUROC: share of pairs in which the untouched one scores higher",
    )
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=len(detectors))
    caption = (
        f"How well {result.sizes['trajectory']} trajectories with something impossible can be told from the same ones "
        "untouched; lines are 95 % bootstrap intervals. At the dashed line they cannot be told apart; at the dotted "
        "one no pair is in the wrong order. Below the horizontal line, if there is one, what is possible, and must "
        "stay at the dashed line: a shift of state and actuators together, the same flow on a finer grid."
    )
    return illustrate(figure, "surprise_by_violation", caption, "1 - AUROC of violations and controls")


def detection_over_size(result: xr.Dataset) -> Illustration:
    """Smallest size that is detected, for all violations that come in several sizes."""
    swept = [str(v) for v in result["violation"].values if _sizes(result, str(v)).size > 1]
    detectors = [str(d) for d in result["detector"].values]
    figure = new_figure(1.5 + 0.4 * len(swept))
    axes: Axes = figure.subplots()
    for detector, offset in zip(detectors, np.linspace(-0.2, 0.2, len(detectors)), strict=True):
        text, color = DETECTORS[detector]
        one = result.sel(detector=detector)
        axes.plot([], [], "o", color=color, markersize=6, linestyle="none", label=text)
        for place, name in enumerate(swept):
            sizes, found = _sizes(result, name), one.sel(violation=name)
            size = float(found["smallest_detectable"])
            low, high = (float(found[f"smallest_detectable_{end}"]) for end in ("low", "high"))
            beyond = 2 * sizes[-1]
            axes.hlines(place + offset, min(low, beyond), min(high, beyond), color=color, linewidth=2, alpha=0.45)
            marker = "x" if np.isinf(size) else "<" if size <= sizes[0] else "o"
            axes.plot(min(size, beyond), place + offset, marker, color=color, markersize=6)
    for place, name in enumerate(swept):
        sizes = _sizes(result, name)
        axes.plot(sizes, np.full(len(sizes), place + 0.38), "|", color="#8c959f", markersize=4)
    axes.set_yticks(range(len(swept)), [name.replace("_", " ") for name in swept])
    axes.set(xscale="log", xlabel="smallest size that is detected", ylim=(len(swept) - 0.4, -0.6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
    axes.grid(axis="x", color="#e6e8eb", linewidth=0.6)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=len(detectors))
    allowed, power = result.attrs["allowed_false_alarms"], result.attrs["power"]
    caption = (
        f"Detected: {100 * power:g} % of the violated trajectories raise an alarm at a threshold set for "
        f"{100 * allowed:g} % false alarms; lines are 95 % intervals. ◁ is the smallest size tried (those tried are "
        "the small ticks), × none is detected. Sizes are shares of the root mean square for injections and kicks, of "
        "the parameter for its change, of the way to random actions for wrong forcing."
    )
    return illustrate(figure, "detection_over_size", caption, "smallest detected size of each violation by detector")


def _sizes(result: xr.Dataset, violation: str) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    made = result["alarms"].sel(violation=violation).notnull().any("detector")
    return np.asarray(result["size"].values[made.values])


def _described(name: str, size: float) -> str:
    text = name.replace("_", " ")
    return text if size == 1.0 and not name.endswith("_change") else f"{text}, {_amount(name, size)}"


def _amount(name: str, size: float) -> str:
    return f"x {size:g}" if name == "finer_grid" else f"{100 * size:g} %"
