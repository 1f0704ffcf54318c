"""The uncertainty of a model as a file without code, beside its weights: ``uncertainty.safetensors``.

Its header states which weights it belongs to and the sha256 of everything in it.
"""

import hashlib
import json
from dataclasses import fields
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from sciwm.errors import InputError, Problem, in_one_line
from sciwm.model import WorldModel, read_description
from sciwm.model.ensemble import StepEnsemble
from sciwm.run_folder import require_no_special_files
from sciwm.run_paths import RunPaths
from sciwm.seals import write_sealed
from sciwm.uncertainty.familiarity import Familiarity
from sciwm.uncertainty.uncertainty import OF_SCORES, Calibration, Uncertainty

FORMAT = 1
REMEDY = "delete it, and make it again with 'sciwm train {run}'"
OWN = ("truncation", "left_out", "valid", "thresholds", "starts")
"""The tensors that stand in an uncertainty itself."""
LATER = {"independent": (len(OF_SCORES),), "medians": (2, len(OF_SCORES))}
"""Those that files of earlier versions lack, with their shapes: not a number there."""


def save_uncertainty(paths: RunPaths, uncertainty: Uncertainty) -> None:
    """Write the uncertainty of the model of a run, whole or not at all."""
    tensors = _tensors(uncertainty)
    about = {
        "format": FORMAT,
        "weights": read_description(paths.folder)["sha256"],
        "runs": uncertainty.calibration.runs,
    }
    header = {"sciwm": json.dumps(about | {"sha256": _digest(about, tensors)}, sort_keys=True)}
    write_sealed(paths, paths.uncertainty, save_tensors(tensors, metadata=header))


def load_uncertainty(paths: RunPaths, model: WorldModel) -> Uncertainty | None:
    """The uncertainty of the model of a run; None where there is none, or one of other weights.

    Args:
        paths: The paths of the run.
        model: Its model.

    Raises:
        InputError: If the file is damaged: a single flipped bit is found.
    """
    if not paths.uncertainty.exists():
        return None
    require_no_special_files(paths)
    try:
        about, tensors = _read(paths)
        if about["weights"] != read_description(paths.folder)["sha256"]:
            return None
        digest = about.pop("sha256")
        if digest != _digest(about, tensors):
            raise ValueError("its content is another than was written, by its sha256")
        return _uncertainty(about, tensors)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        remedy = REMEDY.format(run=paths.folder)
        expected = f"the uncertainty of a model, format {FORMAT}"
        raise InputError([Problem(str(paths.uncertainty), expected, in_one_line(error), remedy)]) from error


def is_of_this_model(paths: RunPaths) -> bool:
    """Whether there is an undamaged uncertainty of the present weights."""
    try:
        about, tensors = _read(paths)
        digest = about.pop("sha256")
        return bool(about["weights"] == read_description(paths.folder)["sha256"] and digest == _digest(about, tensors))
    except (InputError, OSError, SafetensorError, ValueError, KeyError, TypeError, RuntimeError):
        return False


def _read(paths: RunPaths) -> tuple[dict[str, Any], dict[str, Tensor]]:
    with safe_open(paths.uncertainty, framework="pt") as file:
        about: dict[str, Any] = json.loads((file.metadata() or {})["sciwm"])
    if about["format"] != FORMAT:
        raise ValueError(f"format {about['format']}")
    return about, load_tensors(paths.uncertainty.read_bytes())


def _digest(about: dict[str, Any], tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name in sorted(tensors):
        values = tensors[name].contiguous()
        digest.update(f"{name} {values.dtype} {tuple(values.shape)}".encode())
        digest.update(values.numpy().tobytes())
    return digest.hexdigest()


def _tensors(uncertainty: Uncertainty) -> dict[str, Tensor]:
    calibration, familiarity = uncertainty.calibration, uncertainty.familiarity
    tensors = {name: getattr(uncertainty, name) for name in (*OWN, *LATER)}
    tensors |= {f"ensemble.{name}": values for name, values in uncertainty.ensemble.state_dict().items()}
    tensors |= {f"familiarity.{f.name}": getattr(familiarity, f.name) for f in fields(Familiarity)}
    names = [f.name for f in fields(Calibration) if f.name != "runs"]
    tensors |= {f"calibration.{name}": getattr(calibration, name) for name in names}
    return {name: values.detach().clone().contiguous() for name, values in tensors.items()}


def _uncertainty(about: dict[str, Any], tensors: dict[str, Tensor]) -> Uncertainty:
    by_part: dict[str, dict[str, Tensor]] = {"ensemble": {}, "familiarity": {}, "calibration": {}}
    for name, values in tensors.items():
        part, _, rest = name.partition(".")
        if rest:
            by_part[part][rest] = values
    corrections, components = by_part["ensemble"]["corrections"], by_part["ensemble"]["components"]
    pairs, features, size = corrections.shape
    ensemble = StepEnsemble(pairs, components.shape[1], features - components.shape[1] - 1, size)
    ensemble.load_state_dict(by_part["ensemble"])
    ensemble.requires_grad_(False)
    calibration = Calibration(**by_part["calibration"], runs=int(about["runs"]))
    later = {n: tensors.get(n, torch.full(shape, torch.nan, dtype=torch.float64)) for n, shape in LATER.items()}
    own = {n: tensors[n] for n in OWN} | later
    return Uncertainty(ensemble, Familiarity(**by_part["familiarity"]), calibration, **own)


def require_uncertainty(uncertainty: Uncertainty | None, asked: str) -> Uncertainty:
    """The uncertainty, if there is one.

    Args:
        uncertainty: That of a model.
        asked: What it is needed for.

    Raises:
        InputError: If there is none.
    """
    if uncertainty is None:
        remedy = "make it with 'sciwm train RUN', which goes on where it stopped; a model of fields can have none"
        raise InputError([Problem(asked, "a model with calibrated errors", "a model without", remedy)])
    return uncertainty
