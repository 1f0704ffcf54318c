"""The arms of the ablation, and what was claimed of them before they were measured.

Every arm is the system's experiment with a few settings changed, trained on the same data with the same
number of updates; those that match sensitivities also have the answers of the solver to other actions, some of
them from the whole box: half as many intervals more, so that one arm has as many more of plain data. Weights are
the same for all systems. As the encoder comes it is linear, and its latent holds what it holds whatever the loss:
terms that are to put more into it, or to keep it from collapsing, have the nonlinear one.
"""

from dataclasses import dataclass

from sciwm.benchmarks.physics.claims import Claim

PREDICTION_ALONE = (
    "loss.physics.heads_encoded=0",
    "loss.physics.heads_rolled=0",
    "loss.physics.budget=0",
)
HEADS = ("loss.physics.heads_encoded=0.3", "loss.physics.heads_rolled=0.3")
BUDGET = ("loss.physics.budget=0.1",)
STRONG_BUDGET = ("loss.physics.budget=10", "loss.physics.gradient_cap=0.5")
"""A hundred times the weight, under a looser bound for all of physics."""

LEDGER = ("model.ledger=true", "loss.physics.ledger_tie=0.1")
TWINS, TANGENTS, ADJOINTS = "loss.physics.twins=1", "loss.physics.tangents=1", "loss.physics.adjoints=0.1"
INVERSE, SHELL = "loss.physics.inverse=0.1", "loss.physics.shell=0.01"
DENSE = ("model.predictor.equivariant=false", "training.learning_rate=5e-3", "training.encoder_rate=0.01")
"""At rates of its own, found on a seed that is not scored: at those of the others its latent collapses."""

FIXED, NONLINEAR = "model.encoder.layers=0", "model.encoder.layers=2"
WITHIN = "loss.collapse.within_wavenumbers=true"
SHORT_MEMORY = ("loss.collapse.momentum=0.9", "loss.collapse.final_momentum=0.99")
"""A training of a thousand updates would be over before a slower average has followed."""


@dataclass(frozen=True)
class Arm:
    """One way to train.

    Args:
        hypothesis: what it is there to show.
        overrides: of the system's experiment.
        part: of the table, by which it can be asked for.
        share: of the training simulations.
        version: another one where a term asks for something else than when it was trained before.
    """

    hypothesis: str
    overrides: tuple[str, ...]
    part: str
    share: float = 1.0
    version: int = 1


def _anti_collapse(kind: str, weight: float, *more: str) -> tuple[str, ...]:
    return (*PREDICTION_ALONE, NONLINEAR, f"loss.collapse.kind={kind}", f"loss.collapse.weight={weight}", *more)


def _scarce(which: str, share: float, *overrides: str) -> Arm:
    hypothesis = f"translation {which} with {share:g} of the trajectories"
    return Arm(hypothesis, (*PREDICTION_ALONE, *overrides), "equivariance", share)


BASE, BENT, OURS = "base", "nonlinear_encoder", "heads"

