"""The variants of the ablation.

Each variant is the experiment of a system with a few settings changed, trained on the same simulations with the same
number of updates, at weights that are the same for all systems. Variants that match sensitivities are also trained on
other actions from the same starts, some of them from the whole box; these take half as many intervals again, which
the variant ``more_data`` has as plain simulations.

The default encoder is linear, so that its latent holds the same whatever the loss: terms that are meant to put more
into the latent, or to keep it from collapsing, are tried with the nonlinear encoder.
"""

from dataclasses import dataclass

PREDICTION_ALONE = (
    "loss.physics.heads_encoded=0",
    "loss.physics.heads_rolled=0",
    "loss.physics.budget=0",
)
HEADS = ("loss.physics.heads_encoded=0.3", "loss.physics.heads_rolled=0.3")
BUDGET = ("loss.physics.budget=0.1",)
STRONG_BUDGET = ("loss.physics.budget=10", "loss.physics.gradient_cap=0.5")
"""A hundred times the weight, and physics terms may have half the gradient of prediction instead of a tenth."""

LEDGER = ("model.ledger=true", "loss.physics.ledger_tie=0.1")
TWINS, TANGENTS, ADJOINTS = "loss.physics.twins=1", "loss.physics.tangents=1", "loss.physics.adjoints=0.1"
INVERSE, SHELL = "loss.physics.inverse=0.1", "loss.physics.shell=0.01"
DENSE = ("model.predictor.equivariant=false", "training.learning_rate=5e-3", "training.encoder_rate=0.01")
"""Dense layers, at learning rates found on a seed that is not scored: at those of the others the latent collapses."""

FIXED, NONLINEAR = "model.encoder.layers=0", "model.encoder.layers=2"
WITHIN = "loss.collapse.within_wavenumbers=true"
SHORT_MEMORY = ("loss.collapse.momentum=0.9", "loss.collapse.final_momentum=0.99")
"""Of the moving-average target: a slower average would lag behind for the whole of a thousand updates."""


@dataclass(frozen=True)
class Variant:
    """One way to train.

    Args:
        hypothesis: what it is expected to show.
        overrides: settings that differ from the experiment of the system.
        part: of the benchmark, by which it can be asked for.
        share: of the training simulations; more than 1 for more of them.
        version: raise it when a loss term of the same settings changes its meaning, so that it is trained anew.
    """

    hypothesis: str
    overrides: tuple[str, ...]
    part: str
    share: float = 1.0
    version: int = 1


def _anti_collapse(kind: str, weight: float, *more: str) -> tuple[str, ...]:
    return (*PREDICTION_ALONE, NONLINEAR, f"loss.collapse.kind={kind}", f"loss.collapse.weight={weight}", *more)


def _scarce(layers: str, share: float, *overrides: str) -> Variant:
    hypothesis = f"{layers}, trained on {share:g} of the simulations"
    return Variant(hypothesis, (*PREDICTION_ALONE, *overrides), "equivariance", share)


BASE, NONLINEAR_ENCODER, DEFAULT = "base", "nonlinear_encoder", "heads"

