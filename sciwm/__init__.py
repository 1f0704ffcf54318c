"""sciwm: a scientific world model for partial differential equations."""

__version__ = "0.1.0"
