"""The main job from end to end: tiny with on-policy rounds, and the quick demo as a newcomer runs it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from filelock import FileLock
from quick_demo import QuickDemo

from sciwm.benchmarks import BENCHMARKS, demo
from sciwm.cli.check import check
from sciwm.config import Config, shipped_config
from sciwm.errors import InputError
from sciwm.experiment import stages
from sciwm.experiment.run import Run

TRAINING = {
    "updates": 12,
    "updates_per_epoch": 4,
    "batch_size": 16,
    "on_policy": {"rounds": 1, "episodes": 2, "intervals": 8, "updates": 4},
}


@pytest.fixture(scope="module")
def tiny_run(make_config: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished tiny run with one on-policy round."""
    run = tmp_path_factory.mktemp("run")
    page = stages.run_all(make_config(training=TRAINING), run)
    assert page.read_text().startswith("<!doctype html>") or "<html" in page.read_text()
    return run


def test_run_folder_holds_everything(tiny_run: Path) -> None:
    """Data, model, metrics, NetCDF files and numbers are where people look for them."""
    metrics = json.loads((tiny_run / "report" / "metrics.json").read_text())
    assert {"time", "rollout", "latent", "control"} <= metrics.keys()
    assert metrics["latent"]["size"] == 13
    assert len(metrics["rollout"]["nrmse"]) == len(metrics["rollout"]["skill_vs_persistence"]) == 20
    assert set(metrics["control"]["mean_square_final"]) == {"none", "world_model", "oracle_cem", "adjoint"}
    assert set(metrics["control"]["seconds_per_decision"]) == {"world_model", "oracle_cem", "adjoint"}
    assert {"simulate", "train", "train_1", "on_policy_1", "evaluate", "control", "report"} <= metrics["time"].keys()
    history = [json.loads(line) for line in (tiny_run / "metrics.jsonl").read_text().splitlines()]
    assert [h["phase"] for h in history] == [0, 0, 0, 1]
    for name in ("controlled.nc", "evaluation/rollouts.nc"):
        with xr.open_dataset(tiny_run / name) as dataset:
            assert all("units" in v.attrs for v in dataset.data_vars.values()), name
            assert json.loads(dataset.attrs["sciwm_config"])["name"] == "tiny"


def test_on_policy_round_is_kept_as_data(tiny_run: Path) -> None:
    """What the planner did in the true simulation has the schema of every other store."""
    with xr.open_zarr(tiny_run / "data" / "on_policy_1.zarr", consolidated=False) as store:
        assert store.sizes["simulation"] == 2
        assert (store["status"] == 1).all()
        assert float(abs(store["action"]).max()) > 0


def test_finished_run_goes_through_again_unchanged(tiny_run: Path, make_config: Callable[..., Config]) -> None:
    """Running a finished stage again redoes nothing that is there and changes no byte of the model."""
    before = (tiny_run / "model.safetensors").read_bytes()
    stages.train(tiny_run)
    assert (tiny_run / "model.safetensors").read_bytes() == before


def test_folder_of_another_experiment_is_refused(tiny_run: Path, make_config: Callable[..., Config]) -> None:
    """A run folder belongs to one configuration of data and model; the refusal names what differs."""
    before = (tiny_run / "config.yaml").read_bytes()
    with pytest.raises(InputError, match=r"training\.updates: there 12, asked 13"):
        stages.simulate(make_config(training=TRAINING | {"updates": 13}), tiny_run)
    assert (tiny_run / "config.yaml").read_bytes() == before


def test_names_are_looked_up_before_anything_is_simulated(make_config: Callable[..., Config], tmp_path: Path) -> None:
    """And until something is trained, the model may be another one on the same data."""
    small: dict[str, Any] = {k: {"simulations": 2, "intervals": 20} for k in ("train", "validation", "test")}
    small["warm_up"] = 2
    run = tmp_path / "run"
    with pytest.raises(InputError, match=r"model\.conserved: expected variables of the data, u, got v") as refused:
        model = {"conserved": ["v"], "predictor": {"steady_forcing": ["z"]}}
        stages.simulate(make_config(data=small, model=model), run)
    assert len(refused.value.problems) == 2
    assert not (run / "data").exists()
    stages.simulate(make_config(data=small, model={"conserved": ["u"]}), run)
    before = {p: p.stat().st_mtime_ns for p in (run / "data").rglob("*") if p.is_file()}
    stages.simulate(make_config(data=small), run)
    assert {p: p.stat().st_mtime_ns for p in (run / "data").rglob("*") if p.is_file()} == before
    assert Run(run).config().model.conserved == ()
    with pytest.raises(InputError, match=r"data\.warm_up: there 2, asked 3"):
        stages.simulate(make_config(data=small | {"warm_up": 3}), run)


