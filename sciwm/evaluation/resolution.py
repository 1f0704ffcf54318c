"""Whether a dynamics depends on the grid: the same fields on other grids.

    encoding error = || f(u_M) - f(u_N) || / || f(u_N) ||        one function u on M and on N points

and control by plans of the dynamics that are carried out on a finer grid than its own.
"""

from collections.abc import Callable, Sequence

import torch
import xarray as xr
from torch import Tensor

from sciwm.dynamics import Dynamics
from sciwm.errors import InputError, Problem
from sciwm.evaluation.control import ControlTask, early_distance, run_control
from sciwm.evaluation.statistics import bootstrap_ratio_interval
from sciwm.evaluation.trajectories import described, ratio
from simulations import build
from simulations.episode import Policy
from simulations.generate import Progress, silent
from simulations.resampling import resample


@torch.no_grad()
def encoding_errors(dynamics: Dynamics, fields: Tensor, others: Sequence[Tensor]) -> xr.Dataset:
    """Relative change of the encoded state with the grid on which the fields are given.

    Args:
        dynamics: What is evaluated.
        fields: The reference, ``(sample, variable, *space)``, on the grid of the dynamics.
        others: The same functions on other grids, as from :func:`on_shapes`.

    Returns:
        ``encoding_error`` over ``grid`` (number of points along each dimension, as ``128x128``) and ``sample``.
        States that are themselves fields on a grid are compared on the coarser one.

    Raises:
        InputError: If other fields have not the same samples and variables.

    Example:
        >>> errors = encoding_errors(model, fields, on_shapes(fields, [(128,), (256,)]))  # doctest: +SKIP
    """
    wanted = (*fields.shape[:2], *("points" for _ in fields.shape[2:]))
    problems = [
        Problem(f"others[{i}]", f"the shape {wanted}", f"{tuple(other.shape)}")
        for i, other in enumerate(others)
        if other.shape[:2] != fields.shape[:2] or other.ndim != fields.ndim
    ]
    if problems or not others:
        raise InputError(problems or [Problem("others", "the fields on at least one other grid", "none")])
    state = dynamics.encode(fields)
    rows = []
    for other in others:
        seen, reference = _on_one_grid(dynamics.encode(other), state)
        rows.append(ratio((seen - reference).flatten(1).norm(dim=1), reference.flatten(1).norm(dim=1)))
    error = described(torch.stack(rows), ("grid", "sample"), "change of the state with the grid, over its norm")
    return xr.Dataset({"encoding_error": error}, {"grid": [grid_name(other.shape[2:]) for other in others]})


def on_shapes(fields: Tensor, shapes: Sequence[Sequence[int]]) -> list[Tensor]:
    """Fields ``(sample, variable, *space)`` on other grids of the same periodic domain, by Fourier interpolation."""
    return [resample(fields, shape) for shape in shapes]


