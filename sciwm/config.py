"""The frozen, strict schema of an experiment, and loading it with errors a scientist can act on."""

import difflib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from sciwm.problems import InputError, Problem


def _whole(value: Any) -> Any:
    """2e3 is an integer to scientists."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


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
    """Equispaced Gaussian jets."""

    count: Count
    width: Positive
    limit: Positive = 1.0


class SimulationSettings(Section):
    """Which equation is solved, and how (see ``simulations.build``)."""

    equation: Literal["burgers", "kuramoto_sivashinsky"]
    num_points: Points
    domain_extent: Positive
    control_interval: Positive
    steps_per_interval: Steps
    parameters: dict[str, float] = {}
    jets: Jets


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
    """The closed-loop experiment: drive held-out states to the zero field."""

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
        jets, test, longest = self.simulation.jets.count, data.test.intervals, max(control.first, control.last)
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


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read an experiment, apply ``section.key=value`` overrides, and check all of it.

    Raises:
        InputError: naming file, key, what was expected and the nearest valid key, for every
            problem at once.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError([Problem(str(path), "a readable YAML file", str(error.strerror))]) from error
    except UnicodeDecodeError as error:
        raise InputError([Problem(str(path), "a YAML file", "a file that is not text")]) from error
    tree = _read_yaml(text, where=str(path))
    if not isinstance(tree, dict):
        got = "an empty file" if tree is None else type(tree).__name__
        raise InputError([Problem(str(path), "a mapping of sections", got)])
    for override in overrides:
        _apply(tree, override)
    return parse_config(tree, where=str(path), changed=[override.partition("=")[0] for override in overrides])


def parse_config(tree: dict[str, Any], *, where: str, changed: Sequence[str] = ()) -> Config:
    """Check an experiment given as plain data.

    Args:
        changed: keys that come from ``--set``, and are named so in problems.

    Raises:
        InputError: as :func:`load_config`.
    """
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise InputError([p for e in error.errors() for p in _explain(e, where, changed)]) from error


def shipped_config(name: str) -> Path:
    """A configuration that comes with sciwm: installed inside the package, or beside it in the repository."""
    package = Path(__file__).parent
    installed = package / "configs" / name
    return installed if installed.exists() else package.parent / "configs" / name


def dump_config(config: Config) -> str:
    """The resolved experiment as YAML."""
    return yaml.safe_dump(config.model_dump(), sort_keys=False)


class _Loader(yaml.SafeLoader):
    """YAML 1.1 reads ``3e-4`` as text, where scientists mean a number, and lets the last of two equal keys win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise yaml.YAMLError(f"the key '{twice[0]}' twice in one section{node.start_mark}")
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {k: list(v) for k, v in yaml.SafeLoader.yaml_implicit_resolvers.items()}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)


def _read_yaml(text: str, *, where: str) -> Any:
    try:
        tree = yaml.load(text, Loader=_Loader)  # noqa: S506  (derived from the SafeLoader)
        json.dumps(tree, default=str, skipkeys=True)  # an alias that holds itself has no end
        return tree
    except RecursionError as error:
        raise InputError([Problem(where, "valid YAML", "sections nested without end")]) from error
    except (yaml.YAMLError, ValueError) as error:
        got = " ".join(str(error).replace('in "<unicode string>",', "at").split())
        raise InputError([Problem(where, "valid YAML", got)]) from error


def _apply(tree: dict[str, Any], override: str) -> None:
    key, sign, text = override.partition("=")
    if not sign or not key:
        raise InputError([Problem("--set", "section.key=value", f"'{override}'")])
    *sections, leaf = key.split(".")
    for section in sections:
        child = tree.setdefault(section, {})
        if not isinstance(child, dict):
            raise InputError([Problem(f"--set {key}", f"'{section}' to be a section", f"the value {child!r}")])
        tree = child
    tree[leaf] = _read_yaml(text, where=f"--set {key}")


MEANT = {
    "int_type": "an integer",
    "float_type": "a number",
    "string_type": "text",
    "model_type": "a section of keys",
    "string_pattern_mismatch": "a name of letters, digits, '_', '.' and '-'",
}


def _explain(error: Any, where: str, changed: Sequence[str]) -> list[Problem]:
    """One pydantic error in the words of this schema."""
    location = [str(part) for part in error["loc"]]
    place = _place(".".join(location), where, changed)
    if error["type"] == "extra_forbidden":
        known = _keys_at(location[:-1])
        close = difflib.get_close_matches(location[-1], known, n=1)
        remedy = f"did you mean '{close[0]}'?" if close else f"known keys: {', '.join(known)}"
        return [Problem(place, "a known key", f"unknown key '{location[-1]}'", remedy)]
    if error["type"] == "missing":
        return [Problem(place, "a value", "nothing", "add this key")]
    if error["type"] == "value_error":
        return [_parse(line, where, changed) for line in str(error["ctx"]["error"]).splitlines()]
    expected = MEANT.get(error["type"], error["msg"].removeprefix("Input should be "))
    return [Problem(place, expected, json.dumps(error["input"], default=str, skipkeys=True)[:80])]


def _place(key: str, where: str, changed: Sequence[str]) -> str:
    """A key by where it was given: on the command line or in the file."""
    if any(f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}.") for other in changed if key):
        return f"--set {key}"
    return f"{where}: {key}" if key else where


def _parse(message: str, where: str, changed: Sequence[str]) -> Problem:
    key, _, rest = message.partition(": expected ")
    expected, _, found = rest.partition(", got ")
    return Problem(_place(key, where, changed), expected, found)


def _keys_at(location: list[str]) -> list[str]:
    schema: Any = Config
    for part in location:
        schema = schema.model_fields[part].annotation
    return list(schema.model_fields)