ARMS: dict[str, Arm] = {
    "base": Arm("prediction and anti-collapse alone", PREDICTION_ALONE, "physics"),
    "free_means": Arm("means learned as all else, though forcing alone changes them",
                      (*PREDICTION_ALONE, "model.conserved=[]"), "physics"),
    "fixed_encoder": Arm("the fields' own waves for a latent", (*PREDICTION_ALONE, FIXED), "physics"),
    "no_slaved_modes": Arm("a step that closes over what the latent holds",
                           (*PREDICTION_ALONE, "model.predictor.slaved_modes=0"), "physics"),
    "nonlinear_encoder": Arm("an encoder that can bend what is quadratic in the fields",
                             (*PREDICTION_ALONE, NONLINEAR), "physics"),
    "nonlinear_heads": Arm("functionals that must be read from latents make these hold more of the flow",
                           (*PREDICTION_ALONE, NONLINEAR, *HEADS), "physics"),
    "nonlinear_budget": Arm("budgets keep a bent latent honest",
                            (*PREDICTION_ALONE, NONLINEAR, *HEADS, *BUDGET), "physics"),
    "nonlinear_strong_budget": Arm("budgets that are heard, where there is something to cut",
                                   (*PREDICTION_ALONE, NONLINEAR, *HEADS, *STRONG_BUDGET), "physics"),
    "heads": Arm("functionals that must be read from rolled latents keep these right",
                 (*PREDICTION_ALONE, *HEADS), "physics"),
    "heads_to_half": Arm("heads that may weigh up to half of prediction",
                         (*PREDICTION_ALONE, *HEADS, "loss.physics.gradient_cap=0.5"), "physics"),
    "budget": Arm("heads and budgets under any action keep imagined energy honest",
                  (*PREDICTION_ALONE, *HEADS, *BUDGET), "physics"),
    "strong_budget": Arm("budgets that are heard", (*PREDICTION_ALONE, *HEADS, *STRONG_BUDGET), "physics"),
    "ledger": Arm("functionals carried by their budgets are more right than read ones",
                  (*PREDICTION_ALONE, *HEADS, *LEDGER), "physics"),
    "twins": Arm("differences between twins teach what actions do", (*PREDICTION_ALONE, TWINS), "physics"),
    "tangents": Arm("the solver's tangents teach it better", (*PREDICTION_ALONE, TANGENTS), "physics"),
    "adjoints": Arm("the solver's gradients teach what a planner follows", (*PREDICTION_ALONE, ADJOINTS), "physics"),
    "more_data": Arm("half as many simulations more, about what arms that match sensitivities see",
                     PREDICTION_ALONE, "physics", 1.5),
    "nonlinear_inverse": Arm("reading the action from two latents keeps its effect in them",
                             (*PREDICTION_ALONE, NONLINEAR, INVERSE), "physics"),
    "shell": Arm("contraction outside the data keeps long runs on the attractor",
                 (*PREDICTION_ALONE, SHELL), "physics", version=2),
    "all": Arm("all that a linear latent can use; soft budgets, as a ledger doubles the cost of tangents",
               (*PREDICTION_ALONE, *HEADS, *BUDGET, TWINS, TANGENTS, ADJOINTS), "physics"),
    "off": Arm("dense layers in place of filters and local products", (*PREDICTION_ALONE, *DENSE), "equivariance"),
    "off_shifts": Arm("shifted data teach translation", (*PREDICTION_ALONE, *DENSE, "training.augmentation=[shifts]"),
                      "equivariance"),
    "on_half": _scarce("built in", 0.5),
    "off_half": _scarce("unknown", 0.5, *DENSE),
    "on_quarter": _scarce("built in", 0.25),
    "off_quarter": _scarce("unknown", 0.25, *DENSE),
    "off_budget": Arm("budgets without translation", (*PREDICTION_ALONE, *DENSE, *HEADS, *BUDGET), "factorial"),
    "off_tangents": Arm("tangents without translation", (*PREDICTION_ALONE, *DENSE, TANGENTS), "factorial"),
    "budget_tangents": Arm("budgets and tangents", (*PREDICTION_ALONE, *HEADS, *BUDGET, TANGENTS), "factorial"),
    "off_budget_tangents": Arm("both without translation",
                               (*PREDICTION_ALONE, *DENSE, *HEADS, *BUDGET, TANGENTS), "factorial"),
    "vicreg_within": Arm("variances within wavenumbers are enough", _anti_collapse("vicreg", 1, WITHIN), "collapse"),
    "sigreg": Arm("Gaussian latents", _anti_collapse("sigreg", 10), "collapse"),
    "sigreg_within": Arm("Gaussian within wavenumbers", _anti_collapse("sigreg", 10, WITHIN), "collapse"),
    "visreg": Arm("scale and shape apart", _anti_collapse("visreg", 1), "collapse"),
    "ema_target": Arm("a moving-average target needs no penalty", _anti_collapse("ema_target", 1, *SHORT_MEMORY),
                      "collapse"),
    "none": Arm("nothing against collapse", _anti_collapse("none", 0), "collapse"),
    "weight_0.3": Arm("anti-collapse at 0.3 of its weight", _anti_collapse("vicreg", 0.3), "stability"),
    "weight_3": Arm("anti-collapse at 3 times its weight", _anti_collapse("vicreg", 3), "stability"),
}  # fmt: skip

SENSITIVE = ("twins", "tangents", "adjoints")
FAMILY = ("vicreg_within", "sigreg", "sigreg_within", "visreg", "ema_target")
NOT_WORSE = 0.95
"""Share of the other's valid time that counts as the same."""

