"""The section ``evaluation``: what is measured of a trained model."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from sciwm.config.kinds import Integer, Many, Positive, Section, as_tuple
from sciwm.evaluation_parts import EVALUATION_PARTS

if TYPE_CHECKING:
    Part = str
else:
    Part = Literal[tuple(EVALUATION_PARTS)]

LYAPUNOV_TIMES = 100.0
"""Length of a long run in Lyapunov times, unless ``long_run.duration`` says otherwise."""

Several = Annotated[Integer, Field(ge=2, le=10**6)]
Factor = Annotated[Positive, Field(le=100)]
Times = Annotated[tuple[Positive, ...], BeforeValidator(as_tuple), Field(min_length=1)]


class EffectSettings(Section):
    """Part ``effects``: the difference that other actions make from the same state, imagined against true.

    Keys:
        samples: The number of starts. 64 give narrow intervals; 16 are enough where the solver is slow.
        lead_time: How long both simulations run, in time units; one Lyapunov time by default, or 40 intervals
            without an exponent.
    """

    samples: Many = 64
    lead_time: Positive | None = None


class GradientAgreementSettings(Section):
    """Part ``gradients``: gradients of the control cost with respect to the actions, against those through the solver.

    Keys:
        samples: The number of starts. 16 are often enough.
        horizons: The lengths over which gradients are taken, in time units; by default from one interval to one
            Lyapunov time (or 40 intervals), with the planner's horizon among them.
    """

    samples: Many = 16
    horizons: Times | None = None


class LongRunSettings(Section):
    """Part ``long_run``: the statistics of long runs (their climate), and how many of them blow up.

    Keys:
        samples: The number of runs, at least 2. 8 are a good start.
        duration: The length of each in time units, at most a million intervals; 100 Lyapunov times by default, or
            1000 intervals without an exponent.
        forced: Whether random forcing as in the data drives the runs. By default only flows without a Lyapunov
            exponent are forced, as these decay otherwise. Choose false for chaotic flows.
    """

    samples: Several = 8
    duration: Positive | None = None
    forced: bool | None = None


class ResolutionSettings(Section):
    """Part ``resolution``: the latents of the same fields on finer grids.

    Keys:
        samples: The number of fields. 64 are enough.
        factors: How many times the points along each dimension each finer grid has, from 2 to 16. 2 and 4 show
            whether the latent depends on the grid.
    """

    samples: Many = 64
    factors: Annotated[
        tuple[Annotated[Integer, Field(ge=2, le=16)], ...], BeforeValidator(as_tuple), Field(min_length=1)
    ] = (2, 4)


class RefinedControlSettings(Section):
    """Part ``refined_control``: plans executed by a simulation on a finer grid.

    Keys:
        episodes: The number of starts, at least 2. 8 are a good start; the finer solver makes them slow.
        factor: How many times the points along each dimension the finer grid has, from 2 to 16. 2 is enough.
        intervals: The length of an episode in control intervals; ``control.first`` by default.
    """

    episodes: Several = 8
    factor: Annotated[Integer, Field(ge=2, le=16)] = 2
    intervals: Many | None = None


class ShiftSettings(Section):
    """Part ``shifts``: forecasts under stronger forcing, and with another parameter, than in the data.

    Keys:
        samples: The number of starts. 64 give narrow intervals; 16 are enough where the solver is slow.
        lead_time: The length of the forecasts in time units; one Lyapunov time by default, or 40 intervals.
        factors: The factors of the forcing and of the parameter, at least two, each at most 100. Keep 1, which is the
            reference.
        parameter: The parameter that changes; by default the viscosity-like one, if the equation has one.
    """

    samples: Many = 64
    lead_time: Positive | None = None
    factors: Annotated[tuple[Factor, ...], BeforeValidator(as_tuple), Field(min_length=2)] = (1.0, 1.5, 2.0)
    parameter: str | None = None


class ProbingSettings(Section):
    """Part ``probing``: the functionals and phases that can be read from latents, encoded or imagined.

    Keys:
        instants: The number of instants of each test simulation, evenly spaced. 16 are a good value.
        horizons: The lengths of the imagined rollouts whose latents are probed too, in time units; by default
            shares of one Lyapunov time, or of 40 intervals.
        probes: The regressions: ``ridge`` is linear and quick, ``network`` finds nonlinear relations.
    """

    instants: Many = 16
    horizons: Times | None = None
    probes: Annotated[
        tuple[Literal["ridge", "network"], ...], BeforeValidator(as_tuple), Field(min_length=1, max_length=2)
    ] = ("ridge", "network")


class SurpriseSettings(Section):
    """Part ``surprise``: whether the model notices violations of physics, and accepts unusual but possible flows.

    Keys:
        trajectories: The number of trajectories, at least 2. 200 resolve small violations; 32 are enough where
            the solver is slow.
        sizes: The sizes of injections and kicks, in units of the root mean square of the fields. Values that span
            the smallest size that is noticed are the useful ones.
        exposure: How long lasting violations are watched, in time units; by default a twentieth of a Lyapunov time,
            or of 40 intervals.
        parameter: The parameter that changes; by default the viscosity-like one, if the equation has one.
        false_alarms: The accepted fraction of false alarms, which sets the threshold. 0.05 is usual.
    """

    trajectories: Annotated[Several, Field(le=10**5)] = 200
    sizes: Times = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
    exposure: Positive | None = None
    parameter: str | None = None
    false_alarms: Annotated[float, Field(gt=0, lt=1)] = 0.05


class EvaluationSettings(Section):
    """What is measured of a trained model. All times are in time units of the simulation.

    Lead times, horizons and exposures that are left out follow from one Lyapunov time, or from 40 control intervals
    without an exponent, as far as the test simulations reach.

    Keys:
        steps: The length of the forecasts of the test set in control intervals, at most ``data.test.intervals``. Choose
            several Lyapunov times, so that the valid prediction time lies within.
        lyapunov_exponent: The largest Lyapunov exponent of the unforced flow, in inverse time units (0.048 for
            Kuramoto-Sivashinsky at L = 22). Leave it out for flows that are not chaotic: valid prediction times are
            then given in time units alone.
        parts: The parts to measure, by name; all of them by default. Leave out what takes too long.
        effects: Sizes of the part ``effects``.
        gradients: Sizes of the part ``gradients``.
        long_run: Sizes of the part ``long_run``.
        resolution: Sizes of the part ``resolution``.
        refined_control: Sizes of the part ``refined_control``.
        shifts: Sizes of the part ``shifts``.
        probing: Sizes of the part ``probing``.
        surprise: Sizes of the part ``surprise``.
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
        """The key that sets the length of the longest run, and this length in time units.

        The length is 0 where a fixed number of intervals, and no key, sets it.
        """
        if self.long_run.duration is not None:
            return "long_run.duration", self.long_run.duration
        if self.lyapunov_exponent is not None and "long_run" in self.parts:
            return "lyapunov_exponent", LYAPUNOV_TIMES / self.lyapunov_exponent
        return "long_run", 0.0

    def lead_times(self) -> dict[str, float]:
        """The times in time units that test simulations must reach, by the key that asks for each."""
        single = {
            "effects.lead_time": self.effects.lead_time,
            "shifts.lead_time": self.shifts.lead_time,
            "surprise.exposure": self.surprise.exposure,
        }
        several = {"gradients.horizons": self.gradients.horizons, "probing.horizons": self.probing.horizons}
        return {k: v for k, v in single.items() if v is not None} | {k: max(v) for k, v in several.items() if v}
