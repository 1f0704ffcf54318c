"""The names of all files in a run folder. No other module knows one."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunPaths:
    """Where a run keeps what; nothing is read or written here.

    Args:
        folder: the run folder.
    """

    folder: Path

    @property
    def config(self) -> Path:
        """The resolved experiment."""
        return self.folder / "config.yaml"

    @property
    def lock(self) -> Path:
        """Held by the one command that is at work in the folder."""
        return self.folder / ".lock"

    # Data ---------------------------------------------------------------------------------------

    @property
    def data(self) -> Path:
        """Folder of all stores."""
        return self.folder / "data"

    def store(self, name: str) -> Path:
        """A set of simulations: ``train``, ``validation``, ``test``, ``on_policy_1``, ``sensitivity``, ..."""
        return self.data / f"{name}.zarr"

    @property
    def stores(self) -> list[Path]:
        """The stores that are there."""
        return sorted(self.data.glob("*.zarr"))

    @property
    def twins(self) -> Path:
        """Sensitivities that another solver has computed, if somebody put them there."""
        return self.data / "twins.nc"

    # Training -----------------------------------------------------------------------------------

    @property
    def train_state(self) -> Path:
        """What a stopped training goes on from."""
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
        """Everything about the trained model but its weights."""
        return self.folder / "model.json"

    # Results ------------------------------------------------------------------------------------

    @property
    def results(self) -> Path:
        """Folder of the evaluation."""
        return self.folder / "evaluation"

    def result(self, part: str) -> Path:
        """The result of one part of the evaluation."""
        return self.results / f"{part}.nc"

    @property
    def controlled(self) -> Path:
        """Every controller on held-out starts."""
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
        """Whether ``path`` is a file that this run has, or may get."""
        inside = path.resolve().is_relative_to(self.folder.resolve())
        reserved = (self.config, self.controlled, self.history, self.description, self.weights)
        return inside and (
            path.exists()
            or path.name in {p.name for p in reserved}
            or path.resolve().is_relative_to(self.results.resolve())
        )
