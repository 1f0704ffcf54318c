"""The physics benchmark: variants, claims and their verdicts, stored cells, and one tiny benchmark as a whole."""

import json
import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import simulations
from sciwm.baselines import Persistence, recordings
from sciwm.benchmarks import BENCHMARKS, results, run_benchmark, update_tables
from sciwm.benchmarks import runner as benchmark_run
from sciwm.benchmarks.cells import cached, settings_bytes
from sciwm.benchmarks.physics import factorial, measure, resolution_rows
from sciwm.benchmarks.physics.ablation import CLAIMS, LEFT_OUT, PARTS, QUICK_CELLS, _planned, part_of, run, run_some
from sciwm.benchmarks.physics.baselines import BASELINES, LEARNED
from sciwm.benchmarks.physics.calibration import Cost, cost_of_training
from sciwm.benchmarks.physics.claims import COMPARE, Claim, judge, judge_seeds, verdict
from sciwm.benchmarks.physics.measure import LARGEST_ERROR
from sciwm.benchmarks.physics.scenario import Scenario
from sciwm.benchmarks.physics.systems import SYSTEMS, horizons, system_config, time_unit
from sciwm.benchmarks.physics.trained import trained_cell
from sciwm.benchmarks.physics.variants import BASE, DEFAULT, NONLINEAR_ENCODER, VARIANTS
from sciwm.benchmarks.results import Row
from sciwm.config import LEARNED_SECTIONS, Config
from sciwm.data import Trajectories
from sciwm.errors import InputError, Problem
from sciwm.evaluation import paired_bootstrap
from sciwm.evaluation.suite import Measure
from sciwm.provenance import source_commit
from sciwm.training import NothingLearned

MEASURES = {"valid_time", "energy_drift", "energy_change_error", "energy_read_error", "budget_residual", "effect_held",
            "effect_rough", "blown_up", "climate_distance", "gradient_half", "gradient_one", "probe_ridge",
            "probe_network", "equivariance_error", "saving", "regret"}  # fmt: skip
"""Of a variant; a test below finds all of them in cells."""

PROBES = {"probe_ridge", "probe_network"}

KAPLAN_YORKE = {"ks22": 4.2, "ks60": 12.5}


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_variant_of_every_system_is_an_experiment(system: str) -> None:
    """All overrides are known and fit together, the simulations are the same ones but for scarce data."""
    base = system_config(system, 1)
    assert "energy" in simulations.build(base.simulation.model_dump()).functional_names
    for variant in VARIANTS.values():
        config = system_config(system, 1, variant.overrides)
        assert (config.simulation, config.data, config.seed) == (base.simulation, base.data, 1)
    for baseline in LEARNED.values():
        assert system_config(system, 1, baseline.overrides).simulation == base.simulation


def test_weights_are_the_same_for_all_systems() -> None:
    """All of the objective but how far a rollout goes."""
    losses = [system_config(s, 0, VARIANTS["all"].overrides).loss.model_copy(update={"horizon": 1}) for s in SYSTEMS]
    assert all(loss == losses[0] for loss in losses)


def test_a_part_brings_the_variants_that_it_measures() -> None:
    for part, variants in {
        "resolution": {DEFAULT, NONLINEAR_ENCODER},
        "symmetry": {BASE, NONLINEAR_ENCODER},
        "surprise": {DEFAULT},
    }.items():
        assert {name for name, _ in _planned("ks22", [part], (0,), False)} == {*variants, part}


def test_what_is_left_out_is_known_and_the_first_system_has_everything() -> None:
    assert set(LEFT_OUT) == set(SYSTEMS[1:])
    for names in LEFT_OUT.values():
        assert set(names) <= {*VARIANTS, *BASELINES, *PARTS}


