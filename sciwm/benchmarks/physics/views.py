"""The tables of the benchmark: its rows, with the values of all systems side by side."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sciwm.benchmarks.physics import factorial
from sciwm.benchmarks.physics.systems import SYSTEMS
from sciwm.benchmarks.physics.variants import DEFAULT
from sciwm.benchmarks.results import Column, Row, Show, text

VALUES_OF = "{} (" + " / ".join(SYSTEMS) + ")"
"""Title of the first column of a table whose cells have the values of all systems."""

MEASURES = {
    "parameters": "parameters",
    "latent_size": "latent size",
    "valid_time": "valid prediction time [Lyapunov times, or 40 intervals]",
    "energy_change_error": "energy change error",
    "energy_drift": "energy drift",
    "effect_rough": "effect error",
    "blown_up": "long runs that blew up",
    "relative_reduction": "relative reduction",
    "cpu_seconds": "training [CPU s]",
}
"""Titles of the columns of a variant."""

HEADLINES = ("valid_time", "effect_rough", "energy_change_error", "relative_reduction")
"""Measures that stand beside the baselines."""

DETECTORS = ("latent", "budget", "equation")


def side_by_side(kind: str, *keys: str) -> Callable[[Sequence[Row]], list[Row]]:
    """Merge rows of one kind that agree in ``keys``.

    Returns:
        rows to rows, each with the merged ones under ``of``: by system, a list over seeds.
    """

    def arrange(rows: Sequence[Row]) -> list[Row]:
        groups: dict[tuple[Any, ...], dict[str, list[Row]]] = {}
        for row in (r for r in rows if r["kind"] == kind):
            groups.setdefault(tuple(row[k] for k in keys), {}).setdefault(row["system"], []).append(row)
        return [dict(zip(keys, group, strict=True)) | {"of": of} for group, of in groups.items()]

    return arrange


def columns() -> list[Column]:
    """One row for each variant: means over seeds, of every system in their order."""
    return [
        Column(VALUES_OF.format("variant"), text("variant")),
        Column("in the default model", _in_default),
        *(Column(title, _means(key)) for key, title in MEASURES.items()),
    ]


def beside_baselines(rows: Sequence[Row]) -> list[Row]:
    """The default model and all baselines."""
    chosen = [r for r in rows if r["kind"] == "variant" and (r["variant"] == DEFAULT or r["part"] == "baselines")]
    named = [r | {"hypothesis": "the default model"} if r["variant"] == DEFAULT else r for r in chosen]
    return side_by_side("variant", "variant", "hypothesis")(named)


def baseline_columns() -> list[Column]:
    """The most telling measures: means over seeds, of every system in their order."""
    return [
        Column(VALUES_OF.format("variant"), text("variant")),
        Column("description", text("hypothesis")),
        *(Column(MEASURES[key], _means(key)) for key in HEADLINES),
    ]


def claim_columns() -> list[Column]:
    """What was claimed, and the value, interval and verdict on every system."""
    return [*(Column(key, text(key)) for key in ("variant", "measure", "claim")), *map(_verdicts, SYSTEMS)]


def surprise_columns() -> list[Column]:
    """AUROC by detector: means over seeds, of every system in their order."""
    return [
        Column(
            VALUES_OF.format("violation"),
            lambda row, _: row["violation"] + (" (control)" if row["control"] else ""),
        ),
        Column("size", text("size")),
        *(Column(f"AUROC, {detector}", _auroc(detector)) for detector in DETECTORS),
        Column("smallest size detected in the latent", _smallest),
    ]


def resolution_columns() -> list[Column]:
    """The mean over seeds, and the range of their values, on every system."""
    return [Column("variant", text("variant")), Column("measure", text("measure")), *map(_range_over_seeds, SYSTEMS)]


def by_factors(rows: Sequence[Row]) -> list[Row]:
    """One row for each effect, with all measures; the first row has the values without any of the factors."""
    effects = [r for r in rows if r["kind"] == "factorial"]
    without = {r["measure"]: (r["without"], None) for r in effects}
    found: dict[str, dict[str, Any]] = {"none of them": without} if without else {}
    for row in effects:
        found.setdefault(row["factors"], {})[row["measure"]] = row["effect"], row["interval"]
    return [{"factors": factors, "of": of} for factors, of in found.items()]


def factorial_columns() -> list[Column]:
    """The effect on every measure, with 95 % intervals over seeds."""

    def effect(measure: str) -> Show:
        return lambda row, _: _with_interval(*row["of"][measure])

    return [Column("factors", text("factors")), *(Column(m.replace("_", " "), effect(m)) for m in factorial.MEASURES)]


def _in_default(row: Row, _: Sequence[Row]) -> str:
    """``on`` or ``off``, which is the same on all systems."""
    (answer,) = {one["in_default"] for rows in row["of"].values() for one in rows}
    return str(answer)


def _across(row: Row, value: Callable[[list[Row]], str]) -> str:
    return " / ".join(value(row["of"][system]) if system in row["of"] else "-" for system in SYSTEMS)


def _means(key: str) -> Show:
    def mean(rows: list[Row]) -> str:
        values = [v for row in rows for v in row.get(key, []) if v is not None]
        return f"{np.mean(values):.3g}" if values else "-"

    return lambda row, _: _across(row, mean)


def _auroc(detector: str) -> Show:
    """A dash for a detector that the model does not have."""

    def mean(rows: list[Row]) -> str:
        values = [row[detector][0] for row in rows if detector in row]
        return f"{np.mean(values):.3g}" if values else "-"

    return lambda row, _: _across(row, mean)


def _smallest(row: Row, _: Sequence[Row]) -> str:
    """The largest over seeds, with "≤" where it is the smallest that was tried.

    A dash where a seed detected no size, where only one size was tried, and for controls.
    """

    def largest(rows: list[Row]) -> str:
        sizes = [one["smallest"].get("latent") for one in rows]
        tried = rows[0]["sizes"]
        if row["control"] or None in sizes or len(tried) == 1:
            return "-"
        return f"{'≤ ' if max(sizes) <= min(tried) else ''}{max(sizes):.3g}"

    return _across(row, largest)


def _verdicts(system: str) -> Column:
    def show(row: Row, _: Sequence[Row]) -> str:
        if system not in row["of"]:
            return "-"
        (one,) = row["of"][system]
        found = _with_interval(one["value"], one["interval"])
        return one["verdict"] if found == "-" else f"{found} {one['verdict']}"

    return Column(system, show)


def _range_over_seeds(system: str) -> Column:
    def show(row: Row, _: Sequence[Row]) -> str:
        values = [r["value"] for r in row["of"].get(system, []) if r["value"] is not None]
        return _with_interval(float(np.mean(values)), (min(values), max(values))) if values else "-"

    return Column(f"{system}, range over seeds", show)


def _with_interval(value: float | None, interval: Sequence[float] | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" + (f" ({interval[0]:.3g} to {interval[1]:.3g})" if interval else "")
