"""How actions are chosen, and the closed-loop experiment."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from sciwm.config.kinds import Count, Integer, Many, Positive, Section, Steps, Weight, as_tuple


class PlanningSettings(Section):
    """How actions are chosen; the same planner serves the model and the true solver.

    ``learning_rate`` (gradient) and ``deviation`` (cem) are in units of the search scale: the whole
    box, or, with ``terminal: riccati``, the size of what the linear law would do.
    """

    planner: Literal["gradient", "cem"] = "gradient"
    horizon: Many = 12
    action_weight: Weight = 0.01
    rate_weight: Weight = 0.0
    terminal: Literal["none", "riccati"] = "riccati"
    iterations: Count = 6
    learning_rate: Positive = 0.1
    samples: Annotated[Integer, Field(ge=2, le=10**6)] = 64
    elites: Many = 8
    deviation: Positive = 0.1


class ControlSettings(Section):
    """The closed-loop experiment: drive held-out states to a uniform field.

    ``target`` is one value per variable, null for one that may be anything; the equation's state of
    rest if left out. The oracles plan with the solver step of the simulation unless they are given
    their own.
    """

    target: Annotated[tuple[float | None, ...], BeforeValidator(as_tuple)] | None = None
    episodes: Many = 32
    intervals: Many = 400
    first: Many = 160
    last: Many = 10
    oracle_steps_per_interval: Steps | None = None
    cem_iterations: Count = 3
