"""Configurations as users write and mistype them."""

from collections.abc import Sequence
from pathlib import Path

import pydantic
import pytest

from sciwm.config import Config
from sciwm.config_files import dump_config, load_config
from sciwm.problems import InputError

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
    assert config.planning.planner == "gradient"
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
        ("training.updates=lots", "training.updates", "integer", "lots"),
        ("training.learning_rate=-1", "training.learning_rate", "greater than 0", "-1"),
        ("training.learning_rate=.nan", "training.learning_rate", "finite", "NaN"),
        ("training.learning_rate=.inf", "training.learning_rate", "finite", "Infinity"),
        ("simulation.num_points=31", "simulation.num_points", "multiple of 2", "31"),
        ("simulation.steps_per_interval=3", "simulation.steps_per_interval", "multiple of 2", "3"),
        ("simulation.equation=navier", "simulation.equation", "'burgers'", "navier"),
        ("simulation.parameters.viscosity=thin", "simulation.parameters.viscosity", "number", "thin"),
        ("data.share_unforced=2", "data.share_unforced", "less than or equal to 1", "2"),
        ("planning.planner=magic", "planning.planner", "'gradient' or 'cem'", "magic"),
        ("data.train=5", "data.train", "a section of keys", "5"),
        ("model.latent_modes=16", "model.latent_modes", "fewer than 16 on 32 points", "16"),
        ("loss.horizon=21", "loss.horizon", "at most 20", "21"),
        ("evaluation.steps=201", "evaluation.steps", "at most 200", "201"),
        ("training.updates=1.5", "training.updates", "an integer", "1.5"),
        ("training.updates='12'", "training.updates", "an integer", '"12"'),
        ("seed=true", "seed", "an integer", "true"),
        ("training.learning_rate=true", "training.learning_rate", "a number", "true"),
        ("training.learning_rate=11", "training.learning_rate", "less than or equal to 10", "11"),
        ("name=a/b", "name", "a name of letters, digits", "a/b"),
        ("name=.hidden", "name", "a name of letters, digits", ".hidden"),
        ("seed=2147483648", "seed", "less than 2147483648", "2147483648"),
        ("simulation.num_points=131072", "simulation.num_points", "less than or equal to 65536", "131072"),
        ("simulation.jets.count=33", "simulation.jets.count", "at most 32", "33"),
        ("simulation.steps_per_interval=20000", "simulation.steps_per_interval", "equal to 10000", "20000"),
        ("data.train.simulations=1e7", "data.train.simulations", "equal to 1000000", "10000000"),
        ("data.smallest_amplitude=2", "data.smallest_amplitude", "at most 1", "2"),
        ("planning.elites=65", "planning.elites", "at most 64", "65"),
    ],
)
def test_impossible_values_are_explained(file: Path, override: str, key: str, expected: str, got: str) -> None:
    (line,) = told(file, [override])
    assert line.startswith(f"--set {key}: expected ")
    before, _, after = line.partition(", got ")
    assert expected in before
    assert got in after or got in before


def test_all_problems_are_told_at_once(file: Path) -> None:
    lines = told(file, ["training.updats=3", "data.train.simulations=0", "simulation.domain_extent=-1", "name=[]"])
    assert len(lines) == 4
    assert len(told(file, ["model.latent_modes=99", "loss.horizon=99", "planning.elites=99"])) == 3


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
        (b"\x80\x81\xff", "a file that is not text"),
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
