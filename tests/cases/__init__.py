"""Every periodic equation of the catalogue, one module each; a new equation is tested by being listed here."""

import importlib
from pathlib import Path

from cases.case import Case

CASES: dict[str, Case] = {}
for _path in sorted(Path(__file__).parent.glob("*.py")):
    if _path.stem not in ("__init__", "case"):
        CASES |= importlib.import_module(f"cases.{_path.stem}").CASES
