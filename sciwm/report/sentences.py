"""A run in plain words, computed from its numbers."""

import math
from collections.abc import Sequence

import xarray as xr
from markupsafe import Markup

from sciwm.errors import counted
from sciwm.evaluation import CONTROLLERS, VALID_ERROR
from sciwm.report.contents import Results
from sciwm.report.equation_text import EQUATIONS
from sciwm.report.finding import GOOD, WEAK
from sciwm.report.numbers import in_html
from sciwm.report.overview import OverviewRow
from sciwm.report.result_table import controller_rows, interval_in_text
from sciwm.report.rollout_figures import reaches_the_end


def write_summary(results: Results, rows: Sequence[OverviewRow]) -> list[Markup]:
    """What was learned, how long forecasts are valid, how well it controls, and what is weak.

    Args:
        rows: the judged results, whose weak ones are told with their reasons.
    """
    return [_learned(results), *_imagines(results), *_controls(results), *_judged(rows)]


def key_numbers(results: Results) -> list[tuple[Markup, str]]:
    """The few numbers to remember, each with what it is."""
    numbers: list[tuple[Markup, str]] = []
    metrics = results.metrics
    if results.controlled is not None:
        first = {row.name: row.first for row in controller_rows(metrics["control"])}
        without = f", {in_html(first['none']).striptags()} without control" if "none" in first else ""
        meaning = f"mean square distance from the target, first {results.first_window:g} time units{without}"
        numbers.append((in_html(first["world_model"]), meaning))
        if "relative_reduction" in metrics["control"]:
            share = Markup("{} %").format(_percent(metrics["control"]["relative_reduction"]))
            numbers.append((share, "relative reduction: share of that by gradients through the true solver"))
    if results.rollouts is not None:
        bound = "≥ " if bool(reaches_the_end(results.rollouts).any()) else ""
        time = Markup("{}{}").format(bound, in_html(metrics["rollout"]["valid_prediction_time"]))
        numbers.append((time, f"{metrics['rollout']['valid_prediction_time_unit']}: valid prediction time"))
    numbers.append(
        (Markup("{}").format(results.description["latent_size"]), f"numbers in the latent, for {_grid_values(results)}")
    )
    return numbers


def _learned(results: Results) -> Markup:
    sets = results.description["provenance"]["training_sets"]
    count = sum(s["simulations"] for s in sets)
    if results.config.source is not None:
        return Markup(
            "From <b>{}</b> of somebody's files, sciwm learned to advance a latent of <b>{}</b>, in place of {}."
        ).format(counted(count, "run"), counted(results.description["latent_size"], "number"), _grid_values(results))
    return Markup(
        "From <b>{}</b> of the forced {} equation, sciwm learned to advance a latent of <b>{}</b>, "
        "in place of {}, under the actions of {}; no loss term reconstructs the fields."
    ).format(
        counted(count, "simulation"),
        EQUATIONS[results.config.simulated()[0].equation].title,
        counted(results.description["latent_size"], "number"),
        _grid_values(results),
        counted(len(results.domain.actuators), "actuator"),
    )


def _imagines(results: Results) -> list[Markup]:
    if results.rollouts is None:
        return []
    rollout = results.metrics["rollout"]
    bound = "at least " if bool(reaches_the_end(results.rollouts).any()) else ""
    whose, measured = _measured_in(results)
    return [
        Markup(
            "Forecasting {} from the first instant, it has {} of at most {} for "
            "<b>{}{} {}</b> on average ({})."
        ).format(
            counted(rollout["simulations"], f"held-out {whose}"), measured, VALID_ERROR, bound,
            in_html(rollout["valid_prediction_time"]),
            rollout["valid_prediction_time_unit"], interval_in_text(rollout["valid_prediction_time_interval"]),
        )
    ]  # fmt: skip


def _measured_in(results: Results) -> tuple[str, str]:
    """What is forecast, and how its error is measured."""
    if results.config.source is None:
        return "simulation", "a normalised error"
    return "run", "an error in deviations of the training data"


def _controls(results: Results) -> list[Markup]:
    if results.controlled is None:
        return []
    control = results.metrics["control"]
    rows = {row.name: row for row in controller_rows(control)}
    ours = rows["world_model"]
    sentences = [
        Markup(
            "Planning through this latent alone, it drove the true simulation towards the target from {} held-out "
            "starts: over the first {} time units the mean square distance is <b>{}</b> (95 % interval {} to {})."
        ).format(control["episodes"], f"{results.first_window:g}", in_html(ours.first), *map(in_html, ours.interval)),
        Markup("At the end it is {} on average and {} in the worst episode.").format(
            in_html(ours.final), in_html(ours.worst)
        ),
    ]
    if "relative_reduction" in control:
        comparison = Markup(
            "Without control it is {}, under gradient planning through the true solver {}: a relative reduction of "
            "<b>{} %</b>."
        )
        numbers = in_html(rows["none"].first), in_html(rows["adjoint"].first), _percent(control["relative_reduction"])
        sentences.insert(1, comparison.format(*numbers))
    return sentences + _blown_up(results.controlled)


def _judged(rows: Sequence[OverviewRow]) -> list[Markup]:
    """How many results are good, and every one that is weak with what is wrong."""
    judged = [row for row in rows if row.finding.verdict in (GOOD, WEAK)]
    if not judged:
        return []
    good = [row for row in judged if row.finding.verdict == GOOD]
    count = Markup("Of {}, <b>{} good</b> by the thresholds below.").format(
        counted(len(judged), "result"), counted(len(good), "is", "are")
    )
    weak = [
        Markup("<b>Weak: {}.</b> {}: {}.").format(
            row.title, _capital(row.finding.measure.meaning if row.finding.measure else ""), row.finding.reason
        )
        for row in judged
        if row.finding.verdict == WEAK
    ]
    return [count, *weak]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _blown_up(controlled: xr.Dataset) -> list[Markup]:
    lost = controlled["distance"].isnull().any("time").sum("episode")
    return [
        Markup("Under the controller <i>{}</i>, {} of {} blew up.").format(
            CONTROLLERS[str(name)], int(lost.sel(controller=name)), counted(controlled.sizes["episode"], "episode")
        )
        for name in lost["controller"].values
        if lost.sel(controller=name) > 0
    ]


def _grid_values(results: Results) -> str:
    domain = results.domain
    names = " and ".join(v.long_name for v in domain.variables)
    return f"{math.prod(domain.shape) * len(domain.variables)} grid values of the {names}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
