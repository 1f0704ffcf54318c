"""The frozen, strict schema of an experiment, a file for each part."""

from sciwm.config.evaluation import EvaluationSettings
from sciwm.config.experiment import Config
from sciwm.config.identity import (
    LEARNED_SECTIONS,
    SIMULATED_SECTIONS,
    differences,
    learned_from,
    sections_at,
    simulated_from,
)
from sciwm.config.kinds import EACH, ONE, Section
from sciwm.config.loss import CollapseSettings, LossSettings, PhysicsSettings
from sciwm.config.model import CANDIDATES, EncoderSettings, ModelSettings, PredictorSettings
from sciwm.config.planning import CEMSettings, GradientSettings, PlanningSettings
from sciwm.config.rules import ORIGINS
from sciwm.config.simulation import PeriodicEquation, SimulationSettings
from sciwm.config.source import SourceSettings, SplitSettings
from sciwm.config.training import TrainingSettings
from sciwm.config.yaml_files import dump_config, load_config, load_run_config, parse_config, parse_text, shipped_config

__all__ = [
    "CANDIDATES",
    "EACH",
    "LEARNED_SECTIONS",
    "ONE",
    "ORIGINS",
    "SIMULATED_SECTIONS",
    "CEMSettings",
    "CollapseSettings",
    "Config",
    "EncoderSettings",
    "EvaluationSettings",
    "GradientSettings",
    "LossSettings",
    "ModelSettings",
    "PeriodicEquation",
    "PhysicsSettings",
    "PlanningSettings",
    "PredictorSettings",
    "Section",
    "SimulationSettings",
    "SourceSettings",
    "SplitSettings",
    "TrainingSettings",
    "differences",
    "dump_config",
    "learned_from",
    "load_config",
    "load_run_config",
    "parse_config",
    "parse_text",
    "sections_at",
    "shipped_config",
    "simulated_from",
]
