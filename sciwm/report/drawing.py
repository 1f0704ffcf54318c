"""The hand all figures are drawn with: palette, colour maps, axes, PNG."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.mathtext import MathTextParser
from matplotlib.text import Text
from numpy.typing import NDArray

from sciwm.errors import shown
from sciwm.files import write_atomically

Array = NDArray[Any]

TIME_UNITS, LENGTH_UNITS = "time units", "length units"
"""Of times and lengths that have no others."""

WIDTH = 8.6  # inches; with DENSITY, twice the pixels that the page shows it at
DENSITY = 220
GREY = "#6e7781"
INK = "#1f2328"
BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW = "#0072b2", "#d55e00", "#009e73", "#aa4499", "#56b4e9", "#e69f00"
"""After Okabe & Ito (2008) and Tol (2021): told apart by colour-blind readers too."""

CONTROLLER_STYLES: dict[str, dict[str, Any]] = {
    "none": {"color": GREY, "linestyle": (0, (1, 1.2))},
    "world_model": {"color": ORANGE, "linewidth": 2.2, "zorder": 5},
    "lqr": {"color": GREEN, "linestyle": (0, (5, 1.5))},
    "oracle_cem": {"color": PURPLE, "linestyle": (0, (4, 1.5, 1, 1.5))},
    "adjoint": {"color": BLUE},
}

BLUES = ("#172546", "#1e3a70", "#265296", "#346db6", "#4a89d0", "#6aa6e2", "#93c2ed", "#c2ddf3")
REDS = ("#f4d1bd", "#eeab8a", "#e1865e", "#cd633d", "#b24526", "#912c1a", "#6c1c15", "#441413")
SIGNED = LinearSegmentedColormap.from_list("signed", [*BLUES, "#f6f6f6", *REDS]).with_extremes(bad="#c9ccd1")
"""Blue to red through the white of the paper; lightness (Oklab) falls linearly from zero to both ends."""
SIGNED_OTHER = colormaps["PuOr"].with_extremes(bad="#c9ccd1")
"""For a second signed quantity in the same figure."""

STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Arial", "Liberation Sans", "DejaVu Sans"],
    "font.size": 9,
    "mathtext.default": "regular",
    "text.color": INK,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 5,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#8c959f",
    "axes.linewidth": 0.7,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": "#57606a",
    "ytick.color": "#57606a",
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "lines.linewidth": 1.5,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "figure.constrained_layout.w_pad": 0.06,
    "figure.constrained_layout.h_pad": 0.06,
    "image.origin": "lower",
    "image.aspect": "auto",
}
"""Matplotlib settings that every figure is drawn under."""


@dataclass(frozen=True)
class Illustration:
    """One figure with what is said about it.

    Args:
        name: of the PNG file, without its suffix.
        caption: what is seen, in a sentence or two.
        alternative: the same for who cannot see it, in a few words.
        png: the image.
    """

    name: str
    caption: str
    alternative: str
    png: bytes


@dataclass(frozen=True)
class LineLabel:
    """The name of a line, written where it ends."""

    text: str
    value: float
    color: str
    bold: bool = False


def new_figure(height: float) -> Figure:
    """An empty figure of the page's width; ``height`` in inches."""
    return Figure(figsize=(WIDTH, height), dpi=DENSITY, layout="constrained")


