"""The rules between an experiment and the data that were brought in for it, told with the problems of the data."""

from sciwm.config import Config
from sciwm.data import Axis
from sciwm.data.source import Sizes
from sciwm.errors import InputError, Problem
from sciwm.model import names_problems
from sciwm.training import require_memory


def size_problems(config: Config, sizes: Sizes) -> list[Problem]:
    """What the sections of an experiment ask for that its data do not have."""
    model, evaluation = config.model, config.evaluation
    points = min(len(axis.values) for axis in sizes.axes)
    periodic = all(axis.periodic for axis in sizes.axes)
    spectral, vector = model.latent == "spectral", model.latent == "vector"
    finest = min(len(a.values) // 2 if a.periodic else len(a.values) for a in sizes.axes)
    most = min(sizes.values, max(1, sizes.instants - 1))
    slaved = max(0, min(model.latent_modes, points // 2 - 1 - model.latent_modes))
    rules = [
        (
            "model.latent_size",
            model.latent_size if vector else 0,
            most,
            f"at most {most}, as {sizes.instants} instants of {sizes.values} values have principal components",
        ),
        ("model.latent_modes", model.latent_modes if spectral else 0, points // 2 - 1, f"fewer than {points // 2}"),
        ("model.predictor.slaved_modes", model.predictor.slaved_modes if spectral else 0, slaved, f"at most {slaved}"),
        ("model.encoder.modes", model.encoder.modes if model.encoder.layers else 0, finest, f"at most {finest}"),
    ]
    problems = [Problem(key, f"{told} on this grid", str(asked)) for key, asked, most, told in rules if asked > most]
    if vector and model.latent_size <= most and (modes := sizes.modes(model.latent_size)) < model.latent_size:
        expected = f"at most {modes}, as many modes as the training states have: their values depend on each other"
        problems.append(Problem("model.latent_size", expected, str(model.latent_size), f"set it to {modes}"))
    if spectral and not periodic:
        problems.append(Problem("model.latent", "vector, as not all dimensions are periodic", "spectral"))
    longest = sizes.longest["test"] * sizes.interval
    problems += [
        Problem(f"evaluation.{key}", f"from one interval ({sizes.interval:g}) to {longest:g} (the test)", f"{time:g}")
        for key, time in evaluation.lead_times().items()
        if longest and not sizes.interval / 2 < time <= longest * (1 + 1e-9)
    ]
    source = config.source
    if source is not None:
        problems += names_problems(model, source.variables, source.space)
    axes = [
        Axis(a.name, len(a.values), float(a.values[-1] - a.values[0]) / (len(a.values) - 1), periodic=a.periodic)
        for a in sizes.axes
    ]
    try:
        require_memory(config, axes)
    except InputError as error:
        problems += error.problems
    return problems
