"""Weights of the objective."""

from typing import Annotated, Literal

from pydantic import Field

from sciwm.config.kinds import Count, Many, Positive, Section, Share, Weight


class CollapseSettings(Section):
    """What keeps the latent from collapsing; see ``sciwm.loss.collapse``.

    ``kind`` is VICReg (``weight`` about 1), SIGReg (about 10), VISReg (about 1), a moving-average
    target with masked inputs to complete (about 1), or nothing. With ``within_wavenumbers`` coordinates of
    a spectral latent are compared only within their wavenumber.

    ``deviation`` is the one below which VICReg pushes a coordinate apart, ``covariance`` the weight of
    its off-diagonal part relative to the rest; ``directions`` are what SIGReg and VISReg project on.
    The moving average keeps ``momentum`` of itself in an update at first and ``final_momentum`` in the
    end, and so forgets over 1 / (1 - momentum) of them; ``mask_boxes`` boxes hide ``mask_fraction`` of a field,
    on average, from the encoder that is to complete it.
    """

    kind: Literal["vicreg", "sigreg", "visreg", "ema_target", "none"] = "vicreg"
    weight: Weight = 1.0
    within_wavenumbers: bool = False
    deviation: Positive = 0.5
    covariance: Weight = 0.05
    directions: Annotated[Count, Field(le=65536)] = 256
    momentum: Share = 0.99
    final_momentum: Share = 0.999
    mask_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.3
    mask_boxes: Annotated[Count, Field(le=10**4)] = 4


class PhysicsSettings(Section):
    """Weights of the physics-biased terms; see ``sciwm.loss.terms``.

    ``gradient_cap`` bounds the gradient of all of them but the sensitivities together, in the encoder and in
    the predictor, relative to that of prediction, sensitivities and anti-collapse, so that the model stays
    predictive; 0 leaves it free. ``adjoints`` are for fine-tuning: they begin when ``adjoints_from`` of the
    training is over.
    """

    heads_encoded: Weight = 0.3
    heads_rolled: Weight = 0.3
    budget: Weight = 0.0
    counterfactual_share: Share = 0.5
    ledger_tie: Weight = 0.1
    twins: Weight = 0.0
    tangents: Weight = 0.0
    adjoints: Weight = 0.0
    adjoints_from: Share = 0.75
    sensitivity_share: Share = 0.25
    inverse: Weight = 0.0
    shell: Weight = 0.0
    shell_contraction: Annotated[float, Field(gt=0, lt=1)] = 0.95
    ramp: Share = 0.2
    gradient_cap: Weight = 0.1

    @property
    def matches_sensitivities(self) -> bool:
        """Whether a term is matched to the solver's sensitivities, which then have to be simulated."""
        return bool(self.twins or self.tangents or self.adjoints)

    @property
    def reads_functionals(self) -> bool:
        """Whether a term reads functionals, whose signs a reflection may change."""
        return bool(self.heads_encoded or self.heads_rolled or self.budget)


class LossSettings(Section):
    """Weights of the objective; see ``sciwm.loss.objective``.

    ``encoder_learns_from`` is what shapes the latent: its own prediction, or the reconstruction of the
    fields, as in an autoencoder.
    """

    encoder_learns_from: Literal["prediction", "reconstruction"] = "prediction"
    one_step: Weight = 1.0
    rollout: Weight = 0.5
    horizon: Many = 8
    curriculum: Share = 0.5
    relative_floor: Positive = 0.05
    energy_exponent: Share = 0.5
    collapse: CollapseSettings = CollapseSettings()
    physics: PhysicsSettings = PhysicsSettings()
