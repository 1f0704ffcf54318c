"""Configurations as users write and mistype them."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

import numpy as np
import pydantic
import pytest

from sciwm.config import (
    Config,
    GradientSettings,
    PeriodicEquation,
    Section,
    SimulationSettings,
    dump_config,
    load_config,
)
from sciwm.errors import InputError
from sciwm.migration import RENAMED_KEYS
from simulations import build
from simulations.catalogue import CATALOGUE, PERIODIC

SHIPPED = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))
MINIMAL = """
name: minimal
simulation:
  equation: burgers
  num_points: 32
  domain_extent: 6.0
  control_interval: 0.1
  steps_per_interval: 2
  parameters: {viscosity: 5e-2}
  jets: {count: 2, width: 0.5}
data:
  train: {simulations: 4, intervals: 20}
  validation: {simulations: 2, intervals: 20}
  test: {simulations: 2, intervals: 200}
  warm_up: 0
training: {updates: 10}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration that is right."""
    path = tmp_path / "minimal.yaml"
    path.write_text(MINIMAL)
    return path


def told(path: Path, overrides: Sequence[str] = ()) -> list[str]:
    """What loading complains about."""
    with pytest.raises(InputError) as caught:
        load_config(path, overrides)
    return [str(p) for p in caught.value.problems]


@pytest.mark.parametrize("path", SHIPPED, ids=[p.name for p in SHIPPED])
def test_shipped_configurations_load_and_survive_a_round_trip(path: Path, tmp_path: Path) -> None:
    config = load_config(path)
    copy = tmp_path / "copy.yaml"
    copy.write_text(dump_config(config))
    assert load_config(copy) == config


def test_configurations_are_shipped() -> None:
    assert {"ks_control.yaml", "ks_control_quick.yaml"} <= {p.name for p in SHIPPED}


def test_minimal_configuration_gets_defaults_and_is_frozen(file: Path) -> None:
    config = load_config(file)
    assert config.seed == 0
    assert config.planning.planner == GradientSettings()
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        config.seed = 1


@pytest.mark.parametrize("text", ["3e-4", "3E-4", "3.0e-4", ".3e-3", "+3e-4", "0.0003"])
def test_scientific_notation_is_a_number(file: Path, text: str) -> None:
    """YAML 1.1 reads 3e-4 as text."""
    assert load_config(file, [f"training.learning_rate={text}"]).training.learning_rate == 3e-4


def test_scientific_notation_in_a_file(file: Path) -> None:
    assert load_config(file).simulation.parameters == {"viscosity": 0.05}


def test_overrides_reach_nested_and_absent_sections(file: Path) -> None:
    config = load_config(file, ["model.encoder.width=4", "planning.terminal=none", "training.updates=2e3"])
    assert (config.model.encoder.width, config.planning.terminal, config.training.updates) == (4, "none", 2000)


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("trainin.updates=3", ["trainin", "unknown key 'trainin'", "did you mean 'training'?"]),
        ("training.learning_rat=3", ["training.learning_rat", "did you mean 'learning_rate'?"]),
        ("simulation.jets.widht=3", ["simulation.jets.widht", "did you mean 'width'?"]),
        ("loss.collapse.zzz=3", ["loss.collapse.zzz", "known keys: kind, weight"]),
    ],
)
def test_mistyped_keys_name_the_nearest(file: Path, override: str, parts: list[str]) -> None:
    (line,) = told(file, [override])
    assert line.startswith("--set ")
    assert all(part in line for part in parts)


@pytest.mark.parametrize(
    ("override", "key", "expected", "got"),
    [
        ("training.updates=0", "training.updates", "greater than or equal to 1", "0"),
        ("training.augmentation=shifts", "training.augmentation", "a list", "shifts"),
        ("evaluation.surprise.sizes=[]", "evaluation.surprise.sizes", "at least 1 item", "[]"),
        ("simulation.num_points=[8,8,8]", "simulation.num_points", "at most 2 items", "[8, 8, 8]"),
        ("data.train.intervals=2e9", "data.train.intervals", "less than or equal to 1000000", "2000000000"),
        ("training.updates=lots", "training.updates", "integer", "lots"),
        ("training.learning_rate=-1", "training.learning_rate", "greater than 0", "-1"),
        ("training.learning_rate=.nan", "training.learning_rate", "finite", "NaN"),
        ("training.learning_rate=.inf", "training.learning_rate", "finite", "Infinity"),
        ("simulation.num_points=31", "simulation.num_points", "multiple of 2", "31"),
        ("simulation.steps_per_interval=3", "simulation.steps_per_interval", "multiple of 2", "3"),
        ("simulation.equation=navier", "simulation.equation", "'burgers'", "navier"),
        ("simulation.parameters.viscosity=thin", "simulation.parameters.viscosity", "number", "thin"),
        ("data.share_unforced=2", "data.share_unforced", "less than or equal to 1", "2"),
        ("planning.planner={kind: magic}", "planning.planner.kind", "'gradient' or 'cem'", "magic"),
        ("planning.planner=", "planning.planner.kind", "'gradient' or 'cem'", "null"),
        ("planning.planner={kind: }", "planning.planner.kind", "'gradient' or 'cem'", "null"),
        ("planning.planner=cem", "planning.planner", "a section of keys", "cem"),
        ("data.train=5", "data.train", "a section of keys", "5"),
        ("model.latent_modes=16", "model.latent_modes", "fewer than 16 on 32 points", "16"),
        (
            "model.predictor.slaved_modes=10",
            "model.predictor.slaved_modes",
            "at most 3 beside 12 latent_modes on 32 points",
            "10",
        ),
        ("loss.horizon=21", "loss.horizon", "at most 20", "21"),
        ("evaluation.steps=201", "evaluation.steps", "at most 200", "201"),
        ("training.updates=1.5", "training.updates", "an integer", "1.5"),
        ("training.updates='12'", "training.updates", "an integer", '"12"'),
        ("seed=true", "seed", "an integer", "true"),
        ("training.learning_rate=true", "training.learning_rate", "a number", "true"),
        ("training.learning_rate=11", "training.learning_rate", "less than or equal to 10", "11"),
        ("name=a/b", "name", "a name of letters, digits", "a/b"),
        ("name=.hidden", "name", "a name of letters, digits", ".hidden"),
        ("planning.action_weight=1e308", "planning.action_weight", "less than or equal to 1e30", "1e+308"),
        ("planning.rate_weight=1e31", "planning.rate_weight", "less than or equal to 1e30", "1e+31"),
        ("seed=2147483648", "seed", "less than 2147483648", "2147483648"),
        ("simulation.num_points=131072", "simulation.num_points", "less than or equal to 65536", "131072"),
        ("simulation.jets.count=33", "simulation.jets.count", "at most 32", "33"),
        ("simulation.steps_per_interval=20000", "simulation.steps_per_interval", "equal to 10000", "20000"),
        ("data.train.simulations=1e7", "data.train.simulations", "equal to 1000000", "10000000"),
        ("data.smallest_amplitude=2", "data.smallest_amplitude", "at most 1", "2"),
        ("planning.planner={kind: cem, elites: 65}", "planning.planner.elites", "at most 64", "65"),
    ],
)
def test_impossible_values_are_explained(file: Path, override: str, key: str, expected: str, got: str) -> None:
    (line,) = told(file, [override])
    assert line.startswith(f"--set {key}: expected ")
    before, _, after = line.partition(", got ")
    assert expected in before
    assert got in after or got in before


@pytest.mark.parametrize(
    "key",
    [
        "control.episodes",
        "control.intervals",
        "data.batch",
        "data.sensitivities.samples",
        "data.test.intervals",
        "evaluation.effects.samples",
        "evaluation.gradients.samples",
        "evaluation.long_run.duration",
        "evaluation.long_run.samples",
        "evaluation.probing.instants",
        "evaluation.refined_control.intervals",
        "evaluation.steps",
        "loss.collapse.directions",
        "loss.horizon",
        "model.decoder_rank",
        "model.encoder.layers",
        "model.latent_channels",
        "model.latent_size",
        "model.predictor.rank",
        "model.predictor.substeps",
        "planning.horizon",
        "control.oracle_cem.samples",
        "training.on_policy.intervals",
    ],
)
def test_no_size_can_take_all_memory(file: Path, key: str) -> None:
    """A billion of anything that is held in memory is a typing error."""
    (line,) = told(file, [f"{key}=1e9"])
    assert line.startswith(f"--set {key}: expected ")
    assert "equal to" in line or "at most" in line


def test_slow_chaos_needs_a_duration(file: Path) -> None:
    """A hundred Lyapunov times of a small exponent are too long, unless it is said how long, or nothing is run."""
    slow = "evaluation.lyapunov_exponent=1e-9"
    (line,) = told(file, [slow])
    assert line.startswith("--set evaluation.lyapunov_exponent: expected runs of at most 100000 (a million intervals)")
    assert load_config(file, [slow, "evaluation.long_run.duration=10"]).evaluation.long_run.duration == 10
    assert load_config(file, [slow, "evaluation.parts=[rollouts]"]).evaluation.lyapunov_exponent == 1e-9


def test_all_problems_are_told_at_once(file: Path) -> None:
    lines = told(file, ["training.updats=3", "data.train.simulations=0", "simulation.domain_extent=-1", "name=[]"])
    assert len(lines) == 4
    assert len(told(file, ["model.latent_modes=99", "loss.horizon=99", "control.oracle_cem.elites=99"])) == 3


def test_missing_keys_are_named(tmp_path: Path) -> None:
    path = tmp_path / "bare.yaml"
    path.write_text("name: bare\n")
    lines = told(path)
    assert [line.split(": ")[1] for line in lines] == ["simulation", "data", "training"]
    assert all("add this key" in line for line in lines)


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("seed", ["--set", "section.key=value", "'seed'"]),
        ("=3", ["--set", "section.key=value"]),
        ("seed.deep.er=3", ["--set seed.deep.er", "'seed' to be a section"]),
        ("seed=[", ["--set seed", "valid YAML"]),
    ],
)
def test_malformed_overrides(file: Path, override: str, parts: list[str]) -> None:
    (line,) = told(file, ["seed=1", override])
    assert all(part in line for part in parts)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"name: [unclosed", "valid YAML"),
        (b"name: a\nseed: 1\nname: b\n", "the key 'name' twice"),
        (b"- a\n- b\n", "a mapping of sections, got list"),
        (b"", "a mapping of sections, got an empty file"),
        (b"name: &a {b: *a}\n", "valid YAML, got Circular reference detected"),
        (b"name: 2020-13-45\n", "valid YAML"),
        (b"? [a, b]\n: c\n", "valid YAML"),
        (b"\x80\x81\xff", "got the byte 0x80 in line 1; save it as UTF-8 text"),
        (b"name: !!python/object/apply:os.system [echo]\n", "valid YAML"),
    ],
)
def test_files_that_are_no_configuration(tmp_path: Path, content: bytes, part: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    (line,) = told(path)
    assert line.startswith(str(path))
    assert part in line


def test_absent_file_and_folder(tmp_path: Path) -> None:
    assert "No such file" in told(tmp_path / "none.yaml")[0]
    assert "Is a directory" in told(tmp_path)[0]


def test_configurations_compare_by_value(file: Path) -> None:
    assert load_config(file) == load_config(file)
    assert load_config(file) != load_config(file, ["seed=1"])
    assert isinstance(load_config(file), Config)


def test_integers_are_numbers(file: Path) -> None:
    """A number may be written without a point."""
    assert load_config(file, ["training.learning_rate=1"]).training.learning_rate == 1.0


def test_the_file_is_blamed_for_what_it_holds(file: Path) -> None:
    """Only keys that --set changed are named after it."""
    file.write_text(MINIMAL.replace("warm_up: 0", "warm_up: -1"))
    first, second = told(file, ["seed=x"])
    assert first.startswith("--set seed: expected an integer, got ")
    assert second.startswith(f"{file}: data.warm_up: expected ")


FLOW = """
name: flow
simulation:
  equation: navier_stokes
  num_points: [32, 16]
  domain_extent: [6.0, 3.0]
  control_interval: 0.1
  steps_per_interval: 4
  parameters: {forcing_wavenumber: 2}
  jets: {count: [4, 2], width: 0.5, offset: 0.5, normalization: peak, zero_mean: true}
  boxes: {intervals: [[[0, 1], [1, 2.5]]], acts_on: w}
