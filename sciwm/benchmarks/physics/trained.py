"""One variant in one scenario: trained, measured, and stored as a cell each, so that neither is done twice."""

import shutil
import time
from pathlib import Path

from sciwm.benchmarks.cells import Cell, cached, settings_bytes
from sciwm.benchmarks.physics.ablation_claims import PROBED
from sciwm.benchmarks.physics.measure import VERSION, mean_relative_reduction, measure
from sciwm.benchmarks.physics.scenario import Scenario, link_sets
from sciwm.benchmarks.physics.variants import VARIANTS, Variant
from sciwm.config import LEARNED_SECTIONS, Config
from sciwm.dynamics import Dynamics
from sciwm.evaluation.suite import EvaluationContext
from sciwm.experiment import Run, stages
from sciwm.model import WorldModel, load_model
from sciwm.run_paths import RunPaths
from sciwm.training import NothingLearned

SETS = ("train", "validation", "test", "sensitivity")


def variant_cell(scenario: Scenario, name: str) -> Cell:
    """A variant of the ablation, trained and measured."""
    return trained_cell(scenario, name, VARIANTS[name])


def trained_cell(scenario: Scenario, name: str, variant: Variant) -> Cell:
    """A variant, trained and measured.

    Args:
        name: under which its run and its cells are stored.

    Returns:
        costs and size of the training, the commit of its source under ``trained_commit``, and its ``samples``; for
        a training that learned nothing finite the reason under ``failed``, without samples, which is a result too.
    """
    config = scenario.experiment(variant.overrides, variant.share)
    path = scenario.folder / "trained" / f"{name}.json"
    made_from = [settings_bytes(config, LEARNED_SECTIONS)]
    if variant.version > 1:  # the first version has no number, so that what was trained before there were any counts
        made_from.append(str(variant.version).encode())
    about = cached(path, made_from, lambda: _trained(scenario, name, config, variant.share))
    about |= {"trained_commit": about["commit"]}
    if "failed" in about:
        return about
    if not weights_of(scenario, name).exists():  # the run was deleted after its training
        path.unlink()
        return trained_cell(scenario, name, variant)
    path, probes = scenario.folder / "cells" / f"{name}.json", name in PROBED
    made_from = measurement_inputs(scenario, name, config)
    if probes:
        made_from.append(b"probes")
    return about | cached(path, made_from, lambda: measured(scenario, trained_model(scenario, name), probes=probes))


def measurement_inputs(scenario: Scenario, name: str, config: Config) -> list[bytes]:
    """All that a measurement of a trained variant depends on: settings, weights, and what is measured."""
    return [settings_bytes(config), weights_of(scenario, name).read_bytes(), VERSION]


def weights_of(scenario: Scenario, name: str) -> Path:
    """The file of the weights of a trained variant."""
    return RunPaths(scenario.folder / "runs" / name).weights


def _trained(scenario: Scenario, name: str, config: Config, share: float) -> Cell:
    try:
        run, seconds = train(scenario, name, config, share)
    except NothingLearned as error:
        return {"failed": str(error), "samples": {}}
    model, _ = load_model(run)
    about = {"cpu_seconds": seconds, "updates": config.training.updates, "parameters": parameters_of(model)}
    return about | {"latent_size": model.state_size}


def measured(scenario: Scenario, dynamics: Dynamics, *, plans: bool = True, probes: bool = False) -> Cell:
    """The ``samples`` of a dynamics, its ``relative_reduction`` of the cost of control, and the CPU seconds it took.

    Args:
        plans, probes: see :func:`~sciwm.benchmarks.physics.measure.measure`.
    """
    began = time.process_time()
    samples = measure(dynamics, scenario, plans=plans, probes=probes)
    share = mean_relative_reduction(samples, scenario.references())
    return {"measuring_seconds": time.process_time() - began, "relative_reduction": share, "samples": samples}


def train(scenario: Scenario, name: str, config: Config, share: float = 1.0) -> tuple[Path, float]:
    """Train anew in a run folder of its own.

    Args:
        name: of the run folder.
        share: of the training simulations.

    Returns:
        the folder, and the CPU seconds that the training took.
    """
    data, run = scenario.data(share), scenario.folder / "runs" / name
    shutil.rmtree(run, ignore_errors=True)  # an interrupted training would not know how long it took
    link_sets(data, run, SETS)
    Run(run).write_config(config)
    began = time.process_time()
    stages.train(run)
    seconds = time.process_time() - began
    RunPaths(run).train_state.unlink()
    return run, seconds


def trained_model(scenario: Scenario, name: str) -> WorldModel:
    """The model of a variant that has been trained."""
    model, _ = load_model(scenario.folder / "runs" / name)
    return model


def context_of(scenario: Scenario, name: str, config: Config) -> EvaluationContext:
    """What a part of the evaluation is given: a trained variant, the truth, and the test and training simulations."""
    return EvaluationContext(config, trained_model(scenario, name), scenario.simulation, scenario.test, scenario.train)


def parameters_of(model: WorldModel) -> int:
    """Number of real parameters that a training changes, a complex one counted as two.

    They are counted on a fresh model of the same settings, since the parameters of a frozen one are all alike.
    """
    fresh = WorldModel(model.settings, model.domain)
    return sum(p.numel() * (2 if p.is_complex() else 1) for p in fresh.parameters() if p.requires_grad)
