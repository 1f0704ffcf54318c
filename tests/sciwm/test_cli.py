"""The ``sciwm`` command as users type it: what works, what is refused, and what is left behind."""

import errno
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

import sciwm
import simulations
from sciwm.cli import main
from sciwm.cli.help import PAGES
from sciwm.config import Config, dump_config
from sciwm.data import Domain, recipe
from sciwm.experiment import stages
from sciwm.model import WorldModel, save_model
from sciwm.planning import build_planner
from sciwm.version import __version__
from simulations import build
from simulations.generate import generate

ROOT = Path(__file__).parents[2]
EARLY = {"none": 1.5, "world_model": 0.25, "lqr": 1.25, "oracle_cem": 0.5, "adjoint": 0.125}
FINAL = {"none": 1.75, "world_model": 1e-6, "lqr": 1.0, "oracle_cem": 0.01, "adjoint": 1e-7}
METRICS = {
    "control": {
        "mean_square_first_40": EARLY,
        "mean_square_first_40_interval": {name: [0.9 * value, 1.1 * value] for name, value in EARLY.items()},
        "mean_square_final": FINAL,
        "mean_square_final_worst": FINAL,
        "mean_square_action": dict.fromkeys(EARLY, 0.03125),
        "seconds_per_decision": {"world_model": 0.0625, "oracle_cem": 2.5, "adjoint": 1.0},
        "relative_reduction": 0.909,
    },
    "rollout": {
        "valid_prediction_time": 3.25,
        "valid_prediction_time_interval": [3.0, 3.5],
        "valid_prediction_time_limit": 4.75,
        "valid_to_the_end": 0,
        "valid_prediction_time_unit": "Lyapunov times",
        "nrmse": [0.0075, 0.5],
        "skill_vs_persistence": [0.99, 0.5],
    },
    "time": {"simulate": 12.0, "train": 34.0},
}


@pytest.fixture(scope="module")
def own_data(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stores that simulating the tiny experiment writes."""
    folder, settings = tmp_path_factory.mktemp("own"), config.simulation.model_dump()
    for name in ("train", "validation", "test"):
        generate(simulations.build(settings), recipe(config, name), folder / f"{name}.zarr", settings=settings)
    return folder


@pytest.fixture
def run(model: WorldModel, config: Config, own_data: Path, tmp_path: Path) -> Path:
    """A run folder with configuration, data and model."""
    folder = tmp_path / "run"
    save_model(folder, model, config, {"held_out_error": 0.5})
    (folder / "config.yaml").write_text(dump_config(config))
    shutil.copytree(own_data, folder / "data")
    return folder


@pytest.fixture
def file(config: Config, tmp_path: Path) -> Path:
    """The configuration alone."""
    path = tmp_path / "tiny.yaml"
    path.write_text(dump_config(config))
    return path


@pytest.fixture
def store(run: Path) -> Path:
    """Stored trajectories."""
    return run / "data" / "validation.zarr"


@pytest.fixture
def ds(store: Path) -> xr.Dataset:
    """Fields and forcing of stored trajectories, in memory."""
    return xr.open_zarr(store, consolidated=False)[["u", "action"]].compute()


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    """``refused(*words)``: the complaints of a command line that must end with status 2."""

    def ask(*words: object) -> list[str]:
        assert main([str(w) for w in words]) == 2
        output = capsys.readouterr()
        assert "Traceback" not in output.err
        lines = output.err.splitlines()
        assert lines
        assert all(line.startswith("sciwm: error: ") for line in lines)
        return [line.removeprefix("sciwm: error: ") for line in lines]

    return ask


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """``said(*words)``: the output of a command line that must succeed."""

    def ask(*words: object) -> str:
        assert main([str(w) for w in words]) == 0
        output = capsys.readouterr()
        assert output.err == ""
        return output.out

    return ask


def python(*words: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter in the repository."""
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=ROOT, check=False)


# Help -----------------------------------------------------------------------------------------


