"""Benchmarks: each is a command, its result a JSON file, and the tables are generated from accepted results."""