def test_planning_may_change_in_a_finished_run(tiny_run: Path, make_config: Callable[..., Config]) -> None:
    """What neither data nor weights depend on is taken over without simulating or training again."""
    before = (tiny_run / "model.safetensors").read_bytes()
    planning = {"horizon": 3, "planner": {"iterations": 1}, "terminal": "none"}
    stages.simulate(make_config(training=TRAINING, planning=planning), tiny_run)
    stages.train(tiny_run)
    assert (tiny_run / "model.safetensors").read_bytes() == before
    assert Run(tiny_run).config().planning.horizon == 3


def test_folder_with_other_things_is_left_alone(config: Config, tmp_path: Path) -> None:
    """Somebody else's folder is not claimed."""
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(InputError, match=r"a folder with thesis\.tex and no config\.yaml"):
        stages.simulate(config, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir() if p.name != ".lock") == ["thesis.tex"]


def test_model_of_another_configuration_is_not_reported_as_this_one(tiny_run: Path, tmp_path: Path) -> None:
    """An edited config.yaml does not make an old model a new experiment."""
    run = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    text = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(text.replace("latent_modes: 6", "latent_modes: 5"))
    for again in (stages.evaluate, stages.train, stages.report):
        with pytest.raises(InputError, match=r"configuration|config\.yaml says"):
            again(run)
    with pytest.raises(InputError, match=r"model\.latent_modes: there 6, asked 5"):
        check(run)


