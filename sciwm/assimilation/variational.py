"""The states that fit observations over a window best, and how well they are known.

Three-dimensional (one instant) and strong-constraint four-dimensional variational analysis (Le Dimet & Talagrand 1986,
doi:10.1111/j.1600-0870.1986.tb00459.x; Courtier, Thepaut & Hollingsworth 1994, doi:10.1002/qj.49712051912), in the
latent of a world model. The unknowns x are the latent at the beginning of the window and the parameters of the run:

    J(x) = (x - x_b)^T B^-1 (x - x_b) + sum_t (y_t - H M_t x)^T R^-1 (y_t - H M_t x) -> min

with the prior x_b and B, the model M_t up to instant t, and H, what is observed of its fields. With x = x_b + L v and
B = L L^T the first part is |v|^2. Steps of Gauss and Newton solve it; where model and decoder are linear the first one
is exact. The tangents of the model are those of forward differentiation, one for each direction of L.
"""

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.autograd.forward_ad as forward
from torch import Tensor

from sciwm.assimilation.observations import Observations
from sciwm.assimilation.prior import Prior
from sciwm.model import WorldModel

MOST_STEPS = 12
MOST_HALVINGS = 8
AGREEMENT = 1e-3
"""How far the decrease of the cost in the last step may be from the foreseen one, as a share."""
NUMBERS_AT_ONCE = 2**25
"""How many values of fields are decoded together."""


@dataclass(frozen=True)
class Analysis:
    """What is known of each element of a batch after the observations.

    Args:
        states: The states at the instants of the window, ``(batch, instant, size)``.
        spread: The standard deviation of the decoded fields, physical, ``(batch, instant, variable, *space)``, without
            what the decoder leaves out.
        parameter_spread: That of the parameters, physical, ``(batch, parameter)``.
        cost: The least cost J, ``(batch,)``. If all deviations are right, its mean is the number of observations and
            its distribution that of chi-square (Bennett 2002, doi:10.1017/CBO9780511535895).
        settled: Whether the last step lowered the cost as a linear model foresaw, ``(batch,)``.
        steps: The largest number of steps that were taken.
    """

    states: Tensor
    spread: Tensor
    parameter_spread: Tensor
    cost: Tensor
    settled: Tensor
    steps: int


