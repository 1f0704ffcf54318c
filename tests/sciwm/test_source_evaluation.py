"""What a run of somebody's files shows and says: scores in their units, use of the forcing, functionals, page, card."""

import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import xarray as xr
import yaml

import sciwm
from sciwm.cli import main
from sciwm.config import load_config
from sciwm.evaluation import forcing_use, held_out_scores, rollouts_in_groups
from sciwm.evaluation.held_out_scores import near_walls, score_held_out, square_errors
from sciwm.evaluation.rollouts import skill_by_step
from sciwm.experiment import Run, stages
from sciwm.experiment.bring_in import bring_in
from sciwm.model import read_description
from sciwm.seals import is_as_written

LATITUDES = np.array([-60.0, -36.0, -12.0, 12.0, 36.0, 60.0, 72.0])
ENDS_EARLY, INSTANTS = 10, 16
GONE = [(0, 0), (3, 4)]
"""Points where no field exists."""


def drifting() -> xr.Dataset:
    """Two modes of a field that decay, and that a forcing and a parameter of each run drive; one run ends early."""
    rng = np.random.default_rng(0)
    runs = 8
    modes = np.stack([np.cos(np.deg2rad(LATITUDES))[:, None] * np.ones(6), np.outer(np.ones(7), np.arange(6.0) - 2.5)])
    power = rng.uniform(0.0, 2.0, (runs, INSTANTS)).repeat(2, axis=1)[:, :INSTANTS]
    salt = rng.uniform(30.0, 36.0, runs)
    z = np.zeros((runs, INSTANTS, 2))
    z[:, 0] = rng.normal(size=(runs, 2))
    for t in range(INSTANTS - 1):
        z[:, t + 1] = z[:, t] * [0.9, 0.7] + np.outer(power[:, t], [0.5, 0.2]) + np.outer(salt - 33.0, [0.1, 0.0])
    field = 285.0 + np.einsum("rtm,mij->rtij", z, modes) + 0.1 * rng.normal(size=(runs, INSTANTS, 7, 6))
    for point in GONE:
        field[:, :, point[0], point[1]] = np.nan
    field[-1, ENDS_EARLY:] = np.nan
    return xr.Dataset(
        {
            "sst": (("cruise", "hours", "lat", "lon"), field, {"units": "K", "long_name": "sea surface temperature"}),
            "power": (("cruise", "hours"), power, {"units": "W m-2", "valid_min": 0.0, "valid_max": 2.0}),
            "salt": (("cruise",), salt, {"units": "g kg-1"}),
            "loss": (("cruise", "hours"), 3.0 * z[..., 0] - z[..., 1], {"units": "W"}),
        },
        {
            "cruise": [f"K{n}" for n in range(runs)],
            "hours": ("hours", 6.0 * np.arange(INSTANTS), {"units": "hours since 2001-03-01"}),
            "lat": ("lat", LATITUDES, {"units": "degrees_north"}),
            "lon": ("lon", 10.0 + 5.0 * np.arange(6), {"units": "degrees_east"}),
        },
        {"title": "Drifting warmth", "institution": "a harbour", "license": "CC-BY-4.0"},
    )


