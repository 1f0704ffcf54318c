"""Benchmarks: each is a command, its result a JSON file, and the tables are generated from accepted results."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sciwm.benchmarks.runner import BENCHMARKS, TABLE_FILES, run_benchmark, update_tables

__all__ = [
    "BENCHMARKS",
    "TABLE_FILES",
    "run_benchmark",
    "update_tables",
]

if not TYPE_CHECKING:  # a process that one benchmark starts imports this, and need not wait for all the others

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module 'sciwm.benchmarks' has no attribute '{name}'")
        return getattr(import_module("sciwm.benchmarks.runner"), name)
