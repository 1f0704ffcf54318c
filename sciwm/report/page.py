"""The page of a run: one file that needs nothing else."""

import base64
import platform
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from sciwm.evaluation_parts import EVALUATION_PARTS
from sciwm.files import write_atomically
from sciwm.report.contents import Results, read_results
from sciwm.report.drawing import Illustration
from sciwm.report.figures import draw_figures
from sciwm.report.numbers import in_html
from sciwm.report.part_sections import SECTIONS
from sciwm.report.result_table import controller_rows, measures
from sciwm.report.sentences import equation_title, key_numbers, write_summary
from sciwm.run_paths import RunPaths


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
    results = read_results(run)
    figures, paths = draw_figures(results), RunPaths(run)
    for illustration in (i for group in figures.values() for i in group):
        write_atomically(paths.figure(illustration.name), illustration.png)
    write_atomically(paths.page, render(results, figures).encode())
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
    metrics = results.metrics
    return environment.get_template("page.html.jinja").render(
        results=results,
        config=results.config,
        folder=_shown(results.run),
        equation=equation_title(results),
        extents=_extents(results),
        points=" × ".join(str(axis.num_points) for axis in results.domain.axes),
        summary=write_summary(results),
        key_numbers=key_numbers(results),
        figures=figures,
        sections={name: section for name, section in SECTIONS.items() if name in results.evaluated},
        parts=[
            (EVALUATION_PARTS[name], measures(metrics, name)[0], name)
            for name in results.evaluated
            if measures(metrics, name)
        ],
        measures=partial(measures, metrics),
        left_out=[(EVALUATION_PARTS[name], reason) for name, reason in metrics.get("left_out", {}).items()],
        missing=list(_missing(results)),
        controllers=controller_rows(metrics["control"]) if results.controlled is not None else [],
        lead_times=_lead_times(results) if results.rollouts is not None else [],
        latent=metrics.get("latent"),
        config_text=RunPaths(results.run).config.read_text(),
        stages={stage.replace("_", " "): seconds for stage, seconds in metrics.get("time", {}).items()},
        versions=_versions(results.description),
    )


def _extents(results: Results) -> str:
    """Lengths of the domain, which go beyond the outermost points where these do not stand on the walls."""
    if results.domain.periodic:
        return " × ".join(f"{axis.extent:g}" for axis in results.domain.axes)
    given = results.config.simulation.domain_extent
    lengths = given if isinstance(given, tuple) else (given,) * len(results.domain.axes)
    return " × ".join(f"{length:g}" for length in lengths) + " between walls"


def _shown(run: Path) -> Path:
    """The run folder as the reader will type it: from here if it lies below, else by its name."""
    folder = run.resolve()
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else Path(folder.name)


def _missing(results: Results) -> Iterator[tuple[str, str]]:
    """Parts that are left out, and the command that makes them."""
    folder = _shown(results.run)
    if results.controlled is None:
        yield "closed-loop control", f"sciwm control {folder}"
    if results.rollouts is None:
        yield "rollouts and latent", f"sciwm evaluate {folder}"
    if not results.history:
        yield "the course of the training", f"sciwm train {folder}"
    if not results.domain.functionals:
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
            "skill": rollout["skill_vs_persistence"][i],
        }
        for i in chosen
    ]


def _versions(description: dict[str, Any]) -> dict[str, str]:
    """What the model was trained with, and what else this page was written with."""
    return {
        "sciwm": description["sciwm"],
        "torch": description["torch"],
        "neuraloperator": version("neuraloperator"),
        "numpy": version("numpy"),
        "python": platform.python_version(),
    }
