"""The whole configuration of one experiment, and the checks that need more than one section."""

from typing import Annotated

from pydantic import Field, model_validator

from sciwm.config.data import DataSettings
from sciwm.config.evaluation import EvaluationSettings
from sciwm.config.kinds import Integer, Section
from sciwm.config.loss import LossSettings
from sciwm.config.model import ModelSettings
from sciwm.config.planning import CEMSettings, ControlSettings, PlanningSettings
from sciwm.config.simulation import SimulationSettings, twice
from sciwm.config.training import TrainingSettings

MOST_INTERVALS = 10**6
"""The largest number of control intervals in one run; see ``sciwm.config.kinds.Many``."""


class Config(Section):
    """One experiment, from simulation to report: the sections of its YAML file.

    Keys:
        name: The title of the report; letters, digits, ``_``, ``.`` and ``-``.
        seed: The seed of all randomness, of data and training alike. Repeat an experiment with 0, 1 and 2 before you
            trust a difference.
        simulation: The equation, its grid and its actuators.
        data: The simulations to learn from and to test on.
        model: The latent and the sizes of encoder, predictor and decoder.
        loss: The weights of the objective.
        training: The optimiser and its schedule.
        planning: The planner, which the control experiment and on-policy rounds use.
        evaluation: What is measured of the trained model.
        control: The control experiment.
    """

    name: Annotated[str, Field(pattern=r"^[\w][\w.-]*$")]
    seed: Annotated[Integer, Field(ge=0, lt=2**31)] = 0
    simulation: SimulationSettings
    data: DataSettings
    model: ModelSettings = ModelSettings()
    loss: LossSettings = LossSettings()
    training: TrainingSettings
    planning: PlanningSettings = PlanningSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    control: ControlSettings = ControlSettings()

    @model_validator(mode="after")
    def _sections_fit_together(self) -> "Config":
        """No section contradicts another; all that do are told at once."""
        problems = [
            *self._problems_of_latent(),
            *self._problems_of_objective(),
            *self._problems_of_walls(),
            *self._problems_of_free_targets(),
            *self._problems_of_sizes(),
            *self._problems_of_evaluation(),
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _problems_of_latent(self) -> list[str]:
        """What this kind of latent does not have."""
        return _broken(
            (
                "model.ledger",
                self.model.ledger and not self.model.has_heads,
                "false, as a model of fields has no heads that read functionals",
                "true",
            ),
            (
                "loss.collapse.kind",
                self.loss.collapse.kind == "ema_target" and self.model.latent == "fields",
                "vicreg, sigreg, visreg or none, as fields have no encoder to average",
                "ema_target",
            ),
            (
                "model.encoder.layers",
                self.model.encoder.layers == 0 and self.model.latent == "vector",
                "at least 1, as the latent is vector",
                "0",
            ),
            (
                "model.decoder_rank",
                self.model.decoder_rank == 0 and self.model.latent == "vector",
                "at least 1, as the latent is vector",
                "0",
            ),
            (
                "model.encoder.layers",
                self.model.encoder.layers < 2 and self.model.latent == "fields",
                "at least 2, as one layer advances fields linearly",
                str(self.model.encoder.layers),
            ),
            (
                "model.conserved",
                bool(self.model.conserved) and self.model.latent != "spectral",
                f"no variables, as the latent is {self.model.latent} and not spectral",
                ", ".join(self.model.conserved),
            ),
            (
                "loss.collapse.within_wavenumbers",
                self.loss.collapse.within_wavenumbers and self.model.latent != "spectral",
                f"false, as a {self.model.latent} latent has no wavenumbers",
                "true",
            ),
        )

    def _problems_of_objective(self) -> list[str]:
        """Terms of the objective that contradict its data or each other."""
        physics, augmentation = self.loss.physics, self.training.augmentation
        return _broken(
            (
                "training.augmentation",
                bool({"even_reflections", "odd_reflections"} & set(augmentation)) and physics.reads_functionals,
                "shifts alone while the loss reads functionals, as a reflection changes the sign of some",
                ", ".join(augmentation),
            ),
            (
                "data.sensitivities",
                self.data.sensitivities is None and physics.matches_sensitivities,
                "samples and intervals, as twins, tangents or adjoints have a weight",
                "none",
            ),
            (
                "loss.physics.budget",
                bool(physics.budget) and self.model.ledger,
                "0, as with model.ledger budgets hold exactly",
                f"{physics.budget:g}",
            ),
            (
                "loss.collapse.kind",
                self.loss.collapse.kind == "ema_target" and self.loss.encoder_learns_from == "reconstruction",
                "vicreg, sigreg, visreg or none, as reconstruction has no targets in the latent",
                "ema_target",
            ),
        )

    def _problems_of_walls(self) -> list[str]:
        """What a domain with walls does not allow."""
        bounded, augmentation = not self.simulation.periodic, self.training.augmentation
        return _broken(
            (
                "model.latent",
                bounded and self.model.latent == "spectral",
                f"a latent for a domain with walls, as {self.simulation.equation} has",
                "spectral; use model.latent: vector",
            ),
            (
                "training.augmentation",
                bounded and "shifts" in augmentation,
                "reflections alone on a domain with walls",
                ", ".join(augmentation),
            ),
        )

    def _problems_of_free_targets(self) -> list[str]:
        """What needs the target of every variable."""
        free = self.control.target is not None and None in self.control.target
        return _broken(
            (
                "planning.terminal",
                free and self.planning.terminal == "riccati",
                "none, as control.target leaves a variable free",
                "riccati",
            ),
            (
                "data.sensitivities",
                free and self.data.sensitivities is not None,
                "none, as control.target leaves a variable free and gradients need all of it",
                "samples and intervals",
            ),
        )

    def _problems_of_sizes(self) -> list[str]:
        """No section asks for more than another has: modes, points, intervals, samples."""
        points, data, control = self.simulation.fewest_points, self.data, self.control
        spectral, vector = self.model.latent == "spectral", self.model.latent == "vector"
        finest = points // 2 if self.simulation.periodic else points  # fields between walls are mirrored
        shortest = min(data.train.intervals, data.validation.intervals)
        test, longest = data.test.intervals, max(control.first, control.last)
        rules = [
            (
                "model.latent_modes",
                self.model.latent_modes if spectral else 0,
                points // 2 - 1,
                f"fewer than {points // 2} on {points} points",
            ),
            (
                "model.predictor.slaved_modes",
                self.model.predictor.slaved_modes if spectral else 0,
                most := max(0, min(self.model.latent_modes, points // 2 - 1 - self.model.latent_modes)),
                f"at most {most} beside {self.model.latent_modes} latent_modes on {points} points",
            ),
            (
                "model.latent_size",
                self.model.latent_size if vector and not self.simulation.periodic else 0,
                values := self.simulation.values_between_walls,
                f"at most {values} (the values on the grid)",
            ),
            ("model.encoder.modes", self.model.encoder.modes, finest, f"at most {finest} on {points} points"),
            (
                "data.smallest_amplitude",
                data.smallest_amplitude,
                data.amplitude,
                f"at most {data.amplitude:g} (data.amplitude)",
            ),
            ("loss.horizon", self.loss.horizon, shortest, f"at most {shortest} (the data)"),
            ("evaluation.steps", self.evaluation.steps, test, f"at most {test} (data.test.intervals)"),
            (
                "control.first and control.last",
                longest,
                control.intervals,
                f"at most {control.intervals} (control.intervals)",
            ),
        ]
        rules += [
            (f"simulation.{place}.count", count, below, f"at most {below} (simulation.num_points)")
            for place, jets in self.simulation.sets_of_jets.items()
            for count, below in sorted(set(zip(twice(jets.count), twice(self.simulation.num_points), strict=True)))
        ]
        rules += [
            (f"{place}.elites", cem.elites, cem.samples, f"at most {cem.samples} samples")
            for place, cem in (("planning.planner", self.planning.planner), ("control.oracle_cem", control.oracle_cem))
            if isinstance(cem, CEMSettings)
        ]
        return [f"{key}: expected {expected}, got {value}" for key, value, most, expected in rules if value > most]

    def _problems_of_evaluation(self) -> list[str]:
        """Test simulations reach every lead time, and parameters that change are those of the equation."""
        interval, evaluation = self.simulation.control_interval, self.evaluation
        longest = self.data.test.intervals * interval
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

            known = [p.name for p in CATALOGUE[self.simulation.equation].parameters]
            problems += [
                f"evaluation.{key}.parameter: expected {' or '.join(known) or 'none, the equation has no parameters'}, "
                f"got '{name}'"
                for key, name in named.items()
                if name is not None and name not in known
            ]
        return problems


def _broken(*rules: tuple[str, bool, str, str]) -> list[str]:
    """The rules that are broken, in words, of rules as (key, whether it is broken, what was expected, what was got)."""
    return [f"{key}: expected {expected}, got {got}" for key, broken, expected, got in rules if broken]
