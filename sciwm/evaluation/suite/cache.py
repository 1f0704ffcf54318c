"""An evaluation, part by part: what is there and still holds is kept, what is missing is made."""

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
from sciwm.planning.linear_law import NoLinearLaw
from sciwm.run_paths import RunPaths
from sciwm.version import __version__
from simulations.generate import Progress

MADE_FROM, METRICS = "sciwm_made_from", "sciwm_metrics"
"""Attributes of a result: everything it depends on, and its numbers."""

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
        metrics = kept_metrics(path, made_from)
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


def kept_metrics(path: Path, made_from: str) -> dict[str, Any] | None:
    """The numbers of a result, None if there is none, it cannot be read, or it was made from something else."""
    if not path.exists():
        return None
    try:
        with xr.open_dataset(path, engine="netcdf4") as dataset:
            if dataset.attrs.get(MADE_FROM) != made_from:
                return None
            metrics: dict[str, Any] = json.loads(dataset.attrs[METRICS])
            return metrics
    except (OSError, ValueError, RuntimeError, KeyError):
        return None


def _metrics(name: str, outcome: Outcome) -> dict[str, Any]:
    return {name: [asdict(m) for m in outcome.measures], **outcome.metrics}


def _made_from(config: Config, name: str, digest: str) -> str:
    """Everything a part depends on, in words that can be compared."""
    tree = config.model_dump(mode="json")
    keys = [*COMMON, f"evaluation.{name}", *PARTS[name].depends_on]
    parts: dict[str, Any] = {"sciwm": __version__, "model": digest}
    return json.dumps(parts | {key: _at(tree, key) for key in keys}, sort_keys=True)


def _at(tree: Mapping[str, Any], key: str) -> Any:
    """The value at a dotted key; none where there is no such section."""
    first, _, rest = key.partition(".")
    value = tree.get(first)
    return _at(value, rest) if rest and isinstance(value, Mapping) else value
