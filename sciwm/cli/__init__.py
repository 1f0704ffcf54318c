"""The ``sciwm`` command."""

from sciwm.cli.commands import main

__all__ = ["main"]
