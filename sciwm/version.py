"""The version of sciwm, for the package's metadata and for everything it writes."""

__version__ = "0.4.0"
