"""An experiment and its folder: the run, and the stages that fill it."""

from sciwm.experiment.run import Run

__all__ = ["Run"]
