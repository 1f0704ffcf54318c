"""What is simulated to learn from."""

from typing import Annotated

from pydantic import Field

from sciwm.config.kinds import Count, Integer, Positive, Section, Share


class Split(Section):
    """Size of one set of simulations."""

    simulations: Annotated[Count, Field(le=10**6)]
    intervals: Annotated[Count, Field(le=10**6)]


class SensitivitySettings(Section):
    """Short simulations from training states in twos, alike but for their actions, with the solver's tangents."""

    samples: Count = 512
    intervals: Count = 8
    perturbation: Positive = 0.5


class DataSettings(Section):
    """What is simulated to learn from; times are in control intervals."""

    train: Split
    validation: Split
    test: Split
    warm_up: Annotated[Integer, Field(ge=0, le=10**6)]
    sensitivities: SensitivitySettings | None = None
    share_transient: Share = 0.5
    share_unforced: Share = 0.15
    amplitude: Positive = 1.0
    smallest_amplitude: Positive = 1e-3
    batch: Count = 64