class Restricted:
    """A dynamics that takes fields of any resolution, by restricting them to its own grid first.

    Args:
        dynamics: Takes fields on its own grid alone.
        shape: Number of points of its grid along each dimension.
    """

    def __init__(self, dynamics: Dynamics, shape: Sequence[int]) -> None:
        self.dynamics = dynamics
        self.shape = tuple(shape)
        self.actuators = dynamics.actuators
        self.control_interval = dynamics.control_interval

    def encode(self, fields: Tensor) -> Tensor:
        """Encode the fields ``(batch, variable, *space)``, restricted to the grid."""
        return self.dynamics.encode(resample(fields, self.shape))

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        """Advance as the dynamics does."""
        return self.dynamics.advance(state, action)

    def readout(self, state: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """Read out as the dynamics does, with fields on its own grid."""
        return self.dynamics.readout(state, names)


def refined(task: ControlTask, factor: int, *, steps_per_interval: int | None = None) -> ControlTask:
    """The same control task with a true simulation on ``factor`` times as many points along each dimension.

    Args:
        task: On the coarser grid.
        factor: A whole number, such as 2.
        steps_per_interval: Solver steps on the finer grid, as on the coarser one if left out.
    """
    settings = task.config.simulated()[0]
    points = settings.num_points
    finer = factor * points if isinstance(points, int) else tuple(factor * n for n in points)
    changed = {"num_points": finer, "steps_per_interval": steps_per_interval or settings.steps_per_interval}
    config = task.config.model_copy(update={"simulation": settings.model_copy(update=changed)})
    simulation = build(config.simulated()[0].model_dump())
    shape = simulation.grid.shape
    return ControlTask(config, simulation, resample(task.starts, shape), resample(task.target, shape))


def control_across_grids(
    dynamics: Dynamics, coarse: ControlTask, fine: ControlTask, *, restrict: bool, progress: Progress = silent
) -> xr.Dataset:
    """Plan through a dynamics, and carry the plans out on its own grid and on a finer one.

    Args:
        dynamics: What plans are made with.
        coarse: The task on the grid of the dynamics.
        fine: The same task on a finer grid, see :func:`refined`.
        restrict: Whether fine fields are restricted to the grid of the dynamics first; needed if it takes no other.
        progress: Shows how far control is.

    Returns:
        ``distance``, mean square from the target, over ``grid`` (coarse, fine), ``controller`` (none, planned),
        ``episode`` and ``time``; ``points`` by grid.
    """
    seen: Dynamics = Restricted(dynamics, coarse.simulation.grid.shape) if restrict else dynamics
    rows = [_controlled(coarse, dynamics, progress), _controlled(fine, seen, progress)]
    both = xr.concat(rows, xr.DataArray(["coarse", "fine"], dims="grid", name="grid"))
    points = [grid_name(task.simulation.grid.shape) for task in (coarse, fine)]
    meaning = {"units": "1", "long_name": "points of the grid"}
    return xr.Dataset({"distance": both}, {"points": ("grid", points, meaning)})


class NothingSaved(InputError):
    """Planning does not reduce the distance on the coarse grid, so that there is no reduction to compare with."""


def lost_share(controlled: xr.Dataset, *, first: int) -> tuple[xr.DataArray, float, tuple[float, float]]:
    """The share of the reduction by planning that is lost on the fine grid: ``(coarse - fine) / coarse``.

    The reduction is by how much planning lowers the mean square distance over the intervals 1 to ``first``; where an
    episode is not finite, its distance is infinite.

    Args:
        controlled: As from :func:`control_across_grids`.
        first: Number of intervals that count.

    Returns:
        The reduction by ``grid`` and ``episode``; the share of the mean reduction that is lost, with its 95 %
        bootstrap interval over episodes.

    Raises:
        NothingSaved: If the plans save nothing on the coarse grid.
    """
    distance = early_distance(controlled, first=first)
    saving = distance.sel(controller="none", drop=True) - distance.sel(controller="planned", drop=True)
    coarse, fine = saving.sel(grid="coarse").values, saving.sel(grid="fine").values
    if not coarse.mean() > 0:
        expected = "plans that reduce the distance on the coarse grid"
        got, remedy = f"a reduction by {coarse.mean():g}", "raise planning.horizon or the iterations of the planner"
        raise NothingSaved([Problem("controlled", expected, got, remedy)])
    loss = float((coarse - fine).mean() / coarse.mean())
    named = saving.assign_attrs(units="1", long_name="mean square distance saved by planning")
    return named, loss, bootstrap_ratio_interval(coarse - fine, coarse)


def grid_name(shape: Sequence[int]) -> str:
    """``64`` or ``64x64``."""
    return "x".join(map(str, shape))


def _controlled(task: ControlTask, dynamics: Dynamics, progress: Progress) -> xr.DataArray:
    makers: dict[str, Callable[[], Policy]] = {
        "none": task.references()["none"],
        "planned": lambda: task.plan_with(dynamics),
    }
    return run_control(task, makers, progress)["distance"]


def _on_one_grid(state: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
    if state.shape == reference.shape:
        return state, reference
    coarser = [min(pair) for pair in zip(state.shape[2:], reference.shape[2:], strict=True)]
    return resample(state, coarser), resample(reference, coarser)
