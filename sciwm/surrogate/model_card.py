"""The model card: what a model is, what it was trained on, how wrong it is and where not to use it, in words.

It is written from ``model.json`` and the numbers of the run, and says nothing that does not stand there.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sciwm.data import Domain, axis_in_words
from sciwm.data.row_labels import run_word
from sciwm.errors import counted

BESIDE = {
    "model": "rmse",
    "persistence": "rmse_persistence",
    "climatology": "rmse_climatology",
    "linear (DMDc)": "rmse_linear",
}
"""The columns of errors, by what they hold; older evaluations have no linear model."""
SHOWN = 6
"""The number of lead times in a table of errors."""
LABELS = 24
"""The number of runs that are named."""


def card_text(description: dict[str, Any], metrics: dict[str, Any]) -> str:
    """The card in Markdown.

    Args:
        description: The content of ``model.json``.
        metrics: The numbers of the run so far, from ``report/metrics.json``; empty before the first.
    """
    domain, card = Domain.from_json(description["domain"]), description.get("card", {})
    sections = {
        "What it is": _what(description, domain),
        "Data": _data(description, card, domain),
        "Variables and grid": _variables(domain, card),
        "Forcings and parameters": _inputs(domain, card),
        "Errors on held-out runs": _errors(metrics, description, domain),
        "Calibration": _numbers(metrics, ("uncertainty", "flags")),
        "Do not use it": _limits(domain, card, metrics),
        "How to load it": _loading(domain),
        "Versions": _versions(description),
    }
    text = [f"# {description['config']['name']}", "Written by sciwm from `model.json` and the numbers of the run."]
    for title, lines in sections.items():
        if kept := list(lines):
            text += [f"## {title}", "\n".join(kept)]
    return "\n\n".join(text) + "\n"


def short_limits(domain: Domain, card: dict[str, Any]) -> str:
    """Where the model has been trained, in one line; empty where nothing is known."""
    ranges = [
        f"{v.name} {_span(card['ranges'][v.name], v.units)}" for v in domain.variables if v.name in card["ranges"]
    ]
    ranges += [f"{p.name} {_span([p.low, p.high], p.units)}" for p in domain.parameters]
    return ", ".join(ranges)


def whose(card: dict[str, Any]) -> str:
    """Whose data they are, in one line."""
    files = card.get("files")
    if files is None:
        return f"simulated, {card['simulation']['equation']}" if "simulation" in card else ""
    names = ", ".join(files["names"][:3]) + (", ..." if len(files["names"]) > 3 else "")
    told = [
        files.get("source", ""),
        files.get("institution", ""),
        names,
        f"licence {files.get('license', 'not stated')}",
    ]
    return "; ".join(filter(None, told))


def _what(description: dict[str, Any], domain: Domain) -> Iterator[str]:
    names = ", ".join(f"{v.long_name} ({v.name})" for v in domain.variables)
    interval = f"{domain.control_interval:g}{_unit(domain.time_units)}"
    yield (
        f"A world model that forecasts {names} from one instant, in steps of {interval}: "
        f"{description['latent_size']} numbers stand for the fields, and are advanced under the forcing."
    )
    choice = description["provenance"].get("choice")
    if isinstance(choice, dict) and choice.get("reason"):
        reason = str(choice["reason"])
        yield f"\n{reason[:1].upper()}{reason[1:]}."


def _data(description: dict[str, Any], card: dict[str, Any], domain: Domain) -> Iterator[str]:
    files = card.get("files")
    if files is not None:
        yield f"- files: {', '.join(f'`{name}`' for name in files['names'])}"
        yield f"- sha256 of their content: `{files['sha256']}`"
        titles = {"source": "title", "license": "licence"}
        for key in ("source", "institution", "references", "license", "comment"):
            if key in files:
                yield f"- {titles.get(key, key)}: {_in_a_line(files[key])}"
        if "license" not in files:
            yield "- licence: not stated in the files"
    elif "simulation" in card:
        values = ", ".join(f"{name} {value:g}" for name, value in card["simulation"]["parameters"].items())
        yield f"- simulated: {card['simulation']['equation'].replace('_', ' ')}{f' with {values}' if values else ''}"
    for name, one in card.get("sets", {}).items():
        runs = one["runs"]
        shown = ", ".join(runs[:LABELS]) + (", ..." if len(runs) > LABELS else "")
        named = f" ({run_word(domain.run_name)} {shown})" if files is not None else ""
        yield f"- {name}: {counted(len(runs), 'run')}{named}, {one['instants']} instants"
        if files is not None and "period" in one:
            yield f"  - period: {_period(one['period'], domain, card)}"
        yield f"  - sha256: `{one['sha256']}`"
    for note in card.get("notes", []):
        yield f"- {_in_a_line(note)}"
    if not card:
        for one in description["provenance"].get("training_sets", []):
            yield f"- {one['name']}: {one['simulations']} runs, sha256 `{one.get('sha256', 'unknown')}`"


def _variables(domain: Domain, card: dict[str, Any]) -> Iterator[str]:
    yield "| variable | what | units | range in the training data | mean | deviation |"
    yield "|---|---|---|---|---|---|"
    for v in domain.variables:
        span = card.get("ranges", {}).get(v.name)
        range_ = "" if span is None else _span(span, "1")
        yield f"| {v.name} | {_in_a_line(v.long_name)} | {v.units} | {range_} | {v.mean:.4g} | {v.deviation:.4g} |"
    yield ""
    yield f"- grid: {'; '.join(map(axis_in_words, domain.axes))}"
    yield f"- interval: {domain.control_interval:g}{_unit(domain.time_units)}, named `{domain.time_name}`"
    for name, share in card.get("exists", {}).items():
        yield f"- {name} exists at {share:.1%} of the points; elsewhere forecasts are missing"


def _inputs(domain: Domain, card: dict[str, Any]) -> Iterator[str]:
    box, ranges, bounds = domain.actuators, card.get("actions", {}), card.get("bounds", {})
    if domain.brought_in and not domain.forcings:
        yield "- no forcings"
    units = {j: f.units for f in domain.forcings for j in range(f.first, f.first + f.count)}
    for j, name in enumerate(box.names):
        if domain.brought_in and not domain.forcings:
            break
        held = f", in the data {_span(ranges[name], '1')}" if name in ranges else ""
        yield f"- forcing `{name}`: {_span([box.low[j], box.high[j]], units.get(j, box.units))}{held}"
    for name, words in bounds.items():
        yield f"- bounds of `{name}` from {words}"
    for p in domain.parameters:
        span = _span([p.low, p.high], p.units)
        yield f"- parameter `{p.name}` ({_in_a_line(p.long_name)}), constant in a run: {span}"


def _errors(metrics: dict[str, Any], description: dict[str, Any], domain: Domain) -> Iterator[str]:
    held_out = metrics.get("held_out")
    rollout = metrics.get("rollout")
    if held_out:
        for name, one in held_out.items():
            units = "" if one["units"] == "1" else f" [{one['units']}]"
            yield f"Root mean square error of {name}{units}, mean over {counted(one['runs'], 'held-out run')}:\n"
            beside = {title: one[key] for title, key in BESIDE.items() if key in one}
            yield from _table(one["lead_time"], domain, beside)
            worst = f"{one['worst_rmse']:.3g}{_unit(one['units'])}"
            yield f"\nWorst run: {one['worst_run']}, {worst} over all lead times."
    elif rollout:
        yield f"Norm of the error over norm of the truth, mean over {rollout['simulations']} held-out runs:\n"
        columns = {"model": rollout["nrmse"], "persistence": rollout["nrmse_persistence"]}
        if "nrmse_climatology" in rollout:
            columns["climatology"] = rollout["nrmse_climatology"]
        yield from _table(rollout["lead_time"], domain, columns)
    else:
        error = description["provenance"].get("held_out_error")
        yield "Not measured yet: `sciwm evaluate` measures them."
        if error is not None:
            yield f"While training, the mean square error on validation data was {error:.3g} of persistence."


def _table(leads: Sequence[float], domain: Domain, columns: dict[str, Sequence[float]]) -> Iterator[str]:
    last = len(leads)
    chosen = sorted({round(last / 2**n) - 1 for n in range(SHOWN) if last >= 2**n})
    yield f"| lead time{_in_brackets(domain.time_units)} | {' | '.join(columns)} |"
    yield f"|{'---|' * (len(columns) + 1)}"
    for i in chosen:
        yield f"| {leads[i]:g} | {' | '.join(f'{values[i]:.3g}' for values in columns.values())} |"


def _numbers(metrics: dict[str, Any], parts: Sequence[str]) -> Iterator[str]:
    for part in parts:
        for one in metrics.get(part, []):
            unit = f" {one['unit']}" if one.get("unit") else ""
            yield f"- {one['meaning']}: {one['value']:.3g}{unit}"


def _limits(domain: Domain, card: dict[str, Any], metrics: dict[str, Any]) -> Iterator[str]:
    yield "- for fields unlike those of the training data" + (
        f": outside {short_limits(domain, card)}" if card.get("ranges") else ""
    )
    if not domain.brought_in or domain.forcings:
        yield "- with forcings outside the bounds above, or in combinations and at rates that the data never hold"
    if domain.parameters:
        yield f"- with {', '.join(p.name for p in domain.parameters)} outside the range above"
    walls = not domain.periodic
    yield f"- on {'another grid' if walls else 'a coarser grid'}, domain or interval than those above"
    tested = metrics.get("rollout", {}).get("lead_time", [])
    if tested:
        yield f"- beyond a lead time of {tested[-1]:g}{_unit(domain.time_units)}, to which it was tested"
    for name, one in metrics.get("held_out", {}).items():
        worse = [t for t, m, *others in zip(one["lead_time"], one["rmse"], one["rmse_persistence"],
                                            one["rmse_climatology"], strict=True) if not m < min(others)]  # fmt: skip
        if worse:
            yield (
                f"- for {name} at {len(worse)} of {len(one['lead_time'])} lead times"
                f" (the first {worse[0]:g}{_unit(domain.time_units)}), where persistence or climatology are better"
            )


def _loading(domain: Domain) -> Iterator[str]:
    forcing = f"ds[{[f.name for f in domain.forcings]!r}]".replace("'", '"') if domain.forcings else 'ds["action"]'
    yield "```python"
    yield "import sciwm"
    yield 'model = sciwm.load("FOLDER")  # this folder: model.json and model.safetensors are enough'
    if domain.brought_in and not domain.forcings:
        yield f"forecast = model.rollout(ds.isel({domain.time_name}=0), intervals=10)"
    else:
        yield f"forecast = model.rollout(ds.isel({domain.time_name}=0), forcing={forcing})"
    yield "```"


def _versions(description: dict[str, Any]) -> Iterator[str]:
    yield f"- sciwm {description['sciwm']}, torch {description['torch']}, format {description['format']}"
    yield f"- sha256 of the weights: `{description['sha256']}`"


def _period(period: Sequence[float], domain: Domain, card: dict[str, Any]) -> str:
    since = card.get("time", {}).get("since", "")
    calendar = card.get("time", {}).get("calendar", "")
    words = f"{period[0]:g} to {period[1]:g}{_unit(domain.time_units)}"
    words += f" since {since}" if since else ""
    return words + (f" ({calendar} calendar)" if calendar else "")


def _span(pair: Sequence[float], units: str) -> str:
    return f"{pair[0]:.5g} to {pair[1]:.5g}{_unit(units)}"


def _unit(units: str) -> str:
    return "" if units in ("", "1") else f" {units}"


def _in_brackets(units: str) -> str:
    return "" if units in ("", "1") else f" [{units}]"


def _in_a_line(text: str) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")
