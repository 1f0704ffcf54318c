"""What the latent is, and sizes."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from sciwm.config.kinds import Count, Integer, Section, Width, as_tuple


class EncoderSettings(Section):
    """The Fourier neural operator that corrects the fields before they are truncated.

    With no ``layers`` nothing is corrected: a spectral latent then is the fields' own waves. One is linear,
    so that what is quadratic in the fields, as the terms of transport and the energy are, stays so in the
    latent. More of them bend the latent, which a vector or fields may need, and a spectral latent so far
    did not.
    """

    width: Width = 16
    layers: Annotated[Integer, Field(ge=0, le=256)] = 1
    modes: Width = 16


class PredictorSettings(Section):
    """How a latent is advanced.

    ``exponential`` takes time steps of a learned quadratic tendency, ``linear`` is one matrix. With
    ``equivariant`` all its maps commute with translation, where the latent is spectral. For flows that
    something drives steadily, ``steady_forcing`` names the dimensions along which that varies: a constant
    is learned, and along all other dimensions translation stays exact. A step of a spectral latent may
    carry ``slaved_modes`` wavenumbers beyond the latent's along each dimension: worth it where the latent
    is small for the flow, and no more than ``latent_modes``, as products reach no further.
    """

    kind: Literal["exponential", "linear"] = "exponential"
    rank: Width = 8
    slaved_modes: Annotated[Integer, Field(ge=0, le=4096)] = 0
    substeps: Annotated[Count, Field(le=10**4)] = 2
    action_path: Literal["additive", "affine", "general"] = "affine"
    equivariant: bool = True
    steady_forcing: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] = ()


class ModelSettings(Section):
    """What the latent is, and sizes.

    A ``spectral`` latent, for periodic domains, has ``latent_channels (2 latent_modes + 1)^D`` numbers;
    a ``vector`` one, for any domain, ``latent_size``; with ``fields`` the state is the fields
    themselves. A ``ledger`` carries the functionals beside the latent and advances them by their
    budgets. The means of ``conserved`` variables are changed by the forcing alone, as conservation laws
    have it: a spectral latent holds them as they are, and advances them exactly. Decoding is linear plus
    ``decoder_rank`` products; a spectral latent may do without, and then is read as it is fitted.
    """

    latent: Literal["spectral", "vector", "fields"] = "spectral"
    latent_channels: Width = 1
    latent_modes: Width = 12
    latent_size: Width = 32
    ledger: bool = False
    conserved: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] = ()
    encoder: EncoderSettings = EncoderSettings()
    predictor: PredictorSettings = PredictorSettings()
    decoder_rank: Annotated[Integer, Field(ge=0, le=4096)] = 8

    @property
    def has_heads(self) -> bool:
        """Whether functionals are read from the state; from as many numbers as fields have, heads would overfit."""
        return self.latent != "fields"
