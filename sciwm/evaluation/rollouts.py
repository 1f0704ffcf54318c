"""Forecasts of held-out simulations, compared with the truth: errors, skill, valid prediction time, budgets."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from sciwm.data import Trajectories, Variable, point_weights, position_of
from sciwm.dynamics import Dynamics, readout_trajectory, rollout
from sciwm.errors import InputError, Problem
from sciwm.evaluation.held_out_scores import lead_attributes, square_errors
from sciwm.evaluation.invariants import vary_by_rounding
from sciwm.loss.terms import budget_residual
from sciwm.model import WorldModel
from simulations import Simulation

SIMULATIONS_AT_ONCE = 8  # bounds the memory of decoder products
NUMBERS_AT_ONCE = 2**21
"""The number of field values of somebody's data that are decoded at once."""

VALID_ERROR = 0.5
"""Largest normalised error (nRMSE) of a forecast that counts as valid."""


@torch.no_grad()
def evaluate_rollouts(
    model: WorldModel,
    data: Trajectories,
    *,
    steps: int,
    climatology: Tensor | None = None,
    rows: Sequence[int] | None = None,
) -> xr.Dataset:
    """Forecast simulations from their first instants under their recorded actions.

    Args:
        model: What is evaluated.
        data: Simulations that it was not trained on.
        steps: Number of control intervals to forecast; of shorter simulations, as many as they have.
        climatology: The mean field of the training data, ``(variable, *space)``, which is compared with if given.
        rows: The simulations; by default all usable ones.

    Returns:
        Over ``simulation``, ``time`` (lead time, the start included) and space: truth and forecast
        of every variable (``u``, ``u_imagined``), ``nrmse`` = ||u^ - u|| / ||u|| and the same for
        persistence, over all variables in units of their deviation. Forecasts that are not finite stay so.

        Data of others have no natural zero (degC, K): there, ``nrmse`` is the root mean square error in deviations of
        the training data. It is weighed by the cells of the grid (``u_weight``); where a simulation is over, or a field
        does not exist, everything is NaN. ``label`` is what the simulations are called by their authors, and
        ``intervals`` how many of each there are.
    """
    domain, rows = model.domain, list(data.usable if rows is None else rows)
    truth = torch.stack([_rows(data, v.name, rows, steps + 1) for v in domain.variables], dim=2)
    actions = _rows(data, "action", rows, steps).nan_to_num(0.0)  # behind the end of a simulation
    states = rollout(model, model.encode(truth[:, 0], torch.from_numpy(data.parameters[rows])), actions)
    imagined = torch.cat([truth[:, :1], _decoded(model, states, in_pieces=data.roles is not None)], dim=1)
    coordinates = {
        "simulation": rows,
        "time": ("time", np.arange(steps + 1) * domain.control_interval, lead_attributes(domain)),
        **{axis.name: position_of(axis) for axis in data.axes},
    }
    guesses = {"": (imagined, "of the world model"), "_persistence": (truth[:, :1].expand_as(truth), "of persistence")}
    if climatology is not None:
        guesses["_climatology"] = (climatology.expand_as(truth), "of climatology")
    weights = None if data.roles is None else torch.from_numpy(point_weights(data))
    errors = {f"nrmse{end}": _error(model, guess, truth, weights, whose) for end, (guess, whose) in guesses.items()}
    if data.roles is not None:
        truth, imagined = (_where_it_is(values, truth, weights) for values in (truth, imagined))
        coordinates["label"] = ("simulation", [data.labels[i] for i in rows])
        coordinates["intervals"] = ("simulation", [min(data.intervals_of(i), steps) for i in rows])
    fields: dict[str, Any] = {}
    for c, v in enumerate(domain.variables):
        dims = ("simulation", "time", *domain.dimensions)
        fields[v.name] = (dims, truth[:, :, c].numpy(), {"units": v.units, "long_name": f"true {v.long_name}"})
        fields[f"{v.name}_imagined"] = (
            dims, imagined[:, :, c].numpy(), {"units": v.units, "long_name": f"imagined {v.long_name}"},
        )  # fmt: skip
        if climatology is not None:
            about = {"units": v.units, "long_name": f"mean {v.long_name} of the training data"}
            fields[f"{v.name}_climatology"] = (dims[2:], climatology[c].numpy(), about)
        if weights is not None:
            fields[f"{v.name}_weight"] = (dims[2:], weights[c].numpy(), {"units": "1", "long_name": "weight of points"})
    return xr.Dataset(fields | errors, coordinates)


