"""On-policy rounds: episodes of planning in the true simulation, which join the training data."""

from pathlib import Path

import simulations
from sciwm.config import Config
from sciwm.data import recipe
from sciwm.errors import InputError, Problem
from sciwm.evaluation import target_fields
from sciwm.experiment.run import Run
from sciwm.planning import RecedingHorizon, build_planner
from sciwm.progress import bar
from sciwm.training import read_stored_state
from simulations.generate import attractor_states
from simulations.store import TrajectoryStore


def round_name(round_number: int) -> str:
    """The name of a round, as a stage and as a store."""
    return f"on_policy_{round_number}"


def collect_round(config: Config, run: Run, round_number: int) -> None:
    """Control the true simulation by planning through the model as it is now, and store the episodes as data.

    A round that is complete is kept, even if the planner has been configured differently since.
    """
    path = run.paths.store(round_name(round_number))
    learned = _was_learned_from(run, round_number)
    if learned and not path.exists():
        raise _lost(run, path, "nothing there")
    settings = config.simulated()[0].model_dump()
    simulation, rounds = simulations.build(settings), config.training.on_policy
    store = TrajectoryStore.open_or_create(
        path,
        simulation,
        simulations=rounds.episodes,
        intervals=rounds.intervals,
        title=f"{config.name}: episodes controlled through the model, round {round_number}",
        settings={
            "simulation": settings,
            "round": round_number,
            **rounds.model_dump(exclude={"rounds"}),
        },
    )
    if not store.missing():
        return
    if learned:
        raise _lost(run, path, "some that are not complete")
    model = run.model(config)
    first = round_number * rounds.episodes
    starts = attractor_states(simulation, recipe(config, "on_policy"), range(first, first + rounds.episodes))
    policy = RecedingHorizon(model, *build_planner(config.planning, model, target_fields(config, simulation)))
    intervals = bar(range(rounds.intervals), f"on-policy round {round_number}")
    store.write(range(rounds.episodes), simulations.run_episodes(simulation, starts, policy, intervals), simulation)


def _was_learned_from(run: Run, round_number: int) -> bool:
    """Whether the training has learned from the episodes: the model that would collect them anew is another by now."""
    state = read_stored_state(run.paths)
    return state is not None and state.phase >= round_number


def _lost(run: Run, path: Path, got: str) -> InputError:
    remedy = f"restore them from a backup, or delete {run.paths.train_state} to train from the beginning"
    return InputError([Problem(str(path), "the episodes that this training learned from", got, remedy)])