TREE: dict[str, Any] = {
    "name": "warmth",
    "source": {
        "files": ["warmth.nc"], "variables": ["sst"], "forcings": ["power"], "parameters": ["salt"],
        "functionals": ["loss"], "run": "cruise", "time": "hours", "space": ["lat", "lon"], "periodic": [],
        "split": {"validation": ["K4"], "test": ["K5", "K7"]},
    },
    "model": {"latent_size": 2, "predictor": {"kind": "linear"}},
    "loss": {"horizon": 2},
    "training": {"updates": 4, "updates_per_epoch": 2, "batch_size": 8},
    "evaluation": {
        "steps": 12,
        "parts": ["rollouts", "scores", "forcings", "functionals", "uncertainty", "flags", "budgets"],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was trained, evaluated and reported, and its card before it was evaluated beside it."""
    base = tmp_path_factory.mktemp("warmth")
    drifting().to_netcdf(base / "warmth.nc")
    (base / "warmth.yaml").write_text(yaml.safe_dump(TREE))
    config, out = load_config(base / "warmth.yaml"), base / "run"
    bring_in(config, out)
    stages.train(out)
    (base / "before.md").write_bytes((out / "README.md").read_bytes())
    stages.evaluate(out)
    stages.report(out)
    return out


def result(folder: Path, part: str) -> xr.Dataset:
    return xr.load_dataset(folder / "evaluation" / f"{part}.nc")


def test_errors_are_weighed_by_area_where_fields_exist_and_end_with_their_run(folder: Path) -> None:
    rollouts, scores = result(folder, "rollouts"), result(folder, "scores").sel(variable="sst")
    assert rollouts["label"].values.tolist() == ["K5", "K7"]
    assert rollouts["intervals"].values.tolist() == [12, ENDS_EARLY - 1]
    truth = drifting()["sst"].sel(cruise="K5").values[:13]
    there = np.isfinite(truth[0])
    np.testing.assert_allclose(rollouts["sst"].values[0], truth, rtol=1e-6)
    edges = np.concatenate([[-72.0], (LATITUDES[1:] + LATITUDES[:-1]) / 2, [78.0]])
    areas = np.diff(np.sin(np.deg2rad(edges)))[:, None] * there
    square = np.where(there, (rollouts["sst_imagined"].values[0] - truth) ** 2, 0.0)
    expected = np.sqrt((square * areas).sum((1, 2)) / areas.sum())
    np.testing.assert_allclose(scores["rmse"].values[0], expected, rtol=1e-3, atol=2e-5)
    assert scores["rmse"].attrs["units"] == "K"
    ended = np.arange(13) >= ENDS_EARLY
    for name in ("rmse", "rmse_persistence", "rmse_climatology"):
        np.testing.assert_array_equal(np.isnan(scores[name].values[1]), ended)
    assert np.isfinite(scores["skill_climatology"].values[1:]).all()


def test_climatology_is_the_mean_of_the_training_runs(folder: Path) -> None:
    training = drifting()["sst"].sel(cruise=["K0", "K1", "K2", "K3", "K6"])
    expected = training.mean(["cruise", "hours"]).fillna(0.0)
    np.testing.assert_allclose(result(folder, "rollouts")["sst_climatology"], expected, rtol=1e-5)
    rollout = Run(folder).metrics()["rollout"]
    assert rollout["nrmse"][-1] < min(rollout["nrmse_climatology"][-1], rollout["nrmse_persistence"][-1])
    assert rollout["valid_prediction_time_unit"] == "hours"


def test_a_forecast_that_is_not_finite_is_infinitely_wrong_and_no_run_that_is_over(folder: Path) -> None:
    rollouts, domain = result(folder, "rollouts"), sciwm.load(folder).domain
    rollouts["sst_imagined"][0, 5:] = np.nan
    scores = score_held_out(square_errors(rollouts, domain), domain).sel(variable="sst")
    assert np.isinf(scores["rmse"].values[0, 5:]).all()
    assert np.isneginf(scores["skill"].values[5:]).all()
    assert np.isnan(scores["rmse"].values[1, ENDS_EARLY:]).all()


def test_what_does_not_vary_in_held_out_data_has_an_error_and_no_score(folder: Path) -> None:
    """To rounding: its own fields are far from zero, so that their variance is not quite."""
    rollouts, model = result(folder, "rollouts"), sciwm.load(folder).model
    there = rollouts["sst"].notnull()
    rollouts["sst"] = (300.1 * (1 + 0 * rollouts["sst"])).where(there).astype(np.float32)
    scores = score_held_out(square_errors(rollouts, model.domain), model.domain).sel(variable="sst")
    assert scores["vrmse"].isnull().all() and scores["skill"].isnull().all()
    assert (scores["rmse"].values[0] > 0).all()
    two = rollouts.assign({f"ice{end}": rollouts[f"sst{end}"] for end in ("", "_imagined", "_weight")})
    changing = result(folder, "rollouts")
    ice = replace(model.domain.variables[0], name="ice")
    both = cast(Any, SimpleNamespace(domain=replace(model.domain, variables=(*model.domain.variables, ice))))
    two = two.assign(sst=changing["sst"], sst_imagined=changing["sst_imagined"])
    xr.testing.assert_allclose(skill_by_step(two, both), skill_by_step(changing, model))


@pytest.mark.parametrize("kept", [1, 2**20])
def test_data_that_are_forecast_a_few_at_once_have_the_same_scores(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    """One run, some lead times and one window at a time; of forecasts that take too much memory one is shown."""
    monkeypatch.setattr(rollouts_in_groups, "NUMBERS_AT_ONCE", 1)
    monkeypatch.setattr(rollouts_in_groups, "NUMBERS_KEPT", kept)
    monkeypatch.setattr(held_out_scores, "NUMBERS_AT_ONCE", 3 * 7 * 6)
    monkeypatch.setattr(forcing_use, "NUMBERS_AT_ONCE", 1)
    out = shutil.copytree(folder, tmp_path / "run")
    shutil.rmtree(out / "evaluation")
    metrics = stages.evaluate(out, ["rollouts", "scores", "forcings"])
    for name, before in Run(folder).metrics().items():
        if name in ("rollout", "latent", "held_out", "rollouts", "scores", "forcings"):
            assert _numbers(metrics[name]) == pytest.approx(_numbers(before), rel=1e-4, nan_ok=True)
    shown = result(out, "rollouts")["simulation"].values
    xr.testing.assert_allclose(result(out, "rollouts"), result(folder, "rollouts").sel(simulation=shown), rtol=1e-4)
    assert len(shown) == (1 if kept == 1 else 2)
    for part in ("scores", "forcings"):
        xr.testing.assert_allclose(result(out, part), result(folder, part), rtol=1e-3, atol=1e-5)


def _numbers(tree: Any) -> list[float]:
    """All numbers in plain data, in their order."""
    if isinstance(tree, dict | list | tuple):
        values = tree.values() if isinstance(tree, dict) else tree
        return [number for value in values for number in _numbers(value)]
    return [tree] if isinstance(tree, int | float) else []


def test_a_linear_model_of_the_same_size_stands_beside_the_scores(folder: Path) -> None:
    """By least squares; of a field that decays linearly it is right, also in runs of unequal lengths under a mask."""
    scores, metrics = result(folder, "scores").sel(variable="sst"), Run(folder).metrics()
    later = scores.isel(time=slice(1, None)).mean("simulation")
    assert (later["rmse_linear"] < 0.5 * later["rmse_climatology"]).all()
    assert np.isnan(scores["rmse_linear"].values[1, ENDS_EARLY:]).all()
    np.testing.assert_allclose(
        metrics["held_out"]["sst"]["rmse_linear"], scores["rmse_linear"].mean("simulation").values[1:]
    )
    assert any("skill of sst against DMDc of the same size" in m["meaning"] for m in metrics["scores"])
    assert "linear (DMDc)" in (folder / "README.md").read_text()


def test_two_cells_along_walls_are_near_them(folder: Path) -> None:
    near = near_walls(sciwm.load(folder).domain.axes)
    assert near is not None
    assert int((~near).sum()) == (7 - 4) * (6 - 4)
    assert "rmse_walls" in result(folder, "scores")


def test_wrong_forcings_are_worse_and_linear_responses_add_up(folder: Path) -> None:
    found = result(folder, "forcings")
    error = (found["error"] ** 2).mean(["sample", "time"]) ** 0.5
    assert all(error.sel(given="right") < 0.7 * error.sel(given=name) for name in ("zeroed", "shuffled", "shifted"))
    assert float(found["response"].isel(time=-1, actuator=0, variable=0)) > 0
    assert found["actuator_units"].values.tolist() == ["W m-2"]
    assert float(found["proportion"].max()) < 1e-2


def test_functionals_of_the_files_are_read_from_the_latent(folder: Path) -> None:
    found = result(folder, "functionals")
    assert found["target_units"].values.tolist() == ["W"]
    assert float(found["r2"].sel(target="loss", horizon=0)) > 0.99
    assert "loss" not in [v.name for v in sciwm.load(folder).domain.variables]


def test_the_page_speaks_of_files_and_not_of_simulations(folder: Path) -> None:
    page = (folder / "report" / "index.html").read_text()
    words = re.sub(r"<[^>]+>|data:image[^\"]*", " ", page)
    assert not re.search(r"(?i)\bsimulations?\b|true solver|simulator", words)
    told = ("What the files hold", "CC-BY-4.0", "a harbour", "cruise K5, K7", "W m-2", "lead time", "hours")
    assert all(word in words for word in told)
    figures = {p.stem for p in (folder / "report" / "figures").glob("*.png")}
    maps = {"forecast_sst_median", "forecast_sst_worst", "errors_over_lead_time", "forcings_wrong"}
    assert maps <= figures


def test_the_card_says_what_it_is_how_wrong_and_where_not_to_use_it(folder: Path) -> None:
    before, card = (folder.parent / "before.md").read_text(), (folder / "README.md").read_text()
    assert "Not measured yet" in before
    assert "| lead time [hours] | model | persistence | climatology |" in card
    told = (
        "licence: CC-BY-4.0", "test: 2 runs (cruise K5, K7)", "period: 0 to 90 hours since 2001-03-01",
        "forcing `power`: 0 to 2 W m-2", "parameter `salt`", "beyond a lead time of 72 hours", "sst exists at 95.2%",
        'model.rollout(ds.isel(hours=0), forcing=ds[["power"]])', "`warmth.nc`",
    )  # fmt: skip
    assert [words for words in told if words not in card] == []
    assert str(folder.parent) not in card
    assert is_as_written(Run(folder).paths, folder / "README.md")
    assert "Drifting warmth; a harbour; warmth.nc; licence CC-BY-4.0" in repr(sciwm.load(folder))
    described = read_description(folder)["card"]
    assert described["sets"]["test"]["runs"] == ["K5", "K7"]


def test_a_card_that_was_edited_is_told_and_written_anew(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = folder / "README.md"
    written = card.read_bytes()
    card.write_bytes(written + b"and perfect\n")
    assert main(["check", str(folder)]) == 2
    assert f"sciwm report {folder}" in " ".join(capsys.readouterr().err.split())
    stages.evaluate(folder, ["budgets"])
    assert card.read_bytes() == written


def test_forecasts_say_what_made_them(folder: Path, tmp_path: Path) -> None:
    drifting().isel(cruise=[5]).to_netcdf(tmp_path / "start.nc")
    assert main(["rollout", str(folder), str(tmp_path / "start.nc"), "--out", str(tmp_path / "forecast.nc")]) == 0
    with xr.open_dataset(tmp_path / "forecast.nc") as forecast:
        assert forecast.attrs["history"] == f"sciwm rollout {folder} {tmp_path}/start.nc --out {tmp_path}/forecast.nc"
        assert read_description(folder)["sha256"] in forecast.attrs["source"]
