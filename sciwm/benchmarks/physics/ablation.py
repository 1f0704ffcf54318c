"""The whole benchmark: cells over systems, seeds and variants, their means, and the verdicts on what was claimed."""

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from sciwm.benchmarks.cells import Cell
from sciwm.benchmarks.physics import (
    ablation_claims,
    baselines,
    factorial,
    resolution_rows,
    surprise_rows,
    symmetry_rows,
)
from sciwm.benchmarks.physics.baselines import BASELINES, baseline_cell
from sciwm.benchmarks.physics.claims import Claim, Found, judge, judge_seeds
from sciwm.benchmarks.physics.figure import draw
from sciwm.benchmarks.physics.scenario import Scenario
from sciwm.benchmarks.physics.systems import SYSTEMS, longest_valid_time, system_config
from sciwm.benchmarks.physics.trained import variant_cell
from sciwm.benchmarks.physics.variants import PREDICTION_ALONE, VARIANTS
from sciwm.benchmarks.results import Row
from sciwm.errors import InputError, Problem
from sciwm.evaluation import paired_bootstrap
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
"""Parts, variants and baselines that a system goes without, since they tell nothing there or take too long.

Most forecasts of Burgers flow are valid to the end of the test, so that equivariance cannot lengthen them.
"""


class Diagnostic(Protocol):
    """A part that measures more of variants that are trained already, with claims of its own: a module each."""

    @property
    def MEASURED_VARIANTS(self) -> Sequence[str]:
        """Names of the variants."""
        ...

    def cell(self, scenario: Scenario, learned: Collection[str], /) -> Cell:
        """Its ``rows``, of those variants that have ``learned``."""
        ...

    def claim_of(self, row: Row, /) -> tuple[Claim, Found] | None:
        """What is claimed of a row, and what was found; None if nothing is claimed."""
        ...


DIAGNOSTICS: Mapping[str, Diagnostic] = {
    "symmetry": symmetry_rows,
    "surprise": surprise_rows,
    "resolution": resolution_rows,
}

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
"""Variants and baselines of a quick benchmark."""

ABOUT = (
    "parameters",
    "latent_size",
    "updates",
    "cpu_seconds",
    "measuring_seconds",
    "commit",
    "trained_commit",
    "relative_reduction",
)
"""Entries of a cell beside its samples; a row has those of all seeds."""

CLAIMS = (*ablation_claims.CLAIMS, *baselines.CLAIMS)


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """Every part on every system."""
    return run_some(quick, folder, seeds, ())


def run_some(quick: bool, folder: Path, seeds: Sequence[int], only: Sequence[str]) -> list[Row]:
    """Some parts on some systems.

    Args:
        quick: one system and a few variants, all tiny, to see that it runs; a minute or two.
        folder: where cells are stored. An interrupted benchmark goes on there, and one of some systems or parts
            leaves its cells to one of all.
        seeds: one scenario of each system for each.
        only: names of systems and parts; all systems where no system is named, and all parts where no part is.

    Returns:
        rows of the kinds ``variant``, ``claim``, ``symmetry``, ``surprise``, ``resolution`` and ``factorial``.

    Raises:
        InputError: if a name is neither a system nor a part, or if no named part is measured on a named system.
    """
    unknown = [name for name in only if name not in (*SYSTEMS, *PARTS)]
    if unknown:
        raise InputError([Problem("--only", f"some of {', '.join((*SYSTEMS, *PARTS))}", ", ".join(unknown))])
    systems = [s for s in SYSTEMS if s in only] or list(SYSTEMS[:1] if quick else SYSTEMS)
    parts = [p for p in PARTS if p in only] or list(PARTS)
    planned = {system: _planned(system, parts, seeds, quick) for system in systems}
    if not any(planned.values()):
        asked = f"{', '.join(parts)} of {', '.join(systems)}"
        raise InputError([Problem("--only", "a part that is measured on the system", asked)])
    progress = CountBar(sum(map(len, planned.values())), "physics", "cell")
    rows: list[Row] = []
    for system in systems:
        cells: dict[str, dict[int, Cell]] = defaultdict(dict)
        scenarios = {
            seed: Scenario(system, seed, folder / system / f"seed_{seed}", quick) for _, seed in planned[system]
        }
        for name, seed in planned[system]:
            progress(0, f"{system} {name} {seed}")
            learned = [n for n, of in cells.items() if seed in of and "failed" not in of[seed]]
            cells[name][seed] = _cell(scenarios[seed], name, learned)
            progress(1, "")
        longest = max((longest_valid_time(scenario.config) for scenario in scenarios.values()), default=0.0)
        rows += _rows(system, {name: [of[s] for s in seeds if s in of] for name, of in cells.items()}, longest)
        rows += factorial.effects({n: _samples(list(of.values())) for n, of in cells.items() if _is_whole(of)})
    progress.close()
    draw(rows, folder / "physics.png")
    return rows


