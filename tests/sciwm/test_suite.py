"""The evaluation from end to end: every part, what is kept, what is left out and why, and what its numbers mean."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

import simulations
from sciwm.cli import main
from sciwm.cli.help import PAGES
from sciwm.config import Config, dump_config, load_config
from sciwm.data import Trajectories
from sciwm.errors import InputError
from sciwm.evaluation.suite import PARTS, EvaluationContext, evaluate_parts, mean_of, median_of, share_of
from sciwm.evaluation_parts import EVALUATION_PARTS, OF_FILES
from sciwm.experiment import stages
from sciwm.experiment.run import Run
from sciwm.report import drawing, summary_table
from sciwm.report.part_sections import SECTIONS
from sciwm.run_paths import RunPaths
from sciwm.training import build_model
from sciwm.uncertainty import calibrate
from simulations import ActionBox, Actuators, BoundedGrid, Simulation
from simulations.equations import BurgersDirichlet
from simulations.generate import Recipe, generate, silent

MEASURED = [name for name in PARTS if name not in OF_FILES]
"""The parts that simulations are measured by."""

SIZES: dict[str, Any] = {
    "steps": 12,
    "parts": list(PARTS),
    "effects": {"samples": 4, "lead_time": 2.0},
    "gradients": {"samples": 3, "horizons": [0.25, 1.0]},
    "long_run": {"samples": 3, "duration": 10.0, "forced": True},
    "resolution": {"samples": 3},
    "refined_control": {"episodes": 2, "intervals": 3},
    "shifts": {"samples": 4, "lead_time": 2.0},
    "probing": {"instants": 4, "horizons": [0.5], "probes": ["ridge"]},
    "surprise": {"trajectories": 8, "sizes": [0.01, 1.0], "exposure": 0.5},
}
BURGERS = {
    "equation": "burgers",
    "num_points": 32,
    "domain_extent": 6.283185307179586,
    "control_interval": 0.25,
    "steps_per_interval": 2,
    "jets": {"count": 4, "width": 0.5},
}


@pytest.fixture(scope="module")
def made(make_config: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny run of an equation with a viscosity, trained and evaluated, not shown yet."""
    config = make_config(simulation=BURGERS, evaluation=SIZES, data={"warm_up": 2})
    run = tmp_path_factory.mktemp("suite") / "run"
    stages.simulate(config, run)
    stages.train(run)
    stages.evaluate(run)
    return run


