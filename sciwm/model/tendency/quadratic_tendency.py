"""The quadratic tendency of transport and diffusion."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from sciwm.config import PredictorSettings
from sciwm.model.forcing import Forcing, SteadyForcing
from sciwm.model.linear_step import Substep
from sciwm.model.spaces import LatentSpace
from sciwm.model.tendency.step_layout import affine, layout_of
from sciwm.model.tendency.tendency import Tendency


class QuadraticTendency(Tendency):
    """``dz/dt = l z + N(z, a)`` with N quadratic in the state, as transport is, and by default affine in the action:

        N(z, a) = sum_r W_r [ (U_r (z + H a)) (V_r z) ] + G a + g            action_path = affine
        N(z, a) = sum_r W_r [ (U_r z) (V_r z) ] + G a + g                    action_path = additive
        N(z, a) = sum_r W_r [ (U_r (z + H a)) (V_r (z + H a)) ] + G a + g    action_path = general

    The linear part l is learned as its effect over one substep: a propagator E, and R for the second stage. E, R and
    the factors of N are maps of the latent's space; if that is spectral they commute with translation. The steady
    forcing g varies along the axes that ``steady_forcing`` names, and is zero if it names none.

    Args:
        settings: The rank of the product and the path of the actions. A rank of 4 to 8 suits a spectral space, 16
            a vector space.
        space: The space of the step.
        forcing, modulation: G and H, for scaled actions (in units of the largest).
        steady: g.
    """

    def __init__(
        self,
        settings: PredictorSettings,
        space: LatentSpace,
        forcing: Forcing,
        modulation: Forcing,
        steady: SteadyForcing,
    ) -> None:
        super().__init__()
        self.action_path: Literal["additive", "affine", "general"] = settings.action_path
        self.product = space.product(space, settings.rank, deviation=0.02)
        self.decay = space.linear(space).set_identity(1.0)  # E
        self.correction = space.linear(space).set_identity(0.5)  # R
        self.forcing = forcing  # G
        self.modulation = modulation.requires_grad_(self.action_path != "additive")  # H
        self.steady = steady  # g

    def fit(self, scales: Tensor, latents: Tensor) -> None:
        """Take over the scales of the coordinates, ``(1, size)``, and measure those of products.

        Args:
            scales: The scales of the coordinates, ``(1, size)``.
            latents: Samples, ``(n, size)``.
        """
        self.product.fit(scales, latents)

    def set_forcing(self, forcing: Tensor) -> None:
        """Start from what scaled actions add over one substep, ``(actuator, size)``."""
        self.forcing.set_free(forcing)

    @torch.no_grad()
    def set_linear(self, substep: Substep) -> None:
        """Start from a linear substep, with products that add nothing; the steady forcing must vary along all axes."""
        self.decay.weight.copy_(torch.from_numpy(substep.decay))
        self.correction.weight.copy_(torch.from_numpy(substep.correction))
        self.forcing.set_free(torch.from_numpy(substep.forcing))
        self.steady.values.copy_(torch.from_numpy(substep.constant))
        self.product.back.weight.zero_()

    def actuation(self, shapes: Tensor | None) -> Tensor:
        """The matrix G, ``(actuator, size)``."""
        return self.forcing.matrix(shapes)

    def prepared(self, shapes: Tensor | None) -> "PreparedQuadratic":
        """Assemble all maps as matrices.

        Args:
            shapes: The coordinates of the actuators' shapes, if known.
        """
        return PreparedQuadratic(self, shapes)


class PreparedQuadratic:
    """The assembled maps; see :class:`~sciwm.model.tendency.tendency.PreparedTendency`.

    Args:
        tendency: The tendency, whose weights do not change as long as this is used.
        shapes: The coordinates of the actuators' shapes, if known.
    """

    def __init__(self, tendency: QuadraticTendency, shapes: Tensor | None) -> None:
        layout = self.layout = layout_of(tendency.product)
        self.forcing = layout.arranged(tendency.forcing.matrix(shapes))
        self.steady = layout.arranged(tendency.steady()[None])
        self.decay, self.correction = layout.matrix(tendency.decay), layout.matrix(tendency.correction)
        acted = layout.arranged(tendency.modulation.matrix(shapes)) @ layout.view  # what H a adds to the factors
        if tendency.action_path == "affine":
            left, right = acted.chunk(2, dim=-1)
            acted = torch.cat([left, torch.zeros_like(right)], dim=-1)
        self.acted = None if tendency.action_path == "additive" else acted
        self.numbers_per_row = len(tendency.product.offset())

    def arranged(self, latents: Tensor) -> Tensor:
        """Latents ``(batch, size)`` as the layout holds them."""
        return self.layout.arranged(latents)

    def flat(self, values: Tensor) -> Tensor:
        """Inverse of :meth:`arranged`."""
        return self.layout.flat(values)

    def held(self, action: Tensor) -> Callable[[Tensor], Tensor]:
        """``N(., a)`` for a held action."""
        layout = self.layout
        added = affine(self.steady, action, self.forcing)
        offset = layout.offset if self.acted is None else affine(layout.offset, action, self.acted)
        return lambda z: affine(added, layout.multiplied(affine(offset, z, layout.view)), layout.back)

    def propagated(self, z: Tensor, plus: Tensor) -> Tensor:
        """``E z + plus``."""
        return affine(plus, z, self.decay)

    def corrected(self, difference: Tensor, plus: Tensor) -> Tensor:
        """``R difference + plus``."""
        return affine(plus, difference, self.correction)
