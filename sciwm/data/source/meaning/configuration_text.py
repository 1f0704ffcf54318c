"""A configuration to start from, written from what was found in somebody's files: every role with its reason."""

import math
import re
from collections.abc import Iterator, Sequence

import numpy as np
import yaml
from numpy.typing import NDArray

from sciwm.data.source.meaning.counted_modes import count_modes
from sciwm.data.source.meaning.survey import Survey, sizes_in_words
from sciwm.data.units import units_of
from sciwm.errors import shown

LATENT_SIZE, MOST_HORIZON, UPDATES, STEPS = 32, 8, 1000, 40
"""Good first values where the data are large enough."""
MOST_READ, MOST_INSTANTS = 2**22, 512
"""The most values of a variable, and instants, that are read to see how many modes there are."""
VALIDATION, TEST, FEWEST_RUNS = 0.15, 0.25, 4
"""Shares of the data, and the fewest runs of which some can be held out whole."""
FROM_DATA = "the range of the data"

ROLE_WORDS = {
    "variables": "the state, which the model learns to forecast",
    "forcings": "what drives it, known ahead of a forecast; a value is held until the next one",
    "parameters": "constant in a run, other from run to run",
    "static": "fields over space alone, kept with the data",
    "mask": "where fields exist (not 0); missing values at the same points always are found without it",
    "ignored": "left out on purpose; a variable that is named nowhere is refused",
}


def configuration_text(found: Survey, name: str, files: Sequence[str], group: str | None) -> str:
    """The YAML text of a configuration for these data.

    Args:
        found: What was found out about them.
        name: The title, of which what no title may hold is replaced.
        files: The files as the configuration shall name them.
        group: The group in them.

    Returns:
        The text; ``periodic: null`` where it must be stated, which loading refuses until it is.
    """
    dims = found.dims
    lines = [
        f"# {found.dataset.attrs.get('title', name)}: {sizes_in_words(found)}",
        "# Written by 'sciwm inspect': look at every role, then 'sciwm run THIS_FILE --out RUN'.",
        f"name: {re.sub(r'[^0-9A-Za-z_.-]+', '_', name).strip('_.-') or 'own_data'}",
        "seed: 0",
        "",
        "source:",
        f"  files: {_flow(list(files))}",
        f"  group: {_flow(group)}",
    ]
    for role, words in ROLE_WORDS.items():
        lines += _role(found, role, words)
    lines += [
        f"  run: {_flow(dims.run)} # {_why(found, dims.run, 'one record: no dimension tells runs apart')}",
        f"  time: {_flow(dims.time)} # {_why(found, dims.time, 'state it: nothing says which dimension is time')}",
        f"  space: {_flow(list(dims.space))} # {'; '.join(dims.reason(d) for d in dims.space) or 'state it'}",
        _periodic(found),
        *_bounds(found),
        f"  interval: null # {_interval(found)}",
        f"  gaps: {_gaps(found)}",
        f"  split: {_split(found)}",
        "",
        *_sizes(found),
    ]
    return "\n".join(shown(line).replace("\n", " ").rstrip() for line in lines) + "\n"


