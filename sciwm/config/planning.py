"""The sections ``planning`` and ``control``: the planner, and the control experiment."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from sciwm.config.kinds import Integer, Many, Positive, Section, Share, Steps, Weight, as_tuple

Iterations = Annotated[Integer, Field(ge=0, lt=2**31)]
CostWeight = Annotated[Weight, Field(le=1e30)]
"""Costs are numbers of single precision, which end at 3e38: larger weights make them infinite."""


class GradientSettings(Section):
    """Gradient descent on the actions (Adam), along the gradient of the cost of the imagined future.

    Keys:
        kind: ``gradient``.
        iterations: The number of steps in each plan. 6 are often enough, as the shifted last plan is the next first
            guess; 0 keeps the first guess.
        learning_rate: The step of Adam, in units of the search scale. This is the whole box of actions, or, with
            ``terminal: riccati``, the size of the linear law's actions. 0.1 is a good value.
    """

    kind: Literal["gradient"] = "gradient"
    iterations: Iterations = 6
    learning_rate: Positive = 0.1


class CEMSettings(Section):
    """The cross-entropy method: rounds of random action sequences, each drawn about the best ones of the last round.

    Keys:
        kind: ``cem``.
        iterations: The number of rounds. 3 are often enough with a linear law as first guess.
        samples: The number of sequences in a round. 64 are a good start; more actuators or longer horizons need more.
        elites: The number of best sequences that shape the next round. An eighth of ``samples`` is a good share.
        deviation: The standard deviation of the first round, in units of the search scale (see
            ``GradientSettings``): 0.1 where a linear law gives the first guess, about 0.5 without one.
        floor_share: The smallest standard deviation of later rounds, as a fraction of the first. 0.2 keeps the search
            alive.
        momentum: What mean and deviation keep of the last round, from 0 to below 1. 0.1 is a good value.
        seed: The seed of the sequences; plans with the same seed are the same.
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
    """The key that tells the settings of planners apart; ``gradient`` if it is left out."""
    return planner.get("kind", "gradient") if isinstance(planner, dict) else getattr(planner, "kind", planner)


PLANNERS: dict[str, type[Section]] = {"gradient": GradientSettings, "cem": CEMSettings}
"""The settings of every planner by its kind. A new planner adds a class above, and its kind here and below."""

PlannerSettings = Annotated[
    Annotated[GradientSettings, Tag("gradient")] | Annotated[CEMSettings, Tag("cem")], Discriminator(_kind)
]


class PlanningSettings(Section):
    """The planner and its cost. The same planner serves the world model and the true solver.

    The cost of a plan is the mean square distance from the target, summed over the horizon, plus the weights below
    with normalised actions (in [-1, 1]).

    Keys:
        planner: The kind of planner and its settings; gradient descent by default.
        horizon: The length of a plan in control intervals. Take the time in which the actuators change the flow: 8
            to 12 are good values with ``terminal: riccati``. A longer horizon costs time and, in chaos, precision.
        action_weight: The weight of the mean square action. 0.01 is a good value; 0 makes actions free.
        rate_weight: The weight of the mean square change of the actions between intervals. Raise it where actuators
            must not move fast.
        terminal: ``riccati`` uses the linear-quadratic law about the target as first guess and as cost beyond the
            horizon. Choose ``none`` where the target does not stay at rest without action.
    """

    planner: PlannerSettings = GradientSettings()
    horizon: Many = 12
    action_weight: CostWeight = 0.01
    rate_weight: CostWeight = 0.0
    terminal: Literal["none", "riccati"] = "riccati"


class ControlSettings(Section):
    """The control experiment: held-out states of the true simulation are driven to a uniform field.

    Keys:
        target: One value per variable in its units, null for a variable that may take any; by default the equation's
            state of rest.
        episodes: The number of starts. 32 give narrow intervals; 8 are enough where the solver is slow.
        intervals: The length of an episode in control intervals. Choose it so long that the controlled flow settles.
        first: The number of intervals at the beginning over which controllers are judged.
        last: The number of intervals at the end over which they are judged.
        oracle_steps_per_interval: Solver steps per interval of the reference controllers, which plan through the true
            solver; those of the simulation by default. Take the fewest with which the solver stays stable.
        oracle_cem: The settings of CEM among the reference controllers.
    """

    target: Annotated[tuple[float | None, ...], BeforeValidator(as_tuple)] | None = None
    episodes: Many = 32
    intervals: Many = 400
    first: Many = 160
    last: Many = 10
    oracle_steps_per_interval: Steps | None = None
    oracle_cem: CEMSettings = CEMSettings()
