"""Parts on other grids than the model's own: how the latent depends on the grid, and control on a finer one."""

from sciwm.evaluation.control import control_task
from sciwm.evaluation.resolution import control_across_grids, encoding_errors, lost_share, on_shapes, refined
from sciwm.evaluation.suite.context import EvaluationContext
from sciwm.evaluation.suite.measures import Measure, Outcome, median_of
from sciwm.evaluation.symmetry import translation_errors
from simulations.generate import Progress


def measure_resolution(context: EvaluationContext, progress: Progress) -> Outcome:
    """Measure how the latent changes with the grid of the fields, and with translations between grid points."""
    settings, shape = context.evaluation.resolution, context.truth.grid.shape
    drawn = context.draw("resolution", settings.samples, 1)
    others = on_shapes(drawn.starts, [tuple(factor * n for n in shape) for factor in settings.factors])
    errors = encoding_errors(context.model, drawn.starts, others)
    measures = [
        median_of(f"change of the latent on {grid} points", errors["encoding_error"].sel(grid=grid), drawn.simulations)
        for grid in map(str, errors["grid"].values)
    ]
    moved = translation_errors(context.model, drawn.starts, drawn.actions[:, 0], seed=context.seed("resolution"))
    meanings = {"encoder_error": "error of encoding translated fields, relative to the latent",
                "predictor_error": "error of a step from a translated latent, relative to the step"}  # fmt: skip
    measures += [
        median_of(meaning, moved[name].max("shift", skipna=False), drawn.simulations)
        for name, meaning in meanings.items()
        if name in moved
    ]
    return Outcome(errors.merge(moved), measures, {})


def measure_refined_control(context: EvaluationContext, progress: Progress) -> Outcome:
    """Control the true simulation by plans of the model, on the grid of the model and on a finer one."""
    settings, config = context.evaluation.refined_control, context.config
    intervals = settings.intervals or config.control.first
    control = config.control.model_copy(update={"episodes": settings.episodes, "intervals": intervals})
    coarse = control_task(config.model_copy(update={"control": control}))
    steps = settings.factor * config.simulated()[0].steps_per_interval
    fine = refined(coarse, settings.factor, steps_per_interval=steps)
    restrict = not context.sees_any_grid
    controlled = control_across_grids(context.model, coarse, fine, restrict=restrict, progress=progress)
    points = [str(p) for p in controlled["points"].values]
    saving, loss, interval = lost_share(controlled, first=intervals)
    lead = intervals * context.interval
    measures = [
        Measure(
            f"share of the cost reduction that is lost on {points[1]} points over {lead:g} time units", loss, interval
        ),
        *(
            median_of(
                f"cost reduction on {p} points, mean square distance", saving.sel(grid=grid), range(settings.episodes)
            )
            for grid, p in zip(("coarse", "fine"), points, strict=True)
        ),
    ]
    return Outcome(controlled.assign(saving=saving), measures, {})