data:
  train: {simulations: 4, intervals: 20}
  validation: {simulations: 2, intervals: 20}
  test: {simulations: 2, intervals: 200}
  warm_up: 0
model: {latent_modes: 6, encoder: {modes: 8}}
training: {updates: 10}
"""


@pytest.fixture
def flow_file(tmp_path: Path) -> Path:
    """A two-dimensional experiment."""
    path = tmp_path / "flow.yaml"
    path.write_text(FLOW)
    return path


def test_flows_are_configured_as_they_are_built(flow_file: Path, tmp_path: Path) -> None:
    """What the file says arrives at the grid and the actuators, and survives being written."""
    config = load_config(flow_file)
    simulation = build(config.simulation.model_dump())
    assert simulation.grid.shape == (32, 16)
    assert simulation.grid.extents == (6.0, 3.0)
    assert len(simulation.actuators) == 9
    assert simulation.profiles is not None
    np.testing.assert_allclose(simulation.profiles.shapes[:8].mean(axis=(1, 2)), 0, atol=1e-12)
    x, y = simulation.grid.mesh
    np.testing.assert_array_equal(simulation.profiles.shapes[8], (x < 1) & (y >= 1) & (y < 2.5))
    copy = tmp_path / "copy.yaml"
    copy.write_text(dump_config(config))
    assert load_config(copy) == config


def test_one_dimension_more_or_one_box_less(file: Path) -> None:
    """An equation with a choice is told its dimensions; in 1D a box is an interval."""
    overrides = ["simulation.equation=swift_hohenberg", "simulation.dimensions=2", "simulation.parameters={}"]
    assert build(load_config(file, overrides).simulation.model_dump()).grid.shape == (32, 32)
    boxed = load_config(file, ["simulation.jets=null", "simulation.boxes={intervals: [[0, 1], [3, 4]]}"])
    assert build(boxed.simulation.model_dump()).actuators.names == ("box_0", "box_1")


def test_several_sets_of_actuators_are_a_list(flow_file: Path) -> None:
    """One on each of two variables, named apart; what is mistyped is told with its place."""
    sets = "[{count: 2, width: 0.5, acts_on: w}, {count: [2, 1], width: 0.5, acts_on: c}]"
    overrides = ["simulation.equation=navier_stokes_scalar", "simulation.boxes=null", f"simulation.jets={sets}"]
    simulation = build(load_config(flow_file, overrides).simulation.model_dump())
    assert simulation.profiles is not None
    assert simulation.profiles.targets("w") == ("w",) * 4 + ("c",) * 2
    line, missing = told(flow_file, ["simulation.jets=[{count: 2, width: 0.5}, {count: 2, widht: 1}]"])
    assert "simulation.jets.1.width: expected a value, got nothing" in line
    assert "simulation.jets.1.widht: expected a known key" in missing
    assert "did you mean 'width'?" in missing


def test_every_equation_can_be_configured() -> None:
    known = SimulationSettings.model_fields["equation"].annotation
    assert sorted(get_args(known)) == sorted(CATALOGUE)
    assert sorted(get_args(PeriodicEquation)) == sorted(PERIODIC)


@pytest.mark.parametrize(
    ("override", "key", "expected", "got"),
    [
        ("simulation.num_points=[32, 15]", "simulation.num_points.1", "multiple of 2", "15"),
        ("simulation.num_points=[32, 16, 16]", "simulation.num_points", "at most 2 items", "[32, 16, 16]"),
        ("simulation.num_points=wide", "simulation.num_points", "an integer", "wide"),
        ("simulation.domain_extent=[6.0, -1]", "simulation.domain_extent.1", "greater than 0", "-1"),
        ("simulation.domain_extent=[6.0]", "simulation.domain_extent", "one along each of 2 dimensions", "1 value"),
        ("simulation.dimensions=3", "simulation.dimensions", "1 or 2", "3"),
        ("simulation.order=3", "simulation.order", "2 or 4", "3"),
        ("simulation.jets.count=[4, 0]", "simulation.jets.count.1", "greater than or equal to 1", "0"),
        ("simulation.jets.count=[4, 17]", "simulation.jets.count", "at most 16", "17"),
        ("simulation.jets.normalization=area", "simulation.jets.normalization", "'integral' or 'peak'", "area"),
        ("simulation.boxes.intervals=[[0, x]]", "simulation.boxes.intervals.0.1", "a number", "x"),
        ("simulation.boxes.intervals=[]", "simulation.boxes.intervals", "at least 1 item", "[]"),
        (
            "simulation.jets=[{count: 2, width: 0.5}, {count: [3, 17], width: 0.5, acts_on: w}]",
            "simulation.jets.1.count",
            "at most 16",
            "17",
        ),
        ("model.latent_modes=8", "model.latent_modes", "fewer than 8 on 16 points", "8"),
    ],
)
def test_impossible_flows_are_explained(flow_file: Path, override: str, key: str, expected: str, got: str) -> None:
    (line,) = told(flow_file, [override])
    assert line.startswith(f"--set {key}: expected ")
    before, _, after = line.partition(", got ")
    assert expected in before
    assert got in after or got in before


def test_an_experiment_without_actuators_is_told(flow_file: Path) -> None:
    (line,) = told(flow_file, ["simulation.jets=null", "simulation.boxes=null"])
    assert line.startswith(
        "--set simulation.jets: expected jets, boxes, sine_modes, uniform or boundary_values, got no actuators"
    )


def sections(schema: type[Section]) -> Iterator[type[Section]]:
    """A section of the schema and all sections inside it."""
    yield schema
    for field in schema.model_fields.values():
        for inner in sections_in(field.annotation):
            yield from sections(inner)


def sections_in(annotation: object) -> list[type[Section]]:
    """The sections that an annotation names, in lists and unions too."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [found for part in get_args(annotation) for found in sections_in(part)]


