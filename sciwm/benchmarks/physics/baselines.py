"""Baselines of the default model: on the same data, with about as many parameters and as much CPU time."""

import math
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from sciwm.baselines import Persistence, recordings, tune
from sciwm.benchmarks.cells import Cell, cached, settings_bytes
from sciwm.benchmarks.physics.calibration import cost_of_training
from sciwm.benchmarks.physics.claims import Claim
from sciwm.benchmarks.physics.measure import VERSION
from sciwm.benchmarks.physics.scenario import Scenario
from sciwm.benchmarks.physics.trained import measured, parameters_of, trained_cell
from sciwm.benchmarks.physics.variants import DEFAULT, NONLINEAR, PREDICTION_ALONE, VARIANTS, Variant
from sciwm.data import Trajectories, fit_domain
from sciwm.model import WorldModel
from sciwm.run_paths import RunPaths

FEWEST_UPDATES = 20

TIMED = "budget"
"""The variant whose training sets the CPU time of baselines; it takes 9 to 17 % longer than the default one."""

PRODUCTS = (4, 8, 12)
"""How many leading coefficients EDMDc multiplies with one another; tuned."""


@dataclass(frozen=True)
class Baseline:
    """A baseline that is trained as the world model is.

    Args:
        hypothesis: what it is.
        overrides: settings that differ from the experiment of the system.
        size_setting: the setting by which its number of parameters is brought close to that of the default model;
            empty if it has as many anyway.
        sizes: values of this setting to choose from, ascending.
    """

    hypothesis: str
    overrides: tuple[str, ...]
    size_setting: str = ""
    sizes: Sequence[int] = ()


FIELDS = (*PREDICTION_ALONE, NONLINEAR, "model.latent=fields", "model.conserved=[]")
"""Fourier neural operators. On a seed that is not scored, two layers and the default learning rate were better than
four layers, and than a rate of 3e-3."""

WIDTHS = tuple(range(2, 65))
LEARNED = {
    "longer": Baseline("prediction and anti-collapse alone, for as much CPU time as budget takes", PREDICTION_ALONE),
    # anti-collapse at 10, since at the weight of the others the latent collapsed on a seed that is not scored
    "koopman": Baseline(
        "linear dynamics in a latent four times as large",
        (
            *PREDICTION_ALONE,
            NONLINEAR,
            "model.predictor.kind=linear",
            "model.latent_channels=4",
            "loss.collapse.weight=10",
        ),
        "model.encoder.width",
        WIDTHS,
    ),
    "fields_one_step": Baseline(
        "a Fourier neural operator, trained on one step", (*FIELDS, "loss.rollout=0"), "model.encoder.width", WIDTHS
    ),
    "fields_rollout": Baseline("a Fourier neural operator, trained on rollouts", FIELDS, "model.encoder.width", WIDTHS),
    # with more layers of the encoder it was worse on a seed that is not scored
    "autoencoder": Baseline(
        "an encoder trained to reconstruct the fields", (*PREDICTION_ALONE, "loss.encoder_learns_from=reconstruction")
    ),
    "one_step_sigreg": Baseline(
        "the objective of LeWorldModel: one step and SIGReg",
        (*PREDICTION_ALONE, "loss.rollout=0", "loss.collapse.kind=sigreg", "loss.collapse.weight=10"),
    ),
}
CLOSED_FORM = {
    "persistence": "the fields do not change",
    "dmdc": "linear dynamics of principal components (DMDc)",
    "edmdc": "linear dynamics of principal components and their products (EDMDc)",
}
BASELINES = (*CLOSED_FORM, *LEARNED)
PLANNERS = ("dmdc", "edmdc", *LEARNED)

CLAIMS: tuple[Claim, ...] = (
    *(Claim(DEFAULT, "valid_time", "ratio", 1.1, name) for name in BASELINES),
    *(Claim(DEFAULT, "effect_rough", "decrease", 0.0, name) for name in BASELINES),
    *(Claim(DEFAULT, "energy_change_error", "decrease", 0.2, name) for name in BASELINES),
    Claim(DEFAULT, "energy_drift", "decrease", 0.3, "longer"),
    *(Claim(DEFAULT, "regret", "decrease", 0.2, name) for name in PLANNERS),
)


def hypothesis_of(name: str) -> str:
    """What a baseline is, in words."""
    return LEARNED[name].hypothesis if name in LEARNED else CLOSED_FORM[name]


def baseline_cell(scenario: Scenario, name: str) -> Cell:
    """A baseline, fitted or trained, and measured."""
    if name in CLOSED_FORM:
        path = scenario.folder / "cells" / f"{name}.json"
        return cached(path, [settings_bytes(scenario.config), VERSION], lambda: _closed_form(scenario, name))
    return trained_cell(scenario, name, matched_variant(scenario, name))


def _closed_form(scenario: Scenario, name: str) -> Cell:
    interval, actuators = scenario.simulation.control_interval, scenario.simulation.actuators
    numbers = len(scenario.simulation.variables) * math.prod(scenario.simulation.grid.shape)
    about: Cell = {"cpu_seconds": 0.0, "updates": 0, "parameters": 0, "latent_size": numbers}
    if name == "persistence":
        return about | measured(scenario, Persistence(actuators, interval), plans=False)
    began = time.process_time()
    sets = [recordings(s) for s in (scenario.train, Trajectories(RunPaths(scenario.data()).store("validation")))]
    products = (0,) if name == "dmdc" else PRODUCTS
    model, _ = tune(sets[0], sets[1], horizon=scenario.config.loss.horizon, products=products)
    learned = sum(t.numel() for t in (model.transition, model.control, model.offset, model.modes.basis))
    about |= {"cpu_seconds": time.process_time() - began, "parameters": learned, "latent_size": len(model.offset)}
    return about | measured(scenario, model)


def matched_variant(scenario: Scenario, name: str) -> Variant:
    """A trained baseline of about the size of the default model, with as many updates as fit into the CPU time."""
    baseline, training = LEARNED[name], scenario.config.training
    overrides = [*baseline.overrides, *matched_size(scenario, baseline)]
    reference = cost_of_training(scenario, TIMED, VARIANTS[TIMED].overrides)
    seconds = reference.total(training.updates, training.updates_per_epoch)
    updates = cost_of_training(scenario, name, overrides).updates_within(seconds, training.updates_per_epoch)
    return Variant(baseline.hypothesis, (*overrides, f"training.updates={max(FEWEST_UPDATES, updates)}"), "baselines")


def matched_size(scenario: Scenario, baseline: Baseline) -> list[str]:
    """The override that brings the number of parameters closest, in ratio, to that of the default model; or none."""
    if not baseline.size_setting:
        return []

    domain = fit_domain(scenario.train)

    def count(overrides: Sequence[str]) -> int:
        config = scenario.experiment(overrides)
        return parameters_of(WorldModel(config.model, domain))

    def size(value: int) -> int:
        return count([*baseline.overrides, f"{baseline.size_setting}={value}"])

    wanted = count(VARIANTS[DEFAULT].overrides)
    above = bisect_left(baseline.sizes, wanted, key=size)  # the number of parameters grows with it
    around = baseline.sizes[max(above - 1, 0) : above + 1]
    best = min(around, key=lambda value: abs(math.log(size(value) / wanted)))
    return [f"{baseline.size_setting}={best}"]
