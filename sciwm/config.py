"""The frozen, strict schema of an experiment."""

import math
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator


def _whole(value: Any) -> Any:
    """2e3 is an integer to scientists."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _as_tuple(value: Any) -> Any:
    """YAML has lists alone."""
    return tuple(value) if isinstance(value, list) else value


def _form(value: Any) -> str:
    """One value, or a list of them."""
    return EACH if isinstance(value, list | tuple) else ONE


def _box_form(value: Any) -> str:
    """An interval, or one along each dimension."""
    return EACH if isinstance(value, list | tuple) and any(_form(v) == EACH for v in value) else ONE


ONE, EACH = "<one>", "<each>"
"""Names of the forms that a value may have; no keys, so not told in errors."""

# Upper bounds catch typing errors before they take all memory.
Integer = Annotated[int, BeforeValidator(_whole)]
Count = Annotated[Integer, Field(ge=1, lt=2**31)]
Points = Annotated[Integer, Field(ge=3, le=65536)]
Steps = Annotated[Integer, Field(ge=2, le=10**4, multiple_of=2)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
T = TypeVar("T")
Along = Annotated[
    Annotated[T, Tag(ONE)]
    | Annotated[tuple[T, ...], BeforeValidator(_as_tuple), Field(min_length=1, max_length=2), Tag(EACH)],
    Discriminator(_form),
]
"""One value for all dimensions, or one along each."""
Sets = Annotated[
    Annotated[T, Tag(ONE)] | Annotated[tuple[T, ...], BeforeValidator(_as_tuple), Field(min_length=1), Tag(EACH)],
    Discriminator(_form),
]
"""One set of actuators, or several."""
Interval = Annotated[tuple[float, float], BeforeValidator(_as_tuple)]
Rectangle = Annotated[tuple[Interval, Interval], BeforeValidator(_as_tuple)]
Box = Annotated[Annotated[Interval, Tag(ONE)] | Annotated[Rectangle, Tag(EACH)], Discriminator(_box_form)]


class Section(BaseModel):
    """A part of the configuration: frozen, closed to unknown keys, and no kind of value taken for another."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


def _twice(value: int | tuple[int, ...]) -> tuple[int, int]:
    """What holds along each of two dimensions."""
    several = value if isinstance(value, tuple) else (value,)
    return several[0], several[-1]


class Jets(Section):
    """A lattice of Gaussian jets; ``acts_on`` names a variable or a parameter, the first variable by default.

    ``count`` is one number, or one along each dimension; the others are those of ``simulations.gaussian_jets``.
    """

    count: Along[Count]
    width: Positive
    limit: Positive = 1.0
    offset: float = 0.0
    normalization: Literal["integral", "peak"] = "integral"
    zero_mean: bool = False
    acts_on: str | None = None


