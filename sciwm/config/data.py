"""What is simulated to learn from."""

from typing import Annotated

from pydantic import Field

from sciwm.config.kinds import Count, Integer, Many, Positive, Section, Share


class Split(Section):
    """Size of one set of simulations."""

    simulations: Many
    intervals: Many


class SensitivitySettings(Section):
    """Short simulations from training states in twos, alike but for their actions, with the solver's tangents."""

    samples: Many = 512
    intervals: Many = 8
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
    batch: Annotated[Count, Field(le=65536)] = 64
