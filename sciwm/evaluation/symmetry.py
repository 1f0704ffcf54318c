"""Translations: how closely a model commutes with them, and which of them map equation and actuators to themselves."""

import copy
import math

import torch
import xarray as xr
from torch import Tensor

from sciwm.dynamics import Dynamics
from sciwm.evaluation.trajectories import decoded, described, ratio
from sciwm.model import WorldModel
from sciwm.model.spaces import SpectralSpace, translate
from simulations import PeriodicGrid, Simulation

SHIFTS = 8
"""Number of random translations."""


@torch.no_grad()
def translation_errors(model: WorldModel, fields: Tensor, actions: Tensor, *, seed: int = 0) -> xr.Dataset:
    """Relative errors by which encoding and advancing fail to commute with translations T.

        encoder:   || E(T u) - T E(u) || / || E(u) ||
        predictor: || F(T z, T a) - T F(z, a) || / || F(z, a) ||,    T a moves the actuators

    Distances are random, mostly between grid points, and zero along axes on which a steady forcing acts.

    Args:
        model: Has a spectral latent.
        fields: Fields ``(sample, variable, *space)``, resolved by the grid.
        actions: Physical actions ``(sample, actuator)``.

    Returns:
        ``encoder_error`` over ``shift`` and ``sample``; also ``predictor_error`` if the model knows the shapes of the
        actuators.

    Raises:
        TypeError: If the latent is not spectral.
    """
    space, shape_space = model.encoder.space, model.encoder.shape_space
    if not isinstance(space, SpectralSpace) or not isinstance(shape_space, SpectralSpace):
        raise TypeError("translation_errors: expected a spectral latent, which can be translated, got another.")
    moves = torch.tensor([axis.name not in model.settings.predictor.steady_forcing for axis in model.domain.axes])
    distances = torch.rand(SHIFTS, len(moves), generator=torch.Generator().manual_seed(seed)) * 2 * math.pi * moves
    z = model.latent(model.encode(fields))
    after = model.advance(z, actions)
    found: dict[str, list[Tensor]] = {"encoder": [], "predictor": []}
    for distance in distances.tolist():
        moved = translate(z, space, distance)
        encoded = model.latent(model.encode(translated(fields, distance)))
        found["encoder"].append(_relative(encoded - moved, z))
        if model.shapes is not None:
            beside = copy.deepcopy(model)
            beside.shapes = translate(model.shapes, shape_space, distance)
            with beside.assembled():
                difference = beside.advance(moved, actions) - translate(after, space, distance)
            found["predictor"].append(_relative(difference, after))
    meanings = {"encoder": "encoded shift against shifted code", "predictor": "step of a shift against shifted step"}
    return xr.Dataset(
        {f"{n}_error": described(torch.stack(e), ("shift", "sample"), meanings[n]) for n, e in found.items() if e}
    )


def translated(fields: Tensor, distances: list[float]) -> Tensor:
    """Periodic fields ``(..., *space)`` moved by a distance along each axis; every axis counts as ``2 pi`` long."""
    for axis, distance in zip(range(-len(distances), 0), distances, strict=True):
        spectrum = torch.fft.rfft(fields.movedim(axis, -1).double())
        angle = -distance * torch.arange(spectrum.shape[-1], dtype=torch.float64)
        turned = spectrum * torch.polar(torch.ones_like(angle), angle)
        fields = torch.fft.irfft(turned, n=fields.shape[axis]).movedim(-1, axis).to(fields.dtype)
    return fields


def _relative(difference: Tensor, of: Tensor) -> Tensor:
    return ratio(difference.flatten(1).norm(dim=1), of.flatten(1).norm(dim=1))


Shift = tuple[int, int, list[int]]
"""Axis of space, number of grid points, and for each actuator the one whose place it takes."""


def symmetric_shift(simulation: Simulation, fields: Tensor) -> Shift | None:
    """The smallest translation that maps the equation and the set of actuators to themselves.

    A state is moved by it consistently if the actions are permuted along with the actuators.

    Args:
        simulation: Has the equation and the actuators.
        fields: Any state to try it on, ``(1, variable, *space)`` in double precision, without symmetry of its own.

    Returns:
        The shift; None if there is none, as between walls, or for actuators of different shapes.
    """
    if not isinstance(simulation.grid, PeriodicGrid):
        return None
    drift, response = simulation.rates(fields)
    tolerance = 1e-8 * float(drift.abs().max())
    for axis, count in enumerate(simulation.grid.shape):
        along = axis - len(simulation.grid.shape)
        for points in range(1, count):
            moved_drift, moved_response = simulation.rates(fields.roll(points, along))
            if (drift.roll(points, along) - moved_drift).abs().max() > tolerance:
                continue
            distance = (response.roll(points, along)[0][:, None] - moved_response[0][None]).flatten(2).abs().amax(2)
            places = distance.argmin(dim=1)
            close = distance.amin(dim=1) <= 1e-8 * response.abs().max()
            if bool(close.all()) and len(set(places.tolist())) == len(places):
                return axis, points, places.tolist()
    return None


def lattice_shift(simulation: Simulation) -> Shift | None:
    """:func:`symmetric_shift`, tried on white noise of a fixed seed."""
    shape, generator = (len(simulation.variables), *simulation.grid.shape), torch.Generator().manual_seed(0)
    return symmetric_shift(simulation, torch.randn(1, *shape, dtype=torch.float64, generator=generator))


def apply_shift(simulation: Simulation, fields: Tensor, actions: Tensor, shift: Shift) -> tuple[Tensor, Tensor]:
    """Fields ``(..., *space)`` moved by a shift, and actions ``(..., actuator)`` permuted with the actuators."""
    axis, points, places = shift
    moved = torch.empty_like(actions)
    moved[..., places] = actions
    return fields.roll(points, axis - len(simulation.grid.shape)), moved


@torch.no_grad()
def equivariance_errors(dynamics: Dynamics, simulation: Simulation, starts: Tensor, actions: Tensor) -> Tensor | None:
    """Relative error by which a step of any dynamics fails to commute with the smallest shift S of the equation.

        || F(S u, P a) - S F(u, a) || / || S F(u, a) ||,    P permutes the actuators as S moves them

    Args:
        starts: Fields u, ``(sample, variable, *space)``.
        actions: Physical actions ``(sample, 1, actuator)``.

    Returns:
        ``(sample,)``; None if equation and actuators allow no shift.
    """
    shift = lattice_shift(simulation)
    if shift is None:
        return None
    expected, moved_actions = apply_shift(simulation, decoded(dynamics, starts, actions), actions, shift)
    moved_starts, _ = apply_shift(simulation, starts, actions, shift)
    return _relative(decoded(dynamics, moved_starts, moved_actions) - expected, expected)
