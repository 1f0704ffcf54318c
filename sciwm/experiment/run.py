"""A run: the folder of one experiment, written by one command at a time."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sciwm.config import Config, differences, dump_config, learned_from, load_run_config, parse_text, simulated_from
from sciwm.data import SensitivitySet, Trajectories, open_trajectories, require_as_written, require_layout
from sciwm.errors import InputError, Problem, raise_if, shown
from sciwm.experiment.origins import result_problems, store_problems, target_problems
from sciwm.metrics import read_metrics
from sciwm.model import DIGEST, WorldModel, load_model, read_description, trained_config
from sciwm.run_folder import at_work_in, locked, require_same_folder
from sciwm.run_paths import RunPaths
from sciwm.sealed_json import to_json
from sciwm.seals import changed_since_written, read_seals, write_sealed
from sciwm.training import read_stored_state, require_same_experiment
from simulations.resumable_store import ResumableStore
from simulations.safe_files import sweep_drafts
from simulations.sensitivity_store import SensitivityStore
from simulations.store import TrajectoryStore


class Run:
    """Reads and writes what a run folder holds; each method reads when it is called.

    Args:
        folder: The run folder, which need not exist yet.

    Example:
        >>> from pathlib import Path
        >>> run = Run(Path("runs/demo"))
        >>> run.config().name  # doctest: +SKIP
        'ks_control'
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths = RunPaths(folder)

    # The experiment -----------------------------------------------------------------------------

    def config(self) -> Config:
        """The experiment, with all default values filled in.

        Raises:
            InputError: If the folder is no run, or its ``config.yaml`` is not valid.
        """
        return load_run_config(self.paths)

    def checked_config(self, *, trains: bool = False) -> Config:
        """The experiment, once it is that of the stores, and of the model or the training that was begun.

        Args:
            trains: Whether a model is to be trained, so that one of other settings may be there.

        Raises:
            InputError: With every setting that differs from those that stores, state or model were made from.
        """
        config = self.config()
        raise_if(store_problems(self.paths, config))
        if trains:
            raise_if(target_problems(self.paths, config))
            self._require_same_training(config)
        else:
            self.check_trained(config=config)
        return config

    def write_config(self, config: Config) -> None:
        """Write ``config.yaml``, whatever the folder holds; :meth:`claim` checks first."""
        write_sealed(self.paths, self.paths.config, dump_config(config).encode())

    def claim(self, config: Config) -> None:
        """Make this the folder of ``config``, or check that it already is.

        Settings that neither the stored data nor, once training has begun, the weights depend on may differ. A
        ``config.yaml`` that was edited, damaged or lost is written anew, if the data and the model are those of
        ``config``.

        Raises:
            InputError: If the folder belongs to another experiment, or holds other files.
        """
        remedy = "choose another --out, or delete the folder"
        begun = (
            self.paths.train_state.exists() or self.paths.old_train_state.exists() or self.paths.description.exists()
        )
        written = self._config_as_written()
        if written is not None and (begun or self.paths.stores):  # before any data are there, nothing depends on it
            depends = learned_from if begun else simulated_from
            changed = "; ".join(differences(depends(written), depends(config)))
            if changed:
                expected = "the configuration of its data and model"
                raise InputError([Problem(str(self.folder), expected, changed, remedy)])
        elif not self.paths.config.exists() and not begun and not self.paths.stores:
            others = sorted(p.name for p in self.folder.iterdir() if p != self.paths.lock and not self._is_for_twins(p))
            if others:
                got = f"a folder with {', '.join(others[:4])} and no config.yaml"
                raise InputError([Problem(str(self.folder), "an empty folder or a run", got, "choose another --out")])
        raise_if(store_problems(self.paths, config))
        self._require_same_training(config)
        if self.paths.description.exists():
            self.check_trained(config=config)
        self.write_config(config)

    def _config_as_written(self) -> Config | None:
        """The experiment of this folder as the last command wrote it; None where nobody knows."""
        sealed = read_seals(self.paths).config
        if sealed is not None:
            return parse_text(sealed, where=str(self.paths.seals))
        try:
            return self.config() if self.paths.config.exists() else None
        except InputError:
            return None

    def _require_same_training(self, config: Config) -> None:
        """Refuse the state of a training that was begun by other settings."""
        state = read_stored_state(self.paths)
        if state is not None:
            require_same_experiment(state.experiment, config, str(self.paths.train_state))

    def _take_over_edits(self) -> None:
        """Take over what was edited in ``config.yaml`` since the last command, and say what it was."""
        path = self.paths.config
        if not changed_since_written(self.paths, path):
            return
        written, config = self._config_as_written(), self.config()
        changed = [] if written is None else differences(written.model_dump(), config.model_dump())
        print(shown(f"sciwm: {path} was edited: {'; '.join(changed) or 'no setting differs'}"), file=sys.stderr)
        write_sealed(self.paths, path, path.read_bytes())

    def _is_for_twins(self, entry: Path) -> bool:
        """Whether it is the data folder with only ``twins.nc`` in it, which a user may put there before simulating."""
        return entry == self.paths.data and entry.is_dir() and list(entry.iterdir()) == [self.paths.twins]

    # Data ---------------------------------------------------------------------------------------

    def trajectories(self, name: str) -> Trajectories:
        """A set of simulations, once it is complete and undamaged.

        Args:
            name: ``train``, ``validation``, ``test`` or ``on_policy_1``, ``on_policy_2``, ...

        Raises:
            InputError: If simulations are missing, or if values are not those that were written.
        """
        path = self.paths.store(name)
        require_layout(path)  # before it is opened by means of it
        data = Trajectories(path)
        _raise_unless_whole(TrajectoryStore(path), "still to be simulated")
        return data

    def sensitivities(self, training_set: Trajectories) -> SensitivitySet:
        """The sensitivities of a run: those of another solver if ``data/twins.nc`` is there, else its own store.

        Args:
            training_set: The simulations that they belong to, which name the variables.

        Raises:
            InputError: If samples are missing, damaged, or of other variables.
        """
        names = [v.name for v in training_set.variables]
        if self.paths.twins.exists():
            return SensitivitySet(self.paths.twins, names, training_set.dimensions)
        path = self.paths.store("sensitivity")
        require_layout(path)
        open_trajectories(path)  # tells first whether it can be opened at all
        _raise_unless_whole(SensitivityStore(path), "samples still to be computed")
        return SensitivitySet(path, names, training_set.dimensions)

    # The model ----------------------------------------------------------------------------------

    def model(self, config: Config) -> WorldModel:
        """The trained model.

        Args:
            config: The experiment that it must have been trained in.

        Raises:
            InputError: If there is no model, if it is damaged, or if it was trained with other settings.
        """
        model, trained = load_model(self.folder)
        self.check_trained(trained, config)
        return model

    def check_trained(self, trained: Config | None = None, config: Config | None = None) -> None:
        """Refuse a model that was trained with other settings than those of ``config.yaml``.

        Args:
            trained: The settings that the model was trained with; read if left out.
            config: The experiment of the run; read if left out.

        Raises:
            InputError: With every key that differs.
        """
        trained, config = trained or trained_config(self.folder), config or self.config()
        changed = "; ".join(differences(learned_from(trained), learned_from(config)))
        if changed:
            remedy = "restore config.yaml, or delete model.* and train_state.* and train again"
            raise InputError([Problem(str(self.folder), "a model trained as config.yaml says", changed, remedy)])

    # Numbers ------------------------------------------------------------------------------------

    def metrics(self) -> dict[str, Any]:
        """The numbers that the stages have written so far; empty before the first.

        Raises:
            InputError: If ``metrics.json`` is damaged.
        """
        return read_metrics(self.paths)

    def add_metrics(self, metrics: dict[str, Any]) -> dict[str, Any]:
        """Add numbers to ``report/metrics.json``, replacing those of the same keys; returns what was added."""
        write_sealed(self.paths, self.paths.metrics, to_json(self.metrics() | metrics))
        return metrics

    def check_results(self, config: Config) -> None:
        """Refuse results that were made from other settings or another model, or whose numbers are not theirs.

        Raises:
            InputError: With every setting that differs, for each result.
        """
        digest = read_description(self.folder)[DIGEST]
        raise_if(result_problems(self.paths, config, self.metrics(), digest=digest))

    # One command at a time ----------------------------------------------------------------------

    @contextmanager
    def stage(self, name: str, *, resumes: bool = False, claims: bool = False) -> Iterator[None]:
        """Lock the folder for one stage, and add its wall time in seconds to the metrics.

        Args:
            name: Name of the stage, as its time is stored.
            resumes: Whether the stage goes on where it was stopped; then the times of all tries add up.
            claims: Whether the stage makes the folder and writes ``config.yaml``; others take over what was edited.

        Raises:
            InputError: If another command is at work in the folder, or if the folder is renamed or removed meanwhile.
        """
        if claims:
            self.folder.mkdir(parents=True, exist_ok=True)
        require_same_folder(self.folder)
        with locked(self.paths, name), at_work_in(self.folder):
            for folder in (self.folder, self.paths.results, self.paths.metrics.parent):
                sweep_drafts(folder)
            if not claims:
                self._take_over_edits()
            times = self.metrics().get("time", {})
            began = time.perf_counter()

            def record() -> None:
                before = times.get(name, 0.0) if resumes else 0.0
                self.add_metrics({"time": times | {name: round(before + time.perf_counter() - began, 2)}})

            try:
                yield
            except (KeyboardInterrupt, SystemExit):  # stopped, to go on later
                record()
                raise
            record()


def _raise_unless_whole(store: ResumableStore, pending: str) -> None:
    path, missing = store.path, store.missing()
    if missing:
        got = f"{len(missing)} {pending}"
        raise InputError(
            [Problem(str(path), "a complete set", got, "let 'sciwm simulate' finish, or 'sciwm bring-in'")]
        )
    require_as_written(path)
