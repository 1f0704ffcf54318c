"""Regulation: bring the fields of any simulation to a target and hold them there."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from simulations.base import Simulation
from simulations.catalogue import build
from simulations.good_values import GOOD_VALUES
from simulations.plant import Plant
from simulations.sensors import Sensors
from simulations.tasks.task import Scenario, Task
from simulations.wrappers import ActuatorDynamics


class Regulation(Task):
    """Minimise the mean square distance to a target and the effort.

        reward = -(<(u - target)^2> + action_weight <s^2>)

    Here ``<.>`` is the mean over variables and space, or over actuators, and s are the actions normalised to
    [-1, 1].

    Args:
        simulation: The simulation, bare or wrapped.
        amplitude: The root mean square of the starts, before the warm-up.
        target: The target of every episode: one value for each variable, or fields ``(channel, *space)``;
            zero by default.
        intervals: The length of an episode in control intervals.
        warm_up: The number of intervals without control before an episode. Choose it so long that the flow
            reaches its attractor, or 0 where it decays.
        action_weight: The cost of actions at their bounds, in the units of the mean square. 0.01 is a good
            start: it lets the controller act freely and still prefers small actions.
        failure_cost: The cost of each interval from a blow-up to the end.
        sensors: The sensors that are observed in place of all fields; the environment draws their noise.

    Raises:
        ValueError: With everything that does not fit.

    Example:
        >>> from simulations import GOOD_VALUES, build
        >>> from simulations.tasks import Regulation
        >>> burgers = build({"equation": "burgers"} | GOOD_VALUES["burgers"].settings)
        >>> Regulation(burgers, target=[0.5], intervals=20).intervals
        20
    """

    name = "regulation"
    summary = "bring the fields of any simulation to a target and hold them there"

    def __init__(
        self,
        simulation: Plant,
        *,
        amplitude: float = 1.0,
        target: ArrayLike | None = None,
        intervals: int = 100,
        warm_up: int = 0,
        action_weight: float = 0.01,
        failure_cost: float = 100.0,
        sensors: Sensors | None = None,
    ) -> None:
        count = len(simulation.variables)
        goal = np.zeros(count) if target is None else np.asarray(target, dtype=np.float64)
        goal = goal.reshape(count, *(1,) * len(simulation.grid.shape)) if goal.shape == (count,) else goal
        problems = []
        if goal.ndim != 1 + len(simulation.grid.shape) or goal.shape[0] != count or not np.isfinite(goal).all():
            problems.append(
                f"expected a target of one finite value per variable ({count}) or of shape "
                f"{(count, *simulation.grid.shape)}, got shape {goal.shape}"
            )
        for label, number, least in (("intervals", intervals, 1), ("warm_up", warm_up, 0)):
            if not isinstance(number, int | np.integer) or number < least:
                problems.append(f"expected {label} >= {least}, a whole number, got {number}")
        if sensors is not None and sensors.shape != (count, *simulation.grid.shape):
            problems.append(f"expected sensors of fields {(count, *simulation.grid.shape)}, got {sensors.shape}")
        for label, value in (("action_weight", action_weight), ("failure_cost", failure_cost)):
            if not (np.isfinite(value) and value >= 0):
                problems.append(f"expected {label} >= 0, got {value}")
        if problems:
            raise ValueError(f"{self.name} of {simulation.equation}: " + "; ".join(problems) + ".")
        self.simulation = simulation
        self.amplitude = amplitude
        self.target = np.broadcast_to(goal, (count, *simulation.grid.shape))
        self.intervals = intervals
        self.warm_up = warm_up
        self.action_weight = action_weight
        self.failure_cost = failure_cost
        self.sensors = sensors

    def draw(self, rng: np.random.Generator, batch: int, *, dtype: torch.dtype = torch.float64) -> Scenario:
        """Random starts of the equation, advanced without control by the warm-up."""
        plant = self.simulation
        fields = np.stack([plant.initial_state(rng, amplitude=self.amplitude) for _ in range(batch)])
        state = plant.encode(torch.tensor(fields, dtype=dtype))
        rest = plant.actuators.clamp(state.new_zeros(batch, len(plant.actuators)))
        with torch.no_grad():
            for _ in range(self.warm_up):
                state = plant.advance(state, rest)
        target = torch.tensor(self.target, dtype=dtype).expand(batch, *self.target.shape)
        return Scenario(cast(Simulation, plant), state, target)

    def reward(self, scenario: Scenario, before: Tensor, action: Tensor, after: Tensor, interval: int) -> Tensor:
        """``-(<(u - target)^2> + action_weight <s^2>)`` with the fields at the end of the interval."""
        plant, target = scenario.simulation, torch.as_tensor(scenario.target)
        fields = plant.readout(after, ["fields"])["fields"]
        distance = (fields - target).square().flatten(1).mean(dim=1)
        effort = plant.actuators.to_normalized(action).square().mean(dim=1)
        lost = torch.full_like(distance, self.failure_cost * (self.intervals - interval))
        return -torch.where(self.failed(scenario, after), lost, distance + self.action_weight * effort)

    def observe(self, scenario: Scenario, fields: Tensor, rng: np.random.Generator) -> Tensor:
        """All fields, or the readings of the sensors; then, where actuators lag, their present actions."""
        if self.sensors is None:
            return fields.flatten(1)
        plant = cast(Plant, scenario.simulation)
        generator = torch.Generator().manual_seed(int(rng.integers(2**63))) if self.sensors.noise else None
        seen = self.sensors.observe(plant.readout(fields, ["fields"])["fields"], generator)
        if isinstance(plant, ActuatorDynamics):
            seen = torch.cat([seen, plant.readout(fields, ["acting"])["acting"]], dim=1)
        return seen


def regulate(
    equation: str,
    *,
    simulation: Mapping[str, Any] | None = None,
    target: Sequence[float] | None = None,
    intervals: int = 100,
    warm_up: int = 0,
    action_weight: float = 0.01,
    sensors: Mapping[str, Any] | None = None,
) -> Regulation:
    """:class:`Regulation` of an equation at its good values, to its uniform state of rest.

    Args:
        equation: A name of the catalogue.
        simulation: Settings for ``simulations.build`` in place of the good values.
        target: One value for each variable, in place of the state of rest.
        intervals: The length of an episode in control intervals.
        warm_up: The number of intervals without control before an episode.
        action_weight: The cost of actions at their bounds.
        sensors: Arguments of :class:`~simulations.sensors.Sensors`, to observe their readings in place of all
            fields.

    Raises:
        ValueError: If the equation has no state of rest, or a setting does not fit.
    """
    known = [name for name, good in GOOD_VALUES.items() if good.rest is not None]
    if equation not in known:
        raise ValueError(f"Expected an equation with a state of rest, got '{equation}'. Known: {', '.join(known)}.")
    good = GOOD_VALUES[equation]
    plant = build({"equation": equation, **good.settings, **(simulation or {})})
    return Regulation(
        plant,
        amplitude=good.amplitude,
        target=good.rest if target is None else target,
        intervals=intervals,
        warm_up=warm_up,
        action_weight=action_weight,
        sensors=None if sensors is None else Sensors(plant, **sensors),
    )
