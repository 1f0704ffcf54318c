"""What control looks like: the flow before and after, the jets, and the distance from the target."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase

from sciwm.data import Variable
from sciwm.evaluation import CONTROLLERS
from sciwm.report.contents import Results
from sciwm.report.drawing import (
    CONTROLLER_STYLES,
    INK,
    SIGNED_OTHER,
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
    spread,
    with_units,
)
from sciwm.report.numbers import in_mathtext, in_text
from sciwm.report.snapshots import draw_rows, key_to, row_height, rows_of


def controlled_flow(results: Results, controlled: xr.Dataset, variable: Variable) -> Illustration:
    """One held-out episode: uncontrolled, controlled through the world model, imagined by it, and the actions."""
    first = results.config.control.first
    episode = median_episode(controlled, first)
    one = controlled.isel(episode=episode, time=slice(0, first + 1))
    times, dimensions = one["time"].values, list(results.domain.dimensions)
    executed = one.sel(controller="world_model")
    rows = {
        "Uncontrolled": one[variable.name].sel(controller="none").values,
        "Controlled through the world model": executed[variable.name].values,
    }
    imagined = f"{variable.name}_imagined"
    if imagined in one:  # older results lack it
        rows["Imagined: the world model plans and acts on its own forecast"] = one[imagined].values
    flat = len(dimensions) == 1
    label = (
        quantity(variable.long_name, variable.name, variable.units) if flat else in_short(variable.name, variable.units)
    )
    draw, kind = (_over_time, "space-time plots") if flat else (_at_instants, "snapshots")
    figure = draw(results, rows, executed["action"].values[:-1], times, label)
    caption = (
        f"Held-out start {episode + 1} of {controlled.sizes['episode']}, the median by what the world model achieves "
        f"over the first {results.first_window:g} time units, which are shown. The upper two panels are the true "
        "simulation, the second under the actions shown below."
        f"{_deviation(one, variable, dimensions) if imagined in one else ''}"
        f"{'' if flat else key_to(variable, results.domain.axes)}"
    )
    alternative = f"{kind} of the {variable.long_name}: uncontrolled, controlled, imagined; and the actions"
    return illustrate(figure, f"controlled_flow_{variable.name}", caption, alternative)


def distance_over_time(results: Results, controlled: xr.Dataset) -> Illustration:
    """Mean square distance from the target, all controllers, on a logarithmic scale."""
    times, last = controlled["time"].values, results.config.control.last
    figure = new_figure(4.2)
    axes = figure.subplots()
    ends = {}
    for name in map(str, controlled["controller"].values):
        low, middle, high = spread(controlled["distance"].sel(controller=name), "episode")
        band(axes, times, low, middle, high, **CONTROLLER_STYLES[name])
        ends[name] = float(middle[-last:].mean())
    axes.set(yscale="log", xlim=(times[0], times[-1]), xlabel=in_time("time t"))
    axes.set_ylabel(f"mean square distance from the target{_squared_units(results)}")
    axes.set_ylim(_lowest_shown(ends), 3 * largest(controlled["distance"].values))
    axes.grid(axis="y", color="#e6e8eb", linewidth=0.6)
    axes.axvline(results.first_window, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    axes.annotate(
        f"first {results.first_window:g} time units",
        (results.first_window, 0.75),
        xycoords=axes.get_xaxis_transform(),
        xytext=(-5, 0),
        textcoords="offset points",
        ha="right",
    )
    label_lines(axes, [_end_label(name, end, axes.get_ylim()[0]) for name, end in ends.items()])
    caption = (
        f"Median over {controlled.sizes['episode']} held-out starts; shaded, the 10-90 % range. At the right, the "
        f"mean level over the last {results.last_window:g} time units; ↓ marks a line that falls below the figure."
    )
    return illustrate(figure, "distance_over_time", caption, "distance from the target over time for every controller")


def median_episode(controlled: xr.Dataset, first: int) -> int:
    """The episode in the middle of all by its mean square distance over the first window."""
    distance = controlled["distance"].sel(controller="world_model").isel(time=slice(1, first + 1))
    early = distance.mean("time", skipna=False).fillna(np.inf).values
    return int(np.argsort(early, kind="stable")[(early.size - 1) // 2])


def _over_time(results: Results, rows: dict[str, Array], actions: Array, times: Array, label: str) -> Figure:
    """Space-time pictures and the actions, one below the other over the same times."""
    (axis,) = results.domain.axes
    figure = new_figure(2.0 + 1.8 * len(rows))
    panels: Sequence[Axes] = figure.subplots(len(rows) + 1, 1, sharex=True, height_ratios=[*[1] * len(rows), 0.8])
    for axes, (title, values) in zip(panels, rows.items(), strict=False):
        image = space_time(axes, values, times, axis.coordinates, limit=largest(rows["Uncontrolled"]))
        axes.set(title=title, ylabel=position(axis.name, axis.units))
    figure.colorbar(image, ax=list(panels[:-1]), label=label, aspect=45, pad=0.01)
    _draw_actions(figure, panels[-1], results, actions, times)
    return figure


def _at_instants(results: Results, rows: dict[str, Array], actions: Array, times: Array, label: str) -> Figure:
    """Snapshots at the same few times, and below the actions over all times."""
    heights = [*[row_height(results.domain.axes)] * len(rows), 1.9]
    figure = new_figure(sum(heights))
    *parts, last = rows_of(figure, heights)
    draw_rows(parts, rows, times, results.domain.axes, largest(rows["Uncontrolled"]), label)
    _draw_actions(last, last.subplots(), results, actions, times)
    return figure


def _deviation(one: xr.Dataset, variable: Variable, dimensions: Sequence[str]) -> str:
    """How far the imagination of an episode ever is from what happened, in words."""
    truth = one[variable.name].sel(controller="world_model")
    squared = ((one[f"{variable.name}_imagined"] - truth) ** 2).mean(dimensions, skipna=False)
    start = (truth.isel(time=0) ** 2).mean(dimensions)
    worst = float((squared.max(skipna=False) / start) ** 0.5)
    third = " The third is the forecast that starts from the first instant, sees nothing later, and"
    if not np.isfinite(worst):
        return f"{third} blows up."
    return (
        f"{third} deviates from the controlled flow by at most {in_text(100 * worst)} % of the amplitude at the start."
    )


def _draw_actions(figure: FigureBase, axes: Axes, results: Results, actions: Array, times: Array) -> None:
    box = results.domain.actuators
    count = len(box)
    limit = float(max(abs(box.low).max(), abs(box.high).max()))
    image = axes.imshow(
        actions.T,
        cmap=SIGNED_OTHER,
        vmin=-limit,
        vmax=limit,
        extent=(times[0], times[-1], -0.5, count - 0.5),
        interpolation="nearest",
    )
    shown = range(0, count, 1 + (count - 1) // 8)
    axes.set_yticks(list(shown), [box.names[j].replace("_", " ") for j in shown])
    axes.tick_params(axis="y", length=0)
    axes.spines[:].set_visible(True)
    axes.set(title="Actions, as executed", xlabel=in_time("time t"))
    figure.colorbar(image, ax=axes, label=f"action{with_units(box.units)}", aspect=12, pad=0.01)


def _squared_units(results: Results) -> str:
    """Of a distance over all variables, empty where these have none or several."""
    units = {variable.units for variable in results.domain.variables}
    unit = units.pop()
    return "" if units or unit in ("", "1") else f" [({unit})²]"


def _lowest_shown(ends: dict[str, float]) -> float:
    """Low enough to show the floor of the world model; who owns the equation may go on to nothing."""
    floor = ends["world_model"] if np.isfinite(ends["world_model"]) else 1.0
    return max(min(ends.values()) / 3, floor / 1000, 1e-30)


def _end_label(name: str, end: float, lowest: float) -> LineLabel:
    color = INK if name == "none" else CONTROLLER_STYLES[name]["color"]
    arrow = "" if end >= lowest else "↓ "
    return LineLabel(f"{CONTROLLERS[name]}  {arrow}{in_mathtext(end)}", end, color, bold=name == "world_model")
