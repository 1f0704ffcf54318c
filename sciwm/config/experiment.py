"""The whole configuration of one experiment, and the checks that need more than one section."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from sciwm.config.data import DataSettings
from sciwm.config.evaluation import EvaluationSettings
from sciwm.config.kinds import Integer, Section
from sciwm.config.loss import LossSettings
from sciwm.config.model import ModelSettings
from sciwm.config.planning import CEMSettings, ControlSettings, PlanningSettings
from sciwm.config.rules import ORIGINS, broken, problems_of_origin
from sciwm.config.simulated_rules import problems_of_simulated
from sciwm.config.simulation import SimulationSettings
from sciwm.config.source import LOSS_OF_A_SOURCE, MODEL_OF_A_SOURCE, TRAINING_OF_A_SOURCE, SourceSettings
from sciwm.config.source_rules import problems_of_source
from sciwm.config.training import TrainingSettings
from sciwm.errors import InputError, Problem


class Config(Section):
    """One experiment, from its data to the report: the sections of its YAML file.

    Data come either from a simulation, by the sections ``simulation`` and ``data``, or from files, by ``source``.

    Keys:
        name: The title of the report; letters, digits, ``_``, ``.`` and ``-``.
        seed: The seed of all randomness, of data and training alike. Repeat an experiment with 0, 1 and 2 before you
            trust a difference.
        simulation: The equation, its grid and its actuators.
        data: The simulations to learn from and to test on.
        source: The files to learn from and to test on.
        model: The latent and the sizes of encoder, predictor and decoder.
        loss: The weights of the objective.
        training: The optimiser and its schedule.
        planning: The planner, which the control experiment and on-policy rounds use.
        evaluation: What is measured of the trained model.
        control: The control experiment.
    """

    name: Annotated[str, Field(pattern=r"^[\w][\w.-]*$")]
    seed: Annotated[Integer, Field(ge=0, lt=2**31)] = 0
    simulation: SimulationSettings | None = None
    data: DataSettings | None = None
    source: SourceSettings | None = None
    model: ModelSettings = ModelSettings()
    loss: LossSettings = LossSettings()
    training: TrainingSettings
    planning: PlanningSettings = PlanningSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    control: ControlSettings = ControlSettings()

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_a_source(cls, tree: Any) -> Any:
        """Other sizes of model and training are good where data come from files."""
        if not isinstance(tree, dict) or tree.get("source") is None:
            return tree
        model = tree.get("model", {})
        vector = not isinstance(model, dict) or model.get("latent", "vector") == "vector"
        return tree | {
            "model": _filled(model, MODEL_OF_A_SOURCE) if vector else model,
            "loss": _filled(tree.get("loss", {}), LOSS_OF_A_SOURCE),
            "training": _filled(tree.get("training", {}), TRAINING_OF_A_SOURCE),
        }

    @model_validator(mode="after")
    def _sections_fit_together(self) -> "Config":
        """No section contradicts another; all that do are told at once."""
        problems = problems_of_origin([key for key in ORIGINS if getattr(self, key) is not None])
        problems += [*self._problems_of_latent(), *self._problems_of_objective(), *self._problems_of_planners()]
        if self.simulation is not None and self.data is not None:
            problems += problems_of_simulated(self, self.simulation, self.data)
        elif self.source is not None:
            problems += problems_of_source(self, self.source)
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def simulated(self) -> tuple[SimulationSettings, DataSettings]:
        """The simulation that the data come from, and what is simulated.

        Raises:
            InputError: If the data come from files.
        """
        if self.simulation is None or self.data is None:
            expected, got = "the sections simulation and data", "source: the data come from files"
            remedy = "bring them in with 'sciwm bring-in', and leave out what needs a simulator"
            raise InputError([Problem(self.name, expected, got, remedy)])
        return self.simulation, self.data

    def _problems_of_latent(self) -> list[str]:
        """What this kind of latent does not have."""
        return broken(
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
            *(
                (
                    f"model.predictor.{key}",
                    value == asked and self.model.latent != "vector",
                    f"{others}, as the latent is {self.model.latent} and not vector",
                    asked,
                )
                for key, value, asked, others in (
                    ("tendency", self.model.predictor.tendency, "neural", "quadratic"),
                    ("kind", self.model.predictor.kind, "auto", "exponential or linear"),
                )
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
        return broken(
            (
                "training.augmentation",
                bool({"even_reflections", "odd_reflections"} & set(augmentation)) and physics.reads_functionals,
                "shifts alone while the loss reads functionals, as a reflection changes the sign of some",
                ", ".join(augmentation),
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

    def _problems_of_planners(self) -> list[str]:
        """No planner keeps more sequences than it draws."""
        cem = {"planning.planner": self.planning.planner, "control.oracle_cem": self.control.oracle_cem}
        return broken(
            *(
                (f"{place}.elites", one.elites > one.samples, f"at most {one.samples} samples", str(one.elites))
                for place, one in cem.items()
                if isinstance(one, CEMSettings)
            )
        )


def _filled(section: Any, defaults: dict[str, Any]) -> Any:
    """A section as plain data with defaults for the keys that it does not give."""
    if not isinstance(section, dict):
        return section
    inner = {k: _filled(section.get(k, {}), v) for k, v in defaults.items() if isinstance(v, dict)}
    return defaults | section | inner
