"""The members of an ensemble from bootstraps of the training runs, in closed form."""

import numpy as np
import torch
from torch import Tensor

from sciwm.model import WorldModel
from sciwm.model.ensemble import StepEnsemble
from sciwm.uncertainty.seen_states import SeenStates
from sciwm.uncertainty.thresholds import effective_numbers

PAIRS = 8
"""The number of bootstraps, each of which gives two members."""
MOST_COMPONENTS, SAMPLES_EACH = 128, 8
"""The most principal components that are regressors, and the fewest intervals for each."""
FEWEST_RUNS = 5
"""The fewest runs that are drawn whole; of fewer there are as many blocks at least."""
MEMORIES = 2.0
"""The least length of a block, in the time over which errors are correlated."""
RIDGE = 1e-6
"""Of the mean square of the features, which are of about unit size."""


@torch.no_grad()
def fit_ensemble(model: WorldModel, seen: SeenStates, seed: int) -> StepEnsemble:
    """Members that differ as models do that were trained on other runs of the same kind.

    The regression of the model's one-step errors on state, inputs and one,

        z+ - step(z, a) ~ x C,

    is fitted to all runs, C_0, and to as many runs drawn with replacement, C_m. A member adds C_m - C_0. Of a linear
    model fitted by least squares this is the bootstrap of the whole model (Efron 1979, doi:10.1214/aos/1176344552); of
    any other one, that of its part that is linear in x. Runs are drawn and not intervals, since those of a run are not
    independent.

    Args:
        model: The trained model.
        seen: Intervals of the training data.
        seed: Of the draws.
    """
    latents = model.latent(seen.states)
    kept = max(1, min(MOST_COMPONENTS, latents.shape[1], len(latents) // SAMPLES_EACH))
    ensemble = StepEnsemble(PAIRS, kept, seen.inputs.shape[1], latents.shape[1]).to(latents.device)
    ensemble.mean.copy_(latents.mean(dim=0))
    ensemble.components.copy_(_principal(latents - latents.mean(dim=0), kept))
    x = ensemble.features(latents, seen.inputs).double()
    errors = seen.innovations.double()
    errors[:, model.conserved] = 0.0  # what is conserved exactly has no other value
    group = drawn_together(seen.runs, errors)
    count = int(group.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=PAIRS)
    whole = _regression(x, errors, torch.ones(len(x), dtype=torch.float64))
    for member, times in enumerate(torch.from_numpy(drawn).double()):
        ensemble.corrections[member] = _regression(x, errors, times[group]) - whole
    return ensemble


def drawn_together(runs: Tensor, errors: Tensor) -> Tensor:
    """The number of what each interval is drawn with: its run, or of few runs its block in time, ``(sample,)``.

    Args:
        runs: The run of each interval, in the order of time.
        errors: One-step errors, ``(sample, latent)``.
    """
    if int(runs.max()) + 1 >= FEWEST_RUNS:
        return runs
    lengths = torch.bincount(runs).tolist()
    sizes = errors.square().mean(dim=1, keepdim=True).sqrt().numpy()
    memory = len(runs) / float(effective_numbers(np.split(sizes, np.cumsum(lengths)[:-1]))[0])
    length = max(MEMORIES * memory, len(runs) ** (1 / 3))  # the optimum grows with the third root
    blocks, first = [], 0
    for intervals in lengths:
        count = max(1, -(-FEWEST_RUNS * intervals // len(runs)), round(intervals / length))
        blocks.append(first + torch.arange(intervals) * min(count, intervals) // intervals)
        first = int(blocks[-1][-1]) + 1
    return torch.cat(blocks)


def _principal(centred: Tensor, kept: int) -> Tensor:
    """The projection on the leading principal components, each of unit variance, ``(size, kept)``."""
    exact = centred.double()
    variances, axes = torch.linalg.eigh(exact.T @ exact / len(exact))
    variances, axes = variances.flip(0)[:kept], axes.flip(1)[:, :kept]
    smallest = 1e-10 * variances.max().clamp(min=torch.finfo(torch.float32).tiny)
    return (axes / variances.clamp(min=float(smallest)).sqrt()) * (variances > smallest)


def _regression(x: Tensor, values: Tensor, weights: Tensor) -> Tensor:
    weighted = x * weights[:, None] / weights.sum()
    moments = weighted.T @ x
    return torch.linalg.solve(moments + RIDGE * torch.eye(len(moments)).to(moments), weighted.T @ values)
