"""What somebody's files hold, as the page says it: variables, axes, roles, sets, and where it all came from."""

from collections.abc import Iterator
from typing import Any

from sciwm.data import axis_in_words
from sciwm.data.row_labels import run_word
from sciwm.report.contents import Results

RUNS_NAMED = 40


def files_rows(results: Results) -> list[tuple[str, str]]:
    """What the files hold, one row each; empty for models without a card."""
    card = results.description.get("card", {})
    if results.config.source is None or "files" not in card:
        return []
    return [*_whose(card), *_roles(results, card), *_sets(results, card), *_made_of(card)]


def variable_rows(results: Results) -> list[tuple[str, str, str, str, str]]:
    """Name, what it is, role, units and range of each variable, forcing and parameter."""
    domain, card = results.domain, results.description.get("card", {})
    if results.config.source is None or not card:
        return []
    rows = [(v.name, v.long_name, "state", v.units, _span(*card["ranges"][v.name])) for v in domain.variables]
    for f in domain.forcings:
        columns = domain.actuators.names[f.first : f.first + f.count]
        seen = [card["actions"][name] for name in columns]
        low, high = domain.actuators.low[f.first], domain.actuators.high[f.first]
        along = f", {f.count} along {f.dimension}" if f.dimension else ""
        bounds = f"bounds {_span(low, high)} ({card['bounds'].get(f.name, 'unknown')})"
        span = _span(min(s[0] for s in seen), max(s[1] for s in seen))
        rows.append((f.name, f.long_name, f"forcing{along}", f.units, f"{span}; {bounds}"))
    rows += [(p.name, p.long_name, "parameter of a run", p.units, _span(p.low, p.high)) for p in domain.parameters]
    others = {"functional": card["functionals"], "static field": card["static"], "left out": card["ignored"]}
    return rows + [(name, "", role, "", "") for role, names in others.items() for name in names]


def _whose(card: dict[str, Any]) -> Iterator[tuple[str, str]]:
    files = card["files"]
    titles = {"source": "title", "license": "licence"}
    for key in ("source", "institution", "references", "license", "comment"):
        if key in files:
            yield titles.get(key, key), files[key]
    yield "files", ", ".join(files["names"])
    yield "sha256 of their content", files["sha256"]


def _roles(results: Results, card: dict[str, Any]) -> Iterator[tuple[str, str]]:
    domain = results.domain
    for axis in domain.axes:
        yield f"axis {axis.name}", axis_in_words(axis)
    since, calendar = card["time"]["since"], card["time"]["calendar"]
    words = f"every {domain.control_interval:g}{_unit(domain.time_units)}"
    words += (f", since {since}" if since else "") + (f", {calendar} calendar" if calendar else "")
    yield f"time {domain.time_name}", words
    for name, share in card["exists"].items():
        yield f"mask of {name}", f"it exists at {share:.1%} of the points"


def _sets(results: Results, card: dict[str, Any]) -> Iterator[tuple[str, str]]:
    domain = results.domain
    for name, one in card["sets"].items():
        runs = one["runs"]
        named = ", ".join(runs[:RUNS_NAMED]) + (", ..." if len(runs) > RUNS_NAMED else "")
        low, high = one["intervals"]
        length = f"{low}" if low == high else f"{low} to {high}"
        period = f", {_span(*one['period'])}{_unit(domain.time_units)}" if "period" in one else ""
        words = f"{run_word(domain.run_name)} {named}: {one['instants']} instants, {length} intervals in a run{period}"
        yield {"train": "training"}.get(name, name), words


def _made_of(card: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if card["notes"]:
        yield "brought in", "; ".join(card["notes"])


def _span(low: float, high: float) -> str:
    return f"{low:.5g} to {high:.5g}"


def _unit(units: str) -> str:
    return "" if units in ("", "1") else f" {units}"
