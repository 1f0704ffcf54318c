"""How actions are chosen, and the closed-loop experiment."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from sciwm.config.kinds import Count, Integer, Positive, Section, Steps, Weight, as_tuple


class PlanningSettings(Section):
    """How actions are chosen; the same planner serves the model and the true solver.

    ``learning_rate`` (gradient) and ``deviation`` (cem) are in units of the search scale: the whole
    box, or, with ``terminal: riccati``, the size of what the linear law would do.
    """

    planner: Literal["gradient", "cem"] = "gradient"
    horizon: Count = 12
    action_weight: Weight = 0.01
    rate_weight: Weight = 0.0
    terminal: Literal["none", "riccati"] = "riccati"
    iterations: Count = 6
    learning_rate: Positive = 0.1
    samples: Annotated[Integer, Field(ge=2)] = 64
    elites: Count = 8
    deviation: Positive = 0.1


class ControlSettings(Section):
    """The closed-loop experiment: drive held-out states to a uniform field.

    ``target`` is one value per variable, null for one that may be anything; the equation's state of
    rest if left out. The oracles plan with the solver step of the simulation unless they are given
    their own.
    """

    target: Annotated[tuple[float | None, ...], BeforeValidator(as_tuple)] | None = None
    episodes: Count = 32
    intervals: Count = 400
    first: Count = 160
    last: Count = 10
    oracle_steps_per_interval: Steps | None = None
    cem_iterations: Count = 3
