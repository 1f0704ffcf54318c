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

    @property
    def seals(self) -> Path:
        """The digests of configuration, numbers and results."""
        return self.folder / "seals.json"

    @property
    def sealed_files(self) -> list[Path]:
        """The files that are there and of which ``seals.json`` holds the digests, if this version wrote them."""
        results = (*sorted(self.results.glob("*.nc")), self.controlled, self.metrics)
        pages = (self.page, *sorted(self.page.parent.glob("figures/*.png")))
        files = (self.config, self.history, self.uncertainty, self.card, *results, *pages)
        return [path for path in files if path.exists()]

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
        """The state from which a stopped training goes on; it names the file of its tensors."""
        return self.folder / "train_state.json"

    def train_tensors(self, digest: str) -> Path:
        """The tensors of a state, by their sha256: those of the state before stay until the new state is written."""
        return self.folder / f"train_state-{digest[:16]}.safetensors"

    @property
    def all_train_tensors(self) -> list[Path]:
        """The tensors of the state, and of states that were being written when a training was stopped."""
        return sorted(self.folder.glob("train_state-*.safetensors"))

    @property
    def old_train_state(self) -> Path:
        """The state of a training by 0.2 and before."""
        return self.folder / "train_state.pt"

    @property
    def history(self) -> Path:
        """One line of metrics for every epoch."""
        return self.folder / "metrics.jsonl"

    def candidate(self, name: str) -> Path:
        """The folder in which a candidate is trained where the predictor is to be chosen; it is a run of its own."""
        return self.candidates / name

    @property
    def candidates(self) -> Path:
        """The folder of all candidates."""
        return self.folder / "candidates"

    @property
    def weights(self) -> Path:
        """Weights and scales of the trained model."""
        return self.folder / "model.safetensors"

    @property
    def description(self) -> Path:
        """Variables, grid, settings and provenance of the trained model, and the digests of its weights."""
        return self.folder / "model.json"

    @property
    def uncertainty(self) -> Path:
        """The ensemble of the trained model, the calibration of its errors, and what is usual in its data."""
        return self.folder / "uncertainty.safetensors"

    @property
    def card(self) -> Path:
        """What the model is, how wrong, and where not to use it, in words."""
        return self.folder / "README.md"

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
        training = (self.train_state, self.old_train_state, self.history)
        model = (self.weights, self.description, self.uncertainty, self.card)
        files = (self.config, self.lock, self.seals, *training, *model)
        places = (*files, self.controlled, self.data, self.results, self.metrics.parent, self.candidates)
        return path.exists() or resolved.relative_to(folder).parts[0] in {place.name for place in places}


def store_beside(store: Path, name: str) -> Path:
    """Another store of the run that ``store`` belongs to."""
    return store.with_name(f"{name}.zarr")