def test_systems_are_measured_in_lyapunov_times() -> None:
    """KS latents stay below three times the Kaplan-Yorke dimension, rounded up to eights; others count intervals."""
    for system, dimension in KAPLAN_YORKE.items():
        numbers = 2 * system_config(system, 0).model.latent_modes + 1
        assert numbers < 8 * np.ceil(3 * dimension / 8)
    assert time_unit(system_config("ks60", 0)) == pytest.approx(1 / 0.087)
    assert horizons(system_config("burgers", 0)) == pytest.approx((2.0, 4.0))


def test_claims_speak_of_what_is_measured() -> None:
    """Every variant of a claim exists, so does what is measured of it; no claim is made twice."""
    assert {claim.measure for claim in CLAIMS} <= MEASURES and PROBES < MEASURES
    for claim in CLAIMS:
        assert claim.variant in VARIANTS
        assert claim.against in ("", *VARIANTS, *BASELINES)
    assert len({(c.variant, c.measure, c.kind, c.against) for c in CLAIMS}) == len(CLAIMS)
    assert set(QUICK_CELLS) <= {*VARIANTS, *BASELINES}
    assert part_of("dmdc") == "baselines"
    assert {VARIANTS[name].part for name in factorial.COMBINATIONS.values()} == {"physics", "equivariance", "factorial"}


@pytest.mark.parametrize(
    ("kind", "low", "high", "expected"),
    [
        ("decrease", 0.5, 0.7, "accepted"),
        ("decrease", 0.4, 0.7, "undecided"),
        ("decrease", 0.1, 0.49, "rejected"),
        ("below", 0.1, 0.5, "accepted"),
        ("below", 0.4, 0.6, "undecided"),
        ("below", 0.6, 0.7, "rejected"),
        ("within", -0.5, 0.5, "accepted"),
        ("within", -0.6, 0.1, "undecided"),
        ("within", -0.9, -0.6, "rejected"),
        ("within", 0.6, 0.7, "rejected"),
    ],
)
def test_a_verdict_needs_the_whole_interval(kind: str, low: float, high: float, expected: str) -> None:
    """One side of the threshold, the other, or across it."""
    claim = Claim("a", "error", kind, 0.5, "b")  # type: ignore[arg-type]
    assert verdict(claim, low, high) == expected


def test_pairs_cancel_what_simulations_have_in_common() -> None:
    """A difference that is the same in every simulation is known exactly, however much these differ."""
    rng = np.random.default_rng(0)
    groups = [10 + rng.normal(size=6), 20 + rng.normal(size=9)]
    value, low, high = paired_bootstrap([g + 0.25 for g in groups], groups, COMPARE["difference"])
    assert (value, low, high) == pytest.approx((0.25, 0.25, 0.25))
    halves = paired_bootstrap([g / 2 for g in groups], groups, COMPARE["decrease"])
    assert halves == pytest.approx((0.5, 0.5, 0.5))
    shuffled = paired_bootstrap([g[::-1] for g in groups], groups, COMPARE["difference"])
    assert shuffled[1] < -0.01 < 0.01 < shuffled[2]


def test_few_groups_are_redrawn_whole() -> None:
    """Groups that differ widen the interval of the mean beyond that of their samples."""
    apart = [np.zeros(50), np.ones(50)]
    value, low, high = paired_bootstrap(apart, apart, COMPARE["above"])
    assert (value, low, high) == (0.5, 0.0, 1.0)


