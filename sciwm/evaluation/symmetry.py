"""Shifts that map equation and actuators onto themselves."""

from torch import Tensor

from simulations import PeriodicGrid, Simulation


def symmetric_shift(simulation: Simulation, fields: Tensor) -> tuple[int, int, list[int]] | None:
    """The smallest translation that maps equation and set of actuators onto themselves.

    Permuting the actuators along with the state is the same as this shift: there is no other way to do it
    consistently.

    Args:
        fields: any state to try it on, ``(1, variable, *space)`` in double precision, not symmetric itself.

    Returns:
        axis of space, number of points, and for each actuator the one whose place it takes; None if there is
        none, as between walls, or for sine modes of different lengths.
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
