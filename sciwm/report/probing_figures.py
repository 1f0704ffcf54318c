"""What can be read from latents, encoded and rolled out."""

import re
from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

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
)

BASELINE_COLORS = {"pca": BLUE, "persistence": GREY, "lookup": YELLOW}
COLORS = (ORANGE, GREEN, PURPLE, SKY)
KINDS = {
    "functional": "functionals of the data",
    "held_out": "functionals held out",
    "phase": "phases",
    "parameter": "parameters",
}
PROBE_NAMES = {"ridge": "linear (ridge)", "network": "nonlinear (network)"}
LOWEST = -0.25
"""R2 below this is drawn at the edge: how much worse than the mean does not matter."""
FAR_BELOW = -10.0
"""To there lines that leave a figure are drawn, so that they leave it steeply."""


def readable_from_latents(result: xr.Dataset) -> Illustration:
    """R2 within simulations of every target, read from encoded latents by each probe."""
    probes = [str(p) for p in result["probe"].values]
    targets = [str(t) for t in result["target"].values]
    figure = new_figure(1.3 + 0.3 * len(targets))
    panels: Sequence[Axes] = figure.subplots(1, len(probes), sharey=True, squeeze=False)[0]
    shown = [r for r in _colors(result) if r != "persistence"]  # at no lead time it is the first representation
    offsets = np.linspace(-0.25, 0.25, len(shown))
    for axes, probe in zip(panels, probes, strict=True):
        encoded = result.sel(probe=probe, horizon=0)
        for name, offset in zip(shown, offsets, strict=True):
            one, color = encoded.sel(representation=name), _colors(result)[name]
            places = np.arange(len(targets)) + offset
            low, middle, high = (_drawn(one[f"within_r2{end}"]) for end in ("_low", "", "_high"))
            axes.hlines(places, low, high, color=color, linewidth=1.2, alpha=0.5)
            axes.plot(middle, places, "o", color=color, markersize=4.5, linestyle="none", label=_spoken(name))
        axes.axvline(0, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
        axes.set(title=PROBE_NAMES.get(probe, probe), xlim=(LOWEST, 1.03), xlabel="R² within simulations")
        axes.grid(axis="x", color="#eaeef2", linewidth=0.7)
    panels[0].set_yticks(range(len(targets)), [_typeset(t) for t in targets])
    panels[0].invert_yaxis()
    for before in np.flatnonzero(np.diff([list(KINDS).index(str(k)) for k in result["kind"].values])):
        for axes in panels:
            axes.axhline(before + 0.5, color="#8c959f", linewidth=0.7)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=min(len(shown), 5))
    judging, learning = result.attrs["test_simulations"], result.attrs["training_simulations"]
    caption = (
        f"Probes of encoded latents, trained on {learning} simulations and judged on {judging} others, with the "
        "mean of each simulation removed; lines are 95 % bootstrap intervals over simulations. Values below "
        f"{LOWEST:g} are drawn there. Groups from the top: {', '.join(_kinds(result))}."
    )
    return illustrate(figure, "readable_from_latents", caption, "R2 of probes of encoded latents, by target and method")


def readable_over_lead_time(result: xr.Dataset) -> Illustration:
    """Median over targets of each kind of the R2 that probes of encoded latents have on rolled ones."""
    kinds = [k for k in KINDS if k in result["kind"].values and k != "parameter"]
    best = result["within_r2"].isel(horizon=0, drop=True).fillna(-np.inf).argmax("probe")
    followed = result["within_r2"].isel(probe=best)
    lead, colors = result["lead_time"].values, _colors(result)
    figure = new_figure(3.6)
    panels: Sequence[Axes] = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
    labels = []
    for axes, kind in zip(panels, kinds, strict=True):
        of_kind = followed.isel(target=np.flatnonzero(result["kind"].values == kind))
        for name, color in colors.items():
            values = of_kind.sel(representation=name)
            middle = values.where(np.isfinite(values), -np.inf).median("target").clip(FAR_BELOW).values
            axes.plot(lead, middle, "o-", color=color, markersize=3.5)
            if axes is panels[-1]:
                labels.append(LineLabel(_spoken(name), float(max(middle[-1], LOWEST)), color, bold=color == ORANGE))
        axes.axhline(0, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
        axes.set(title=KINDS[kind], xlabel=in_time("lead time"), ylim=(LOWEST, 1.03))
    panels[0].set_ylabel("R² within simulations")
    figure.draw_without_rendering()  # places the axes, beside which the lines are named
    label_lines(panels[-1], labels)
    caption = (
        "Probes trained on encoded latents, applied to latents rolled out under the recorded actions: the median over "
        "targets, each by the probe that reads it better at no lead time. Lines that "
        f"leave the figure fall below {LOWEST:g}. Persistence keeps the latent of the start, PCA the components of the "
        "start; the lookup knows the time alone."
    )
    return illustrate(
        figure, "readable_over_lead_time", caption, "R2 of probes of rolled latents over lead time, by kind of target"
    )


def _colors(result: xr.Dataset) -> dict[str, str]:
    names = [str(r) for r in result["representation"].values]
    own = [n for n in names if n not in BASELINE_COLORS]
    return {n: COLORS[i % len(COLORS)] for i, n in enumerate(own)} | {
        n: c for n, c in BASELINE_COLORS.items() if n in names
    }


def _drawn(values: xr.DataArray) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    return np.asarray(values.clip(LOWEST, 1.0).values)


def _kinds(result: xr.Dataset) -> list[str]:
    return [text for kind, text in KINDS.items() if kind in result["kind"].values]


def _spoken(name: str) -> str:
    return "PCA of the fields" if name == "pca" else "time lookup" if name == "lookup" else name.replace("_", " ")


def _typeset(target: str) -> str:
    """Powers as exponents."""
    return re.sub(r"\^(\d)", r"$^\1$", target)