@torch.no_grad()
def analyse(model: WorldModel, observations: Observations, actions: Tensor, prior: Prior) -> Analysis:
    """Find the states that fit observations best.

    Args:
        model: The model, frozen.
        observations: Of every element of the batch.
        actions: The physical actions between the instants, ``(batch, instants - 1, actuator)``.
        prior: What is known before.
    """
    batch = len(observations.values)
    of_fields = len(model.domain.variables) * math.prod(model.domain.shape)
    at_once = max(1, NUMBERS_AT_ONCE // (of_fields * prior.root.shape[2]))
    middle, root = prior.mean.expand(batch, -1), prior.root.expand(batch, -1, -1)
    parts = [
        _Window(model, observations.of_rows(rows), actions[rows], middle[rows], root[rows]).solved()
        for rows in (slice(first, first + at_once) for first in range(0, batch, at_once))
    ]
    names = ("states", "spread", "parameter_spread", "cost", "settled")
    joined = {name: torch.cat([getattr(part, name) for part in parts]) for name in names}
    return Analysis(**joined, steps=max(part.steps for part in parts))


@dataclass(frozen=True)
class _Window:
    """The cost of some elements of a batch, its tangents and its minimum."""

    model: WorldModel
    observed: Observations
    actions: Tensor
    middle: Tensor
    root: Tensor

    def solved(self) -> Analysis:
        whitened = self.middle.new_zeros(len(self.middle), self.root.shape[2])
        cost, steps = self.cost(whitened), 0
        settled = lost = ~cost.isfinite()
        while True:
            normal, descent = self.normal_equations(whitened)
            lost = lost | ~(normal.flatten(1).isfinite().all(dim=1) & descent.isfinite().all(dim=1))
            normal[lost], descent[lost] = torch.eye(normal.shape[1], dtype=torch.float64), 0.0
            factor = torch.linalg.cholesky(normal)
            step = torch.cholesky_solve(descent[:, :, None], factor)[:, :, 0]
            foreseen = (descent * step).sum(dim=1)
            settled = settled | lost | (foreseen <= AGREEMENT * cost)
            if bool(settled.all()) or steps == MOST_STEPS:
                break
            whitened, found = self.descended(whitened, step, cost, settled)
            settled = settled | ((cost - found - foreseen).abs() <= AGREEMENT * foreseen)
            cost, steps = found, steps + 1
            if bool(settled.all()):
                break
        columns = torch.linalg.solve_triangular(factor.mT, self.root, upper=True, left=False)
        states, spread = self.carried(whitened, columns)
        scale = self.model.parameter_deviation.double()
        of_parameters = columns[:, columns.shape[1] - len(scale) :].square().sum(dim=2).sqrt()
        return Analysis(states, spread, of_parameters * scale, cost, settled & ~lost, steps)

    def descended(self, whitened: Tensor, step: Tensor, cost: Tensor, done: Tensor) -> tuple[Tensor, Tensor]:
        """The points after a step, halved until it lowers the cost, and their cost; those that are done stay."""
        length = (~done).double()
        there, found = whitened, cost
        for _ in range(MOST_HALVINGS):
            there = whitened + length[:, None] * step
            found = self.cost(there)
            worse = ~(found <= cost) & ~done
            if not bool(worse.any()):
                break
            length = torch.where(worse, length / 2, length)
        stays = done | ~(found <= cost)
        return torch.where(stays[:, None], whitened, there), torch.where(stays, cost, found)

    def cost(self, whitened: Tensor) -> Tensor:
        """J, ``(batch,)``, double; infinite where the model does not stay finite."""
        state, total = self.state_of(whitened), whitened.square().sum(dim=1)
        for instant in range(self.observed.instants):
            if instant:
                state = self.model.advance(state, self.actions[:, instant - 1])
            seen = self.observed.predicted(self.model.readout(state, ["fields"])["fields"], instant)
            finite = seen.isfinite().all(dim=1)
            total = total + torch.where(finite, self.observed.misfit(seen, instant).square().sum(dim=1), torch.inf)
        return total

    def normal_equations(self, whitened: Tensor) -> tuple[Tensor, Tensor]:
        """The matrix of Gauss and Newton, half the Hessian ``(batch, direction, direction)``, and half the descent."""
        directions = self.root.shape[2]
        normal = torch.eye(directions, dtype=torch.float64).repeat(len(whitened), 1, 1)
        descent = -whitened
        for instant, (_, fields) in enumerate(self.tangents(whitened, self.root)):
            value, along = forward.unpack_dual(self.observed.predicted(fields, instant))
            scaled = along.unflatten(0, (directions, -1)).double() / self.observed.deviation[:, instant].double()
            scaled = torch.where(self.observed.values[:, instant].isnan(), 0.0, scaled)
            misfit = self.observed.misfit(value[: len(whitened)], instant)
            normal += torch.einsum("ibp,jbp->bij", scaled, scaled)
            descent = descent + torch.einsum("ibp,bp->bi", scaled, misfit)
        return normal, descent

    def carried(self, whitened: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """The states at all instants, and the deviation of their fields; ``columns`` is a factor of the covariance."""
        states, spreads, batch = [], [], len(whitened)
        for state, fields in self.tangents(whitened, columns):
            states.append(forward.unpack_dual(state).primal[:batch])
            along = forward.unpack_dual(fields).tangent.unflatten(0, (-1, batch))
            spreads.append(along.square().sum(dim=0).sqrt())
        return torch.stack(states, dim=1), torch.stack(spreads, dim=1)

    def tangents(self, whitened: Tensor, columns: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """States and fields at every instant as dual numbers: a whole batch along each of the columns."""
        times = columns.shape[2]
        actions = self.actions.repeat(times, 1, 1)
        with forward.dual_level():
            along = columns.permute(2, 0, 1).flatten(0, 1).to(self.model.weights)
            state = self.state_of(whitened, along)
            for instant in range(self.observed.instants):
                if instant:
                    state = self.model.advance(state, actions[:, instant - 1])
                yield state, self.model.readout(state, ["fields"])["fields"]

    def state_of(self, whitened: Tensor, along: Tensor | None = None) -> Tensor:
        """The states of unknowns; as dual numbers along directions, whole batches of them, if there are any."""
        unknowns = self.middle + torch.einsum("bud,bd->bu", self.root, whitened)
        unknowns = unknowns.to(self.model.weights)
        if along is not None:
            unknowns = _dual(unknowns.repeat(len(along) // len(unknowns), 1), along)
        size, count = self.model.latent_size, len(self.model.domain.parameters)
        state = self.model.state_of(unknowns[:, :size])
        return torch.cat([state[:, :-count], unknowns[:, size:]], dim=1) if count else state


def _dual(at: Tensor, along: Tensor) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch warns of its own rules when it first reads them
        return forward.make_dual(at, along)
