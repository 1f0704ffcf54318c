"""What the model imagines of held-out simulations, and for how long it can be believed."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sciwm.data.domain import Variable
from sciwm.evaluation.rollouts import VALID_ERROR
from sciwm.report.contents import Results
from sciwm.report.drawing import (
    GREY,
    INK,
    ORANGE,
    Array,
    Illustration,
    LineLabel,
    band,
    illustrate,
    label_lines,
    largest,
    new_figure,
    quantity,
    space_time,
    with_units,
)
from sciwm.report.snapshots import draw_rows, row_height, rows_of

HIGHEST = 2.0
"""Errors above this, and those of what blew up, are drawn here: two unrelated states differ by about 1.4."""


def error_over_lead_time(results: Results, rollouts: xr.Dataset) -> Illustration:
    """Normalised error of the world model against persistence."""
    lead = rollouts["time"].values[1:]
    figure = new_figure(3.9)
    axes = figure.subplots()
    labels = [LineLabel(f"valid below {VALID_ERROR:g}", VALID_ERROR, INK)]
    top = VALID_ERROR
    for name, text, color in [("nrmse_persistence", "persistence", GREY), ("nrmse", "world model", ORANGE)]:
        errors = rollouts[name].isel(time=slice(1, None)).fillna(np.inf)
        low, mean, high = _spread(errors.clip(max=HIGHEST))
        band(axes, lead, low, mean, high, color=color)
        top = max(top, largest(high))
        labels.append(LineLabel(text, float(mean[-1]), color, bold=name == "nrmse"))
    axes.axhline(VALID_ERROR, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    axes.set_ylim(0, min(1.1 * top, HIGHEST))
    axes.set(xlim=(0, lead[-1]), xlabel="lead time", ylabel="normalised error (nRMSE)")
    exponent = results.config.evaluation.lyapunov_exponent
    _mark_valid_time(axes, rollouts, exponent)
    label_lines(axes, labels)
    _add_lyapunov_axis(axes, exponent)
    reached = int(reaches_the_end(rollouts).sum())
    caption = (
        f"Open-loop rollouts of {rollouts.sizes['simulation']} held-out simulations under their own forcing: mean, and "
        f"shaded the 10-90 % range. The error is 1 for a prediction of nothing and about 1.4 for an unrelated state. "
        f"Errors above {HIGHEST:g} are drawn as {HIGHEST:g}. "
        f"{reached} of {rollouts.sizes['simulation']} stay below {VALID_ERROR:g} to the end."
    )
    return illustrate(figure, "error_over_lead_time", caption, "normalised error over lead time against persistence")


def imagined_example(results: Results, rollouts: xr.Dataset, variable: Variable) -> Illustration:
    """The held-out simulation whose error is the median: true, imagined, difference."""
    row = median_simulation(rollouts)
    one = rollouts.isel(simulation=row)
    truth, imagined = one[variable.name].values, one[f"{variable.name}_imagined"].values
    rows = {"True": truth, "Imagined, open loop": imagined, "Imagined minus true": imagined - truth}
    valid = float(one["valid_prediction_time"])
    if len(results.domain.axes) == 1:
        figure, mark = _over_time(results, rows, one["time"].values, valid, variable), "Dashed:"
    else:
        height = row_height(results.domain.axes)
        figure, mark = new_figure(3 * height), f"At lead times t, {results.domain.axes[0].name} across; {valid:.3g} is"
        label = quantity(variable.long_name, variable.name, variable.units)
        draw_rows(rows_of(figure, [height] * 3), rows, one["time"].values, results.domain.axes, largest(truth), label)
    caption = (
        f"Simulation {int(one['simulation'])} of the test set, the median by its error over all lead times. "
        f"{mark} the instant its error exceeds {VALID_ERROR:g}."
    )
    return illustrate(
        figure, f"imagined_{variable.name}", caption, f"true and imagined {variable.long_name}, and their difference"
    )


def _over_time(results: Results, rows: dict[str, Array], times: Array, valid: float, variable: Variable) -> Figure:
    """Space-time pictures, one below the other; a line at the end of the valid time."""
    (axis,) = results.domain.axes
    figure = new_figure(5.6)
    panels: Sequence[Axes] = figure.subplots(3, 1, sharex=True, sharey=True)
    for axes, (title, values) in zip(panels, rows.items(), strict=True):
        image = space_time(axes, values, times, axis.coordinates, limit=largest(rows["True"]))
        axes.axvline(valid, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
        axes.set(title=title, ylabel=f"position {axis.name}{with_units(axis.units)}")
    panels[-1].set_xlabel("lead time")
    label = quantity(variable.long_name, variable.name, variable.units)
    figure.colorbar(image, ax=list(panels), label=label, aspect=45, pad=0.01)
    return figure


def median_simulation(rollouts: xr.Dataset) -> int:
    """Position of the simulation in the middle of all by its mean error."""
    error = rollouts["nrmse"].mean("time", skipna=False).fillna(np.inf).values
    return int(np.argsort(error, kind="stable")[(error.size - 1) // 2])


def reaches_the_end(rollouts: xr.Dataset) -> xr.DataArray:
    """Which simulations stay below the threshold at every lead time, ``(simulation,)``."""
    valid: xr.DataArray = (rollouts["nrmse"] <= VALID_ERROR).all("time")
    return valid


def _mark_valid_time(axes: Axes, rollouts: xr.Dataset, exponent: float | None) -> None:
    """The mean valid prediction time; a lower bound if some simulations are valid to the end."""
    mean = float(rollouts["valid_prediction_time"].mean())
    bound = "at least " if bool(reaches_the_end(rollouts).any()) else ""
    lyapunov = f"\n({mean * exponent:.3g} Lyapunov times)" if exponent else ""
    axes.plot([mean], [VALID_ERROR], "o", color=ORANGE, markersize=6, clip_on=False, zorder=6)
    late = mean > 0.8 * axes.get_xlim()[1]  # then the curve is below the threshold, and above it there is room
    axes.annotate(
        f"valid for {bound}{mean:.3g}{lyapunov}\non average",
        (mean, VALID_ERROR),
        xytext=(-4, 8) if late else (4, -8),
        textcoords="offset points",
        ha="right" if late else "left",
        va="bottom" if late else "top",
        color=ORANGE,
    )


def _add_lyapunov_axis(axes: Axes, exponent: float | None) -> None:
    if exponent is None:
        return
    top = axes.secondary_xaxis("top", functions=(lambda t: np.multiply(t, exponent), lambda n: np.divide(n, exponent)))
    top.set_xlabel(f"Lyapunov times (exponent {exponent:g})", color="#57606a")


def _spread(errors: xr.DataArray) -> tuple[Array, Array, Array]:
    """10 %, mean and 90 % over simulations; a rollout that is no longer finite is infinitely wrong."""
    errors = errors.where(np.isfinite(errors), np.inf)
    low, high = errors.quantile([0.1, 0.9], dim="simulation", method="nearest").values
    return low, errors.mean("simulation").values, high
