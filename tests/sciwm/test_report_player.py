"""The player: what it stores, and what it shows in a browser."""

import base64
import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from sciwm.config import Config
from sciwm.data import Axis, Domain, Variable
from sciwm.model import WorldModel
from sciwm.report import player_data as player
from sciwm.report.contents import Results
from sciwm.report.page import render

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SWITCHES = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=4000",
    "--dump-dom",
]
NO_FIGURES: dict[str, Any] = {name: [] for name in ("control", "distance", "rollout", "training")}


def decoded(stored: dict[str, Any]) -> Any:
    numbers = np.frombuffer(base64.b64decode(stored["numbers"]), "<u2" if stored["bytes"] == 2 else "u1").astype(float)
    return np.where(numbers == 0, np.nan, stored["low"] + stored["step"] * (numbers - 1))


def controlled_flow(domain: Domain, episodes: int, instants: int) -> xr.Dataset:
    """Random flows under the three controllers that verdicts and player need; imagined for half of the time."""
    rng, space = np.random.default_rng(0), [(a.name, a.num_points) for a in domain.axes]
    names, shape = [n for n, _ in space], tuple(n for _, n in space)
    variables: dict[str, Any] = {}
    for variable in domain.variables:
        flows = rng.normal(size=(3, episodes, instants, *shape)).astype(np.float32)
        imagined = flows[1].copy()
        imagined[:, instants // 2 :] = np.nan
        variables[variable.name] = (("controller", "episode", "time", *names), flows)
        variables[f"{variable.name}_imagined"] = (("episode", "time", *names), imagined)
    variables["distance"] = (("controller", "episode", "time"), rng.uniform(0.1, 1, (3, episodes, instants)))
    count = len(domain.actuators)
    variables["action"] = (
        ("controller", "episode", "time", "actuator"),
        rng.uniform(-1, 1, (3, episodes, instants, count)),
    )
    coordinates = {"controller": ["none", "world_model", "adjoint"], "time": np.arange(instants) * 0.25}
    return xr.Dataset(variables, coordinates | {a.name: a.coordinates for a in domain.axes})


def plane(domain: Domain, points: int) -> Domain:
    """Two variables over a rectangle, the second with a unit."""
    axes = (Axis("x", points, 0.5), Axis("y", points // 2, 0.25, start=1.0))
    return replace(domain, axes=axes, variables=(domain.variables[0], Variable("h", "height", "m", 0.0, 1.0)))


@pytest.fixture
def results_of(make_config: Callable[..., Config], model: WorldModel, tmp_path: Path) -> Callable[..., Results]:
    """A run that was controlled, without anything else."""

    def make(domain: Domain = model.domain, episodes: int = 4, instants: int = 13) -> Results:
        (tmp_path / "config.yaml").write_text("name: tiny\n")
        description = {
            "latent_size": 3,
            "provenance": {"training_sets": []},
            "sciwm": "0",
            "torch": "0",
            "sha256": "0",
        }
        controlled = controlled_flow(domain, episodes, instants)
        rows = dict.fromkeys(("none", "world_model", "adjoint"), 1.0)
        metrics = {
            "control": {
                "episodes": episodes,
                "mean_square_first_2": rows,
                "mean_square_first_2_interval": {name: (0.5, 1.5) for name in rows},
                **{f"mean_square_{part}": rows for part in ("final", "final_worst", "action")},
                "seconds_per_decision": {},
            }
        }
        return Results(tmp_path, make_config(), description, domain, metrics, [], {}, controlled)

    return make


# Stored -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_values_come_back_to_half_a_step(kind: Any) -> None:
    values = np.random.default_rng(0).normal(size=(3, 5, 7))
    values[0, 0, :2] = [np.nan, np.inf]
    stored = player.quantise(values, kind)
    again = decoded(stored.to_json()).reshape(values.shape)
    finite = np.isfinite(values)
    assert np.isnan(again[~finite]).all()
    assert np.abs(again - values)[finite].max() <= stored.step / 2 * (1 + 1e-9)
    assert stored.step == pytest.approx(np.ptp(values[finite]) / (np.iinfo(kind).max - 1))


def test_a_flow_that_blows_up_leaves_the_others_their_resolution() -> None:
    values = np.append(np.random.default_rng(0).normal(size=100_000), 1e30)
    assert player.quantise(values, np.uint16).step < 1e-3
    assert decoded(player.quantise(np.full(3, np.nan), np.uint8).to_json()).tolist() == pytest.approx(
        [np.nan] * 3, nan_ok=True
    )
    assert decoded(player.quantise(np.full(3, 2.5), np.uint8).to_json()).tolist() == [2.5] * 3


def test_everything_is_stored_where_it_fits(results_of: Callable[..., Results]) -> None:
    results = results_of()
    stored = player.player_data(results)
    assert stored is not None and results.controlled is not None
    assert stored["episodes"] == [1, 2, 3, 4] and len(stored["time"]) == 13
    values = decoded(stored["variables"][0]).reshape(4, 3, 13, 32)
    half = stored["variables"][0]["step"] / 2 * (1 + 1e-6)
    for row, flow in ((0, "none"), (1, "world_model")):
        np.testing.assert_allclose(values[:, row], results.controlled["u"].sel(controller=flow), rtol=0, atol=half)
    np.testing.assert_allclose(values[:, 2], results.controlled["u_imagined"], rtol=0, atol=half)
    assert player.player_data(replace(results, controlled=None)) is None


@pytest.mark.parametrize(
    ("points", "instants", "left_out"),
    [((2048,), 80, "episodes"), ((4096,), 100, "frames"), ((256, 128), 6, "points")],
)
def test_size_is_bounded(
    results_of: Callable[..., Results], model: WorldModel, points: tuple[int, ...], instants: int, left_out: str
) -> None:
    """By episodes first, frames next, and points last."""
    wide = replace(model.domain, axes=(Axis("x", points[0], 0.1),))
    domain = wide if len(points) == 1 else plane(model.domain, points[0])
    stored = player.player_data(results_of(domain, episodes=5, instants=instants))
    assert stored is not None
    assert sum(len(v["numbers"]) for v in stored["variables"]) <= 4 / 3 * player.LARGEST + 8
    assert len(stored["episodes"]) >= 3
    kept = {
        "episodes": len(stored["episodes"]) == 5,
        "frames": len(stored["time"]) == instants,
        "points": all(len(axis["points"]) == n for axis, n in zip(stored["axes"], points, strict=True)),
    }
    assert not kept[left_out]
    assert kept["points"] or left_out == "points"


def test_older_results_without_imagined_flows(results_of: Callable[..., Results]) -> None:
    results = results_of()
    assert results.controlled is not None
    older = replace(results, controlled=results.controlled.drop_vars("u_imagined"))
    page = render(older, NO_FIGURES)
    assert "Left out: the imagined flow" in page
    stored = player.player_data(older)
    assert stored is not None and [flow["name"] for flow in stored["flows"]] == ["none", "world_model"]


def test_no_player_without_control(results_of: Callable[..., Results]) -> None:
    page = render(replace(results_of(), controlled=None, metrics={}), NO_FIGURES)
    assert 'id="player"' not in page and "<script" not in page


def test_nothing_in_the_data_ends_the_script(results_of: Callable[..., Results], model: WorldModel) -> None:
    sly = replace(model.domain, variables=(replace(model.domain.variables[0], long_name="</script><b>"),))
    page = render(results_of(sly), NO_FIGURES)
    inside = re.search(r'id="player-data">(.*?)</script>', page, re.DOTALL)
    assert inside is not None and json.loads(inside[1])["variables"][0]["long_name"] == "</script><b>"


# Shown ------------------------------------------------------------------------------------------


def shown(page: Path, fragment: str, profile: Path) -> dict[str, str]:
    """The readout of the player in a headless browser: text by role or by variable and flow."""
    assert BROWSER is not None
    command = [BROWSER, *SWITCHES, f"--user-data-dir={profile}", f"{page.as_uri()}#{fragment}"]
    dom = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.findall(r'data-(?:role|name)="([^"]+)"[^>]*>([^<]*)</(?:output|td|button)>', dom)
    return {name: html.unescape(text) for name, text in found}


@pytest.mark.skipif(BROWSER is None, reason="no chromium is installed to open the page with")
@pytest.mark.parametrize("dimensions", [1, 2])
def test_the_browser_shows_the_values_of_the_file(
    results_of: Callable[..., Results], model: WorldModel, tmp_path: Path, dimensions: int
) -> None:
    """At the time, the start and the probe that the address names; nothing moves until asked."""
    results = results_of(model.domain if dimensions == 1 else plane(model.domain, 16))
    assert results.controlled is not None
    page = tmp_path / "page.html"
    page.write_text(render(results, NO_FIGURES))
    place = {axis.name: float(axis.coordinates[3]) for axis in results.domain.axes}
    probe = ",".join(f"{x:g}" for x in place.values())
    readout = shown(page, f"t=1.25&episode=2&probe={probe}", tmp_path / "profile")
    assert readout["time-now"] == "1.25" and readout["episode-now"] == "2" and readout["play"] == "Play"
    told = {name: float(x) for name, x in (part.split(" = ") for part in readout["probe-now"].split(", "))}
    assert told == pytest.approx(place, rel=1e-3)
    at = results.controlled.isel(episode=1).sel(time=1.25).sel(place)
    stored = player.player_data(results)
    assert stored is not None
    for variable in stored["variables"]:
        name, off = variable["name"], variable["step"] / 2 + 1e-4  # five digits are shown
        for flow in ("none", "world_model"):
            assert float(readout[f"{name}-{flow}"]) == pytest.approx(float(at[name].sel(controller=flow)), abs=off)
        assert float(readout[f"{name}-imagined"]) == pytest.approx(float(at[f"{name}_imagined"]), abs=off)
    late = shown(page, "t=3", tmp_path / "other")
    assert late["time-now"] == "3" and late["episode-now"] == "1" and late["u-imagined"] == "not there"
