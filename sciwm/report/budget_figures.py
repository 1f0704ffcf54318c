"""Whether imagined changes are the true ones, and close their budgets."""

from itertools import cycle

import numpy as np
import xarray as xr

from sciwm.errors import counted
from sciwm.report.drawing import Illustration, LineLabel, illustrate, in_time, label_lines, new_figure
from sciwm.report.effect_figures import COLORS

STYLES = {"change_error": ("error of the change", "solid"), "residual": ("residual of the budget", (0, (4, 2)))}


def budgets_over_time(errors: xr.Dataset) -> Illustration:
    """Root mean squares over samples, interval by interval, for every functional."""
    figure = new_figure(3.6)
    axes = figure.subplots()
    labels, lead = [], errors["time"].values
    for name, color in zip(map(str, errors["functional"].values), cycle(COLORS), strict=False):
        for variable, (meaning, style) in STYLES.items():
            if variable not in errors:
                continue
            size = (errors[variable].sel(functional=name) ** 2).mean("sample", skipna=False).values ** 0.5
            axes.plot(lead, np.where(size > 0, size, np.nan), color=color, linestyle=style)
            labels.append(LineLabel(f"{name}, {meaning}", float(size[-1]), color, bold=variable == "change_error"))
    axes.set(
        yscale="log",
        xlim=(lead[0], lead[-1]),
        xlabel=in_time("lead time"),
        ylabel="error / deviation of the true change",
    )
    axes.margins(y=0.1)
    axes.grid(axis="y", color="#e6e8eb", linewidth=0.6)
    label_lines(axes, labels)
    caption = (
        f"Root mean square over {counted(errors.sizes['sample'], 'start')}, interval by interval; dashed, what lies "
        "between the change of a functional that the model states and the budget that it states. Predicting the mean "
        "change would have an error of 1."
    )
    return illustrate(figure, "budgets_over_time", caption, "errors of changes and residuals of budgets over lead time")
