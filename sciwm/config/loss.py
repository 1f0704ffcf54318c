"""The section ``loss``: the weights of the objective."""

from typing import Annotated, Literal

from pydantic import Field

from sciwm.config.kinds import Count, Many, Positive, Section, Share, Weight


class CollapseSettings(Section):
    """The anti-collapse term, which keeps the encoder from mapping all fields to one latent.

    With a single layer of the encoder the choice matters little. It matters where the encoder is nonlinear
    (``model.encoder.layers`` of 2 or more).

    Keys:
        kind: ``vicreg`` keeps the deviation of every coordinate above a bound and decorrelates coordinates; it uses
            second moments alone and suits modes that are not Gaussian. ``sigreg`` and ``visreg`` compare the latents
            with a Gaussian along random directions. ``ema_target`` predicts the latents of a moving average of
            the encoder and completes masked fields. ``none`` leaves the term out.
        weight: The weight of the term: about 1 for ``vicreg``, ``visreg`` and ``ema_target``, 10 for ``sigreg``.
        within_wavenumbers: Whether coordinates of a spectral latent are compared within their wavenumber only.
            In translation-invariant flows those of different wavenumbers are uncorrelated anyway.
        deviation: For ``vicreg``: the standard deviation below which a coordinate is pushed apart, in units of the
            latent's fixed scales. 0.5 leaves a good encoder alone.
        covariance: For ``vicreg``: the weight of the covariance relative to that of the variance. 0.05 is a good value.
        directions: For ``sigreg`` and ``visreg``: the number of random directions. 256 to 1024 are usual.
        momentum: For ``ema_target``: what the moving average keeps of itself in an update at the beginning; it forgets
            over ``1 / (1 - momentum)`` updates. 0.99 is a good value.
        final_momentum: For ``ema_target``: the same at the end; the change is linear. With 1 the average would no
            longer move in any training that follows.
        mask_fraction: For ``ema_target``: the fraction of a field hidden from the encoder, on average. 0.3 is a
            good value; 0 leaves completion out.
        mask_boxes: For ``ema_target``: the number of boxes that hide it. 4 are a good value.
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
    """The weights of the physical terms; see ``sciwm.loss.terms``. A weight of 0 leaves a term out.

    Every term but ``shell`` and ``ledger_tie`` is about one for a trivial model. With the default linear encoder
    only the heads have paid, behind shocks; the others are for nonlinear encoders, and for experiments.

    Keys:
        heads_encoded: The weight of functionals, sources and outputs read from encoded latents. 0.3 is a good value.
        heads_rolled: The same, read from imagined latents. 0.3 is a good value.
        budget: The weight of the budgets dQ/dt = source + sum_j a_j output_j over one interval of imagined rollouts.
            Try 0.1. It must be 0 with ``model.ledger``, which makes budgets hold exactly.
        counterfactual_share: The fraction of these intervals whose action is drawn from the whole box of actions
            instead of the data. 0.5 is a good value.
        ledger_tie: The weight of the difference between the ledger and the functionals read from the latent; without
            ``model.ledger`` it has no effect. 0.1 is a good value.
        twins: The weight of twins: the difference between two simulations under different actions. Try 1.
        tangents: The weight of tangents: the derivative of a rollout along a direction of actions. Try 1.
        adjoints: The weight of adjoint gradients: those of the control cost with respect to all actions. Try 0.1, for
            fine-tuning. Twins, tangents and adjoints need ``data.sensitivities``.
        adjoints_from: The fraction of the training after which adjoints begin. They are costly, and mean little before
            the model forecasts well: 0.75 is a good value.
        sensitivity_share: The number of samples of sensitivities in an update, as a fraction of
            ``training.batch_size``. A quarter is enough.
        inverse: The weight of inverse dynamics: the forcing is read from two consecutive latents. Try 0.1 where there
            is no solver to compute sensitivities with.
        shell: The weight of contraction far outside the data, under any action. Try 0.01 for chaotic flows whose long
            imagined runs blow up.
        shell_contraction: The factor by which one interval should reduce the norm of the latent there. 0.95 asks for a
            slow decay; take less for strongly dissipative flows.
        ramp: The fraction of the training over which the weights of ``budget``, ``ledger_tie``, ``shell``,
            ``twins`` and ``tangents`` grow from 0. These need a model that forecasts already: 0.2 is a good
            value.
        gradient_cap: The largest norm of the gradient of all physical terms but the sensitivities, relative to that of
            everything else, in the encoder and in the predictor. 0.1 keeps the model predictive; 0 sets no bound.
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
        """Whether a term is matched to the solver's sensitivities, which ``data.sensitivities`` must then provide."""
        return bool(self.twins or self.tangents or self.adjoints)

    @property
    def reads_functionals(self) -> bool:
        """Whether a term reads functionals; a reflection may change the sign of these."""
        return bool(self.heads_encoded or self.heads_rolled or self.budget)


class LossSettings(Section):
    """The weights of the objective; see ``sciwm.loss.objective``.

    Keys:
        encoder_learns_from: What shapes the latent: its own ``prediction``, or the ``reconstruction`` of the
            fields, as in an autoencoder.
        one_step: The weight of the error of the first imagined step. 1 is the reference of all other weights.
        rollout: The weight of the mean error of all further steps. 0.5 is a good value; 0 trains on single steps.
        horizon: The number of steps of the imagined rollouts. 6 to 8 are good values; longer ones cost time and may
            explode early in the training.
        short_rollouts: The fraction of the training, at its beginning, in which rollouts have 2 steps. Networks learn
            most from short rollouts, which cost a third of long ones: it is 0.7 by default where data come from files.
        curriculum: The fraction of the rest of the training over which the rollouts grow to ``horizon``. 0.5 is a good
            value; more helps where long rollouts explode early.
        relative_floor: The mean square of a latent, in units of its variance, below which errors no longer count
            relative to the state. 0.05 keeps quiet states important; lower it where control goes very close to rest.
        energy_exponent: How distances between latents weigh coordinates: 1 weighs them by their energy, as distances
            between fields do, 0 weighs all alike. 0.5 is a good compromise.
        collapse: The anti-collapse term.
        physics: The physical terms.
    """

    encoder_learns_from: Literal["prediction", "reconstruction"] = "prediction"
    one_step: Weight = 1.0
    rollout: Weight = 0.5
    horizon: Many = 8
    short_rollouts: Share = 0.0
    curriculum: Share = 0.5
    relative_floor: Positive = 0.05
    energy_exponent: Share = 0.5
    collapse: CollapseSettings = CollapseSettings()
    physics: PhysicsSettings = PhysicsSettings()
