"""Run a benchmark by name, and put accepted results into the README files."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile

from sciwm.benchmarks import convergence, cost_growth, demo, on_policy, planning_speed, solvers
from sciwm.benchmarks.apebench import compare
from sciwm.benchmarks.control import tasks
from sciwm.benchmarks.own_data import own_data, wanted
from sciwm.benchmarks.physics import ablation as physics
from sciwm.benchmarks.physics import views
from sciwm.benchmarks.physics.figure import draw
from sciwm.benchmarks.physics.systems import SYSTEMS
from sciwm.benchmarks.results import (
    ACCEPTED,
    Column,
    Result,
    Row,
    accepted_results,
    markdown_table,
    origin,
    provenance,
)
from sciwm.benchmarks.robustness import robustness
from sciwm.errors import InputError, Problem
from sciwm.files import write_atomically, write_json


@dataclass(frozen=True)
class Benchmark:
    """What is measured under one name, and how it is shown.

    Args:
        measure: ``measure(quick, folder, seeds)`` to rows.
        columns: of the table.
        seeds: of the full benchmark; a quick one takes the first.
        arrange: measured rows to those of the table.
        measure_some: as ``measure``, but of named parts alone; only for a benchmark that has parts.
        parts: whose results may be accepted one by one, as ``NAME-PART.json``, instead of one result of the whole.
        views: further tables of the same rows, named ``NAME:VIEW`` in the README.
        draw: draws a picture of the rows, which stands beside the accepted results.
    """

    measure: Callable[[bool, Path, Sequence[int]], list[Row]]
    columns: Callable[[], list[Column]]
    seeds: tuple[int, ...] = (0, 1, 2)
    arrange: Callable[[Sequence[Row]], list[Row]] = list
    measure_some: Callable[[bool, Path, Sequence[int], Sequence[str]], list[Row]] | None = None
    parts: tuple[str, ...] = ()
    views: "Mapping[str, View]" = field(default_factory=dict)
    draw: Callable[[Sequence[Row], Path], None] | None = None

    def table(self, *results: Result) -> str:
        """The rows of all results as Markdown."""
        return View(self.columns, self.arrange).table(*results)


@dataclass(frozen=True)
class View:
    """A table of the rows of a benchmark.

    Args:
        columns, arrange: as those of a :class:`Benchmark`.
    """

    columns: Callable[[], list[Column]]
    arrange: Callable[[Sequence[Row]], list[Row]]

    def table(self, *results: Result) -> str:
        """The rows of all results as Markdown, and where these were measured."""
        origins = [origin(result) for result in results if self.arrange(result["rows"])]
        return "\n\n".join([markdown_table(self.arrange(all_rows(results)), self.columns()), *origins])


def all_rows(results: Sequence[Result]) -> list[Row]:
    """The rows of all results."""
    return [row for result in results for row in result["rows"]]


BENCHMARKS = {
    "demo": Benchmark(demo.run, demo.columns),
    "on-policy": Benchmark(on_policy.run, on_policy.columns),
    "planning-speed": Benchmark(planning_speed.run, planning_speed.columns, seeds=(0,)),
    "tasks": Benchmark(tasks.run, tasks.columns, seeds=(0,)),
    "solvers": Benchmark(solvers.run, solvers.columns, seeds=(0,), arrange=solvers.side_by_side),
    "convergence": Benchmark(convergence.run, convergence.columns, seeds=(0,), arrange=convergence.side_by_side),
    "cost-growth": Benchmark(cost_growth.run, cost_growth.columns, seeds=(0,)),
    "robustness": Benchmark(
        robustness.run, robustness.columns, seeds=(0,), measure_some=robustness.run_some, parts=tuple(robustness.PARTS)
    ),
    "own-data": Benchmark(
        own_data.run,
        own_data.columns,
        arrange=own_data.forecasts,
        measure_some=own_data.run_some,
        parts=tuple(own_data.PARTS),
        views={"checks": View(wanted.columns, own_data.checks_of)},
    ),
    "apebench": Benchmark(compare.run, compare.columns, arrange=compare.best_first),
    "physics": Benchmark(
        physics.run,
        views.columns,
        arrange=views.side_by_side("variant", "variant"),
        measure_some=physics.run_some,
        parts=SYSTEMS,
        draw=draw,
        views={
            "baselines": View(views.baseline_columns, views.beside_baselines),
            "claims": View(views.claim_columns, views.side_by_side("claim", "variant", "measure", "claim")),
            "surprise": View(views.surprise_columns, views.side_by_side("surprise", "violation", "size", "control")),
            "resolution": View(views.resolution_columns, views.side_by_side("resolution", "variant", "measure")),
            "factorial": View(views.factorial_columns, views.by_factors),
        },
    ),
}


def run_benchmark(name: str, *, quick: bool, out: Path | None, only: Sequence[str] = ()) -> str:
    """Measure, write the JSON, and return the table.

    Args:
        name: a key of ``BENCHMARKS``.
        quick: one seed and less of everything, to see that it runs.
        out: where the JSON is written; ``runs/benchmarks/NAME[-quick].json`` by default. Cells are stored in
            ``runs/benchmarks/NAME[-quick]``, so that an interrupted benchmark goes on where it stood.
        only: parts of the benchmark; all of them if empty.

    Raises:
        InputError: if there is no such benchmark, or no such parts of it.
    """
    if name not in BENCHMARKS:
        raise InputError([Problem("benchmark", f"one of {', '.join(BENCHMARKS)}, or table", f"'{name}'")])
    benchmark = BENCHMARKS[name]
    if only and benchmark.measure_some is None:
        raise InputError([Problem("--only", f"nothing, as {name} has no parts", ", ".join(only))])
    label = f"{name}-quick" if quick else name
    command = f"sciwm benchmark {name}" + (" --quick" if quick else "") + "".join(f" --only {part}" for part in only)
    seeds = benchmark.seeds[:1] if quick else benchmark.seeds
    about = provenance(name, command, seeds)
    path = out or Path("runs/benchmarks") / f"{'-'.join([label, *only])}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=path.parent):  # whether the result can be written, before hours of measuring
        pass
    folder = Path("runs/benchmarks") / label
    if only and benchmark.measure_some is not None:
        rows = benchmark.measure_some(quick, folder, seeds, only)
    else:
        rows = benchmark.measure(quick, folder, seeds)
    result = about | {"rows": rows}
    write_json(path, result)
    views = [view for view in benchmark.views.values() if view.arrange(rows)]
    tables = [benchmark.table(result)] if benchmark.arrange(rows) else []
    tables += [view.table(result) for view in views]
    return "\n\n".join([*tables, f"written to {path}"])


TABLE_FILES = (
    "README.md",
    "sciwm/benchmarks/README.md",
    "sciwm/benchmarks/physics/README.md",
    "sciwm/benchmarks/physics/CLAIMS.md",
)
"""Everything that shows accepted results, relative to the root of a checkout."""


def update_tables(paths: Sequence[Path]) -> dict[Path, list[str]]:
    """Replace what stands between ``<!-- table:NAME -->`` and ``<!-- end -->`` by the accepted results.

    How each result was measured stands under its table. A file that holds ``<!-- provenance -->`` and
    ``<!-- end -->`` has it there instead, once for all of its tables. Pictures that are drawn of the rows
    are drawn anew.

    Args:
        paths: Markdown files; nothing is written unless all of them are there and all results exist.

    Returns:
        the names of the tables found in each file.

    Raises:
        InputError: if a file is missing, or a table has no such benchmark or no accepted result.
    """
    missing = [path for path in paths if not path.is_file()]
    if missing:
        where, remedy = ", ".join(map(str, missing)), "work in the root of a checkout, where the tables stand"
        raise InputError([Problem(where, "files with tables", "nothing there", remedy)])
    updated = {path: _with_tables(path.read_text(encoding="utf-8"), str(path)) for path in paths}
    for path, (text, _) in updated.items():
        write_atomically(path, text.encode())
    return {path: names for path, (_, names) in updated.items()}


def _with_tables(text: str, where: str) -> tuple[str, list[str]]:
    """A Markdown text with its tables made anew, and their names."""
    found: list[str] = []
    origins: dict[str, None] = {}
    collected = "<!-- provenance -->" in text

    def table(match: re.Match[str]) -> str:
        name, _, view = match[1].partition(":")
        if name not in BENCHMARKS or (view and view not in BENCHMARKS[name].views):
            known = [*BENCHMARKS, *(f"{n}:{v}" for n, b in BENCHMARKS.items() for v in b.views)]
            raise InputError([Problem(where, f"a table among {', '.join(known)}", f"'{match[1]}'")])
        found.append(match[1])
        benchmark = BENCHMARKS[name]
        results = accepted_results(name, benchmark.parts)
        if benchmark.draw is not None and not view:
            benchmark.draw(all_rows(results), ACCEPTED / f"{name}.png")
        rows, *measured = (benchmark.views[view] if view else benchmark).table(*results).split("\n\n")
        origins.update(dict.fromkeys(measured))
        shown = [rows] if collected else [rows, *measured]
        return f"<!-- table:{match[1]} -->\n" + "\n\n".join(shown) + "\n<!-- end -->"

    text = re.sub(r"<!-- table:([\w:-]+) -->.*?<!-- end -->", table, text, flags=re.DOTALL)
    if collected:
        listed = "\n".join(["<!-- provenance -->", *(f"- {line}" for line in origins), "<!-- end -->"])
        text = re.sub(r"<!-- provenance -->.*?<!-- end -->", lambda _: listed, text, flags=re.DOTALL)
    return text, found


__all__ = ["BENCHMARKS", "TABLE_FILES", "run_benchmark", "update_tables"]
