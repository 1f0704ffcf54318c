"""The stages of an experiment: simulate, train, evaluate, control, report. Each reads and writes one run folder.

A stage that was stopped can be called again. Simulation, training and evaluation go on where they stood; control and
report, which take minutes, begin again. ``sciwm.run_paths`` lists the files of a run.
"""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
import xarray as xr

import simulations
from sciwm.config import Config
from sciwm.data import actuation_of
from sciwm.evaluation import control_task, imagine_control, run_control, summarize_control
from sciwm.evaluation.suite import (
    MADE_FROM,
    METRICS,
    NEEDS_SIMULATOR,
    EvaluationContext,
    check_names,
    evaluate_parts,
    parts_of,
)
from sciwm.experiment.bring_in import bring_in
from sciwm.experiment.calibrated_model import calibrate_model
from sciwm.experiment.cards import describe_model, write_card
from sciwm.experiment.rounds import collect_round, round_name
from sciwm.experiment.run import Run
from sciwm.experiment.simulated_sets import simulate
from sciwm.model import DIGEST, read_description
from sciwm.progress import CountBar, bar
from sciwm.reuse import description_of
from sciwm.run_folder import at_work_in
from sciwm.seals import write_sealed_netcdf
from sciwm.training import require_memory, updates_of
from sciwm.training import train as train_phase
from sciwm.uncertainty import load_uncertainty
from sciwm.version import __version__

__all__ = ["bring_in", "control", "evaluate", "report", "run_all", "simulate", "train"]


def train(folder: Path) -> None:
    """Train on the simulated data; then, for each on-policy round, collect data with the model and train further.

    At the end the model gets its ensemble, and its errors are calibrated by the validation simulations.

    Args:
        folder: The run folder, with complete simulations.

    Raises:
        InputError: If data are missing or damaged.
    """
    run = Run(folder)
    config = run.checked_config(trains=True)
    torch.set_num_threads(config.training.threads)
    with at_work_in(folder):
        _train_phases(config, run)
        calibrate_model(config, run)
        describe_model(config, run)


def _train_phases(config: Config, run: Run) -> None:
    validation, sets = run.trajectories("validation"), [run.trajectories("train")]
    with_sensitivities = config.data is not None and config.data.sensitivities is not None
    sensitivities = run.sensitivities(sets[0]) if with_sensitivities else None
    for phase in range(config.training.on_policy.rounds + 1):
        if phase:
            with run.stage(round_name(phase), resumes=True):
                collect_round(config, run, phase)
            sets.append(run.trajectories(round_name(phase)))
        with run.stage("train" if phase == 0 else f"train_{phase}", resumes=True):
            what = f"training after round {phase}" if phase else "training"
            progress = CountBar(updates_of(config, phase), what, "update")
            train_phase(config, run.folder, sets, validation, sensitivities, phase=phase, advance=progress)
            progress.close()


def evaluate(folder: Path, parts: Sequence[str] | None = None) -> dict[str, Any]:
    """Evaluate the model part by part; each part is written to ``evaluation/PART.nc`` and to the metrics.

    A stored result of the same model and settings is used again.

    Args:
        folder: The run folder, with a trained model.
        parts: Names of the parts, see ``EVALUATION_PARTS``; by default those of ``evaluation.parts``.

    Returns:
        Their metrics; under ``left_out`` the parts that do not apply, each with the reason.

    Raises:
        InputError: If there is no such part, or if model or data are missing or damaged.
    """
    run = Run(folder)
    config = run.checked_config()
    names = check_names(parts_of(config) if parts is None else parts, "--parts")
    torch.set_num_threads(config.training.threads)
    model = run.model(config)
    with run.stage("evaluate", resumes=True):
        simulation = None if config.simulation is None else simulations.build(config.simulation.model_dump())
        test, uncertainty = run.trajectories("test"), load_uncertainty(run.paths, model)
        validation = None if config.source is None else run.trajectories("validation")
        train = run.trajectories("train")
        context = EvaluationContext(config, model, simulation, test, train, uncertainty, validation)
        made = _evaluate_parts(run, names, context)
        write_card(run)
        return made


