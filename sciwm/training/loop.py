"""The training loop.

Everything random in an update is drawn from (seed, phase, update). The state to resume from is therefore weights,
optimiser and two integers, and a training that was killed at any moment ends in the same bytes.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sciwm.config import Config
from sciwm.data import (
    Batch,
    Sensitivities,
    SensitivitySet,
    Trajectories,
    Windows,
    augment,
    check_same_simulation,
    joint_symmetries,
)
from sciwm.errors import InputError, Problem, raise_if
from sciwm.loss import Objective, backward_balanced, weighted_sum
from sciwm.loss.terms import TERMS
from sciwm.metrics import history_text
from sciwm.model import WorldModel, save_model
from sciwm.run_folder import at_work_in
from sciwm.run_paths import RunPaths
from sciwm.seals import write_sealed
from sciwm.training.head_fit import fit_heads, transitions
from sciwm.training.held_out import HeldOut
from sciwm.training.held_out_forecasts import HeldOutForecasts
from sciwm.training.latent_fit import fit_statistics
from sciwm.training.linear_start import shrink
from sciwm.training.memory import require_memory
from sciwm.training.optimizer import build_optimizer, scheduled_rate, set_learning_rate
from sciwm.training.reading_ahead import read_ahead
from sciwm.training.start import built
from sciwm.training.state import TrainState, load_state, save_state, updates_of
from sciwm.training.stopping import saving_on_sigterm

Advance = Callable[[int, str], None]
"""``advance(updates, message)`` tells a progress bar how many updates were made, and the latest message."""


class NothingLearned(InputError):
    """A training without any finite result."""


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
    """Train one phase and write model, state and metrics to ``run``; resume it if it was begun.

    Args:
        config: The experiment.
        run: The run folder.
        training_sets: The generated data, then one set for each on-policy round so far.
        validation_set: The data that choose the best epoch.
        sensitivity_set: The sensitivities that terms are matched to; None if no term needs them.
        phase: See :func:`updates_of`; a phase starts from the best weights of the one before.
        advance: What shows progress.

    Raises:
        InputError: If data are missing or do not fit, or memory does not suffice.
        NothingLearned: If no epoch has a finite held-out error, or every update of an epoch explodes.
    """
    _raise_what_is_missing(config, sensitivity_set)
    require_memory(config, training_sets[0].axes)
    if sensitivity_set is not None:
        check_same_simulation(sensitivity_set, training_sets[0])
    model, start = built(config, training_sets[0])
    forecasts = HeldOutForecasts(validation_set, config.evaluation.steps, model.mean_fields) if start else None
    if start and forecasts:
        start = shrink(model, start, forecasts)
    objective = Objective(config.loss, model, None if sensitivity_set is None else sensitivity_set.target())
    optimizer, parameters = build_optimizer(config.training, model, objective)
    paths, data = RunPaths(run), _digests(training_sets, sensitivity_set)
    state = load_state(paths, config, data, model, objective, optimizer)
    _write_history(paths, state)  # of a state that has it, whatever became of the file
    if state.phase > phase:
        return
    if state.phase < phase:
        model.load_state_dict(state.best_weights)
        optimizer, parameters = build_optimizer(config.training, model, objective)
        state = TrainState(state.experiment, data, phase, history=state.history, best_weights=state.best_weights)

    settings, total = config.training, updates_of(config, phase)
    windows = Windows(training_sets, model.domain)
    symmetries = joint_symmetries(training_sets[0], settings.augmentation)
    pairs = transitions(training_sets, model.domain, config.seed) if model.domain.functionals else None
    held_out = HeldOut(config, objective, Windows([validation_set], model.domain), forecasts)
    others = [*model.encoder.parameters(), *model.decoder.parameters()]
    if start and config.model.predictor.kind == "linear" and not any(p.requires_grad for p in others):
        total = 0  # there is nothing to learn beyond least squares

    def draw(update: int) -> tuple[np.random.Generator, torch.Generator, Batch]:
        rng = np.random.default_rng([config.seed, phase, update])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        horizon = objective.horizon(1.0 if phase else update / settings.updates)
        return rng, generator, windows.draw(rng, settings.batch_size, horizon)

    def save() -> None:
        save_state(paths, state, model, objective, optimizer)

    advance(state.update, "")

    run.mkdir(parents=True, exist_ok=True)
    ahead = read_ahead(draw, total, worth_it=windows.on_disk)
    with at_work_in(run), saving_on_sigterm(save) as stop_if_asked, ahead as drawing:
        if start and not state.history:  # so that no training ends worse than it began
            _close_epoch(paths, state, model, held_out.measure(model, 0.0, None))
            save()
        while state.update < total:
            progress = 1.0 if phase else state.update / settings.updates
            rng, generator, batch = drawing(state.update)
            batch = augment(batch, symmetries, rng)
            sensitivities = _draw_sensitivities(config, sensitivity_set, objective.needs(progress), rng)

            terms = objective.terms(model, batch, sensitivities, generator, progress)
            weights = objective.weights(progress)
            rate = scheduled_rate(config.training, state.update, total, first=not phase)
            set_learning_rate(optimizer, rate)
            optimizer.zero_grad()
            factors = backward_balanced(
                weighted_sum(terms.predictive, weights),
                weighted_sum(terms.physics, weights),
                terms.encoded,
                terms.leaf,
                list(model.predictor.parameters()),
                cap=config.loss.physics.gradient_cap,
            )
            decoder_error = objective.decoder_error(model, batch, terms)
            if decoder_error.requires_grad:  # it has none where the state is the fields
                decoder_error.backward()
            norms = [torch.nn.utils.clip_grad_norm_(group, settings.gradient_clip) for group in parameters]
            finite = all(bool(norm.isfinite()) for norm in norms)
            if finite:  # a rollout that explodes, as early ones may, has no useful gradient
                optimizer.step()
                objective.collapse.after_update(model.encoder, progress)
                state.add({name: float(term.detach()) for name, term in terms.by_name().items()})
                state.add({"physics_at_encoder": factors[0], "physics_at_predictor": factors[1]})
            state.add({"exploded": float(not finite)})

            state.update += 1
            if state.update % settings.updates_per_epoch == 0 or state.update == total:
                if pairs is not None:
                    fit_heads(model, pairs)
                metrics = held_out.measure(model, progress, sensitivities)
                _close_epoch(paths, state, model, metrics)
                save()
                advance(0, f"held-out error {state.history[-1]['held_out.error']:.2e} of persistence")
            advance(1, "")
            stop_if_asked()

    if not np.isfinite(state.best_error):
        remedy = "lower training.learning_rate, or raise loss.collapse.weight"
        raise NothingLearned([Problem("training", "a finite held-out error", "none in any epoch", remedy)])
    model.load_state_dict(state.best_weights)
    fit_statistics(model, training_sets, validation_set)
    used = sensitivity_set if objective.needs(1.0) else None
    provenance = _provenance(training_sets, used, state)
    if forecasts is not None and start is not None:
        provenance |= {"held_out_intervals": forecasts.steps, "linear_start": start.to_json()}
    save_model(run, model, config, provenance)


def _draw_sensitivities(
    config: Config, sensitivity_set: SensitivitySet | None, needs: frozenset[str], rng: np.random.Generator
) -> Sensitivities | None:
    """Samples for the terms that have begun; costly gradients are left out until a term needs them."""
    if sensitivity_set is None or not needs:
        return None
    count = max(1, round(config.loss.physics.sensitivity_share * config.training.batch_size))
    drawn = sensitivity_set.draw(rng, count, sensitivity_set.intervals)
    return drawn if "gradient" in needs else replace(drawn, gradient=None)


def _raise_what_is_missing(config: Config, sensitivity_set: SensitivitySet | None) -> None:
    """Refuse a term that has a weight but no data; it would be left out unnoticed."""
    held = frozenset[str]() if sensitivity_set is None else sensitivity_set.holds
    raise_if(
        [
            Problem(
                f"loss.physics.{term.name}",
                "sensitivities that hold what it is matched to",
                "none",
                "set its weight to 0",
            )
            for term in TERMS
            if term.is_asked(config.loss) and not term.needs <= held
        ]
    )


def _close_epoch(paths: RunPaths, state: TrainState, model: WorldModel, measured: dict[str, float]) -> None:
    metrics: dict[str, Any] = {"phase": state.phase, "update": state.update}
    metrics |= {f"train.{name}": value for name, value in state.take_means().items()}
    from_start = bool(state.history) and state.history[0]["update"] == 0  # which is kept where nothing is better
    if metrics.get("train.exploded") == 1.0 and not from_start:
        raise NothingLearned(
            [
                Problem(
                    f"training, updates up to {state.update}",
                    "finite gradients",
                    "rollouts that explode at every update",
                    "lower training.learning_rate, loss.horizon, or data.sensitivities.intervals if these are matched",
                )
            ]
        )
    metrics |= measured
    state.history.append(metrics)
    if metrics["held_out.error"] < state.best_error:
        state.best_error = metrics["held_out.error"]
        state.best_weights = {k: v.clone() for k, v in model.state_dict().items()}
    _write_history(paths, state)


def _write_history(paths: RunPaths, state: TrainState) -> None:
    content = history_text(state.history)
    if content and not (paths.history.exists() and paths.history.read_bytes() == content):
        write_sealed(paths, paths.history, content)


def _digests(training_sets: Sequence[Trajectories], sensitivity_set: SensitivitySet | None) -> dict[str, str]:
    """The digest of each set that is learned from, by its name."""
    digests = {one.path.name: one.digest() for one in training_sets}
    return digests if sensitivity_set is None else digests | {sensitivity_set.path.name: sensitivity_set.digest()}


def _provenance(
    training_sets: Sequence[Trajectories], sensitivity_set: SensitivitySet | None, state: TrainState
) -> dict[str, Any]:
    provenance: dict[str, Any] = {
        "training_sets": [
            {"name": s.path.name, "simulations": len(s.usable), "sha256": s.digest()} for s in training_sets
        ],
        "phases": state.phase + 1,
        "held_out_error": state.best_error,
    }
    if sensitivity_set is not None:
        provenance["sensitivity_set"] = {
            "name": sensitivity_set.path.name,
            "samples": len(sensitivity_set.usable),
            "sha256": sensitivity_set.digest(),
        }
    return provenance
