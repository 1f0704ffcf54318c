"""Latent and action to the next latent: a learned exponential integrator of a learned tendency."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sciwm.config import PredictorSettings
from sciwm.model.forcing import Forcing, SteadyForcing
from sciwm.model.spaces.dense import Assembled, in_parts
from sciwm.model.spaces.latent_space import LatentSpace
from sciwm.model.spaces.widened import SlavedModes
from sciwm.model.tendency.step_layout import affine, layout_of

Step = Callable[[Tensor, Tensor], Tensor]
"""``step(z, a)``: one control interval, latents ``(batch, size)``, actions ``(batch, actuator)`` in [-1, 1]."""


class ExponentialPredictor(nn.Module):
    """``z' = l z + N(z, a)``, over one interval in S equal substeps of a two-stage exponential scheme:

        y  = E z + N(z, a)
        z <- y + R (N(y, a) - N(z, a))

    as ETD2RK (Cox & Matthews 2002, eq. 22), but with every coefficient learned: E, R and the factors
    of N are maps of the latent's space, which commute with translation if that is spectral. The
    tendency is quadratic, as transport is in every conservation law, and affine in the action:

        N(z, a) = sum_r W_r [ (U_r (z + H a)) (V_r z) ] + G a + g            action_path = affine
        N(z, a) = sum_r W_r [ (U_r z) (V_r z) ] + G a + g                    action_path = additive
        N(z, a) = sum_r W_r [ (U_r (z + H a)) (V_r (z + H a)) ] + G a + g    action_path = general

    The steady forcing g varies along the axes that the settings name, and is none where they name none.

    All of it happens in a space that may have more wavenumbers than the latent.

    Args:
        settings: sizes.
        space: where the step is taken.
        slaved: takes latents there.
        forcing, modulation: G and H.
        steady: g.
    """

    def __init__(
        self,
        settings: PredictorSettings,
        space: LatentSpace,
        slaved: SlavedModes,
        forcing: Forcing,
        modulation: Forcing,
        steady: SteadyForcing,
    ) -> None:
        super().__init__()
        self.substeps, self.action_path = settings.substeps, settings.action_path
        self.slaved = slaved
        self.tendency = space.product(space, settings.rank, gain=0.02)
        self.decay = space.linear(space).set_identity(1.0)
        self.correction = space.linear(space).set_identity(0.5)
        self.forcing = forcing  # G
        self.modulation = modulation.requires_grad_(self.action_path != "additive")  # H
        self.steady = steady  # g

    def fit(self, scale: Tensor, latents: Tensor) -> None:
        """Take over the fixed scales ``sigma`` of the latent, and those of products of samples ``(n, size)``."""
        scales = self.slaved.added(scale.view(1, -1), fill=float(scale.min()))
        self.tendency.fit(scales, self.slaved.added(latents))

    def set_forcing(self, forcing: Tensor) -> None:
        """Start from what actions add to the latent over one interval, ``(actuator, size)``."""
        self.forcing.set_free(self.slaved.added(forcing / self.substeps))

    def actuation(self, shapes: Tensor | None) -> Tensor:
        """What scaled actions add to the tendency, ``(actuator, size)``."""
        return self.slaved.dropped(self.forcing.matrix(shapes))

    def stepper(self, shapes: Tensor | None) -> Step:
        """Assemble the maps once, for a whole rollout; ``shapes`` are those of the actuators, if known."""
        layout = layout_of(self.tendency)
        forcing, steady = layout.arranged(self.forcing.matrix(shapes)), layout.arranged(self.steady()[None])
        decay, correction = layout.matrix(self.decay), layout.matrix(self.correction)
        acted = layout.arranged(self.modulation.matrix(shapes)) @ layout.view  # what H a adds to the factors
        if self.action_path == "affine":
            left, right = acted.chunk(2, dim=-1)
            acted = torch.cat([left, torch.zeros_like(right)], dim=-1)

        def step(z: Tensor, action: Tensor) -> Tensor:
            held = affine(steady, action, forcing)
            offset = layout.offset if self.action_path == "additive" else affine(layout.offset, action, acted)

            def tendency(z: Tensor) -> Tensor:
                return affine(held, layout.multiplied(affine(offset, z, layout.view)), layout.back)

            z = layout.arranged(self.slaved.added(z))
            for _ in range(self.substeps):
                n_z = tendency(z)
                y = affine(n_z, z, decay)
                z = affine(y, tendency(y) - n_z, correction)
            return self.slaved.dropped(layout.flat(z))

        return in_parts(step, len(self.tendency.offset()))


class LinearPredictor(nn.Module):
    """``z+ = A z + B a + b``: the Koopman form, all of whose nonlinearity is the encoder's."""

    def __init__(self, space: LatentSpace, forcing: Forcing, steady: SteadyForcing) -> None:
        super().__init__()
        self.size = space.size
        self.decay = space.linear(space).set_identity(1.0)
        self.forcing = forcing
        self.steady = steady

    def fit(self, scale: Tensor, latents: Tensor) -> None:
        """Nothing here depends on the scales."""

    def set_forcing(self, forcing: Tensor) -> None:
        """Start from what actions add to the latent over one interval, ``(actuator, size)``."""
        self.forcing.set_free(forcing)

    def actuation(self, shapes: Tensor | None) -> Tensor:
        """What scaled actions add over one interval, ``(actuator, size)``."""
        return self.forcing.matrix(shapes)

    def stepper(self, shapes: Tensor | None) -> Step:
        """Assemble the maps once, for a whole rollout; ``shapes`` are those of the actuators, if known."""
        forcing, steady = self.forcing.matrix(shapes), self.steady()
        decay = Assembled(self.decay.map(), self.size, self.size, forcing)
        return lambda z, action: decay(z, plus=torch.addmm(steady, action, forcing))
