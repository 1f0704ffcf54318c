"""The climate of long runs: energy by wavenumber, and the distribution of values."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from sciwm.evaluation.climate.long_run import share_blown_up
from sciwm.evaluation.climate.spectra import SMALLEST_SHARE
from sciwm.report.drawing import GREY, INK, ORANGE, Illustration, illustrate, new_figure

RUN_STYLES: dict[str, dict[str, Any]] = {
    "simulation": {"color": INK, "linewidth": 1.2, "linestyle": (0, (4, 1.5)), "zorder": 5},
    "model": {"color": ORANGE, "linewidth": 2.2},
}
RUN_NAMES = {"simulation": "true simulation", "model": "imagined"}


def climate(runs: xr.Dataset, variable: str) -> Illustration:
    """Time-mean spectrum and histogram of one variable in long runs, imagined and true."""
    one = runs.sel(variable=variable)
    figure = new_figure(3.4)
    if "spectrum" in runs:
        left, right = figure.subplots(1, 2)
        _draw_spectra(left, one)
    else:
        right = figure.subplots()
    for run, style in RUN_STYLES.items():
        density = one["density"].sel(run=run).values
        right.plot(one["bin"].values, np.where(density > 0, density, np.nan), label=RUN_NAMES[run], **style)
    right.set(yscale="log", xlim=(one["bin"].values[0], one["bin"].values[-1]), title=f"Values of {variable}")
    right.set(xlabel="deviations from the true mean", ylabel="probability density")
    right.legend(loc="lower center")
    blown = share_blown_up(runs)
    share = 100 * float(blown.sel(run="model"))
    caption = (
        f"Runs of {runs.attrs['duration']:.4g} time units from {runs.sizes['sample']} starts under the same actions; "
        f"{share:.3g} % of the imagined ones blew up and are left out. {_distances(one)}"
    )
    return illustrate(figure, f"climate_{variable}", caption, f"energy spectrum and histogram of {variable}")


def _draw_spectra(axes: Axes, one: xr.Dataset) -> None:
    wavenumbers = one["wavenumber"].values[1:]
    true = one["spectrum"].sel(run="simulation").mean("sample").values[1:]
    for run, style in RUN_STYLES.items():
        axes.plot(wavenumbers, one["spectrum"].sel(run=run).mean("sample").values[1:], **style)
    shown = wavenumbers[true > SMALLEST_SHARE * true.max()]
    axes.set(yscale="log", xlim=(shown[0], shown[-1]), xlabel="wavenumber", ylabel="mean energy")
    axes.set_ylim(SMALLEST_SHARE * true.max(), 5 * true.max())
    axes.set_title("Time-mean spectrum")
    axes.grid(axis="y", color="#e6e8eb", linewidth=0.6)


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
        axes.set(title=name.replace("_", " "), xlabel="mean over time")
    panels[0].set_ylabel("deviation over time")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    conserved = ", ".join(str(n).replace("_", " ") for n in runs["functional"].values[~varying.values])
    caption = (
        f"Functionals over {runs.attrs['duration']:.4g} time units, computed by the simulation on the fields; one "
        "point for each run that did not blow up."
    )
    caption += f" Conserved, and not shown: {conserved}." if conserved else ""
    return [illustrate(figure, "functionals_of_runs", caption, "mean and variation of functionals in long runs")]
