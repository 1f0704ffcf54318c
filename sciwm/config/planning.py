"""How actions are chosen, and the closed-loop experiment."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from sciwm.config.kinds import Integer, Many, Positive, Section, Share, Steps, Weight, as_tuple

Iterations = Annotated[Integer, Field(ge=0, lt=2**31)]


class GradientSettings(Section):
    """Adam on the actions, along the gradient of the cost through the imagined future.

    ``iterations`` is the number of steps in each plan: 6 is often enough, as the last plan is the next first
    guess; 0 keeps the first guess. ``learning_rate`` is in units of the search scale, which is the whole box, or,
    with ``terminal: riccati``, the size of what the linear law would do: 0.1 is a good value.
    """

    kind: Literal["gradient"] = "gradient"
    iterations: Iterations = 6
    learning_rate: Positive = 0.1


class CEMSettings(Section):
    """The cross-entropy method: rounds of sampled action sequences, each about the best of the last round.

    ``samples`` sequences are drawn in each of ``iterations`` rounds, and the best ``elites`` shape the next one:
    an eighth of the samples is a good share. ``deviation`` is the first standard deviation, in units of the
    search scale: 0.1 where a linear law gives the first guess (``terminal: riccati``), about 0.5 without one.
    It never falls below ``floor_share`` of itself, and mean and deviation keep ``momentum`` of the last round.
    Plans are the same for the same ``seed``.
    """

    kind: Literal["cem"] = "cem"
    iterations: Iterations = 3
    samples: Annotated[Integer, Field(ge=2, le=10**6)] = 64
    elites: Many = 8
    deviation: Positive = 0.1
    floor_share: Share = 0.2
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.1
    seed: Annotated[Integer, Field(ge=0, lt=2**31)] = 0


def _kind(planner: Any) -> Any:
    """By which the settings of a planner are told apart; gradient if nothing is said."""
    return planner.get("kind", "gradient") if isinstance(planner, dict) else getattr(planner, "kind", planner)


PLANNERS: dict[str, type[Section]] = {"gradient": GradientSettings, "cem": CEMSettings}
"""Settings of every planner by its kind. A new planner adds a class above, a kind here and in ``PlannerSettings``."""

PlannerSettings = Annotated[
    Annotated[GradientSettings, Tag("gradient")] | Annotated[CEMSettings, Tag("cem")], Discriminator(_kind)
]


class PlanningSettings(Section):
    """How actions are chosen; the same planner serves the model and the true solver.

    The cost of a plan over ``horizon`` intervals is the mean square distance from the target at every step,
    ``action_weight`` times the mean square action (0.01 is a good value) and ``rate_weight`` times the mean square
    change of the actions, both with actions in [-1, 1]. With ``terminal: riccati`` the linear-quadratic law
    about the target gives a first guess and the cost beyond the horizon; choose ``none`` where the target does
    not stay at rest without action.
    """

    planner: PlannerSettings = GradientSettings()
    horizon: Many = 12
    action_weight: Weight = 0.01
    rate_weight: Weight = 0.0
    terminal: Literal["none", "riccati"] = "riccati"


class ControlSettings(Section):
    """The closed-loop experiment: drive held-out states to a uniform field.

    ``target`` is one value per variable, null for one that may be anything; the equation's state of
    rest if left out. ``episodes`` starts are controlled for ``intervals`` control intervals, and judged over the
    ``first`` and the ``last`` of them. The reference controllers plan through the true solver with the step of the
    simulation, unless ``oracle_steps_per_interval`` gives a coarser one; ``oracle_cem`` are the settings of CEM
    among them.
    """

    target: Annotated[tuple[float | None, ...], BeforeValidator(as_tuple)] | None = None
    episodes: Many = 32
    intervals: Many = 400
    first: Many = 160
    last: Many = 10
    oracle_steps_per_interval: Steps | None = None
    oracle_cem: CEMSettings = CEMSettings()
