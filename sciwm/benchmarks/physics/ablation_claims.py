"""What was claimed of the variants of the ablation before they were measured."""

from sciwm.benchmarks.physics.claims import Claim
from sciwm.benchmarks.physics.variants import BASE, NONLINEAR_ENCODER

SENSITIVITIES = ("twins", "tangents", "adjoints")
"""Variants that match sensitivities."""

ANTI_COLLAPSE = ("vicreg_within", "sigreg", "sigreg_within", "visreg", "ema_target")
"""Variants that keep the latent from collapsing in another way."""

NOT_WORSE = 0.95
"""Ratio of valid prediction times above which a forecast counts as no shorter."""

CLAIMS: tuple[Claim, ...] = (
    Claim(BASE, "energy_drift", "decrease", 0.1, "free_means"),
    Claim(BASE, "valid_time", "ratio", NOT_WORSE, "free_means"),
    Claim(BASE, "valid_time", "ratio", 1.0, "fixed_encoder"),
    Claim(BASE, "effect_rough", "decrease", 0.1, "fixed_encoder"),
    Claim(BASE, "valid_time", "ratio", 1.1, "no_slaved_modes"),
    Claim(BASE, "effect_rough", "decrease", 0.5, "no_slaved_modes"),
    Claim(BASE, "energy_change_error", "decrease", 0.3, "no_slaved_modes"),
    Claim(NONLINEAR_ENCODER, "valid_time", "ratio", 1.0, BASE),
    Claim(NONLINEAR_ENCODER, "energy_change_error", "decrease", 0.0, BASE),
    Claim("nonlinear_heads", "probe_ridge", "difference", 0.1, NONLINEAR_ENCODER),
    Claim("nonlinear_heads", "probe_network", "difference", 0.1, NONLINEAR_ENCODER),
    Claim("nonlinear_heads", "energy_change_error", "decrease", 0.5, NONLINEAR_ENCODER),
    Claim("nonlinear_heads", "budget_residual", "decrease", 0.5, NONLINEAR_ENCODER),
    *(
        Claim(variant, measure, "decrease", least, other)
        for variant in ("nonlinear_budget", "nonlinear_strong_budget")
        for other in (NONLINEAR_ENCODER, "nonlinear_heads")
        for measure, least in (("budget_residual", 0.5), ("energy_change_error", 0.5), ("energy_drift", 0.3))
    ),
    Claim("heads", "energy_change_error", "decrease", 0.5, BASE),
    Claim("heads", "energy_drift", "decrease", 0.3, BASE),
    Claim("heads", "effect_rough", "decrease", 0.1, BASE),
    Claim("heads_to_half", "energy_change_error", "decrease", 0.1, "heads"),
    Claim("heads_to_half", "energy_drift", "decrease", 0.1, "heads"),
    Claim("heads_to_half", "valid_time", "ratio", NOT_WORSE, "heads"),
    *(
        claim
        for variant in ("budget", "strong_budget")
        for claim in (
            Claim(variant, "energy_change_error", "decrease", 0.5, "heads"),
            Claim(variant, "energy_drift", "decrease", 0.3, "heads"),
            Claim(variant, "valid_time", "ratio", NOT_WORSE, "heads"),
        )
    ),
    Claim("budget", "budget_residual", "decrease", 0.5, BASE),
    Claim("budget", "energy_change_error", "decrease", 0.5, BASE),
    Claim("budget", "energy_drift", "decrease", 0.3, BASE),
    Claim("ledger", "energy_read_error", "decrease", 0.5, BASE),
    Claim("ledger", "energy_drift", "decrease", 0.3, BASE),
    *(Claim(variant, "gradient_half", "above", 0.9) for variant in (BASE, *SENSITIVITIES)),
    *(Claim(variant, "gradient_one", "difference", 0.01, "more_data") for variant in SENSITIVITIES),
    *(Claim(variant, "effect_rough", "decrease", 0.1, "more_data") for variant in SENSITIVITIES),
    *(Claim(variant, "regret", "decrease", 0.2, other) for variant in SENSITIVITIES for other in (BASE, "more_data")),
    Claim("nonlinear_inverse", "effect_rough", "decrease", 0.1, NONLINEAR_ENCODER),
    Claim("budget", "climate_distance", "decrease", 0.1, BASE),
    Claim("shell", "energy_drift", "decrease", 0.3, BASE),
    Claim("shell", "climate_distance", "decrease", 0.1, BASE),
    Claim("all", "energy_change_error", "decrease", 0.5, BASE),
    Claim("all", "regret", "decrease", 0.2, BASE),
    Claim("all", "valid_time", "ratio", NOT_WORSE, BASE),
    Claim(BASE, "equivariance_error", "below", 1e-4),
    Claim("on_half", "valid_time", "ratio", NOT_WORSE, "off"),
    Claim("on_quarter", "valid_time", "ratio", NOT_WORSE, "off_half"),
    Claim(BASE, "valid_time", "ratio", 1.1, "off_shifts"),
    *(Claim(variant, "valid_time", "ratio", NOT_WORSE, NONLINEAR_ENCODER) for variant in ANTI_COLLAPSE),
    Claim(NONLINEAR_ENCODER, "valid_time", "ratio", 1.1, "none"),
    *(
        Claim(f"weight_{weight}", measure, "within", 0.1, NONLINEAR_ENCODER)
        for weight in ("0.3", "3")
        for measure in ("saving", "valid_time", "effect_rough")
    ),
)

PROBED = {name for claim in CLAIMS if claim.measure.startswith("probe") for name in (claim.variant, claim.against)}
"""Variants whose latents are probed, since something is claimed of what can be read from them."""