class Boxes(Section):
    """One inside an interval, zero outside; a rectangle is an interval along each dimension."""

    intervals: Annotated[tuple[Box, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
    limit: Positive = 1.0
    acts_on: str | None = None
    impulsive: bool = False


class SineModes(Section):
    """Sine and cosine of each wavenumber, two actions a mode."""

    modes: Annotated[tuple[Count, ...], BeforeValidator(_as_tuple)]
    limit: Positive = 1.0
    acts_on: str | None = None


class Uniform(Section):
    """One action that changes a variable or a parameter everywhere alike."""

    limit: Positive
    acts_on: str


class BoundaryValues(Section):
    """One action at each named wall: it sets the field there, or adds to what a wall of ``heat`` does."""

    walls: Annotated[tuple[str, ...], BeforeValidator(_as_tuple), Field(min_length=1)] = ("right",)
    limit: Positive


class WallSettings(Section):
    """What a wall of ``heat`` does: it holds a temperature (dirichlet), or takes in a flux (neumann)."""

    kind: Literal["dirichlet", "neumann"]
    value: float = 0.0


class Walls(Section):
    """Those left out are held at temperature 0; ``bottom`` and ``top`` are walls of a rectangle."""

    left: WallSettings | None = None
    right: WallSettings | None = None
    bottom: WallSettings | None = None
    top: WallSettings | None = None


PeriodicEquation = Literal[
    "advection_diffusion_reaction",
    "advection_diffusion_reaction_2d",
    "allen_cahn",
    "burgers",
    "burgers_2d",
    "cahn_hilliard",
    "gray_scott",
    "korteweg_de_vries",
    "kuramoto_sivashinsky",
    "navier_stokes",
    "navier_stokes_scalar",
    "shallow_water",
    "swift_hohenberg",
]
BoundedEquation = Literal[
    "burgers_dirichlet",
    "burgers_hidden_gain",
    "heat",
    "reaction_diffusion",
    "transport_recirculation",
]
BOUNDED: tuple[str, ...] = get_args(BoundedEquation)


class SimulationSettings(Section):
    """Which equation is solved, and how (see ``simulations.build``).

    ``num_points`` and ``domain_extent`` are one number, or one along each dimension; ``dimensions`` is
    for equations that have a choice. Several sets of a kind of actuators are a list. ``order`` is that
    of the time integrator of periodic equations, 4 if left out; ``walls`` are those of ``heat``.
    """

    equation: Literal[PeriodicEquation, BoundedEquation]
    num_points: Along[Points]
    domain_extent: Along[Positive]
    dimensions: Literal[1, 2] | None = None
    control_interval: Positive
    steps_per_interval: Steps
    order: Literal[2, 4] | None = None
    walls: Walls | None = None
    parameters: dict[str, float] = {}
    jets: Sets[Jets] | None = None
    boxes: Sets[Boxes] | None = None
    sine_modes: Sets[SineModes] | None = None
    uniform: Sets[Uniform] | None = None
    boundary_values: Sets[BoundaryValues] | None = None

    @model_validator(mode="after")
    def _something_acts(self) -> "SimulationSettings":
        if not (self.jets or self.boxes or self.sine_modes or self.uniform or self.boundary_values):
            raise ValueError("jets: expected jets, boxes, sine_modes, uniform or boundary_values, got no actuators")
        return self

    @model_validator(mode="after")
    def _equation_has_these(self) -> "SimulationSettings":
        """Periodic equations have no walls, those between walls no waves."""
        name, periodic = self.equation, self.periodic
        rules = [
            ("order", not periodic and self.order is not None, f"none, as {name} is solved by its own scheme"),
            ("sine_modes", not periodic and bool(self.sine_modes), f"jets or boxes, as {name} has walls"),
            ("boundary_values", periodic and bool(self.boundary_values), f"none, as {name} is periodic"),
            ("walls", name != "heat" and self.walls is not None, f"none, as {name} is not heat"),
        ]
        problems = [f"{key}: expected {expected}, got some" for key, broken, expected in rules if broken]
        if periodic:
            if isinstance(self.num_points, tuple):
                places = {f"num_points.{axis}": points for axis, points in enumerate(self.num_points)}
            else:
                places = {"num_points": self.num_points}
            problems += [
                f"{place}: expected a multiple of 2, at least 8, got {points}"
                for place, points in places.items()
                if points % 2 or points < 8
            ]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @model_validator(mode="after")
    def _as_many_along_each(self) -> "SimulationSettings":
        """Lists speak of the same dimensions."""
        lists = {
            "num_points": self.num_points,
            "domain_extent": self.domain_extent,
            **{f"{place}.count": jets.count for place, jets in self.sets_of_jets.items()},
        }
        lengths = {key: len(value) for key, value in lists.items() if isinstance(value, tuple)}
        wanted = self.dimensions or max(lengths.values(), default=1)
        problems = [
            f"{key}: expected one value, or one along each of {wanted} dimensions, got {length} values"
            for key, length in lengths.items()
            if length != wanted
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def periodic(self) -> bool:
        """Whether the domain is, or lies between walls."""
        return self.equation not in BOUNDED

    @property
    def values_between_walls(self) -> int:
        """Numbers in the fields of a bounded equation that may differ: a clock is one."""
        shape = self.num_points if isinstance(self.num_points, tuple) else (self.num_points,) * (self.dimensions or 1)
        return math.prod(shape) + (self.equation == "burgers_hidden_gain")

    @property
    def fewest_points(self) -> int:
        """Points along the dimension that has fewest."""
        return min(self.num_points) if isinstance(self.num_points, tuple) else self.num_points

    @property
    def sets_of_jets(self) -> dict[str, Jets]:
        """Every set of jets by its place."""
        if isinstance(self.jets, tuple):
            return {f"jets.{j}": jets for j, jets in enumerate(self.jets)}
        return {"jets": self.jets} if self.jets else {}


class Split(Section):
    """Size of one set of simulations."""

    simulations: Annotated[Count, Field(le=10**6)]
    intervals: Count


class SensitivitySettings(Section):
    """Short simulations from training states in twos, alike but for their actions, with the solver's tangents."""

    samples: Count = 512
    intervals: Count = 8
    perturbation: Positive = 0.5


class DataSettings(Section):
    """What is simulated to learn from; times are in control intervals."""

    train: Split
    validation: Split
    test: Split
    warm_up: Annotated[Integer, Field(ge=0)]
    sensitivities: SensitivitySettings | None = None
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
    """How a latent is advanced.

    ``exponential`` takes time steps of a learned quadratic tendency, ``linear`` is one matrix. With
    ``equivariant`` all its maps commute with translation, where the latent is spectral;
    ``steady_forcing`` adds a learned constant, for flows that something drives steadily.
    """

    kind: Literal["exponential", "linear"] = "exponential"
    rank: Count = 8
    substeps: Count = 2
    action_path: Literal["additive", "affine", "general"] = "affine"
    equivariant: bool = True
    steady_forcing: bool = False


class ModelSettings(Section):
    """What the latent is, and sizes.

    A ``spectral`` latent, for periodic domains, has ``latent_channels (2 latent_modes + 1)^D`` numbers;
    a ``vector`` one, for any domain, ``latent_size``; with ``fields`` the state is the fields
    themselves. A ``ledger`` carries the functionals beside the latent and advances them by their
    budgets.
    """

    latent: Literal["spectral", "vector", "fields"] = "spectral"
    latent_channels: Count = 1
    latent_modes: Count = 12
    latent_size: Count = 32
    ledger: bool = False
    encoder: EncoderSettings = EncoderSettings()
    predictor: PredictorSettings = PredictorSettings()
    head_rank: Count = 8
    decoder_rank: Count = 8


class CollapseSettings(Section):
    """What keeps the latent from collapsing; see ``sciwm.loss.collapse``.

    ``kind`` is VICReg (``weight`` about 1), SIGReg (about 10), VISReg (about 1), a moving-average
    target with masked inputs, or nothing. With ``within_wavenumbers`` coordinates of a spectral latent
    are compared only within their wavenumber.

    ``deviation`` is the one below which VICReg pushes a coordinate apart, ``covariance`` the weight of
    its off-diagonal part relative to the rest; ``directions`` are what SIGReg and VISReg project on.
    The moving average keeps ``momentum`` of itself in an update at first and ``final_momentum`` in the
    end; ``mask_boxes`` boxes hide ``mask_fraction`` of the fields, on average, from the encoder.
    """

    kind: Literal["vicreg", "sigreg", "visreg", "ema_target", "none"] = "vicreg"
    weight: Weight = 1.0
    within_wavenumbers: bool = False
    deviation: Positive = 0.5
    covariance: Weight = 0.05
    directions: Count = 256
    momentum: Share = 0.99
    final_momentum: Share = 0.999
    mask_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.3
    mask_boxes: Count = 4


class PhysicsSettings(Section):
    """Weights of the physics-biased terms; see ``sciwm.loss.physics`` and ``sciwm.loss.sensitivity``.

    ``encoder_cap`` bounds the gradient of all of them together at the latents, relative to that of
    prediction and anti-collapse, so that the model stays predictive; 0 leaves it free.
    """

    heads_encoded: Weight = 0.3
    heads_rolled: Weight = 0.3
    budget: Weight = 0.1
    counterfactual_share: Share = 0.5
    ledger_tie: Weight = 0.1
    twins: Weight = 0.0
    tangents: Weight = 0.0
    adjoints: Weight = 0.0
    sensitivity_share: Share = 0.25
    inverse: Weight = 0.0
    shell: Weight = 0.0
    shell_contraction: Annotated[float, Field(gt=0, lt=1)] = 0.95
    ramp: Share = 0.2
    encoder_cap: Weight = 0.5


class LossSettings(Section):
    """Weights of the objective; see ``sciwm.loss.objective``.

    ``encoder_learns_from`` is what shapes the latent: its own prediction, or the reconstruction of the
    fields, as in an autoencoder.
    """

    encoder_learns_from: Literal["prediction", "reconstruction"] = "prediction"
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
    augmentation: Annotated[
        tuple[Literal["shifts", "even_reflections", "odd_reflections"], ...], BeforeValidator(_as_tuple)
    ] = ()
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

    ``target`` is one value per variable, null for one that may be anything; the equation's state of
    rest if left out. The oracles plan with the solver step of the simulation unless they are given
    their own.
    """

    target: Annotated[tuple[float | None, ...], BeforeValidator(_as_tuple)] | None = None
    episodes: Count = 32
    intervals: Count = 400
    first: Count = 160
    last: Count = 10
    oracle_steps_per_interval: Steps | None = None
    cem_iterations: Count = 3


Part = Literal[
    "rollouts",
    "scores",
    "effects",
    "gradients",
    "long_run",
    "resolution",
    "refined_control",
    "shifts",
    "probing",
    "surprise",
]
"""What an evaluation is made of; see ``sciwm.evaluation.suite``."""

Several = Annotated[Integer, Field(ge=2, lt=2**31)]
Factor = Annotated[Positive, Field(le=100)]
Times = Annotated[tuple[Positive, ...], BeforeValidator(_as_tuple), Field(min_length=1)]


class EffectSettings(Section):
    """The same state under other actions: how many starts, and for how long."""

    samples: Count = 64
    lead_time: Positive | None = None


class GradientSettings(Section):
    """Gradients with respect to the actions: how many starts, and over which times."""

    samples: Count = 16
    horizons: Times | None = None


class LongRunSettings(Section):
    """The climate: 100 Lyapunov times, or 1000 intervals without an exponent, if ``duration`` is left out.

    If left out, ``forced`` is what the equation needs to stay alive: no forcing where there is a
    Lyapunov exponent, random forcing as in the data elsewhere.
    """

    samples: Several = 8
    duration: Positive | None = None
    forced: bool | None = None


class ResolutionSettings(Section):
    """The same fields on so many times the points along each dimension."""

    samples: Count = 64
    factors: Annotated[
        tuple[Annotated[Integer, Field(ge=2, le=16)], ...], BeforeValidator(_as_tuple), Field(min_length=1)
    ] = (2, 4)


class RefinedControlSettings(Section):
    """Plans executed on so many times the points; ``control.first`` intervals if ``intervals`` is left out."""

    episodes: Several = 8
    factor: Annotated[Integer, Field(ge=2, le=16)] = 2
    intervals: Count | None = None


class ShiftSettings(Section):
    """So many times the forcing, and the ``parameter``: if left out the viscosity-like one, if there is one."""

    samples: Count = 64
    lead_time: Positive | None = None
    factors: Annotated[tuple[Factor, ...], BeforeValidator(_as_tuple), Field(min_length=2)] = (1.0, 1.5, 2.0)
    parameter: str | None = None


class ProbingSettings(Section):
    """What is read from latents, at ``instants`` of each test simulation and after rollouts over ``horizons``."""

    instants: Count = 16
    horizons: Times | None = None
    probes: Annotated[
        tuple[Literal["ridge", "network"], ...], BeforeValidator(_as_tuple), Field(min_length=1, max_length=2)
    ] = ("ridge", "network")


class SurpriseSettings(Section):
    """What is noticed; ``sizes`` of injections and kicks are in units of the root mean square.

    ``exposure`` is the time for which lasting violations are watched, ``parameter`` the one that
    changes: if left out the viscosity-like one, if there is one.
    """

    trajectories: Annotated[Several, Field(le=10**5)] = 200
    sizes: Times = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
    exposure: Positive | None = None
    parameter: str | None = None
    false_alarms: Annotated[float, Field(gt=0, lt=1)] = 0.05


class EvaluationSettings(Section):
    """Imagined rollouts of the test set over ``steps`` intervals, and everything else that is measured of a model.

    ``lyapunov_exponent`` is that of the unforced flow, in inverse time units; without one the valid
    prediction time is given in time units alone. All times are in time units. Where a lead time,
    horizons or an exposure are left out they come from one Lyapunov time, or from 40 intervals, as far
    as the test simulations reach.
    """

    steps: Count = 160
    lyapunov_exponent: Positive | None = None
    parts: Annotated[tuple[Part, ...], BeforeValidator(_as_tuple)] = get_args(Part)
    effects: EffectSettings = EffectSettings()
    gradients: GradientSettings = GradientSettings()
    long_run: LongRunSettings = LongRunSettings()
    resolution: ResolutionSettings = ResolutionSettings()
    refined_control: RefinedControlSettings = RefinedControlSettings()
    shifts: ShiftSettings = ShiftSettings()
    probing: ProbingSettings = ProbingSettings()
    surprise: SurpriseSettings = SurpriseSettings()

    @model_validator(mode="after")
    def _nothing_twice(self) -> "EvaluationSettings":
        lists: dict[str, tuple[Any, ...]] = {
            "parts": self.parts,
            "resolution.factors": self.resolution.factors,
            "shifts.factors": self.shifts.factors,
            "probing.probes": self.probing.probes,
            "surprise.sizes": self.surprise.sizes,
        }
        problems = [f"{key}: expected each once, got {list(v)}" for key, v in lists.items() if len(set(v)) < len(v)]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def lead_times(self) -> dict[str, float]:
        """Every time that was asked for and that test simulations must reach, by its key."""
        single = {
            "effects.lead_time": self.effects.lead_time,
            "shifts.lead_time": self.shifts.lead_time,
            "surprise.exposure": self.surprise.exposure,
        }
        several = {"gradients.horizons": self.gradients.horizons, "probing.horizons": self.probing.horizons}
        return {k: v for k, v in single.items() if v is not None} | {k: max(v) for k, v in several.items() if v}


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
    def _terms_fit_together(self) -> "Config":
        physics, augmentation, bounded = self.loss.physics, self.training.augmentation, not self.simulation.periodic
        free = self.control.target is not None and None in self.control.target
        rules = [
            (
                "training.augmentation",
                bool({"even_reflections", "odd_reflections"} & set(augmentation))
                and bool(physics.heads_encoded or physics.heads_rolled or physics.budget),
                "shifts alone while functionals are read, as a reflection turns the sign of some",
                ", ".join(augmentation),
            ),
            (
                "data.sensitivities",
                self.data.sensitivities is None and bool(physics.twins or physics.tangents or physics.adjoints),
                "samples to match twins, tangents or adjoints to",
                "none",
            ),
            (
                "model.ledger",
                self.model.ledger and not (physics.heads_encoded or physics.heads_rolled),
                "a weight for loss.physics.heads_encoded or heads_rolled, which the ledger is read by",
                "none",
            ),
            (
                "loss.collapse.kind",
                self.loss.collapse.kind == "ema_target" and self.model.latent == "fields",
                "another than ema_target, as fields have no encoder to follow",
                "ema_target",
            ),
            (
                "loss.collapse.within_wavenumbers",
                self.loss.collapse.within_wavenumbers and self.model.latent != "spectral",
                "a spectral latent",
                f"a {self.model.latent} one",
            ),
            (
                "model.latent",
                bounded and self.model.latent == "spectral",
                f"a latent for a domain with walls, as {self.simulation.equation} has",
                "spectral; use model.latent: vector",
            ),
            (
                "training.augmentation",
                bounded and bool(augmentation),
                "none on a domain with walls",
                ", ".join(augmentation),
            ),
            (
                "planning.terminal",
                free and self.planning.terminal == "riccati",
                "none, as a variable of control.target may be anything",
                "riccati",
            ),
            (
                "data.sensitivities",
                free and self.data.sensitivities is not None,
                "none, as a variable of control.target may be anything",
                "some",
            ),
        ]
        problems = [f"{key}: expected {expected}, got {got}" for key, broken, expected, got in rules if broken]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @model_validator(mode="after")
    def _parts_fit_together(self) -> "Config":
        points, data, control, planning = self.simulation.fewest_points, self.data, self.control, self.planning
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
            ("control.first and control.last", longest, control.intervals, f"at most {control.intervals} intervals"),
            ("planning.elites", planning.elites, planning.samples, f"at most {planning.samples} samples"),
        ]
        rules += [
            (f"simulation.{place}.count", count, below, f"at most {below} (simulation.num_points)")
            for place, jets in self.simulation.sets_of_jets.items()
            for count, below in sorted(set(zip(_twice(jets.count), _twice(self.simulation.num_points), strict=True)))
        ]
        problems = [f"{key}: expected {expected}, got {value}" for key, value, most, expected in rules if value > most]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @model_validator(mode="after")
    def _evaluation_fits(self) -> "Config":
        """Test simulations are long enough for what is followed, and parameters are those of the equation."""
        interval, evaluation = self.simulation.control_interval, self.evaluation
        longest = self.data.test.intervals * interval
        problems = [
            f"evaluation.{key}: expected from one interval ({interval:g}) to {longest:g} (data.test.intervals), "
            f"got {time:g}"
            for key, time in evaluation.lead_times().items()
            if not interval / 2 < time <= longest * (1 + 1e-9)
        ]
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
        if problems:
            raise ValueError("\n".join(problems))
        return self
