"""The numbers of a run as plain tables: one row per controller, one line per result."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sciwm.errors import counted
from sciwm.evaluation import CONTROLLERS
from sciwm.evaluation.suite import Measure
from sciwm.evaluation_parts import EVALUATION_PARTS
from sciwm.report.numbers import in_text

HEADINGS = ("95 % interval", "final", "worst final", "s/decision", "action²")
FIRST = "mean_square_first_"
ONE_RUN = "one run: no interval"
"""In place of an interval over runs."""


@dataclass(frozen=True)
class ControllerRow:
    """What one controller achieved; distances are mean squares from the target.

    Args:
        name: as in ``controlled.nc``.
        first, interval: mean over the first window, and its 95 % bootstrap interval.
        final, worst: mean over the last window: over all starts, and the worst of them.
        seconds: wall time of one decision for all starts together, if it plans.
        action: mean square of the actions.
    """

    name: str
    first: float
    interval: tuple[float, float]
    final: float
    worst: float
    seconds: float | None
    action: float

    @property
    def label(self) -> str:
        """The controller in words."""
        return CONTROLLERS[self.name]


def controller_rows(control: dict[str, Any]) -> list[ControllerRow]:
    """One row per controller from the ``control`` part of the metrics."""
    key = FIRST + first_window(control)
    return [
        ControllerRow(
            name,
            first=first,
            interval=tuple(control[f"{key}_interval"][name]),
            final=control["mean_square_final"][name],
            worst=control["mean_square_final_worst"][name],
            seconds=control["seconds_per_decision"].get(name),
            action=control["mean_square_action"][name],
        )
        for name, first in control[key].items()
    ]


def first_window(control: dict[str, Any]) -> str:
    """Length of the first window as it stands in the names of the metrics, such as ``"40"``."""
    return next(key.removeprefix(FIRST) for key in control if key.startswith(FIRST) and not key.endswith("_interval"))


def measures(metrics: dict[str, Any], part: str) -> list[Measure]:
    """The numbers of a part of the evaluation, the first one above all; none if it has not been measured."""
    stored = [Measure(**entry) for entry in metrics.get(part, [])]
    return [replace(measure, meaning=_in_words_of_the_report(measure.meaning)) for measure in stored]


def _in_words_of_the_report(meaning: str) -> str:
    """Stored meanings keep their words; what is displayed has one word for one thing.

    Until 0.2 the reduction of the cost by plans on two grids was called gain. The R² that is stored as within
    trajectories is that within simulations. All other words stay.
    """
    meaning = re.sub(r"^R² within trajectories\b", "R² within simulations", meaning)
    meaning = re.sub(
        r"^share of the gain that is lost on (?=\d)", "share of the cost reduction that is lost on ", meaning
    )
    return re.sub(r"^gain on (?=.+ points, mean square distance$)", "cost reduction on ", meaning)


def summary_table(metrics: dict[str, Any]) -> str:
    """The key numbers for the terminal, aligned; parts that have not been measured are left out.

    Args:
        metrics: the content of ``report/metrics.json``, or what a stage has added to it.

    Example:
        >>> print(summary_table({"latent": {"size": 25, "participation_ratio": 22.61}}))
        latent  25 numbers, participation ratio 22.6
    """
    parts = []
    if "control" in metrics:
        headings = ("mean square distance", f"first {first_window(metrics['control'])} time units", *HEADINGS)
        parts.append(_aligned([headings, *map(_cells, controller_rows(metrics["control"]))]))
    lines = _lines(metrics)
    if lines:
        width = max(len(name) for name, _ in lines)
        parts.append("\n".join(f"{name:{width}}  {text}" for name, text in lines))
    return "\n\n".join(parts)


def _cells(row: ControllerRow) -> tuple[str, ...]:
    low, high = row.interval
    values = (row.final, row.worst, row.seconds, row.action)
    return (row.label, in_text(row.first), f"{in_text(low)} to {in_text(high)}", *map(in_text, values))


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Words to the left, numbers to the right, a rule under the headings."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells))
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _lines(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    lines = []
    if "relative_reduction" in metrics.get("control", {}):
        share = f"{100 * metrics['control']['relative_reduction']:.1f} % of that by gradients through the true solver"
        lines.append(("relative reduction", share))
    if "rollout" in metrics:
        rollout = metrics["rollout"]
        skill = rollout["skill_vs_persistence"]
        interval = interval_in_text(rollout["valid_prediction_time_interval"])
        lines += [
            ("valid prediction time", f"{valid_time(rollout)}, {interval}"),
            (
                "skill vs persistence",
                f"{in_text(skill[0])} after one interval, {in_text(skill[-1])} after {len(skill)}",
            ),
        ]
    if "latent" in metrics:
        ratio = in_text(metrics["latent"]["participation_ratio"])
        lines.append(("latent", f"{counted(metrics['latent']['size'], 'number')}, participation ratio {ratio}"))
    for part in EVALUATION_PARTS:
        if part != "rollouts" and measures(metrics, part):
            lines.append((part.replace("_", " "), _in_a_line(measures(metrics, part)[0])))
    reasons: dict[str, list[str]] = {}
    for part, reason in metrics.get("left_out", {}).items():
        reasons.setdefault(reason, []).append(part.replace("_", " "))
    lines += [("left out", f"{', '.join(parts)}: {reason}") for reason, parts in reasons.items()]
    if "time" in metrics:
        lines.append(("time", ", ".join(f"{stage} {seconds:.0f} s" for stage, seconds in metrics["time"].items())))
    return lines


def _in_a_line(measure: Measure) -> str:
    unit = f" {measure.unit}" if measure.unit else ""
    interval = "" if measure.interval is None else ", 95 % interval {} to {}".format(*map(in_text, measure.interval))
    return f"{measure.meaning}: {in_text(measure.value)}{unit}{interval}"


def interval_in_text(interval: Sequence[float] | None) -> str:
    """The 95 % interval over runs; that of one run is none."""
    return ONE_RUN if interval is None else "95 % interval {} to {}".format(*map(in_text, interval))


def valid_time(rollout: dict[str, Any]) -> str:
    """The mean valid prediction time with its unit; a lower bound if a rollout was valid to the end of the test."""
    value, limit, unit = (rollout[f"valid_prediction_time{part}"] for part in ("", "_limit", "_unit"))
    bound = "at least " if rollout["valid_to_the_end"] else ""
    return f"{bound}{in_text(value)} {unit}, tested to {in_text(limit)}"
