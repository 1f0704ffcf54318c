"""The encoder, decoder and predictor that a configuration asks for."""

import math
from collections.abc import Sequence

from sciwm.config import ModelSettings
from sciwm.data import Domain
from sciwm.errors import InputError, Problem, raise_if
from sciwm.model.conservation import places_of_means
from sciwm.model.encoder import Encoder
from sciwm.model.field_operator import FieldDecoder, FieldEncoder, FieldPredictor
from sciwm.model.forcing import Forcing, SteadyForcing
from sciwm.model.predictor import ExponentialPredictor, LinearPredictor
from sciwm.model.readouts import SpectralDecoder, VectorDecoder
from sciwm.model.spaces import LatentSpace, SpectralSpace, VectorSpace, Widening
from sciwm.model.spectral_encoder import SpectralEncoder
from sciwm.model.tendency import NeuralTendency, PointwiseNetwork, QuadraticTendency
from sciwm.model.vector_encoder import VectorEncoder

ENCODERS: dict[str, type[Encoder]] = {"spectral": SpectralEncoder, "vector": VectorEncoder, "fields": FieldEncoder}
"""The encoder of each kind of ``model.latent``."""

Decoder = SpectralDecoder | VectorDecoder | FieldDecoder
Predictor = ExponentialPredictor | LinearPredictor | FieldPredictor

INTERVALS_PER_UNIT = 4
"""The unit of time inside a model, in control intervals. The first weights of a forcing are then pure numbers,
``1 / (4 substeps)``, whose size suits the steps of the optimiser at the usual learning rates."""


def build_encoder(settings: ModelSettings, domain: Domain) -> Encoder:
    """Build the encoder of ``settings.latent``.

    Raises:
        InputError: If the settings name variables or dimensions that the data do not have.
    """
    variables = len(domain.variables)
    raise_if(names_problems(settings, [v.name for v in domain.variables], domain.dimensions))
    match settings.latent:
        case "spectral":
            space = _spectral_space(settings, domain)
            means = places_of_means(space, conserved_variables(settings, domain))
            return SpectralEncoder(variables, settings.encoder, space, means, _slaved_modes(settings))
        case "vector":
            bounded = [not axis.periodic for axis in domain.axes]
            return VectorEncoder(variables, settings.encoder, VectorSpace(settings.latent_size), domain.shape, bounded)
        case "fields":
            return FieldEncoder(variables, domain.shape)


def build_decoder(settings: ModelSettings, domain: Domain) -> Decoder:
    """Build the decoder of ``settings.latent``."""
    variables = len(domain.variables)
    match settings.latent:
        case "spectral":
            means = conserved_variables(settings, domain)
            return SpectralDecoder(
                variables, _spectral_space(settings, domain), settings.decoder_rank, domain.shape, means
            )
        case "vector":
            return VectorDecoder(variables, VectorSpace(settings.latent_size), settings.decoder_rank, domain.shape)
        case "fields":
            return FieldDecoder(variables, domain.shape)


def build_predictor(settings: ModelSettings, domain: Domain, encoder: Encoder) -> Predictor:
    """Build the predictor of ``settings.predictor``; fields are advanced by an operator with the encoder's sizes.

    Raises:
        InputError: If it is still to be chosen.
    """
    if settings.predictor.kind == "auto":
        remedy = "give one of them; auto chooses in a training on data from files"
        raise InputError([Problem("model.predictor.kind", "exponential or linear", "auto", remedy)])
    chosen, actuators = settings.predictor, len(domain.actuators) + len(domain.parameters)
    varies = [True] if starts_linear(settings, domain) else _varies(chosen.steady_forcing, domain)
    if isinstance(encoder, FieldEncoder):
        return FieldPredictor(
            len(domain.variables),
            settings.encoder,
            domain.shape,
            unknown_shapes=0 if domain.known_shapes else actuators,
            steady_forcing=varies,
            bounded=[not axis.periodic for axis in domain.axes],
        )
    space: LatentSpace = encoder.space.with_modes(_slaved_modes(settings))
    widening = Widening(encoder.space, space)
    shapes: LatentSpace | None = encoder.shape_space if domain.known_shapes else None
    if not chosen.equivariant:
        space = VectorSpace(space.size)
        shapes = shapes and VectorSpace(shapes.size)

    def forcing(size: float) -> Forcing:
        return Forcing(space, actuators, shapes, size=size)

    if chosen.kind == "linear":
        return LinearPredictor(space, forcing(1 / INTERVALS_PER_UNIT), SteadyForcing(space, varies))
    substep = 1 / (INTERVALS_PER_UNIT * chosen.substeps)
    steady = SteadyForcing(space, varies)
    parts = (chosen, space, forcing(substep), forcing(0.0), steady)
    if chosen.tendency == "neural":
        points = math.prod(domain.shape)
        network = PointwiseNetwork(len(domain.variables), actuators, space.size, points, chosen.width)
        return ExponentialPredictor(NeuralTendency(*parts, network), widening, chosen.substeps)
    return ExponentialPredictor(QuadraticTendency(*parts), widening, chosen.substeps)


def starts_linear(settings: ModelSettings, domain: Domain) -> bool:
    """Whether the predictor starts as the least-squares step of its latents, as it can on the data of others."""
    return domain.brought_in and not domain.known_shapes and settings.latent == "vector"


def conserved_variables(settings: ModelSettings, domain: Domain) -> list[int]:
    """The places of the variables whose means the forcing alone changes.

    Raises:
        InputError: If the shapes of the actuators are not known, or there are too few channels.
    """
    names = [v.name for v in domain.variables]
    problems = []
    if settings.conserved and not domain.known_shapes:
        remedy = "leave it empty, or add actuator_shape to the data"
        problems.append(Problem("model.conserved", "actuators of known shapes", "unknown ones", remedy))
    if len(names) > settings.latent_channels and settings.conserved:
        expected = f"at least {len(names)}, a channel for each variable, where means are conserved"
        problems.append(Problem("model.latent_channels", expected, str(settings.latent_channels)))
    raise_if(problems)
    return [names.index(name) for name in settings.conserved]


def names_problems(settings: ModelSettings, variables: Sequence[str], dimensions: Sequence[str]) -> list[Problem]:
    """The problems of settings that name variables or dimensions which the data do not have."""
    return [
        Problem(where, f"{what} of the data, {' or '.join(known)}", ", ".join(sorted(set(asked) - set(known))))
        for where, what, asked, known in (
            ("model.conserved", "variables", settings.conserved, variables),
            ("model.predictor.steady_forcing", "space dimensions", settings.predictor.steady_forcing, dimensions),
        )
        if set(asked) - set(known)
    ]


def _slaved_modes(settings: ModelSettings) -> int:
    """The slaved modes of the step; a linear step has none, as its modes do not act on each other."""
    return settings.predictor.slaved_modes if settings.predictor.kind == "exponential" else 0


def _varies(steady_forcing: Sequence[str], domain: Domain) -> list[bool]:
    """Whether the steady forcing varies, along each axis."""
    return [name in steady_forcing for name in domain.dimensions]


def _spectral_space(settings: ModelSettings, domain: Domain) -> SpectralSpace:
    return SpectralSpace(
        settings.latent_channels,
        (settings.latent_modes,) * len(domain.axes),
        tuple(axis.extent for axis in domain.axes),
    )
