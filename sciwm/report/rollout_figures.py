"""Forecasts of held-out simulations, and how long they are valid."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sciwm.data import Variable
from sciwm.errors import counted
from sciwm.evaluation import VALID_ERROR
from sciwm.report.contents import Results
from sciwm.report.drawing import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    Array,
    Illustration,
    LineLabel,
    band,
    illustrate,
    in_short,
    in_time,
    label_lines,
    largest,
    new_figure,
    position,
    quantity,
    space_time,
    time_unit,
)
from sciwm.report.snapshots import draw_rows, key_to, row_height, rows_of

HIGHEST = 2.0
"""Errors above this, and those of what blew up, are drawn here: two unrelated states differ by about 1.4."""
SMALLEST = 1e-9
"""Errors below this are rounding, and drawn here."""


def error_over_lead_time(results: Results, rollouts: xr.Dataset) -> Illustration:
    """Normalised error of the world model against persistence."""
    lead = rollouts["time"].values[1:]
    figure = new_figure(3.9)
    axes = figure.subplots()
    labels = [LineLabel(f"valid up to {VALID_ERROR:g}", VALID_ERROR, INK)]
    files = results.config.source is not None
    drawn = [("nrmse_persistence", "persistence", GREY), ("nrmse", "world model", ORANGE)]
    if files:
        drawn.insert(1, ("nrmse_climatology", "climatology", BLUE))
    for name, text, color in drawn:
        errors = rollouts[name].isel(time=slice(1, None))
        low, mean, high = (_spread_of_recorded if files else _spread)(errors)
        band(axes, lead, low, mean, high, color=color)
        labels.append(LineLabel(text, float(mean[-1]), color, bold=name == "nrmse"))
    axes.axhline(VALID_ERROR, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    axes.set(yscale="log", xlim=(0, lead[-1]), xlabel=in_time("lead time", results.domain.time_units))
    axes.set_ylabel("error in deviations of the data" if files else "error / norm of the truth (nRMSE)")
    axes.set_ylim(top=1.5 * HIGHEST)
    axes.grid(axis="y", color="#e6e8eb", linewidth=0.6)
    exponent = results.config.evaluation.lyapunov_exponent
    _mark_valid_time(axes, rollouts, exponent, time_unit(results.domain.time_units))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center")
    label_lines(axes, labels)
    _add_lyapunov_axis(axes, exponent)
    reached = int(reaches_the_end(rollouts).sum())
    caption = (
        f"Forecasts of {rollouts.sizes['simulation']} held-out simulations from their first instant under their own "
        f"forcing: mean, and shaded the 10-90 % range. Predicting zero has an error of 1, an unrelated state one of "
        f"about 1.4; errors above {HIGHEST:g} are drawn as {HIGHEST:g}. "
        f"{reached} of {rollouts.sizes['simulation']} stay valid to the end."
    )
    if files:
        count = counted(rollouts.sizes["simulation"], "held-out run")
        caption = (
            f"Forecasts of {count} from the first instant under the recorded forcing: root mean square error in "
            "deviations of the training data, mean and, shaded, the 10-90 % range. "
            f"The mean field of the training data (climatology) has about 1; errors above {HIGHEST:g} are drawn as "
            f"{HIGHEST:g}. {reached} of {rollouts.sizes['simulation']} stay valid to the end."
        )
    return illustrate(figure, "error_over_lead_time", caption, "normalised error over lead time against persistence")


def imagined_example(results: Results, rollouts: xr.Dataset, variable: Variable) -> Illustration:
    """The held-out simulation whose error is the median: true, imagined, difference."""
    row = median_simulation(rollouts)
    one = rollouts.isel(simulation=row)
    truth, imagined = one[variable.name].values, one[f"{variable.name}_imagined"].values
    rows = {"True": truth, "Imagined, from the first instant alone": imagined, "Imagined minus true": imagined - truth}
    valid = float(one["valid_prediction_time"])
    if len(results.domain.axes) == 1:
        figure, mark = _over_time(results, rows, one["time"].values, valid, variable), "Dashed:"
    else:
        height = row_height(results.domain.axes)
        figure, mark = new_figure(3 * height), f"At lead times t; {valid:.3g} is"
        label = in_short(variable.name, variable.units)
        draw_rows(rows_of(figure, [height] * 3), rows, one["time"].values, results.domain.axes, largest(truth), label)
    caption = (
        f"Simulation {int(one['simulation'])} of the test set, the median by its error over all lead times. "
        f"{mark} the instant its error exceeds {VALID_ERROR:g}."
        f"{'' if len(results.domain.axes) == 1 else key_to(variable, results.domain.axes)}"
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
        axes.set(title=title, ylabel=position(axis.name, axis.units))
    panels[-1].set_xlabel(in_time("lead time"))
    label = quantity(variable.long_name, variable.name, variable.units)
    figure.colorbar(image, ax=list(panels), label=label, aspect=45, pad=0.01)
    return figure


def median_simulation(rollouts: xr.Dataset) -> int:
    """Position of the simulation in the middle of all by its mean error."""
    error = rollouts["nrmse"].mean("time", skipna=False).fillna(np.inf).values
    return int(np.argsort(error, kind="stable")[(error.size - 1) // 2])


def reaches_the_end(rollouts: xr.Dataset) -> xr.DataArray:
    """Which simulations stay below the threshold at every lead time, ``(simulation,)``."""
    over = rollouts["nrmse_persistence"].isnull() if "intervals" in rollouts.coords else False
    valid: xr.DataArray = ((rollouts["nrmse"] <= VALID_ERROR) | over).all("time")
    return valid


def _mark_valid_time(axes: Axes, rollouts: xr.Dataset, exponent: float | None, unit: str) -> None:
    """The mean valid prediction time; a lower bound if some simulations are valid to the end."""
    mean = float(rollouts["valid_prediction_time"].mean())
    bound = "at least " if bool(reaches_the_end(rollouts).any()) else ""
    lyapunov = f" ({mean * exponent:.3g} Lyapunov times)" if exponent else ""
    label = f"valid for {bound}{mean:.3g} {unit}{lyapunov}, on average"
    axes.plot([mean], [VALID_ERROR], "o", color=ORANGE, markersize=6, clip_on=False, zorder=6, label=label)


def _add_lyapunov_axis(axes: Axes, exponent: float | None) -> None:
    if exponent is None:
        return
    top = axes.secondary_xaxis("top", functions=(lambda t: np.multiply(t, exponent), lambda n: np.divide(n, exponent)))
    top.set_xlabel(f"Lyapunov times (exponent {exponent:g})", color="#57606a")


def _spread_of_recorded(errors: xr.DataArray) -> tuple[Array, Array, Array]:
    """10 %, mean and 90 % over the runs that go on so long."""
    clipped = errors.clip(SMALLEST, HIGHEST)
    low, high = clipped.quantile([0.1, 0.9], dim="simulation").values
    return low, clipped.mean("simulation").values, high


def _spread(errors: xr.DataArray) -> tuple[Array, Array, Array]:
    """10 %, mean and 90 % over simulations; a rollout that is no longer finite is infinitely wrong."""
    errors = errors.fillna(np.inf).clip(SMALLEST, HIGHEST)
    low, high = errors.quantile([0.1, 0.9], dim="simulation", method="nearest").values
    return low, errors.mean("simulation").values, high
