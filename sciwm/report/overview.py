"""All parts of a run at a glance: one judged line each."""

from collections.abc import Sequence
from dataclasses import dataclass

import xarray as xr

from sciwm.evaluation_parts import EVALUATION_PARTS, OF_FILES, OF_SIMULATIONS
from sciwm.report.contents import Results
from sciwm.report.finding import NO_VERDICT, NOT_APPLICABLE, NOT_MEASURED, Finding
from sciwm.report.part_sections import section_of
from sciwm.report.result_table import measures
from sciwm.report.verdict_rules import RULES, lacking

CONTROL = "closed-loop control of the true simulation from held-out starts"
TITLES = {"rollouts": "Forecasts against the truth", "control": "Control"}
"""Of sections that the page writes itself."""
ANCHORS = {"rollouts": "rollout"}
"""Of sections that are not called like their part."""


@dataclass(frozen=True)
class OverviewRow:
    """One line.

    Args:
        part: of the evaluation, or ``control``.
        purpose: what is measured, in a few words.
        finding: the judged number.
    """

    part: str
    purpose: str
    finding: Finding

    @property
    def title(self) -> str:
        """Heading of the part's section."""
        return TITLES[self.part] if self.part in TITLES else section_of(self.part).title

    @property
    def anchor(self) -> str:
        """Name of the part's section in links."""
        return ANCHORS.get(self.part, self.part)

    @property
    def rule(self) -> str:
        """When it is good; empty if there is no rule."""
        return RULES[self.part].sentence if self.part in RULES else ""


def overview(results: Results, command: str) -> list[OverviewRow]:
    """One line for control and for every part of the evaluation, whether or not it was measured.

    Args:
        command: the run folder, as it stands in commands.
    """
    rows = [OverviewRow("control", CONTROL, _found(results, "control", results.controlled, f"sciwm control {command}"))]
    if results.config.source is not None:
        rows = []
    for part, purpose in EVALUATION_PARTS.items():
        found = _found(results, part, results.evaluated.get(part), f"sciwm evaluate {command}")
        if part not in never_measured(results):
            rows.append(OverviewRow(part, purpose, found))
    return rows


def never_measured(results: Results) -> Sequence[str]:
    """The parts that are not for such data, files or simulations, and of which nothing needs to be said."""
    return OF_FILES if results.config.source is None else ("control", *OF_SIMULATIONS)


def _found(results: Results, part: str, dataset: xr.Dataset | None, command: str) -> Finding:
    reason = results.metrics.get("left_out", {}).get(part)
    if dataset is None and reason:
        return Finding(NOT_APPLICABLE, reason=reason)
    if dataset is None:
        return Finding(NOT_MEASURED, reason=f"'{command}' measures it")
    missing = lacking(part, dataset)
    if missing:
        return Finding(NOT_MEASURED, reason=f"the results lack {', '.join(missing)}; '{command}' measures it anew")
    if part not in RULES:
        return Finding(NO_VERDICT, next(iter(measures(results.metrics, part)), None), reason="no threshold is set")
    return RULES[part].judge(results, dataset)
