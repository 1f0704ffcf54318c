"""Kinds of values, and the section that all parts of a configuration are."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag


def whole(value: Any) -> Any:
    """2e3 is an integer to scientists."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def as_tuple(value: Any) -> Any:
    """YAML has lists alone."""
    return tuple(value) if isinstance(value, list) else value


def _form(value: Any) -> str:
    """One value, or a list of them."""
    return EACH if isinstance(value, list | tuple) else ONE


def _box_form(value: Any) -> str:
    """An interval, or one along each dimension."""
    return EACH if isinstance(value, list | tuple) and any(_form(v) == EACH for v in value) else ONE


ONE, EACH = "<one>", "<each>"
"""Names of the forms that a value may have; no keys, so not told in errors."""

# Upper bounds catch typing errors before they take all memory.
Integer = Annotated[int, BeforeValidator(whole)]
Count = Annotated[Integer, Field(ge=1, lt=2**31)]
Many = Annotated[Count, Field(le=10**6)]
"""Simulations, samples or intervals."""
Width = Annotated[Count, Field(le=4096)]
"""Channels, ranks and the like, of which a model has matrices."""
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
"""One value for all dimensions, or one along each."""
Sets = Annotated[
    Annotated[T, Tag(ONE)] | Annotated[tuple[T, ...], BeforeValidator(as_tuple), Field(min_length=1), Tag(EACH)],
    Discriminator(_form),
]
"""One set of actuators, or several."""
Interval = Annotated[tuple[float, float], BeforeValidator(as_tuple)]
Rectangle = Annotated[tuple[Interval, Interval], BeforeValidator(as_tuple)]
Box = Annotated[Annotated[Interval, Tag(ONE)] | Annotated[Rectangle, Tag(EACH)], Discriminator(_box_form)]


class Section(BaseModel):
    """A part of the configuration: frozen, closed to unknown keys, and no kind of value taken for another."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)
