"""A picture of somebody's data: a frame of every state variable, and the forcings over time."""

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from sciwm.data.source import Survey
from sciwm.data.units import units_of
from sciwm.report.drawing import BLUE, GREEN, ORANGE, PURPLE, STYLE, new_figure, save, show_as_written, with_units

COLUMNS = 3
MOST_FRAMES, MOST_FORCINGS = 9, 6
RUN_COLORS = (BLUE, ORANGE, GREEN, PURPLE)
"""Colours of the runs whose forcings are drawn, the first of the data; no more would be told apart."""
FRAME_HEIGHT, LINE_HEIGHT = 2.2, 1.5


def draw_overview(found: Survey, path: Path) -> None:
    """Draw a frame of each state variable, from the middle of the first run, and the forcings of the first runs.

    Args:
        found: What was found out about the data.
        path: The picture to write; its suffix says in which format.

    Raises:
        InputError: If values cannot be read.
    """
    states, forcings = found.named("variables")[:MOST_FRAMES], _lines(found)
    with matplotlib.rc_context(STYLE):
        columns = min(COLUMNS, max(len(states), 1))
        rows = -(-len(states) // columns)
        figure = new_figure(max(rows * FRAME_HEIGHT + len(forcings) * LINE_HEIGHT, LINE_HEIGHT))
        heights = [*([FRAME_HEIGHT] * rows), *([LINE_HEIGHT] * len(forcings))]
        parts = figure.subfigures(max(len(heights), 1), 1, height_ratios=heights or [1], squeeze=False)[:, 0]
        for row in range(rows):
            panels = parts[row].subplots(1, columns, squeeze=False)[0]
            for panel, name in zip(panels, states[row * columns :], strict=False):
                _frame(parts[row], panel, found, name)
            for panel in panels[len(states) - row * columns :]:
                panel.set_axis_off()
        for row, (part, (title, lines, units)) in enumerate(zip(parts[rows:], forcings, strict=False)):
            _forcing(part.subplots(), found, title, lines, units, labelled=not row)
        show_as_written(figure)
        save(figure, path)


def _frame(part: SubFigure, axes: Axes, found: Survey, name: str) -> None:
    """One instant: a line in one dimension, colours in two, the middle layer of three."""
    array = found.dataset[name]
    chosen = {d: array.sizes[d] // 2 for d in (found.dims.time,) if d in array.dims}
    chosen |= {found.dims.run: 0} if found.dims.run in array.dims else {}
    field = array.isel({d: i for d, i in chosen.items() if d is not None}).squeeze()
    if field.ndim > 2:
        field = field.isel({d: field.sizes[d] // 2 for d in field.dims[:-2]})
    field = field.compute()
    axes.set_title(f"{name}{with_units(units_of(array, ''), '')}".replace(" []", ""))
    axes.set_xlabel(str(field.dims[-1]))
    if field.ndim == 1:
        axes.plot(_positions(field, 0), field.values, color=BLUE)
        return
    axes.set_ylabel(str(field.dims[0]))
    axes.grid(False)
    values = np.ma.masked_invalid(field.values)
    image = axes.pcolormesh(_positions(field, 1), _positions(field, 0), values, cmap="viridis", shading="nearest")
    part.colorbar(image, ax=axes, pad=0.02)


def _positions(field: xr.DataArray, axis: int) -> Any:
    dim = field.dims[axis]
    known = dim in field.coords and field[dim].dtype.kind in "iuf"
    return field[dim].values if known and np.isfinite(field[dim].values).all() else np.arange(field.sizes[dim])


def _lines(found: Survey) -> list[tuple[str, xr.DataArray, str]]:
    """The forcings to draw, one for each of their labels, over time and the first runs."""
    lines: list[tuple[str, xr.DataArray, str]] = []
    for name in found.named("forcings"):
        array = found.dataset[name]
        units = units_of(array, "")
        if found.dims.run in array.dims:
            array = array.isel({found.dims.run: slice(0, len(RUN_COLORS))})
        others = [d for d in array.dims if d not in (found.dims.time, found.dims.run)]
        if any(d in found.dims.space for d in others):
            lines.append((f"{name}, mean over {', '.join(map(str, others))}", array.mean(others), units))
        elif others:
            named = found.dataset[others[0]].values if others[0] in found.dataset.coords else None
            labels = range(array.sizes[others[0]]) if named is None else named
            lines += [(f"{name} {label}", array.isel({others[0]: i}), units) for i, label in enumerate(labels)]
        else:
            lines.append((name, array, units))
    return lines[:MOST_FORCINGS]


def _forcing(axes: Axes, found: Survey, title: str, lines: xr.DataArray, units: str, *, labelled: bool) -> None:
    time = str(found.dims.time)
    clock = found.clock
    times = clock.times - clock.times[0] if clock is not None else np.arange(lines.sizes[time])
    runs = lines.sizes.get(found.dims.run, 1) if found.dims.run else 1
    for row in range(runs):
        one = lines.isel({found.dims.run: row}) if found.dims.run in lines.dims else lines
        label = str(one[found.dims.run].values) if found.dims.run in one.coords else str(row)
        name = f"{found.dims.run} {label}"
        axes.step(times, one.values, where="post", color=RUN_COLORS[row], linewidth=1.0, label=name)
    if labelled and runs > 1:
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=runs, fontsize="small")
    axes.set_title(f"{title}{with_units(units, '')}".replace(" []", ""))
    axes.set_xlabel(f"{time} from the start{with_units(clock.units if clock else '', '')}".replace(" []", ""))
