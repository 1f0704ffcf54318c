"""How one part is judged, and what several rules need."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from sciwm.evaluation.suite import Measure
from sciwm.report.contents import Results
from sciwm.report.finding import Finding
from sciwm.report.numbers import in_text

READABLE = 0.5
"""Half of the variance within simulations; 0 is what the mean of each simulation explains."""
NOTICED = 0.9
"""AUROC that every violation and every damage must reach; chance is 0.5."""


@dataclass(frozen=True)
class Rule:
    """How one part is judged.

    Args:
        sentence: when it is good, as the page says it.
        needs: variables without which it can be neither judged nor drawn; results of older versions may lack them.
        judge: makes the finding.
    """

    sentence: str
    needs: tuple[str, ...]
    judge: Callable[[Results, xr.Dataset], Finding]


def groups_of(found: xr.Dataset, dim: str = "sample") -> xr.DataArray:
    """The simulation that each sample comes from; results that do not know it have as many groups as samples."""
    return found["simulation"] if "simulation" in found.coords else xr.DataArray(np.arange(found.sizes[dim]), dims=dim)


def between(measure: Measure) -> str:
    """The interval in brackets, empty if there is none."""
    if measure.interval is None:
        return ""
    return " ({} to {})".format(*map(in_text, measure.interval))
