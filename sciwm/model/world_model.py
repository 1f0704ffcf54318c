"""Encoder, predictor and readouts composed into the three verbs."""

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from sciwm.config import ModelSettings
from sciwm.data import Domain, Functional
from sciwm.errors import InputError, Problem
from sciwm.model.conservation import conserving
from sciwm.model.construction import build_decoder, build_encoder, build_predictor
from sciwm.model.least_squares import least_squares
from sciwm.model.predictor import Step
from sciwm.model.readouts import BudgetHeads, Labels


class WorldModel(nn.Module):
    """A learned ``Dynamics``: physical fields and actions in, latents inside, physical readouts out.

    The state is the latent z. With a ledger it is ``[z, q]``, where the functionals q are advanced by
    their budgets, ``q+ = q + interval (S(z, z+) + sum_j a_j y_j(z, z+))``, which then hold exactly.

    Args:
        settings: kinds and sizes.
        domain: what it is about.
    """

    def __init__(self, settings: ModelSettings, domain: Domain) -> None:
        super().__init__()
        self.settings = settings
        self.domain = domain
        self.actuators = domain.actuators
        self.control_interval = domain.control_interval
        self.encoder = build_encoder(settings, domain)
        self.decoder = build_decoder(settings, domain)
        self.predictor = build_predictor(settings, domain, self.encoder)
        self.heads = BudgetHeads(self.encoder.space, len(domain.functionals), len(domain.actuators))
        known = torch.zeros(len(domain.actuators), self.encoder.shape_space.size) if domain.known_shapes else None
        self.register_buffer("shapes", known)
        self.shapes: Tensor | None
        self.largest_actions: Tensor
        self.ledger = settings.ledger and bool(domain.functionals)
        for name, values in scales_of(domain).items():
            self.register_buffer(name, values, persistent=False)
        self._assembled: Step | None = None

    @property
    def latent_size(self) -> int:
        """Numbers in one latent, without the ledger."""
        return self.encoder.space.size

    @property
    def conserved(self) -> Tensor:
        """Where the latent holds means that forcing alone changes: true there, ``(latent size,)``."""
        return self.encoder.conserved

    @property
    def state_size(self) -> int:
        """Numbers in one state."""
        return self.latent_size + (len(self.domain.functionals) if self.ledger else 0)

    @contextmanager
    def assembled(self) -> Iterator[None]:
        """Within this context the predictor's maps are assembled once, for as long as its weights rest."""
        before, self._assembled = self._assembled, self.stepper()
        try:
            yield
        finally:
            self._assembled = before

    def stepper(self) -> Step:
        """One interval of bare latents under scaled actions, its maps assembled; conserved means change exactly."""
        step, encoder = self.predictor.stepper(self.shapes), self.encoder
        if not self.conserved.any() or self.shapes is None:
            return step
        forcing = encoder.of_shapes.narrowed(self.shapes)[:, : encoder.space.size]
        missing = encoder.space.size - forcing.shape[1]  # channels that copy no variable
        supply = torch.nn.functional.pad(forcing, (0, missing)) * self.control_interval
        return conserving(step, self.conserved, torch.where(self.conserved, supply, torch.zeros(())))

    def freeze(self) -> "WorldModel":
        """Make ready for use: no more gradients to the weights, the maps assembled for good."""
        self.requires_grad_(False).eval()
        self._assembled = self.stepper()
        self.decoder.freeze()
        return self

    @property
    def fewest_points(self) -> tuple[int, ...]:
        """Along each axis: coarser fields would alias, or do not fit."""
        return self.encoder.fewest_points(self.domain.shape)

    # The verbs ----------------------------------------------------------------------------------

    def encode(self, fields: Tensor) -> Tensor:
        """Fields ``(batch, variable, *space)`` to states ``(batch, size)``; periodic ones at any resolution.

        Raises:
            InputError: if there are fewer points than ``fewest_points``.
        """
        if any(n < least for n, least in zip(fields.shape[2:], self.fewest_points, strict=True)):
            got, fewest = ("x".join(map(str, points)) for points in (fields.shape[2:], self.fewest_points))
            remedy = "coarser fields alias: give them on a finer grid"
            raise InputError([Problem("fields", f"at least {fewest} points", got, remedy)])
        return self.state_of(self.encoder(self.normalize(fields)))

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        """One control interval under a physical action ``(batch, actuator)``; of a bare latent, no ledger is kept."""
        step = self._assembled or self.stepper()
        before = self.latent(state)
        after = step(before, self.scaled(action))
        if state.shape[1] == self.latent_size:
            return after
        account = state[:, self.latent_size :] + self.inflow(before, action, after) / self.functional_scale("deviation")
        return torch.cat([after, account], dim=1)

    def readout(self, state: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """Functionals by name, each ``(batch,)``; under ``"fields"`` the decoded fields.

        Raises:
            InputError: if a name is neither.
        """
        known = ["fields", *(f.name for f in self.domain.functionals)]
        if unknown := sorted(set(names) - set(known)):
            raise InputError([Problem("readout", f"some of {', '.join(known)}", ", ".join(unknown))])
        read: dict[str, Tensor] = {}
        if "fields" in names:
            mean, deviation = self._of_variables(state, "mean"), self._of_variables(state, "deviation")
            read["fields"] = self.decoder(self.latent(state)) * deviation + mean
        if set(names) - {"fields"}:
            values = self.functionals(state)
            for i, f in enumerate(self.domain.functionals):
                read[f.name] = values[:, i] * f.deviation + f.mean
        return {name: read[name] for name in names}

    # What they are made of ----------------------------------------------------------------------

    def normalize(self, fields: Tensor) -> Tensor:
        """Physical fields ``(..., variable, *space)`` to zero mean and unit deviation, in the weights' precision."""
        centred = fields - self._of_variables(fields, "mean")
        return (centred / self._of_variables(fields, "deviation")).to(self.heads.forcing)

    def scaled(self, action: Tensor) -> Tensor:
        """Physical actions in units of the largest, so that no action stays none; in the weights' precision."""
        return (action / self.largest_actions.to(action)).to(self.heads.forcing)

    def state_of(self, latent: Tensor) -> Tensor:
        """Latents ``(..., size)``, with the functionals read from them where there is a ledger."""
        if not self.ledger:
            return latent
        read = self.heads.value(latent.flatten(0, -2)).unflatten(0, latent.shape[:-1])
        return torch.cat([latent, read], dim=-1)

    def latent(self, state: Tensor) -> Tensor:
        """The state without its ledger."""
        return state[..., : self.latent_size]

    def functionals(self, state: Tensor) -> Tensor:
        """Normalised functionals of states ``(batch, size)``: from the ledger if there is one, else by the heads."""
        return state[:, self.latent_size :] if self.ledger else self.heads.value(state)

    def inflow(self, before: Tensor, action: Tensor, after: Tensor) -> Tensor:
        """What the budgets let into every functional over one interval, physical: ``interval (S + sum_j a_j y_j)``.

        Args:
            before, after: latents ``(batch, size)``.
            action: physical, ``(batch, actuator)``.

        Returns:
            ``(batch, functional)``.
        """
        source, output = self.heads.fluxes(before, self.scaled(action), after)
        source = source * self.functional_scale("source_deviation") + self.functional_scale("source_mean")
        work = torch.einsum("bj,bfj->bf", action.to(output), output) * self.functional_scale("output_deviation")
        return self.control_interval * (source + work)

    @torch.no_grad()
    def fit(self, fields: Tensor, shapes: Tensor | None) -> None:
        """Set the fixed scales, and what is known of the forcing, from training data.

        Args:
            fields: physical, ``(sample, variable, *space)``.
            shapes: of the actuators, physical, ``(actuator, variable, *space)``; None where they are not known.
        """
        normalized = self.normalize(fields)
        self.encoder.fit(normalized)
        self.decoder.fit(self.encoder.scale, normalized)
        self.predictor.fit(self.encoder.scale, self.encoder(normalized[:: max(1, len(normalized) // 512)]))
        if shapes is not None and self.shapes is not None:
            in_units = shapes / self._of_variables(shapes, "deviation")
            scaled = in_units * self.largest_actions.to(shapes).view(-1, *(1,) * (shapes.ndim - 1))
            self.shapes.copy_(self.encoder.coordinates_of_shapes(scaled))

    @torch.no_grad()
    def fit_forcing(self, before: Tensor, action: Tensor, after: Tensor) -> None:
        """Where nobody says how the actuators act, start from the best linear answer to them.

            z+ - z = a G + z A + c,    least squares over transitions of the data

        Args:
            before, after: physical fields one interval apart, ``(sample, variable, *space)``.
            action: physical, ``(sample, actuator)``.
        """
        if self.shapes is not None:
            return
        z, change = self.latent(self.encode(before)), self.latent(self.encode(after))
        change, scaled = change - z, self.scaled(action)
        known = z if z.shape[1] < len(z) // 4 else z[:, :0]  # as regressors, where there are samples enough
        answer = least_squares(torch.cat([scaled, known, torch.ones_like(scaled[:, :1])], dim=1), change)
        self.predictor.set_forcing(answer[: scaled.shape[1]].to(z))

    @torch.no_grad()
    def fit_heads(self, before: Tensor, action: Tensor, after: Tensor, labels: Labels) -> None:
        """Fit the heads to what latents and predictor are now.

        Args:
            before, after: states one interval apart, ``(sample, size)``.
            action: physical, ``(sample, actuator)``.
            labels: of these transitions.
        """
        forcing = self.predictor.actuation(self.shapes)
        self.heads.fit(self.latent(before), self.scaled(action), self.latent(after), forcing, labels)

    def _of_variables(self, like: Tensor, name: str) -> Tensor:
        scale: Tensor = getattr(self, f"variable_{name}")
        return scale.to(like)

    def functional_scale(self, name: str) -> Tensor:
        """One of the scales of functionals, ``(functional,)``: ``deviation``, ``change_deviation``, ..."""
        scale: Tensor = getattr(self, f"functional_{name}")
        return scale.to(self.heads.forcing)


def scales_of(domain: Domain) -> dict[str, Tensor]:
    """The scales that normalise fields, functionals and actions, in double precision, by the names of buffers."""
    space = (1,) * len(domain.axes)
    scales = {
        f"variable_{name}": torch.tensor([getattr(v, name) for v in domain.variables], dtype=torch.float64)
        for name in ("mean", "deviation")
    }
    scales = {name: values.view(-1, *space) for name, values in scales.items()}
    for part in dataclasses.fields(Functional):
        if part.name != "name":
            values = [getattr(f, part.name) for f in domain.functionals]
            scales[f"functional_{part.name}"] = torch.tensor(values, dtype=torch.float64)
    box = domain.actuators
    scales["largest_actions"] = torch.from_numpy(np.maximum(np.abs(box.low), np.abs(box.high)))
    return scales
