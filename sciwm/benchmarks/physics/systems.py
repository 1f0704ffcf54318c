"""The systems of the benchmark, their experiments, and the unit of time in which they are compared.

Their objectives have the same weights.
"""

from collections.abc import Sequence
from pathlib import Path

from sciwm.config import Config, load_config
from sciwm.evaluation.suite import INTERVALS

SYSTEMS = ("ks22", "ks60", "burgers", "kolmogorov")
"""Names; the first one has every part and every variant."""

QUICK = (
    "data.train={simulations: 32, intervals: 20}",
    "data.validation={simulations: 8, intervals: 20}",
    "data.test={simulations: 8, intervals: 40}",
    "data.warm_up=100",
    "data.batch=8",
    "data.sensitivities={samples: 8, intervals: 4}",
    "model.latent_modes=5",
    "model.predictor.slaved_modes=2",
    "model.encoder={width: 4, modes: 8}",
    "model.decoder_rank=2",
    "loss.horizon=2",
    "training.updates=24",
    "training.updates_per_epoch=12",
    "training.batch_size=16",
    "planning={planner: {kind: gradient, iterations: 2}, horizon: 4, terminal: none}",
    "evaluation.steps=40",
    "evaluation.effects={samples: 4, lead_time: 1.0}",
    "evaluation.gradients={samples: 2, horizons: [0.5, 1.0]}",
    "evaluation.probing={instants: 4}",
    "evaluation.surprise={trajectories: 8, sizes: [0.1], exposure: 0.5}",
    "evaluation.resolution={samples: 4, factors: [2]}",
    "evaluation.refined_control={episodes: 2, factor: 2, intervals: 4}",
    "control={episodes: 2, intervals: 6, first: 6, last: 2, oracle_steps_per_interval: 2}",
)


def system_config(system: str, seed: int, overrides: Sequence[str] = ()) -> Config:
    """The experiment of a system.

    Args:
        system: one of ``SYSTEMS``.
        seed: of the experiment.
        overrides: of its settings, such as ``"training.updates=24"``.
    """
    path = Path(__file__).parent / "systems" / f"{system}.yaml"
    return load_config(path, [f"seed={seed}", *overrides])


def time_unit(config: Config) -> float:
    """A Lyapunov time; 40 control intervals where there is no Lyapunov exponent."""
    exponent = config.evaluation.lyapunov_exponent
    return 1 / exponent if exponent else INTERVALS * config.simulated()[0].control_interval


def longest_valid_time(config: Config) -> float:
    """Valid prediction time of a forecast that is valid to the end of the test, in units of :func:`time_unit`."""
    return config.evaluation.steps * config.simulated()[0].control_interval / time_unit(config)


def horizons(config: Config) -> tuple[float, float]:
    """Horizons of gradients: half a Lyapunov time and a whole one, unless the configuration asks for others."""
    asked = config.evaluation.gradients.horizons
    return (asked[0], asked[-1]) if asked else (time_unit(config) / 2, time_unit(config))
