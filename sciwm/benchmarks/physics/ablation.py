"""The whole table: cells over systems, seeds and arms, what they come to, and the verdicts on what was claimed."""

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from sciwm.benchmarks.cells import Cell as Measured
from sciwm.benchmarks.physics import (
    baselines,
    factorial,
    resolution_rows,
    surprise_rows,
    symmetry_rows,
    variants,
)
from sciwm.benchmarks.physics.baselines import BASELINES, baseline_cell
from sciwm.benchmarks.physics.claims import Claim, Found, judge, judge_seeds
from sciwm.benchmarks.physics.figure import draw
from sciwm.benchmarks.physics.scenario import Ground
from sciwm.benchmarks.physics.systems import SYSTEMS, longest_valid_time, system_config
from sciwm.benchmarks.physics.trained import arm_cell
from sciwm.benchmarks.physics.variants import ARMS
from sciwm.benchmarks.results import Row
from sciwm.errors import InputError, Problem
from sciwm.evaluation.statistics import paired_bootstrap
from sciwm.progress import CountBar

PARTS = ("physics", "equivariance", "stability", "collapse", "baselines", "symmetry", "surprise", "resolution",
         "factorial")  # fmt: skip
LEFT_OUT = {
    "burgers": ("factorial", "collapse", "equivariance", "free_means", "fixed_encoder", "no_slaved_modes"),
    "ks60": ("factorial", "collapse", "stability", "free_means", "fixed_encoder", "no_slaved_modes",
             "nonlinear_encoder", "nonlinear_heads", "nonlinear_budget", "nonlinear_strong_budget",
             "nonlinear_inverse", "strong_budget", "off_shifts", "off_half", "on_quarter", "off_quarter"),
    "kolmogorov": ("factorial", "collapse", "equivariance", "stability", "free_means", "fixed_encoder",
                   "no_slaved_modes", "nonlinear_encoder", "nonlinear_heads", "nonlinear_budget",
                   "nonlinear_strong_budget", "heads_to_half", "more_data", "strong_budget", "ledger",
                   "tangents", "adjoints", "nonlinear_inverse", "shell", "all", "edmdc", "koopman", "autoencoder"),
}  # fmt: skip
"""Parts, arms and baselines that are asked for only where they tell something and a training is quick.

Forecasts of Burgers outlast its test, so that no valid time tells of what translation is worth.
"""

APART = {"symmetry": symmetry_rows, "surprise": surprise_rows, "resolution": resolution_rows}
"""Parts that look once more at arms that are trained; with claims of their own."""

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
CLAIMS = (*variants.CLAIMS, *baselines.CLAIMS)


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """Every part on every system."""
    return run_some(quick, folder, seeds, ())


