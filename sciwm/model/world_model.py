"""The world model: encoder, predictor and readouts behind the three verbs of ``Dynamics``."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from sciwm.config import ModelSettings
from sciwm.data import Domain
from sciwm.errors import InputError, Problem
from sciwm.model.conservation import conserving
from sciwm.model.construction import INTERVALS_PER_UNIT, build_decoder, build_encoder, build_predictor
from sciwm.model.latent_statistics import LARGEST_LATENT, LatentStatistics
from sciwm.model.predictor import Step
from sciwm.model.readouts import BudgetHeads, Labels, VectorDecoder
from sciwm.model.scales import ScaledModule
from simulations.torch_modes import building, exact, ordinary

FINER_GRID = "coarser fields alias: give them on a finer grid"
"""What to do about fields that are too coarse."""


class WorldModel(ScaledModule):
    """A learned ``Dynamics``: it takes physical fields and actions, works on latents, and gives physical readouts.

    The state is the latent z. With a ledger it is ``[z, q]``, where the functionals q are advanced by their budgets,
    ``q+ = q + interval (S(z, z+) + sum_j a_j y_j(z, z+))``, which then hold exactly. With parameters it is
    ``[z, q, p]``: the scaled parameters p of the run stay as they are, and enter every step beside the actions. As part
    of the state they can be estimated like it.

    Actions come in three units: physical at the verbs; *scaled* inside the predictor, in units of the largest, so that
    no action stays zero, or for the data of others about their mean by their deviation; *normalised* to [-1, 1] in
    planners, so that bounds are alike.

    All weights are pure numbers: fields count in their deviations, rates in a unit of time of some control intervals.
    The same data in other units of time, length, fields and actions give the same model.

    Args:
        settings: Kind of latent and sizes.
        domain: Variables, grid, actions and scales.
    """

    def __init__(self, settings: ModelSettings, domain: Domain) -> None:
        super().__init__(domain)
        self.settings = settings
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
            self.ledger = settings.ledger and bool(domain.functionals)
        self.statistics: LatentStatistics | None = None
        self._assembled: Step | None = None

    @property
    def weights(self) -> Tensor:
        """Any of the weights, for their precision and device."""
        return self.heads.forcing

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
        """The number of values in one state, ledger and parameters included."""
        return self.latent_size + self._ledger_size + len(self.domain.parameters)

    @property
    def _ledger_size(self) -> int:
        return len(self.domain.functionals) if self.ledger else 0

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
    def encode(self, fields: Tensor, parameters: Tensor | None = None) -> Tensor:
        """Encode physical fields ``(batch, variable, *space)`` as states ``(batch, size)``.

        Periodic fields may have any resolution, fields between walls that of the training data.

        Args:
            fields: The fields.
            parameters: The physical parameters of each run, ``(batch, parameter)``; by default their means over the
                training data.

        Raises:
            InputError: If there are fewer points than ``fewest_points``.
        """
        if any(n < least for n, least in zip(fields.shape[2:], self.fewest_points, strict=True)):
            got, fewest = ("x".join(map(str, points)) for points in (fields.shape[2:], self.fewest_points))
            raise InputError([Problem("fields", f"at least {fewest} points", got, FINER_GRID)])
        return self.state_of(self.encoder(self.normalize(fields)), parameters)

    @exact
    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        """Advance states by one control interval under a held physical action ``(batch, actuator)``.

        A latent without its ledger is advanced without one, and one without parameters with their means.
        """
        step = self._assembled or self.stepper()
        before = self.latent(state)
        after = step(before, self._inputs(state, action))
        if state.shape[1] == self.latent_size:
            return after
        parts = [after]
        if self.ledger:
            inflow = self.inflow(before, action, after) / self.functional_scale("deviation")
            parts.append(self._carried(state) + inflow)
        if self.domain.parameters:
            parts.append(state[:, -len(self.domain.parameters) :])
        return torch.cat(parts, dim=1)

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

    def parameters_in(self, state: Tensor) -> Tensor:
        """The physical parameters that states ``(..., size)`` carry, ``(..., parameter)``."""
        scaled = state[..., self.latent_size + self._ledger_size :]
        return scaled * self.parameter_deviation.to(scaled) + self.parameter_mean.to(scaled)

    def with_parameters(self, state: Tensor, parameters: Tensor) -> Tensor:
        """States ``(..., size)`` that carry other physical parameters ``(..., parameter)``."""
        count = len(self.domain.parameters)
        return torch.cat([state[..., :-count], self.scaled_parameters(parameters)], dim=-1) if count else state

    def _inputs(self, state: Tensor, action: Tensor) -> Tensor:
        """What acts on a latent: scaled actions, and beside them the parameters that its state carries."""
        scaled, count = self.scaled(action), len(self.domain.parameters)
        if not count:
            return scaled
        carries = state.shape[1] == self.state_size
        return torch.cat([scaled, state[:, -count:] if carries else scaled.new_zeros(len(scaled), count)], dim=1)

    def state_of(self, latent: Tensor, parameters: Tensor | None = None) -> Tensor:
        """The states of latents ``(..., size)``; a ledger starts with the functionals that heads read from them.

        Args:
            latent: The latents.
            parameters: The physical parameters, ``(..., parameter)``; by default their means.
        """
        parts = [latent]
        if self.ledger:
            parts.append(self.heads.value(latent.flatten(0, -2)).unflatten(0, latent.shape[:-1]))
        if self.domain.parameters:
            count = len(self.domain.parameters)
            means = latent.new_zeros(*latent.shape[:-1], count)
            parts.append(means if parameters is None else self.scaled_parameters(parameters).expand_as(means))
        return torch.cat(parts, dim=-1) if len(parts) > 1 else latent

    def latent(self, state: Tensor) -> Tensor:
        """The latents of states: without ledger and parameters."""
        return state[..., : self.latent_size]

    def functionals(self, state: Tensor) -> Tensor:
        """Normalised functionals of states ``(batch, size)``: those of the ledger if there is one, else the heads'."""
        return self._carried(state) if self.ledger else self.heads.value(self.latent(state))

    def _carried(self, state: Tensor) -> Tensor:
        return state[:, self.latent_size : self.latent_size + self._ledger_size]

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

    @property
    def mean_fields(self) -> Tensor:
        """The mean of the training data, physical, ``(variable, *space)``; of a vector latent the mean fields."""
        like = self.variable_deviation
        mean = self.decoder.mean.to(like) if isinstance(self.decoder, VectorDecoder) else torch.zeros_like(like)
        return mean * self._of_variables(like, "deviation") + self._of_variables(like, "mean")

    def with_statistics(self) -> LatentStatistics | None:
        """The statistics of the latent, from now on a part of the model; None where a latent is too large for them.

        Models of older versions have none.
        """
        if self.statistics is None and self.latent_size <= LARGEST_LATENT:
            with building(torch.float32):
                shape = (len(self.domain.variables), *self.domain.shape)
                self.statistics = LatentStatistics(self.latent_size, shape).to(self.weights.device)
        return self.statistics

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