def test_damaged_or_incomplete_data_is_not_learned_from(tiny_run: Path, tmp_path: Path) -> None:
    """A flipped bit in a training simulation, or a missing one, stops the training before it begins."""
    run = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    chunk = next(p for p in sorted((run / "data" / "train.zarr" / "u" / "c").rglob("*")) if p.is_file())
    content = bytearray(chunk.read_bytes())
    content[len(content) // 2] ^= 1
    chunk.write_bytes(content)
    with pytest.raises(InputError, match=r"others in simulations \[0\]; give 'sciwm simulate"):
        stages.train(run)
    (run / "data" / "validation.done" / "3.json").unlink()
    with pytest.raises(InputError, match="1 still to be simulated"):
        stages.train(run)


def test_a_set_that_blew_up_whole_is_told(make_config: Callable[..., Config], tmp_path: Path) -> None:
    """A step that no solver survives ends the simulation stage with what to change."""
    wild = {"num_points": 32, "control_interval": 400.0, "jets": {"count": 4, "width": 0.8, "limit": 1e5}}
    simulation = make_config().simulation.model_dump() | wild
    with pytest.raises(
        InputError, match=r"that did not \(kuramoto_sivashinsky: .*\); raise simulation.*data.amplitude"
    ):
        stages.simulate(make_config(simulation=simulation), tmp_path / "run")


def test_quick_demo(quick_demo: QuickDemo) -> None:
    """One command: chaos is learned and brought to rest, and the page with every number is there."""
    assert quick_demo.returncode == 0, quick_demo.stderr
    assert "index.html" in quick_demo.stdout
    assert quick_demo.stderr == "", "a pipe is not a terminal: no progress bars, no warnings"
    metrics = json.loads((quick_demo.run / "report" / "metrics.json").read_text())
    control = metrics["control"]
    assert control["mean_square_first_40"]["none"] > 1.0
    assert control["mean_square_first_40"]["world_model"] < 0.1
    assert control["mean_square_final"]["world_model"] < 1e-4
    assert control["relative_reduction"] > 0.95
    assert metrics["rollout"]["skill_vs_persistence"][0] > 0.9


def test_the_demo_is_measured_once_for_each_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there for a seed is kept; under another configuration all are run again."""
    ran = []

    def run_all(config: Config, run: Path) -> None:
        ran.append((config.seed, config.planning.horizon))
        same = dict.fromkeys(("none", "world_model", "adjoint"), 1.0)
        control = {"mean_square_first_40": same, "mean_square_final": same, "seconds_per_decision": {}}
        metrics = {"control": control, "rollout": {"valid_prediction_time": 1.0}, "time": {"train": float(len(ran))}}
        Run(run).add_metrics(metrics)

    monkeypatch.setattr(stages, "run_all", run_all)
    first = demo.run(True, tmp_path / "demo", (0, 1))
    assert demo.run(True, tmp_path / "demo", (0, 1)) == first and len(ran) == 2
    other = tmp_path / "other.yaml"
    other.write_text(shipped_config("ks_control_quick.yaml").read_text().replace("horizon: 8", "horizon: 9"))
    monkeypatch.setattr(demo, "shipped_config", lambda _: other)
    assert demo.run(True, tmp_path / "demo", (0, 1)) != first
    assert ran == [(0, 8), (1, 8), (0, 9), (1, 9)]


def test_every_benchmark_has_a_table() -> None:
    """Benchmarks are listed with the columns that show them."""
    for benchmark in BENCHMARKS.values():
        titles = [c.title for c in benchmark.columns()]
        assert len(titles) == len(set(titles)) > 1


def test_one_command_at_a_time(tiny_run: Path) -> None:
    """A second command in a busy run folder is refused and changes nothing; afterwards the folder is free."""
    metrics = (tiny_run / "report" / "metrics.json").read_bytes()
    with FileLock(tiny_run / ".lock"), pytest.raises(InputError, match="another sciwm command running"):
        stages.evaluate(tiny_run)
    assert (tiny_run / "report" / "metrics.json").read_bytes() == metrics
    stages.evaluate(tiny_run)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("report/metrics.json", '{"time": 3}', r"metrics\.json: time: .* got 3 "),
        ("report/metrics.json", '{"time": {"train": true}}', r"metrics\.json: time\.train: .* got true "),
        ("report/metrics.json", '{"rollout": {"nrmse": [1, "2"]}}', r"rollout\.nrmse\.1: .* got \"2\" "),
        ("report/metrics.json", '{"scores": [{"meaning": "rmse"}]}', r"scores\.0\.value: .*field required"),
        ("report/metrics.json", '{"control": {"mean_square_first_2": 1}}', r"control\.mean_square_first_2: .* got 1 "),
        ("report/metrics.json", '{"left_out": {"scroes": "why"}}', r"left_out\.scroes: .* no part of the evaluation"),
        ("report/metrics.json", "[" * 100_000, "nested without end"),
        ("report/metrics.json", "", r"metrics\.json: expected a readable file"),
        ("metrics.jsonl", "{}", r"metrics\.jsonl: line 1: .* got no 'phase'"),
        ("metrics.jsonl", '{"phase": 0, "update": 4}\n{"phase": 0, "update": -5}', r"line 2: .* update: -5 "),
        ("metrics.jsonl", '{"phase": 0, "update": 4, "train.rollout": "1"}', r"line 1: .* train\.rollout: \"1\" "),
        ("metrics.jsonl", '{"phase": false, "update": 4}', r"line 1: .* phase: false "),
        ("metrics.jsonl", "[4]", r"line 1: .* not a mapping but list"),
        ("metrics.jsonl", "", r"metrics\.jsonl: .* got an empty file"),
    ],
)
def test_numbers_of_another_kind_are_told(name: str, text: str, told: str, tiny_run: Path, tmp_path: Path) -> None:
    """With the file and the place in it, also where no digest tells that they were changed."""
    run = Path(shutil.copytree(tiny_run, tmp_path / "run", ignore=shutil.ignore_patterns("*.zarr", "*.done")))
    (run / "seals.json").unlink()
    (run / name).write_text(text)
    with pytest.raises(InputError, match=told):
        stages.report(run)
