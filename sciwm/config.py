"""The frozen, strict schema of an experiment."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


def _whole(value: Any) -> Any:
    """2e3 is an integer to scientists."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _as_tuple(value: Any) -> Any:
    """YAML has lists alone."""
    return tuple(value) if isinstance(value, list) else value


# Upper bounds catch typing errors before they take all memory.
Integer = Annotated[int, BeforeValidator(_whole)]
Count = Annotated[Integer, Field(ge=1, lt=2**31)]
Points = Annotated[Integer, Field(ge=8, le=65536, multiple_of=2)]
Steps = Annotated[Integer, Field(ge=2, le=10**4, multiple_of=2)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A part of the configuration: frozen, closed to unknown keys, and no kind of value taken for another."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


class Jets(Section):
    """Equispaced Gaussian jets; ``acts_on`` names a variable or a parameter, the first variable by default."""

    count: Count
    width: Positive
    limit: Positive = 1.0
    acts_on: str | None = None


class SineModes(Section):
    """Sine and cosine of each wavenumber, two actions a mode."""

    modes: Annotated[tuple[Count, ...], BeforeValidator(_as_tuple)]
    limit: Positive = 1.0
    acts_on: str | None = None


class Uniform(Section):
    """One action that changes a variable or a parameter everywhere alike."""

    limit: Positive
    acts_on: str


class SimulationSettings(Section):
    """Which equation is solved, and how (see ``simulations.build``): periodic and one-dimensional."""

    equation: Literal[
        "advection_diffusion_reaction",
        "allen_cahn",
        "burgers",
        "cahn_hilliard",
        "gray_scott",
        "korteweg_de_vries",
        "kuramoto_sivashinsky",
        "swift_hohenberg",
    ]
    num_points: Points
    domain_extent: Positive
    control_interval: Positive
    steps_per_interval: Steps
    parameters: dict[str, float] = {}
    jets: Jets | None = None
    sine_modes: SineModes | None = None
    uniform: Uniform | None = None

    @model_validator(mode="after")
    def _something_acts(self) -> "SimulationSettings":
        if self.jets is None and self.sine_modes is None and self.uniform is None:
            raise ValueError("jets: expected jets, sine_modes or uniform, got no actuators")
        return self


class Split(Section):
    """Size of one set of simulations."""

    simulations: Annotated[Count, Field(le=10**6)]
    intervals: Count


class DataSettings(Section):
    """What is simulated to learn from; times are in control intervals."""

    train: Split
    validation: Split
    test: Split
    warm_up: Annotated[Integer, Field(ge=0)]
    share_transient: Share = 0.5
    share_unforced: Share = 0.15
    amplitude: Positive = 1.0
    smallest_amplitude: Positive = 1e-3
    batch: Count = 64


class EncoderSettings(Section):
    """The Fourier neural operator that corrects the fields before they are truncated."""

    width: Annotated[Count, Field(le=4096)] = 16
    layers: Count = 2
    modes: Count = 16


class PredictorSettings(Section):
    """The latent tendency and its time steps."""

    rank: Count = 8
    substeps: Count = 2
    action_path: Literal["additive", "affine", "general"] = "affine"


class ModelSettings(Section):
    """Sizes of the world model; the latent has ``latent_channels (2 latent_modes + 1)`` numbers."""

    latent_channels: Count = 1
    latent_modes: Count = 12
    encoder: EncoderSettings = EncoderSettings()
    predictor: PredictorSettings = PredictorSettings()
    head_rank: Count = 8
    decoder_rank: Count = 8


class CollapseSettings(Section):
    """What keeps the latent from collapsing: VICReg (weight about 1) or SIGReg (weight about 10).

    ``deviation`` is the one below which VICReg pushes a coordinate apart, ``covariance`` the weight of
    its off-diagonal part; ``directions`` are what SIGReg projects on.
    """

    kind: Literal["vicreg", "sigreg", "none"] = "vicreg"
    weight: Weight = 1.0
    deviation: Positive = 0.5
    covariance: Weight = 0.05
    directions: Count = 256


class PhysicsSettings(Section):
    """Weights of the physics-biased terms."""

    heads_encoded: Weight = 0.3
    heads_rolled: Weight = 0.3
    budget: Weight = 0.1
    counterfactual_share: Share = 0.5
    ramp: Share = 0.2


class LossSettings(Section):
    """Weights of the objective; see ``sciwm.loss.objective``."""

    one_step: Weight = 1.0
    rollout: Weight = 0.5
    horizon: Count = 8
    curriculum: Share = 0.5
    relative_floor: Positive = 0.05
    energy_exponent: Share = 0.5
    collapse: CollapseSettings = CollapseSettings()
    physics: PhysicsSettings = PhysicsSettings()


class OnPolicySettings(Section):
    """Rounds of planning in the real simulation, whose episodes join the data."""

    rounds: Annotated[Integer, Field(ge=0)] = 0
    episodes: Count = 32
    intervals: Count = 160
    updates: Count = 300


class TrainingSettings(Section):
    """The optimiser and its schedule."""

    updates: Count
    updates_per_epoch: Count = 250
    batch_size: Annotated[Integer, Field(ge=2, le=65536)] = 128
    learning_rate: Annotated[Positive, Field(le=10)] = 1e-2
    encoder_rate: Positive = 0.1
    weight_decay: Weight = 1e-4
    gradient_clip: Positive = 1.0
    warm_up: Share = 0.1
    threads: Annotated[Count, Field(le=256)] = 1
    on_policy: OnPolicySettings = OnPolicySettings()


class PlanningSettings(Section):
    """How actions are chosen; the same planner serves the model and the true solver.

    ``learning_rate`` (gradient) and ``deviation`` (cem) are in units of the search scale: the whole
    box, or, with ``terminal: riccati``, the size of what the linear law would do.
    """

    planner: Literal["gradient", "cem"] = "gradient"
    horizon: Count = 12
    action_weight: Weight = 0.01
    rate_weight: Weight = 0.0
    terminal: Literal["none", "riccati"] = "riccati"
    iterations: Count = 6
    learning_rate: Positive = 0.1
    samples: Annotated[Integer, Field(ge=2)] = 64
    elites: Count = 8
    deviation: Positive = 0.1


class ControlSettings(Section):
    """The closed-loop experiment: drive held-out states to a uniform field.

    ``target`` is one value per variable; the equation's state of rest if left out.
    """

    target: Annotated[tuple[float, ...], BeforeValidator(_as_tuple)] | None = None
    episodes: Count = 32
    intervals: Count = 400
    first: Count = 160
    last: Count = 10
    oracle_steps_per_interval: Steps = 2
    cem_iterations: Count = 3


class EvaluationSettings(Section):
    """Imagined rollouts of the test set.

    ``lyapunov_exponent`` is that of the unforced flow, in inverse time units; without one the valid
    prediction time is given in time units alone.
    """

    steps: Count = 160
    lyapunov_exponent: Positive | None = None


class Config(Section):
    """One experiment, from simulation to report."""

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
    def _parts_fit_together(self) -> "Config":
        points, data, control, planning = self.simulation.num_points, self.data, self.control, self.planning
        shortest = min(data.train.intervals, data.validation.intervals)
        jets = self.simulation.jets.count if self.simulation.jets else 0
        test, longest = data.test.intervals, max(control.first, control.last)
        rules = [
            (
                "model.latent_modes",
                self.model.latent_modes,
                points // 2 - 1,
                f"fewer than {points // 2} on {points} points",
            ),
            ("model.encoder.modes", self.model.encoder.modes, points // 2, f"at most {points // 2} on {points} points"),
            ("simulation.jets.count", jets, points, f"at most {points} (simulation.num_points)"),
            (
                "data.smallest_amplitude",
                data.smallest_amplitude,
                data.amplitude,
                f"at most {data.amplitude:g} (data.amplitude)",
            ),
            ("loss.horizon", self.loss.horizon, shortest, f"at most {shortest} (the data)"),
            ("evaluation.steps", self.evaluation.steps, test, f"at most {test} (data.test.intervals)"),
            ("control.first and control.last", longest, control.intervals, f"at most {control.intervals} intervals"),
            ("planning.elites", planning.elites, planning.samples, f"at most {planning.samples} samples"),
        ]
        problems = [f"{key}: expected {expected}, got {value}" for key, value, most, expected in rules if value > most]
        if problems:
            raise ValueError("\n".join(problems))
        return self
