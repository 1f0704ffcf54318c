"""The run that is damaged: a whole experiment in seconds, with a round of on-policy data and sensitivities."""

from pathlib import Path

import yaml

from sciwm.config import Config, parse_config

SETTINGS = """\
name: tiny
simulation:
  equation: kuramoto_sivashinsky
  num_points: 32
  domain_extent: 22.0
  control_interval: 0.25
  steps_per_interval: 2
  jets: {count: 4, width: 0.8}
data:
  train: {simulations: 6, intervals: 20}
  validation: {simulations: 4, intervals: 20}
  test: {simulations: 2, intervals: 20}
  warm_up: 40
  batch: 4
model:
  latent_modes: 6
  encoder: {width: 8, modes: 8}
loss: {horizon: 4}
training:
  updates: 12
  updates_per_epoch: 4
  batch_size: 16
  on_policy: {rounds: 1, episodes: 2, intervals: 8, updates: 4}
planning:
  horizon: 4
  planner: {iterations: 2}
  terminal: none
evaluation: {steps: 20, parts: [rollouts]}
control: {episodes: 2, intervals: 6, first: 4, last: 2, oracle_cem: {samples: 8, elites: 2}}
"""


def subject_config() -> Config:
    """The experiment of the run."""
    return parse_config(yaml.safe_load(SETTINGS), where="the experiment of the benchmark")


def subject_run(folder: Path) -> Path:
    """The finished run in ``folder``; made if it is not there."""
    from sciwm.experiment import stages

    if not (folder / "report" / "index.html").exists():
        stages.run_all(subject_config(), folder)
    return folder
