"""Reproducible tables: each benchmark is a command, its result a JSON file, README's tables are made from it."""
