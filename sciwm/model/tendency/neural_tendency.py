"""The neural tendency: the quadratic one, and a pointwise network for what is not quadratic."""

from collections.abc import Callable

from torch import Tensor, nn

from sciwm.config import PredictorSettings
from sciwm.model.forcing import Forcing, SteadyForcing
from sciwm.model.spaces import LatentSpace
from sciwm.model.tendency.pointwise_network import PointwiseNetwork
from sciwm.model.tendency.quadratic_tendency import PreparedQuadratic, QuadraticTendency


class NeuralTendency(QuadraticTendency):
    """``dz/dt = l z + N(z, a) + q(z, a)`` with a quadratic N, and a network q that acts at points of space.

    Args:
        settings: The rank of the product in N and the path of the actions.
        space: The space of the step.
        forcing, modulation, steady: As of :class:`~sciwm.model.tendency.quadratic_tendency.QuadraticTendency`.
        network: q.
    """

    def __init__(
        self,
        settings: PredictorSettings,
        space: LatentSpace,
        forcing: Forcing,
        modulation: Forcing,
        steady: SteadyForcing,
        network: PointwiseNetwork,
    ) -> None:
        super().__init__(settings, space, forcing, modulation, steady)
        self.network = network

    def see(self, fields: Tensor, mean: Tensor) -> None:
        """Choose the points at which the network acts."""
        self.network.see(fields, mean)

    def quick_part(self) -> list[nn.Parameter]:
        """The weights of the network, whose values are bounded."""
        return list(self.network.parameters())

    def prepared(self, shapes: Tensor | None) -> "PreparedNeural":
        """Assemble the maps of the quadratic part as matrices.

        Args:
            shapes: The coordinates of the actuators' shapes, if known.
        """
        return PreparedNeural(self, shapes)


class PreparedNeural(PreparedQuadratic):
    """The assembled maps; see :class:`~sciwm.model.tendency.tendency.PreparedTendency`.

    Args:
        tendency: The tendency, whose weights do not change as long as this is used.
        shapes: The coordinates of the actuators' shapes, if known.
    """

    def __init__(self, tendency: NeuralTendency, shapes: Tensor | None) -> None:
        super().__init__(tendency, shapes)
        self.network = tendency.network
        self.numbers_per_row += tendency.network.numbers_per_row

    def held(self, action: Tensor) -> Callable[[Tensor], Tensor]:
        """``N(., a) + q(., a)`` for a held action."""
        return self.network.combined(super().held(action), action)
