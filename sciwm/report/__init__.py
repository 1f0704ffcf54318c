"""The page of a run: figures, tables, configuration and versions in one file."""

from sciwm.report.page import write_report
from sciwm.report.result_table import summary_table

__all__ = ["summary_table", "write_report"]
