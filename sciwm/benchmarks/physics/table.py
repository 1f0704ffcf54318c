"""The whole table: cells over systems, seeds and arms, what they come to, and the verdicts on what was claimed."""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from sciwm.benchmarks.physics import arms, baselines
from sciwm.benchmarks.physics.arms import ARMS, OURS
from sciwm.benchmarks.physics.baselines import BASELINES, baseline_cell
from sciwm.benchmarks.physics.cells import arm_cell
from sciwm.benchmarks.physics.claims import judge
from sciwm.benchmarks.physics.figure import draw
from sciwm.benchmarks.physics.ground import Ground
from sciwm.benchmarks.physics.kept import Cell as Measured
from sciwm.benchmarks.physics.resolution import resolution_cell
from sciwm.benchmarks.physics.surprise import surprise_cell
from sciwm.benchmarks.physics.systems import SYSTEMS
from sciwm.benchmarks.results import Cell, Column, Row, mean_over_seeds, text
from sciwm.evaluation.statistics import paired_bootstrap
from sciwm.problems import InputError, Problem
from sciwm.progress import CountBar

PARTS = ("physics", "equivariance", "collapse", "baselines", "surprise", "resolution")
OF_MAIN_ARM = {"surprise": surprise_cell, "resolution": resolution_cell}
QUICK_CELLS = (
    "base",
    "heads",
    "budget",
    "twins",
    "off",
    "on_half",
    "persistence",
    "dmdc",
    "koopman",
    "fields_one_step",
)
CLAIMS = (*arms.CLAIMS, *baselines.CLAIMS)


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """Every part on every system."""
    return run_some(quick, folder, seeds, ())


def run_some(quick: bool, folder: Path, seeds: Sequence[int], only: Sequence[str]) -> list[Row]:
    """Rows of the kinds ``arm``, ``claim``, ``surprise`` and ``resolution``.

    Args:
        quick: one system and a few arms, all tiny.
        folder: where cells are kept; a benchmark that was killed goes on there, and one of some systems
            or parts leaves its cells to that of all.
        only: systems and parts, all of them where none of a kind are named.

    Raises:
        InputError: if a name is neither.
    """
    unknown = [name for name in only if name not in (*SYSTEMS, *PARTS)]
    if unknown:
        raise InputError([Problem("--only", f"some of {', '.join((*SYSTEMS, *PARTS))}", ", ".join(unknown))])
    systems = [s for s in SYSTEMS if s in only] or list(SYSTEMS[1:2] if quick else SYSTEMS)
    parts = [p for p in PARTS if p in only] or list(PARTS)
    names = [n for n in (*ARMS, *BASELINES) if part_of(n) in parts or _is_needed(n, parts)]
    names = [n for n in names if n in QUICK_CELLS] if quick else names
    further = [part for part in OF_MAIN_ARM if part in parts]
    progress = CountBar(len(systems) * len(seeds) * (len(names) + len(further)), "physics", "cell")
    rows: list[Row] = []
    for system in systems:
        cells: dict[str, list[Measured]] = defaultdict(list)
        for seed, name in product(seeds, (*names, *further)):
            progress(0, f"{system} {name} {seed}")
            cells[name].append(_cell(Ground(system, seed, folder / system / f"seed_{seed}", quick), name))
            progress(1, "")
        rows += [_arm_row(system, name, cells[name]) for name in names]
        samples = {name: _samples(cells[name]) for name in names}
        claims = [c for c in CLAIMS if {c.arm, c.against} - {""} <= set(names)]
        rows += [judge(claim, system, samples) for claim in claims]
        rows += [row for part in further for row in _rows_of_main_arm(system, part, cells[part])]
    progress.close()
    draw(rows, folder / "physics.png")
    return rows


def part_of(name: str) -> str:
    """Of an arm or a baseline."""
    return ARMS[name].part if name in ARMS else "baselines"


def _is_needed(name: str, parts: Sequence[str]) -> bool:
    """What other parts are compared with, or made of."""
    if name == arms.BASE:
        return bool({"equivariance", "collapse"} & set(parts))
    return name == OURS and bool({"baselines", *OF_MAIN_ARM} & set(parts))


