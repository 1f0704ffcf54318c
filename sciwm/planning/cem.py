"""Planning by sampling: the cross-entropy method."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sciwm.dynamics import Dynamics
from sciwm.planning.costs import Cost
from sciwm.planning.linear_law import LinearLaw
from sciwm.planning.planner import Plan, PlanningProblem, first_guess, previous_action


@dataclass(frozen=True)
class CEMPlanner:
    """Cross-entropy method (Rubinstein 1999) with momentum, a floor on the deviation and kept elites.

    Args:
        horizon: steps imagined.
        iterations: rounds of sampling.
        samples, elites: candidates per episode and round, and how many of them shape the next round.
        deviation: first standard deviation, in units of the search scale (see ``first_guess``).
        floor_share: smallest standard deviation, as a share of the first.
        momentum: weight of the last round's mean and deviation.
        law: a linear law about the goal, as a guess and as cost-to-go beyond the horizon.
        seed: plans are the same for the same seed.
    """

    horizon: int
    iterations: int = 3
    samples: int = 64
    elites: int = 8
    deviation: float = 0.5
    floor_share: float = 0.2
    momentum: float = 0.1
    law: LinearLaw | None = None
    seed: int = 0

    @torch.no_grad()
    def plan(self, dynamics: Dynamics, state: Tensor, cost: Cost, warm_start: Plan | None = None) -> Plan:
        """See :class:`~sciwm.planning.planner.Planner`; the best sequence ever judged is returned."""
        problem = PlanningProblem(dynamics, cost, state, previous_action(dynamics, state, warm_start), self.law)
        mean, scale = first_guess(problem, self.horizon, warm_start)
        deviation = first = (self.deviation * scale).expand_as(mean)
        generator = torch.Generator(device=mean.device).manual_seed(self.seed)
        elites, elite_costs = mean[None], problem.judge(mean[None])
        rows = torch.arange(len(mean), device=mean.device)
        for _ in range(self.iterations):
            noise = torch.randn((self.samples, *mean.shape), generator=generator, device=mean.device, dtype=mean.dtype)
            drawn = (mean + deviation * noise).clamp(-1, 1)
            pool = torch.cat([drawn, elites])
            costs = torch.cat([problem.judge(drawn), elite_costs])
            elite_costs, order = costs.topk(min(self.elites, len(pool)), dim=0, largest=False)
            elites = pool[order, rows]
            mean = self.momentum * mean + (1 - self.momentum) * elites.mean(dim=0)
            spread = elites.std(dim=0, correction=0)
            deviation = torch.maximum(
                self.momentum * deviation + (1 - self.momentum) * spread, self.floor_share * first
            )
        return Plan(dynamics.actuators.to_physical(elites[0]), elite_costs[0], deviation.amax(dim=(1, 2)))
