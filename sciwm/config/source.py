"""The section ``source``: somebody's files, in place of a simulation, and what each of their variables is."""

from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from sciwm.config.kinds import Interval, Positive, Section, ShareOrLabels, as_tuple

Name = Annotated[str, Field(min_length=1)]
Names = Annotated[tuple[Name, ...], BeforeValidator(as_tuple)]
Some = Annotated[tuple[Name, ...], BeforeValidator(as_tuple), Field(min_length=1)]
Bounds = dict[str, Interval]
Space = Annotated[tuple[Name, ...], BeforeValidator(as_tuple), Field(min_length=1, max_length=3)]

MODEL_OF_A_SOURCE: dict[str, Any] = {
    "latent": "vector",
    "encoder": {"layers": 0},
    "predictor": {"kind": "auto", "substeps": 2},
    "decoder_rank": 0,
}
"""What the section ``model`` has by default where data come from files, and the latent is such a vector."""
TRAINING_OF_A_SOURCE: dict[str, Any] = {
    "updates": 900,
    "updates_per_epoch": 100,
    "batch_size": 32,
    "learning_rate": 2e-2,
    "encoder_rate": 0.01,
}
"""What the section ``training`` has by default there."""
LOSS_OF_A_SOURCE: dict[str, Any] = {"short_rollouts": 0.7}
"""What the section ``loss`` has by default there."""


class SplitSettings(Section):
    """Which of the data train the model, choose its best epoch, and test it.

    Keys:
        by: ``run`` keeps runs whole; take it where there are several. ``time`` takes the last parts of every run for
            validation and, after that, for the test; take it for a single record.
        validation: The share of runs or of time, or a list of labels of runs.
        test: The same for the test. Runs of a share are drawn, the same ones whatever the seed.
    """

    by: Literal["run", "time"] = "run"
    validation: ShareOrLabels = 0.15
    test: ShareOrLabels = 0.25

    @model_validator(mode="after")
    def _leaves_something(self) -> "SplitSettings":
        shares = [s for s in (self.validation, self.test) if isinstance(s, float)]
        labels = [label for s in (self.validation, self.test) if isinstance(s, tuple) for label in s]
        problems = []
        if sum(shares) >= 1:
            left = "shares that leave something to train on"
            problems.append(f"validation: expected {left}, got {sum(shares):g} together")
        if twice := [label for label, count in Counter(map(str, labels)).items() if count > 1]:
            problems.append(f"test: expected every run once, got {', '.join(twice)} twice")
        if labels and self.by == "time":
            problems.append("by: expected 'run' where runs are named, got time")
        if problems:
            raise ValueError("\n".join(problems))
        return self


class SourceSettings(Section):
    """Somebody's files in place of a simulation: what they hold, and how it is cut into runs and sets.

    ``sciwm inspect FILE --out CONFIG`` writes this section. No variable may be left without a role.

    Keys:
        files: Paths, or patterns with ``*``, relative to the folder of the configuration: netCDF, HDF5 or Zarr. Several
            are joined along the dimension in which they differ.
        group: The group inside the files; none by default.
        variables: The state: fields over time and space that the model learns to forecast.
        forcings: What drives the state: over time alone, over time and one other dimension, or over time and space.
            The value at a time is held until the next one.
        parameters: What is constant in a run and differs between runs, or one number for all of them.
        static: Fields over space alone. They are kept with the data; the model learns their effect anyway.
        mask: A variable over space that is not zero where fields exist. Values that are missing at the same points
            always are found without it.
        functionals: Numbers over time (and run) that are read from the latent, such as a heat loss; not part of the
            state, and not learned. The part ``functionals`` of the evaluation tells how well they can be read.
        ignored: Variables that are left out on purpose.
        run: The dimension that tells runs apart; null where there is one record.
        time: The dimension of time.
        space: One to three dimensions of space, in any order.
        periodic: The space dimensions that are periodic, which must be stated: ``[]`` if none is. The repeated end
            point is left out in data.
        bounds: The least and the largest value of forcings, as ``power: [0.0, 8.0]``; by default their attributes
            ``valid_min`` and ``valid_max``, or else the range of the data.
        interval: The time between two states of the model, in the units of time; by default the most frequent step of
            the data, else a whole multiple of it. Then one of so many instants is kept, and forcings are averaged over
            the interval that follows it: a forecast is given these means.
        gaps: ``refuse`` tells of missing instants and uneven steps; ``cut`` cuts runs there and keeps the parts.
        split: Which of the data are for training, validation and test.
    """

    files: Some
    group: Name | None = None
    variables: Some
    forcings: Names = ()
    parameters: Names = ()
    static: Names = ()
    mask: Name | None = None
    functionals: Names = ()
    ignored: Names = ()
    run: Name | None = None
    time: Name = "time"
    space: Space
    periodic: Names | None = None
    bounds: Bounds = Field(default={})
    interval: Positive | None = None
    gaps: Literal["refuse", "cut"] = "refuse"
    split: SplitSettings = SplitSettings()

    @property
    def roles(self) -> dict[str, tuple[str, ...]]:
        """The variables in each role."""
        return {
            "variables": self.variables,
            "forcings": self.forcings,
            "parameters": self.parameters,
            "static": self.static,
            "mask": () if self.mask is None else (self.mask,),
            "functionals": self.functionals,
            "ignored": self.ignored,
        }

    @model_validator(mode="after")
    def _names_fit_together(self) -> "SourceSettings":
        problems = []
        told = Counter(name for names in self.roles.values() for name in names)
        for name in (name for name, count in told.items() if count > 1):
            roles = [role for role, names in self.roles.items() for n in names if n == name]
            problems.append(f"{roles[-1]}: expected one role for '{name}', got {' and '.join(roles)}")
        dimensions = [*self.space, self.time, *([] if self.run is None else [self.run])]
        if twice := [name for name, count in Counter(dimensions).items() if count > 1]:
            expected = "every dimension once in run, time and space"
            problems.append(f"space: expected {expected}, got {', '.join(twice)} twice")
        if self.periodic is None:
            problems.append(
                "periodic: expected the space dimensions that are periodic, got nothing; write [] if there are walls "
                f"or open ends on all sides, [{', '.join(self.space)}] if all are"
            )
        elif unknown := [d for d in self.periodic if d not in self.space]:
            problems.append(f"periodic: expected some of {', '.join(self.space)} (space), got {', '.join(unknown)}")
        for name, (low, high) in self.bounds.items():
            if name not in self.forcings:
                known = ", ".join(self.forcings) or "no forcings"
                problems.append(f"bounds.{name}: expected a forcing, {known}, got {name}")
            elif not low < high:
                problems.append(f"bounds.{name}: expected a lower and a larger value, got [{low:g}, {high:g}]")
        if self.split.by == "run" and self.run is None:
            problems.append("split.by: expected time, as there is one record (run is null), got run")
        if problems:
            raise ValueError("\n".join(problems))
        return self
