"""The world model: encoder, predictor, readouts, and the checkpoint that keeps them."""

from sciwm.model.checkpoint import (
    DIGEST,
    add_card,
    load_model,
    read_description,
    require_weights,
    save_model,
    trained_config,
)
from sciwm.model.construction import ENCODERS, names_problems, starts_linear
from sciwm.model.encoder import Encoder
from sciwm.model.forcing_fit import fit_forcing
from sciwm.model.latent_statistics import LatentStatistics
from sciwm.model.left_out import fields_to_see, residual_of
from sciwm.model.linear_readout import LinearReadout
from sciwm.model.predictor import ExponentialPredictor
from sciwm.model.readouts import Labels
from sciwm.model.scale_fit import fit_scales
from sciwm.model.world_model import FINER_GRID, WorldModel

__all__ = [
    "DIGEST",
    "ENCODERS",
    "FINER_GRID",
    "Encoder",
    "ExponentialPredictor",
    "Labels",
    "LatentStatistics",
    "LinearReadout",
    "WorldModel",
    "add_card",
    "fields_to_see",
    "fit_forcing",
    "fit_scales",
    "load_model",
    "names_problems",
    "read_description",
    "require_weights",
    "residual_of",
    "save_model",
    "starts_linear",
    "trained_config",
]
