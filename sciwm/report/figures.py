"""The figures of a run, in the order in which the page shows them."""

import matplotlib

from sciwm.report.contents import Results
from sciwm.report.control_figures import controlled_flow, distance_over_time
from sciwm.report.drawing import STYLE, Illustration
from sciwm.report.field_maps import forecast_maps
from sciwm.report.part_sections import section_of
from sciwm.report.rollout_figures import error_over_lead_time, imagined_example
from sciwm.report.training_figures import is_a_course, training
from sciwm.report.verdict_rules import lacking

MOST_DRAWN = 2
"""Fields over more dimensions are not drawn."""


def draw_figures(results: Results) -> dict[str, list[Illustration]]:
    """Everything that can be drawn of a run.

    Returns:
        figures under ``control``, ``distance``, ``rollout``, ``training``, and the name of every other part of
        the evaluation that was measured, empty for a part without a section of its own; a stage that has not run
        has none, and a part whose results lack what the figures show has no entry.
    """
    controlled, rollouts, variables = results.controlled, results.rollouts, results.domain.variables
    figures: dict[str, list[Illustration]] = {"control": [], "distance": [], "rollout": [], "training": []}
    with matplotlib.rc_context(STYLE):
        if controlled is not None:
            figures["control"] = [controlled_flow(results, controlled, v) for v in variables]
            figures["distance"] = [distance_over_time(results, controlled)]
        if rollouts is not None and not lacking("rollouts", rollouts):
            figures["rollout"] = [error_over_lead_time(results, rollouts)]
            if results.config.source is not None:
                figures["rollout"] += [f for v in variables for f in forecast_maps(results.domain, rollouts, v)]
            elif len(results.domain.axes) <= MOST_DRAWN:
                figures["rollout"] += [imagined_example(results, rollouts, v) for v in variables]
        if is_a_course(results.history):
            figures["training"] = [training(results)]
        for name, measured in results.evaluated.items():
            if name != "rollouts" and not lacking(name, measured):
                figures[name] = section_of(name).draw(results, measured)
    return figures
