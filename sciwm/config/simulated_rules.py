"""The rules between sections where data are simulated."""

from typing import TYPE_CHECKING

from sciwm.config.data import DataSettings
from sciwm.config.rules import MOST_INTERVALS, broken
from sciwm.config.simulation import SimulationSettings, twice

if TYPE_CHECKING:
    from sciwm.config.experiment import Config
else:
    Config = object


def problems_of_simulated(config: Config, simulation: SimulationSettings, data: DataSettings) -> list[str]:
    """The rules that an experiment with a simulation breaks, in words.

    Args:
        config: The experiment.
        simulation, data: Its sections of these names.
    """
    return [
        *_problems_of_choice(config),
        *_problems_of_sensitivities(config, data),
        *_problems_of_walls(config, simulation),
        *_problems_of_free_targets(config, data),
        *_problems_of_sizes(config, simulation, data),
        *_problems_of_evaluation(config, simulation, data),
    ]


def _problems_of_choice(config: Config) -> list[str]:
    """A choice of the predictor, which starts from what only data from files are fitted to."""
    kind = config.model.predictor.kind
    return broken(("model.predictor.kind", kind == "auto", "exponential or linear, as the data are simulated", kind))


def _problems_of_sensitivities(config: Config, data: DataSettings) -> list[str]:
    """Terms of the objective that need what is not simulated."""
    return broken(
        (
            "data.sensitivities",
            data.sensitivities is None and config.loss.physics.matches_sensitivities,
            "samples and intervals, as twins, tangents or adjoints have a weight",
            "none",
        ),
    )


def _problems_of_walls(config: Config, simulation: SimulationSettings) -> list[str]:
    """What a domain with walls does not allow."""
    bounded, augmentation = not simulation.periodic, config.training.augmentation
    return broken(
        (
            "model.latent",
            bounded and config.model.latent == "spectral",
            f"a latent for a domain with walls, as {simulation.equation} has",
            "spectral; use model.latent: vector",
        ),
        (
            "training.augmentation",
            bounded and "shifts" in augmentation,
            "reflections alone on a domain with walls",
            ", ".join(augmentation),
        ),
    )


def _problems_of_free_targets(config: Config, data: DataSettings) -> list[str]:
    """What needs the target of every variable."""
    free = config.control.target is not None and None in config.control.target
    return broken(
        (
            "planning.terminal",
            free and config.planning.terminal == "riccati",
            "none, as control.target leaves a variable free",
            "riccati",
        ),
        (
            "data.sensitivities",
            free and data.sensitivities is not None,
            "none, as control.target leaves a variable free and gradients need all of it",
            "samples and intervals",
        ),
    )


def _problems_of_sizes(config: Config, simulation: SimulationSettings, data: DataSettings) -> list[str]:
    """No section asks for more than another has: modes, points, intervals, samples."""
    points, control = simulation.fewest_points, config.control
    spectral, vector = config.model.latent == "spectral", config.model.latent == "vector"
    finest = points // 2 if simulation.periodic else points  # fields between walls are mirrored
    shortest = min(data.train.intervals, data.validation.intervals)
    test, longest = data.test.intervals, max(control.first, control.last)
    rules = [
        (
            "model.latent_modes",
            config.model.latent_modes if spectral else 0,
            points // 2 - 1,
            f"fewer than {points // 2} on {points} points",
        ),
        (
            "model.predictor.slaved_modes",
            config.model.predictor.slaved_modes if spectral else 0,
            most := max(0, min(config.model.latent_modes, points // 2 - 1 - config.model.latent_modes)),
            f"at most {most} beside {config.model.latent_modes} latent_modes on {points} points",
        ),
        (
            "model.latent_size",
            config.model.latent_size if vector and not simulation.periodic else 0,
            values := simulation.values_between_walls,
            f"at most {values} (the values on the grid)",
        ),
        ("model.encoder.modes", config.model.encoder.modes, finest, f"at most {finest} on {points} points"),
        (
            "data.smallest_amplitude",
            data.smallest_amplitude,
            data.amplitude,
            f"at most {data.amplitude:g} (data.amplitude)",
        ),
        ("loss.horizon", config.loss.horizon, shortest, f"at most {shortest} (the data)"),
        ("evaluation.steps", config.evaluation.steps, test, f"at most {test} (data.test.intervals)"),
        (
            "control.first and control.last",
            longest,
            control.intervals,
            f"at most {control.intervals} (control.intervals)",
        ),
    ]
    rules += [
        (f"simulation.{place}.count", count, below, f"at most {below} (simulation.num_points)")
        for place, jets in simulation.sets_of_jets.items()
        for count, below in sorted(set(zip(twice(jets.count), twice(simulation.num_points), strict=True)))
    ]
    return [f"{key}: expected {expected}, got {value}" for key, value, most, expected in rules if value > most]


def _problems_of_evaluation(config: Config, simulation: SimulationSettings, data: DataSettings) -> list[str]:
    """Test simulations reach every lead time, and parameters that change are those of the equation."""
    interval, evaluation = simulation.control_interval, config.evaluation
    longest = data.test.intervals * interval
    problems = [
        f"evaluation.{key}: expected from one interval ({interval:g}) to {longest:g} (data.test.intervals), "
        f"got {time:g}"
        for key, time in evaluation.lead_times().items()
        if not interval / 2 < time <= longest * (1 + 1e-9)
    ]
    key, duration = evaluation.longest_run()
    if duration > MOST_INTERVALS * interval:
        remedy = "; give evaluation.long_run.duration" if key == "lyapunov_exponent" else ""
        problems.append(
            f"evaluation.{key}: expected runs of at most {MOST_INTERVALS * interval:g} (a million intervals), "
            f"got {duration:g}{remedy}"
        )
    named = {"shifts": evaluation.shifts.parameter, "surprise": evaluation.surprise.parameter}
    if any(named.values()):
        from simulations.catalogue import CATALOGUE  # slow to import, and seldom needed

        known = [p.name for p in CATALOGUE[simulation.equation].parameters]
        problems += [
            f"evaluation.{key}.parameter: expected {' or '.join(known) or 'none, the equation has no parameters'}, "
            f"got '{name}'"
            for key, name in named.items()
            if name is not None and name not in known
        ]
    return problems