def _planned(system: str, parts: Sequence[str], seeds: Sequence[int], quick: bool) -> list[tuple[str, int]]:
    """Name and seed of every cell, in the order in which they are measured."""
    parts = [part for part in parts if part not in LEFT_OUT.get(system, ())]
    ordinary = [n for n in (*VARIANTS, *BASELINES) if part_of(n) != "factorial"]
    names = [n for n in ordinary if part_of(n) in parts or _is_needed(n, parts)]
    names = [n for n in names if n not in LEFT_OUT.get(system, ())]
    names = [n for n in names if n in QUICK_CELLS] if quick else names
    cells = [(name, seed) for seed in seeds for name in (*names, *(p for p in DIAGNOSTICS if p in parts))]
    if "factorial" in parts and not quick:
        every = [(name, seed) for seed in factorial.SEEDS for name in factorial.COMBINATIONS.values()]
        cells += [cell for cell in every if cell not in cells]
    return cells


def _is_whole(cells: Mapping[int, Cell]) -> bool:
    """Whether a combination of factors was measured with every seed, and no training failed."""
    return set(cells) >= set(factorial.SEEDS) and not any("failed" in cell for cell in cells.values())


def _rows(system: str, cells: Mapping[str, Sequence[Cell]], longest: float) -> list[Row]:
    """The rows of one system.

    Args:
        system: one of ``SYSTEMS``.
        cells: of every seed, by name.
        longest: valid prediction time of a forecast that is valid to the end of the test.
    """
    names = [n for n in cells if n not in DIAGNOSTICS and part_of(n) != "factorial"]
    failed = {n for n in names if any("failed" in cell for cell in cells[n])}
    samples = {name: _samples(cells[name]) for name in names if name not in failed}
    claims = [c for c in CLAIMS if {c.variant, c.against} - {""} <= set(names)]
    verdicts = [judge(claim, system, samples, longest) for claim in claims]
    return [
        *(_variant_row(system, name, cells[name]) for name in names),
        *(row | {"verdict": f"{row['variant']} failed"} if row["variant"] in failed else row for row in verdicts),
        *(row for part in DIAGNOSTICS if part in cells for row in _diagnostic_rows(system, part, cells[part])),
    ]


def part_of(name: str) -> str:
    """The part to which a variant or a baseline belongs."""
    return VARIANTS[name].part if name in VARIANTS else "baselines"


def _is_needed(name: str, parts: Sequence[str]) -> bool:
    """Whether some of ``parts`` compare their own with a variant of the part physics, or measure more of it."""
    if part_of(name) != "physics":
        return False
    pairs = [{claim.variant, claim.against} for claim in CLAIMS if claim.against]
    others = {part_of(other) for pair in pairs if name in pair for other in pair}
    return bool(others & set(parts)) or any(
        name in DIAGNOSTICS[part].MEASURED_VARIANTS for part in parts if part in DIAGNOSTICS
    )


def _cell(scenario: Scenario, name: str, learned: Collection[str]) -> Cell:
    scenario.data()
    if name in DIAGNOSTICS:
        return DIAGNOSTICS[name].cell(scenario, learned)
    return variant_cell(scenario, name) if name in VARIANTS else baseline_cell(scenario, name)


def _samples(cells: Sequence[Cell]) -> dict[str, list[list[float]]]:
    """Measures that all seeds have whose training did not fail: for each, the samples of every such seed."""
    cells = [cell for cell in cells if "failed" not in cell]
    measures = set.intersection(*(set(cell["samples"]) for cell in cells)) if cells else set()
    return {m: [cell["samples"][m] for cell in cells] for m in sorted(measures)}


def _variant_row(system: str, name: str, cells: Sequence[Cell]) -> Row:
    """Costs, and for each measure the mean of every seed with the interval of their mean."""
    samples = _samples(cells)
    row: Row = {
        "kind": "variant",
        "system": system,
        "variant": name,
        "part": part_of(name),
        "hypothesis": VARIANTS[name].hypothesis if name in VARIANTS else baselines.hypothesis_of(name),
        "in_default": _in_default(system, name),
        "failed": [cell["failed"] for cell in cells if "failed" in cell],
        **{key: [cell.get(key) for cell in cells] for key in ABOUT},
    }
    for measure, groups in samples.items():
        row[measure] = [math.fsum(group) / len(group) for group in groups]
        row[f"{measure}_interval"] = paired_bootstrap(groups, groups, lambda mean, _: mean)[1:]
    return row


def _in_default(system: str, name: str) -> str:
    """Whether the default model has what a variant adds to ``base``: ``on``, ``off``, or empty if it adds nothing."""
    added = [o for o in VARIANTS[name].overrides if o not in PREDICTION_ALONE] if name in VARIANTS else []
    if not added:
        return ""
    return "on" if system_config(system, 0, added) == system_config(system, 0) else "off"


def _diagnostic_rows(system: str, part: str, cells: Sequence[Cell]) -> list[Row]:
    """The rows of a diagnostic with every seed, and the verdicts on what is claimed of them."""
    rows = [{"kind": part, "system": system, "seed_number": i, **row} for i, c in enumerate(cells) for row in c["rows"]]
    claimed: dict[Claim, list[Found]] = defaultdict(list)
    for claim, found in filter(None, map(DIAGNOSTICS[part].claim_of, rows)):
        claimed[claim].append(found)
    whole = {claim: found if len(found) == len(cells) else [] for claim, found in claimed.items()}
    return [*rows, *(judge_seeds(claim, system, found) for claim, found in whole.items())]
