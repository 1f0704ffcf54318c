"""What the data of others add to a domain: parameters of each run, and forcings in several variables."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

import xarray as xr

Label = str | int | float


@dataclass(frozen=True)
class Parameter:
    """A number that is constant in a run, and that the dynamics depend on.

    Args:
        name: Its name in Datasets.
        long_name: Its name in figures.
        units: Its units; "1" is dimensionless.
        mean: Its mean over the training data.
        deviation: Its standard deviation there; 0 where all runs share one value.
        low: Its smallest value there.
        high: Its largest value there.
    """

    name: str
    long_name: str
    units: str
    mean: float
    deviation: float
    low: float
    high: float


@dataclass(frozen=True)
class ForcingVariable:
    """A variable whose values are some of the actions.

    Args:
        name: Its name in Datasets.
        long_name: Its name in figures.
        units: Its units; "1" is dimensionless.
        dimension: The dimension that it has beside time; empty where it has none.
        labels: Its labels along this dimension; empty where there is none.
        first: The place of its first value among the actions.
        count: The number of its values.
    """

    name: str
    long_name: str
    units: str
    dimension: str
    labels: tuple[Label, ...]
    first: int
    count: int


@dataclass(frozen=True)
class Roles:
    """What a store of brought-in data states about where its values came from.

    Args:
        forcings: The variables whose values are the actions; empty where nothing acts.
        parameters: The names of the parameters, with ``long_name`` and ``units``.
        time_name: The name of the time in the files.
        run_name: The name of the dimension over runs in the files.
        bounds: In words, where the bounds of each forcing came from.
        functionals: The names of numbers over time, which are no part of the state.
    """

    forcings: tuple[ForcingVariable, ...] = ()
    parameters: tuple[dict[str, str], ...] = ()
    time_name: str = "time"
    run_name: str = "simulation"
    bounds: dict[str, str] = field(default_factory=dict)
    functionals: tuple[str, ...] = ()

    def limits(self, forcing: str) -> tuple[bool, bool]:
        """Whether the lower and the upper bound of a forcing are limits that the configuration or the file states."""
        words = self.bounds.get(forcing, "")
        low, high = (words == "source.bounds" or key in words for key in ("valid_min", "valid_max"))
        return low, high

    def to_json(self) -> str:
        """The roles as text, for the attribute ``sciwm_source`` of a store."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Roles":
        """Inverse of :meth:`to_json`.

        Raises:
            ValueError: If the text does not hold roles.
        """
        try:
            plain = dict(json.loads(text))
            forcings = tuple(forcing_from(f) for f in plain.pop("forcings"))
            functionals = tuple(plain.pop("functionals", ()))
            return cls(forcings=forcings, parameters=tuple(plain.pop("parameters")), functionals=functionals, **plain)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"expected the roles of the variables of a store, got {text[:80]!r}") from error


ATTRIBUTE = "sciwm_source"
"""The attribute of a store that states where its values came from."""


def roles_of(dataset: xr.Dataset) -> Roles | None:
    """The roles that a store states; None for one that a simulation wrote.

    Raises:
        ValueError: If the attribute does not hold roles.
    """
    return Roles.from_json(str(dataset.attrs[ATTRIBUTE])) if ATTRIBUTE in dataset.attrs else None


def forcing_from(plain: dict[str, Any]) -> ForcingVariable:
    """A forcing from plain data, in which labels are a list."""
    return ForcingVariable(**plain | {"labels": tuple(plain["labels"])})