def _evaluate_parts(run: Run, names: Sequence[str], context: EvaluationContext) -> dict[str, Any]:
    made: dict[str, Any] = {}
    left_out = {n: reason for n, reason in run.metrics().get("left_out", {}).items() if n not in names}
    progress, coming = CountBar(len(names), "evaluating", "part"), [*names[1:], ""]
    progress(0, names[0] if names else "")
    results = evaluate_parts(
        run.paths,
        names,
        context,
        digest=read_description(run.folder)[DIGEST],
        describe=partial(_described, config=context.config),
        progress=bar,
    )
    for (name, metrics, obstacle), next_name in zip(results, coming, strict=False):
        if obstacle:
            left_out[name] = obstacle
            metrics = {name: []}
        made |= run.add_metrics(metrics | {"left_out": left_out})
        progress(1, next_name)
    progress.close()
    return made


def control(folder: Path) -> dict[str, Any]:
    """Run every controller on held-out starts of the true simulation; writes ``controlled.nc`` and the metrics.

    Args:
        folder: The run folder, with a trained model.

    Returns:
        The metrics of control, under ``control``.
    """
    run = Run(folder)
    config = run.checked_config()
    torch.set_num_threads(config.training.threads)
    model = run.model(config)
    with run.stage("control"):
        task = control_task(config)
        references = task.references()
        none = references.pop("none")
        result = run_control(task, {"none": none, "world_model": lambda: task.plan_with(model), **references}, bar)
        result = result.merge(imagine_control(task, model, bar), join="outer")
        metrics = {"control": summarize_control(result, config)}
        made_from = {"sciwm": __version__, "model": read_description(folder)[DIGEST]}
        attributes = {MADE_FROM: description_of(made_from), METRICS: json.dumps(metrics)}
        write_sealed_netcdf(run.paths, run.paths.controlled, _described(result, config).assign_attrs(attributes))
    return run.add_metrics(metrics)


def report(folder: Path) -> Path:
    """Write the report: figures, tables, configuration and versions in one file.

    Returns:
        Path of ``report/index.html``.
    """
    from sciwm.report import write_report

    run = Run(folder)
    config = run.checked_config()
    run.check_results(config)
    with run.stage("report"):
        write_card(run)
        return write_report(folder)


def run_all(config: Config, folder: Path, tell: Callable[[str], None] = lambda line: None) -> Path:
    """Simulate, train, evaluate, control and report; of files, bring them in, train, evaluate and report.

    Args:
        config: The experiment.
        folder: The run folder; made if it is not there.
        tell: Is given in words what was made of files.

    Returns:
        Path of ``report/index.html``.

    Raises:
        InputError: As of any stage; before the first one if training will not fit into memory.
    """
    if config.source is not None:
        return _run_source(config, folder, tell)
    require_memory(config, actuation_of(simulations.build(config.simulated()[0].model_dump())).axes)
    simulate(config, folder)
    train(folder)
    evaluate(folder)
    control(folder)
    return report(folder)


def _run_source(config: Config, folder: Path, tell: Callable[[str], None]) -> Path:
    for line in bring_in(config, folder):
        tell(line)
    train(folder)
    evaluate(folder)
    run = Run(folder)
    left_out = run.metrics().get("left_out", {}) | {"control": NEEDS_SIMULATOR}
    with run.stage("evaluate", resumes=True):
        run.add_metrics({"left_out": left_out})
    return report(folder)


def _described(dataset: xr.Dataset, config: Config) -> xr.Dataset:
    return dataset.assign_attrs(
        Conventions="CF-1.11",
        title=config.name,
        source=f"sciwm {__version__}",
        history="written by sciwm",
        sciwm_config=config.model_dump_json(),
    )