def _flow(value: object) -> str:
    """A value as YAML in one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, allow_unicode=True, sort_keys=False)
    return text.removesuffix("...\n").strip()


def _role(found: Survey, role: str, words: str) -> list[str]:
    proposals = [p for p in found.roles if p.role == role]
    if role == "mask":
        named = proposals[0].name if proposals else None
        return [f"  mask: {_flow(named)} # {words}"]
    if not proposals:
        return [f"  {role}: [] # {words}"]
    lines = [f"  {role}: # {words}"]
    for p in proposals:
        seen = found.facts.get(p.name)
        range_ = f"; {seen.low:g} to {seen.high:g} [{units_of(found.dataset[p.name])}]" if seen else ""
        doubt = "; LOOK AT THIS: see the table of 'sciwm inspect'" if p.doubt else ""
        lines.append(f"    - {_flow(p.name)} # {p.reason}{range_}{doubt}")
    return lines


def _why(found: Survey, dim: str | None, otherwise: str) -> str:
    return found.dims.reason(dim) if dim else otherwise


def _periodic(found: Survey) -> str:
    told = [e.name for e in found.ends if e.periodic]
    unknown = [e.name for e in found.ends if e.periodic is None]
    reasons = "; ".join(f"{e.name} {e.reason}" for e in found.ends)
    if not unknown:
        return f"  periodic: {_flow(told)} # {reasons}"
    choices = f"{_flow(told)} if {' and '.join(unknown)} end, {_flow([*told, *unknown])} if periodic"
    return f"  periodic: null # STATE IT: {choices}; {reasons}"


def _bounds(found: Survey) -> list[str]:
    known = found.bounds
    if not known:
        return ["  bounds: {} # of forcings; there are none"]
    lines = ["  bounds: # of forcings: planning never leaves them"]
    return lines + [f"    {_flow(n)}: [{low:.8g}, {high:.8g}] # {words}" for n, (low, high, words) in known.items()]


def _interval(found: Survey) -> str:
    if found.clock is None:
        return "in the units of time; by default the most frequent step"
    return f"the most frequent step: {found.clock.interval:g} [{found.clock.units}]"


def _gaps(found: Survey) -> str:
    torn = bool(found.steps) or any("gaps: cut" in doubt for doubt in found.doubts)
    if torn:
        return "cut # cuts runs where instants are missing; 'refuse' tells of them all"
    return "refuse # none seen; 'cut' would cut runs at missing instants"


def _split(found: Survey) -> str:
    shares = f"validation: {VALIDATION}, test: {TEST}"
    if found.runs >= FEWEST_RUNS:
        return f"{{by: run, {shares}}} # whole runs are held out; or labels of runs: test: [...]"
    return f"{{by: time, {shares}}} # the last parts of the record are held out"


def _sizes(found: Survey) -> list[str]:
    """Sizes of model and training that the data can carry."""
    by_run = found.runs >= FEWEST_RUNS
    shortest = max(2, min(found.lengths, default=found.instants)) - 1
    tested = shortest if by_run else int(shortest * TEST)
    snapshots, numbers = _training_instants(found, by_run=by_run), _numbers_of_a_state(found)
    latent = max(1, min(LATENT_SIZE, snapshots - 1, numbers))
    latent = max(1, count_modes(_small_states(found), latent))
    horizon = max(1, min(MOST_HORIZON, (tested if by_run else int(shortest * VALIDATION)) // 3))
    why = (
        f"numbers that stand for the fields; the data allow no more than {latent}"
        if latent < LATENT_SIZE
        else (f"numbers that stand for the fields; fewer than the {snapshots} training instants")
    )
    return [
        "model:",
        f"  latent_size: {latent} # {why}",
        "",
        "loss:",
        f"  horizon: {horizon} # intervals that the training forecasts",
        "",
        "training:",
        f"  updates: {UPDATES} # raise it while the held-out error in the report still falls",
        "",
        "evaluation:",
        f"  steps: {max(1, min(STEPS, tested))} # intervals of the forecasts that are scored",
    ]


def _training_instants(found: Survey, *, by_run: bool) -> int:
    """How many instants are left to learn from, in the runs that are not held out, or in the first part of each."""
    lengths = sorted(found.lengths) or [found.instants] * found.runs
    if not by_run:
        return sum(n - round(n * VALIDATION) - round(n * TEST) for n in lengths)
    held_out = max(1, round(VALIDATION * len(lengths))) + max(1, round(TEST * len(lengths)))
    return sum(lengths[: len(lengths) - held_out])  # the longest runs may be the ones that are held out


def _numbers_of_a_state(found: Survey) -> int:
    """The values of all state variables where they exist."""
    points = math.prod(found.dataset.sizes[d] for d in found.dims.space)
    never = [found.facts[name].never for name in found.named("variables") if name in found.facts]
    return sum(points if missing is None else int(points - missing.sum()) for missing in never)


def _small_states(found: Survey) -> Iterator[NDArray[np.float64]]:
    """All values of the state variables, ``(instant, point)``; of large ones none, as they have modes enough."""
    dims = [d for d in (found.dims.run, found.dims.time) if d]
    for name in found.named("variables"):
        array = found.dataset[name]
        if array.size > MOST_READ:
            return
        values = array.transpose(*dims, *found.dims.space).values.astype(float)
        flat = values.reshape(math.prod(values.shape[: len(dims)]), -1)
        there = np.isfinite(flat).any(axis=1)
        yield flat[there][:: max(1, int(there.sum()) // MOST_INSTANTS)]