def test_what_cannot_be_compared_is_not_judged() -> None:
    """Missing samples, shares of what may be nothing, and a regret that is as good as none."""
    claim = Claim("a", "regret", "decrease", 0.2, "b")

    def judged(variant: list[float], other: list[float]) -> tuple[str, float | None]:
        samples = {n: {"regret": [v], "saving": [[10.0]]} for n, v in {"a": variant, "b": other}.items()}
        row = judge(claim, "ks22", samples, 5.0)
        return row["verdict"], row["value"]

    assert judge(claim, "ks22", {}, 5.0)["verdict"] == "not measured"
    assert judged([1.0], [1.0, 2.0]) == ("not measured", None)
    assert judged([1.0, 2.0], [-1.0, 1.5]) == ("undecided", None)
    assert judged([0.01, 0.02], [0.02, 0.04]) == ("saturated", None)
    cosines = {"a": {"gradient_one": [[0.999, 0.9999]]}, "b": {"gradient_one": [[0.998, 0.999]]}}
    assert judge(Claim("a", "gradient_one", "difference", 0.0, "b"), "ks22", cosines, 5.0)["verdict"] == "saturated"
    assert judge(Claim("a", "gradient_one", "above", 0.9), "ks22", cosines, 5.0)["verdict"] == "accepted"
    assert judged([1.0, 2.0], [2.0, 4.0]) == ("accepted", 0.5)
    assert judged([1.0, 2.0], [0.02, 0.04])[0] == "rejected"


def test_seeds_with_intervals_of_their_own_are_judged_together() -> None:
    """Mean of the values, between the lowest and the highest end; one that is missing leaves nothing to judge."""
    claim = Claim(DEFAULT, "AUROC, splice", "above", 0.95)
    row = judge_seeds(claim, "ks22", [(0.98, 0.96, 1.0), (0.96, 0.95, 0.99)])
    assert (row["value"], row["interval"], row["verdict"]) == (0.97, [0.95, 1.0], "accepted")
    assert judge_seeds(claim, "ks22", [(0.98, 0.96, 1.0), (0.96, 0.94, 0.99)])["verdict"] == "undecided"
    assert judge_seeds(claim, "ks22", [(0.98, 0.96, 1.0), (math.nan, 0.95, 0.99)])["verdict"] == "not measured"
    assert judge_seeds(claim, "ks22", [])["value"] is None


def test_forecasts_that_outlast_the_test_cannot_be_compared() -> None:
    """If most do so on both sides: who loses the flow where the other does not is told so, and who both lose it."""
    claim = Claim("a", "valid_time", "ratio", 0.9, "b")

    def judged(variant: list[float], other: list[float]) -> str:
        verdict = judge(claim, "burgers", {"a": {"valid_time": [variant]}, "b": {"valid_time": [other]}}, 5.0)[
            "verdict"
        ]
        return str(verdict)

    assert judged([5.0, 5.0, 4.0], [5.0, 5.0, 4.5]) == "saturated"
    assert judged([5.0, 5.0, 4.0], [5.0, 4.5, 4.0]) == "accepted"
    assert judged([0.1, 0.2, 0.1], [5.0, 5.0, 5.0]) == "rejected"
    assert judged([0.5, 0.5, 0.5], [0.1, 0.1, 0.1]) == "accepted"


def test_climates_at_the_floor_cannot_be_compared() -> None:
    """What lies between true runs is the least that any run can show."""
    claim = Claim("a", "climate_distance", "decrease", 0.1, "b")

    def measured(distances: Sequence[float]) -> dict[str, list[list[float]]]:
        lost = [float(d == LARGEST_ERROR) for d in distances]
        return {"climate_distance": [list(distances)], "climate_floor": [[1.0, 1.0, 1.0]], "blown_up": [lost]}

    def judged(variant: Sequence[float], other: Sequence[float]) -> str:
        return str(judge(claim, "ks22", {"a": measured(variant), "b": measured(other)}, 5.0)["verdict"])

    assert judged([1.05] * 3, [1.09] * 3) == "saturated"
    assert judged([1.05] * 3, [2.0] * 3) == "accepted"
    assert judged([2.0] * 3, [1.05] * 3) == "rejected"
    assert judged([1.05, 1.05, LARGEST_ERROR], [1.09, 1.09, LARGEST_ERROR]) == "saturated"
    assert judged([1.05, 2.0, LARGEST_ERROR], [1.09, 1.09, LARGEST_ERROR]) != "saturated"
    assert judged([1.05, LARGEST_ERROR, 1.05], [1.05, 1.05, LARGEST_ERROR]) != "saturated"
    assert judged([LARGEST_ERROR] * 3, [LARGEST_ERROR] * 3) == "rejected"


