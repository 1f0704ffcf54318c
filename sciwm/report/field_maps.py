"""Forecasts of somebody's held-out runs as pictures: truth, forecast and error, in their names and units."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Colormap
from matplotlib.figure import Figure

from sciwm.data import Axis, Domain, Variable
from sciwm.data.row_labels import run_word
from sciwm.errors import counted
from sciwm.report.drawing import SIGNED, Array, Illustration, illustrate, largest, new_figure, time_unit, with_units
from sciwm.report.snapshots import chosen_instants, rows_of

FIELDS = "viridis"
TITLES = ("Truth", "Forecast", "Forecast minus truth")
ROWS = ("Truth", "Forecast", "Error")
"""The same beside maps, which may be flat."""
LOWEST = 0.8
"""The least height of a map in inches, into which its label fits."""
LONGEST_LABEL = 10
"""The most characters beside a map; of a longer label the units are left out."""
WIDEST = 0.8
"""The share of the page's width that the panels of a row have."""


def drawn_runs(scores: xr.DataArray) -> dict[str, int]:
    """The places of the runs in the middle of all and at their end, by their error over all lead times.

    Args:
        scores: Errors over ``simulation`` and ``time``.
    """
    error = (scores.isel(time=slice(1, None)) ** 2).mean("time").fillna(np.inf).values
    order = np.argsort(error, kind="stable")
    median, worst = int(order[(len(order) - 1) // 2]), int(order[-1])
    return {"median": median, "worst": worst} if median != worst else {"worst": worst}


def forecast_maps(domain: Domain, rollouts: xr.Dataset, variable: Variable) -> list[Illustration]:
    """Truth, forecast and error of the median and of the worst run; of three dimensions, the middle layer."""
    made = []
    for which, row in drawn_runs(rollouts["nrmse"]).items():
        one = rollouts.isel(simulation=row).isel(time=slice(0, int(rollouts["intervals"][row]) + 1))
        truth, forecast = (np.asarray(one[n].values) for n in (variable.name, f"{variable.name}_imagined"))
        axes, layer = domain.axes, ""
        while len(axes) > 2:
            middle = axes[0].num_points // 2
            layer += f" at {axes[0].name} {axes[0].coordinates[middle]:g}{with_units(axes[0].units, '')}".rstrip(" []")
            truth, forecast, axes = truth[:, middle], forecast[:, middle], axes[1:]
        draw = _over_time if len(axes) == 1 else _maps
        figure = draw(truth, forecast, one["time"], axes, variable, domain)
        label = str(one["label"].item())
        count = counted(rollouts.sizes["simulation"], "held-out run")
        caption = (
            f"{run_word(domain.run_name)} {label}, the {which} of {count} by its "
            f"error over all lead times: {variable.long_name}{with_units(variable.units, '')}{layer}, forecast from "
            "its first instant alone. Truth and forecast have the same colours; those of the error are given beside it."
        ).replace(" []", "")
        words = f"truth, forecast and error of {variable.long_name} in the {which} run"
        made.append(illustrate(figure, f"forecast_{variable.name}_{which}", caption, words))
    return made


def _maps(
    truth: Array, forecast: Array, time: xr.DataArray, axes: Sequence[Axis], variable: Variable, domain: Domain
) -> Figure:
    up, across = axes
    instants, units = chosen_instants(len(truth)), time_unit(domain.time_units)
    shape = np.clip(up.extent / across.extent, 0.3, 2.5)
    height = max(LOWEST, WIDEST * 8.6 / len(instants) * shape)
    figure = new_figure(3 * height + 1.3)
    parts = rows_of(figure, [2 * height + 0.7, height + 0.6])
    upper: Array = parts[0].subplots(2, len(instants), sharex=True, sharey=True, squeeze=False)
    lower: Array = parts[1].subplots(1, len(instants), sharex=True, sharey=True, squeeze=False)
    low, high = _limits(truth)
    error = forecast - truth
    limit = largest(error[instants])
    for column, instant in enumerate(instants):
        upper[0, column].set_title(f"{time.values[instant]:g} {units}", loc="center", fontweight="normal")
        for row, values in ((0, truth), (1, forecast)):
            fields = _map(upper[row, column], values[instant], up, across, FIELDS, low, high)
        errors = _map(lower[0, column], error[instant], up, across, SIGNED, -limit, limit)
        lower[0, column].set_xlabel(_axis_label(across))
    for panel, title in zip((upper[0, 0], upper[1, 0], lower[0, 0]), ROWS, strict=True):
        label = _axis_label(up)
        panel.set_ylabel(f"{title}\n{label if len(label) <= LONGEST_LABEL else up.name}")
    parts[0].colorbar(fields, ax=list(upper.flat), label=_field_label(variable), pad=0.01, aspect=25)
    parts[1].colorbar(errors, ax=list(lower.flat), label=_field_label(variable, "error of "), pad=0.01, aspect=12)
    return figure


def _map(
    panel: Axes, values: Array, up: Axis, across: Axis, colours: Colormap | str, low: float, high: float
) -> QuadMesh:
    panel.spines[:].set_visible(True)
    panel.set_facecolor("#c9ccd1")
    panel.set_aspect("equal" if up.units == across.units and 0.2 < up.extent / across.extent < 5 else "auto")
    masked = np.ma.masked_invalid(values)
    return panel.pcolormesh(
        across.coordinates, up.coordinates, masked, cmap=colours, vmin=low, vmax=high, shading="nearest",
        rasterized=True,
    )  # fmt: skip


def _over_time(
    truth: Array, forecast: Array, time: xr.DataArray, axes: Sequence[Axis], variable: Variable, domain: Domain
) -> Figure:
    (axis,) = axes
    figure = new_figure(5.6)
    panels: Sequence[Axes] = figure.subplots(3, 1, sharex=True, sharey=True)
    low, high = _limits(truth)
    error = forecast - truth
    limit = largest(error)
    drawn: Sequence[tuple[Array, Colormap | str, float, float]] = (
        (truth, FIELDS, low, high),
        (forecast, FIELDS, low, high),
        (error, SIGNED, -limit, limit),
    )
    for panel, title, (values, colours, least, most) in zip(panels, TITLES, drawn, strict=True):
        panel.set_facecolor("#c9ccd1")
        image = panel.pcolormesh(
            time.values, axis.coordinates, np.ma.masked_invalid(values.T), cmap=colours, vmin=least, vmax=most,
            shading="nearest", rasterized=True,
        )  # fmt: skip
        panel.set(title=title, ylabel=_axis_label(axis))
        label = _field_label(variable, "error of " if values is error else "")
        figure.colorbar(image, ax=panel, label=label, pad=0.01, aspect=10)
    panels[-1].set_xlabel(f"lead time [{time_unit(domain.time_units)}]")
    return figure


def _limits(values: Array) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    low, high = float(finite.min()), float(finite.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _axis_label(axis: Axis) -> str:
    return f"{axis.name}{with_units(axis.units, '')}".replace(" []", "")


def _field_label(variable: Variable, before: str = "") -> str:
    return f"{before}{variable.name}{with_units(variable.units, '')}".replace(" []", "")
