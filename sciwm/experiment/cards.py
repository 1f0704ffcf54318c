"""The model card of a run: what is known of the data goes into ``model.json``, and ``README.md`` says it in words."""

from sciwm.config import Config
from sciwm.data.data_card import data_card
from sciwm.experiment.run import Run
from sciwm.model import add_card, read_description
from sciwm.seals import write_sealed
from sciwm.surrogate.model_card import card_text


def describe_model(config: Config, run: Run) -> None:
    """Add to a trained model what is known of its data, and write its card."""
    if "card" not in read_description(run.folder):
        add_card(run.folder, data_card(config, {name: run.trajectories(name) for name in _sets(run)}))
    write_card(run)


def write_card(run: Run) -> None:
    """Write ``README.md`` from the description of the model and the numbers that there are, if it is not so already."""
    content = card_text(read_description(run.folder), run.metrics()).encode()
    if not run.paths.card.exists() or run.paths.card.read_bytes() != content:
        write_sealed(run.paths, run.paths.card, content)


def _sets(run: Run) -> list[str]:
    """The sets that there are: a model that is fitted to Datasets may have none for the test."""
    return [name for name in ("train", "validation", "test") if run.paths.store(name).exists()]
