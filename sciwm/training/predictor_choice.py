"""The choice between predictors by forecasts of the validation data: ``model.predictor.kind: auto``.

Every candidate is a training of its own, in a folder of the run, which can be stopped and resumed like any other. The
linear one is least squares; the others start from it and share ``training.updates``. One whose long forecasts leave the
data is not taken, however good its short ones are. The errors of all of them, and of persistence and climatology, stand
in the model's provenance.
"""

import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sciwm.config import CANDIDATES, Config
from sciwm.data import SensitivitySet, Trajectories
from sciwm.errors import Problem, counted, shown
from sciwm.model import WorldModel, load_model, read_description, save_model
from sciwm.run_folder import at_work_in
from sciwm.run_paths import RunPaths
from sciwm.seals import write_sealed
from sciwm.training.held_out_forecasts import HeldOutForecasts, typical
from sciwm.training.long_forecasts import runs_away
from sciwm.training.loop import Advance, NothingLearned
from sciwm.training.loop import train as train_one

SHARES = {"linear": 0.0, "quadratic": 1 / 3, "neural": 2 / 3}
"""The share of the updates that each candidate takes; a step of the network costs more, and it learns longer."""

MARGIN = 0.98
"""The ratio to the errors of a simpler candidate below which those of another one are better and not just luck."""


NEARLY = 1.2
"""The ratio to the error of encoded truth below which the linear predictor leaves nothing to learn."""


def train(
    config: Config,
    run: Path,
    training_sets: Sequence[Trajectories],
    validation_set: Trajectories,
    sensitivity_set: SensitivitySet | None = None,
    *,
    phase: int = 0,
    advance: Advance = lambda updates, message: None,
) -> None:
    """Train one phase as :func:`sciwm.training.loop.train` does, or all candidates where the predictor is to be chosen.

    Args:
        config: The experiment.
        run: The run folder.
        training_sets, validation_set, sensitivity_set, phase, advance: As there.

    Raises:
        InputError: As there.
        NothingLearned: As there, where no candidate learns anything.
    """
    if config.model.predictor.kind != "auto":
        train_one(config, run, training_sets, validation_set, sensitivity_set, phase=phase, advance=advance)
        return
    run.mkdir(parents=True, exist_ok=True)
    with at_work_in(run):
        _choose(config, run, training_sets, validation_set, advance)


def _choose(
    config: Config, run: Path, training_sets: Sequence[Trajectories], validation_set: Trajectories, advance: Advance
) -> None:
    paths, table = RunPaths(run), dict[str, list[float]]()
    forecasts: HeldOutForecasts | None = None
    away = list[str]()
    for name, candidate in _candidates(config).items():
        folder = paths.candidate(name)
        advance(0, f"{name} predictor")
        try:
            train_one(candidate, folder, training_sets, validation_set, advance=advance)
        except NothingLearned:
            table[name] = [math.inf]
            continue
        model = load_model(folder)[0]
        forecasts = forecasts or HeldOutForecasts(validation_set, config.evaluation.steps, model.mean_fields)
        table[name] = forecasts.errors(model)
        if name != "linear" and runs_away(model, [*training_sets, validation_set]):
            table[name] = [math.inf]
            away.append(name)
        if len(table) == 1 and typical(table[name]) < NEARLY * typical(forecasts.truncation(model)):
            break
    if forecasts is None:
        raise NothingLearned([Problem("training", "a candidate that learns", "none", "lower training.learning_rate")])
    best = best_of(table)
    taken = RunPaths(paths.candidate(best))
    model, provenance = load_model(taken.folder)[0], read_description(taken.folder)["provenance"]
    told = [f"long forecasts of the {name} predictor leave the data, so that it is not taken" for name in away]
    reason = "; ".join([reason_for(best, table, forecasts), *told, *_limits(provenance["linear_start"])])
    choice: dict[str, Any] = {"chosen": best, "reason": reason, "horizon": forecasts.steps}
    choice["errors"] = _all_errors(table, forecasts, model)
    write_sealed(paths, paths.history, taken.history.read_bytes())
    save_model(run, model, config, provenance | {"choice": choice})
    print(shown(f"sciwm: {reason}"), file=sys.stderr)


def _candidates(config: Config) -> dict[str, Config]:
    """The configuration of each candidate."""
    found = {}
    for name in CANDIDATES:
        updates = max(1, round(SHARES[name] * config.training.updates))
        found[name] = config.model_copy(
            update={
                "model": config.model.choosing(name),
                "training": config.training.model_copy(update={"updates": updates}),
            }
        )
    return found


def best_of(table: Mapping[str, Sequence[float]]) -> str:
    """The candidate of least typical error; a later one must be better than simpler ones by ``MARGIN``.

    Args:
        table: The errors of each candidate by lead time, the simplest first.
    """
    best = next(iter(table))
    for name, errors in table.items():
        if typical(errors) < MARGIN * typical(table[best]):
            best = name
    return best


def reason_for(best: str, table: Mapping[str, Sequence[float]], forecasts: HeldOutForecasts) -> str:
    """Why a candidate was chosen, in words, with what its forecasts are worth."""
    simple = {"persistence": forecasts.persistence, "climatology": forecasts.climatology}
    found = [f"{name} {typical(errors):.3g}" for name, errors in {**table, **simple}.items() if name != best]
    words = (
        f"chose the {best} predictor: its forecasts of the validation data over "
        f"{counted(forecasts.steps, 'interval')} have a typical error of {typical(table[best]):.3g} of the spread of "
        f"the data ({', '.join(found)})"
    )
    told = [words]
    if len(table) == 1:
        told.append("others could not be better by much, as that is nearly all error of the latent itself")
    for name, errors in simple.items():
        if times := sum(own > other for own, other in zip(table[best], errors, strict=True)):
            told.append(f"{name} is better at {times} of {forecasts.steps} lead times")
    return "; ".join(told)


def _limits(start: Mapping[str, Any]) -> list[str]:
    """What the linear start could not learn, in words."""
    told = []
    if start["ridge"] is None and start["shrunk"] < 1:
        told.append("in its linear part each coordinate follows from itself alone, as nothing else was worth learning")
    if start["bounded"]:
        told.append("modes of its linear part that would grow without bound are held at their size")
    if start["shrunk"]:
        told.append(f"its linear part is {start['shrunk']:.0%} {start['shrunk_to']}, as the validation data ask for")
    return told


def _all_errors(table: Mapping[str, Sequence[float]], forecasts: HeldOutForecasts, model: WorldModel) -> dict[str, Any]:
    """The errors of everything by lead time, as plain data; none where forecasts explode."""
    simple = {"persistence": forecasts.persistence, "climatology": forecasts.climatology}
    every = {**table, **simple, "truncation": forecasts.truncation(model)}
    return {name: [float(f"{e:.4g}") if math.isfinite(e) else None for e in errors] for name, errors in every.items()}
