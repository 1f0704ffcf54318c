"""Planning by sampling, without gradients: the cross-entropy method."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from sciwm.config import CEMSettings
from sciwm.dynamics import Dynamics
from sciwm.planning.constraints import Limits
from sciwm.planning.costs import Cost
from sciwm.planning.linear_law import LinearLaw
from sciwm.planning.planner import Plan, PlanningProblem, first_guess, previous_action, require_settings
from simulations.torch_modes import exact


@dataclass(frozen=True)
class CEMPlanner:
    """The cross-entropy method (Rubinstein 1999, doi:10.1023/A:1010091220143) with momentum and elites that are kept.

    Each round draws sequences of actions from a normal distribution and moves it to the cheapest ones, the elites. It
    needs no gradients, and finds its way past poor local minima; but for long horizons or many actuators it needs many
    more samples than :class:`~sciwm.planning.gradient.GradientPlanner` needs gradient steps.

    Args:
        horizon: Number of control intervals to plan.
        settings: Numbers of rounds, samples and elites, and the deviation that the search begins with.
        law: A linear law about the target, used as one first guess and as the cost beyond the horizon.
        limits: What all actions keep to; by default the bounds of the actuators.
    """

    horizon: int
    settings: CEMSettings = field(default_factory=CEMSettings)
    law: LinearLaw | None = None
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        require_settings(CEMSettings, self.horizon, self.settings)

    @exact
    @torch.no_grad()
    def plan(self, dynamics: Dynamics, state: Tensor, cost: Cost, warm_start: Plan | None = None) -> Plan:
        """See :class:`~sciwm.planning.planner.Planner`; the cheapest sequence of all rounds is returned."""
        before = previous_action(dynamics, state, warm_start, self.limits)
        problem = PlanningProblem(dynamics, cost, state, before, self.law, self.limits)
        guess, scale = first_guess(problem, self.horizon, warm_start)
        mean = guess
        s = self.settings
        deviation = first = (s.deviation * scale).expand_as(mean)
        generator = torch.Generator(device=mean.device).manual_seed(s.seed)
        elites, elite_costs = mean[None], problem.costs_of(mean[None])
        rows = torch.arange(len(mean), device=mean.device)
        for _ in range(s.iterations):
            noise = torch.randn((s.samples, *mean.shape), generator=generator, device=mean.device, dtype=mean.dtype)
            drawn = self.limits.allowed(mean + deviation * noise)
            pool = torch.cat([drawn, elites])
            costs = torch.cat([problem.costs_of(drawn), elite_costs])
            elite_costs, order = costs.topk(min(s.elites, len(pool)), dim=0, largest=False)
            elites = pool[order, rows]
            mean = s.momentum * mean + (1 - s.momentum) * elites.mean(dim=0)
            spread = elites.std(dim=0, correction=0)
            deviation = torch.maximum(s.momentum * deviation + (1 - s.momentum) * spread, s.floor_share * first)
        best = elites[0].where(elite_costs[0].isfinite()[:, None, None], guess)
        return Plan(dynamics.actuators.to_physical(best), elite_costs[0], deviation.amax(dim=(1, 2)))
