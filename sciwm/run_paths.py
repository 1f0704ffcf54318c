"""The names of all files in a run folder, which stand here alone."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunPaths:
    """The paths of everything in a run folder; nothing is read or written here.

    Args:
        folder: the run folder.
    """

    folder: Path

    @property
    def config(self) -> Path:
        """The experiment, with all default values filled in."""
        return self.folder / "config.yaml"

    @property
    def lock(self) -> Path:
        """Locked by the command that writes to the folder."""
        return self.folder / ".lock"

    # Data ---------------------------------------------------------------------------------------

    @property
    def data(self) -> Path:
        """The folder of all stores."""
        return self.folder / "data"

    def store(self, name: str) -> Path:
        """The store of a set: ``train``, ``validation``, ``test``, ``on_policy_1``, ... or ``sensitivity``."""
        return self.data / f"{name}.zarr"

    @property
    def stores(self) -> list[Path]:
        """All stores that exist."""
        return sorted(self.data.glob("*.zarr"))

    @property
    def twins(self) -> Path:
        """Sensitivities of another solver, which a user may put here; they are used in place of own ones."""
        return self.data / "twins.nc"

    # Training -----------------------------------------------------------------------------------

    @property
    def train_state(self) -> Path:
        """The state from which a stopped training goes on."""
        return self.folder / "train_state.pt"

    @property
    def history(self) -> Path:
        """One line of metrics for every epoch."""
        return self.folder / "metrics.jsonl"

    @property
    def weights(self) -> Path:
        """Weights and scales of the trained model."""
        return self.folder / "model.safetensors"

    @property
    def description(self) -> Path:
        """Variables, grid, settings and provenance of the trained model, and the digests of its weights."""
        return self.folder / "model.json"

    # Results ------------------------------------------------------------------------------------

    @property
    def results(self) -> Path:
        """The folder of the evaluation."""
        return self.folder / "evaluation"

    def result(self, part: str) -> Path:
        """The result of one part of the evaluation."""
        return self.results / f"{part}.nc"

    @property
    def controlled(self) -> Path:
        """The true simulation under every controller, from held-out starts."""
        return self.folder / "controlled.nc"

    @property
    def metrics(self) -> Path:
        """The numbers of all stages."""
        return self.folder / "report" / "metrics.json"

    @property
    def page(self) -> Path:
        """The report."""
        return self.folder / "report" / "index.html"

    def figure(self, name: str) -> Path:
        """One picture of the report."""
        return self.folder / "report" / "figures" / f"{name}.png"

    def holds(self, path: Path) -> bool:
        """Whether ``path`` is a file of this run, or has the place of one that a stage may write."""
        folder, resolved = self.folder.resolve(), path.resolve()
        if not resolved.is_relative_to(folder) or resolved == folder:
            return False
        files = (self.config, self.lock, self.train_state, self.history, self.weights, self.description)
        places = (*files, self.controlled, self.data, self.results, self.metrics.parent)
        return path.exists() or resolved.relative_to(folder).parts[0] in {place.name for place in places}


def store_beside(store: Path, name: str) -> Path:
    """Another store of the run that ``store`` belongs to."""
    return store.with_name(f"{name}.zarr")
