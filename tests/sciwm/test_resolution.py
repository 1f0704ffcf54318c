"""The same function on other grids: encoders whose error is known, and plans executed on a finer one."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import xarray as xr
from altered import Altered, diffusion
from torch import Tensor

from sciwm.config import Config, GradientSettings
from sciwm.errors import InputError
from sciwm.evaluation import (
    ControlTask,
    bootstrap_ratio_interval,
    control_across_grids,
    encoding_errors,
    lost_share,
    on_shapes,
    refined,
    run_control,
)
from sciwm.evaluation.resolution import Restricted
from sciwm.model import WorldModel
from sciwm.planning import Hold
from simulations import build
from simulations.generate import silent


class Total(Altered):
    """Sees the sum over the points, where a mean would be the function's."""

    def encode(self, fields: Tensor) -> Tensor:
        """The sum."""
        return fields.flatten(2).sum(dim=2)


@pytest.mark.parametrize("dimensions", [1, 2])
def test_states_that_depend_on_the_grid_in_a_known_way(dimensions: int) -> None:
    """A sum doubles with the points along each axis; what is restricted first does not change."""
    simulation = diffusion(dimensions=dimensions)
    shape = simulation.grid.shape
    generator = torch.Generator().manual_seed(0)
    fields = 1 + 0.1 * torch.randn(3, 1, *shape, dtype=torch.float64, generator=generator)
    others = on_shapes(fields, [tuple(2 * n for n in shape), tuple(4 * n for n in shape)])
    errors = encoding_errors(Total(simulation), fields, others)["encoding_error"]
    np.testing.assert_allclose(errors.values, [[2**dimensions - 1] * 3, [4**dimensions - 1] * 3], rtol=1e-10)
    assert errors["grid"].values.tolist() == ["x".join(["32"] * dimensions), "x".join(["64"] * dimensions)]
    assert encoding_errors(Restricted(simulation, shape), fields, others)["encoding_error"].max() < 1e-12


def test_states_that_are_fields_are_compared_on_the_coarser_grid() -> None:
    class Anywhere(Altered):
        def encode(self, fields: Tensor) -> Tensor:
            return fields

    simulation = diffusion()
    fields = torch.randn(2, 1, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    errors = encoding_errors(Anywhere(simulation), fields, on_shapes(fields, [(32,), (64,)]))
    assert errors["encoding_error"].max() < 1e-12


def test_the_encoder_sees_waves_alike_on_finer_grids(model: WorldModel, config: Config) -> None:
    """Waves below a quarter of the grid's Nyquist wavenumber."""
    x = torch.arange(32) * 2 * torch.pi / 32
    fields = torch.stack([torch.sin(x), torch.cos(3 * x + 1)])[:, None]
    errors = encoding_errors(model, fields, on_shapes(fields, [(64,), (128,)]))["encoding_error"]
    assert errors.max() < 1e-3
    shuffled = encoding_errors(model, fields, on_shapes(fields.flip(0), [(64,)]))["encoding_error"]
    assert shuffled.min() > 0.5


def test_plans_of_the_true_solver_work_as_well_on_a_finer_grid(config: Config) -> None:
    """Of a resolved flow nothing is lost; and blind plans lose nothing because they save nothing."""
    simulation = build(config.simulation.model_dump())
    rng = np.random.default_rng(0)
    starts = torch.tensor(np.stack([simulation.initial_state(rng, amplitude=0.3) for _ in range(3)])).float()
    short = config.control.model_copy(update={"intervals": 6})
    planning = config.planning.model_copy(update={"planner": GradientSettings(iterations=6), "horizon": 4})
    coarse = ControlTask(
        config.model_copy(update={"control": short, "planning": planning}), simulation, starts, torch.zeros(1, 32)
    )
    fine = refined(coarse, 2, steps_per_interval=4)
    assert fine.simulation.grid.shape == (64,) and fine.simulation.steps_per_interval == 4
    torch.testing.assert_close(fine.starts[..., ::2], starts, rtol=0, atol=1e-6)
    controlled = control_across_grids(simulation, coarse, fine, restrict=True)
    assert controlled["points"].values.tolist() == ["32", "64"]
    saving, loss, (low, high) = lost_share(controlled, first=6)
    assert (saving > 0).all() and abs(loss) < 0.02 and low <= loss <= high


def test_control_in_two_dimensions_is_recorded_over_both(config: Config) -> None:
    """Left alone, a uniform concentration of 2 stays at a mean square of 4 from zero."""
    simulation = diffusion(dimensions=2)
    control = config.control.model_copy(update={"intervals": 2})
    starts = torch.full((3, 1, *simulation.grid.shape), 2.0)
    task = ControlTask(config.model_copy(update={"control": control}), simulation, starts, torch.zeros_like(starts[0]))
    record = run_control(task, {"none": lambda: Hold(simulation.actuators)}, silent)
    assert record["u"].dims == ("controller", "episode", "time", "x", "y")
    np.testing.assert_allclose(record["distance"].values, 4, rtol=1e-6)
    np.testing.assert_allclose(record["y"].values, simulation.grid.coordinates["y"])


def test_the_lost_share_of_made_up_episodes() -> None:
    """Gains of 4 and 2 that become 3 and 1: a third is lost."""
    distance = np.zeros((2, 2, 2, 3))  # grid, controller, episode, time
    distance[:, 0] = 5.0
    distance[:, 1] = 5.0 - np.array([[4.0, 2.0], [3.0, 1.0]])[:, :, None]
    distance[..., 0] = 99.0  # the start is nobody's merit
    dims = ("grid", "controller", "episode", "time")
    controlled = xr.Dataset(
        {"distance": (dims, distance)}, {"grid": ["coarse", "fine"], "controller": ["none", "planned"]}
    )
    saving, loss, interval = lost_share(controlled, first=2)
    assert saving.sel(grid="fine").values.tolist() == [3, 1]
    assert loss == pytest.approx(1 / 3) and interval == pytest.approx((1 / 4, 1 / 2))
    with pytest.raises(InputError, match="plans that reduce the distance"):
        lost_share(-1 * controlled, first=2)
    controlled["distance"][1, 1, 0, 2] = np.nan
    saving, loss, interval = lost_share(controlled, first=2)
    assert saving.sel(grid="fine").values.tolist() == [-np.inf, 1]
    assert loss == np.inf and interval == (1 / 2, np.inf), "a flow that blew up is lost, and is told"


def test_the_interval_of_a_ratio_covers_it() -> None:
    rng = np.random.default_rng(0)

    def covered(draw: Callable[[], np.ndarray]) -> bool:
        below = draw()
        low, high = bootstrap_ratio_interval(0.3 * below + 0.1 * rng.normal(size=40), below, draws=300)
        return low <= 0.3 <= high

    assert 0.85 <= np.mean([covered(lambda: 1 + rng.uniform(size=40)) for _ in range(100)]) <= 1.0
    assert bootstrap_ratio_interval([2.0, 4.0, 6.0], [1.0, 2.0, 3.0]) == pytest.approx((2, 2))
