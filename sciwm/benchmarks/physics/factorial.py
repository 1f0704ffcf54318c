"""Three factors in all combinations: the effect of each, and how it depends on the others."""

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from sciwm.benchmarks.physics.claims import Samples
from sciwm.benchmarks.results import Row

FACTORS = ("equivariance", "budget", "tangents")
SYSTEM, SEEDS = "ks22", (0, 1, 2, 3, 4)
COMBINATIONS: Mapping[tuple[bool, ...], str] = {
    (False, False, False): "off",
    (True, False, False): "base",
    (False, True, False): "off_budget",
    (False, False, True): "off_tangents",
    (True, True, False): "budget",
    (True, False, True): "tangents",
    (False, True, True): "off_budget_tangents",
    (True, True, True): "budget_tangents",
}
"""Names of variants, by which of ``FACTORS`` they have."""

MEASURES = ("nrmse_12", "valid_time", "energy_change_error", "energy_drift", "effect_rough", "gradient_one", "regret")


def effects(samples: Samples) -> list[Row]:
    """Main effects and interactions of the factors on every measure.

        effect = mean over combinations with s = 1  -  mean over combinations with s = -1
        s      = product over the factors of the effect: 1 if the combination has it, -1 if not

    The main effect of one factor is the difference that it makes, on average over the others. The interaction of
    two is half of how much the second changes the difference that the first makes.

    Args:
        samples: see ``judge``; of variants that have all seeds.

    Returns:
        rows of the kind ``factorial`` with 95 % intervals of Student's t over seeds; none unless all combinations
        were measured.
    """
    if not set(COMBINATIONS.values()) <= set(samples):
        return []
    return [
        _effect(factors, measure, samples)
        for measure in MEASURES
        for count in range(1, len(FACTORS) + 1)
        for factors in itertools.combinations(FACTORS, count)
    ]


def _effect(factors: Sequence[str], measure: str, samples: Samples) -> Row:
    from scipy.stats import t  # slow to import, and seldom needed

    contrasts = np.zeros(len(samples["base"][measure]))
    for present, variant in COMBINATIONS.items():
        sign = math.prod(1 if there else -1 for name, there in zip(FACTORS, present, strict=True) if name in factors)
        contrasts += sign * np.array([np.mean(group) for group in samples[variant][measure]]) / (len(COMBINATIONS) / 2)
    half = t.ppf(0.975, len(contrasts) - 1) * contrasts.std(ddof=1) / math.sqrt(len(contrasts))
    return {
        "kind": "factorial",
        "system": SYSTEM,
        "factors": " x ".join(factors),
        "measure": measure,
        "without": float(np.mean([np.mean(group) for group in samples[COMBINATIONS[False, False, False]][measure]])),
        "effect": float(contrasts.mean()),
        "interval": [float(contrasts.mean() + sign * half) for sign in (-1, 1)],
        "seeds": len(contrasts),
    }
