"""A trained model as files without code: weights as safetensors, everything else as JSON.

``model.safetensors`` holds weights and scales. ``model.json`` describes them, with their sha256, and can be read
without torch. Loading executes nothing from either file.
"""

import hashlib
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from sciwm.config import Config, ModelSettings, parse_config
from sciwm.data import Domain
from sciwm.errors import InputError, Problem, in_one_line
from sciwm.files import write_atomically
from sciwm.migration import migrated_config, migrated_weights
from sciwm.model.world_model import WorldModel
from sciwm.run_folder import require_no_special_files, require_same_folder
from sciwm.run_paths import RunPaths
from sciwm.sealed_json import from_json, is_sealed, sealed
from sciwm.version import __version__
from simulations.torch_modes import ordinary

FORMAT = 6
READABLE = (3, 4, 5, FORMAT)
"""The formats that can be read; ``sciwm.migration`` converts older ones."""
DIGEST = "description_sha256"
"""The entry with the digest of all others; ``sha256`` is that of the weights."""
PARTS = {"sha256": str, "latent_size": int, "domain": dict, "config": dict, "provenance": dict}


def save_model(run: Path, model: WorldModel, config: Config, provenance: dict[str, Any]) -> None:
    """Write a model to the run folder.

    Args:
        run: The run folder.
        model: The model.
        config: The experiment that it was trained by.
        provenance: Plain data on its training: data sets, phases, held-out error.
    """
    weights = save_tensors(_to_real(model.state_dict()))
    description = {
        "format": FORMAT,
        "sciwm": __version__,
        "torch": torch.__version__,
        "sha256": hashlib.sha256(weights).hexdigest(),
        "latent_size": model.latent_size,
        "domain": model.domain.to_json(),
        "config": config.model_dump(),
        "provenance": provenance,
    }
    require_same_folder(run)
    write_atomically(RunPaths(run).weights, weights, within=run)
    write_atomically(RunPaths(run).description, sealed(description, DIGEST), within=run)


def add_card(run: Path, card: dict[str, Any]) -> None:
    """Add what is known of the data to the description of a model; its weights stay as they are.

    Args:
        run: The run folder.
        card: Plain data, which becomes the entry ``card``.
    """
    described = {key: value for key, value in read_description(run).items() if key != DIGEST}
    require_same_folder(run)
    write_atomically(RunPaths(run).description, sealed(described | {"card": card}, DIGEST), within=run)


def read_description(run: Path) -> dict[str, Any]:
    """Read and check ``model.json`` of a run; weights are not needed.

    Raises:
        InputError: If it is missing, damaged or of a format that cannot be read.
    """
    path = RunPaths(run).description
    if not path.exists():
        remedy = "train one with 'sciwm run CONFIG --out RUN'"
        raise InputError([Problem(str(path), "a trained model", "nothing there", remedy)])
    require_no_special_files(RunPaths(run))
    content = path.read_bytes()
    try:
        description: dict[str, Any] = from_json(content)
        if description["format"] not in READABLE:
            readable = f"format {', '.join(map(str, READABLE[:-1]))} or {FORMAT}"
            got, remedy = f"format {description['format']}", "use the sciwm that wrote it"
            raise InputError([Problem(str(path), readable, got, remedy)])
        for key, kind in PARTS.items():
            if not isinstance(description[key], kind):
                raise TypeError(f"'{key}' is not a {kind.__name__}")
    except InputError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        remedy, got = "restore it from a backup, or train again", in_one_line(error)
        raise InputError([Problem(str(path), "a model description in JSON", got, remedy)]) from error
    if not is_sealed(content, description, DIGEST):
        remedy = "the file is damaged or was edited: restore it from a backup, or train again"
        raise InputError([Problem(str(path), "the content that was written, by its sha256", "another", remedy)])
    return description


def trained_config(run: Path) -> Config:
    """The configuration that the model of ``run`` was trained by.

    Raises:
        InputError: If there is no model, or its description is damaged.
    """
    return _config_of(read_description(run), run)


def _config_of(description: dict[str, Any], run: Path) -> Config:
    return parse_config(migrated_config(description["config"]), where=str(RunPaths(run).description))


def require_weights(run: Path) -> None:
    """Compare the weights with their digest in ``model.json``, without reading them as such; nothing if there are none.

    Raises:
        InputError: If the file is damaged, or the description is.
    """
    path, description = RunPaths(run).weights, read_description(run)
    if path.exists():
        with path.open("rb") as file:
            _require_digest(path, hashlib.file_digest(file, "sha256").hexdigest(), description)


def _require_digest(path: Path, digest: str, description: dict[str, Any]) -> None:
    wanted = description["sha256"]
    if digest != wanted:
        remedy = "the file is damaged or was exchanged: restore it from a backup, or train again"
        raise InputError([Problem(str(path), f"sha256 {wanted[:16]}...", f"{digest[:16]}...", remedy)])


def load_model(run: Path) -> tuple[WorldModel, Config]:
    """Load a trained model from a run folder, ready for use, and its configuration.

    Raises:
        InputError: If a file is missing or damaged; a single flipped bit is found.
    """
    description = read_description(run)
    path = RunPaths(run).weights
    if not path.exists():
        raise InputError(
            [
                Problem(
                    str(path),
                    "the weights that model.json describes",
                    "nothing there",
                    "restore the file, or train again",
                )
            ]
        )
    content = path.read_bytes()
    _require_digest(path, hashlib.sha256(content).hexdigest(), description)
    config = _config_of(description, run)
    try:
        domain = Domain.from_json(description["domain"])
        with ordinary():
            model = WorldModel(_settings_of(config, description), domain)
            weights = migrated_weights(load_tensors(content))
            if any(name.startswith("statistics.") for name in weights):  # older models have none
                model.with_statistics()
            model.load_state_dict(_to_complex(weights, model.state_dict()))
    except InputError:
        raise  # with its own problems
    except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        got = in_one_line(error)
        raise InputError([Problem(str(run), "weights that fit the description", got, "train again")]) from error
    lost = sorted(name for name, values in model.state_dict().items() if not torch.isfinite(values).all())
    if lost:
        got = f"others in {', '.join(lost[:4])}"
        raise InputError([Problem(str(path), "weights that are finite numbers", got, "train again")])
    return model.freeze(), config


def _settings_of(config: Config, description: dict[str, Any]) -> ModelSettings:
    """The settings of the model, with the predictor that was chosen where that was asked for."""
    if config.model.predictor.kind != "auto":
        return config.model
    return config.model.choosing(description["provenance"]["choice"]["chosen"])


def _to_real(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Complex weights as real ones with a last axis of two, as the format has no complex numbers for all readers."""
    return {k: (torch.view_as_real(v) if v.is_complex() else v).contiguous() for k, v in state.items()}


def _to_complex(state: dict[str, Tensor], like: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k: torch.view_as_complex(v) if k in like and like[k].is_complex() else v for k, v in state.items()}