def skill_by_step(rollouts: xr.Dataset, model: WorldModel) -> xr.DataArray:
    """``1 - MSE / MSE of persistence`` over ``time``, from the first step on; -inf if a forecast is not finite.

    Variables that never change in these data do not count, unless none does: of them persistence has no error.

    Args:
        rollouts: As from :func:`evaluate_rollouts`; of somebody's data their ``square_errors`` will do.
        model: The model.
    """
    domain, variables = model.domain, model.domain.variables
    if any(f"{v.name}_weight" in rollouts for v in variables):
        rollouts = square_errors(rollouts, domain)

    def square(variable: Variable, end: str) -> xr.DataArray:
        if "square" in rollouts:
            pooled = rollouts[f"square{end}"].mean("simulation").sel(variable=variable.name, drop=True)
        else:
            truth = rollouts[variable.name]
            guess = truth.isel(time=0) if end else rollouts[f"{variable.name}_imagined"]
            pooled = ((guess.astype(float) - truth) ** 2).mean(("simulation", *domain.dimensions), skipna=False)
        return pooled / variable.size**2

    changing = [v for v in variables if (square(v, "_persistence").isel(time=slice(1, None)) > 0).any()]

    def mean_square(end: str) -> xr.DataArray:
        parts = [square(v, end) for v in changing or variables]
        return xr.concat(parts, "variable").sum("variable", skipna=False).fillna(np.inf)

    skill: xr.DataArray = 1 - (mean_square("") / mean_square("_persistence")).isel(time=slice(1, None))
    return skill.assign_attrs(units="1", long_name="skill against persistence")


def first_invalid(error: NDArray[Any]) -> NDArray[np.intp]:
    """Index of the first instant at which the error of a forecast is above ``VALID_ERROR``.

    Args:
        error: Normalised, ``(..., time)``; one that is not finite counts as above.

    Returns:
        ``(...)``; the last index for a forecast that is valid to the end.
    """
    exceeded = ~(error <= VALID_ERROR)
    return np.where(exceeded.any(axis=-1), exceeded.argmax(axis=-1), error.shape[-1] - 1)


def valid_prediction_time(rollouts: xr.Dataset) -> xr.DataArray:
    """First lead time at which the nRMSE exceeds ``VALID_ERROR``, by simulation; the last one if it never does.

    Args:
        rollouts: As from :func:`evaluate_rollouts`.

    Returns:
        In time units. A forecast that is valid to the end gives a lower bound: evaluate more ``steps`` then.
    """
    error = rollouts["nrmse"].transpose(..., "time")
    last = error.sizes["time"] - 1
    ends = rollouts["intervals"].values if "intervals" in rollouts.coords else np.full(error.shape[:-1], last)
    lead = rollouts["time"].values[np.minimum(first_invalid(error.values), ends)]
    units = rollouts["time"].attrs.get("units", "1")
    return error.isel(time=0, drop=True).copy(data=lead).assign_attrs(units=units, long_name="valid prediction time")


@torch.no_grad()
def unseen_action_budget(
    dynamics: Dynamics, simulation: Simulation, starts: Tensor, actions: Tensor, fields: Tensor
) -> xr.Dataset:
    """Errors of the changes of functionals in forecasts under actions unlike those of the data.

    Args:
        dynamics: What is evaluated.
        simulation: Defines the functionals.
        starts: Physical fields ``(batch, variable, *space)``.
        actions: Physical actions ``(batch, T, actuator)``.
        fields: The true fields, ``(batch, T + 1, variable, *space)``.

    Returns:
        Over ``functional`` (those that the flow does not conserve), ``sample`` and ``time``, in units of the
        deviation of the true changes over an interval: ``change_error``, the error of the change of the functional
        of the decoded fields; and for a model with heads ``stated_error``, the error of the change that the heads
        read from the latent, and ``residual``, by how much this change differs from source and actuator terms of
        the budget that the model predicts.

    Raises:
        InputError: If all functionals are conserved.
    """
    state = dynamics.encode(starts)
    states = torch.cat([state[:, None], rollout(dynamics, state, actions)], dim=1)
    imagined = readout_trajectory(dynamics, states, ["fields"])["fields"]
    stated = [f.name for f in dynamics.domain.functionals] if isinstance(dynamics, WorldModel) else []
    names = _varying(simulation, fields, stated or simulation.functional_names)

    def changes(trajectory: Tensor) -> Tensor:
        values = simulation.functionals(trajectory.flatten(0, 1))
        return torch.stack([values[n].unflatten(0, trajectory.shape[:2]).diff(dim=1) for n in names], dim=2)

    true = changes(fields)
    scale = true.flatten(0, 1).std(dim=0)
    dims = ("sample", "time", "functional")
    variables = {"change_error": ((changes(imagined) - true) / scale, "error of the change of the decoded fields")}
    if isinstance(dynamics, WorldModel) and stated:
        read = torch.stack(list(readout_trajectory(dynamics, states, names).values()), dim=2)
        variables["stated_error"] = ((read.diff(dim=1) - true) / scale, "error of the change that the heads read")
        before, after = states[:, :-1].flatten(0, 1), states[:, 1:].flatten(0, 1)
        residual = budget_residual(dynamics, before, actions.flatten(0, 1), after).unflatten(0, actions.shape[:2])
        trained = residual.new_tensor([f.change_deviation for f in dynamics.domain.functionals])
        residual = (residual * trained)[..., [stated.index(name) for name in names]]
        variables["residual"] = (residual / scale, "residual of the predicted budget")
    return xr.Dataset(
        {k: (dims, v.numpy(), {"units": "1", "long_name": meaning}) for k, (v, meaning) in variables.items()},
        {
            "functional": names,
            "time": (
                "time",
                dynamics.control_interval * np.arange(1, actions.shape[1] + 1),
                {"units": "1", "long_name": "end of the interval", "axis": "T"},
            ),
        },
    )