def test_importing_and_asking_for_help_import_nothing_heavy() -> None:
    code = """
import sys, sciwm
from sciwm.cli import main
try:
    main(["--help"])
except SystemExit as end:
    assert end.code == 0
heavy = {"torch", "xarray", "numpy", "pydantic", "zarr", "dask"} & set(sys.modules)
assert not heavy, heavy
assert callable(sciwm.load) and callable(sciwm.evaluate) and "torch" in sys.modules
"""
    done = python("-W", "error", "-c", code)
    assert done.returncode == 0, done.stderr
    assert "usage: sciwm" in done.stdout
    assert "sciwm demo --quick" in done.stdout


@pytest.mark.parametrize("command", sorted(PAGES))
def test_every_command_teaches_by_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert f"example:\n  sciwm {command} " in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("words", [[], ["trian", "runs/ks"], ["train"], ["run", "a.yaml"], ["rollout", "r", "i.nc"]])
def test_malformed_command_lines(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert "usage: sciwm" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["run", "--out", "o", "--set", "seed=1", "a.yaml"], "got 'a.yaml'; write CONFIG before --set"),
        (["run", "a.yaml", "--out", ""], "argument --out: expected a path, got ''"),
        (["rollout", "r", "i.nc", "--out", ""], "argument --out: expected a path, got ''"),
        (["run"], "usage: sciwm run [-h] CONFIG --out RUN"),
    ],
)
def test_malformed_arguments_are_explained(words: list[str], part: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What was swallowed or empty is named."""
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert part in capsys.readouterr().err


def test_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """For reports of faults."""
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"sciwm {__version__}\n"


def test_status_of_the_process(tmp_path: Path) -> None:
    """Through the real entry point: status, streams, and nothing made."""
    path = tmp_path / "bad.yaml"
    path.write_text("name: bad\ntrainin: {updates: 3e2}\n")
    done = python("-m", "sciwm", "simulate", str(path), "--out", str(tmp_path / "run"))
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert f"sciwm: error: {path}: trainin: expected a known key" in done.stderr
    assert "did you mean 'training'?" in done.stderr
    assert not (tmp_path / "run").exists()


# Configurations and data ----------------------------------------------------------------------


def test_simulate_makes_a_run_and_resumes_and_refuses_another(
    file: Path, tmp_path: Path, said: Callable[..., str], refused: Callable[..., list[str]]
) -> None:
    out = tmp_path / "new"
    small = ["data.train.simulations=2", "data.validation.simulations=2", "data.test.simulations=2", "data.warm_up=2"]
    assert f"next: sciwm train {out}" in said("simulate", file, "--out", out, "--set", *small)
    assert sorted(p.name for p in (out / "data").glob("*.zarr")) == ["test.zarr", "train.zarr", "validation.zarr"]
    before = (out / "config.yaml").read_bytes()
    said("simulate", file, "--out", out, "--set", *small)
    (line,) = refused("simulate", file, "--out", out, "--set", *small, "--set", "seed=5")
    assert str(out) in line
    assert "seed: there 0, asked 5" in line
    assert "choose another --out" in line
    assert (out / "config.yaml").read_bytes() == before
    assert "2 ok" in said("check", out)


def test_impossible_simulations_are_found_before_anything_is_made(
    file: Path, tmp_path: Path, refused: Callable[..., list[str]]
) -> None:
    (line,) = refused("run", file, "--out", tmp_path / "new", "--set", "simulation.jets.width=0.01")
    assert "at least one grid spacing wide" in line
    assert line.lower().count("expected") == line.count(", got ") == 1
    (line,) = refused("check", file.with_name("absent.yaml"))
    assert "No such file" in line
    lines = refused("simulate", file, "--out", tmp_path / "new", "--set", "seed=-1", "data.warm_up=x")
    assert len(lines) == 2
    assert not (tmp_path / "new").exists()


def test_a_target_that_no_law_holds_is_found_before_anything_is_made(
    file: Path, tmp_path: Path, refused: Callable[..., list[str]]
) -> None:
    """One jet at a node of a growing wave cannot hold the flow at rest; only the equation is needed to see that."""
    jets = ["simulation.jets.count=1", "planning.terminal=riccati"]
    (line,) = refused("simulate", file, "--out", tmp_path / "new", "--set", *jets)
    assert "control.target" in line
    assert "planning.terminal = none" in line
    (line,) = refused("simulate", file, "--out", tmp_path / "new", "--set", "control.target=[0,1]")
    assert "one value for each of u" in line
    (line,) = refused("simulate", file, "--out", tmp_path / "new", "--set", jets[1], "simulation.jets.width=1e9")
    assert "got a mode that grows by" in line
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("actuators", "told"),
    [
        (["simulation.jets.count=1"], "shifts: expected actuators that it maps to each other"),
        (["simulation.jets=null", "simulation.boxes={intervals: [[0, 2]], impulsive: true}"], "got unknown ones"),
    ],
)
def test_symmetries_that_actuators_lack_are_found_before_anything_is_made(
    file: Path, tmp_path: Path, refused: Callable[..., list[str]], actuators: list[str], told: str
) -> None:
    (line,) = refused("run", file, "--out", tmp_path / "new", "--set", "training.augmentation=[shifts]", *actuators)
    assert line.startswith("training.augmentation")
    assert told in line
    assert not (tmp_path / "new").exists()


def test_unknown_parameter_of_an_equation(file: Path, refused: Callable[..., list[str]], tmp_path: Path) -> None:
    (line,) = refused("simulate", file, "--out", tmp_path / "new", "--set", "simulation.parameters.viscosty=1")
    assert "viscosty" in line


@pytest.mark.parametrize("command", ["train", "evaluate", "control", "report"])
def test_stages_need_a_run(command: str, tmp_path: Path, refused: Callable[..., list[str]]) -> None:
    (line,) = refused(command, tmp_path / "none")
    assert "expected a run folder with config.yaml, got none; begin with 'sciwm simulate CONFIG --out RUN'" in line
    assert not (tmp_path / "none").exists()


def test_training_on_a_damaged_store(run: Path, refused: Callable[..., list[str]]) -> None:
    (run / "data" / "train.zarr" / "zarr.json").unlink()
    (line,) = refused("train", run)
    assert "train.zarr/zarr.json: expected what was written, by the sha256 in" in line
    assert "got nothing there; give 'sciwm simulate CONFIG --out RUN' again" in line


def test_a_forecast_of_a_damaged_chunk(
    run: Path, store: Path, tmp_path: Path, refused: Callable[..., list[str]]
) -> None:
    """Whatever the decompressor says of it."""
    chunk = next(p for p in sorted((store / "u" / "c").rglob("*")) if p.is_file())
    chunk.write_bytes(chunk.read_bytes()[:40])
    (line,) = refused("rollout", run, store, "--out", tmp_path / "forecast.nc")
    assert line.startswith(f"{store}: expected readable values, got ")
    assert not (tmp_path / "forecast.nc").exists()


# Check and info -------------------------------------------------------------------------------


def test_check_of_what_is_sound(run: Path, file: Path, store: Path, said: Callable[..., str]) -> None:
    assert "the configuration of 'tiny'" in said("check", file)
    assert "8 ok, as they were written" in said("check", store)
    assert "suits the model" in said("check", store, "--run", run)
    lines = said("check", run).splitlines()
    assert len(lines) == 7
    assert f"{run / 'data'}: 3 stores made from the settings of config.yaml" in lines


def test_check_of_damage(run: Path, store: Path, refused: Callable[..., list[str]]) -> None:
    """A truncated chunk, an exchanged value and a flipped bit of the weights, all told at once."""
    chunk = next(p for p in sorted((store / "u" / "c" / "5").rglob("*")) if p.is_file())
    chunk.write_bytes(chunk.read_bytes()[:-7])
    other = run / "data" / "train.zarr" / "energy" / "c"
    shutil.copy(other / "1" / "0", other / "2" / "0")
    weights = run / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-3] ^= 16
    weights.write_bytes(content)
    lines = refused("check", run)
    assert len(lines) == 3
    for part in ("validation.zarr: expected the values", "others in simulations [5]", "others in simulations [2]"):
        assert any(part in line for line in lines)
    assert any("model.safetensors: expected sha256" in line for line in lines)


def test_check_of_what_was_lost(
    run: Path, store: Path, said: Callable[..., str], refused: Callable[..., list[str]]
) -> None:
    """Markers, an array, results cut short, broken numbers; and a run of which nothing was made."""
    store.with_suffix(".done").joinpath("3.json").unlink()
    assert "8 ok, 1 of them unverified" in said("check", store)
    (run / "report").mkdir()
    (run / "report" / "metrics.json").write_text('{"rollout": ')
    (run / "controlled.nc").write_bytes(b"\x89HDF\r\n\x1a\n")
    shutil.rmtree(store / "status")
    lines = refused("check", run)
    for part in (
        "controlled.nc: expected a readable netCDF file",
        "validation.zarr/status/zarr.json: expected what was written",
        "metrics.json: expected a readable file in JSON",
    ):
        assert any(part in line for line in lines), lines
    assert "the variable 'status', got none" in refused("info", store)[0]
    assert "delete it and write it anew with 'sciwm evaluate" in refused("report", run)[0]
    (run / "model.json").unlink()
    shutil.rmtree(run / "data")
    assert any("the description of the weights beside it, got nothing" in line for line in refused("check", run))
    (run / "model.safetensors").unlink()
    assert any("expected data or a trained model, got neither" in line for line in refused("check", run))


def test_check_of_fields_without_forcing(run: Path, ds: xr.Dataset, tmp_path: Path, said: Callable[..., str]) -> None:
    """Fields can be encoded, but not rolled out."""
    ds[["u"]].to_netcdf(tmp_path / "fields.nc")
    assert "fields suit the model" in said("check", tmp_path / "fields.nc", "--run", run)
    assert "holds no forcing for a rollout" in said("check", tmp_path / "fields.nc", "--run", run)


def test_incomplete_description_of_a_model(run: Path, refused: Callable[..., list[str]]) -> None:
    """A model.json without a part of its domain."""
    description = json.loads((run / "model.json").read_text())
    del description["domain"]["variables"]
    (run / "model.json").write_text(json.dumps(description))
    assert "expected the content that was written, by its sha256, got another" in refused("info", run)[0]


def test_check_of_a_netcdf_file(
    run: Path, ds: xr.Dataset, tmp_path: Path, said: Callable[..., str], refused: Callable[..., list[str]]
) -> None:
    path = tmp_path / "mine.nc"
    ds.to_netcdf(path)
    assert "suits the model" in said("check", path, "--run", run)
    assert "add --run RUN" in refused("check", path)[0]
    bad = ds.assign_coords(x=ds["x"] * 2).assign(action=10 * ds["action"])
    bad["u"].attrs["units"] = "m s-1"
    bad.to_netcdf(path)
    lines = refused("check", path, "--run", run)
    assert len(lines) == 3
    for part in ("units '1', got 'm s-1'", "a period of 22", "actions of 'jet_"):
        assert any(part in line for line in lines)


def test_check_of_what_is_nothing(tmp_path: Path, run: Path, refused: Callable[..., list[str]]) -> None:
    assert "nothing there" in refused("check", tmp_path / "none.zarr")[0]
    assert "nothing there" in refused("check", tmp_path / "none.nc", "--run", run)[0]
    (tmp_path / "empty").mkdir()
    assert "got a folder without config.yaml" in refused("check", tmp_path / "empty")[0]
    assert "nothing there" in refused("check", tmp_path / "none")[0]
    assert "nothing there" in refused("check", run, "--run", tmp_path / "none")[0]


def test_info_needs_no_weights(
    run: Path, store: Path, said: Callable[..., str], refused: Callable[..., list[str]]
) -> None:
    (run / "model.safetensors").unlink()
    text = said("info", run)
    for part in ("the trained model 'tiny'", "u (velocity) [1]", "period 22", "jet_3", "13 numbers", "train.zarr"):
        assert part in text
    text = said("info", store)
    for part in ("8 ok", "20 intervals of 0.25", "energy, mass"):
        assert part in text
    (run / "model.json").unlink()
    assert "not trained yet" in said("info", run)
    assert "expected a run folder, a Zarr store or a netCDF file" in refused("info", run.parent)[0]


@pytest.mark.parametrize("name", ["store", "flow.nc", "2000-01-24_12:00:00"])
@pytest.mark.parametrize("write", ["to_zarr", "to_netcdf"])
def test_check_is_content_with_what_rollout_is_content_with(
    name: str, write: str, run: Path, ds: xr.Dataset, tmp_path: Path, said: Callable[..., str]
) -> None:
    """A dataset of others has no bounds of actions, no status and no simulations, whatever it is called."""
    path = tmp_path / name
    flow = ds.isel(simulation=0, drop=True)
    getattr(flow, write)(path, **({"consolidated": False} if write == "to_zarr" else {}))
    assert said("check", path, "--run", run) == f"{path}: suits the model of {run}\n"
    assert "made the folder" in said("rollout", run, path, "--out", tmp_path / "new" / "forecast.nc")
    table = said("info", path)
    for part in ("of another program", "(time, x) velocity [1]", "simulation" if "simulation" in flow.dims else "time"):
        assert part in table


def test_check_of_a_file_whose_later_instants_are_empty(
    run: Path, ds: xr.Dataset, tmp_path: Path, said: Callable[..., str]
) -> None:
    """A forecast begins at the first instant; what comes after is told."""
    ds.assign(u=ds["u"].where(ds["time"] == 0)).to_netcdf(tmp_path / "start.nc")
    text = said("check", tmp_path / "start.nc", "--run", run)
    assert "suits the model" in text
    assert "after the first instant: expected finite values, got" in text


def test_check_converts_units_as_rollout_does_and_names_the_file(
    run: Path, ds: xr.Dataset, tmp_path: Path, said: Callable[..., str], refused: Callable[..., list[str]]
) -> None:
    percent = ds.assign(u=(100 * ds["u"]).assign_attrs(units="%"))
    percent.to_netcdf(tmp_path / "percent.nc")
    assert said("check", tmp_path / "percent.nc", "--run", run) == f"{tmp_path}/percent.nc: suits the model of {run}\n"
    percent.isel(actuator=[0]).to_netcdf(tmp_path / "one.nc")
    (line,) = refused("check", tmp_path / "one.nc", "--run", run)
    assert line.startswith(f"{tmp_path}/one.nc: forcing: expected 4 actuators")


def test_names_and_units_do_not_steer_the_terminal(
    run: Path, ds: xr.Dataset, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """In errors, tables and names of files."""
    path = tmp_path / "red\x1b[31m.nc"
    ds["u"].attrs |= {"units": "\x1b[31mm/s", "long_name": "flow\x1b]0;mine\x07"}
    ds.to_netcdf(path)
    assert main(["check", str(path), "--run", str(run)]) == 2
    assert main(["info", str(path)]) == 0
    with pytest.raises(SystemExit):
        main(["info", "a", "\x1b[31m"])
    out, err = capfd.readouterr()
    assert "\x1b" not in out + err
    assert "\x07" not in out + err
    assert r"units '1', got '\x1b[31mm/s'" in err
    assert r"flow\x1b]0;mine\x07" in out


def test_check_of_a_run_misses_what_is_gone(run: Path, refused: Callable[..., list[str]]) -> None:
    """The description beside weights, data, the configuration, and a file in the place of a folder."""
    weights, config = (run / "model.json").read_bytes(), (run / "config.yaml").read_bytes()
    (run / "model.json").unlink()
    assert f"{run}/model.json: expected the description of the weights beside it" in refused("check", run)[0]
    (run / "model.json").write_bytes(weights)
    (run / "config.yaml").unlink()
    assert f"{run}/config.yaml: expected the configuration of this run, got nothing there" in refused("check", run)[0]
    (run / "config.yaml").write_bytes(b"")
    (line,) = refused("check", run)
    assert "expected a mapping of sections, got an empty file" in line
    (run / "config.yaml").write_bytes(config)
    (run / "report").write_text("mine")
    shutil.rmtree(run / "data" / "train.zarr")
    lines = refused("check", run)
    assert f"{run}/report: expected a folder, got a file; move it away" in lines[0]
    assert f"{run}/data/train.zarr: expected the data that the run was made with, got nothing there" in lines[1]


def test_check_of_a_damaged_training(run: Path, refused: Callable[..., list[str]]) -> None:
    """A state cut short, by this version and by older ones, and a history with half a line."""
    (run / "train_state.json").write_text('{"phase": ')
    (run / "metrics.jsonl").write_text('{"phase": 0, "update": 4}\n{"phase": 0, "upd')
    lines = refused("check", run)
    assert any(line.startswith(f"{run}/train_state.json: ") for line in lines)
    assert any(line.startswith(f"{run}/metrics.jsonl") for line in lines)
    (run / "train_state.json").unlink()
    (run / "metrics.jsonl").unlink()
    (run / "train_state.pt").write_bytes(b"PK\x03\x04" + bytes(100))
    (line,) = refused("check", run)
    assert line.startswith(f"{run}/train_state.pt: expected the state of a training, got damage")


def test_info_of_a_damaged_run(run: Path, refused: Callable[..., list[str]]) -> None:
    """Weights cut short, and a configuration that cannot be read, are no table with status 0."""
    weights = (run / "model.safetensors").read_bytes()
    (run / "model.safetensors").write_bytes(weights[:-9])
    assert f"{run}/model.safetensors: expected sha256" in refused("info", run)[0]
    (run / "model.safetensors").write_bytes(weights)
    (run / "config.yaml").write_bytes(b"\x00\xff")
    assert f"{run}/config.yaml: expected a YAML file" in refused("info", run)[0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: d["axes"][0].update(num_points=-1), "num_points of x from 1 to"),
        (lambda d: d["axes"][0].update(num_points=10**15), "num_points of x from 1 to"),
        (lambda d: d.update(control_interval="x"), "control_interval as a positive number, got 'x'"),
        (lambda d: d["variables"][0].update(units=5), "units of variables as text"),
    ],
)
def test_impossible_values_in_a_description(
    change: Callable[[dict[str, Any]], None], told: str, model: WorldModel
) -> None:
    """Sealed by whoever wrote them, so that no digest finds them."""
    plain = json.loads(json.dumps(model.domain.to_json()))
    change(plain)
    with pytest.raises(ValueError, match=re.escape(told)):
        Domain.from_json(plain)


def test_weights_that_are_no_numbers_are_refused(
    run: Path, model: WorldModel, config: Config, refused: Callable[..., list[str]]
) -> None:
    """Written with a digest that is right: no command computes with them."""
    with torch.no_grad():
        next(iter(model.parameters())).fill_(torch.nan)
    save_model(run, model, config, {"held_out_error": 0.5})
    assert "model.safetensors: expected weights that are finite numbers" in refused("control", run)[0]


def test_tables_outside_of_a_checkout_are_one_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Callable[..., list[str]]
) -> None:
    monkeypatch.chdir(tmp_path)
    (line,) = refused("benchmark", "table")
    assert "README.md" in line
    assert "work in the root of a checkout" in line


# Rollout --------------------------------------------------------------------------------------


def test_rollout_writes_what_the_surrogate_forecasts(
    run: Path, store: Path, ds: xr.Dataset, tmp_path: Path, said: Callable[..., str]
) -> None:
    inputs = tmp_path / "in.nc"
    ds.rename(action="forcing").transpose("x", "actuator", "time", "simulation").to_netcdf(inputs)
    expected = sciwm.load(run).rollout(ds.isel(time=12), ds["action"].isel(time=slice(12, None)))
    for source in (inputs, store):
        out = tmp_path / "deep" / "forecast.nc"
        assert "u, energy, mass at 9 instants" in said("rollout", run, source, "--out", out, "--start", 12)
        with xr.open_dataset(out, decode_times=False) as forecast:
            xr.testing.assert_allclose(forecast.load(), expected.transpose(*forecast.sizes), atol=1e-4)
            assert forecast.attrs["Conventions"] == "CF-1.11"
            assert json.loads(forecast.attrs["sciwm_config"])["name"] == "tiny"
        assert [p.name for p in out.parent.iterdir()] == ["forecast.nc"]


@pytest.mark.parametrize(
    ("change", "words", "parts"),
    [
        (lambda d: d.drop_vars("u"), [], ["the variable 'u' [1], got action"]),
        (lambda d: d.drop_vars("action"), [], ["a variable 'forcing' or 'action' over (time, actuator), got u"]),
        (lambda d: d.rename(x="y"), [], ["the dimension 'x'"]),
        (lambda d: d.assign_coords(x=d.x**1.1), [], ["equispaced"]),
        (lambda d: d.isel(actuator=[0, 1]), [], ["expected 4 actuators (jet_0, jet_1, jet_2, jet_3), got 2"]),
        (lambda d: d, ["--start", "99"], ["in.nc: expected an index from 0 to 20, got 99"]),
        (lambda d: d, ["--start", "20"], ["at least one interval"]),
        (
            lambda d: d.assign(action=d.action * 9).assign_coords(x=d.x * 3),
            [],
            ["a period of 22 [1], got 66", "actions of 'jet_"],
        ),
        (
            lambda d: d.assign(u=d.u.where(d.x != 0)),
            [],
            ["finite values, got 8 that are not, the first at"],
        ),
    ],
)
def test_rollout_of_bad_input_writes_nothing(
    change: Callable[[xr.Dataset], xr.Dataset],
    words: list[str],
    parts: list[str],
    run: Path,
    ds: xr.Dataset,
    tmp_path: Path,
    refused: Callable[..., list[str]],
) -> None:
    change(ds).to_netcdf(tmp_path / "in.nc")
    lines = refused("rollout", run, tmp_path / "in.nc", "--out", tmp_path / "out" / "forecast.nc", *words)
    assert len(lines) == len(parts), lines
    assert all(part in line for part, line in zip(parts, lines, strict=True)), lines
    assert not (tmp_path / "out").exists()


def test_rollout_of_what_is_no_dataset(
    run: Path, file: Path, tmp_path: Path, refused: Callable[..., list[str]]
) -> None:
    out = tmp_path / "forecast.nc"
    assert "a Zarr store, got nothing there" in refused("rollout", run, tmp_path / "no.nc", "--out", out)[0]
    assert "got a text file in YAML; name the file with the fields" in refused("rollout", run, file, "--out", out)[0]
    assert "expected a trained model" in refused("rollout", tmp_path, file, "--out", out)[0]
    assert not out.exists()


def test_rollout_that_cannot_be_written(run: Path, store: Path, refused: Callable[..., list[str]]) -> None:
    """The output folder would have to be made inside a file."""
    assert "model.json" in refused("rollout", run, store, "--out", run / "model.json" / "forecast.nc")[0]


def test_rollout_writes_over_nothing_of_the_run(
    run: Path, ds: xr.Dataset, tmp_path: Path, refused: Callable[..., list[str]]
) -> None:
    """Not over its input, the model, results, folders and devices."""
    source = tmp_path / "in.nc"
    ds.to_netcdf(source)
    before = source.read_bytes(), (run / "model.json").read_bytes()
    for out, got in (
        (run.parent / "run" / ".." / "in.nc", "got INPUT itself"),
        (run / "model.json", "got a file of the run"),
        (run / "controlled.nc", "got a file of the run"),
        (run / "data", "got a folder"),
        (source / "forecast.nc", "got INPUT itself"),
        (Path("/dev/null"), "got a device"),
    ):
        (line,) = refused("rollout", run, source, "--out", out)
        assert got in line
        assert line.endswith("choose another --out")
    assert before == (source.read_bytes(), (run / "model.json").read_bytes())
    assert not (run / "controlled.nc").exists()


def test_rollout_to_no_place_is_told(
    run: Path, store: Path, tmp_path: Path, refused: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Links in a circle, and addresses on the network, which would become folders here."""
    monkeypatch.chdir(tmp_path)
    Path("circle.nc").symlink_to("circle.nc")
    assert "expected a path that can be looked at" in refused("rollout", run, store, "--out", "circle.nc")[0]
    assert "got an address on the network" in refused("rollout", run, store, "--out", "https://example.org/f.nc")[0]
    assert not Path("https:").exists()


def test_run_folder_is_no_input(run: Path, tmp_path: Path, refused: Callable[..., list[str]]) -> None:
    """Its stores are."""
    (line,) = refused("rollout", run, run, "--out", tmp_path / "forecast.nc")
    assert f"got a run folder; name one of its stores, {run}/data/test.zarr" in line


# Stages, tables and interruptions -------------------------------------------------------------


def pretend_to_run(config: Config, run: Path, tell: Callable[[str], None] = print) -> Path:
    """Leaves the numbers of a whole run."""
    (run / "report").mkdir(parents=True)
    (run / "report" / "metrics.json").write_text(json.dumps(METRICS))
    return run / "report" / "index.html"


def test_run_ends_with_the_numbers(
    file: Path, tmp_path: Path, said: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "run_all", pretend_to_run)
    text = said("run", file, "--out", tmp_path / "new")
    assert text.endswith(f"report: {tmp_path / 'new' / 'report' / 'index.html'}\n")
    assert "The report judges a part by its hardest case" in text
    rows = [line.split() for line in text.splitlines()]
    (world_model,) = (row for row in rows if row[:2] == ["world", "model"])
    assert "0.250" in world_model
    assert "0.0625" in world_model
    (nothing,) = (row for row in rows if row[:2] == ["no", "control"])
    assert nothing[2] == "1.50"
    assert "-" in nothing, "nothing is decided without control"
    for part in (
        "90.9 % of that by gradients through the true solver",
        "3.25 Lyapunov times, tested to 4.75",
        "simulate 12 s, train 34 s",
    ):
        assert part in text


@pytest.mark.parametrize(("words", "name"), [([], "ks_control"), (["--quick"], "ks_control_quick")])
def test_demo_runs_the_shipped_configuration(
    words: list[str], name: str, tmp_path: Path, said: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Config, Path]] = []

    def remember(config: Config, run: Path, tell: Callable[[str], None]) -> Path:
        asked.append((config, run))
        return pretend_to_run(config, run)

    monkeypatch.setattr(stages, "run_all", remember)
    monkeypatch.chdir(tmp_path)
    said("demo", *words)
    assert [(config.name, run) for config, run in asked] == [(name, Path("runs/demo"))]
    assert torch.get_num_threads() == asked[0][0].training.threads


