"""Refuses readouts other than fields, which baselines do not model."""

from collections.abc import Sequence

from sciwm.errors import InputError, Problem


def require_fields_alone(baseline: str, names: Sequence[str]) -> None:
    """Refuse readouts other than the fields.

    Args:
        baseline: its name, for the message.
        names: the readouts that were asked for.

    Raises:
        InputError: if a name is another one than ``"fields"``.
    """
    others = [name for name in names if name != "fields"]
    if others:
        remedy = "read out 'fields' and compute functionals of them with simulation.functionals(fields)"
        raise InputError([Problem(f"readout of {baseline}", "'fields'", ", ".join(others), remedy)])