def root_mean_square_over_time(errors: xr.DataArray) -> xr.DataArray:
    """Root mean square of errors over ``time``; not finite if the error of any instant is not."""
    size: xr.DataArray = (errors**2).mean("time", skipna=False) ** 0.5
    return size


def _varying(simulation: Simulation, fields: Tensor, names: Sequence[str]) -> list[str]:
    """The functionals that change along ``fields`` ``(batch, time, variable, *space)`` by more than rounding errors."""
    every, known = simulation.functionals(fields.flatten(0, 1)), simulation.functional_names
    changes = [float(every[name].unflatten(0, fields.shape[:2]).diff(dim=1).std()) for name in known]
    conserved = dict(zip(known, vary_by_rounding(simulation, fields[:, 0], changes), strict=True))
    varying = [name for name in names if not conserved[name]]
    if not varying:
        raise InputError([Problem("functionals", "one that is not conserved", f"{', '.join(names)}, all conserved")])
    return varying


def _rows(data: Trajectories, name: str, rows: list[int], length: int) -> Tensor:
    return torch.from_numpy(np.stack([data.array(name)[i, :length] for i in rows]).astype(np.float32, copy=False))


def _decoded(model: WorldModel, states: Tensor, *, in_pieces: bool) -> Tensor:
    """The fields of states ``(simulation, time, ...)``, some simulations at once, and of these some lead times."""
    each = max(1, NUMBERS_AT_ONCE // model.mean_fields.numel()) if in_pieces else states.shape[1]
    return torch.cat(
        [
            torch.cat([readout_trajectory(model, piece, ["fields"])["fields"] for piece in part.split(each, dim=1)], 1)
            for part in states.split(SIMULATIONS_AT_ONCE)
        ]
    )


def _where_it_is(values: Tensor, truth: Tensor, weights: Tensor | None) -> Tensor:
    """Values where there is a truth, NaN behind the end of a simulation and where fields do not exist."""
    there = torch.isfinite(truth) if weights is None else torch.isfinite(truth) & (weights > 0)
    return torch.where(there, values, torch.nan)


def _error(
    model: WorldModel, guess: Tensor, truth: Tensor, weights: Tensor | None, whose: str
) -> tuple[tuple[str, str], "np.ndarray[tuple[int, ...], np.dtype[np.float32]]", dict[str, str]]:
    deviation = truth.new_tensor([v.size for v in model.domain.variables])
    deviation = deviation.view(-1, *(1,) * len(model.domain.axes))
    if weights is None:
        norm = ((guess - truth) / deviation).flatten(2).norm(dim=2) / (truth / deviation).flatten(2).norm(dim=2)
        return ("simulation", "time"), norm.numpy(), {"units": "1", "long_name": f"normalised error {whose}"}
    over = torch.isnan(truth).flatten(2).all(dim=2)
    square = (guess - truth).div_(deviation).square_().mul_(weights).masked_fill_(weights <= 0, 0.0)
    error = (square.flatten(2).sum(dim=2) / weights.sum()).sqrt()
    error = torch.where(over, torch.nan, error.nan_to_num(torch.inf, posinf=torch.inf))
    return ("simulation", "time"), error.numpy(), {"units": "1", "long_name": f"error in deviations {whose}"}
