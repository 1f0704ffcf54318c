"""Benchmarks: each is a command, its result a JSON file, and the tables are generated from accepted results."""

from sciwm.benchmarks.runner import BENCHMARKS, TABLE_FILES, run_benchmark, update_tables

__all__ = [
    "BENCHMARKS",
    "TABLE_FILES",
    "run_benchmark",
    "update_tables",
]
