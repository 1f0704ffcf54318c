"""The control tasks beside published and known values: without control, optimal, and under classical controllers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sciwm.benchmarks.control.bounded import burgers_target, hidden_gain, reaction_diffusion, transport
from sciwm.benchmarks.control.flow import kolmogorov
from sciwm.benchmarks.control.periodic import chaos, convection
from sciwm.benchmarks.results import Column, Row, text

TASKS = (burgers_target, transport, reaction_diffusion, convection, chaos, kolmogorov, hidden_gain)


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """Every task in turn.

    Args:
        quick: few and short episodes, to see that it runs; nothing counts as reproduced.
        folder: not used.
        seeds: of the starts.
    """
    rows = []
    for seed in seeds:
        for number, task in enumerate(TASKS):
            rows += task(quick, np.random.default_rng([seed, number]))
    return [row | {"reproduced": None} for row in rows] if quick else rows  # a few episodes prove nothing


def columns() -> list[Column]:
    """The columns of the table."""
    return [
        Column("task", text("task")),
        Column("controller", text("controller")),
        Column("measure", text("measure")),
        Column("episodes", text("episodes")),
        Column(
            "mean (95 % interval)", lambda r, _: f"{r['mean']:.4g} ({r['interval'][0]:.4g} to {r['interval'][1]:.4g})"
        ),
        Column("known", lambda r, _: r["known"] or "-"),
        Column("reproduced", lambda r, _: {True: "yes", False: "no", None: "-"}[r["reproduced"]]),
    ]
