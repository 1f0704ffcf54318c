"""Encoder, predictor and readouts composed into the three verbs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor, nn

from sciwm.config import ModelSettings
from sciwm.data.domain import Domain
from sciwm.model.encoder import Encoder
from sciwm.model.predictor import Predictor, Step
from sciwm.model.readouts import BudgetHeads, Decoder


class WorldModel(nn.Module):
    """A learned ``Dynamics``: physical fields and actions in, latents inside, physical readouts out.

    Args:
        settings: sizes.
        domain: what it is about.
    """

    def __init__(self, settings: ModelSettings, domain: Domain) -> None:
        super().__init__()
        self.settings = settings
        self.domain = domain
        self.actuators = domain.actuators
        self.control_interval = domain.control_interval
        self.encoder = Encoder(len(domain.variables), settings)
        self.predictor = Predictor(settings, len(domain.actuators))
        self.heads = BudgetHeads(settings, len(domain.functionals), len(domain.actuators))
        self.decoder = Decoder(len(domain.variables), settings, domain.num_points)
        self._assembled: Step | None = None

    @property
    def latent_size(self) -> int:
        """Numbers in one latent."""
        return int(self.encoder.scale.numel())

    @contextmanager
    def assembled(self) -> Iterator[None]:
        """Within this context the predictor's matrices are assembled once, for as long as its weights rest."""
        self._assembled = self.predictor.stepper()
        try:
            yield
        finally:
            self._assembled = None

    def freeze(self) -> "WorldModel":
        """Make ready for use: no more gradients to the weights, the matrices assembled for good."""
        self.requires_grad_(False).eval()
        self._assembled = self.predictor.stepper()
        return self

    def normalize(self, fields: Tensor) -> Tensor:
        """Physical fields ``(..., variable, x)`` to zero mean and unit deviation."""
        mean, deviation = self._scales(fields, "mean", "deviation")
        return (fields - mean[:, None]) / deviation[:, None]

    def encode(self, fields: Tensor) -> Tensor:
        """Fields ``(batch, variable, x)`` at any resolution to latents ``(batch, size)``."""
        return self.encoder(self.normalize(fields))

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        """One control interval under a physical action ``(batch, actuator)``."""
        step = self._assembled or self.predictor.stepper()
        return step(state, self.actuators.to_normalized(action))

    def readout(self, state: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """Functionals by name, each ``(batch,)``; under ``"fields"`` the decoded fields."""
        read: dict[str, Tensor] = {}
        if "fields" in names:
            mean, deviation = self._scales(state, "mean", "deviation")
            read["fields"] = self.decoder(state) * deviation[:, None] + mean[:, None]
        if set(names) - {"fields"}:
            values = self.heads.value(state)
            for i, f in enumerate(self.domain.functionals):
                read[f.name] = values[:, i] * f.deviation + f.mean
        return {name: read[name] for name in names}

    def _scales(self, like: Tensor, *names: str) -> tuple[Tensor, ...]:
        return tuple(like.new_tensor([getattr(v, n) for v in self.domain.variables]) for n in names)
