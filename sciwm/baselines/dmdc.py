"""Dynamic mode decomposition with control, and its extension by products of coefficients.

    psi_{t+1} = A psi_t + B a_t + c,    psi = z    or    psi = (z, z_i z_j for i <= j <= q)

with the coefficients z of :mod:`sciwm.baselines.modes`; A - 1, B and c by ridge regression of the changes over
all pairs of instants, so that strong ridges lead to persistence. Proctor, Brunton & Kutz (2016),
doi:10.1137/15M1013857; with products, the linear predictor of Korda & Mezic (2018),
doi:10.1016/j.automatica.2018.03.046: psi is advanced linearly all through a rollout, without computing the products
anew, and the fields are decoded from its first entries z.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sciwm.baselines.fields_alone import require_fields_alone
from sciwm.baselines.modes import Modes, fit_modes
from sciwm.baselines.recordings import Recordings
from sciwm.data import ROUNDING
from sciwm.errors import Problem, raise_if
from simulations import ActionBox


class DMDc(nn.Module):
    """A linear ``Dynamics`` of mode coefficients and, if asked for, their products; fit one with :func:`fit_dmdc`.

    Args:
        modes: map fields to coefficients and back.
        products: q, the number of leading coefficients whose products are in the state; none if 0.
        transition, control, offset: A ``(size, size)``, B ``(size, actuator)`` for actions of
            ``[-1, 1]``, and c ``(size,)``.
        actuators: names and bounds of the actions.
        control_interval: time between two states.
    """

    transition: Tensor
    control: Tensor
    offset: Tensor

    def __init__(
        self,
        modes: Modes,
        products: int,
        transition: Tensor,
        control: Tensor,
        offset: Tensor,
        *,
        actuators: ActionBox,
        control_interval: float,
    ) -> None:
        super().__init__()
        self.modes = modes
        self.products = products
        self.actuators = actuators
        self.control_interval = control_interval
        self.register_buffer("transition", transition)
        self.register_buffer("control", control)
        self.register_buffer("offset", offset)

    def encode(self, fields: Tensor) -> Tensor:
        """Fields ``(batch, variable, *space)``, on the grid of the training data, to states ``(batch, size)``."""
        return lift(self.modes.encode(fields), self.products)

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        """One control interval under a held physical action ``(batch, actuator)``."""
        control = self.actuators.to_normalized(action) @ self.control.T
        return torch.addmm(control + self.offset, state, self.transition.T)

    def readout(self, state: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """The fields under ``"fields"``.

        Raises:
            InputError: if anything else is asked for.
        """
        require_fields_alone("DMDc", names)
        return {name: self.modes.decode(state[:, : len(self.modes)]) for name in names}


def fit_dmdc(data: Recordings, *, rank: int | float, ridge: float) -> DMDc:
    """Fit DMDc to the leading modes.

    Args:
        data: the trajectories.
        rank: number of modes, or as a fraction below one the share of the variance that they hold; 0.99 to 0.999 is
            usual.
        ridge: penalty, see :func:`regress`. :func:`~sciwm.baselines.tuning.tune` chooses rank and ridge.

    Returns:
        the model, in the precision of the data.
    """
    return fit_edmdc(data, rank=rank, products=0, ridge=ridge)


def fit_edmdc(data: Recordings, *, rank: int | float, products: int, ridge: float) -> DMDc:
    """Fit DMDc to the leading modes and all products of the first ``products`` coefficients, see :func:`fit_dmdc`."""
    modes = fit_modes(data.fields.flatten(0, 1)).truncated(rank)
    return fit_linear(data, modes, products, [ridge])[0].to(data.fields.dtype)


def fit_linear(data: Recordings, modes: Modes, products: int, ridges: Sequence[float]) -> list[DMDc]:
    """Fit one model for each ridge on given modes, in float64.

    Raises:
        InputError: if there are more coefficients to multiply than modes, or a ridge is negative.
    """
    problems = [Problem("ridge", "zero or more", str(ridge)) for ridge in ridges if not ridge >= 0]
    if not 0 <= products <= len(modes):
        problems.append(Problem("products", f"0 to {len(modes)}, the number of modes", str(products)))
    raise_if(problems)
    lifted = lift(modes.encode(data.fields.double()), products)
    actions = data.actuators.to_normalized(data.actions.double())
    regressors = torch.cat([lifted[:, :-1], actions], dim=2).flatten(0, 1)
    changes = lifted.diff(dim=1).flatten(0, 1)
    size = lifted.shape[2]
    unchanged = torch.eye(size, dtype=lifted.dtype, device=lifted.device)
    return [
        DMDc(
            modes,
            products,
            unchanged + weights[:, :size],
            weights[:, size:],
            offset,
            actuators=data.actuators,
            control_interval=data.control_interval,
        )
        for weights, offset in regress(regressors, changes, ridges)
    ]


def lift(coefficients: Tensor, products: int) -> Tensor:
    """``(..., mode)`` followed by the products of every two of the first ``products``, squares included."""
    first, second = torch.triu_indices(products, products, device=coefficients.device)
    return torch.cat([coefficients, coefficients[..., first] * coefficients[..., second]], dim=-1)


def regress(regressors: Tensor, targets: Tensor, ridges: Sequence[float]) -> list[tuple[Tensor, Tensor]]:
    """Ridge regression: ``min <|y - W x - c|^2> + ridge sum_ij (s_j W_ij)^2``, with s the deviations of x.

    Args:
        regressors: ``(pair, regressor)``.
        targets: ``(pair, target)``.
        ridges: penalties, zero or more.

    Returns:
        W ``(target, regressor)`` and c ``(target,)`` for each ridge.
    """
    mean, target_mean = regressors.mean(dim=0), targets.mean(dim=0)
    deviation = (regressors - mean).square().mean(dim=0).sqrt()
    varies = deviation > ROUNDING * regressors.abs().amax(dim=0)  # what a constant adds is told by c alone
    deviation = torch.where(varies, deviation, torch.ones_like(deviation))
    standard = torch.where(varies, (regressors - mean) / deviation, torch.zeros_like(deviation))
    eigenvalues, eigenvectors = torch.linalg.eigh(standard.T @ standard / len(standard))
    correlation = eigenvectors.T @ (standard.T @ (targets - target_mean)) / len(standard)
    seen = eigenvalues > 1e-14 * eigenvalues[-1]  # directions in which the data do not vary get no weight
    fits = []
    for ridge in ridges:
        inverse = torch.where(seen, 1 / (eigenvalues + ridge), torch.zeros_like(eigenvalues))
        weights = (eigenvectors @ (inverse[:, None] * correlation)).T / deviation
        fits.append((weights, target_mean - weights @ mean))
    return fits
