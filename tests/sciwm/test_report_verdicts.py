"""When a result is called good and when weak: each rule on both sides of its threshold."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from sciwm.config import Config
from sciwm.evaluation import VALID_ERROR
from sciwm.evaluation.suite import Measure
from sciwm.evaluation.sureness import SEEN_BY
from sciwm.evaluation_parts import EVALUATION_PARTS, OF_FILES
from sciwm.model import WorldModel
from sciwm.report import control_rules, held_out_rules, latent_rules, rule, simulation_rules, verdict_rules
from sciwm.report.contents import Results
from sciwm.report.finding import (
    GOOD,
    NOT_APPLICABLE,
    NOT_MEASURED,
    WEAK,
    Finding,
    at_least,
    at_most,
    highest,
    lowest,
)
from sciwm.report.overview import overview
from sciwm.report.sentences import write_summary

SAMPLES = 6
BELOW, ABOVE = 0.99, 1.01


@pytest.fixture
def results_of(config: Config, model: WorldModel) -> Callable[..., Results]:
    """A run with these results."""

    def make(
        evaluated: Mapping[str, xr.Dataset] | None = None,
        controlled: xr.Dataset | None = None,
        metrics: dict[str, Any] | None = None,
    ) -> Results:
        description = {"latent_size": 3, "provenance": {"training_sets": []}}
        return Results(Path(), config, description, model.domain, metrics or {}, [], dict(evaluated or {}), controlled)

    return make


def constant(value: float, **sizes: int) -> tuple[tuple[str, ...], Any]:
    return tuple(sizes), np.full(tuple(sizes.values()), value)


def forecast(times_persistence: float) -> xr.Dataset:
    """Persistence is valid for one time unit, the model for so many; the test takes 20."""
    time = np.arange(0, 2001) / 100
    errors = {
        name: (("simulation", "time"), np.tile(np.where(time < until - 1e-9, 0.0, 1.0), (SAMPLES, 1)))
        for name, until in (("nrmse", times_persistence), ("nrmse_persistence", 1.0))
    }
    errors["valid_prediction_time"] = constant(times_persistence, simulation=SAMPLES)
    return xr.Dataset(errors, {"time": time, "simulation": np.arange(SAMPLES)})


def budgets(error: float) -> xr.Dataset:
    values = np.full((SAMPLES, 3, 2), error)
    values[..., 1] /= 10  # the worst functional counts
    return xr.Dataset({"change_error": (("sample", "time", "functional"), values)}, {"functional": ["energy", "mass"]})


def scores(error: float) -> xr.Dataset:
    return xr.Dataset(
        {"vrmse": constant(error, variable=1, simulation=SAMPLES, time=4), "skill": constant(0.5, variable=1, time=4)},
        {"variable": ["u"], "simulation": np.arange(SAMPLES), "time": [0.0, 5.0, 10.0, 20.0]},
    )


def effects(error: float) -> xr.Dataset:
    values = np.full((2, 2, SAMPLES, 2), error)
    values[:, 1] = 1.4  # shuffled
    return xr.Dataset(
        {"effect_error": (("alternative", "given", "sample", "time"), values)},
        {"alternative": ["held", "rough"], "given": ["right", "shuffled"], "time": [1.0, 2.0]},
    )


def gradients(misalignment: float, norm: float = 1.0) -> xr.Dataset:
    return xr.Dataset(
        {
            "cosine": constant(1 - misalignment, horizon=2, sample=SAMPLES),
            "cosine_shuffled": constant(0.0, horizon=2, sample=SAMPLES),
            "norm_ratio": constant(norm, horizon=2, sample=SAMPLES),
        },
        {"horizon": [1.0, 20.0]},
    )


def long_run(ratio: float, blown_up: int = 0) -> xr.Dataset:
    times = np.full((2, SAMPLES), np.nan)
    times[0, :blown_up] = 3.0
    distance = np.full((2, SAMPLES, 1), 0.2)
    distance[0] *= ratio
    distance[0, :blown_up] = np.nan
    return xr.Dataset(
        {
            "blow_up_time": (("run", "sample"), times),
            "histogram_distance": (("run", "sample", "variable"), distance),
            "density": constant(0.1, run=2, variable=1, bin=3),
            "functional_distance": constant(0.1, run=2, sample=SAMPLES, functional=1),
        },
        {"run": ["model", "simulation"], "variable": ["u"]},
    )


def resolution(change: float) -> xr.Dataset:
    return xr.Dataset({"encoding_error": constant(change, grid=1, sample=SAMPLES)}, {"grid": ["64"]})


def refined_control(lost: float, reduction: float = 1.0) -> xr.Dataset:
    saving = reduction * np.array([[1.0] * SAMPLES, [1.0 - lost] * SAMPLES])
    return xr.Dataset(
        {"saving": (("grid", "episode"), saving), "points": ("grid", ["32", "64"]), "distance": constant(1.0, grid=2)},
        {"grid": ["coarse", "fine"]},
    )


def shifts(error: float) -> xr.Dataset:
    values = np.full((1, 2, SAMPLES, 2), 0.001)
    values[:, 1] = error
    return xr.Dataset(
        {
            "nrmse": (("shift", "factor", "sample", "time"), values),
            "nrmse_persistence": constant(1.0, shift=1, factor=2, sample=SAMPLES, time=2),
            "slope": (("shift", "sample"), np.ones((1, SAMPLES)), {"lead_time": 1.0}),
        },
        {"shift": ["viscosity"], "factor": [1.0, 2.0], "time": [1.0, 2.0]},
    )


def probing(r2: float, untrained: float = -9.0) -> xr.Dataset:
    values = np.full((2, 1, 3, 2), r2)
    values[1, ..., 1] = untrained
    names = ("within_r2", "within_r2_low", "within_r2_high")
    return xr.Dataset(
        {name: (("representation", "probe", "target", "horizon"), values) for name in names},
        {
            "representation": ["world_model", "untrained_encoder"],
            "probe": ["ridge"],
            "kind": ("target", ["functional", "phase", "functional"]),
            "horizon": [0, 4],
            "lead_time": ("horizon", [0.0, 1.0]),
        },
    )


def surprise(auroc: float, possible: float = 0.5, alarms: float = 0.05) -> xr.Dataset:
    found = np.array([1.0, auroc, possible])[:, None, None]
    return xr.Dataset(
        {
            **{f"auroc{end}": (("violation", "detector", "size"), found.copy()) for end in ("", "_low", "_high")},
            "smallest_detectable": constant(0.1, violation=3, detector=1),
            "false_alarms": constant(alarms, violation=3, detector=1),
            "control": ("violation", [False, False, True]),
            "default_size": ("violation", [1.0, 1.0, 1.0]),
        },
        {
            "violation": ["splice", "energy_kick", "finer_grid"],
            "detector": ["latent"],
            "size": [1.0],
            "simulation": ("trajectory", np.arange(40)),
        },
        {"allowed_false_alarms": 0.05},
    )


def uncertainty(covered: float) -> xr.Dataset:
    """Bands of 50 and 90 % that hold a share of the truth, of six simulations alike."""
    dims = ("coverage", "simulation", "variable", "time")
    at = {"coverage": [0.5, 0.9], "simulation": range(6), "variable": ["u"]}
    ratio = (("variable", "time"), np.ones((1, 5)))
    shares = (dims, np.full((2, 6, 1, 5), covered))
    ranks = (("variable", "rank"), np.full((1, 17), 1 / 17))
    return xr.Dataset({"covered": shares, "spread_skill": ratio, "ranks": ranks}, at, {"calibration_runs": 8})


def flags(auroc: float, alarms: float = 0.0) -> xr.Dataset:
    """Two damages, of which one is always noticed."""
    seen = (("damage", "detector"), np.array([[1.0, 1.0], [0.5, auroc]]))
    at = {"damage": ["noise", "offset"], "detector": list(SEEN_BY), "seen_by": list(SEEN_BY)}
    return xr.Dataset({"auroc": seen, "false_alarms": ("seen_by", [alarms, alarms])}, at)


def control(share: float, lost: int = 0) -> xr.Dataset:
    """No control keeps a distance of 1, the true solver reaches 0."""
    distance = np.stack([np.full((SAMPLES, 13), v) for v in (1.0, 1.0 - share, 0.0)])
    distance[1, :lost] = np.nan
    return xr.Dataset(
        {"distance": (("controller", "episode", "time"), distance)},
        {"controller": ["none", "world_model", "adjoint"], "time": np.arange(13) / 4},
    )


def forcings(ratio: float) -> xr.Dataset:
    """Errors with the right forcing as a multiple of those with wrong ones, three samples of each run."""
    errors = np.ones((3, SAMPLES, 2))
    errors[0] = ratio
    return xr.Dataset(
        {"error": (("given", "sample", "time"), errors), "response": 1.0, "superposition": 0.0},
        {"given": ["right", "zeroed", "shuffled"], "simulation": ("sample", np.arange(SAMPLES) // 2)},
    )


def functionals(read: float) -> xr.Dataset:
    r2 = np.array([[read, 0.0], [0.99, 0.0]])
    return xr.Dataset(
        {"r2": (("target", "horizon"), r2), "rmse": (("target", "horizon"), r2)},
        {"target": ["loss", "mean"], "horizon": [0, 4]},
    )


SIDES: dict[str, tuple[xr.Dataset, xr.Dataset]] = {
    "rollouts": (
        forecast(ABOVE * held_out_rules.TIMES_PERSISTENCE),
        forecast(BELOW * held_out_rules.TIMES_PERSISTENCE),
    ),
    "budgets": (budgets(BELOW * simulation_rules.BUDGET_ERROR), budgets(ABOVE * simulation_rules.BUDGET_ERROR)),
    "scores": (scores(BELOW * held_out_rules.VRMSE), scores(ABOVE * held_out_rules.VRMSE)),
    "effects": (effects(BELOW * simulation_rules.EFFECT_ERROR), effects(ABOVE * simulation_rules.EFFECT_ERROR)),
    "forcings": (forcings(BELOW * held_out_rules.FORCING_USED), forcings(ABOVE * held_out_rules.FORCING_USED)),
    "gradients": (gradients(BELOW * simulation_rules.MISALIGNMENT), gradients(ABOVE * simulation_rules.MISALIGNMENT)),
    "long_run": (long_run(BELOW * simulation_rules.CLIMATE_RATIO), long_run(ABOVE * simulation_rules.CLIMATE_RATIO)),
    "resolution": (resolution(BELOW * simulation_rules.GRID_CHANGE), resolution(ABOVE * simulation_rules.GRID_CHANGE)),
    "refined_control": (
        refined_control(BELOW * control_rules.REDUCTION_LOST),
        refined_control(ABOVE * control_rules.REDUCTION_LOST),
    ),
    "shifts": (shifts(BELOW * VALID_ERROR), shifts(ABOVE * VALID_ERROR)),
    "probing": (probing(ABOVE * rule.READABLE), probing(BELOW * rule.READABLE)),
    "functionals": (functionals(ABOVE * rule.READABLE), functionals(BELOW * rule.READABLE)),
    "surprise": (surprise(ABOVE * rule.NOTICED), surprise(BELOW * rule.NOTICED)),
    "uncertainty": (
        uncertainty(0.9 + BELOW * held_out_rules.MISCOVERED),
        uncertainty(0.9 + ABOVE * held_out_rules.MISCOVERED),
    ),
    "flags": (flags(ABOVE * rule.NOTICED), flags(BELOW * rule.NOTICED)),
    "control": (control(ABOVE * control_rules.RELATIVE_REDUCTION), control(BELOW * control_rules.RELATIVE_REDUCTION)),
}
"""Results on the good and on the weak side of each threshold."""


def judged(results: Results, part: str, dataset: xr.Dataset) -> Finding:
    rule = verdict_rules.RULES[part]
    assert set(rule.needs) <= set(dataset.variables)
    return rule.judge(results, dataset)


def test_every_part_has_a_rule_and_is_tested_on_both_sides() -> None:
    assert set(verdict_rules.RULES) == {*EVALUATION_PARTS, "control"} == set(SIDES)


@pytest.mark.parametrize("part", SIDES)
def test_both_sides_of_every_threshold(results_of: Callable[..., Results], part: str) -> None:
    good, weak = (judged(results_of(), part, side) for side in SIDES[part])
    assert good.verdict == GOOD and good.reason == ""
    assert weak.verdict == WEAK and weak.reason
    for found in (good, weak):
        assert found.compared and found.measure is not None and found.measure.meaning


@pytest.mark.parametrize(
    ("part", "dataset", "reason"),
    [
        ("gradients", gradients(0.0, norm=1.01 * simulation_rules.NORM_FACTOR), "norm"),
        ("long_run", long_run(1.0, blown_up=1), "blew up"),
        ("probing", probing(0.9, untrained=0.95), "no better than untrained encoder"),
        ("surprise", surprise(1.0, possible=1.01 * latent_rules.UNNOTICED), "possible flow"),
        ("surprise", surprise(1.0, alarms=0.3), "30.0 % false alarms where 5.00 % are allowed"),
        ("uncertainty", uncertainty(0.9 - ABOVE * held_out_rules.MISCOVERED), "above 0.05"),
        ("flags", flags(1.0, alarms=0.06), "6.0% of sound records are flagged"),
        (
            "flags",
            flags(1.0, alarms=0.3).assign_attrs(times_as_far=2.0),
            "flagged: sound records are unlike the training data: 2.00 times as far from these as they are",
        ),
        ("control", control(1.0, lost=1), "1 of 6 episodes blew up"),
    ],
)
def test_what_else_speaks_against_a_model(
    results_of: Callable[..., Results], part: str, dataset: xr.Dataset, reason: str
) -> None:
    found = judged(results_of(), part, dataset)
    assert found.verdict == WEAK and reason in found.reason


@pytest.mark.parametrize(
    ("part", "dataset"),
    [
        ("rollouts", forecast(30.0).assign(nrmse_persistence=forecast(30.0)["nrmse"])),
        ("refined_control", refined_control(0.0, reduction=-1.0)),
        ("control", control(1.0).sel(controller=["none", "world_model"])),
        ("control", control(1.0) * 0.0),
    ],
)
def test_where_nothing_can_be_compared(results_of: Callable[..., Results], part: str, dataset: xr.Dataset) -> None:
    found = judged(results_of(), part, dataset)
    assert found.verdict == NOT_APPLICABLE and found.reason


def test_a_variable_that_does_not_vary_is_left_out_and_told(results_of: Callable[..., Results]) -> None:
    """Neither does it make a bad forecast good: one that is not finite is infinitely wrong."""
    one = scores(0.1).assign(rmse=0 * scores(0.1)["vrmse"] + 1.0)
    still = one.assign(vrmse=np.nan * one["vrmse"]).assign_coords(variable=["ice"])
    two = xr.concat([one, still], "variable")
    found = judged(results_of(), "scores", two)
    assert found.verdict == GOOD and "ice left out: no variation in the held-out data" in found.compared
    nothing = judged(results_of(), "scores", two.sel(variable=["ice"]))
    assert nothing.verdict == NOT_APPLICABLE and nothing.reason
    lost = two.assign(rmse=two["rmse"].where(two["time"] < 1, np.inf))
    assert judged(results_of(), "scores", lost).verdict == WEAK


def test_one_run_has_no_interval(results_of: Callable[..., Results]) -> None:
    for part, dataset in (("rollouts", forecast(30.0)), ("uncertainty", uncertainty(0.9)), ("scores", scores(0.1))):
        found = judged(results_of(), part, dataset.isel(simulation=[0]))
        assert found.verdict == GOOD and found.measure is not None and found.measure.interval is None


def test_what_limits_flags_is_told(results_of: Callable[..., Results]) -> None:
    """Records unlike the training data, and detectors that say nothing, where no sound record is flagged too."""
    told = {"times_as_far": 1.8, "cautions": "these say nothing"}
    found = judged(results_of(), "flags", flags(1.0).assign_attrs(told))
    assert found.verdict == GOOD and "1.80 times as far" in found.compared and "these say nothing" in found.compared


def test_the_whole_interval_decides() -> None:
    crossing = Measure("error", 0.09, (0.05, 0.11), "m")
    found = at_most(0.1, crossing, "")
    assert found.verdict == WEAK
    assert found.reason == "0.0900 m meets the threshold, but its interval reaches 0.110 m, above 0.1 m"
    assert at_most(0.11, crossing, "").verdict == at_least(0.05, crossing, "").verdict == GOOD
    assert at_least(0.06, crossing, "").verdict == WEAK
    assert at_most(1.0, Measure("error", float("nan")), "").verdict == NOT_MEASURED
    assert at_most(1.0, Measure("error", float("inf")), "").verdict == WEAK


def test_the_measure_whose_interval_reaches_worst_is_judged() -> None:
    narrow, wide = Measure("narrow", 0.095, (0.095, 0.095)), Measure("wide", 0.0915, (0.02, 0.156))
    alone, nothing = Measure("alone", 0.12), Measure("nothing", float("nan"))
    for measures in ([narrow, wide, nothing], [nothing, wide, narrow]):
        assert highest(measures) is lowest(measures) is wide
        assert at_most(0.1, highest(measures), "").verdict == WEAK
    assert highest([narrow, alone]) is alone and lowest([narrow, alone]) is narrow
    assert highest([nothing]) is lowest([nothing]) is nothing


UNSURE = [0.5, 0.5, 0.5, 0.5, 1.5, 1.5]
"""Errors over those of which all samples agree: lower by mean, root mean square and median, but not surely."""


@pytest.mark.parametrize(
    ("part", "several", "variable", "sample"),
    [
        ("budgets", "functional", "change_error", "sample"),
        ("scores", "variable", "vrmse", "simulation"),
        ("effects", "alternative", "effect_error", "sample"),
        ("long_run", "variable", "histogram_distance", "sample"),
        ("resolution", "grid", "encoding_error", "sample"),
        ("shifts", "shift", "nrmse", "sample"),
    ],
)
def test_every_one_of_several_must_surely_meet_its_threshold(
    results_of: Callable[..., Results], part: str, several: str, variable: str, sample: str
) -> None:
    """Also one whose value is better than that of another."""
    narrow = SIDES[part][0].isel({several: [0]})
    both = narrow.isel({several: [0, 0]}).assign_coords({several: ["sure", "unsure"]})
    factors = xr.DataArray([[1.0] * SAMPLES, UNSURE], dims=(several, sample))
    if "run" in both.dims:
        factors = factors.where(both["run"] == "model", 1.0)
    both = both.assign({variable: both[variable] * factors})
    assert judged(results_of(), part, narrow).verdict == GOOD
    for order in ([0, 1], [1, 0]):
        found = judged(results_of(), part, both.isel({several: order}))
        assert found.verdict == WEAK and "meets the threshold, but its interval reaches" in found.reason
        assert found.measure is not None and "unsure" in found.measure.meaning


def test_every_violation_must_surely_be_noticed_and_no_possible_flow(results_of: Callable[..., Results]) -> None:
    found = surprise(0.95).sel(violation=["energy_kick", "splice", "finer_grid"])
    found["auroc_low"].loc[{"violation": "splice"}] = 0.85  # of 1, where the other has 0.95 without a doubt
    least = judged(results_of(), "surprise", found)
    assert least.verdict == WEAK and least.measure is not None and "splice" in least.measure.meaning
    found = surprise(0.95)
    found["auroc_high"].loc[{"violation": "finer_grid"}] = 0.65
    possible = judged(results_of(), "surprise", found)
    assert possible.verdict == WEAK and possible.reason == "a possible flow reaches 0.650"
    assert possible.measure == Measure("AUROC of the possible flow noticed most (finer grid)", 0.5, (0.5, 0.65))
    assert "violation noticed least (energy kick): 0.950 (0.950 to 0.950)" in possible.compared


def test_what_decides_on_surprise_is_named(results_of: Callable[..., Results]) -> None:
    """The violation noticed least where it is missed, else false alarms, else a possible flow."""
    dataset = surprise(1.0, possible=0.7, alarms=0.3)
    alarms = judged(results_of(), "surprise", dataset)
    assert alarms.measure is not None and alarms.measure.meaning == "alarms without a violation"
    assert alarms.measure.value == pytest.approx(30.0) and alarms.measure.unit == "%"
    assert alarms.reason == "30.0 % false alarms where 5.00 % are allowed; a possible flow reaches 0.700"
    assert "noticed least" in alarms.compared and "possible flows: at most 0.700" in alarms.compared
    assert "false alarms" not in alarms.compared
    results = results_of({"surprise": dataset})
    assert "Alarms without a violation: 30.0 % false alarms" in " ".join(write_summary(results, overview(results, "R")))

    missed = judged(results_of(), "surprise", surprise(0.7, alarms=0.3))
    assert missed.measure is not None and "noticed least (energy kick)" in missed.measure.meaning
    assert missed.reason.startswith("0.700 is below 0.9; 30.0 % false alarms")


def test_norms_of_gradients_must_surely_be_right(results_of: Callable[..., Results]) -> None:
    norms = xr.DataArray([1.0, 1.0, 1.0, 1.0, 3.0, 3.0], dims="sample")
    for factors, interval in ((norms, "1.00 to 3.00"), (1 / norms, "0.333 to 1.00")):
        found = gradients(0.0)
        found["norm_ratio"] = found["norm_ratio"] * factors
        reason = judged(results_of(), "gradients", found).reason
        assert reason == f"its norm is 1.00 ({interval}) times the true one"


def test_long_runs_without_a_distance_to_compare_are_counted(results_of: Callable[..., Results]) -> None:
    for blown_up, verdict in ((0, GOOD), (1, WEAK)):
        runs = long_run(1.0, blown_up)
        found = judged(results_of(), "long_run", runs.assign(histogram_distance=0 * runs["histogram_distance"]))
        assert found.verdict == verdict and "no distance between them" in found.compared
        assert found.measure == Measure(f"share of {SAMPLES} runs that blew up", blown_up / SAMPLES)


def test_latents_that_are_not_finite_are_weak(results_of: Callable[..., Results]) -> None:
    found = judged(results_of(), "resolution", resolution(float("nan")))
    assert found.verdict == WEAK and "infinite" in found.reason


def test_what_is_not_there_is_told(results_of: Callable[..., Results]) -> None:
    old = SIDES["gradients"][0].drop_vars("norm_ratio")
    rows = overview(
        results_of({"gradients": old}, metrics={"left_out": {"probing": "it needs a periodic domain"}}), "R"
    )
    found = {row.part: row.finding for row in rows}
    assert list(found) == ["control", *(part for part in EVALUATION_PARTS if part not in OF_FILES)]
    assert found["probing"] == Finding(NOT_APPLICABLE, reason="it needs a periodic domain")
    assert found["gradients"].verdict == found["effects"].verdict == found["control"].verdict == NOT_MEASURED
    assert "lack norm_ratio" in found["gradients"].reason
    assert found["effects"].reason == "'sciwm evaluate R' measures it"


def test_summary_tells_what_is_weak(results_of: Callable[..., Results]) -> None:
    results = results_of({"shifts": SIDES["shifts"][1], "effects": SIDES["effects"][0]})
    summary = " ".join(write_summary(results, overview(results, "R")))
    assert "Of 2 results, <b>1 is good</b>" in summary
    assert "<b>Weak: Shifts outside the data.</b> Normalised error under viscosity × 2" in summary
    assert "Of " not in " ".join(write_summary(results, overview(results_of(), "R")))
