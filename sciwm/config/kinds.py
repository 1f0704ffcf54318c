"""Kinds of values that keys may have, and the base of all sections."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag


def whole(value: Any) -> Any:
    """Take a number such as 2e3 as the integer that it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def as_tuple(value: Any) -> Any:
    """Take a list as a tuple, as YAML has only lists."""
    return tuple(value) if isinstance(value, list) else value


def _form(value: Any) -> str:
    """The form of a value: one, or a list with one for each."""
    return EACH if isinstance(value, list | tuple) else ONE


def _box_form(value: Any) -> str:
    """The form of a box: an interval, or a list with an interval along each dimension."""
    return EACH if isinstance(value, list | tuple) and any(_form(v) == EACH for v in value) else ONE


ONE, EACH = "<one>", "<each>"
"""The forms that a value may have. They are no keys, so that errors leave them out."""

# Upper bounds catch typing errors before they take all memory.
Integer = Annotated[int, BeforeValidator(whole)]
Count = Annotated[Integer, Field(ge=1, lt=2**31)]
Many = Annotated[Count, Field(le=10**6)]
"""A number of simulations, samples or intervals."""
Width = Annotated[Count, Field(le=4096)]
"""A number of channels, a rank, or a size to which matrices are proportional."""
Points = Annotated[Integer, Field(ge=3, le=65536)]
Steps = Annotated[Integer, Field(ge=2, le=10**4, multiple_of=2)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
T = TypeVar("T")
Along = Annotated[
    Annotated[T, Tag(ONE)]
    | Annotated[tuple[T, ...], BeforeValidator(as_tuple), Field(min_length=1, max_length=2), Tag(EACH)],
    Discriminator(_form),
]
"""One value for all dimensions, or a list with one along each."""
Sets = Annotated[
    Annotated[T, Tag(ONE)] | Annotated[tuple[T, ...], BeforeValidator(as_tuple), Field(min_length=1), Tag(EACH)],
    Discriminator(_form),
]
"""One set of actuators, or a list of several."""
Interval = Annotated[tuple[float, float], BeforeValidator(as_tuple)]
Rectangle = Annotated[tuple[Interval, Interval], BeforeValidator(as_tuple)]
Box = Annotated[Annotated[Interval, Tag(ONE)] | Annotated[Rectangle, Tag(EACH)], Discriminator(_box_form)]
Label = int | float | str
ShareOrLabels = Annotated[
    Annotated[Annotated[float, Field(ge=0, lt=1)], Tag(ONE)]
    | Annotated[tuple[Label, ...], BeforeValidator(as_tuple), Field(min_length=1), Tag(EACH)],
    Discriminator(_form),
]
"""A share of something, or a list of the labels that are meant."""


class Section(BaseModel):
    """A section of the configuration: immutable, without unknown keys, and without conversion between types."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)
