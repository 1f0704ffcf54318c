"""Baselines know of fields alone."""

from collections.abc import Sequence

from sciwm.errors import InputError, Problem


def require_fields_alone(baseline: str, names: Sequence[str]) -> None:
    """Refuse readouts that a baseline has no model of.

    Raises:
        InputError: if a name is another one than ``"fields"``.
    """
    others = [name for name in names if name != "fields"]
    if others:
        remedy = "read out 'fields' and let a simulation compute functionals of them: simulation.functionals(fields)"
        raise InputError([Problem(f"readout of {baseline}", "'fields'", ", ".join(others), remedy)])
