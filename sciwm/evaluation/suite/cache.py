"""An evaluation, part by part: a part that was made from the same is used again, any other is made.

:mod:`sciwm.reuse` decides which; here stands what a part is made from, and where its file keeps that.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import xarray as xr

from sciwm.config import Config
from sciwm.errors import InputError
from sciwm.evaluation.suite.context import EvaluationContext
from sciwm.evaluation.suite.measures import Outcome
from sciwm.evaluation.suite.parts import PARTS
from sciwm.files import write_netcdf
from sciwm.planning import NoLinearLaw
from sciwm.reuse import description_of, reusable
from sciwm.run_paths import RunPaths
from sciwm.version import __version__
from simulations.generate import Progress

MADE_FROM, METRICS = "sciwm_made_from", "sciwm_metrics"
"""Attributes of a result: a description of everything that it depends on, and its numbers."""

COMMON = ("seed", "simulation", "data.test", "evaluation.lyapunov_exponent")
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
    """Go through parts, each written to ``evaluation/NAME.nc`` when it is done.

    Args:
        digest: of the model.
        describe: adds to a dataset what all results of a run carry.

    Yields:
        name, metrics and, for one that does not apply, the reason; its metrics are empty.
    """
    for name in names:
        obstacle = PARTS[name].obstacle(context)
        if obstacle:
            yield name, {}, obstacle
            continue
        path, made_from = run.result(name), _made_from(context.config, name, digest)
        metrics = reusable(path, made_from, _read)
        if metrics is None:
            try:
                outcome = PARTS[name].measure(context, progress)
            except (InputError, NoLinearLaw) as error:  # all is sound: this part asks for more than there is
                yield name, {}, "; ".join(str(error).splitlines())
                continue
            metrics = _metrics(name, outcome)
            attributes = {MADE_FROM: made_from, METRICS: json.dumps(metrics)}
            write_netcdf(path, describe(outcome.dataset).assign_attrs(attributes))
        yield name, metrics, ""


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    """What a result was made from, and its numbers."""
    with xr.open_dataset(path, engine="netcdf4") as dataset:
        return str(dataset.attrs[MADE_FROM]), json.loads(dataset.attrs[METRICS])


def _metrics(name: str, outcome: Outcome) -> dict[str, Any]:
    return {name: [asdict(m) for m in outcome.measures], **outcome.metrics}


def _made_from(config: Config, name: str, digest: str) -> str:
    """A description of everything that a part depends on: version, model, and sections of the configuration."""
    tree = config.model_dump(mode="json")
    keys = [*COMMON, f"evaluation.{name}", *PARTS[name].depends_on]
    parts: dict[str, Any] = {"sciwm": __version__, "model": digest}
    return description_of(parts | {key: _at(tree, key) for key in keys})


def _at(tree: Mapping[str, Any], key: str) -> Any:
    """The value at a dotted key; none where there is no such section."""
    first, _, rest = key.partition(".")
    value = tree.get(first)
    return _at(value, rest) if rest and isinstance(value, Mapping) else value
