"""Trajectories in memory, for baselines that are fitted in closed form."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sciwm.data import Trajectories
from sciwm.errors import Problem, counted, raise_if
from simulations import ActionBox


@dataclass(frozen=True, eq=False)
class Recordings:
    """Forced trajectories in physical units.

    Args:
        fields: ``(simulation, time + 1, variable, *space)``, one to three dimensions of space.
        actions: ``(simulation, time, actuator)``, each held from one instant to the next.
        actuators: names and bounds of the actions.
        control_interval: time between instants.

    Raises:
        InputError: if shapes do not fit together, or values are not finite.
    """

    fields: Tensor
    actions: Tensor
    actuators: ActionBox
    control_interval: float

    def __post_init__(self) -> None:
        problems = []
        if self.fields.ndim not in (4, 5, 6):
            expected = "shape (simulation, time + 1, variable, *space)"
            problems.append(Problem("fields", expected, str(tuple(self.fields.shape))))
        elif self.fields.shape[1] < 2:
            problems.append(Problem("fields", "at least two instants", str(self.fields.shape[1])))
        if not problems:
            expected_shape = (len(self.fields), self.fields.shape[1] - 1, len(self.actuators))
            if self.actions.shape != expected_shape:
                problems.append(Problem("actions", f"shape {expected_shape}", str(tuple(self.actions.shape))))
        for name, values in (("fields", self.fields), ("actions", self.actions)):
            bad = int((~torch.isfinite(values)).sum())
            if bad:
                got = counted(bad, "that is not", "that are not")
                problems.append(Problem(name, "finite values", got, "drop these simulations"))
        raise_if(problems)

    @property
    def intervals(self) -> int:
        """Number of control intervals of each trajectory."""
        return self.actions.shape[1]


def recordings(data: Trajectories) -> Recordings:
    """Read the usable simulations of a store into memory, as float32."""
    rows = data.usable

    def values(name: str) -> Tensor:
        return torch.from_numpy(np.asarray(data.array(name)[:])[rows].astype(np.float32))

    return Recordings(
        fields=torch.stack([values(v.name) for v in data.variables], dim=2),
        actions=values("action")[:, : data.intervals],
        actuators=data.actuators,
        control_interval=data.control_interval,
    )