def _cell(ground: Ground, name: str) -> Measured:
    ground.data()
    if name in OF_MAIN_ARM:
        return OF_MAIN_ARM[name](ground)
    return arm_cell(ground, name) if name in ARMS else baseline_cell(ground, name)


def _samples(cells: Sequence[Measured]) -> dict[str, list[list[float]]]:
    """By measure, those that every seed has."""
    measures = set.intersection(*(set(cell["samples"]) for cell in cells))
    return {m: [cell["samples"][m] for cell in cells] for m in sorted(measures)}


def _arm_row(system: str, name: str, cells: Sequence[Measured]) -> Row:
    """Means of every seed, and of all with their interval."""
    samples = _samples(cells)
    row: Row = {
        "kind": "arm",
        "system": system,
        "arm": name,
        "part": part_of(name),
        "hypothesis": ARMS[name].hypothesis if name in ARMS else baselines.words(name),
        "failed": [cell["failed"] for cell in cells if "failed" in cell],
        **{key: [cell.get(key) for cell in cells] for key in ("parameters", "latent_size", "updates", "cpu_seconds",
                                                              "measuring_seconds", "gain")},
    }  # fmt: skip
    for measure, groups in samples.items():
        row[measure] = [math.fsum(group) / len(group) for group in groups]
        row[f"{measure}_interval"] = paired_bootstrap(groups, groups, lambda mean, _: mean)[1:]
    return row


def _rows_of_main_arm(system: str, part: str, cells: Sequence[Measured]) -> list[Row]:
    """One row of every seed."""
    return [{"kind": part, "system": system, "seed_number": i, **row} for i, c in enumerate(cells) for row in c["rows"]]


def of_kind(kind: str) -> Callable[[Sequence[Row]], list[Row]]:
    """Selects the rows of one table."""
    return lambda rows: [row for row in rows if row["kind"] == kind]


def columns() -> list[Column]:
    """The arms: means over seeds with their standard deviations."""
    measures = {
        "nrmse_12": "nRMSE, 12 steps",
        "valid_time": "valid time [Lyapunov]",
        "energy_change_error": "energy change error",
        "energy_drift": "energy drift",
        "effect_rough": "effect error",
        "gradient_half": "gradient cosine, half",
        "gradient_one": "one",
        "probe_ridge": "R², ridge",
        "equivariance_error": "equivariance error",
        "gain": "gain",
        "cpu_seconds": "CPU s",
    }
    return [
        Column("system", text("system")),
        Column("arm", text("arm")),
        Column("parameters", lambda row, _: _first(row["parameters"])),
        Column("latent", lambda row, _: _first(row["latent_size"])),
        *(Column(title, mean_over_seeds(key, 3)) for key, title in measures.items()),
    ]


def claim_columns() -> list[Column]:
    """What was claimed, and what came of it."""
    return [
        Column("system", text("system")),
        Column("arm", text("arm")),
        Column("measure", text("measure")),
        Column("claim", text("claim")),
        Column("found (95 % interval)", lambda row, _: _with_interval(row["value"], row["interval"])),
        Column("verdict", text("verdict")),
    ]


def surprise_columns() -> list[Column]:
    """AUROC by detector."""
    return [
        Column("system", text("system")),
        Column("violation", lambda row, _: row["violation"] + (" (control)" if row["control"] else "")),
        Column("size", text("size")),
        *(Column(f"AUROC, {detector}", _auroc(detector)) for detector in ("latent", "budget", "equation")),
    ]


def _auroc(detector: str) -> Cell:
    """A cell that shows it with its interval; a dash for a detector that the model does not have."""
    return lambda row, _: _with_interval(row[detector][0], row[detector][1:]) if detector in row else "-"


def resolution_columns() -> list[Column]:
    """Value and interval of each."""
    return [
        Column("system", text("system")),
        Column("measure", text("what")),
        Column("value (95 % interval)", lambda row, _: _with_interval(row["value"], row["interval"])),
    ]


def _first(values: Sequence[Any]) -> str:
    return next((str(v) for v in values if v is not None), "-")


def _with_interval(value: float | None, interval: Sequence[float] | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" + (f" ({interval[0]:.3g} to {interval[1]:.3g})" if interval else "")
