"""The page of a run: one file that needs nothing else."""

import base64
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from sciwm.evaluation_parts import EVALUATION_PARTS
from sciwm.report.contents import Results, read_results
from sciwm.report.drawing import Illustration, time_unit
from sciwm.report.equation_text import EQUATIONS, typeset
from sciwm.report.figures import draw_figures
from sciwm.report.files_text import files_rows, variable_rows
from sciwm.report.numbers import in_html, with_minus_signs
from sciwm.report.origin_tables import origin_rows, package_versions, stage_times
from sciwm.report.overview import CONTROL, never_measured, overview
from sciwm.report.part_sections import PartSection, section_of
from sciwm.report.player_data import in_script, player_data, player_note
from sciwm.report.result_table import controller_rows, measures
from sciwm.report.sentences import key_numbers, write_summary
from sciwm.report.system_text import actuator_texts, constants_text, domain_text, wall_texts
from sciwm.run_paths import RunPaths
from sciwm.seals import write_sealed


def write_report(run: Path) -> Path:
    """Write ``report/index.html`` and ``report/figures/*.png`` of a run; stages that have not run are left out.

    Args:
        run: a run folder with a trained model.

    Returns:
        path of the page.

    Raises:
        InputError: if there is no run or no trained model, or a file is damaged.

    Example:
        >>> write_report(Path("runs/demo"))  # doctest: +SKIP
        PosixPath('runs/demo/report/index.html')
    """
    results, paths = read_results(run), RunPaths(run)
    with np.errstate(over="ignore", invalid="ignore"):  # squares of runs that blew up are infinite, and drawn as such
        figures = draw_figures(results)
        page = render(results, figures).encode()
    for illustration in (i for group in figures.values() for i in group):
        write_sealed(paths, paths.figure(illustration.name), illustration.png)
    write_sealed(paths, paths.page, page)
    return paths.page


def render(results: Results, figures: dict[str, list[Illustration]]) -> str:
    """The page as HTML, its images embedded."""
    environment = Environment(
        loader=PackageLoader("sciwm.report", package_path=""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = in_html
    environment.filters["base64"] = lambda content: base64.b64encode(content).decode()
    environment.filters["minus"] = with_minus_signs
    metrics, player = results.metrics, player_data(results)
    files = results.config.source is not None
    sections = {name: section_of(name, files=files) for name in results.evaluated if name in figures}
    anchors = _anchors(results, figures, sections, player)
    rows = overview(results, str(_shown(results.run)))
    return environment.get_template("page.html.jinja").render(
        results=results,
        config=results.config,
        folder=_shown(results.run),
        **_system(results),
        files=files_rows(results),
        variables_of_files=variable_rows(results),
        time_unit=time_unit(results.domain.time_units),
        from_files=results.config.source is not None,
        one_run=metrics.get("rollout", {}).get("simulations") == 1,
        without=len(set(never_measured(results)) & set(metrics.get("left_out", {}))),
        contents=anchors,
        anchors=list(anchors),
        summary=write_summary(results, rows),
        key_numbers=key_numbers(results),
        rows=rows,
        player=player,
        player_note=player_note(player) if player else "",
        player_json=in_script(player),
        figures=figures,
        sections=sections,
        measures=partial(measures, metrics),
        left_out=[
            (EVALUATION_PARTS.get(name, CONTROL), reason)
            for name, reason in metrics.get("left_out", {}).items()
            if name not in never_measured(results)
        ],
        missing=list(_missing(results)),
        controllers=controller_rows(metrics["control"]) if results.controlled is not None else [],
        lead_times=_lead_times(results) if results.rollouts is not None else [],
        latent=metrics.get("latent"),
        config_text=RunPaths(results.run).config.read_text(),
        origin=origin_rows(results),
        stages=stage_times(results),
        versions=package_versions(),
    )


def _system(results: Results) -> dict[str, Any]:
    """What stands under the title."""
    if results.config.source is not None:
        return {"equation": None, "constants": [], "domain": domain_text(results), "walls": [], "actuators": []}
    equation = EQUATIONS[results.config.simulated()[0].equation]
    return {
        "equation": equation,
        "equation_lines": [typeset(line) for line in equation.lines],
        "constants": constants_text(results),
        "domain": domain_text(results),
        "walls": list(wall_texts(results)),
        "actuators": actuator_texts(results),
    }


def _anchors(
    results: Results,
    figures: dict[str, list[Illustration]],
    sections: dict[str, PartSection],
    player: dict[str, Any] | None,
) -> dict[str, str]:
    """The sections that are there, by their names in links."""
    there = {
        "summary": ("Summary", True),
        "files": ("What the files hold", bool(files_rows(results))),
        "evaluation": ("At a glance", True),
        "player": ("Player", player is not None),
        "control": ("Control", bool(figures["control"])),
        "rollout": ("Forecasts against the truth", bool(figures["rollout"])),
        "latent": ("Latent", "latent" in results.metrics),
        **{name: (section.title, True) for name, section in sections.items()},
        "training": ("Training", bool(results.history)),
        "provenance": ("Use it, provenance", True),
    }
    return {anchor: title for anchor, (title, shown) in there.items() if shown}


def _shown(run: Path) -> Path:
    """The run folder as the reader will type it: from here if it lies below, else by its name."""
    folder = run.resolve()
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else Path(folder.name)


def _missing(results: Results) -> Iterator[tuple[str, str]]:
    """Parts that are left out, and the command that makes them."""
    folder = _shown(results.run)
    if results.controlled is None and results.config.source is None:
        yield "closed-loop control", f"sciwm control {folder}"
    if results.rollouts is None:
        yield "forecasts of the test set and the latent", f"sciwm evaluate {folder}"
    if not results.history:
        yield "the course of the training", f"sciwm train {folder}"
    if not results.domain.functionals and results.config.source is None:
        yield "the residuals of budgets, as the training data hold no functionals", "sciwm simulate"


def _lead_times(results: Results, *, count: int = 6) -> list[dict[str, float | None]]:
    """The rollout's numbers at a few lead times, each twice the one before, up to the last."""
    rollout = results.metrics["rollout"]
    exponent = results.config.evaluation.lyapunov_exponent
    last = len(rollout["lead_time"])
    chosen = sorted({round(last / 2**n) - 1 for n in range(count) if last >= 2**n})
    return [
        {
            "time": rollout["lead_time"][i],
            "lyapunov": exponent * rollout["lead_time"][i] if exponent else None,
            "nrmse": rollout["nrmse"][i],
            "persistence": rollout["nrmse_persistence"][i],
            "climatology": rollout["nrmse_climatology"][i] if "nrmse_climatology" in rollout else None,
            "unskilled": 1 - rollout["skill_vs_persistence"][i],
        }
        for i in chosen
    ]
