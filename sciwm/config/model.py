"""The section ``model``: the kind of latent, and the sizes of encoder, predictor and decoder."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from sciwm.config.kinds import Count, Integer, Section, Width, as_tuple


class EncoderSettings(Section):
    """The Fourier neural operator (FNO) that corrects the fields before they are truncated.

    Keys:
        width: The number of channels of the operator. 16 is enough in one dimension, 8 in two.
        layers: The number of its layers. 1 is linear and cheap: transport and energy, which are quadratic in the
            fields, stay quadratic in the latent. 0 corrects nothing: a ``spectral`` latent then holds the Fourier
            coefficients of the fields, a ``vector`` latent their principal components. 2 or more are nonlinear: a
            ``vector`` latent may profit from them, ``fields`` need them, and a ``spectral`` latent has been worse with
            them.
        modes: The number of wavenumbers along each axis that the operator acts on, at most half the points (all points
            between walls). Choose at least ``latent_modes``.
    """

    width: Width = 16
    layers: Annotated[Integer, Field(ge=0, le=256)] = 1
    modes: Width = 16


class PredictorSettings(Section):
    """How the predictor advances a latent over one control interval.

    Keys:
        kind: ``exponential`` integrates a learned tendency by an exponential scheme. ``linear`` is one matrix, the
            Koopman form. ``auto``, for data from files, compares the linear step with both kinds of ``tendency`` by
            forecasts of the validation data, and keeps the best.
        tendency: What the exponential scheme integrates: ``quadratic``, products of the state as in transport, or
            ``neural``, these and a small network that acts alike at every point of space, for reactions, friction and
            saturation. ``neural`` needs a ``vector`` latent.
        width: The number of units in each of the two hidden layers of that network. 16 are a good value.
        rank: The number of products in the quadratic tendency. 4 are enough for one transported variable in a spectral
            latent, 16 are good for a ``vector`` one.
        slaved_modes: The number of wavenumbers along each axis that a step carries beyond those of the latent, at most
            ``latent_modes``. They pay where the latent is small for the flow: 3 lengthened the valid prediction time
            of Kuramoto-Sivashinsky chaos at L = 22 by a third. Only for spectral latents.
        substeps: The number of equal steps in one control interval. 2 is often enough; more help where imagined runs
            blow up behind steep fronts or at large amplitudes.
        action_path: How actions enter the tendency: ``additive`` adds them; ``affine`` also lets them multiply the
            state once, the first effect of a forcing that acts during the interval; ``general`` allows squares of
            actions. Keep ``affine``, unless long control intervals ask for ``general``.
        equivariant: Whether all maps commute with translation, where the latent is spectral. Keep true: dense maps need
            far more data. False is for comparisons.
        steady_forcing: The space dimensions along which an unknown steady forcing varies, such as ``[y]`` for
            Kolmogorov flow. A constant is learned there; translation along the other dimensions stays exact.
    """

    kind: Literal["exponential", "linear", "auto"] = "exponential"
    tendency: Literal["quadratic", "neural"] = "quadratic"
    width: Width = 16
    rank: Width = 8
    slaved_modes: Annotated[Integer, Field(ge=0, le=4096)] = 0
    substeps: Annotated[Count, Field(le=10**4)] = 2
    action_path: Literal["additive", "affine", "general"] = "affine"
    equivariant: bool = True
    steady_forcing: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] = ()


CANDIDATES = {
    "linear": {"kind": "linear"},
    "quadratic": {"kind": "exponential", "tendency": "quadratic"},
    "neural": {"kind": "exponential", "tendency": "neural"},
}
"""What ``model.predictor.kind: auto`` chooses from, the simplest first."""


class ModelSettings(Section):
    """The kind of latent, and the sizes of encoder, predictor and decoder.

    Keys:
        latent: ``spectral`` holds Fourier coefficients, for periodic domains. ``vector`` starts as the principal
            components of the fields, for any domain. ``fields`` has no latent: the state is the fields, advanced by an
            FNO, as a baseline.
        latent_channels: For ``spectral``: the number of channels. As many as variables is a good value; ``conserved``
            needs at least as many, an encoder without layers exactly as many.
        latent_modes: For ``spectral``: the largest wavenumber K along each axis; a channel has ``2 K + 1`` numbers
            along each. Take the wavenumbers that hold nearly all energy: 8 for Kuramoto-Sivashinsky at L = 22, 12
            for Kolmogorov flow at viscosity 0.01.
        latent_size: For ``vector``: the number of coordinates. Two to four times the dimension of the attractor is
            a good start; raise it until the decoded fields are good enough.
        ledger: Whether functionals are carried beside the latent and advanced by their budgets, which then hold
            exactly.
        conserved: The variables whose spatial means the forcing alone changes, as conservation laws demand. Name every
            such variable: a spectral latent then holds their means as they are and advances them exactly.
        encoder: Sizes of the encoder.
        predictor: Kind and sizes of the predictor.
        decoder_rank: The number of products in the decoder beside its linear part. 4 to 8 are good values; 0 makes the
            decoder linear, the inverse of an encoder without layers.
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

    def choosing(self, candidate: str) -> "ModelSettings":
        """The settings with one of ``CANDIDATES`` in place of ``auto``."""
        return self.model_copy(update={"predictor": self.predictor.model_copy(update=CANDIDATES[candidate])})

    @property
    def has_heads(self) -> bool:
        """Whether heads read functionals from the state; from as many numbers as fields have they would overfit."""
        return self.latent != "fields"
