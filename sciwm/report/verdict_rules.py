"""The rules by which the page calls a result good or weak: one threshold and one function for each part."""

import xarray as xr

from sciwm.report.control_rules import CONTROL_RULES
from sciwm.report.held_out_rules import HELD_OUT_RULES
from sciwm.report.latent_rules import LATENT_RULES
from sciwm.report.rule import Rule
from sciwm.report.simulation_rules import SIMULATION_RULES

RULES: dict[str, Rule] = {**HELD_OUT_RULES, **SIMULATION_RULES, **LATENT_RULES, **CONTROL_RULES}
"""For every part of the evaluation that is judged, and for control.

A threshold is met only if the whole 95 % interval meets it. What blows up is counted instead, and what a probe is
compared with counts by its value.
"""


def lacking(part: str, dataset: xr.Dataset) -> list[str]:
    """What results of an older version do not hold, so that the part can be neither judged nor drawn.

    A part without a rule lacks nothing.
    """
    needs = RULES[part].needs if part in RULES else ()
    return [name for name in needs if name not in dataset.variables]
