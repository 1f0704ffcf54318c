"""Fits probes to encoded latents, and applies them to encoded and to rolled-out latents of other simulations."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from sciwm.data import Trajectories
from sciwm.dynamics import Dynamics
from sciwm.errors import Problem, raise_if
from sciwm.evaluation.probing.probes import network_probe, ridge_probe
from sciwm.evaluation.probing.references import PrincipalComponents, lookup
from sciwm.evaluation.probing.samples import Samples, encode, flat, read_samples, roll, targets_at
from sciwm.evaluation.statistics import r_squared

Array = NDArray[Any]

BASELINES = ("pca", "persistence", "lookup")
PROBES = {"ridge": ridge_probe, "network": network_probe}


@torch.no_grad()
def probe(
    representations: Mapping[str, Dynamics],
    data: Trajectories,
    *,
    horizons: Sequence[int],
    variables: Sequence[str] | None = None,
    parameters: Mapping[str, ArrayLike] | None = None,
    probes: Sequence[str] = tuple(PROBES),
    instants: int = 32,
    phase_modes: int = 3,
    test_share: float = 0.3,
    seed: int = 0,
) -> xr.Dataset:
    """Measure how well functionals, phases and parameters can be read from latents.

        R2        = 1 - sum (y^ - y)^2 / sum (y - mean of all)^2
        within R2 = the same with the mean of each trajectory removed from y^ and from y

    A probe is fitted to encoded latents of one part of the simulations and tested on the others, at ``instants``
    starts of each: on their encoded latents, and on the latents that :meth:`Dynamics.advance` makes of them after each
    horizon under the recorded actions. A latent that only tells simulations apart has an R2, but no within R2.

    Three baselines are treated in the same way: ``pca``, as many principal components of the fields as the first
    representation has numbers, constant in time; ``persistence``, the latent of the start; ``lookup``, the mean over
    other simulations at the same time.

    Args:
        representations: By name, the one of interest first; an untrained encoder is a good second one, to compare with.
        data: Simulations on a periodic grid that no representation was trained on; four or more.
        horizons: Numbers of control intervals; zero is added.
        variables: Order of the channels of the representations, by default that of ``data``.
        parameters: Parameters that differ between simulations, by name, one number for each simulation of the store.
        probes: Among ``ridge`` and ``network``.
        instants: Number of evenly spaced starts in each simulation.
        phase_modes: Number of longest waves whose phases are targets.
        test_share: Share of the simulations that probes are tested on.
        seed: Seed of the split and of the networks.

    Returns:
        ``r2``, ``within_r2`` and their 95 % bootstrap intervals over the test simulations (``..._low``,
        ``..._high``), over ``representation``, ``probe``, ``target`` and ``horizon``, NaN for a target
        that does not vary and where a latent is not finite; ``kind`` of each target (see
        :class:`~sciwm.evaluation.probing.targets.Target`), ``latent_size`` of each representation.

    Raises:
        InputError: With everything that does not fit together.
    """
    names = [v.name for v in data.variables] if variables is None else list(variables)
    given = {n: np.asarray(v, dtype=float) for n, v in (parameters or {}).items()}
    raise_if(_problems(representations, data, horizons, names, given, probes))
    leads = [0, *sorted(set(horizons))]
    samples = read_samples(data, names, leads, instants, phase_modes, given)
    fitted, tested, held_out = _split(len(data.usable), samples.starts.size, test_share, seed)
    taught = targets_at(samples, fitted, 0)

    first, shape = next(iter(representations)), (len(tested), samples.starts.size, -1)
    size = flat(representations[first].encode(samples.fields[fitted[0]])).shape[1]
    components = PrincipalComponents.of(samples.fields[fitted].flatten(0, 1), size, data)
    estimates: dict[str, list[list[Array]]] = {}
    sizes = {"persistence": size, "lookup": 0}
    for name, dynamics in {**representations, "pca": components}.items():
        features, rolled = flat(encode(dynamics, samples.fields[fitted])), roll(dynamics, samples, tested, leads)
        sizes[name] = features.shape[1]
        readers = [PROBES[p](features, taught.reshape(len(features), -1), held_out) for p in probes]
        with np.errstate(invalid="ignore", over="ignore"):  # rolled-out latents may not be finite
            estimates[name] = [[read(flat(z)).reshape(shape) for z in rolled] for read in readers]
        if name == first:
            estimates["persistence"] = [[e[0]] * len(leads) for e in estimates[name]]
    known, new = [data.usable[i] for i in fitted], [data.usable[i] for i in tested]
    near = {n: (v[known], v[new]) for n, v in given.items()}
    looked_up = [lookup(targets_at(samples, fitted, i), near, len(tested)) for i in range(len(leads))]
    estimates["lookup"] = [looked_up] * len(probes)
    order = [*representations, *BASELINES]
    truth = [targets_at(samples, tested, lead) for lead in range(len(leads))]
    scores = _scores([estimates[r] for r in order], truth, samples, seed)
    coordinates = {
        "representation": order,
        "probe": list(probes),
        "target": [t.name for t in samples.targets],
        "kind": ("target", [t.kind for t in samples.targets]),
        "horizon": ("horizon", leads, {"units": "1", "long_name": "control intervals rolled out"}),
        "lead_time": ("horizon", np.array(leads) * data.control_interval, {"units": "1", "long_name": "lead time"}),
        "latent_size": ("representation", [sizes[r] for r in order]),
    }
    attributes = {"training_simulations": len(fitted), "test_simulations": len(tested), "instants": samples.starts.size}
    return xr.Dataset(scores, coordinates, attributes)


def _split(count: int, instants: int, share: float, seed: int) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Simulations to fit to, simulations to test on, and the samples of the former that choose the penalty."""
    order = np.random.default_rng(seed).permutation(count)
    testing = min(max(2, round(share * count)), count - 2)
    fitted = order[testing:]
    held_out = np.arange(len(fitted)) < max(1, len(fitted) // 4)
    return fitted, order[:testing], np.repeat(held_out, instants)


def _scores(
    estimates: Sequence[Sequence[Sequence[Array]]], truth: Sequence[Array], samples: Samples, seed: int
) -> dict[str, tuple[tuple[str, ...], Array, dict[str, str]]]:
    ends = np.cumsum([t.values.shape[2] for t in samples.targets])
    columns = [slice(end - t.values.shape[2], end) for t, end in zip(samples.targets, ends, strict=True)]
    values = np.array(
        [
            [
                [
                    [r_squared(y[..., c], e[..., c], seed=seed) for e, y in zip(by_lead, truth, strict=True)]
                    for c in columns
                ]
            ]
            for by_probe in estimates
            for by_lead in by_probe
        ]
    ).reshape(len(estimates), len(estimates[0]), len(columns), len(truth), 2, 3)
    dims = ("representation", "probe", "target", "horizon")
    meanings = ("R2", "R2 within trajectories")
    ends_of = {"": "", "_low": ", lower end of the 95 % interval", "_high": ", upper end of the 95 % interval"}
    return {
        f"{name}{suffix}": (dims, values[..., i, j], {"units": "1", "long_name": meanings[i] + text})
        for i, name in enumerate(("r2", "within_r2"))
        for j, (suffix, text) in enumerate(ends_of.items())
    }


def _problems(
    representations: Mapping[str, Dynamics],
    data: Trajectories,
    horizons: Sequence[int],
    names: Sequence[str],
    given: Mapping[str, Array],
    probes: Sequence[str],
) -> list[Problem]:
    problems = []
    known, stored = sorted(v.name for v in data.variables), max(data.usable) + 1
    if not representations or set(representations) & set(BASELINES):
        got = ", ".join(representations) or "none"
        problems.append(Problem("representations", f"names other than {', '.join(BASELINES)}", got))
    if len(horizons) and not 1 <= min(horizons) <= max(horizons) < data.intervals:
        problems.append(Problem("horizons", f"numbers from 1 to {data.intervals - 1}", str(list(horizons))))
    if sorted(names) != known:
        problems.append(Problem("variables", f"an order of {', '.join(known)}", ", ".join(names)))
    if len(data.usable) < 4:
        got, remedy = str(len(data.usable)), "simulate more: probes are fitted, chosen and tested on different ones"
        problems.append(Problem(str(data.path), "at least 4 usable simulations", got, remedy))
    problems += [
        Problem(f"parameters: {n}", "one number for each simulation of the store", f"shape {v.shape}")
        for n, v in given.items()
        if v.ndim != 1 or len(v) < stored
    ]
    if not probes or set(probes) - set(PROBES):
        problems.append(Problem("probes", f"some of {', '.join(PROBES)}", ", ".join(probes) or "none"))
    return problems
