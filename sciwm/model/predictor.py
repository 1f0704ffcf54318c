"""The predictors, which advance a latent under an action: the integrator of a learned tendency, and a linear one."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from sciwm.model.forcing import Forcing, SteadyForcing
from sciwm.model.linear_step import LinearStep
from sciwm.model.spaces import LatentSpace, Widening
from sciwm.model.spaces.dense import Assembled, in_parts
from sciwm.model.tendency import PreparedTendency, Tendency

Step = Callable[[Tensor, Tensor], Tensor]
"""``step(z, a)`` over one control interval: latents ``(batch, size)``, scaled actions ``(batch, actuator)``."""


class ExponentialPredictor(nn.Module):
    """Integrates ``dz/dt = l z + N(z, a)`` over one control interval by a two-stage exponential scheme.

    Each of S equal substeps is

        y  = E z + N(z, a)
        z <- y + R (N(y, a) - N(z, a))

    This is the form of ETD2RK (Cox & Matthews 2002, eq. 22, doi:10.1006/jcph.2002.6995), but the tendency learns all
    coefficients. The step may carry slaved modes, wavenumbers beyond the latent's.

    Args:
        tendency: E, R and N.
        widening: The map of latents to the space of the step, and back.
        substeps: S. 2 is often enough; more help where imagined runs blow up behind steep fronts.
    """

    def __init__(self, tendency: Tendency, widening: Widening, substeps: int) -> None:
        super().__init__()
        self.substeps = substeps
        self.widening = widening
        self.tendency = tendency

    def fit(self, scale: Tensor, latents: Tensor) -> None:
        """Take over the fixed scales ``sigma`` of the latent, and measure those of products.

        Args:
            scale: The scales, of any shape with ``size`` entries.
            latents: Samples, ``(n, size)``.
        """
        scales = self.widening.widened(scale.view(1, -1), fill=float(scale.min()))
        self.tendency.fit(scales, self.widening.widened(latents))

    def set_forcing(self, forcing: Tensor) -> None:
        """Start from what scaled actions add to the latent over one control interval, ``(actuator, size)``."""
        self.tendency.set_forcing(self.widening.widened(forcing / self.substeps))

    def set_linear(self, step: LinearStep) -> None:
        """Start from a linear step, which the first rollouts give again."""
        self.tendency.set_linear(step.over(self.substeps))

    def quick_part(self) -> list[nn.Parameter]:
        """The weights that may change quickly beside a linear start."""
        return self.tendency.quick_part()

    def actuation(self, shapes: Tensor | None) -> Tensor:
        """What scaled actions add to the tendency, ``(actuator, size)``."""
        return self.widening.narrowed(self.tendency.actuation(shapes))

    def stepper(self, shapes: Tensor | None) -> Step:
        """The step with its maps assembled once, for a whole rollout.

        Args:
            shapes: The coordinates of the actuators' shapes, ``(actuator, size)``, if known.
        """
        tendency = self.tendency.prepared(shapes)
        return in_parts(partial(self._step, tendency), tendency.numbers_per_row)

    def _step(self, tendency: PreparedTendency, z: Tensor, action: Tensor) -> Tensor:
        n = tendency.held(action)
        z = tendency.arranged(self.widening.widened(z))
        for _ in range(self.substeps):
            n_z = n(z)
            y = tendency.propagated(z, plus=n_z)
            z = tendency.corrected(n(y) - n_z, plus=y)
        return self.widening.narrowed(tendency.flat(z))


class LinearPredictor(nn.Module):
    """``z+ = A z + B a + b``: the Koopman form, in which only the encoder is nonlinear.

    Args:
        space: The space of the latents.
        forcing: B, for scaled actions.
        steady: b.
    """

    def __init__(self, space: LatentSpace, forcing: Forcing, steady: SteadyForcing) -> None:
        super().__init__()
        self.size = space.size
        self.decay = space.linear(space).set_identity(1.0)
        self.forcing = forcing
        self.steady = steady

    def fit(self, scale: Tensor, latents: Tensor) -> None:
        """Do nothing, as a linear step has no scales."""

    def set_forcing(self, forcing: Tensor) -> None:
        """Start from what scaled actions add to the latent over one control interval, ``(actuator, size)``."""
        self.forcing.set_free(forcing)

    @torch.no_grad()
    def set_linear(self, step: LinearStep) -> None:
        """Be a linear step; the steady forcing must vary along all axes."""
        self.decay.weight.copy_(torch.from_numpy(step.matrix))
        self.forcing.set_free(torch.from_numpy(step.forcing))
        self.steady.values.copy_(torch.from_numpy(step.constant))

    def quick_part(self) -> list[nn.Parameter]:
        """None of the weights may change quickly after a linear start."""
        return []

    def actuation(self, shapes: Tensor | None) -> Tensor:
        """What scaled actions add over one control interval, ``(actuator, size)``."""
        return self.forcing.matrix(shapes)

    def stepper(self, shapes: Tensor | None) -> Step:
        """The step with its maps assembled once, for a whole rollout.

        Args:
            shapes: The coordinates of the actuators' shapes, ``(actuator, size)``, if known.
        """
        forcing, steady = self.forcing.matrix(shapes), self.steady()
        decay = Assembled(self.decay.map(), self.size, self.size, forcing)
        return partial(_linear_step, decay, forcing, steady)


def _linear_step(decay: Assembled, forcing: Tensor, steady: Tensor, z: Tensor, action: Tensor) -> Tensor:
    return decay(z, plus=torch.addmm(steady, action, forcing))