def illustrate(figure: Figure, name: str, caption: str, alternative: str) -> Illustration:
    """Render a finished figure."""
    show_as_written(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return Illustration(name, caption, alternative, buffer.getvalue())


def save(figure: Figure, path: Path) -> None:
    """Write a finished figure in the format that the path ends in, atomically."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=path.suffix.removeprefix("."))
    write_atomically(path, buffer.getvalue())


def show_as_written(figure: Figure) -> None:
    """Let texts with names and units from files, which hold whatever their authors typed, be drawn in any case.

    A dollar sign begins a formula in matplotlib: what is none is drawn as it is written.
    """
    parser = MathTextParser("path")
    for text in figure.findobj(Text):
        if not isinstance(text, Text) or not text.get_text():
            continue
        text.set_text(shown(text.get_text()))
        try:
            for line in text.get_text().splitlines() if text.get_parse_math() else ():
                if (marks := line.replace(r"\$", "").count("$")) and marks % 2 == 0:
                    parser.parse(line)
        except ValueError:
            text.set_parse_math(False)


def space_time(axes: Axes, values: Array, times: Array, positions: Array, *, limit: float) -> AxesImage:
    """A signed field over time (across) and space (up), on a colour scale symmetric about zero.

    Args:
        values: ``(time, position)``.
        limit: value at the ends of the colour scale.
    """
    half = (positions[1] - positions[0]) / 2
    axes.spines[:].set_visible(True)
    return axes.imshow(
        values.T,
        cmap=SIGNED,
        vmin=-limit,
        vmax=limit,
        extent=(times[0], times[-1], positions[0] - half, positions[-1] + half),
        interpolation="bilinear",
    )


def band(axes: Axes, times: Array, low: Array, middle: Array, high: Array, **style: Any) -> None:
    """A line with a shaded range."""
    axes.fill_between(times, low, high, color=style["color"], alpha=0.14, linewidth=0)
    axes.plot(times, middle, **style)


def spread(values: xr.DataArray, dim: str) -> tuple[Array, Array, Array]:
    """10 %, median and 90 % over ``dim``; what is not a number is infinitely wrong."""
    values = values.fillna(np.inf)
    low, high = values.quantile([0.1, 0.9], dim=dim, method="nearest").values
    return low, values.median(dim).values, high


def label_lines(axes: Axes, labels: Sequence[LineLabel]) -> None:
    """Name lines to the right of finished axes, pushed apart where they would overlap."""
    to_fraction = axes.transData + axes.transAxes.inverted()
    left, top = axes.get_xlim()[0], axes.get_ylim()[1]
    ordered = sorted(labels, key=lambda label: label.value)
    wanted = [to_fraction.transform((left, min(label.value, top)))[1] for label in ordered]
    separation = 13 / 72 * axes.figure.dpi / axes.bbox.height  # 13 points, a line of text
    height = -np.inf
    for label, end in zip(ordered, wanted, strict=True):
        height = max(height + separation, end, 0.0)
        leader = {
            "arrowstyle": "-",
            "color": label.color,
            "linewidth": 0.7,
            "shrinkA": 0,
            "shrinkB": 0,
            "relpos": (0, 0.5),
        }
        axes.annotate(
            label.text,
            (1, end),
            xycoords="axes fraction",
            xytext=(1.03, height),
            textcoords="axes fraction",
            va="center",
            color=label.color,
            fontweight="bold" if label.bold else "normal",
            arrowprops=leader if end >= 0 else None,
        )


def quantity(long_name: str, name: str, units: str) -> str:
    """How an axis is labelled: ``velocity u [m/s]``, ``velocity u [dimensionless]``."""
    return f"{long_name} {name}{with_units(units)}"


def in_short(name: str, units: str) -> str:
    """The same where there is little room, and the caption says the rest: ``u``, ``u [m/s]``."""
    return name if units in ("", "1") else f"{name} [{units}]"


def with_units(units: str, otherwise: str = "dimensionless") -> str:
    """`` [units]``; what stands for them where there are none."""
    return f" [{otherwise if units in ('', '1') else units}]"


def in_time(text: str, units: str = "1") -> str:
    """The label of an axis of times; those without units are in the units of the equation."""
    return f"{text} [{time_unit(units)}]"


def time_unit(units: str) -> str:
    """What stands behind a time."""
    return TIME_UNITS if units in ("", "1") else units


def position(name: str, units: str) -> str:
    """The label of an axis of positions."""
    return f"position {name}{with_units(units, LENGTH_UNITS)}"


def largest(*values: Array) -> float:
    """Largest finite magnitude, to scale colours by; never zero."""
    finite = np.concatenate([v[np.isfinite(v)] for v in values])
    return float(np.abs(finite).max(initial=0.0)) or 1.0