@pytest.mark.parametrize("unit", [1e-18, 1.0, 1e18])
def test_the_relative_reduction_is_one_for_the_best_and_zero_without_control(unit: float) -> None:
    """Of costs of 4 without control and 1 at best; none where nothing can be reduced, or nothing was planned."""
    references = {"none": [3.0 * unit, 5.0 * unit], "adjoint": [unit, unit]}
    for costs, share in (([1.0, 1.0], 1.0), ([3.0, 5.0], 0.0), ([2.0, 3.0], 0.5), ([6.0, 8.0], -1.0)):
        saving = [none - unit * cost for none, cost in zip(references["none"], costs, strict=True)]
        assert measure.mean_relative_reduction({"saving": saving}, references) == pytest.approx(share)
    nothing = [cost * (1 - 1e-15) for cost in references["none"]]
    assert measure.mean_relative_reduction({"saving": [unit, unit]}, references | {"adjoint": nothing}) is None
    assert measure.mean_relative_reduction({}, references) is None


def test_effects_of_factors_that_add_and_multiply() -> None:
    """Of 10 + 3 e - 2 b + 4 e s: each factor by itself, one interaction, all others nothing."""
    rng = np.random.default_rng(0)
    drift = [rng.normal() for _ in range(5)]  # of the seeds, which all combinations share

    def measured(e: bool, b: bool, s: bool) -> list[list[float]]:
        mean = 10 + 3 * e - 2 * b + 4 * (e and s)
        return [[mean + d - 1, mean + d + 1] for d in drift]

    values = {variant: measured(*present) for present, variant in factorial.COMBINATIONS.items()}
    rows = factorial.effects({variant: dict.fromkeys(factorial.MEASURES, v) for variant, v in values.items()})
    found = {row["factors"]: (row["effect"], *row["interval"]) for row in rows if row["measure"] == "regret"}
    expected = {"equivariance": 5, "budget": -2, "tangents": 2, "equivariance x tangents": 2}
    others = ("equivariance x budget", "budget x tangents", "equivariance x budget x tangents")
    for name, effect in (expected | dict.fromkeys(others, 0)).items():
        assert found.pop(name) == pytest.approx((effect,) * 3)
    assert not found
    measured_on = {variant: dict.fromkeys(factorial.MEASURES, v) for variant, v in values.items()}
    later = [[v + 4 * s for v in of] for s, of in enumerate(values["base"])]
    measured_on["base"] = {measure: later for measure in factorial.MEASURES}
    row = factorial.effects(measured_on)[0]
    assert row["effect"] == pytest.approx(5 + 2), "of five seeds 0, 4, 8, 12, 16 more in one of four pairs"
    low, high = row["interval"]
    half = 2.776 * np.std([0, 1, 2, 3, 4], ddof=1) / 5**0.5
    assert (low, high) == pytest.approx((7 - half, 7 + half), rel=1e-3)
    assert len(rows) == 7 * len(factorial.MEASURES)
    assert rows[0]["without"] == pytest.approx(10 + np.mean(drift))


def test_cost_of_training_counts_epochs() -> None:
    """The updates that fit into the time of others take that time."""
    cost = Cost(fixed=2.0, update=0.5, epoch=1.0)
    assert cost.total(25, 10) == 2.0 + 12.5 + 3.0
    assert cost.updates_within(cost.total(100, 10), 10) == 100
    assert cost.updates_within(0.0, 10) == 1