CLAIMS: tuple[Claim, ...] = (
    Claim(BASE, "energy_drift", "cut", 0.1, "free_means"),
    Claim(BASE, "valid_time", "ratio", NOT_WORSE, "free_means"),
    Claim(BASE, "valid_time", "ratio", 1.0, "fixed_encoder"),
    Claim(BASE, "effect_rough", "cut", 0.1, "fixed_encoder"),
    Claim(BASE, "valid_time", "ratio", 1.1, "no_slaved_modes"),
    Claim(BASE, "effect_rough", "cut", 0.5, "no_slaved_modes"),
    Claim(BASE, "energy_change_error", "cut", 0.3, "no_slaved_modes"),
    Claim(BENT, "valid_time", "ratio", 1.0, BASE),
    Claim(BENT, "energy_change_error", "cut", 0.0, BASE),
    Claim("nonlinear_heads", "probe_ridge", "lift", 0.1, BENT),
    Claim("nonlinear_heads", "probe_network", "lift", 0.1, BENT),
    Claim("nonlinear_heads", "energy_change_error", "cut", 0.5, BENT),
    Claim("nonlinear_heads", "budget_residual", "cut", 0.5, BENT),
    *(
        Claim(arm, measure, "cut", least, other)
        for arm in ("nonlinear_budget", "nonlinear_strong_budget")
        for other in (BENT, "nonlinear_heads")
        for measure, least in (("budget_residual", 0.5), ("energy_change_error", 0.5), ("energy_drift", 0.3))
    ),
    Claim("heads", "energy_change_error", "cut", 0.5, BASE),
    Claim("heads", "energy_drift", "cut", 0.3, BASE),
    Claim("heads", "effect_rough", "cut", 0.1, BASE),
    Claim("heads_to_half", "energy_change_error", "cut", 0.1, "heads"),
    Claim("heads_to_half", "energy_drift", "cut", 0.1, "heads"),
    Claim("heads_to_half", "valid_time", "ratio", NOT_WORSE, "heads"),
    *(
        claim
        for arm in ("budget", "strong_budget")
        for claim in (
            Claim(arm, "energy_change_error", "cut", 0.5, "heads"),
            Claim(arm, "energy_drift", "cut", 0.3, "heads"),
            Claim(arm, "valid_time", "ratio", NOT_WORSE, "heads"),
        )
    ),
    Claim("budget", "budget_residual", "cut", 0.5, BASE),
    Claim("budget", "energy_change_error", "cut", 0.5, BASE),
    Claim("budget", "energy_drift", "cut", 0.3, BASE),
    Claim("ledger", "energy_read_error", "cut", 0.5, BASE),
    Claim("ledger", "energy_drift", "cut", 0.3, BASE),
    *(Claim(arm, "gradient_half", "above", 0.9) for arm in (BASE, *SENSITIVE)),
    *(Claim(arm, "gradient_one", "lift", 0.01, "more_data") for arm in SENSITIVE),
    *(Claim(arm, "effect_rough", "cut", 0.1, "more_data") for arm in SENSITIVE),
    *(Claim(arm, "regret", "cut", 0.2, other) for arm in SENSITIVE for other in (BASE, "more_data")),
    Claim("nonlinear_inverse", "effect_rough", "cut", 0.1, BENT),
    Claim("budget", "climate_distance", "cut", 0.1, BASE),
    Claim("shell", "energy_drift", "cut", 0.3, BASE),
    Claim("shell", "climate_distance", "cut", 0.1, BASE),
    Claim("all", "energy_change_error", "cut", 0.5, BASE),
    Claim("all", "regret", "cut", 0.2, BASE),
    Claim("all", "valid_time", "ratio", NOT_WORSE, BASE),
    Claim(BASE, "equivariance_error", "below", 1e-4),
    Claim("on_half", "valid_time", "ratio", NOT_WORSE, "off"),
    Claim("on_quarter", "valid_time", "ratio", NOT_WORSE, "off_half"),
    Claim(BASE, "valid_time", "ratio", 1.1, "off_shifts"),
    *(Claim(arm, "valid_time", "ratio", NOT_WORSE, BENT) for arm in FAMILY),
    Claim(BENT, "valid_time", "ratio", 1.1, "none"),
    *(
        Claim(f"weight_{weight}", measure, "within", 0.1, BENT)
        for weight in ("0.3", "3")
        for measure in ("saving", "valid_time", "effect_rough")
    ),
)

PROBED = {name for claim in CLAIMS if claim.measure.startswith("probe") for name in (claim.arm, claim.against)}
"""Arms of whose latents something is claimed that probes tell."""
