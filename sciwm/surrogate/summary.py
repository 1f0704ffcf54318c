"""What a trained model expects and predicts, as a small table."""

from typing import Any

from sciwm.data import Domain, axis_in_words
from sciwm.errors import InputError, Problem, counted, in_one_line
from sciwm.surrogate.model_card import short_limits, whose


def summarize(description: dict[str, Any]) -> str:
    """The content of ``model.json`` as a small table.

    Args:
        description: The content, as from ``read_description``.

    Raises:
        InputError: If a part of it is missing or of another kind.
    """
    try:
        return _table(description)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        got = in_one_line(error)
        remedy = "restore it from a backup, or train again"
        raise InputError([Problem("model.json", "a complete description of a model", got, remedy)]) from error


def _table(description: dict[str, Any]) -> str:
    domain, settings = Domain.from_json(description["domain"]), description["config"]["model"]
    box = domain.actuators
    bounds = dict.fromkeys((float(low), float(high)) for low, high in zip(box.low, box.high, strict=True))
    rows = {
        "variables": ", ".join(f"{v.name} ({v.long_name}) [{v.units}]" for v in domain.variables),
        "grid": "; ".join(map(axis_in_words, domain.axes)),
        "interval": f"{domain.control_interval:g}" + (f" [{domain.time_units}]" if domain.time_units != "1" else ""),
        "actuators": f"{len(box)}: {', '.join(box.names)}",
        "bounds": ", ".join(f"{low:g} to {high:g}" for low, high in bounds) + f" [{box.units}]",
        "functionals": ", ".join(f.name for f in domain.functionals) or "none",
        "latent": f"{counted(description['latent_size'], 'number')} ({settings['latent']})",
        "predictor": description["provenance"].get("choice", {}).get("reason", ""),
        "held-out error": _error_text(description),
    }
    if domain.forcings:
        over = [f" over {f.dimension}" if f.dimension else "" for f in domain.forcings]
        named = zip(domain.forcings, over, strict=True)
        rows["forcings"] = ", ".join(f"{f.name} [{f.units}]{along}" for f, along in named)
    if domain.parameters:
        rows["parameters"] = ", ".join(f"{p.name} [{p.units}], {p.low:g} to {p.high:g}" for p in domain.parameters)
    if card := description.get("card", {}):
        rows |= {"data": whose(card), "trained within": short_limits(domain, card)}
    return "\n".join(f"  {name:<16}{value}" for name, value in rows.items() if value)


def _error_text(description: dict[str, Any]) -> str:
    error = description["provenance"].get("held_out_error")
    steps = description["provenance"].get("held_out_intervals", description["config"]["loss"]["horizon"])
    return "not measured" if error is None else f"{error:.2e} of persistence, mean over {counted(steps, 'interval')}"
