"""The rules between sections where data come from files; what needs the data themselves is checked with them."""

from typing import TYPE_CHECKING

from sciwm.config.rules import broken
from sciwm.config.source import SourceSettings

if TYPE_CHECKING:
    from sciwm.config.experiment import Config
else:
    Config = object

WITHOUT_SIMULATOR = "as data from files come without a simulator"


def problems_of_source(config: Config, source: SourceSettings) -> list[str]:
    """The rules that an experiment with files breaks, in words.

    Args:
        config: The experiment.
        source: Its section ``source``.
    """
    model, training, physics = config.model, config.training, config.loss.physics
    matched = {name: getattr(physics, name) for name in ("twins", "tangents", "adjoints")}
    walls = [d for d in source.space if d not in (source.periodic or ())]
    parameters = {"shifts": config.evaluation.shifts.parameter, "surprise": config.evaluation.surprise.parameter}
    return broken(
        (
            "model.latent",
            model.latent == "spectral" and bool(walls),
            f"a latent for a domain with ends along {' and '.join(walls)}",
            "spectral; use model.latent: vector",
        ),
        ("model.ledger", model.ledger, "false, as files hold no budgets", "true"),
        (
            "model.conserved",
            bool(model.conserved),
            "no variables, as it is not known where forcings act",
            ", ".join(model.conserved),
        ),
        (
            "training.augmentation",
            bool(training.augmentation),
            "none, as it is not known where forcings act",
            ", ".join(training.augmentation),
        ),
        (
            "training.on_policy.rounds",
            training.on_policy.rounds > 0,
            f"0, {WITHOUT_SIMULATOR}",
            str(training.on_policy.rounds),
        ),
        *(
            (f"loss.physics.{name}", weight > 0, f"0, {WITHOUT_SIMULATOR}", f"{weight:g}")
            for name, weight in matched.items()
        ),
        *(
            (f"evaluation.{part}.parameter", name is not None, f"nothing, {WITHOUT_SIMULATOR}", str(name))
            for part, name in parameters.items()
        ),
    )
