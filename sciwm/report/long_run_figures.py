"""The climate of long runs: energy by wavenumber, and the distribution of values."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from sciwm.evaluation.climate import SMALLEST_SHARE, share_blown_up
from sciwm.report.drawing import GREY, INK, ORANGE, Illustration, illustrate, new_figure

RUN_STYLES: dict[str, dict[str, Any]] = {
    "simulation": {"color": INK, "linewidth": 1.2, "linestyle": (0, (4, 1.5)), "zorder": 5},
    "model": {"color": ORANGE, "linewidth": 2.2},
}
RUN_NAMES = {"simulation": "true simulation", "model": "imagined"}


def climate(runs: xr.Dataset, variable: str) -> Illustration:
    """Time-mean spectrum and histogram of one variable in long runs, imagined and true, and how they differ."""
    one = runs.sel(variable=variable)
    figure = new_figure(4.6)
    columns = 2 if "spectrum" in runs else 1
    panels = figure.subplots(2, columns, sharex="col", squeeze=False, height_ratios=[1.5, 1])
    if "spectrum" in runs:
        _draw_spectra(panels[0, 0], panels[1, 0], one)
    _draw_values(panels[0, -1], panels[1, -1], one, variable)
    for axes in panels.flat:
        axes.grid(axis="y", color="#e6e8eb", linewidth=0.6)
    figure.legend(*panels[0, -1].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    share = 100 * float(share_blown_up(runs).sel(run="model"))
    forced = "under the same random actions" if runs.attrs.get("forced", 1) else "without forcing"
    caption = (
        f"Runs of {runs.attrs['duration']:.4g} time units from {runs.sizes['sample']} starts, {forced}; "
        f"{share:.3g} % of the imagined ones blew up and are left out. Below, imagined against true"
        f"{'; shaded, the 10-90 % range of single true runs about their mean' if 'spectrum' in runs else ''}. "
        f"{_distances(one)}"
    )
    return illustrate(figure, f"climate_{variable}", caption, f"energy spectrum and histogram of {variable}")


def _draw_spectra(axes: Axes, below: Axes, one: xr.Dataset) -> None:
    wavenumbers = one["wavenumber"].values[1:]
    each = {run: one["spectrum"].sel(run=run).isel(wavenumber=slice(1, None)) for run in RUN_STYLES}
    true = each["simulation"].mean("sample").values
    for run, style in RUN_STYLES.items():
        axes.plot(wavenumbers, each[run].mean("sample").values, **style)
    shown = true > SMALLEST_SHARE * true.max()
    axes.set(yscale="log", ylabel="mean square by wavenumber", title="Time-mean spectrum")
    axes.set_ylim(SMALLEST_SHARE * true.max(), 5 * true.max())
    with np.errstate(divide="ignore", invalid="ignore"):
        single = 10 * np.log10(each["simulation"].values / true)
        mean = 10 * np.log10(each["model"].mean("sample").values / true)
    low, high = np.quantile(single, [0.1, 0.9], axis=each["simulation"].get_axis_num("sample"))
    below.fill_between(wavenumbers[shown], low[shown], high[shown], color=GREY, alpha=0.2, linewidth=0)
    below.plot(wavenumbers[shown], mean[shown], color=ORANGE)
    below.axhline(0, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    below.set(xlabel="wavenumber [radians per length unit]", ylabel="imagined / true [dB]")
    below.set_xlim(wavenumbers[shown][0], wavenumbers[shown][-1])


def _draw_values(axes: Axes, below: Axes, one: xr.Dataset, variable: str) -> None:
    bins, density = one["bin"].values, {run: one["density"].sel(run=run).values for run in RUN_STYLES}
    for run, style in RUN_STYLES.items():
        axes.plot(bins, np.where(density[run] > 0, density[run], np.nan), label=RUN_NAMES[run], **style)
    axes.set(yscale="log", title=f"Values of {variable}", ylabel="probability density")
    below.plot(bins, density["model"] - density["simulation"], color=ORANGE)
    below.axhline(0, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    occupied = bins[(density["model"] > 0) | (density["simulation"] > 0)]
    if occupied.size:
        below.set_xlim(occupied[0], occupied[-1])
    below.set(xlabel="deviations from the true mean", ylabel="imagined − true")


def _distances(one: xr.Dataset) -> str:
    """The distances in words, beside those between true runs."""
    parts = []
    for key, what, unit in (
        ("spectral_distance", "spectra are", " dB"),
        ("histogram_distance", "distributions", " deviations"),
    ):
        if key in one and bool(one[key].sel(run="model").notnull().any()):
            model, true = (float(one[key].sel(run=run).mean("sample")) for run in ("model", "simulation"))
            parts.append(f"{what} {model:.2g}{unit} from the truth ({true:.2g} between true runs)")
    return f"On average {' and '.join(parts)}." if parts else "Nothing is left to be compared."


def functionals_of_runs(runs: xr.Dataset) -> list[Illustration]:
    """Mean and variation over time of every functional that is not conserved, one point for each run."""
    varying = runs["functional_distance"].sel(run="simulation").notnull().any("sample")
    names = [str(n) for n in runs["functional"].values[varying.values]]
    if not names:
        return []
    figure = new_figure(3.2)
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        one = runs.sel(functional=name)
        for run, color, marker in (("simulation", GREY, "o"), ("model", ORANGE, "x")):
            mean, variation = (one[f"functional_{part}"].sel(run=run).values for part in ("mean", "variation"))
            axes.plot(mean, variation, marker, color=color, markersize=5, label=RUN_NAMES[run])
        axes.margins(0.15)
        axes.ticklabel_format(useOffset=False, scilimits=(-2, 4))
        axes.locator_params(nbins=max(3, 12 // len(names)))
        axes.set(title=name.replace("_", " "), xlabel=f"mean over time of the {name.replace('_', ' ')}")
    panels[0].set_ylabel("standard deviation over time")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    conserved = ", ".join(str(n).replace("_", " ") for n in runs["functional"].values[~varying.values])
    caption = (
        f"Functionals over {runs.attrs['duration']:.4g} time units, computed by the simulation on the fields; one "
        "point for each run that did not blow up."
    )
    caption += f" Conserved, and not shown: {conserved}." if conserved else ""
    return [illustrate(figure, "functionals_of_runs", caption, "mean and variation of functionals in long runs")]
