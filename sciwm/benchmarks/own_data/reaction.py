"""A cubic reaction-diffusion system made by py-pde, forecast by every method."""

from collections.abc import Sequence
from pathlib import Path

from sciwm.benchmarks.own_data.comparison import compare, found
from sciwm.benchmarks.own_data.data_set import DataSet
from sciwm.benchmarks.own_data.reaction_data import write_reaction
from sciwm.benchmarks.own_data.wanted import check
from sciwm.benchmarks.results import Row

STEPS = (1, 5, 10, 20, 40)
WANTED = {1: 0.06, 10: 0.10, 40: 0.15}
RUNS, INTERVALS = 64, 100
SIZE = 64


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """Rows of all methods, and the errors that are wanted."""
    runs, intervals, points = (8, 44, 12) if quick else (RUNS, INTERVALS, 48)
    path = folder / "reaction" / "fitzhugh_nagumo.nc"
    write_reaction(path, runs, intervals, points)
    eighth = runs // 8
    quick_settings = {"training": {"batch_size": 4}, "loss": {"horizon": 2}, "model": {"predictor": {"rank": 2}}}
    data = DataSet(
        name="reaction",
        folder=folder / "reaction",
        source={
            "files": [str(path.resolve())],
            "variables": ["u", "v"],
            "forcings": ["input"],
            "run": "sample",
            "time": "time",
            "space": ["x", "y"],
            "periodic": [],
            "split": {
                "by": "run",
                "validation": list(range(runs - 2 * eighth, runs - eighth)),
                "test": list(range(runs - eighth, runs)),
            },
        },
        settings=quick_settings if quick else {},
        seconds=2.0 if quick else 100.0,
        steps=STEPS,
        stride=20 if quick else 10,
        epoch=2 if quick else 50,
    )
    size = 8 if quick else SIZE
    rows = compare("reaction", data, (size,), seeds)
    own = found(rows, "auto", size)
    return rows + [
        check("reaction", f"error of auto at step {step}", [s[STEPS.index(step)] for s in own["by_seed"]], most=most)
        for step, most in WANTED.items()
    ]