@pytest.mark.parametrize("section", sorted(set(sections(Config)), key=lambda s: s.__name__), ids=lambda s: s.__name__)
def test_every_key_is_explained(section: type[Section]) -> None:
    explained = re.findall(r"^ {4,8}(\w+): \S", section.__doc__ or "", flags=re.MULTILINE)
    assert explained == list(section.model_fields)


@pytest.mark.parametrize(("old", "new"), RENAMED_KEYS.items())
def test_old_keys_of_planners_are_told_by_their_new_names(file: Path, old: str, new: str) -> None:
    """In a file they are migrated; typed on the command line they are refused, as nothing of today is called so."""
    (line,) = told(file, [f"{old}=2"])
    assert line.endswith(f"it is called '{new}' now")


@pytest.mark.parametrize(
    ("planner", "override", "remedy"),
    [
        ("{}", "planning.planner=cem", "write planning.planner.kind=cem, or 'planning.planner={kind: cem}'"),
        (
            "{learning_rate: 0.2}",
            "planning.planner.kind=cem",
            "it is a key of kind gradient; to change the kind write 'planning.planner={kind: cem}'",
        ),
        (
            "{}",
            "planning.planner.samples=32",
            "it is a key of kind cem; to change the kind write 'planning.planner={kind: cem}'",
        ),
    ],
)
def test_how_to_change_the_kind_of_planner_is_told(file: Path, planner: str, override: str, remedy: str) -> None:
    file.write_text(f"{MINIMAL}\nplanning: {{planner: {planner}}}\n")
    (line,) = told(file, [override])
    assert line.endswith(remedy)
    load_config(file, ["planning.planner={kind: cem}"])
