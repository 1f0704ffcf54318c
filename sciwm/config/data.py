"""The section ``data``: the simulations that the model learns from and is tested on."""

from typing import Annotated

from pydantic import Field

from sciwm.config.kinds import Count, Integer, Many, Positive, Section, Share


class Split(Section):
    """Number and length of the simulations of one data set.

    Keys:
        simulations: The number of simulations. More of them help more than longer ones, as their starts are
            independent: 320 serve one-dimensional chaos in the shipped configuration, 96 two-dimensional turbulence.
        intervals: The number of control intervals recorded in each, at least ``loss.horizon``. Test simulations
            must reach as far as ``evaluation.steps`` and the lead times of the evaluation.
    """

    simulations: Many
    intervals: Many


class SensitivitySettings(Section):
    """Short simulations that measure what actions change: twins, tangents and adjoint gradients by the true solver.

    Each sample starts from a random instant of the training set. Twins are two simulations from this state under
    different actions; the tangent and the gradient of the control cost belong to the first of them.

    Keys:
        samples: The number of samples. 256 are enough for a first try; tangents and adjoints make them costly.
        intervals: The length of each in control intervals. Longer samples show later effects, until chaos makes
            gradients explode: stay well below one Lyapunov time.
        perturbation: The largest difference between the actions of the twins, in normalised actions (in [-1, 1]).
            0.5 is a good value: large against rounding, and still within the bounds.
    """

    samples: Many = 512
    intervals: Many = 8
    perturbation: Positive = 0.5


class DataSettings(Section):
    """The simulations that the model learns from and is tested on. Times are in control intervals.

    Keys:
        train: Number and length of the simulations for training.
        validation: The same for those that choose the best epoch.
        test: The same for those that only the evaluation and the control experiment see.
        warm_up: Unforced intervals before the recording. Choose it so long that the flow reaches its attractor
            (800 of 0.25 time units in Kuramoto-Sivashinsky chaos), and 0 where the flow decays without forcing.
        sensitivities: Twins, tangents and adjoint gradients, needed by ``loss.physics.twins``, ``tangents`` and
            ``adjoints``; none by default.
        share_transient: The fraction of training and validation simulations that skip the warm-up and start from
            a smooth random state, whose amplitude is log-uniform between ``smallest_amplitude`` and ``amplitude``.
            Control to rest needs them, as the attractor alone has no states near rest: 0.5 is good there, 0.1 where
            the target lies on the attractor.
        share_unforced: The fraction of simulations without forcing. 0.15 teaches the flow itself; the others are
            driven by random signals.
        amplitude: The root mean square of the random states that are warmed up, in units of the variables. Take
            that of the developed flow.
        smallest_amplitude: The smallest amplitude of the starts without warm-up. Take a size that control should
            still reduce.
        batch: The number of simulations advanced together. 64 is quick on a CPU; lower it for large grids. It is
            part of what identifies the data, as rounding may depend on it.
    """

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
