"""What is measured of a trained model."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from sciwm.config.kinds import Integer, Many, Positive, Section, as_tuple
from sciwm.evaluation_parts import EVALUATION_PARTS

if TYPE_CHECKING:
    Part = str
else:
    Part = Literal[tuple(EVALUATION_PARTS)]

LYAPUNOV_TIMES = 100.0
"""How long a long run is, if nothing else is asked."""

Several = Annotated[Integer, Field(ge=2, le=10**6)]
Factor = Annotated[Positive, Field(le=100)]
Times = Annotated[tuple[Positive, ...], BeforeValidator(as_tuple), Field(min_length=1)]


class EffectSettings(Section):
    """The same state under other actions: how many starts, and for how long."""

    samples: Many = 64
    lead_time: Positive | None = None


class GradientAgreementSettings(Section):
    """Gradients with respect to the actions: how many starts, and over which times."""

    samples: Many = 16
    horizons: Times | None = None


class LongRunSettings(Section):
    """The climate: 100 Lyapunov times, or 1000 intervals without an exponent, if ``duration`` is left out.

    No run is longer than a million intervals.

    If left out, ``forced`` is what the equation needs to stay alive: no forcing where there is a
    Lyapunov exponent, random forcing as in the data elsewhere.
    """

    samples: Several = 8
    duration: Positive | None = None
    forced: bool | None = None


class ResolutionSettings(Section):
    """The same fields on so many times the points along each dimension."""

    samples: Many = 64
    factors: Annotated[
        tuple[Annotated[Integer, Field(ge=2, le=16)], ...], BeforeValidator(as_tuple), Field(min_length=1)
    ] = (2, 4)


class RefinedControlSettings(Section):
    """Plans executed on so many times the points; ``control.first`` intervals if ``intervals`` is left out."""

    episodes: Several = 8
    factor: Annotated[Integer, Field(ge=2, le=16)] = 2
    intervals: Many | None = None


class ShiftSettings(Section):
    """So many times the forcing, and the ``parameter``: if left out the viscosity-like one, if there is one."""

    samples: Many = 64
    lead_time: Positive | None = None
    factors: Annotated[tuple[Factor, ...], BeforeValidator(as_tuple), Field(min_length=2)] = (1.0, 1.5, 2.0)
    parameter: str | None = None


class ProbingSettings(Section):
    """What is read from latents, at ``instants`` of each test simulation and after rollouts over ``horizons``."""

    instants: Many = 16
    horizons: Times | None = None
    probes: Annotated[
        tuple[Literal["ridge", "network"], ...], BeforeValidator(as_tuple), Field(min_length=1, max_length=2)
    ] = ("ridge", "network")


class SurpriseSettings(Section):
    """What is noticed; ``sizes`` of injections and kicks are in units of the root mean square.

    ``exposure`` is the time for which lasting violations are watched, ``parameter`` the one that
    changes: if left out the viscosity-like one, if there is one.
    """

    trajectories: Annotated[Several, Field(le=10**5)] = 200
    sizes: Times = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
    exposure: Positive | None = None
    parameter: str | None = None
    false_alarms: Annotated[float, Field(gt=0, lt=1)] = 0.05


class EvaluationSettings(Section):
    """Imagined rollouts of the test set over ``steps`` intervals, and everything else that is measured of a model.

    ``lyapunov_exponent`` is that of the unforced flow, in inverse time units; without one the valid
    prediction time is given in time units alone. All times are in time units. Where a lead time,
    horizons or an exposure are left out they come from one Lyapunov time, or from 40 intervals, as far
    as the test simulations reach.
    """

    steps: Many = 160
    lyapunov_exponent: Positive | None = None
    parts: Annotated[tuple[Part, ...], BeforeValidator(as_tuple)] = tuple(EVALUATION_PARTS)
    effects: EffectSettings = EffectSettings()
    gradients: GradientAgreementSettings = GradientAgreementSettings()
    long_run: LongRunSettings = LongRunSettings()
    resolution: ResolutionSettings = ResolutionSettings()
    refined_control: RefinedControlSettings = RefinedControlSettings()
    shifts: ShiftSettings = ShiftSettings()
    probing: ProbingSettings = ProbingSettings()
    surprise: SurpriseSettings = SurpriseSettings()

    @model_validator(mode="after")
    def _nothing_twice(self) -> "EvaluationSettings":
        lists: dict[str, tuple[Any, ...]] = {
            "parts": self.parts,
            "resolution.factors": self.resolution.factors,
            "shifts.factors": self.shifts.factors,
            "probing.probes": self.probing.probes,
            "surprise.sizes": self.surprise.sizes,
        }
        problems = [f"{key}: expected each once, got {list(v)}" for key, v in lists.items() if len(set(v)) < len(v)]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def longest_run(self) -> tuple[str, float]:
        """The key that decides how long the longest run is, and the time; none without a key that does."""
        if self.long_run.duration is not None:
            return "long_run.duration", self.long_run.duration
        if self.lyapunov_exponent is not None and "long_run" in self.parts:
            return "lyapunov_exponent", LYAPUNOV_TIMES / self.lyapunov_exponent
        return "long_run", 0.0

    def lead_times(self) -> dict[str, float]:
        """Every time that was asked for and that test simulations must reach, by its key."""
        single = {
            "effects.lead_time": self.effects.lead_time,
            "shifts.lead_time": self.shifts.lead_time,
            "surprise.exposure": self.surprise.exposure,
        }
        several = {"gradients.horizons": self.gradients.horizons, "probing.horizons": self.probing.horizons}
        return {k: v for k, v in single.items() if v is not None} | {k: max(v) for k, v in several.items() if v}