def test_stages_print_their_part(run: Path, said: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "evaluate", lambda folder, parts: {"rollout": METRICS["rollout"]})
    monkeypatch.setattr(stages, "control", lambda folder: {"control": METRICS["control"]})
    monkeypatch.setattr(stages, "report", lambda folder: folder / "report" / "index.html")
    monkeypatch.setattr(stages, "train", lambda folder: None)
    assert "Lyapunov" in said("evaluate", run)
    assert "world model" in said("control", run)
    assert str(run / "report" / "index.html") in said("report", run)
    assert f"next: sciwm evaluate {run}" in said("train", run)


def test_unholdable_target_is_an_error_and_no_traceback(
    run: Path, config: Config, refused: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One jet cannot reach the growing waves that have a node there."""
    settings = config.simulation.model_dump() | {"jets": {"count": 1, "width": 0.8, "limit": 1.0}}
    planning = config.planning.model_copy(update={"terminal": "riccati"})
    monkeypatch.setattr(stages, "control", lambda run: build_planner(planning, build(settings), torch.zeros(1, 32)))
    (line,) = refused("control", run)
    assert "whatever they do" in line
    assert "planning.terminal = none" in line


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "expected space on the disk, got none left; free some"),
        (PermissionError(errno.EACCES, "Permission denied", "a.nc"), "a.nc: expected permission, got none; change"),
        (OSError(errno.EFBIG, "File too large"), "a file no larger than is allowed here, got a larger one; raise"),
        (OSError(errno.EIO, "Input/output error"), "expected a disk that works, got an error of the device"),
        (
            OSError(errno.EXDEV, "Invalid cross-device link"),
            "file system: expected a path that can be used, got Invalid",
        ),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "a.nc"), "a.nc: expected a file, got a folder"),
        (RuntimeError("NetCDF: HDF error"), "netCDF: expected a file that can be written, got NetCDF: HDF error"),
        (MemoryError("Unable to allocate 14.9 GiB"), "memory: expected enough for what was asked, got Unable to all"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "asked, got you tried; lower numbers"),
    ],
)
def test_file_systems_refuse_in_the_same_words(
    error: Exception, part: str, run: Path, refused: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was expected, what was got, and what to do."""

    def fail(folder: Path) -> None:
        raise error

    monkeypatch.setattr(stages, "train", fail)
    assert part in refused("train", run)[0]


def test_interruption_says_how_to_go_on(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(folder: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(stages, "train", interrupt)
    assert main(["train", str(run)]) == 130
    assert capsys.readouterr().err == "sciwm: interrupted; give the same command again to continue\n"


def test_mistakes_in_the_code_keep_their_traceback(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "train", lambda folder: np.zeros(3).reshape(2, 2))
    with pytest.raises(ValueError, match="reshape"):
        main(["train", str(run)])
