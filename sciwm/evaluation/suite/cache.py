"""Measures parts of an evaluation and stores them; a stored part is used again if what it depends on is unchanged.

:mod:`sciwm.reuse` compares. This module says what a part depends on, and where its file stores that.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import xarray as xr

from sciwm.config import Config, sections_at
from sciwm.data import open_result
from sciwm.errors import InputError
from sciwm.evaluation.suite.context import EvaluationContext
from sciwm.evaluation.suite.measures import Outcome
from sciwm.evaluation.suite.parts import PARTS
from sciwm.planning import NoLinearLaw
from sciwm.reuse import description_of, reusable
from sciwm.run_paths import RunPaths
from sciwm.seals import require_sealed, write_sealed_netcdf
from sciwm.version import __version__
from simulations.generate import Progress

MADE_FROM, METRICS = "sciwm_made_from", "sciwm_metrics"
"""Attributes of a stored result: a description of everything that it depends on, and its numbers."""

COMMON = ("seed", "simulation", "data.test", "source", "evaluation.lyapunov_exponent")
"""Keys of the configuration that every part depends on."""


def evaluate_parts(
    run: RunPaths,
    names: Sequence[str],
    context: EvaluationContext,
    *,
    digest: str,
    describe: Callable[[xr.Dataset], xr.Dataset],
    progress: Progress,
) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Measure parts, and write each to ``evaluation/NAME.nc`` when it is done.

    Args:
        run: The paths of the run.
        names: Names of the parts.
        context: Model, simulation and data.
        digest: Digest of the trained model; another digest means another model.
        describe: Adds the attributes to a dataset that all results of a run carry.
        progress: Shows how far a part is.

    Yields:
        Name, metrics and reason: empty for a part that was measured; for one that does not apply the reason is given
        and the metrics are empty.
    """
    for name in names:
        obstacle = PARTS[name].obstacle(context)
        if obstacle:
            yield name, {}, obstacle
            continue
        path, made_from = run.result(name), _made_from(context.config, name, digest)
        metrics = reusable(path, made_from, partial(_read, run))
        if metrics is None:
            try:
                outcome = PARTS[name].measure(context, progress)
            except (InputError, NoLinearLaw) as error:  # inputs are sound, but this part cannot be measured with them
                yield name, {}, "; ".join(str(error).splitlines())
                continue
            metrics = _metrics(name, outcome)
            attributes = {MADE_FROM: made_from, METRICS: json.dumps(metrics)}
            write_sealed_netcdf(run, path, describe(outcome.dataset).assign_attrs(attributes))
        yield name, metrics, ""


def _read(run: RunPaths, path: Path) -> tuple[str, dict[str, Any]]:
    """What a stored result depends on, and its numbers; damaged ones raise an InputError, and are measured anew."""
    require_sealed(run, path, "measure it anew")
    with open_result(run, path) as dataset:
        return str(dataset.attrs[MADE_FROM]), json.loads(dataset.attrs[METRICS])


def _metrics(name: str, outcome: Outcome) -> dict[str, Any]:
    return {name: [asdict(m) for m in outcome.measures], **outcome.metrics}


def _made_from(config: Config, name: str, digest: str) -> str:
    """A description of everything that a part depends on: version, model, and sections of the configuration."""
    tree = config.model_dump(mode="json")
    parts: dict[str, Any] = {"sciwm": __version__, "model": digest}
    return description_of(parts | sections_at(tree, depends_on(name)))


def depends_on(name: str) -> list[str]:
    """The keys of the configuration that a part depends on."""
    return [*COMMON, f"evaluation.{name}", *PARTS[name].depends_on]
