"""What all arms of one system and seed share: data, the truth, held-out starts, and references of control."""

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
from sciwm.benchmarks.cells import SIMULATED_FROM, Cell, kept, sections
from sciwm.benchmarks.physics.systems import QUICK, system_config
from sciwm.config import Config
from sciwm.config.yaml_files import parse_config
from sciwm.data.recipes import SEEDS, recipe
from sciwm.data.schema import Trajectories
from sciwm.dynamics import rollout
from sciwm.evaluation.actions import ROUGH, draw_actions
from sciwm.evaluation.climate.climate import Climate, record_climate
from sciwm.evaluation.climate.long_run import intervals_of
from sciwm.evaluation.control import ControlTask, control_task, early_distance, run_control
from sciwm.experiment import stages
from sciwm.experiment.run import Run
from sciwm.progress import bar
from sciwm.run_paths import RunPaths
from simulations import Simulation
from simulations.excitation import mixed
from simulations.generate import attractor_states

LONG_RUNS, LONG_TIME, LONG_INTERVALS, QUICK_INTERVALS = 8, 100, 400, 120
"""How many, Lyapunov times, and intervals of flows without such a time, whose mean wanders, or where all is quick."""

SETTLING = 100
"""Intervals of a long run that do not count."""

UNSEEN_INTERVALS = 8
"""Under actions that recorded forcing never holds."""


@dataclass(frozen=True)
class Ground:
    """One system with one seed; what is found of the truth is remembered.

    Args:
        folder: where its data and cells are kept.
        quick: whether everything is made tiny.
    """

    system: str
    seed: int
    folder: Path
    quick: bool

    def experiment(self, overrides: Sequence[str] = (), share: float = 1.0) -> Config:
        """The experiment changed by overrides, with a share of the training simulations."""
        common = QUICK if self.quick else ()
        config = system_config(self.system, self.seed, [*common, *overrides])
        if share == 1:
            return config
        count = max(2, round(share * config.data.train.simulations))
        tree = config.model_dump()
        tree["data"] |= {"train": tree["data"]["train"] | {"simulations": count}, "sensitivities": None}
        return parse_config(tree, where=self.system)

    @cached_property
    def config(self) -> Config:
        """The experiment as it is."""
        return self.experiment()

    @cached_property
    def simulation(self) -> Simulation:
        """The truth."""
        return simulations.build(self.config.simulation.model_dump())

    @cached_property
    def test(self) -> Trajectories:
        """Simulations that nothing was trained on."""
        return Trajectories(RunPaths(self.data()).store("test"))

    @cached_property
    def train(self) -> Trajectories:
        """All training simulations."""
        return Trajectories(RunPaths(self.data()).store("train"))

    def data(self, share: float = 1.0) -> Path:
        """A run folder with all sets; those with fewer training simulations share validation and test set."""
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

        kept(folder / "complete.json", [sections(config, SIMULATED_FROM)], simulate)
        return folder

    def recorded(self) -> tuple[Tensor, Tensor]:
        """Test simulations ``(simulation, time + 1, variable, *space)`` and their actions."""
        steps, rows = self.config.evaluation.steps, self.test.usable
        fields = [self.test.array(v.name)[rows, : steps + 1] for v in self.simulation.variables]
        return _tensor(np.stack(fields, axis=2)), _tensor(self.test.array("action")[rows, :steps])

    def draw(self, what: str, samples: int, intervals: int) -> tuple[Tensor, Tensor]:
        """Starts at any instants of the test simulations with the actions that followed."""
        fields, actions = self.recorded()
        rng = np.random.default_rng([self.seed, SEEDS["evaluation"], zlib.crc32(what.encode())])
        rows = torch.from_numpy(rng.permutation(np.arange(samples) % len(fields)))
        instants = torch.from_numpy(rng.integers(0, actions.shape[1] - intervals + 1, samples))
        times = instants[:, None] + torch.arange(intervals)
        return fields[rows, instants], actions[rows[:, None], times]

    @cached_property
    def unseen(self) -> tuple[Tensor, Tensor, Tensor]:
        """Held-out starts, fresh actions for every interval, and the true fields that follow."""
        count, intervals = self.config.control.episodes, UNSEEN_INTERVALS
        starts = attractor_states(self.simulation, recipe(self.config, "control"), range(count))
        actions = draw_actions(self.simulation.actuators, count, intervals, hold=ROUGH, seed=self.seed)
        with torch.no_grad():
            return starts, actions, rollout(self.simulation, starts, actions)

    def long_run(self) -> tuple[Tensor, Tensor]:
        """Starts and actions of long runs, forced only where nothing else keeps the flow alive.

        Free ones start from the unforced flow, as they keep for ever what forcing has made of a conserved mean.
        """
        box, rng = self.simulation.actuators, np.random.default_rng([self.seed, SEEDS["evaluation"]])
        exponent = self.config.evaluation.lyapunov_exponent
        long = intervals_of(LONG_TIME, exponent, self.simulation.control_interval) if exponent else LONG_INTERVALS
        intervals = QUICK_INTERVALS if self.quick else long
        if exponent:
            starts = attractor_states(self.simulation, recipe(self.config, "control"), range(LONG_RUNS))
        else:
            starts, _ = self.draw("long_run", LONG_RUNS, 1)
        signals = [mixed(rng, intervals, len(box), share_unforced=float(bool(exponent))) for _ in range(LONG_RUNS)]
        return starts, box.to_physical(_tensor(np.stack(signals)))

    @cached_property
    def true_climate(self) -> Climate:
        """Of the simulation's own long runs."""
        return record_climate(self.simulation, self.simulation, *self.long_run(), settle=SETTLING)

    @cached_property
    def _task(self) -> ControlTask:
        return control_task(self.config)

    def task(self, terminal: Literal["none"] | None = None) -> ControlTask:
        """The closed-loop task, planned with or without a terminal cost."""
        if terminal is None:
            return self._task
        planning = self.config.planning.model_copy(update={"terminal": terminal})
        config = self.config.model_copy(update={"planning": planning})
        return ControlTask(config, self._task.simulation, self._task.starts, self._task.target)

    def references(self) -> dict[str, list[float]]:
        """Cost of each start without control, and under plans through the true solver."""
        made_of = sections(self.config, (*SIMULATED_FROM, "planning", "control"))
        return kept(self.folder / "references.json", [made_of], self._measure_references)

    def _measure_references(self) -> Cell:
        makers = self._task.references()
        result = run_control(self._task, {n: makers[n] for n in ("none", "adjoint")}, bar)
        return {n: self.cost_of(result.sel(controller=n)).tolist() for n in ("none", "adjoint")}

    def cost_of(self, controlled: xr.Dataset) -> NDArray[np.float64]:
        """Mean square distance from the target over the first part of each episode."""
        return np.asarray(early_distance(controlled, first=self.config.control.first).values, dtype=float)


def link_sets(source: Path, target: Path, names: Sequence[str]) -> None:
    """Let a run folder have sets of simulations that another one holds."""
    (target / "data").mkdir(parents=True, exist_ok=True)
    for name in names:
        for path in (RunPaths(source).store(name), RunPaths(source).store(name).with_suffix(".done")):
            link = target / "data" / path.name
            if path.exists() and not link.exists():
                link.symlink_to(path.resolve())


def _tensor(values: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32))
