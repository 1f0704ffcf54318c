"""Planning by gradients of the cost with respect to the actions."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from sciwm.config import GradientSettings
from sciwm.dynamics import Dynamics
from sciwm.planning.constraints import Limits
from sciwm.planning.costs import Cost
from sciwm.planning.linear_law import LinearLaw
from sciwm.planning.planner import Plan, PlanningProblem, first_guess, previous_action, require_settings
from simulations.torch_modes import exact


@dataclass(frozen=True)
class GradientPlanner:
    """Adam on the actions, projected to their bounds; through the true solver this is the adjoint method.

    The usual choice for smooth dynamics. On a chaotic flow gradients grow exponentially with the horizon: keep it to
    a Lyapunov time or two.

    Args:
        horizon: Number of control intervals to plan.
        settings: Number and size of the gradient steps.
        law: A linear law about the target, used as one first guess and as the cost beyond the horizon.
        limits: What all actions keep to; by default the bounds of the actuators.
    """

    horizon: int
    settings: GradientSettings = field(default_factory=GradientSettings)
    law: LinearLaw | None = None
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        require_settings(GradientSettings, self.horizon, self.settings)

    @exact
    def plan(self, dynamics: Dynamics, state: Tensor, cost: Cost, warm_start: Plan | None = None) -> Plan:
        """See :class:`~sciwm.planning.planner.Planner`; the cheapest iterate is returned, not the last."""
        with torch.inference_mode(False), torch.no_grad():  # inference mode knows no gradients
            state = state.clone() if state.is_inference() else state
            before = previous_action(dynamics, state, warm_start, self.limits)
            problem = PlanningProblem(dynamics, cost, state, before, self.law, self.limits)
            return self._descend(problem, *first_guess(problem, self.horizon, warm_start))

    def _descend(self, problem: PlanningProblem, guess: Tensor, scale: Tensor) -> Plan:
        iterations, limits = self.settings.iterations, self.limits
        best, best_cost = guess, torch.full((len(guess),), torch.inf).to(guess)
        change = torch.zeros_like(guess, requires_grad=True)
        optimizer = torch.optim.Adam([change], lr=self.settings.learning_rate, eps=1e-30)
        for iteration in range(iterations + 1):
            wanted = limits.clipped(guess + scale * change).requires_grad_(iteration < iterations)
            with torch.set_grad_enabled(iteration < iterations):
                actions = limits.followed(wanted)
                costs = problem.costs_of(actions[None])[0]
                total = torch.where(costs.isfinite(), costs, 0.0).sum()
            better = costs.detach() < best_cost
            best = torch.where(better[:, None, None], actions.detach(), best)
            best_cost = torch.where(better, costs.detach(), best_cost)
            if iteration < iterations:
                (gradient,) = torch.autograd.grad(total, [wanted])
                change.grad = torch.nan_to_num(scale * gradient, nan=0.0, posinf=0.0, neginf=0.0)
                optimizer.step()
                change.copy_((limits.allowed(guess + scale * change) - guess) / scale)
        spread = (best - guess).abs().amax(dim=(1, 2))
        return Plan(problem.dynamics.actuators.to_physical(best), best_cost, spread)