VARIANTS: dict[str, Variant] = {
    "base": Variant("prediction and anti-collapse alone", PREDICTION_ALONE, "physics"),
    "free_means": Variant(
        "conserved means predicted by the network, although forcing alone changes them",
        (*PREDICTION_ALONE, "model.conserved=[]"),
        "physics",
    ),
    "fixed_encoder": Variant(
        "no learned encoder: the latent is the Fourier coefficients of the fields",
        (*PREDICTION_ALONE, FIXED),
        "physics",
    ),
    "no_slaved_modes": Variant(
        "no slaved modes: the step uses the wavenumbers of the latent alone",
        (*PREDICTION_ALONE, "model.predictor.slaved_modes=0"),
        "physics",
    ),
    "nonlinear_encoder": Variant(
        "a nonlinear encoder can represent what is quadratic in the fields", (*PREDICTION_ALONE, NONLINEAR), "physics"
    ),
    "nonlinear_heads": Variant(
        "heads make a nonlinear encoder keep more of the flow", (*PREDICTION_ALONE, NONLINEAR, *HEADS), "physics"
    ),
    "nonlinear_budget": Variant(
        "budgets make energy consistent under a nonlinear encoder",
        (*PREDICTION_ALONE, NONLINEAR, *HEADS, *BUDGET),
        "physics",
    ),
    "nonlinear_strong_budget": Variant(
        "budgets at a hundred times the weight, under a nonlinear encoder",
        (*PREDICTION_ALONE, NONLINEAR, *HEADS, *STRONG_BUDGET),
        "physics",
    ),
    "heads": Variant(
        "heads on encoded and on rolled-out latents keep functionals right", (*PREDICTION_ALONE, *HEADS), "physics"
    ),
    "heads_to_half": Variant(
        "heads may have up to half the gradient of prediction",
        (*PREDICTION_ALONE, *HEADS, "loss.physics.gradient_cap=0.5"),
        "physics",
    ),
    "budget": Variant(
        "budgets under any action keep the imagined energy right", (*PREDICTION_ALONE, *HEADS, *BUDGET), "physics"
    ),
    "strong_budget": Variant(
        "budgets at a hundred times the weight", (*PREDICTION_ALONE, *HEADS, *STRONG_BUDGET), "physics"
    ),
    "ledger": Variant(
        "functionals integrated by their budgets are more accurate than read ones",
        (*PREDICTION_ALONE, *HEADS, *LEDGER),
        "physics",
    ),
    "twins": Variant("differences between twins teach the effect of actions", (*PREDICTION_ALONE, TWINS), "physics"),
    "tangents": Variant(
        "tangents of the solver teach the effect of actions better", (*PREDICTION_ALONE, TANGENTS), "physics"
    ),
    "adjoints": Variant(
        "adjoint gradients of the solver teach the gradients that a planner follows",
        (*PREDICTION_ALONE, ADJOINTS),
        "physics",
    ),
    "more_data": Variant(
        "half as many simulations again, about as much data as sensitivities are", PREDICTION_ALONE, "physics", 1.5
    ),
    "nonlinear_inverse": Variant(
        "inverse dynamics keep the effect of actions in the latent", (*PREDICTION_ALONE, NONLINEAR, INVERSE), "physics"
    ),
    "shell": Variant(
        "contraction outside the data keeps long runs on the attractor",
        (*PREDICTION_ALONE, SHELL),
        "physics",
        version=2,
    ),
    "all": Variant(
        "all terms that act on a linear latent; budgets in the loss, since a ledger doubles the cost of tangents",
        (*PREDICTION_ALONE, *HEADS, *BUDGET, TWINS, TANGENTS, ADJOINTS),
        "physics",
    ),
    "off": Variant(
        "dense layers in place of equivariant filters and products", (*PREDICTION_ALONE, *DENSE), "equivariance"
    ),
    "off_shifts": Variant(
        "dense layers trained on shifted data learn translation",
        (*PREDICTION_ALONE, *DENSE, "training.augmentation=[shifts]"),
        "equivariance",
    ),
    "on_half": _scarce("equivariant layers", 0.5),
    "off_half": _scarce("dense layers", 0.5, *DENSE),
    "on_quarter": _scarce("equivariant layers", 0.25),
    "off_quarter": _scarce("dense layers", 0.25, *DENSE),
    "off_budget": Variant(
        "dense layers with heads and budgets", (*PREDICTION_ALONE, *DENSE, *HEADS, *BUDGET), "factorial"
    ),
    "off_tangents": Variant("dense layers with tangents", (*PREDICTION_ALONE, *DENSE, TANGENTS), "factorial"),
    "budget_tangents": Variant(
        "heads, budgets and tangents", (*PREDICTION_ALONE, *HEADS, *BUDGET, TANGENTS), "factorial"
    ),
    "off_budget_tangents": Variant(
        "dense layers with heads, budgets and tangents",
        (*PREDICTION_ALONE, *DENSE, *HEADS, *BUDGET, TANGENTS),
        "factorial",
    ),
    "vicreg_within": Variant("VICReg within wavenumbers only", _anti_collapse("vicreg", 1, WITHIN), "collapse"),
    "sigreg": Variant("SIGReg: Gaussian latents", _anti_collapse("sigreg", 10), "collapse"),
    "sigreg_within": Variant("SIGReg within wavenumbers only", _anti_collapse("sigreg", 10, WITHIN), "collapse"),
    "visreg": Variant("VISReg: scale and shape regularised apart", _anti_collapse("visreg", 1), "collapse"),
    "ema_target": Variant(
        "a moving-average target instead of a penalty", _anti_collapse("ema_target", 1, *SHORT_MEMORY), "collapse"
    ),
    "none": Variant("no term against collapse", _anti_collapse("none", 0), "collapse"),
    "weight_0.3": Variant("anti-collapse at 0.3 times its weight", _anti_collapse("vicreg", 0.3), "stability"),
    "weight_3": Variant("anti-collapse at 3 times its weight", _anti_collapse("vicreg", 3), "stability"),
}
