"""The main job from end to end: tiny with on-policy rounds, and the quick demo as a newcomer runs it."""

import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
import yaml
from filelock import FileLock
from made_once import QuickDemo

from sciwm.benchmarks import BENCHMARKS, demo
from sciwm.benchmarks.robustness.subject import SETTINGS
from sciwm.cli.check import check
from sciwm.config import Config, parse_config, shipped_config
from sciwm.errors import InputError
from sciwm.experiment import stages
from sciwm.experiment.run import Run
from sciwm.model import load_model, read_description, save_model


def experiment(**sections: dict[str, Any]) -> Config:
    """That of the finished run, whole sections merged in."""
    tree = yaml.safe_load(SETTINGS)
    return parse_config(tree | {name: tree[name] | section for name, section in sections.items()}, where="test")


@pytest.fixture(scope="module")
def tiny_run(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished tiny run with one on-policy round, which goes on as it is."""
    return Path(shutil.copytree(finished_run, tmp_path_factory.mktemp("tiny") / "run"))


@pytest.fixture
def run(tiny_run: Path, tmp_path: Path) -> Path:
    """A copy of the finished run to spoil."""
    return Path(shutil.copytree(tiny_run, tmp_path / "run", ignore=shutil.ignore_patterns("figures")))


def test_run_folder_holds_everything(tiny_run: Path) -> None:
    """Data, model, metrics, NetCDF files, numbers and the page are where people look for them."""
    assert (tiny_run / "report" / "index.html").read_text().lower().startswith("<!doctype html>")
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


def test_finished_run_goes_through_again_unchanged(tiny_run: Path) -> None:
    """Running a finished stage again redoes nothing that is there and changes no byte of the model."""
    before = (tiny_run / "model.safetensors").read_bytes()
    stages.train(tiny_run)
    assert (tiny_run / "model.safetensors").read_bytes() == before


def test_folder_of_another_experiment_is_refused(tiny_run: Path) -> None:
    """A run folder belongs to one configuration of data and model; the refusal names what differs."""
    before = (tiny_run / "config.yaml").read_bytes()
    with pytest.raises(InputError, match=r"training\.updates: there 12, asked 13"):
        stages.simulate(experiment(training={"updates": 13}), tiny_run)
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


def test_planning_may_change_in_a_finished_run(run: Path) -> None:
    """What neither data nor weights depend on is taken over without simulating or training again."""
    before = (run / "model.safetensors").read_bytes()
    planning = {"horizon": 3, "planner": {"iterations": 1}, "terminal": "none"}
    stages.simulate(experiment(planning=planning), run)
    stages.train(run)
    assert (run / "model.safetensors").read_bytes() == before
    assert Run(run).config().planning.horizon == 3


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


# What was made from what, and whether it is as it was written --------------------------------


def edit(run: Path, old: str, new: str) -> None:
    """Edit ``config.yaml`` as a user does."""
    text = (run / "config.yaml").read_text()
    assert old in text
    (run / "config.yaml").write_text(text.replace(old, new, 1))


EDITS = [
    ("control_interval: 0.25", "control_interval: 0.5", "simulation.control_interval: there 0.25, asked 0.5"),
    ("equation: kuramoto_sivashinsky", "equation: burgers", "there kuramoto_sivashinsky, asked burgers"),
    ("parameters: {}", "parameters: {viscosity: 0.9}", "simulation.parameters.viscosity: there None, asked 0.9"),
    ("num_points: 32", "num_points: 64", "simulation.num_points: there 32, asked 64"),
    ("domain_extent: 22.0", "domain_extent: 23.0", "simulation.domain_extent: there 22.0, asked 23.0"),
    ("limit: 1.0", "limit: 0.5", "simulation.jets.limit: there 1.0, asked 0.5"),
    ("width: 0.8", "width: 0.9", "simulation.jets.width: there 0.8, asked 0.9"),
    ("simulations: 4", "simulations: 5", "data.validation.simulations: there 4, asked 5"),
    ("warm_up: 40", "warm_up: 41", "data.warm_up: there 40, asked 41"),
    ("seed: 0", "seed: 1", "seed, as drawn for this set: there "),
    ("episodes: 2", "episodes: 3", "training.on_policy.episodes: there 2, asked 3"),
]


@pytest.mark.parametrize("trained", [True, False], ids=["trained", "simulated alone"])
def test_data_of_another_configuration_are_refused(run: Path, trained: bool) -> None:
    """By every stage and by the check, also without the digest of config.yaml; nothing is written."""
    again: list[Callable[[Path], object]] = [stages.train]
    if trained:
        again += [stages.evaluate, stages.control, stages.report]
    else:
        for path in [*run.glob("model.*"), *run.glob("train_state*"), run / "seals.json"]:
            path.unlink()
    before = (run / "config.yaml").read_bytes()
    files = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}
    for number, (old, new, told) in enumerate(EDITS):
        edit(run, old, new)
        for refuse in (*again, *([check] if number == 0 else [])):
            with pytest.raises(InputError) as caught:
                refuse(run)
            assert told in str(caught.value), refuse
            assert "restore config.yaml" in str(caught.value)
        (run / "config.yaml").write_bytes(before)
    files[run / "config.yaml"] = (run / "config.yaml").stat().st_mtime_ns
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()} == files


def test_an_edit_that_nothing_depends_on_is_taken_over_and_told(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Once; and results that do depend on it are not reported as if they were of today."""
    edit(run, "first: 4", "first: 3")
    with pytest.raises(InputError, match=r"control\.first: there 4, asked 3; restore it .* or give the next command"):
        check(run)
    with pytest.raises(InputError, match=r"controlled\.nc: .* control\.first: there 4, asked 3; .*'sciwm control "):
        stages.report(run)
    stages.control(run)
    assert capsys.readouterr().err == f"sciwm: {run}/config.yaml was edited: control.first: there 4, asked 3\n"
    stages.report(run)
    assert capsys.readouterr().err == ""
    assert any("results made from the settings of config.yaml" in line for line in check(run))


def test_results_of_another_model_or_measurement_are_not_reported(run: Path) -> None:
    numbers = Run(run).metrics()
    Run(run).add_metrics({"control": numbers["control"] | {"episodes": 5}})  # as of a run killed between its two files
    with pytest.raises(
        InputError, match=r"controlled\.nc: expected the numbers of control in metrics\.json, got others"
    ):
        stages.report(run)
    Run(run).add_metrics({"control": numbers["control"]})
    model, config = load_model(run)
    save_model(run, model, config, read_description(run)["provenance"] | {"held_out_error": 0.75})
    with pytest.raises(InputError) as caught:
        stages.report(run)
    for result in ("rollouts.nc", "controlled.nc"):
        assert re.search(rf"{result}: .* got the model: there another, .*'sciwm (evaluate|control) ", str(caught.value))


DAMAGED = ("config.yaml", "metrics.jsonl", "model.json", "train_state.json", "controlled.nc", "evaluation/rollouts.nc")


@pytest.mark.parametrize("damage", ["flipped", "emptied", "removed"])
def test_damage_is_found_by_the_check(run: Path, damage: str) -> None:
    """One bit of each file, or all of it; all are named at once, with what to do."""
    shutil.rmtree(run / "data")

    def spoil(name: str) -> None:
        path = run / name
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.unlink() if damage == "removed" else path.write_bytes(b"" if damage == "emptied" else bytes(content))

    def told() -> dict[str, str]:
        with pytest.raises(InputError) as caught:
            check(run)
        return {p.where.removeprefix(f"{run}/").partition(":")[0]: p.remedy for p in caught.value.problems}

    for name in ("model.safetensors", "report/metrics.json"):
        content = (run / name).read_bytes()
        spoil(name)
        assert told()[name]
        (run / name).write_bytes(content)
    for name in DAMAGED:
        spoil(name)
    needed = [n for n in DAMAGED if (n, damage) != ("train_state.json", "removed")]  # a finished model needs none
    problems = told()
    assert all(problems.get(name) for name in needed), problems
    if damage != "removed":
        spoil("seals.json")
        assert "delete it" in told()["seals.json"]


def test_done_as_it_says_lost_files_are_there_again(run: Path) -> None:
    """The report refuses each, the commands that it names write them anew, and the check is content."""
    names = ("config.yaml", "model.json", "metrics.jsonl", "evaluation/rollouts.nc", "controlled.nc")
    before = {name: (run / name).read_bytes() for name in names}
    for number, name in enumerate(names):
        (run / name).write_bytes(b"")
        if number % 2:
            (run / name).unlink()
    remedies: dict[str, Callable[[], object]] = {
        "config.yaml": lambda: stages.simulate(experiment(), run),
        "sciwm run CONFIG": lambda: stages.train(run),
        "sciwm evaluate": lambda: stages.evaluate(run),
        "sciwm control": lambda: stages.control(run),
    }
    for word, remedy in remedies.items():
        with pytest.raises(InputError, match=word):
            stages.report(run)
        remedy()
    for name in names[:3]:
        assert (run / name).read_bytes() == before[name], name
    stages.report(run)
    check(run)


def test_lost_numbers_are_written_anew(run: Path) -> None:
    """By the commands that the message names; what is still missing is told on the page."""
    before = Run(run).metrics()
    (run / "report" / "metrics.json").write_bytes(b"")
    with pytest.raises(InputError, match=r"delete it, and write it anew with 'sciwm evaluate .*' and 'sciwm control "):
        stages.evaluate(run)
    (run / "report" / "metrics.json").unlink()
    with pytest.raises(InputError, match="got nothing there; write it anew with 'sciwm evaluate"):
        stages.report(run)
    stages.evaluate(run)
    assert Run(run).metrics()["rollout"] == before["rollout"]
    assert "sciwm control" in stages.report(run).read_text()


def test_a_lost_configuration_is_not_restored_by_another_one(run: Path) -> None:
    (run / "config.yaml").unlink()
    with pytest.raises(InputError, match=r"data\.warm_up: there 40, asked 41"):
        stages.simulate(experiment(data={"warm_up": 41}), run)
    (run / "seals.json").unlink()
    with pytest.raises(InputError, match=r"train\.zarr: .* data\.warm_up: there 40, asked 41"):
        stages.simulate(experiment(data={"warm_up": 41}), run)
    with pytest.raises(InputError, match=r"train_state\.json: .* loss\.one_step: there 1\.0, asked 2\.0"):
        stages.simulate(experiment(loss={"one_step": 2.0}), run)
    assert not (run / "config.yaml").exists()


def test_episodes_that_were_learned_from_are_not_collected_anew(run: Path) -> None:
    """By the model that learned from them they would be others; from the beginning they are the same."""
    before = {name: (run / name).read_bytes() for name in ("model.safetensors", "model.json", "metrics.jsonl")}
    for kind in ("zarr", "done"):
        shutil.rmtree(run / "data" / f"on_policy_1.{kind}")
    with pytest.raises(InputError, match=r"on_policy_1\.zarr: .* or delete .*train_state\.json"):
        stages.train(run)
    assert not (run / "data" / "on_policy_1.zarr").exists()
    (run / "train_state.json").unlink()
    stages.train(run)
    assert {name: (run / name).read_bytes() for name in before} == before


def test_the_layout_of_learned_episodes_is_mended(tiny_run: Path, tmp_path: Path) -> None:
    """A loss of power may empty or take any file of the store; what names its arrays is known from the settings."""
    shutil.copytree(tiny_run, tmp_path / "run")
    store = tmp_path / "run" / "data" / "on_policy_1.zarr"
    for name in ("zarr.json", "action/zarr.json"):
        before = (store / name).read_bytes()
        (store / name).unlink()
        with pytest.warns(UserWarning, match=f"restored {name}"):
            stages.train(tmp_path / "run")
        assert (store / name).read_bytes() == before


def test_a_folder_renamed_while_simulating_is_not_made_anew(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rename(iterable: Iterable[int], description: str) -> Iterator[int]:
        for item in iterable:
            if (tmp_path / "run").exists():
                (tmp_path / "run").rename(tmp_path / "renamed")
            yield item

    monkeypatch.setattr("sciwm.experiment.simulated_sets.bar", rename)
    with pytest.raises(InputError, match="expected the run folder in which this command began, got nothing there"):
        stages.simulate(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
