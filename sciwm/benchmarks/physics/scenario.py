"""One system with one seed: the data, the truth, held-out starts and references that all its variants share."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

import simulations
from sciwm.benchmarks.cells import Cell, cached, settings_bytes
from sciwm.benchmarks.physics.systems import QUICK, system_config
from sciwm.config import SIMULATED_SECTIONS, Config, parse_config
from sciwm.config.evaluation import LYAPUNOV_TIMES
from sciwm.data import SEEDS, Trajectories, recipe
from sciwm.evaluation import ControlTask, control_task, early_distance, long_run_actions, run_control
from sciwm.evaluation.climate import Climate, intervals_of, record_climate
from sciwm.evaluation.suite import UNSEEN_INTERVALS, unseen_actions
from sciwm.experiment import Run, stages
from sciwm.progress import bar
from sciwm.run_paths import RunPaths
from simulations import Simulation
from simulations.generate import attractor_states
from simulations.resumable_store import markers_of

LONG_RUNS = 8
"""How many long runs there are."""

LONG_INTERVALS, QUICK_INTERVALS = 400, 120
"""Length of a long run of a flow without a Lyapunov exponent, whose mean wanders; and of any in a quick benchmark."""

SETTLING = 100
"""First intervals of a long run, which do not count."""


@dataclass(frozen=True)
class Scenario:
    """One system with one seed; what is computed of the truth is computed once.

    Args:
        system: one of ``SYSTEMS``.
        seed: of the data, of every training, and of all that is drawn.
        folder: where its data and cells are stored.
        quick: make everything tiny, to see that it runs.
    """

    system: str
    seed: int
    folder: Path
    quick: bool

    def experiment(self, overrides: Sequence[str] = (), share: float = 1.0) -> Config:
        """The experiment of the system, changed.

        Args:
            overrides: of its settings, such as ``"training.updates=24"``.
            share: of the training simulations; one other than 1 leaves no sensitivities.
        """
        common = QUICK if self.quick else ()
        config = system_config(self.system, self.seed, [*common, *overrides])
        if share == 1:
            return config
        count = max(2, round(share * config.simulated()[1].train.simulations))
        tree = config.model_dump()
        tree["data"] |= {"train": tree["data"]["train"] | {"simulations": count}, "sensitivities": None}
        return parse_config(tree, where=self.system)

    @cached_property
    def config(self) -> Config:
        """The experiment of the system, unchanged."""
        return self.experiment()

    @cached_property
    def simulation(self) -> Simulation:
        """The truth."""
        return simulations.build(self.config.simulated()[0].model_dump())

    @cached_property
    def test(self) -> Trajectories:
        """Simulations that no variant was trained on."""
        return Trajectories(RunPaths(self.data()).store("test"))

    @cached_property
    def train(self) -> Trajectories:
        """All training simulations."""
        return Trajectories(RunPaths(self.data()).store("train"))

    def data(self, share: float = 1.0) -> Path:
        """A run folder with all stores, simulated if need be.

        Args:
            share: of the training simulations; validation and test set are the same for every share.
        """
        whole = self.folder / "whole"
        folder = whole if share == 1 else self.folder / f"share_{share:g}"
        config = self.experiment(share=share)

        def simulate() -> Cell:
            if share != 1:
                if not RunPaths(folder).config.exists():
                    Run(folder).write_config(config)
                link_sets(self.data(), folder, ("validation", "test"))
            stages.simulate(config, folder)
            return {}

        cached(folder / "complete.json", [settings_bytes(config, SIMULATED_SECTIONS)], simulate)
        return folder

    def recorded(self) -> tuple[Tensor, Tensor]:
        """Fields of the test simulations ``(simulation, time + 1, variable, *space)`` and their actions."""
        steps, rows = self.config.evaluation.steps, self.test.usable
        fields = [self.test.array(v.name)[rows, : steps + 1] for v in self.simulation.variables]
        return _tensor(np.stack(fields, axis=2)), _tensor(self.test.array("action")[rows, :steps])

    def draw(self, part: str, samples: int, intervals: int) -> tuple[Tensor, Tensor]:
        """Starts at any instants of the test simulations with the actions that followed.

        Unlike ``EvaluationContext.draw`` it permutes a fixed choice of simulations; the accepted results were
        drawn in this way.

        Args:
            part: name of what they are drawn for; each has a random stream of its own.
            samples: how many starts.
            intervals: how many actions follow each start.

        Returns:
            fields ``(sample, variable, *space)`` and physical actions ``(sample, interval, actuator)``.
        """
        fields, actions = self.recorded()
        rng = np.random.default_rng([self.seed, SEEDS["evaluation"], zlib.crc32(part.encode())])
        rows = torch.from_numpy(rng.permutation(np.arange(samples) % len(fields)))
        instants = torch.from_numpy(rng.integers(0, actions.shape[1] - intervals + 1, samples))
        times = instants[:, None] + torch.arange(intervals)
        return fields[rows, instants], actions[rows[:, None], times]

    @cached_property
    def unseen(self) -> tuple[Tensor, Tensor, Tensor]:
        """Starts, actions and true fields of ``unseen_actions``, 8 intervals long."""
        return unseen_actions(self.config, self.simulation, intervals=UNSEEN_INTERVALS)

    def long_run(self) -> tuple[Tensor, Tensor]:
        """Starts and actions of long runs: 100 Lyapunov times without forcing, or 400 intervals under forcing.

        Flows without a Lyapunov exponent decay unless they are forced. Unforced runs start from the unforced flow,
        since a conserved mean would keep for ever what forcing has made of it.

        Returns:
            fields ``(run, variable, *space)`` and physical actions ``(run, interval, actuator)``.
        """
        box, rng = self.simulation.actuators, np.random.default_rng([self.seed, SEEDS["evaluation"]])
        exponent = self.config.evaluation.lyapunov_exponent
        if exponent:
            starts = attractor_states(self.simulation, recipe(self.config, "control"), range(LONG_RUNS))
            intervals = intervals_of(LYAPUNOV_TIMES, exponent, self.simulation.control_interval)
        else:
            starts, _ = self.draw("long_run", LONG_RUNS, 1)
            intervals = LONG_INTERVALS
        intervals = QUICK_INTERVALS if self.quick else intervals
        return starts, long_run_actions(box, LONG_RUNS, intervals, forced=not exponent, rng=rng)

    @cached_property
    def true_climate(self) -> Climate:
        """The climate of the simulation's own long runs."""
        return record_climate(self.simulation, self.simulation, *self.long_run(), settle=SETTLING)

    @cached_property
    def _task(self) -> ControlTask:
        return control_task(self.config)

    def task(self, terminal: Literal["none"] | None = None) -> ControlTask:
        """The closed-loop task.

        Args:
            terminal: ``"none"`` to plan without a terminal cost, as a dynamics without a linear law must; left out,
                the terminal cost is that of the experiment.
        """
        if terminal is None:
            return self._task
        planning = self.config.planning.model_copy(update={"terminal": terminal})
        config = self.config.model_copy(update={"planning": planning})
        return ControlTask(config, self._task.simulation, self._task.starts, self._task.target)

    def references(self) -> dict[str, list[float]]:
        """Cost of each start without control, ``none``, and under gradient planning through the solver, ``adjoint``."""
        made_from = settings_bytes(self.config, (*SIMULATED_SECTIONS, "planning", "control"))
        return cached(self.folder / "references.json", [made_from], self._measure_references)

    def _measure_references(self) -> Cell:
        makers = self._task.references()
        result = run_control(self._task, {n: makers[n] for n in ("none", "adjoint")}, bar)
        return {n: self.cost_of(result.sel(controller=n)).tolist() for n in ("none", "adjoint")}

    def cost_of(self, controlled: xr.Dataset) -> NDArray[np.float64]:
        """Mean square distance from the target over the first part of each episode."""
        return np.asarray(early_distance(controlled, first=self.config.control.first).values, dtype=float)


def link_sets(source: Path, target: Path, names: Sequence[str]) -> None:
    """Link stores of one run folder into another, so that both have the same simulations.

    Args:
        source: a run folder with stores.
        target: another run folder; stores that it has already are left as they are.
        names: of the stores; one that the source lacks is left out.
    """
    RunPaths(target).data.mkdir(parents=True, exist_ok=True)
    for name in names:
        for path in (RunPaths(source).store(name), markers_of(RunPaths(source).store(name))):
            link = RunPaths(target).data / path.name
            if path.exists() and not link.exists():
                link.symlink_to(path.resolve())


def _tensor(values: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32))
