"""A trained model used like a solver: xarray Datasets in and out, everything found by the names of its dimensions."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import xarray as xr

from sciwm.config import Config, PlanningSettings
from sciwm.data import Domain, check_latents
from sciwm.errors import InputError, Problem, raise_if
from sciwm.model import FINER_GRID, WorldModel, load_model, read_description
from sciwm.run_paths import RunPaths
from sciwm.surrogate.analyses import analysed
from sciwm.surrogate.beginnings import beginning_of, forecast_of
from sciwm.surrogate.coding import decoded, encoded
from sciwm.surrogate.flags import flagged
from sciwm.surrogate.forecast_errors import kind_problems
from sciwm.surrogate.inputs import fields_of
from sciwm.surrogate.plans import planned
from sciwm.surrogate.run_parameters import with_parameters
from sciwm.surrogate.summary import summarize
from sciwm.surrogate.translation import Translation
from sciwm.surrogate.unread_values import in_parts
from sciwm.uncertainty import Uncertainty, load_uncertainty
from sciwm.version import __version__
from simulations.torch_modes import ordinary


def load(run: str | Path) -> "Surrogate":
    """Load the trained model of a run folder.

    Only ``model.json``, ``model.safetensors`` and ``uncertainty.safetensors`` are read: the first two are enough to
    share a model, and the third one holds its error bars.

    Args:
        run: The run folder, as ``"runs/demo"``; ``sciwm demo`` or ``sciwm run`` makes one.

    Returns:
        The model. Print it to see the variables with their units, the grid, the control interval and the actuators
        that it expects.

    Raises:
        InputError: If ``run`` is no path, or if a file is missing or damaged.

    Example:
        >>> import sciwm
        >>> model = sciwm.load("runs/demo")  # doctest: +SKIP
        >>> model  # doctest: +SKIP
        <sciwm.Surrogate ks_control> ...
    """
    if not isinstance(run, str | os.PathLike):
        raise InputError([Problem("run", "the path of a run folder", type(run).__name__)])
    model, config = load_model(Path(run))
    known = load_uncertainty(RunPaths(Path(run)), model)
    return Surrogate(model, config, summarize(read_description(Path(run))), known)


@dataclass(frozen=True, repr=False)
class Surrogate:
    """A trained world model that is used like a solver; get one from :func:`load`.

    All values are in the physical units of the training data. Variables are found by name, and so are dimensions: those
    of space have the names of the training data (``x``, ``y``), time is ``time``, actuators are ``actuator``. Further
    dimensions, such as ``simulation``, may be there in any order; they and their coordinates are kept, and all their
    entries are computed together, which is much faster than a loop. Values must be finite: NaN is refused, except in
    the last action of a stored trajectory (see :meth:`rollout`). Units that are stated, or carried by the arrays
    (pint), are converted to those of the model; without any, values are taken to be in these. Times may be numbers,
    durations or dates of any calendar; where the model states no time unit, its interval counts seconds as soon as
    times have one. Results keep coordinates, but no other attributes, codecs or chunks of the input. Where inputs are
    chunked (dask), results are lazy, and values are checked when they are computed.

    A model of somebody's files has their names: that of time, those of the forcings, which are then a Dataset, and
    those of the parameters of a run, which stand beside its fields. Points where there are no fields are NaN. Grids may
    be in any order, and results are in the same.

    Args:
        model: The trained world model.
        config: The experiment that it was trained in.
        summary: The table that is printed.
        uncertainty: Its ensemble, the calibration of its errors and what is usual; None where it has none.

    Example:
        >>> model = load("runs/demo")  # doctest: +SKIP
        >>> forecast = model.rollout(ds.isel(time=0), forcing=ds["action"])  # doctest: +SKIP
        >>> plan = model.plan(ds.isel(time=-1), target=0 * ds.isel(simulation=0, time=0))  # doctest: +SKIP
    """

    model: WorldModel
    config: Config
    summary: str
    uncertainty: Uncertainty | None = None

    def __repr__(self) -> str:
        return f"<sciwm.Surrogate {self.config.name}>\n{self.summary}"

    @property
    def domain(self) -> Domain:
        """Variables with units, grid, control interval, actuators with bounds, and functionals of the model."""
        return self.model.domain

    def encode(self, ds: xr.Dataset) -> xr.DataArray:
        """Encode fields to latents.

        Args:
            ds: The variables of the model, in physical units, each with the space dimensions and any others. Along a
                periodic axis the grid may be finer than that of the training data, with nearly the same latent; a grid
                that is too coarse is refused, since its fields alias. Along a bounded axis the points must be those of
                the training data.

        Returns:
            ``latent``, a dimensionless array with the dimension ``latent`` in the place of the first space dimension.

        Raises:
            InputError: With everything that keeps ``ds`` from being fields of this model. Values of chunked data are
                checked when they are computed, and many values of a file that is not read yet a part at a time.

        Example:
            >>> latent = model.encode(ds)  # doctest: +SKIP
            >>> latent.dims  # doctest: +SKIP
            ('simulation', 'time', 'latent')
        """
        inside, problems = self.names.inside(ds, "fields")
        parts = in_parts(inside, self.domain) if isinstance(inside, xr.Dataset) else inside
        fields, wrong = self._known(parts)
        self.names.raise_if(problems + wrong)
        latent = encoded(self.model, fields)
        return self.names.renamed(latent if parts is inside else latent.compute())

    def decode(self, latent: xr.DataArray) -> xr.Dataset:
        """Decode latents to fields and functionals.

        Args:
            latent: With the dimension ``latent`` and any others, as from :meth:`encode`.

        Returns:
            The variables on the grid of the model, in physical units, and the functionals that the model's heads read
            from the latent, each a spatial mean.

        Raises:
            InputError: If it holds no numbers, or the dimension is missing or of another size.

        Example:
            >>> ds = model.decode(model.encode(ds))  # doctest: +SKIP
        """
        if not isinstance(latent, xr.DataArray):
            raise InputError([Problem("latent", "an xarray.DataArray", type(latent).__name__, "as from encode")])
        latent, problems = self.names.inside(latent, "latent")
        self.names.raise_if(problems + check_latents(latent, self.model.state_size, self.domain))
        return self.names.outside(decoded(self.model, latent).assign_attrs(self.attributes("forecast")), latent)

    def rollout(
        self,
        ds: xr.Dataset,
        forcing: xr.DataArray | xr.Dataset | None = None,
        *,
        intervals: int | None = None,
        uncertainty: Literal["bands", "members"] | None = None,
    ) -> xr.Dataset:
        """Forecast the fields from one instant under given actions.

        Errors grow with lead time, on chaotic flows exponentially: ``sciwm evaluate`` measures for how long a model is
        valid. Start from fields like those of the training data; far from them a forecast may diverge, which raises.

        Args:
            ds: The variables of the model at one instant, without the dimension ``time`` or with one of size 1; take
                it with ``ds.isel(time=0)``. Beside them the parameters of each run, if the model has any.
            forcing: The actions over ``time``, ``actuator`` and any further dimensions, in physical units. The action
                at t is held over [t, t + interval). If ``actuator`` has labels, they are the names or numbers of the
                actuators, in any order. Stored trajectories end with an action that is NaN, since nothing follows it:
                one such instant at the end is left out. For a model whose forcings have names of their own it is a
                Dataset of these variables, as ``ds[["power"]]``: where it is missing from some time on, or times have a
                gap, forecasts end, and tell so. It may leave the training data, which is told, but no stated limit.
            intervals: How many control intervals to forecast; by default all of ``forcing``.
            uncertainty: ``"bands"`` for the same forecast with its calibrated standard deviation and bands that
                should hold 50 and 90 % of the truth; ``"members"`` for calibrated members, as if drawn like the truth.
                Such a forecast takes as many rollouts as there are members, and ``flag`` in it says at each step what
                speaks against believing it. None, for the forecast of the trained model alone, has neither.

        Returns:
            The variables over (..., time, *space) on the grid of the model and the functionals over (..., time), with
            the parameters beside them. The start is included, as the model decodes it. Times are those of ``forcing``
            and one more, the end of the last interval; with an action that is NaN at the end, just those of
            ``forcing``. Points without fields are NaN, and so are runs behind the end of their forcing. With bands,
            variables ``NAME_deviation``, ``NAME_lower`` and ``NAME_upper`` over ``coverage``; with members, variables
            over ``realization``. The bits of ``flag`` have the meanings in its attributes, 0 means that nothing is
            wrong.

        Raises:
            InputError: With everything that is wrong with ``ds`` and ``forcing``, if the forecast is not finite, or if
                the model has no calibrated errors.

        Example:
            >>> forecast = model.rollout(ds.isel(time=0), forcing=ds["action"])  # doctest: +SKIP
        """
        beginning = beginning_of(self, ds, forcing, intervals)
        raise_if(beginning.problems + kind_problems(uncertainty))
        beginning.tell(stacklevel=2)
        return forecast_of(self, beginning, uncertainty, ds)

    def flags(self, ds: xr.Dataset, forcing: xr.DataArray | xr.Dataset | None = None) -> xr.Dataset:
        """Say of records whether to believe them, and forecasts from them.

        A single instant shows fields that the model cannot represent (noise, hot spots, dead sensors), and states that
        the training data do not hold, or not for the parameters that are stated. It cannot show a fault that turns it
        into another possible one, such as rows in the wrong order: for this give records over time with their forcing,
        whose every step must follow from the one before. The thresholds come from validation and training data:
        of sound records like those at most 5 % are flagged, and a detector that saw too few independent instants for
        such a rate says nothing. The attribute ``comment`` of ``flag`` says so, and whether the validation data are
        unlike the training data, as the end of a record that drifts is.

        Args:
            ds: The variables of the model at one instant or over ``time``, as for :meth:`encode`.
            forcing: The actions from the first instant on, as for :meth:`rollout`. Without them nothing is said of
                steps and actions.

        Returns:
            ``score`` over ``detector`` in units of each threshold, NaN where there was nothing to look at, as behind
            the end of a run, at an instant with missing values, or for a step over a gap in time: the
            innovation and the action of an instant are those of the step that leads to it. ``flag`` where any score
            is above 1, with the ``reason`` in words.

        Raises:
            InputError: With everything that is wrong with ``ds`` and ``forcing``, or if the model has no calibrated
                errors.

        Example:
            >>> told = model.flags(ds, ds["action"])  # doctest: +SKIP
            >>> told.reason.where(told.flag, drop=True)  # doctest: +SKIP
        """
        return flagged(self, ds, forcing)

    @ordinary()
    def analyse(
        self,
        observations: xr.Dataset,
        forcing: xr.DataArray | xr.Dataset | None = None,
        *,
        error: float | xr.DataArray | Mapping[str, float | xr.DataArray] | None = None,
        window: bool = False,
    ) -> xr.Dataset:
        """Find the fields, and unknown parameters of the run, from sparse and noisy observations.

        A variational analysis in the latent (see ``sciwm.assimilation``): of one instant (3D-Var), or of a window of a
        few intervals (4D-Var), which uses the dynamics, and with them finds parameters and what no sensor saw. What is
        known before is the distribution of the training data. A longer window tells more as long as the model is right
        over it. Missing values are what was not observed. All runs are computed together.

        Args:
            observations: Some of the variables of the model over one dimension of any name, as ``station``, with the
                positions in coordinates of the names of the space dimensions, anywhere between points of the grid; over
                time too for a window, one interval apart, and over further dimensions, such as runs. Positions may
                change with time. Or the variables on the grid, with NaN wherever nothing was observed. A parameter that
                it holds is known, and NaN where it is to be found; one that it does not hold is to be found.
            forcing: The actions over the window, as in :meth:`rollout`; it may begin earlier and last longer. Not
                needed for one instant.
            error: The standard deviation of the errors: a number, an array, or either for each variable by name. By
                default the variable ``<name>_error``, or the attribute ``error`` of the variable. In the units of the
                variable, unless it states others.
            window: Whether to return the fields at all instants of the window, and not at its end alone.

        Returns:
            Ready for :meth:`rollout` and :meth:`plan`: the variables at the end of the window on the grid of the model,
            and the parameters. Besides, for each variable and each parameter its standard deviation,
            ``<name>_deviation``, what the latent leaves out included; ``<name>_misfit_mean`` and ``<name>_misfit``,
            mean and root mean square of observed minus analysed; ``num_observations``; ``chi_square``, the least cost
            for each observation, about 1 where model, prior and errors are right; and ``fits``, 1 if it is not far
            above: a wrong sensor, forcing or parameter, or fields unlike the training data, are seen there.

        Raises:
            InputError: With everything that is wrong with observations, forcing and errors.

        Example:
            >>> state = model.analyse(sensors, forcing=ds[["power"]], error=0.2)  # doctest: +SKIP
            >>> forecast = model.rollout(state, schedule)  # doctest: +SKIP
        """
        return analysed(self, observations, forcing, error, window=window)

    @ordinary()
    def plan(
        self,
        ds: xr.Dataset,
        target: xr.Dataset,
        horizon: int | None = None,
        *,
        settings: PlanningSettings | None = None,
        bounds: Mapping[str, Any] | None = None,
        given: Mapping[str, Any] | None = None,
        max_change: Mapping[str, Any] | None = None,
        previous: Mapping[str, Any] | None = None,
        departure_weight: float | None = None,
    ) -> xr.Dataset:
        """Find the actions that drive the fields from one instant to a target.

        The plan minimises the mean square distance from the target over the horizon, plus small costs of the actions
        (see ``planning_cost``), within the bounds of the actuators. A plan is open loop, and model errors add up along
        it: to control a flow, apply the first action, observe, and plan again (see ``RecedingHorizon``). Far from its
        training data a model may promise what is not true: ``departure`` says how far a plan goes.

        Args:
            ds: The variables of the model at one instant, with any further dimensions; all are planned together. Beside
                them the parameters of each run, if the model has any.
            target: The variables of the model over space alone, to be reached and kept, such as zero, the state of rest
                of many equations. For a model of the data of others some of the variables are enough, they may be
                numbers, and NaN where fields may take any value.
            horizon: How many control intervals to plan, by default as the run was configured. It should last as long as
                an action takes to act on the flow; a longer one costs more time and, on a chaotic flow, brings little
                beyond a Lyapunov time or two. More than 10 000 are refused.
            settings: Planner and weights of the cost, by default as the run was configured; change some with
                ``model.config.planning.model_copy(update={...})``. For the data of others the default is gradient
                descent without a linear law, and the weight of actions draws them to zero.
            bounds: Lower and upper bounds by the names of forcings or actuators, physical, as ``{"power": (0, 5)}``; by
                default those of the model. Wider ones are allowed, and told.
            given: Forcings that are not chosen, as the weather, by name: over time, or a number.
            max_change: The largest change between two intervals by name, physical, as ``{"power": 1.0}``; kept exactly.
            previous: The values of all forcings before the first ones, by name, from which these may differ by
                ``max_change``; by default the first ones are free.
            departure_weight: The weight of the square of what ``departure`` has above 1. By default 1 for the data of
                others, where variables count in their deviations, and else 0.

        Returns:
            ``forcing`` (..., time, actuator) in physical units, NaN at the last instant, after which nothing follows,
            or all forcings by their names; the fields and functionals that the model predicts under it;
            ``predicted_cost`` (...), the minimised cost as the model predicts it; and ``departure`` (..., time), how
            far the latent is from the training data, of which 1 % lie beyond 1, if the model keeps their statistics.

        Raises:
            InputError: With everything that is wrong with the arguments.
            NoLinearLaw: If ``terminal = riccati`` and the actuators cannot hold the target; choose
                ``terminal = none``, or another target.

        Example:
            >>> plan = model.plan(ds.isel(time=-1), target=0 * ds.isel(simulation=0, time=0))  # doctest: +SKIP
            >>> forecast = model.rollout(ds.isel(time=-1), plan["forcing"])  # doctest: +SKIP
        """
        asked = {"bounds": bounds, "given": given, "max_change": max_change, "previous": previous}
        return planned(self, ds, target, horizon, settings, asked, departure_weight)

    @property
    def names(self) -> Translation:
        """Between the user's names, grids and masks and those inside."""
        statistics = self.model.statistics
        masked = statistics is not None and not bool(statistics.valid.all())
        return Translation(self.domain, statistics.valid.cpu().numpy() if masked and statistics is not None else None)

    def fields(self, ds: Any) -> tuple[xr.Dataset, list[Problem]]:
        """The variables of the model in a user's Dataset, with the parameters beside them, and all problems."""
        inside, problems = self.names.inside(ds, "fields")
        fields, wrong = self._known(inside)
        return fields, problems + wrong

    def _known(self, inside: Any) -> tuple[xr.Dataset, list[Problem]]:
        """The same of a Dataset whose names are those of the model."""
        fields, wrong = fields_of(inside, self.domain, "fields")
        fields, lacking = with_parameters(fields, inside, self.domain, "fields")
        return fields, wrong + lacking + self.resolution_problems(fields.sizes, "fields")

    def resolution_problems(self, sizes: Mapping[Any, int], where: str) -> list[Problem]:
        """Fields that are too coarse for the model."""
        return [
            Problem(f"{where}: {axis.name}", f"at least {needed} points", str(sizes[axis.name]), FINER_GRID)
            for axis, needed in zip(self.domain.axes, self.model.fewest_points, strict=True)
            if axis.periodic and sizes.get(axis.name, needed) < needed
        ]

    def attributes(self, what: str) -> dict[str, str]:
        """The global attributes of a result."""
        return {
            "Conventions": "CF-1.11",
            "title": f"{self.config.name}: {what} by a world model",
            "source": f"sciwm {__version__}",
            "history": "computed by sciwm.Surrogate",
            "sciwm_config": self.config.model_dump_json(),
        }