def test_a_stored_cell_is_made_again_for_other_inputs_alone(config: Config, tmp_path: Path) -> None:
    """A cell that is stored is read; one that was made from other inputs is made anew."""
    path, settings = tmp_path / "cells" / "a.json", settings_bytes(config, LEARNED_SECTIONS)
    assert cached(path, [settings], lambda: {"value": 1})["value"] == 1
    measured_longer = config.model_copy(update={"evaluation": config.evaluation.model_copy(update={"steps": 7})})
    again = cached(path, [settings_bytes(measured_longer, LEARNED_SECTIONS)], lambda: pytest.fail("made again"))
    assert again == {"value": 1, "commit": source_commit()}
    other = settings_bytes(config.model_copy(update={"seed": 7}), LEARNED_SECTIONS)
    assert cached(path, [other], lambda: {"value": 2})["value"] == 2
    assert cached(path, [settings], lambda: {"value": 3})["value"] == 3
    assert cached(path, [settings, b"a"], lambda: {"value": 4})["value"] == 4
    assert cached(path, [settings, b"b"], lambda: {"value": 5})["value"] == 5


def test_a_training_that_comes_to_nothing_is_a_result_and_bad_input_is_not(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = [Problem("training", "a finite held-out error", "none in any epoch")]

    def fail(error: type[InputError]) -> None:
        def train(run: Path) -> None:
            raise error(problem)

        monkeypatch.setattr("sciwm.experiment.stages.train", train)

    fail(InputError)
    with pytest.raises(InputError):
        trained_cell(scenario, "failing", VARIANTS["base"])
    fail(NothingLearned)
    cell = trained_cell(scenario, "failing", VARIANTS["base"])
    assert "a finite held-out error" in cell["failed"] and cell["samples"] == {}


def test_a_short_training_that_learns_nothing_finite_tells_what_it_costs(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty updates may be too few for rollouts that stay finite."""

    def train(config: Config, *_: object, advance: Callable[[int, str], None]) -> None:
        advance(0, "")
        for _ in range(config.training.updates):
            sum(range(10**5))
            advance(1, "")
        raise NothingLearned([Problem("training", "a finite held-out error", "none in any epoch")])

    monkeypatch.setattr("sciwm.benchmarks.physics.calibration.train", train)
    cost = cost_of_training(scenario, "hopeless", VARIANTS["base"].overrides)
    assert 1e-5 < cost.update < 1


def test_a_term_that_asks_for_something_else_is_trained_anew(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings alone do not tell; what was trained before is kept for variants that ask for the same."""
    trained: list[Path] = []

    def train(run: Path) -> None:
        trained.append(run)
        raise NothingLearned([Problem("training", "a finite held-out error", "none in any epoch")])

    monkeypatch.setattr("sciwm.experiment.stages.train", train)
    for version, times in ((1, 1), (1, 1), (2, 2), (2, 2)):
        trained_cell(scenario, "changing", replace(VARIANTS["base"], version=version))
        assert len(trained) == times


def test_what_is_lost_beyond_measure_is_bounded_and_told() -> None:
    rows = resolution_rows._rows(
        "heads", ["lost", "none"], [Measure("a", math.inf, (0.5, math.inf)), Measure("b", math.nan)]
    )
    assert [row["value"] for row in rows] == [measure.LARGEST_ERROR, None]
    assert [row["interval"] for row in rows] == [[0.5, measure.LARGEST_ERROR], None]


def test_r_squared_within_simulations_is_the_mean_over_them() -> None:
    """1 for the truth, 0 for the mean of each simulation, whatever differs between simulations; lost is lost."""
    truth = np.random.default_rng(0).normal(size=(5, 7, 3)) + 10 * np.arange(5)[:, None, None]
    assert np.mean(measure._within_r2(truth, truth)) == pytest.approx(1)
    means = np.broadcast_to(truth.mean(axis=1, keepdims=True), truth.shape)
    assert np.mean(measure._within_r2(truth, means)) == pytest.approx(0)
    assert min(measure._within_r2(truth, np.where(truth > 10, np.nan, truth))) == 1 - measure.LARGEST_ERROR


# One whole, tiny -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a quick run, its rows in ``rows.json``."""
    folder = tmp_path_factory.mktemp("physics")
    (folder / "rows.json").write_text(json.dumps(run(True, folder, (0,))))
    return folder


@pytest.fixture(scope="module")
def scenario(whole: Path) -> Scenario:
    """Of the quick run."""
    return Scenario("ks22", 0, whole / "ks22" / "seed_0", quick=True)


def test_a_quick_run_measures_everything(whole: Path) -> None:
    """A row for every variant, claim, violation and grid, with numbers that the variants must show."""
    rows = json.loads((whole / "rows.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    variants = {row["variant"]: row for row in rows if row["kind"] == "variant"}
    assert tuple(variants) == tuple(n for n in (*VARIANTS, *BASELINES) if n in QUICK_CELLS)
    assert not any(row["failed"] for row in variants.values())
    assert variants["base"]["equivariance_error"][0] < 1e-5 < 1e-3 < variants["off"]["equivariance_error"][0]
    assert variants["persistence"]["effect_rough"] == pytest.approx([1.0])
    assert "regret" not in variants["persistence"]
    told = {name: variants[name]["in_default"] for name in ("base", "heads", "budget", "off", "dmdc")}
    assert told == {"base": "", "heads": "on", "budget": "off", "off": "off", "dmdc": ""}
    assert variants["base"]["nrmse_12"] < variants["persistence"]["nrmse_12"]
    assert set(variants["heads"]) >= MEASURES - PROBES
    assert "budget_residual" in variants["base"]
    assert "budget_residual" not in variants["fields_one_step"] | variants["dmdc"]
    assert variants["koopman"]["parameters"][0] == pytest.approx(variants[DEFAULT]["parameters"][0], rel=0.2)
    assert all(0 < low < high for row in variants.values() for low, high in [row["nrmse_12_interval"]])
    verdicts = {(r["variant"], r["measure"], r["against"]): r["verdict"] for r in rows if r["kind"] == "claim"}
    assert verdicts["base", "equivariance_error", ""] == "accepted"
    assert "not measured" not in verdicts.values()
    assert verdicts["base", "translation error of the predictor", ""] == "accepted"
    surprises = {r["violation"]: r for r in rows if r["kind"] == "surprise"}
    assert set(surprises) >= {"splice", "consistent_shift", "viscosity_change"}
    kick = surprises["energy_kick"]
    assert kick["sizes"] == [0.05, 0.1] and len(kick["curve"]["latent"]) == 2
    assert kick["curve"]["latent"][0] == kick["latent"][0], "AUROC at the default size"
    assert any("latent on 128 points" in r["meaning"] for r in rows if r["kind"] == "resolution")
    claimed = {r["measure"]: r["claim"] for r in rows if r["kind"] == "claim" and r["variant"] == DEFAULT}
    assert claimed["AUROC, splice"] == "at least 0.95"
    assert claimed["AUROC, consistent_shift"] == "at most 0.6"
    assert claimed["change of the latent on a grid 2 times as fine"] == "at most 0.001"
    for picture in ("physics.png", "physics-surprise.png"):
        assert (whole / picture).stat().st_size > 10_000


def test_a_run_of_a_part_leaves_its_cells_to_the_whole(whole: Path) -> None:
    """Nothing is trained twice; a cell that is gone is made again, the same to the last digit."""
    cells = whole / "ks22" / "seed_0" / "cells"
    before = {path: path.stat().st_mtime_ns for path in cells.iterdir()}
    old = json.loads((cells / "heads.json").read_text())
    (cells / "heads.json").unlink()
    rows = run_some(True, whole, (0,), ["ks22", "physics"])
    assert {row["variant"] for row in rows if row["kind"] == "variant"} == {"base", "heads", "budget", "twins"}
    assert {path for path in cells.iterdir() if path.stat().st_mtime_ns != before[path]} == {cells / "heads.json"}
    assert json.loads((cells / "heads.json").read_text())["samples"] == old["samples"]


def test_weights_of_variants_that_were_not_asked_for_are_not_measured(whole: Path) -> None:
    """What an earlier run has left in the folder is no part of this table."""
    runs = whole / "ks22" / "seed_0" / "runs"
    shutil.copytree(runs / "base", runs / NONLINEAR_ENCODER)
    rows = run_some(True, whole, (0,), ["symmetry"])
    shutil.rmtree(runs / NONLINEAR_ENCODER)
    assert {row["variant"] for row in rows if row["kind"] == "symmetry"} == {"base"}


def test_scarce_data_are_the_first_of_the_full_data(scenario: Scenario) -> None:
    """Half of the simulations, value for value; validation and test set are shared."""
    half, full = scenario.data(0.5) / "data", scenario.data() / "data"
    assert (half / "test.zarr").resolve() == (full / "test.zarr").resolve()
    some, every = (recordings(Trajectories(folder / "train.zarr")).fields for folder in (half, full))
    assert len(some) * 2 == len(every)
    torch.testing.assert_close(some, every[: len(some)], rtol=0, atol=0)


def test_the_truth_is_beyond_reproach(scenario: Scenario) -> None:
    """The simulation measured as a dynamics: no error, no drift, the right gradients and effects, and no shift."""
    truth = scenario.simulation
    found = measure.forecasts(truth, scenario) | measure.budgets(truth, scenario) | measure.effects(truth, scenario)
    found |= (
        measure.gradients(truth, scenario) | measure.equivariance(truth, scenario) | measure.long_run(truth, scenario)
    )
    assert found["climate_distance"] == pytest.approx(found["climate_floor"]) and not any(found["blown_up"])
    assert set(measure.probed(truth, scenario)) == PROBES
    starts, actions = scenario.long_run()
    assert starts.mean(dim=2).abs().max() < 1e-5 and not actions.any(), "a free flow keeps its mean for ever"
    length = scenario.config.evaluation.steps * truth.control_interval / time_unit(scenario.config)
    assert found["valid_time"] == pytest.approx([length] * len(scenario.test.usable))
    for name in ("nrmse_12", "energy_drift", "energy_change_error", "effect_rough", "equivariance_error"):
        assert max(found[name]) < 1e-3, name
    assert min(found["gradient_half"]) > 0.999


def test_who_ignores_actions_is_told_so(scenario: Scenario) -> None:
    """Persistence has no effect of actions, no gradients and no change of energy."""
    still = Persistence(scenario.simulation.actuators, scenario.simulation.control_interval)
    assert measure.effects(still, scenario)["effect_held"] == pytest.approx([1.0] * 4)
    assert measure.gradients(still, scenario)["gradient_half"] == [0.0, 0.0]
    assert np.mean(np.square(measure.budgets(still, scenario)["energy_change_error"])) > 0.5


def test_parts_are_asked_for_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown parts, and parts of a benchmark that has none, are refused with what there is."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"--only: expected some of ks22, .*got ks23"):
        run_benchmark("physics", quick=True, out=None, only=["ks23"])
    with pytest.raises(InputError, match="demo has no parts"):
        run_benchmark("demo", quick=True, out=None, only=["ks22"])


def test_every_view_is_a_table(whole: Path) -> None:
    """Variants, claims, violations and grids each show their rows."""
    result = {"rows": json.loads((whole / "rows.json").read_text())}
    result |= {"command": "sciwm benchmark physics", "seeds": [0], "machine": "m", "date": "d", "commit": "c"}
    benchmark = BENCHMARKS["physics"]
    for view in (benchmark, *(v for name, v in benchmark.views.items() if name != "factorial")):
        lines = view.table(result).splitlines()
        assert len(lines) > 5
        assert len({line.count("|") for line in lines if line.startswith("|")}) == 1


def test_systems_stand_side_by_side_in_the_order_that_is_told() -> None:
    """Means over seeds, a dash where a system was not asked, ranges over seeds, and effects by factor."""
    rows: list[Row] = [
        {"kind": "variant", "system": s, "variant": a, "in_default": "on", "valid_time": v, "cpu_seconds": [None, None],
         "part": part, "hypothesis": "linear"}
        for s, a, v, part in (("ks22", "base", [2.0, 4.0], "physics"), ("burgers", "base", [1.0, 1.0], "physics"),
                              ("ks22", "all", [5.0, 5.0], "physics"), ("ks60", "dmdc", [0.5, 0.5], "baselines"),
                              ("ks22", "heads", [4.0, 4.0], "physics"))
    ]  # fmt: skip
    rows += [
        {"kind": "resolution", "system": "ks60", "variant": "heads", "measure": "loss", "value": v}
        for v in (0.1, 0.3, None)
    ]
    rows += [
        {"kind": "factorial", "system": "ks22", "factors": f, "measure": m, "without": 7.0, "effect": 2.0,
         "interval": [1.0, 3.0]}
        for f in ("budget", "budget x tangents") for m in factorial.MEASURES
    ]  # fmt: skip
    about = {"rows": rows, "command": "c", "seeds": [0, 1], "machine": "m", "date": "d", "commit": "abc"}
    physics = BENCHMARKS["physics"]
    first, _, *variants = physics.table(about).splitlines()
    assert first.startswith(
        "| variant (ks22 / ks60 / burgers / kolmogorov) | in the default model | parameters | latent size | valid "
    )
    assert [line.split(" | ")[4] for line in variants[:2]] == ["3 / - / 1 / -", "5 / - / - / -"]
    _, _, *beside = physics.views["baselines"].table(about).splitlines()
    assert [line[2:50].split(" | ")[:3] for line in beside[:2]] == [
        ["dmdc", "linear", "- / 0.5 / - / -"],
        ["heads", "the default model", "4 / - / - / -"],
    ]
    resolution = physics.views["resolution"].table(about).splitlines()
    assert resolution[2] == "| heads | loss | - | 0.2 (0.1 to 0.3) | - | - |"
    effects = physics.views["factorial"].table(about).splitlines()
    assert effects[2].startswith("| none of them | 7 | 7 |")
    assert effects[4].startswith("| budget x tangents | 2 (1 to 3) |")


def test_systems_can_be_accepted_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table holds every system that is there and says how each was measured; a result of all takes their place."""
    for module in (results, benchmark_run):
        monkeypatch.setattr(module, "ACCEPTED", tmp_path)

    def accept(name: str, value: float, *systems: str) -> None:
        rows = [{"kind": "variant", "system": s, "variant": "base", "in_default": "", "valid_time": [value],
                 "valid_time_interval": [value, value]} for s in systems]  # fmt: skip
        about = {"command": f"measure {name}", "seeds": [0], "machine": "m", "date": "d", "commit": "abc"}
        (tmp_path / f"{name}.json").write_text(json.dumps(about | {"rows": rows}))

    readme = tmp_path / "README.md"
    readme.write_text("before <!-- table:physics --> old <!-- end --> after")
    with pytest.raises(InputError, match="expected an accepted result, got none"):
        update_tables([readme])
    accept("physics-kolmogorov", 2.0, "kolmogorov")
    accept("physics-ks22", 4.0, "ks22")
    assert update_tables([readme]) == {readme: ["physics"]}
    text = readme.read_text()
    assert "4 / - / - / 2" in text and "old" not in text and text.startswith("before") and text.endswith("after")
    assert text.index("`measure physics-ks22`") < text.index("`measure physics-kolmogorov`")
    assert (tmp_path / "physics.png").exists()
    accept("physics", 5.0, "ks22", "ks60")
    update_tables([readme])
    assert "5 / 5 / - / -" in readme.read_text() and "measure physics-ks22" not in readme.read_text()


def test_a_part_that_a_system_goes_without_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="--only: expected a part that is measured on the system, got collapse of burgers"
    ):
        run_some(False, tmp_path, (0,), ["burgers", "collapse"])
