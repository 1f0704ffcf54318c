"""Cells: one arm trained and measured on one system with one seed, kept as a file each."""

import shutil
import time
from pathlib import Path

from sciwm.benchmarks.cells import TRAINED_FROM, Cell, kept, sections
from sciwm.benchmarks.physics.measure import VERSION, gain, measure
from sciwm.benchmarks.physics.scenario import Ground, link_sets
from sciwm.benchmarks.physics.variants import ARMS, PROBED, Arm
from sciwm.config import Config
from sciwm.dynamics import Dynamics
from sciwm.experiment import stages
from sciwm.experiment.run import Run
from sciwm.model.checkpoint import load_model
from sciwm.model.world_model import WorldModel
from sciwm.run_paths import RunPaths
from sciwm.training.loop import NothingLearned

SETS = ("train", "validation", "test", "sensitivity")


def arm_cell(ground: Ground, name: str) -> Cell:
    """One arm of the ablation."""
    return trained_cell(ground, name, ARMS[name])


def trained_cell(ground: Ground, name: str, arm: Arm) -> Cell:
    """Trained and measured, each kept for itself; an arm that learns nothing finite is a result too."""
    config = ground.experiment(arm.overrides, arm.share)
    path = ground.folder / "trained" / f"{name}.json"
    made_of = [sections(config, TRAINED_FROM)]
    if arm.version > 1:  # all others stay kept
        made_of.append(str(arm.version).encode())
    about = kept(path, made_of, lambda: _trained(ground, name, config, arm.share))
    about |= {"trained_commit": about["commit"]}
    if "failed" in about:
        return about
    if not weights_of(ground, name).exists():  # somebody has tidied up
        path.unlink()
        return trained_cell(ground, name, arm)
    path, probes = ground.folder / "cells" / f"{name}.json", name in PROBED
    made_of = seen_in(ground, name, config)
    if probes:
        made_of.append(b"probes")
    return about | kept(path, made_of, lambda: measured(ground, trained_model(ground, name), probes=probes))


def seen_in(ground: Ground, name: str, config: Config) -> list[bytes]:
    """What is measured of a trained arm is made of: all settings, its weights, and how it is measured."""
    return [sections(config), weights_of(ground, name).read_bytes(), VERSION]


def weights_of(ground: Ground, name: str) -> Path:
    """The file of those that an arm was trained to."""
    return RunPaths(ground.folder / "runs" / name).weights


def _trained(ground: Ground, name: str, config: Config, share: float) -> Cell:
    try:
        run, seconds = train(ground, name, config, share)
    except NothingLearned as error:
        return {"failed": str(error), "samples": {}}
    model, _ = load_model(run)
    about = {"cpu_seconds": seconds, "updates": config.training.updates, "parameters": parameters_of(model)}
    return about | {"latent_size": model.state_size}


def measured(ground: Ground, dynamics: Dynamics, *, plans: bool = True, probes: bool = False) -> Cell:
    """The samples of a dynamics."""
    began = time.process_time()
    samples = measure(dynamics, ground, plans=plans, probes=probes)
    share = gain(samples, ground.references())
    return {"measuring_seconds": time.process_time() - began, "gain": share, "samples": samples}


def train(ground: Ground, name: str, config: Config, share: float = 1.0) -> tuple[Path, float]:
    """A fresh training in a folder of its own; returns the folder and the CPU seconds that it took."""
    data, run = ground.data(share), ground.folder / "runs" / name
    shutil.rmtree(run, ignore_errors=True)  # one that was killed would not know how long it took
    link_sets(data, run, SETS)
    Run(run).write_config(config)
    began = time.process_time()
    stages.train(run)
    seconds = time.process_time() - began
    RunPaths(run).train_state.unlink()
    return run, seconds


def trained_model(ground: Ground, name: str) -> WorldModel:
    """The model of an arm that has learned."""
    model, _ = load_model(ground.folder / "runs" / name)
    return model


def parameters_of(model: WorldModel) -> int:
    """Real numbers that a training changes; a world model that is ready for use knows no longer which these are."""
    fresh = WorldModel(model.settings, model.domain)
    return sum(p.numel() * (2 if p.is_complex() else 1) for p in fresh.parameters() if p.requires_grad)
