"""The optimiser and its schedule."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from sciwm.config.kinds import Count, Integer, Many, Positive, Section, Share, Weight, as_tuple


class OnPolicySettings(Section):
    """Rounds of planning in the real simulation, whose episodes join the data."""

    rounds: Annotated[Integer, Field(ge=0)] = 0
    episodes: Many = 32
    intervals: Many = 160
    updates: Count = 300


class TrainingSettings(Section):
    """The optimiser and its schedule."""

    updates: Count
    updates_per_epoch: Count = 250
    batch_size: Annotated[Integer, Field(ge=2, le=65536)] = 128
    learning_rate: Annotated[Positive, Field(le=10)] = 1e-2
    encoder_rate: Positive = 0.1
    weight_decay: Weight = 1e-4
    augmentation: Annotated[
        tuple[Literal["shifts", "even_reflections", "odd_reflections"], ...], BeforeValidator(as_tuple)
    ] = ()
    gradient_clip: Positive = 1.0
    warm_up: Share = 0.1
    threads: Annotated[Count, Field(le=256)] = 1
    on_policy: OnPolicySettings = OnPolicySettings()