@pytest.fixture
def run(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy to spoil, whose figures are drawn small."""
    monkeypatch.setattr(drawing, "DENSITY", 40)
    return Path(shutil.copytree(made, tmp_path / "run"))


def test_every_part_is_listed_once_and_is_measured_and_shown() -> None:
    assert list(PARTS) == list(EVALUATION_PARTS)
    assert {"rollouts", *SECTIONS} == set(EVALUATION_PARTS)
    assert all(f"  {name} " in PAGES["evaluate"].details for name in EVALUATION_PARTS)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the parts that are measured from now on, in this order."""
    names: list[str] = []

    def noted(name: str, measure: Callable[..., Any], context: EvaluationContext, progress: Any) -> Any:
        names.append(name)
        return measure(context, progress)

    for name, part in list(PARTS.items()):
        changed = type(part)(partial(noted, name, part.measure), part.obstacle, part.depends_on)
        monkeypatch.setitem(PARTS, name, changed)
    return names


def change(run: Path, **evaluation: Any) -> None:
    config = load_config(run / "config.yaml")
    sections = {k: getattr(config.evaluation, k).model_copy(update=v) for k, v in evaluation.items()}
    changed = config.model_copy(update={"evaluation": config.evaluation.model_copy(update=sections)})
    (run / "config.yaml").write_text(dump_config(changed))


# From end to end ------------------------------------------------------------------------------


def test_every_part_is_there_with_what_it_means(made: Path) -> None:
    metrics = Run(made).metrics()
    assert metrics["left_out"] == {}
    for name in MEASURED:
        with xr.open_dataset(made / "evaluation" / f"{name}.nc") as result:
            assert result.attrs["title"] == "tiny"
            for variable in result.data_vars.values():
                assert variable.attrs.get("units"), (name, variable.name)
                assert variable.attrs.get("long_name"), (name, variable.name)
        assert metrics[name], name
        for measure in metrics[name]:
            if measure["interval"] is not None:
                low, high = measure["interval"]
                assert low <= measure["value"] <= high, measure


def test_results_say_the_same_as_the_numbers(made: Path) -> None:
    effects = xr.load_dataset(made / "evaluation" / "effects.nc")
    last = effects["effect_error"].sel(alternative="held", given="right").isel(time=-1)
    assert float(effects["time"][-1]) == 2.0
    np.testing.assert_allclose(Run(made).metrics()["effects"][0]["value"], last.median(), rtol=1e-6)
    shifts = xr.load_dataset(made / "evaluation" / "shifts.nc")
    assert shifts["shift"].values.tolist() == ["forcing", "viscosity"]
    surprise = xr.load_dataset(made / "evaluation" / "surprise.nc")
    assert {"viscosity_change", "consistent_shift", "finer_grid"} <= set(surprise["violation"].values)
    assert set(surprise["detector"].values) == {"latent", "budget", "equation"}
    by_equation = surprise["auroc"].sel(detector="equation", violation="mass_injection", size=1.0)
    assert float(by_equation) == 1.0  # whoever adds up the mass sees all of it doubled


def test_report_shows_every_part(run: Path) -> None:
    page = stages.report(run).read_text()
    shown = set(MEASURED) - {"rollouts"} | {"rollout", "evaluation"}
    assert all(f'<section id="{name}">' in page for name in shown)
    assert page.count("<img ") == len(list((run / "report" / "figures").iterdir()))
    assert all(f'href="#{name}"' in page for name in shown - {"evaluation"})
    lines = summary_table(Run(run).metrics())
    assert all(name.replace("_", " ") in lines for name in MEASURED if name != "rollouts")


# What is kept ---------------------------------------------------------------------------------


def test_what_is_there_is_kept(run: Path, measured: list[str]) -> None:
    before = {p.name: p.read_bytes() for p in (run / "evaluation").iterdir()}
    numbers = Run(run).metrics()
    (run / "report" / "metrics.json").unlink()
    stages.evaluate(run)
    assert measured == []
    assert {p.name: p.read_bytes() for p in (run / "evaluation").iterdir()} == before
    assert {n: Run(run).metrics()[n] for n in MEASURED} == {n: numbers[n] for n in MEASURED}


def test_what_changed_is_made_anew_and_nothing_else(run: Path, measured: list[str]) -> None:
    change(run, effects={"samples": 3})
    (run / "evaluation" / "resolution.nc").unlink()
    (run / "evaluation" / "scores.nc").write_bytes(b"half a file")
    stages.evaluate(run)
    assert measured == ["scores", "effects", "resolution"]
    assert xr.load_dataset(run / "evaluation" / "effects.nc").sizes["sample"] == 3


def test_another_model_is_evaluated_anew(run: Path, measured: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "read_description", lambda run: {"description_sha256": "another"})
    stages.evaluate(run, ["resolution", "effects"])
    assert measured == ["effects", "resolution"]


def test_killed_evaluation_goes_on_with_the_next_part(
    run: Path, measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(run / "evaluation")
    killed = PARTS["gradients"]

    def stop(context: EvaluationContext, progress: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setitem(PARTS, "gradients", type(killed)(stop))
    names = ["effects", "gradients", "resolution"]
    with pytest.raises(KeyboardInterrupt):
        stages.evaluate(run, names)
    assert sorted(p.name for p in (run / "evaluation").iterdir()) == ["effects.nc"]
    monkeypatch.setitem(PARTS, "gradients", killed)
    stages.evaluate(run, names)
    assert measured == ["effects", "gradients", "resolution"]


def test_same_seed_same_results(run: Path) -> None:
    before = xr.load_dataset(run / "evaluation" / "effects.nc")
    (run / "evaluation" / "effects.nc").unlink()
    stages.evaluate(run, ["effects"])
    xr.testing.assert_identical(xr.load_dataset(run / "evaluation" / "effects.nc"), before)


# What is asked --------------------------------------------------------------------------------


def test_parts_are_chosen_on_the_command_line(
    run: Path, measured: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(run / "evaluation")
    assert main(["evaluate", str(run), "--parts", "shifts", "effects"]) == 0
    assert measured == ["effects", "shifts"]
    assert "effect error of held actions" in capsys.readouterr().out


def test_unknown_parts_are_answered_with_the_nearest(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(run), "--parts", "efects", "effects", "suprise"]) == 2
    said = capsys.readouterr().err
    assert "did you mean 'effects'?" in said
    assert "did you mean 'surprise'?" in said


@pytest.mark.parametrize(
    ("evaluation", "told"),
    [
        ({"parts": ["rolouts"]}, r"evaluation\.parts\.0: .*did you mean 'rollouts'"),
        ({"parts": ["effects", "effects"]}, r"evaluation\.parts: expected each once"),
        ({"effects": {"lead_time": 6.0}}, r"effects\.lead_time: expected from one interval \(0\.25\) to 5 .*got 6"),
        ({"gradients": {"horizons": [0.01]}}, r"gradients\.horizons: .*got 0\.01"),
        ({"shifts": {"parameter": "viscosty"}}, r"shifts\.parameter: expected viscosity, got .viscosty"),
        ({"shifts": {"factors": [1.0, 1.0]}}, r"shifts\.factors: expected each once"),
        ({"surprise": {"exposures": 1.0}}, r"unknown key 'exposures'; did you mean 'exposure'"),
    ],
)
def test_settings_are_checked(make_config: Callable[..., Config], evaluation: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        make_config(evaluation=evaluation)


# Other kinds of models and domains ------------------------------------------------------------


def context_of(config: Config, simulation: Simulation, folder: Path) -> EvaluationContext:
    sets = {}
    for seed, name in enumerate(("train", "test")):
        recipe = Recipe(6, 10, 1, seed=seed, batch=6)
        generate(simulation, recipe, folder / f"{name}.zarr", settings={"equation": simulation.equation})
        sets[name] = Trajectories(folder / f"{name}.zarr")
    model = build_model(config, sets["train"]).freeze()
    known = calibrate(model, [sets["train"]], sets["test"], seed=0)
    return EvaluationContext(config, model, simulation, sets["test"], sets["train"], known)


def evaluated(context: EvaluationContext, folder: Path) -> dict[str, str]:
    """Every part of a context; returns those left out with the reason."""
    found = evaluate_parts(RunPaths(folder), MEASURED, context, digest="", describe=lambda d: d, progress=silent)
    return {name: reason for name, _, reason in found if reason}


SMALL = {k: v for k, v in SIZES.items() if k not in ("effects", "gradients", "shifts", "probing", "surprise")} | {
    "steps": 8,
    "effects": {"samples": 3},
    "gradients": {"samples": 2, "horizons": [0.2]},
    "long_run": {"samples": 2, "duration": 2.0},
    "shifts": {"samples": 3},
    "probing": {"instants": 3, "probes": ["ridge"]},
    "surprise": {"trajectories": 4, "sizes": [0.1]},
}


def test_between_walls_what_needs_a_period_is_left_out(make_config: Callable[..., Config], tmp_path: Path) -> None:
    grid = BoundedGrid.interior(24)
    positions = grid.coordinates["x"]
    shapes = np.stack([np.exp(-((positions - c) ** 2) / 0.02) for c in (0.3, 0.7)])
    simulation = BurgersDirichlet(
        grid,
        Actuators(ActionBox.symmetric(["left", "right"], 1.0), shapes),
        parameters={"viscosity": 0.05},
        control_interval=0.1,
        steps_per_interval=20,
    )
    config = make_config(
        model={"latent": "vector", "latent_size": 6}, evaluation=SMALL, loss={"physics": {"heads_encoded": 0.3}}
    )
    left_out = evaluated(context_of(config, simulation, tmp_path), tmp_path)
    periodic = "it needs a periodic domain"
    assert left_out == dict.fromkeys(["resolution", "refined_control", "probing"], periodic)
    surprise = xr.load_dataset(tmp_path / "evaluation" / "surprise.nc")
    assert not surprise["control"].any()  # nothing can be shifted, nothing refined
    assert "viscosity_change" in surprise["violation"].values


def test_fields_in_two_dimensions_without_heads(make_config: Callable[..., Config], tmp_path: Path) -> None:
    flow = {
        "equation": "burgers_2d",
        "num_points": 12,
        "domain_extent": 6.0,
        "control_interval": 0.1,
        "steps_per_interval": 2,
        "jets": {"count": [2, 2], "width": 1.0},
        "dimensions": 2,
    }
    config = make_config(
        simulation=flow,
        model={"latent": "fields", "latent_modes": 4, "encoder": {"width": 4, "layers": 2, "modes": 4}},
        loss={"physics": {"heads_encoded": 0.0, "heads_rolled": 0.0, "budget": 0.0}},
        evaluation=SMALL,
        data={"warm_up": 1},
    )
    context = context_of(config, simulations.build(config.simulation.model_dump()), tmp_path)
    left_out = evaluated(context, tmp_path)
    assert left_out == {"resolution": "the model takes fields on its own grid alone"} | {
        k: v for k, v in left_out.items() if k == "refined_control" and "plans that reduce" in v
    }  # an untrained model may not plan better than nothing
    surprise = xr.load_dataset(tmp_path / "evaluation" / "surprise.nc")
    assert set(surprise["detector"].values) == {"latent", "equation"}
    assert surprise["violation"].values[surprise["control"].values].tolist() == ["consistent_shift"]


# Numbers --------------------------------------------------------------------------------------


def test_samples_of_one_simulation_count_as_one() -> None:
    """Ten copies of each sample must not make an interval narrower."""
    values = np.random.default_rng(0).normal(size=20)
    once = mean_of("", xr.DataArray(values, dims="sample"), range(20))
    copied = mean_of("", xr.DataArray(np.repeat(values, 10), dims="sample"), np.repeat(np.arange(20), 10))
    assert copied.interval == pytest.approx(once.interval)
    assert once.interval is not None
    low, high = once.interval
    assert high - low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(20), rel=0.15)


@pytest.mark.parametrize(("happened", "count", "low", "high"), [(0, 10, 0.0, 0.2775), (15, 50, 0.1910, 0.4375)])
def test_a_share_of_nothing_is_not_certain(happened: int, count: int, low: float, high: float) -> None:
    """Intervals as tabulated, among them that of none in ten: z^2 / (n + z^2)."""
    measure = share_of("", happened / count, count)
    assert measure.interval == pytest.approx((low, high), abs=1e-4)


def test_what_is_lost_counts_as_told() -> None:
    values = xr.DataArray([1.0, 2.0, np.nan, np.nan, np.nan], dims="sample")
    assert median_of("", values, range(5)).value == 1.5
    assert median_of("", values, range(5), nan_as=np.inf).value == np.inf
    assert np.isnan(median_of("", values.where(values > 9), range(5)).value)
    assert median_of("", values, [0] * 5).interval is None


def test_every_simulation_is_drawn_as_often(made: Path) -> None:
    config = load_config(made / "config.yaml")
    data = Trajectories(made / "data" / "test.zarr")
    simulation = simulations.build(config.simulation.model_dump())
    context = EvaluationContext(config, build_model(config, data), simulation, data, data)
    drawn = context.draw("effects", 10, 8)
    counts = np.bincount(drawn.simulations, minlength=4)
    assert counts.max() - counts.min() <= 1
    rows = torch.from_numpy(data.array("u")[drawn.simulations[0]])
    instants = [t for t, fields in enumerate(rows) if torch.equal(fields, drawn.starts[0, 0].to(rows.dtype))]
    (start,) = instants
    recorded = np.asarray(data.array("action")[drawn.simulations[0], start : start + 8])
    np.testing.assert_allclose(drawn.actions[0].numpy(), recorded, rtol=1e-6)


def test_what_does_not_apply_is_told(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the terminal, on the page, and once it applies no more."""
    for name in ("resolution", "effects"):
        (run / "evaluation" / f"{name}.nc").unlink()
    part = PARTS["resolution"]
    monkeypatch.setitem(PARTS, "resolution", type(part)(part.measure, lambda s: "it needs a miracle"))
    said = stages.evaluate(run, ["resolution", "effects"])
    assert said["left_out"] == {"resolution": "it needs a miracle"}
    assert "left out  resolution: it needs a miracle" in summary_table(said)
    both = summary_table(
        {"left_out": {"resolution": "it needs luck", "long_run": "it needs luck", "effects": "it is late"}}
    )
    assert both.splitlines() == ["left out  resolution, long run: it needs luck", "left out  effects: it is late"]
    page = stages.report(run).read_text()
    assert f"{EVALUATION_PARTS['resolution']}, since it needs a miracle" in page
    assert '<section id="resolution">' not in page
    monkeypatch.setitem(PARTS, "resolution", part)
    assert stages.evaluate(run, ["resolution"])["left_out"] == {}
