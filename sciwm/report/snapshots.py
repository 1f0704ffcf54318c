"""Flows over two space dimensions: rows of snapshots at a few times."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.image import AxesImage

from sciwm.data import Axis, Variable
from sciwm.report.drawing import LENGTH_UNITS, SIGNED, WIDTH, Array, in_short, quantity

COLUMNS = 5
HEADING = 0.62
"""Inches of a row that its heading and its numbers take."""


def chosen_instants(count: int) -> list[int]:
    """The first of ``count`` instants, the last, and what lies between, each twice as late as the one before."""
    last = count - 1
    return sorted({0, *(round(last / 2**n) for n in range(COLUMNS - 1))})


def row_height(axes: Sequence[Axis]) -> float:
    """Inches that a row of snapshots needs."""
    across, up = (axis.extent for axis in axes)
    return float(np.clip(0.8 * WIDTH / COLUMNS * up / across, 0.4, 4.0)) + HEADING


def key_to(variable: Variable, axes: Sequence[Axis]) -> str:
    """What colours and directions are, as a caption says it: snapshots have no room for it."""
    across, up = axes
    units = LENGTH_UNITS if across.units in ("", "1") else across.units
    name = quantity(variable.long_name, variable.name, variable.units)
    return f" Colours: {name}; {across.name} is across and {up.name} up, in {units}; times t in time units."


def rows_of(figure: Figure, heights: Sequence[float]) -> Sequence[SubFigure]:
    """One part of a figure for each row, one below the other."""
    parts = figure.subfigures(len(heights), 1, height_ratios=list(heights), squeeze=False)
    return list(parts[:, 0])


def snapshots(
    part: SubFigure, heading: str, values: Array, times: Array, axes: Sequence[Axis], *, limit: float, label: str
) -> None:
    """A signed field at a few instants, on a colour scale symmetric about zero.

    Args:
        heading: stands above the row.
        values: ``(time, x, y)``; of all times, ``chosen_instants`` are drawn.
        axes: those of x, drawn across, and of y, drawn up.
        limit: value at the ends of the colour scale.
        label: of the colour scale.
    """
    instants = chosen_instants(len(times))
    panels: Sequence[Axes] = part.subplots(1, len(instants), sharex=True, sharey=True, squeeze=False)[0]
    for panel, instant in zip(panels, instants, strict=True):
        image = _snapshot(panel, values[instant], axes, limit)
        panel.set_xlabel(f"t = {times[instant]:g}")
    panels[0].set_ylabel(in_short(axes[1].name, axes[1].units))
    part.suptitle(heading, x=0.01, ha="left", fontsize="medium", fontweight="bold")
    part.colorbar(image, ax=list(panels), label=label, aspect=12, pad=0.01)


def draw_rows(
    parts: Sequence[SubFigure], rows: Mapping[str, Array], times: Array, axes: Sequence[Axis], limit: float, label: str
) -> None:
    """Rows of snapshots at the same instants on one colour scale, each under its heading."""
    for part, (heading, values) in zip(parts, rows.items(), strict=True):
        snapshots(part, heading, values, times, axes, limit=limit, label=label)


def _snapshot(panel: Axes, values: Array, axes: Sequence[Axis], limit: float) -> AxesImage:
    edges = []
    for axis in axes:
        first, last = axis.coordinates[[0, -1]]
        edges += [first - axis.spacing / 2, last + axis.spacing / 2]
    panel.spines[:].set_visible(True)
    panel.tick_params(bottom=False, labelbottom=False)
    return panel.imshow(
        values.T,
        cmap=SIGNED,
        vmin=-limit,
        vmax=limit,
        extent=(edges[0], edges[1], edges[2], edges[3]),
        interpolation="bilinear",
        aspect="equal",
    )
