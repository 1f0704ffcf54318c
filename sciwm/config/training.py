"""The section ``training``: the optimiser and its schedule."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from sciwm.config.kinds import Count, Integer, Many, Positive, Section, Share, Weight, as_tuple


class OnPolicySettings(Section):
    """Rounds of planning in the true simulation, whose episodes join the training data.

    Data under random actions do not show where a planner goes. Rounds help where plans cost more in the simulation
    than the model predicts.

    Keys:
        rounds: The number of rounds. Two or three are a good start where one is needed; 0 leaves them out.
        episodes: The number of episodes in each round. 32 add enough new states in one dimension.
        intervals: The length of an episode in control intervals, at least ``loss.horizon``. Take the time in which
            control settles.
        updates: The number of updates after each round, at a third of the learning rate.
    """

    rounds: Annotated[Integer, Field(ge=0)] = 0
    episodes: Many = 32
    intervals: Many = 160
    updates: Count = 300


class TrainingSettings(Section):
    """The optimiser (AdamW) and its schedule: linear warm-up, then a cosine to zero.

    Keys:
        updates: The number of updates. 500 to 1000 are enough for the shipped experiments; the curves of the report
            show whether the held-out error still falls.
        updates_per_epoch: The number of updates between two measurements on the validation set; the best of these
            epochs is kept. Heads are fitted anew and the state is saved each time.
        batch_size: The number of windows in an update. 128 suit one dimension; below, statistics of the
            anti-collapse term are noisy. 24 suit two-dimensional flows. Lower it, and ``loss.horizon``, where
            memory does not suffice.
        learning_rate: The largest learning rate. 1e-2 suits a spectral latent; take 4e-3 or less for a vector latent,
            and where updates explode.
        encoder_rate: The learning rate of the encoder relative to that. 0.1 suits a spectral latent, 0.01 a vector one;
            a fast encoder collapses in the first updates.
        weight_decay: The weight decay of AdamW. 1e-4 is a good value.
        augmentation: Symmetries of the equation that transform batches: ``shifts``, ``even_reflections`` and, with
            a change of sign, ``odd_reflections``. They help models without exact symmetry, and only where the
            equation has the symmetry and the actuators map to each other.
        gradient_clip: The largest norm of the gradient; the decoder's is clipped apart. 1 is a good value.
        warm_up: The fraction of the updates over which the learning rate grows. 0.1 is a good value.
        threads: The number of CPU threads. 1 is a good value for small latents; raise it for two-dimensional flows.
        on_policy: Rounds of planning that add data.
    """

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
