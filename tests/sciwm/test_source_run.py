"""A run whose data come from files: brought in, resumed, refused when they change, trained, reported."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml
from foreign_data import PLATE, made

import sciwm
from sciwm.cli import main
from sciwm.config import Config, dump_config, load_config
from sciwm.data.source import digest_of_dataset, digest_of_files
from sciwm.errors import InputError
from sciwm.experiment import Run
from sciwm.experiment.bring_in import bring_in, look_at

SMALL = {
    "model": {"latent_size": 6, "decoder_rank": 2, "predictor": {"kind": "exponential", "rank": 2}},
    "loss": {"horizon": 4},
    "training": {"updates": 4, "updates_per_epoch": 2, "batch_size": 8},
    "evaluation": {"steps": 10},
}
PLATE_TREE: dict[str, Any] = {
    "name": "plate",
    "source": {
        "files": ["heated_plate.nc"],
        "variables": ["temp"],
        "forcings": ["power"],
        "parameters": ["ambient"],
        "run": "run",
        "time": "t",
        "space": ["row", "col"],
        "periodic": [],
        "split": {"validation": [104], "test": [112, 120]},
    },
    **SMALL,
}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """``write(**source)``: a configuration beside a copy of the plate, keys of ``source`` replaced."""
    (tmp_path / "heated_plate.nc").write_bytes(PLATE.read_bytes())

    def configuration(name: str = "plate.yaml", **source: Any) -> Path:
        path = tmp_path / name
        path.write_text(yaml.safe_dump(PLATE_TREE | {"source": PLATE_TREE["source"] | source}))
        return path

    return configuration


def told(config: Config, out: Path) -> str:
    with pytest.raises(InputError) as caught:
        bring_in(config, out)
    return str(caught.value)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_defaults_suit_files(write: Write) -> None:
    path = write()
    tree = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({key: tree[key] for key in ("name", "source")}))
    config = load_config(path)
    assert (config.model.latent, config.model.encoder.layers, config.training.learning_rate) == ("vector", 0, 2e-2)
    assert config.simulation is None
    with pytest.raises(InputError, match="sections simulation and data, got source: the data come from files"):
        config.simulated()


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"periodic": None}, "source.periodic: expected the space dimensions that are periodic, got nothing; write []"),
        ({"parameters": ["power"]}, "source.parameters: expected one role for 'power', got forcings and parameters"),
        ({"space": ["row", "t"]}, "source.space: expected every dimension once in run, time and space, got t twice"),
        ({"bounds": {"power": [8, 0]}}, "source.bounds.power: expected a lower and a larger value, got [8, 0]"),
        ({"run": None}, "source.split.by: expected time, as there is one record"),
        ({"split": {"test": 0.9, "validation": 0.2}}, "source.split.validation: expected shares that leave something"),
        ({"split": {"test": [1], "validation": [1]}}, "source.split.test: expected every run once, got 1 twice"),
    ],
)
def test_a_section_that_contradicts_itself(write: Write, changed: dict[str, Any], expected: str) -> None:
    with pytest.raises(InputError) as caught:
        load_config(write(**changed))
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("model.latent=spectral", "a latent for a domain with ends along row and col, got spectral"),
        ("model.ledger=true", "model.ledger: expected false, as files hold no budgets, got true"),
        ("training.on_policy.rounds=1", "training.on_policy.rounds: expected 0, as data from files come without"),
        ("loss.physics.twins=1", "loss.physics.twins: expected 0, as data from files come without a simulator"),
        ("simulation={equation: burgers}", "expected a value, got nothing"),
    ],
)
def test_what_needs_a_simulator_is_refused(write: Write, override: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        load_config(write(), [override])
    assert expected in str(caught.value)


def test_sizes_that_the_data_do_not_have_are_told_with_their_problems(write: Write, tmp_path: Path) -> None:
    config = load_config(write(parameters=[]), ["model.latent_size=500", "evaluation.effects.lead_time=99"])
    text = told(config, tmp_path / "run")
    assert "ambient: expected a role" in text
    assert "model.latent_size: expected at most 62, as 63 instants of 120 values have principal components" in text
    assert "evaluation.effects.lead_time: expected from one interval (0.5) to 10 (the test), got 99" in text
    assert not (tmp_path / "run" / "data").exists()


def test_states_that_depend_on_each_other_are_told_before_they_are_learned(tmp_path: Path) -> None:
    """Two patterns have two modes, however many instants and points there are."""
    rng = np.random.default_rng(0)
    waves = np.einsum("tk,kx->tx", rng.normal(size=(40, 2)), rng.integers(-3, 4, size=(2, 9)))
    ds = xr.Dataset({"u": (("time", "x"), waves)}, {"time": np.arange(40.0), "x": np.arange(9.0)})
    ds.to_netcdf(tmp_path / "waves.nc")
    source = {"files": ["waves.nc"], "variables": ["u"], "time": "time", "space": ["x"], "periodic": []}
    tree = {"name": "waves", "source": source | {"split": {"by": "time"}}, **SMALL}
    (tmp_path / "waves.yaml").write_text(yaml.safe_dump(tree))
    expected = "model.latent_size: expected at most 2, as many modes as the training states have"
    with pytest.raises(InputError, match=expected):
        look_at(load_config(tmp_path / "waves.yaml"))
    look_at(load_config(tmp_path / "waves.yaml", ["model.latent_size=2", "evaluation.steps=2"]))


def test_a_run_goes_through_to_its_report(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = write(), tmp_path / "run"
    monkeypatch.chdir(tmp_path)
    assert main(["check", str(path)]) == 0
    assert "power: bounds from valid_min and valid_max" in capsys.readouterr().out
    assert main(["run", str(path), "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "6 records: train 3 runs, validation 1 run, test 2 runs" in shown
    (line,) = (one for one in shown.splitlines() if "it needs a simulator" in one)
    assert line.startswith("left out ") and "shifts, probing" in line
    page = (out / "report" / "index.html").read_text()
    assert "plate surface temperature" in page
    assert main(["check", str(out)]) == 0
    assert "3 stores made from the settings of config.yaml" in capsys.readouterr().out
    assert main(["info", str(out / "data" / "test.zarr")]) == 0
    shown = capsys.readouterr().out
    assert "power.north_west" in shown
    assert "parameters      ambient (ambient air temperature) [degC]" in shown
    before = contents(out / "data")
    assert main(["bring-in", str(path), "--out", str(out)]) == 0
    assert contents(out / "data") == before


def test_files_that_changed_are_refused_and_moved_ones_are_not(write: Write, tmp_path: Path) -> None:
    config, out = load_config(write()), tmp_path / "run"
    bring_in(config, out)
    (tmp_path / "elsewhere").mkdir()
    moved = tmp_path / "elsewhere" / "plate.nc"
    (tmp_path / "heated_plate.nc").rename(moved)
    bring_in(load_config(write(files=["elsewhere/plate.nc"])), out)
    with xr.load_dataset(moved, decode_times=False) as ds:
        ds["temp"][3, 2, 1, 1] += 1
        ds.to_netcdf(moved)
    text = told(load_config(write(files=["elsewhere/plate.nc"])), out)
    assert "train.zarr: expected files as they were when they were brought in, got files of another content" in text


def test_another_section_is_refused_with_what_differs(write: Write, tmp_path: Path) -> None:
    out = tmp_path / "run"
    bring_in(load_config(write()), out)
    other = load_config(write(split={"validation": [108], "test": [112, 120]}))
    assert "source.split.validation: there (104,), asked (108,)" in told(other, out)
    (out / "config.yaml").write_text(dump_config(other))
    with pytest.raises(InputError, match=r"train\.zarr: expected a store made from the settings of config\.yaml"):
        Run(out).checked_config(trains=True)


def test_digests_know_files_by_their_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sciwm.data.source.files.fingerprint.READ_WHOLE", 2**10)
    monkeypatch.setattr("sciwm.data.source.files.fingerprint.PART", 64)
    content = np.random.default_rng(0).bytes(2**17)
    for name, bytes_ in {"a": content, "b": content, "longer": content + b"1", "cut": content[:-1]}.items():
        (tmp_path / name).write_bytes(bytes_)
    (tmp_path / "last").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    digests = {p.name: digest_of_files([p]) for p in tmp_path.iterdir()}
    assert digests["a"] == digests["b"]
    assert len(set(digests.values())) == 4
    ds = made()
    assert digest_of_dataset(ds) == digest_of_dataset(ds.chunk()) != digest_of_dataset(made(seed=1))


def test_a_surrogate_is_fitted_to_datasets(tmp_path: Path) -> None:
    settings = {key: SMALL[key] for key in ("model", "loss", "training")}
    with xr.open_dataset(PLATE) as plate:
        roles: Any = {"actions": ["power"], "parameters": ["ambient"]}
        model = sciwm.fit(plate, **roles, settings=settings, out=tmp_path / "run")
        assert model.model.domain.run_name == "run"
        assert [f.name for f in model.model.domain.forcings] == ["power"]
        parts = plate.isel(run=slice(4)).chunk({"t": 5}), plate.isel(run=[4, 5])
        other = sciwm.fit(parts[0], validation=parts[1], **roles, settings=settings)
        assert other.model.domain.dimensions == ("row", "col")
        with pytest.raises(InputError, match="ambient: expected a role"):
            sciwm.fit(plate, actions=["power"], settings=settings)
        with pytest.raises(InputError, match="settings: expected sections among model, loss, training, got modle"):
            sciwm.fit(plate, **roles, settings={"modle": {}})
    assert (tmp_path / "run" / "model.safetensors").exists()
