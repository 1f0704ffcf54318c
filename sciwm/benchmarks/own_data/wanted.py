"""What is wanted of a part, what was measured with every seed, and whether it is met."""

import math
from collections.abc import Sequence

from sciwm.benchmarks.results import Column, Row, text


def check(
    part: str, what: str, values: Sequence[float | None], *, most: float = math.inf, least: float = -math.inf,
    unit: str = "", said: str = "", interval: Sequence[float | None] | None = None,
) -> Row:  # fmt: skip
    """A row of the table of checks.

    Args:
        part: of the benchmark.
        what: is measured, in words.
        values: one for each seed; None for one that is not finite.
        most, least: bounds that every value must keep; without any the row only tells.
        unit: of the values.
        said: what else there is to say.
        interval: the 95 % interval, where there are samples.
    """
    finite = [v for v in values if v is not None and math.isfinite(v)]
    bounds = [f"at most {most:g}"] * math.isfinite(most) + [f"at least {least:g}"] * math.isfinite(least)
    met = len(finite) == len(values) and all(least <= v <= most for v in finite)
    return {
        "kind": "check", "part": part, "check": what, "wanted": ", ".join(bounds), "values": list(values),
        "unit": unit, "met": met if bounds else None, "said": said, "interval": interval,
    }  # fmt: skip


def columns() -> list[Column]:
    """The columns of the table of checks."""
    return [
        Column("part", text("part")),
        Column("what", text("check")),
        Column("wanted", lambda row, _: f"{row['wanted']} {row['unit']}".strip() if row["wanted"] else "-"),
        Column("measured", lambda row, _: _measured(row)),
        Column("met", lambda row, _: {True: "yes", False: "no", None: "-"}[row["met"]]),
        Column("", text("said")),
    ]


def _measured(row: Row) -> str:
    shown = " / ".join("-" if v is None else f"{v:.3g}" for v in row["values"])
    ends = row.get("interval")
    spread = f" ({ends[0]:.3g} to {ends[1]:.3g})" if ends and None not in ends else ""
    return f"{shown}{spread} {row['unit']}".strip()
