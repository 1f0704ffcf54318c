"""The world model: encoder, predictor and readouts behind the three verbs of ``Dynamics``."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from sciwm.config import ModelSettings
from sciwm.data import Domain
from sciwm.errors import InputError, Problem
from sciwm.model.conservation import conserving
from sciwm.model.construction import INTERVALS_PER_UNIT, build_decoder, build_encoder, build_predictor
from sciwm.model.least_squares import least_squares
from sciwm.model.predictor import Step
from sciwm.model.readouts import BudgetHeads, Labels
from sciwm.model.scales import scales_of
from simulations.closeness import constant
from simulations.torch_modes import building, exact, ordinary

FINER_GRID = "coarser fields alias: give them on a finer grid"
"""What to do about fields that are too coarse."""


class WorldModel(nn.Module):
    """A learned ``Dynamics``: it takes physical fields and actions, works on latents, and gives physical readouts.

    The state is the latent z. With a ledger it is ``[z, q]``, where the functionals q are advanced by their budgets,
    ``q+ = q + interval (S(z, z+) + sum_j a_j y_j(z, z+))``, which then hold exactly.

    Actions come in three units: physical at the verbs; *scaled* inside the predictor, in units of the largest, so that
    no action stays zero; *normalised* to [-1, 1] in planners, so that bounds are alike.

    All weights are pure numbers: fields count in their deviations, rates in a unit of time of some control intervals.
    The same data in other units of time, length, fields and actions give the same model.

    Args:
        settings: Kind of latent and sizes.
        domain: Variables, grid, actions and scales.
    """

    def __init__(self, settings: ModelSettings, domain: Domain) -> None:
        super().__init__()
        self.settings = settings
        self.domain = domain
        self.actuators = domain.actuators
        self.control_interval = domain.control_interval
        with building(torch.float32):
            self.encoder = build_encoder(settings, domain)
            self.decoder = build_decoder(settings, domain)
            self.predictor = build_predictor(settings, domain, self.encoder)
            self.heads = BudgetHeads(self.encoder.space, len(domain.functionals), len(domain.actuators))
            known = torch.zeros(len(domain.actuators), self.encoder.shape_space.size) if domain.known_shapes else None
            self.register_buffer("shapes", known)
            self.shapes: Tensor | None
            unit = torch.tensor(INTERVALS_PER_UNIT * domain.control_interval, dtype=torch.float64)
            self.register_buffer("time_unit", unit)  # stored, as models of older versions have another one
            self.time_unit: Tensor
            self.largest_actions: Tensor
            self.variable_deviation: Tensor
            self.ledger = settings.ledger and bool(domain.functionals)
            for name, values in scales_of(domain).items():
                self.register_buffer(name, values, persistent=False)
        self._assembled: Step | None = None

    @property
    def latent_size(self) -> int:
        """The number of values in one latent, without the ledger."""
        return self.encoder.space.size

    @property
    def conserved(self) -> Tensor:
        """Where the latent holds conserved means, which the forcing alone changes: true there, ``(latent size,)``."""
        return self.encoder.conserved

    @property
    def state_size(self) -> int:
        """The number of values in one state, the ledger included."""
        return self.latent_size + (len(self.domain.functionals) if self.ledger else 0)

    @contextmanager
    def assembled(self) -> Iterator[None]:
        """Assemble the predictor's maps once for all steps in this context. Weights must not change in it."""
        before, self._assembled = self._assembled, self.stepper()
        try:
            yield
        finally:
            self._assembled = before

    def stepper(self) -> Step:
        """The step of latents without a ledger, under scaled actions: maps are assembled, conserved means exact."""
        step = self.predictor.stepper(self.shapes)
        if not self.conserved.any() or self.shapes is None:
            return step
        units = self.control_interval / float(self.time_unit)
        return conserving(step, self.conserved, self.encoder.supply(self.shapes) * units)

    @ordinary()
    def freeze(self) -> "WorldModel":
        """Make ready for use: weights take no gradients, and all maps are assembled for good."""
        self.requires_grad_(False).eval()
        self._assembled = self.stepper()
        self.decoder.freeze()
        return self

    @property
    def fewest_points(self) -> tuple[int, ...]:
        """The fewest points along each axis: coarser fields would alias, or do not fit."""
        return self.encoder.fewest_points(self.domain.shape)

    # The verbs ----------------------------------------------------------------------------------

    @exact
    def encode(self, fields: Tensor) -> Tensor:
        """Encode physical fields ``(batch, variable, *space)`` as states ``(batch, size)``.

        Periodic fields may have any resolution, fields between walls that of the training data.

        Raises:
            InputError: If there are fewer points than ``fewest_points``.
        """
        if any(n < least for n, least in zip(fields.shape[2:], self.fewest_points, strict=True)):
            got, fewest = ("x".join(map(str, points)) for points in (fields.shape[2:], self.fewest_points))
            raise InputError([Problem("fields", f"at least {fewest} points", got, FINER_GRID)])
        return self.state_of(self.encoder(self.normalize(fields)))

    @exact
    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        """Advance states by one control interval under a held physical action ``(batch, actuator)``.

        A latent without its ledger is advanced without one.
        """
        step = self._assembled or self.stepper()
        before = self.latent(state)
        after = step(before, self.scaled(action))
        if state.shape[1] == self.latent_size:
            return after
        ledger = state[:, self.latent_size :] + self.inflow(before, action, after) / self.functional_scale("deviation")
        return torch.cat([after, ledger], dim=1)

    @exact
    def readout(self, state: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """Functionals by name, each ``(batch,)``, in physical units; ``"fields"`` gives the decoded fields.

        Raises:
            InputError: If a name is neither.
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

    # Parts of the verbs ------------------------------------------------------------------------

    def normalize(self, fields: Tensor) -> Tensor:
        """Scale physical fields ``(..., variable, *space)`` to zero mean and unit standard deviation.

        What does not vary in the training data becomes zero. The result has the precision of the weights.
        """
        centred = fields - self._of_variables(fields, "mean")
        return (centred / self._of_variables(fields, "divisor")).to(self.heads.forcing)

    def scaled(self, action: Tensor) -> Tensor:
        """Scale physical actions by the largest of each actuator, so that no action stays zero.

        The result has the precision of the weights.
        """
        return (action / self.largest_actions.to(action)).to(self.heads.forcing)

    def state_of(self, latent: Tensor) -> Tensor:
        """The states of latents ``(..., size)``; a ledger starts with the functionals that heads read from them."""
        if not self.ledger:
            return latent
        read = self.heads.value(latent.flatten(0, -2)).unflatten(0, latent.shape[:-1])
        return torch.cat([latent, read], dim=-1)

    def latent(self, state: Tensor) -> Tensor:
        """The latents of states: without the ledger."""
        return state[..., : self.latent_size]

    def functionals(self, state: Tensor) -> Tensor:
        """Normalised functionals of states ``(batch, size)``: those of the ledger if there is one, else the heads'."""
        return state[:, self.latent_size :] if self.ledger else self.heads.value(state)

    def inflow(self, before: Tensor, action: Tensor, after: Tensor) -> Tensor:
        """The change of every functional over one interval by its budget, physical: ``interval (S + sum_j a_j y_j)``.

        Args:
            before, after: Latents at both ends, ``(batch, size)``.
            action: Physical actions, ``(batch, actuator)``.

        Returns:
            ``(batch, functional)``.
        """
        source, output = self.heads.fluxes(before, self.scaled(action), after)
        source = source * self.functional_scale("source_deviation") + self.functional_scale("source_mean")
        work = torch.einsum("bj,bfj->bf", action.to(output), output) * self.functional_scale("output_deviation")
        return self.control_interval * (source + work)

    @torch.no_grad()
    def fit(self, fields: Tensor, shapes: Tensor | None) -> None:
        """Fit the fixed scales, and the coordinates of the actuators' shapes, to training data.

        Args:
            fields: Physical fields, ``(sample, variable, *space)``.
            shapes: The shapes of the actuators, physical, ``(actuator, variable, *space)``; None if not known.
        """
        normalized = self.normalize(fields)
        self.encoder.fit(normalized)
        self.decoder.fit(self.encoder.scale, normalized)
        self.predictor.fit(self.encoder.scale, self.encoder(normalized[:: max(1, len(normalized) // 512)]))
        if shapes is not None and self.shapes is not None:
            in_units = shapes / self._of_variables(shapes, "divisor") * float(self.time_unit)
            scaled = in_units * self.largest_actions.to(shapes).view(-1, *(1,) * (shapes.ndim - 1))
            self.shapes.copy_(self.encoder.coordinates_of_shapes(scaled))

    @torch.no_grad()
    def fit_forcing(self, before: Tensor, action: Tensor, after: Tensor) -> None:
        """Where shapes are not known, start the forcing G from the least-squares fit

            z+ - z = a G + z A + c    over transitions of the data.

        Args:
            before, after: Physical fields one interval apart, ``(sample, variable, *space)``.
            action: Physical actions, ``(sample, actuator)``.
        """
        if self.shapes is not None:
            return
        z, change = self.latent(self.encode(before)), self.latent(self.encode(after))
        change, scaled = change - z, self.scaled(action)
        still = torch.from_numpy(constant(scaled.cpu().numpy(), axis=0)).to(scaled.device)
        scaled = scaled.masked_fill(still, 0.0)  # what it adds cannot be told from what is always added
        known = z if z.shape[1] < len(z) // 4 else z[:, :0]  # regressors, only with enough samples to fit them
        fitted = least_squares(torch.cat([scaled, known, torch.ones_like(scaled[:, :1])], dim=1), change)
        self.predictor.set_forcing(fitted[: scaled.shape[1]].masked_fill(still[:, None], 0.0).to(z))

    @torch.no_grad()
    def fit_heads(self, before: Tensor, action: Tensor, after: Tensor, labels: Labels) -> None:
        """Fit the heads in closed form to the present latents and predictor.

        Args:
            before, after: States one interval apart, ``(sample, size)``.
            action: Physical actions, ``(sample, actuator)``.
            labels: The true functionals, sources and outputs of these transitions.
        """
        forcing = self.predictor.actuation(self.shapes)
        self.heads.fit(self.latent(before), self.scaled(action), self.latent(after), forcing, labels)

    def _of_variables(self, like: Tensor, name: str) -> Tensor:
        scale: Tensor = getattr(self, f"variable_{name}")
        return scale.to(like)

    def functional_scale(self, name: str) -> Tensor:
        """A scale of the functionals by name, ``(functional,)``: ``deviation``, ``change_deviation``, ..."""
        scale: Tensor = getattr(self, f"functional_{name}")
        return scale.to(self.heads.forcing)