def run_some(quick: bool, folder: Path, seeds: Sequence[int], only: Sequence[str]) -> list[Row]:
    """Rows of the kinds ``arm``, ``claim``, ``surprise``, ``resolution`` and ``factorial``.

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
    systems = [s for s in SYSTEMS if s in only] or list(SYSTEMS[:1] if quick else SYSTEMS)
    parts = [p for p in PARTS if p in only] or list(PARTS)
    planned = {system: _planned(system, parts, seeds, quick) for system in systems}
    if not any(planned.values()):
        asked = f"{', '.join(parts)} of {', '.join(systems)}"
        raise InputError([Problem("--only", "a part that is asked of the system", asked)])
    progress = CountBar(sum(map(len, planned.values())), "physics", "cell")
    rows: list[Row] = []
    for system in systems:
        cells: dict[str, dict[int, Measured]] = defaultdict(dict)
        grounds = {seed: Ground(system, seed, folder / system / f"seed_{seed}", quick) for _, seed in planned[system]}
        for name, seed in planned[system]:
            progress(0, f"{system} {name} {seed}")
            learned = [n for n, of in cells.items() if seed in of and "failed" not in of[seed]]
            cells[name][seed] = _cell(grounds[seed], name, learned)
            progress(1, "")
        longest = max((longest_valid_time(ground.config) for ground in grounds.values()), default=0.0)
        rows += _rows(system, {name: [of[s] for s in seeds if s in of] for name, of in cells.items()}, longest)
        rows += factorial.effects({n: _samples(list(of.values())) for n, of in cells.items() if _is_whole(of)})
    progress.close()
    draw(rows, folder / "physics.png")
    return rows


def _planned(system: str, parts: Sequence[str], seeds: Sequence[int], quick: bool) -> list[tuple[str, int]]:
    """Cells by name and seed, in the order in which they are made."""
    parts = [part for part in parts if part not in LEFT_OUT.get(system, ())]
    ordinary = [n for n in (*ARMS, *BASELINES) if part_of(n) != "factorial"]
    names = [n for n in ordinary if part_of(n) in parts or _is_needed(n, parts)]
    names = [n for n in names if n not in LEFT_OUT.get(system, ())]
    names = [n for n in names if n in QUICK_CELLS] if quick else names
    cells = [(name, seed) for seed in seeds for name in (*names, *(p for p in APART if p in parts))]
    if "factorial" in parts and not quick:
        every = [(name, seed) for seed in factorial.SEEDS for name in factorial.COMBINATIONS.values()]
        cells += [cell for cell in every if cell not in cells]
    return cells


def _is_whole(cells: Mapping[int, Measured]) -> bool:
    """Whether a combination of factors is there with every seed, and never failed."""
    return set(cells) >= set(factorial.SEEDS) and not any("failed" in cell for cell in cells.values())


def _rows(system: str, cells: Mapping[str, Sequence[Measured]], longest: float) -> list[Row]:
    """Of one system, with the cells of every seed by name."""
    names = [n for n in cells if n not in APART and part_of(n) != "factorial"]
    failed = {n for n in names if any("failed" in cell for cell in cells[n])}
    samples = {name: _samples(cells[name]) for name in names if name not in failed}
    claims = [c for c in CLAIMS if {c.arm, c.against} - {""} <= set(names)]
    verdicts = [judge(claim, system, samples, longest) for claim in claims]
    return [
        *(_arm_row(system, name, cells[name]) for name in names),
        *(row | {"verdict": f"{row['arm']} failed"} if row["arm"] in failed else row for row in verdicts),
        *(row for part in APART if part in cells for row in _rows_apart(system, part, cells[part])),
    ]


def part_of(name: str) -> str:
    """Of an arm or a baseline."""
    return ARMS[name].part if name in ARMS else "baselines"


def _is_needed(name: str, parts: Sequence[str]) -> bool:
    """What other parts are compared with, all of it common ground, or look at."""
    if part_of(name) != "physics":
        return False
    pairs = [{claim.arm, claim.against} for claim in CLAIMS if claim.against]
    others = {part_of(other) for pair in pairs if name in pair for other in pair}
    return bool(others & set(parts)) or any(name in APART[part].SEEN for part in parts if part in APART)


def _cell(ground: Ground, name: str, learned: Collection[str]) -> Measured:
    ground.data()
    if name in APART:
        return APART[name].cell(ground, learned)
    return arm_cell(ground, name) if name in ARMS else baseline_cell(ground, name)


def _samples(cells: Sequence[Measured]) -> dict[str, list[list[float]]]:
    """By measure, those that every seed has which did not fail."""
    cells = [cell for cell in cells if "failed" not in cell]
    measures = set.intersection(*(set(cell["samples"]) for cell in cells)) if cells else set()
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
        "as_it_comes": _as_it_comes(system, name),
        "failed": [cell["failed"] for cell in cells if "failed" in cell],
        **{key: [cell.get(key) for cell in cells] for key in ("parameters", "latent_size", "updates", "cpu_seconds",
                                                              "measuring_seconds", "commit", "trained_commit", "gain")},
    }  # fmt: skip
    for measure, groups in samples.items():
        row[measure] = [math.fsum(group) / len(group) for group in groups]
        row[f"{measure}_interval"] = paired_bootstrap(groups, groups, lambda mean, _: mean)[1:]
    return row


def _as_it_comes(system: str, name: str) -> str:
    """Whether a model has what an arm adds to the plain one: ``on``, ``off``, or nothing where it adds nothing."""
    added = [o for o in ARMS[name].overrides if o not in variants.PREDICTION_ALONE] if name in ARMS else []
    if not added:
        return ""
    return "on" if system_config(system, 0, added) == system_config(system, 0) else "off"


def _rows_apart(system: str, part: str, cells: Sequence[Measured]) -> list[Row]:
    """One row of every seed, and the verdicts on what is claimed of them."""
    rows = [{"kind": part, "system": system, "seed_number": i, **row} for i, c in enumerate(cells) for row in c["rows"]]
    claimed: dict[Claim, list[Found]] = defaultdict(list)
    for claim, found in filter(None, map(APART[part].claim_of, rows)):
        claimed[claim].append(found)
    whole = {claim: found if len(found) == len(cells) else [] for claim, found in claimed.items()}
    return [*rows, *(judge_seeds(claim, system, found) for claim, found in whole.items())]
