"""Pictures of the results: every variant with its main errors, and how well violations are detected by their size."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sciwm.benchmarks.physics.claims import VIOLATION_AUROC
from sciwm.benchmarks.results import Row
from sciwm.report.drawing import BLUE, GREEN, GREY, ORANGE, PURPLE, new_figure, save

PANELS = {
    "valid_time": ("valid prediction time\n[Lyapunov times, or 40 intervals]", "linear"),
    "energy_change_error": ("energy change error", "log"),
    "effect_rough": ("effect error", "log"),
    "energy_drift": ("energy drift", "log"),
}
COLORS = {"burgers": BLUE, "ks22": ORANGE, "ks60": GREEN, "kolmogorov": PURPLE}


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw the rows.

    Args:
        rows: of all systems.
        path: of the picture of the variants. That of the violations stands beside it, with ``-surprise`` at the end
            of its name, if there are any.
    """
    save(_variants(rows), path)
    if any(row["kind"] == "surprise" for row in rows):
        save(_detection(rows), path.with_stem(f"{path.stem}-surprise"))


def _variants(rows: Sequence[Row]) -> Figure:
    """Means with 95 % intervals, one line for each variant."""
    cells = [row for row in rows if row["kind"] == "variant"]
    names, systems = (list(dict.fromkeys(row[key] for row in cells)) for key in ("variant", "system"))
    figure = new_figure(0.22 * len(names) + 1.2)
    panels = figure.subplots(1, len(PANELS), sharey=True)
    for panel, (measure, (title, scale)) in zip(panels, PANELS.items(), strict=True):
        for row in (r for r in cells if measure in r):
            mean, (low, high) = sum(row[measure]) / len(row[measure]), row[f"{measure}_interval"]
            height = names.index(row["variant"]) + 0.15 * (systems.index(row["system"]) - (len(systems) - 1) / 2)
            panel.plot([low, high], [height, height], color=COLORS[row["system"]], linewidth=1)
            panel.plot(mean, height, "o", color=COLORS[row["system"]], markersize=3)
        _dress(panel, title, scale)
    panels[0].set_yticks(range(len(names)), names)
    panels[0].set_ylim(len(names) - 0.4, -0.6)  # the first one on top
    _legend(figure, systems)
    return figure


def _detection(rows: Sequence[Row]) -> Figure:
    """AUROC of prediction errors in the latent against the size of the violation, mean over seeds, by system."""
    sized = [row for row in rows if row["kind"] == "surprise" and len(row["sizes"]) > 1]
    names, systems = (list(dict.fromkeys(row[key] for row in sized)) for key in ("violation", "system"))
    figure = new_figure(2.4)
    panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for panel, name in zip(panels, names, strict=True):
        for system in systems:
            of = [row for row in sized if (row["violation"], row["system"]) == (name, system)]
            if of:
                means = np.mean([row["curve"]["latent"] for row in of], axis=0)
                panel.plot(of[0]["sizes"], means, "o-", color=COLORS[system], markersize=3, linewidth=1)
        panel.axhline(VIOLATION_AUROC, color=GREY, linewidth=0.8, linestyle=(0, (2, 2)))
        _dress(panel, name.replace("_", " "), "log")
    panels[0].set_ylabel("AUROC", fontsize=8)
    panels[0].set_ylim(0.45, 1.02)
    panels[len(names) // 2].set_xlabel(
        "size of the violation, relative to the root mean square, to the forcing, or to the parameter", fontsize=8
    )
    _legend(figure, systems)
    return figure


def _dress(panel: Axes, title: str, scale: str) -> None:
    panel.set_xscale(scale)
    panel.set_title(title, fontsize=8)
    panel.tick_params(labelsize=7)
    panel.grid(color="#e6e8eb", linewidth=0.6)


def _legend(figure: Figure, systems: Sequence[str]) -> None:
    lines = [Line2D([], [], marker="o", color=COLORS[system], label=system, markersize=3) for system in systems]
    figure.legend(handles=lines, loc="outside lower center", ncols=len(systems), fontsize=8, frameon=False)
