"""What somebody's data hold, by their metadata, their small variables, and a few instants of the large ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.data.source.files.opening import Opened
from sciwm.data.source.meaning.clock import Clock, read_clock, step_problems
from sciwm.data.source.meaning.periodicity import Ends, ends_of
from sciwm.data.source.meaning.recognising import Dimensions, curvilinear, recognise_dimensions
from sciwm.data.source.meaning.role_proposals import OWN, Proposal, propose_roles
from sciwm.data.source.meaning.seen_values import Facts, lacks_the_last_alone, lengths_of, look_at
from sciwm.errors import Problem, counted, raise_if
from sciwm.progress import bar


@dataclass(frozen=True)
class Survey:
    """What was found out about somebody's files.

    Args:
        opened: The files and the Dataset.
        dims: What its dimensions are.
        roles: A role for each variable.
        clock: The times of the record; None where they cannot be read.
        steps: What is wrong with the times.
        ends: Which space dimensions are periodic.
        facts: What was seen of each variable with a role.
        lengths: The number of instants of each run, where small variables show that runs end early.
        bounds: The bounds of forcings, and where each came from.
        doubts: What somebody who knows the data should look at or decide.
    """

    opened: Opened
    dims: Dimensions
    roles: tuple[Proposal, ...]
    clock: Clock | None
    steps: tuple[str, ...]
    ends: tuple[Ends, ...]
    facts: Mapping[str, Facts] = field(default_factory=dict)
    lengths: tuple[int, ...] = ()
    bounds: Mapping[str, tuple[float, float, str]] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()

    @property
    def dataset(self) -> xr.Dataset:
        return self.opened.dataset

    def named(self, role: str) -> list[str]:
        """The variables in a role."""
        return [p.name for p in self.roles if p.role == role]

    @property
    def runs(self) -> int:
        """The number of runs."""
        return self.dataset.sizes[self.dims.run] if self.dims.run else 1

    @property
    def instants(self) -> int:
        """The number of instants of the longest run."""
        return self.dataset.sizes[self.dims.time] if self.dims.time else 0


def survey(opened: Opened, periodic: Sequence[str] | None = None) -> Survey:
    """Find out what files hold: dimensions, roles, times, ranges and what is missing.

    Metadata, coordinates and small variables are read, and a few instants of large ones.

    Args:
        opened: The files.
        periodic: The space dimensions that are periodic, where somebody states them; by default as the files say.

    Raises:
        InputError: If values cannot be read or there are none, or if a stated dimension is none of space.
    """
    dataset = opened.dataset
    dims = recognise_dimensions(dataset)
    raise_if(
        [
            Problem(f"{opened.files[0]}: {d}", "at least one value along this dimension", "none", "leave the file out")
            for d in (dims.run, dims.time, *dims.space)
            if d is not None and not dataset.sizes[d]
        ]
    )
    roles = propose_roles(dataset, dims)
    looked_at = [p.name for p in roles if p.role != "ignored"]
    facts = {name: look_at(dataset[name], dims) for name in bar(looked_at, "looking at values")}
    roles = [_by_values(p, facts.get(p.name), dims) for p in roles]
    roles = _one_mask(roles, facts)
    clock, steps = _times(dataset, dims)
    states = [p.name for p in roles if p.role == "variables"]
    fields = [sample for name in states for sample in facts[name].samples]
    ends = tuple(ends_of(dataset, d, fields, axis) for axis, d in enumerate(dims.space))
    if periodic is not None:
        unknown = [name for name in periodic if name not in dims.space]
        raise_if([Problem("--periodic", f"some of {', '.join(dims.space)}", ", ".join(unknown))] if unknown else [])
        ends = tuple(Ends(d, d in periodic, "as stated") for d in dims.space)
    forcings = [p.name for p in roles if p.role == "forcings"]
    found = Survey(
        opened=opened,
        dims=dims,
        roles=tuple(roles),
        clock=clock,
        steps=tuple(steps),
        ends=ends,
        facts=facts,
        lengths=lengths_of(dataset, [n for n in forcings if n in facts], dims),
        bounds={name: _bounds(dataset, name, facts[name]) for name in forcings},
    )
    return replace(found, doubts=tuple(_doubts(found)))


def _by_values(proposal: Proposal, facts: Facts | None, dims: Dimensions) -> Proposal:
    """The role again, once values were seen: fields of 0 and 1 may be masks, constants teach nothing."""
    if facts is None:
        return proposal
    name, role = proposal.name, proposal.role
    if role in ("forcings", "parameters", "static") and facts.flat:
        return replace(proposal, role="ignored", reason=f"{facts.low:g} everywhere, so that it explains nothing")
    if role == "parameters" and proposal.reason == "one number for all data":
        return replace(proposal, role="ignored", reason=f"one number for all data, {facts.low:g}: it explains nothing")
    if role == "variables" and facts.flat:
        return replace(proposal, doubt=f"{name}: {facts.low:g} in all that was looked at: ignore it if it never varies")
    if role == "variables" and not np.isfinite(facts.low):
        return replace(proposal, role="ignored", reason="no values in all that was looked at")
    if role == "static" and facts.low == 0 and facts.high == 1 and facts.whole and proposal.doubt == "":
        doubt = f"{name}: holds 0 to 1: if it says where fields exist (not 0), name it as the mask"
        return replace(proposal, doubt=doubt)
    return proposal


def _one_mask(roles: Sequence[Proposal], facts: Mapping[str, Facts]) -> list[Proposal]:
    """The mask only where it agrees with what is missing: one that marks land is the other way round."""
    seen = [facts[p.name].never for p in roles if p.role == "variables"]
    never = next((points for points in seen if points is not None), None)
    found = []
    for p in roles:
        if p.role == "mask" and never is not None:
            why = "fields are missing at the same points always, which is found without a mask"
            found.append(replace(p, role="ignored", reason=why))
        elif p.role == "mask":
            doubt = f"{p.name}: the mask must not be zero where fields exist; if it marks land, ignore it"
            found.append(replace(p, doubt=doubt))
        else:
            found.append(p)
    return found


def _times(dataset: xr.Dataset, dims: Dimensions) -> tuple[Clock | None, list[str]]:
    if dims.time is None:
        return None, []
    if dims.time not in dataset.coords:
        return None, [f"{dims.time}: no coordinate: write times into the files, or instants are counted from 0"]
    clock, problems = read_clock(dataset[dims.time], None, dims.time)
    if clock is not None:
        problems = step_problems(clock, dims.time)
    return clock, [str(p) for p in problems]


def _bounds(dataset: xr.Dataset, name: str, facts: Facts) -> tuple[float, float, str]:
    """The bounds of a forcing: what the file allows, else the range of the data."""
    if name == "action" and set(dataset.data_vars) >= OWN:
        return float(dataset["action_low"].min()), float(dataset["action_high"].max()), "action_low and action_high"
    array = dataset[name]
    given = np.asarray(array.attrs.get("valid_range", ())).reshape(-1)
    ends = given if given.size == 2 else (array.attrs.get("valid_min"), array.attrs.get("valid_max"))
    stated = [float(np.asarray(end).reshape(-1)[0]) for end in ends if _is_number(end)]
    if len(stated) == 2 and stated[0] < stated[1]:
        return stated[0], stated[1], "valid_min and valid_max of the file"
    return facts.low, facts.high, f"the range of the data{'' if facts.whole else ' that were looked at'}"


def _is_number(value: Any) -> bool:
    given = np.asarray(value)
    return given.size == 1 and given.dtype.kind in "iuf" and bool(np.isfinite(given).all())


def _doubts(found: Survey) -> list[str]:
    """All that should be looked at, the most important first."""
    dims, facts = found.dims, found.facts
    words = list(dims.doubts)
    unknown = [e for e in found.ends if e.periodic is None]
    if unknown:
        looks = "; ".join(f"{e.name} {e.reason}" for e in unknown)
        words.append(f"periodic: state which of {', '.join(e.name for e in unknown)} are periodic ({looks})")
    words += [p.doubt for p in found.roles if p.doubt]
    words += found.steps
    positions = curvilinear(found.dataset, dims.space)
    if positions:
        words.append(
            f"{', '.join(positions)}: positions of a grid that is not straight: fields are taken over their indices"
        )
    for name in found.named("variables"):
        seen = facts[name]
        at_times = [np.isnan(s).any() and not _same(np.isnan(s), seen.never) for s in seen.samples]
        if any(at_times):
            words.append(
                f"{name}: values are missing at some instants, not always at the same points: gaps: cut leaves these "
                "instants out, or fill them first"
            )
    for name in found.named("forcings"):
        if facts[name].missing and not found.lengths and not lacks_the_last_alone(found.dataset[name], dims):
            words.append(f"{name}: {facts[name].missing:.1%} of its values are missing: fill them, or let gaps be cut")
    if found.lengths:
        words.append(f"runs have {min(found.lengths)} to {max(found.lengths)} instants: kept, each as long as it is")
    if not found.named("forcings"):
        words.append("no forcing was found: the model will forecast what happens by itself")
    if not found.named("variables"):
        words.append("no state variable was found: name fields over time and space in source.variables")
    return words


def _same(a: NDArray[np.bool_], b: NDArray[np.bool_] | None) -> bool:
    return b is not None and np.array_equal(a, b)


def sizes_in_words(found: Survey) -> str:
    """How much data there are."""
    space = " x ".join(str(found.dataset.sizes[d]) for d in found.dims.space)
    runs = f"{counted(found.runs, 'run')} of " if found.dims.run else ""
    return f"{runs}{counted(found.instants, 'instant')}{f', {space} points' if space else ''}"
