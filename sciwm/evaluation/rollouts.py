"""Imagined against true trajectories of held-out simulations."""

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from sciwm.data.schema import Trajectories
from sciwm.dynamics import readout_trajectory, rollout
from sciwm.model.world_model import WorldModel


@torch.no_grad()
def evaluate_rollouts(model: WorldModel, data: Trajectories, *, steps: int) -> xr.Dataset:
    """Roll every usable simulation out from its first instant under its own forcing.

    Returns:
        over ``simulation``, ``time`` (lead time, from the start on) and space: truth and imagination
        of every variable (``u``, ``u_imagined``), ``nrmse`` = ||u^ - u|| / ||u|| and the same for
        persistence, over all variables in units of their deviation.
    """
    domain, rows = model.domain, data.usable
    truth = torch.stack([_rows(data, v.name, rows, steps + 1) for v in domain.variables], dim=2)
    actions = _rows(data, "action", rows, steps)
    states = rollout(model, model.encode(truth[:, 0]), actions)
    imagined = torch.cat([truth[:, :1], readout_trajectory(model, states, ["fields"])["fields"]], dim=1)
    coordinates = {
        "simulation": rows,
        "time": ("time", np.arange(steps + 1) * domain.control_interval, {"units": "1", "long_name": "lead time"}),
        domain.dimension: np.arange(truth.shape[-1]) * domain.domain_extent / truth.shape[-1],
    }
    fields = {}
    for c, v in enumerate(domain.variables):
        dims = ("simulation", "time", domain.dimension)
        fields[v.name] = (dims, truth[:, :, c].numpy(), {"units": v.units, "long_name": f"true {v.long_name}"})
        fields[f"{v.name}_imagined"] = (
            dims, imagined[:, :, c].numpy(), {"units": v.units, "long_name": f"imagined {v.long_name}"},
        )  # fmt: skip
    start = truth[:, :1].expand_as(truth)
    errors = {
        "nrmse": _relative_error(model, imagined, truth, "of the world model"),
        "nrmse_persistence": _relative_error(model, start, truth, "of persistence"),
    }
    return xr.Dataset(fields | errors, coordinates)


def skill_by_step(rollouts: xr.Dataset, model: WorldModel) -> xr.DataArray:
    """``1 - MSE / MSE of persistence`` over ``time``, from the first step on."""
    mse = mse_persistence = 0.0
    for v in model.domain.variables:
        truth, over = rollouts[v.name], ("simulation", model.domain.dimension)
        mse = mse + ((rollouts[f"{v.name}_imagined"] - truth) ** 2).mean(over) / v.deviation**2
        mse_persistence = mse_persistence + ((truth.isel(time=0) - truth) ** 2).mean(over) / v.deviation**2
    skill: xr.DataArray = 1 - (mse / mse_persistence).isel(time=slice(1, None))
    return skill.assign_attrs(units="1", long_name="skill against persistence")


def valid_prediction_time(rollouts: xr.Dataset, *, threshold: float = 0.5) -> xr.DataArray:
    """First lead time at which nrmse exceeds ``threshold``, per simulation; the last one if it never does."""
    lead = rollouts["time"]
    exceeded = rollouts["nrmse"] > threshold
    first = lead.where(exceeded).min("time")
    return first.fillna(float(lead[-1])).assign_attrs(units="1", long_name="valid prediction time")


@torch.no_grad()
def unseen_action_budget(
    model: WorldModel, starts: Tensor, truth: dict[str, Tensor], actions: Tensor
) -> xr.Dataset:
    """Budgets of imagined trajectories under actions of a kind that is not in the data.

    Args:
        starts: physical fields ``(batch, variable, x)``.
        truth: the solver's functionals under the same actions, name to ``(batch, T + 1)``.
        actions: physical, ``(batch, T, actuator)``.

    Returns:
        over ``functional``, ``sample``, ``time``: ``residual`` of the model's own budget, and
        ``change_error``, imagined minus true change of the functional; both in units of the
        deviation of the change in the training data.
    """
    from sciwm.loss.physics import budget_residual

    state = model.encode(starts)
    states = torch.cat([state[:, None], rollout(model, state, actions)], dim=1)
    before, after = states[:, :-1].flatten(0, 1), states[:, 1:].flatten(0, 1)
    shape = actions.shape[:2]
    residual = budget_residual(model, before, actions.flatten(0, 1), after).unflatten(0, shape)
    names = [f.name for f in model.domain.functionals]
    imagined = readout_trajectory(model, states, names)
    changes = [
        (imagined[f.name].diff(dim=1) - truth[f.name].diff(dim=1)) / f.change_deviation for f in model.domain.functionals
    ]
    dims = ("sample", "time", "functional")
    attributes = {"units": "1"}
    return xr.Dataset(
        {
            "residual": (dims, residual.numpy(), attributes | {"long_name": "budget residual of imagined intervals"}),
            "change_error": (
                dims, torch.stack(changes, dim=2).numpy(), attributes | {"long_name": "error of the imagined change"},
            ),
        },
        {"functional": names},
    )  # fmt: skip


def _rows(data: Trajectories, name: str, rows: list[int], length: int) -> Tensor:
    return torch.from_numpy(np.stack([data.array(name)[i, :length] for i in rows]).astype(np.float32))


def _relative_error(
    model: WorldModel, guess: Tensor, truth: Tensor, whose: str
) -> tuple[tuple[str, str], "np.ndarray[tuple[int, ...], np.dtype[np.float32]]", dict[str, str]]:
    deviation = truth.new_tensor([v.deviation for v in model.domain.variables])[:, None]
    norm = ((guess - truth) / deviation).flatten(2).norm(dim=2) / (truth / deviation).flatten(2).norm(dim=2)
    return ("simulation", "time"), norm.numpy(), {"units": "1", "long_name": f"normalised error {whose}"}
