"""The figures of effects, long runs, shifts and grids, drawn of datasets made in two dimensions."""

import matplotlib
import numpy as np
import pytest
import torch
import xarray as xr
from altered import Altered, diffusion
from matplotlib.figure import Figure

from sciwm.evaluation import (
    ROUGH,
    draw_actions,
    effect_errors,
    encoding_errors,
    forcing_shift,
    gradient_agreement,
    on_shapes,
)
from sciwm.evaluation.climate import long_runs
from sciwm.evaluation.resolution import Restricted
from sciwm.report import effect_figures
from sciwm.report.drawing import STYLE, Illustration, spread
from sciwm.report.effect_figures import effect_over_lead_time, gradients_over_horizon
from sciwm.report.long_run_figures import climate, functionals_of_runs
from sciwm.report.shift_figures import control_over_grids, error_over_grids, error_under_shift

PLANT = diffusion(dimensions=2)
ROOM = (1, *PLANT.grid.shape)
STARTS = torch.randn(3, *ROOM, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
ACTIONS = draw_actions(PLANT.actuators, 3, 4, hold=ROUGH, dtype=torch.float64)
QUIET = Altered(PLANT, gain=0.5)


def _effects() -> Illustration:
    others = {"rough": ACTIONS.flip(0), "held": ACTIONS.flip(1)}
    return effect_over_lead_time(effect_errors(QUIET, PLANT, STARTS, ACTIONS, others))


def _gradients() -> Illustration:
    pairs = {"quiet": QUIET, "ignoring actions": Altered(PLANT, gain=0.0)}
    horizons = [0.5, 1.0, 2.0]
    agreements = {n: gradient_agreement(d, PLANT, STARTS, ACTIONS, STARTS[0], horizons) for n, d in pairs.items()}
    return gradients_over_horizon(agreements, exponent=1.0)


def _climate() -> Illustration:
    return climate(long_runs(Altered(PLANT, loudness=1.2), PLANT, STARTS, ACTIONS), "u")


def _lost_climate() -> Illustration:
    return climate(long_runs(Altered(PLANT, loudness=1e9), PLANT, STARTS, ACTIONS), "u")


def _functionals() -> Illustration:
    return functionals_of_runs(long_runs(QUIET, PLANT, STARTS, ACTIONS))[0]


def _shift() -> Illustration:
    return error_under_shift(forcing_shift(QUIET, PLANT, STARTS, ACTIONS), "forcing_shift", 1.0)


def _perfect_shift() -> Illustration:
    return error_under_shift(forcing_shift(PLANT, PLANT, STARTS, ACTIONS), "forcing_shift", 1.0)


def _grids() -> Illustration:
    others = on_shapes(STARTS, [(12, 12), (32, 32)])
    return error_over_grids({"restricted": encoding_errors(Restricted(PLANT, PLANT.grid.shape), STARTS, others)})


def _control() -> Illustration:
    dims = ("grid", "controller", "episode", "time")
    controlled = xr.Dataset(
        {"distance": (dims, np.random.default_rng(0).uniform(0.1, 1, (2, 2, 3, 5))), "points": ("grid", ["64", "128"])},
        {"grid": ["coarse", "fine"], "controller": ["none", "planned"], "time": np.arange(5.0)},
    )
    return control_over_grids(controlled)


@pytest.mark.parametrize(
    "draw", [_effects, _gradients, _climate, _lost_climate, _functionals, _shift, _perfect_shift, _grids, _control]
)
def test_every_figure_is_drawn_and_described(draw: pytest.FixtureRequest) -> None:
    with matplotlib.rc_context(STYLE):
        drawn: Illustration = draw()  # type: ignore[operator]
    assert drawn.png.startswith(b"\x89PNG") and len(drawn.png) > 10_000
    assert drawn.caption.endswith(".") and drawn.alternative


def test_gradients_are_drawn_as_what_is_wrong_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """On logarithmic axes, no line on a frame: of a gain of half the direction is right, and the norm is not."""
    drawn: list[Figure] = []

    def kept(figure: Figure, *_: str) -> Illustration:
        drawn.append(figure)
        return Illustration("", "", "", b"")

    monkeypatch.setattr(effect_figures, "illustrate", kept)
    _gradients()
    upper, lower = drawn[0].axes
    assert upper.get_yscale() == lower.get_yscale() == "log"
    assert "time units" in lower.get_xlabel()
    for axes in (upper, lower):
        bottom, top = axes.get_ylim()
        for line in axes.lines:
            values = np.asarray(line.get_ydata(), dtype=float)
            assert not np.isclose(values, bottom).all() and not np.isclose(values, top).all()


def test_captions_tell_the_numbers() -> None:
    """All runs of an absurdly loud dynamics blow up; a gain of half is as wrong at any strength: slope 0."""
    with matplotlib.rc_context(STYLE):
        lost, shifted, perfect = _lost_climate(), _shift(), _perfect_shift()
    assert "100 % of the imagined ones blew up" in lost.caption
    assert "Nothing is left to be compared" in lost.caption
    assert "the median over 3 samples" in shifted.caption and "slope" not in perfect.caption


def test_conserved_functionals_are_told_and_not_drawn() -> None:
    runs = long_runs(QUIET, PLANT, STARTS, ACTIONS)
    distance = runs["functional_distance"]
    with matplotlib.rc_context(STYLE):
        drawn = functionals_of_runs(runs.assign(functional_distance=distance.where(distance["functional"] != "mass")))
    assert [d.caption.endswith("Conserved, and not shown: mass.") for d in drawn] == [True]
    assert functionals_of_runs(runs.assign(functional_distance=distance.where(False))) == []


def test_what_is_not_a_number_is_infinitely_wrong() -> None:
    values = xr.DataArray([[1.0, 2.0, np.nan]] * 2, dims=("time", "sample"))
    low, middle, high = spread(values, "sample")
    assert low.tolist() == [1, 1] and middle.tolist() == [2, 2] and np.isinf(high).all()
    assert spread(values[:, :2], "sample")[1].tolist() == [1.5, 1.5], "of an even number of samples"
    assert np.isinf(spread(values[:, [0, 2]], "sample")[1]).all()
