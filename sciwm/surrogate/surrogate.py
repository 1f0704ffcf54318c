"""A trained model used like a solver: xarray Datasets in and out, everything found by the names of its dimensions."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import xarray as xr

from sciwm.config import Config, PlanningSettings
from sciwm.data import Domain, check_latents, position_of
from sciwm.data.forcing_checks import action_problems
from sciwm.data.times import flow_times
from sciwm.data.values import masked_value, missing_remedy
from sciwm.dynamics import rollout
from sciwm.errors import InputError, Problem, raise_if
from sciwm.model import FINER_GRID, LatentStatistics, WorldModel, load_model, read_description
from sciwm.run_paths import RunPaths
from sciwm.surrogate.analyses import analysed
from sciwm.surrogate.flags import flags_of
from sciwm.surrogate.forcing_names import apart, is_unforced, no_forcing, side_by_side
from sciwm.surrogate.forecast_errors import forecast_with_errors, kind_problems
from sciwm.surrogate.inputs import fields_of, held_forcing, instant_of
from sciwm.surrogate.limits import intervals_of, planning_of, require_finite
from sciwm.surrogate.mapping import Array, fields_to_batch, from_batch, map_blocks, to_batch
from sciwm.surrogate.plan_limits import limits_of
from sciwm.surrogate.plans import aim_of, searched
from sciwm.surrogate.run_parameters import parameter_attributes, with_parameters
from sciwm.surrogate.summary import summarize
from sciwm.surrogate.translation import Translation
from sciwm.uncertainty import Uncertainty, load_uncertainty, require_uncertainty
from sciwm.version import __version__
from simulations.torch_modes import ordinary

POINTS_AT_ONCE = 2**18  # bounds the memory of convolutions and decoder products
HELD = "action, held over the interval that starts here"
NUMBERS_OF_A_CHUNK = 2**23
"""How many numbers a lazy forecast of one variable holds at once: 32 megabytes."""


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
                checked when they are computed.

        Example:
            >>> latent = model.encode(ds)  # doctest: +SKIP
            >>> latent.dims  # doctest: +SKIP
            ('simulation', 'time', 'latent')
        """
        inside, problems = self.names.inside(ds, "fields")
        fields, wrong = fields_of(inside, self.domain, "fields")
        fields, lacking = with_parameters(fields, inside, self.domain, "fields")
        self.names.raise_if(problems + wrong + lacking + self.resolution_problems(fields.sizes, "fields"))
        return self.names.renamed(self._encode(fields))

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
        return self.names.outside(self._decode(latent), latent)

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
                Dataset of these variables, as ``ds[["power"]]``.
            intervals: How many control intervals to forecast where nothing acts, and there is no ``forcing``.
            uncertainty: ``"bands"`` for the same forecast with its calibrated standard deviation and bands that
                should hold 50 and 90 % of the truth; ``"members"`` for calibrated members, as if drawn like the truth.
                Such a forecast takes as many rollouts as there are members, and ``flag`` in it says at each step what
                speaks against believing it. None, for the forecast of the trained model alone, has neither.

        Returns:
            The variables over (..., time, *space) on the grid of the model and the functionals over (..., time), with
            the parameters beside them. The start is included, as the model decodes it. Times are those of ``forcing``
            and one more, the end of the last interval; with an action that is NaN at the end, just those of
            ``forcing``. Points without fields are NaN. With bands, variables ``NAME_deviation``, ``NAME_lower`` and
            ``NAME_upper`` over ``coverage``; with members, variables over ``realization``. The bits of ``flag`` have
            the meanings in its attributes, 0 means that nothing is wrong.

        Raises:
            InputError: With everything that is wrong with ``ds`` and ``forcing``, if the forecast is not finite, or if
                the model has no calibrated errors.

        Example:
            >>> forecast = model.rollout(ds.isel(time=0), forcing=ds["action"])  # doctest: +SKIP
        """
        start, used, times, problems = self._prepared(ds, forcing, intervals)
        self.names.raise_if(problems + kind_problems(uncertainty))
        if uncertainty is None:
            return self._outside(self._decode(self._advanced(self._encode(start), used, times)), start, ds)
        known = require_uncertainty(self.uncertainty, "uncertainty")
        made = forecast_with_errors(self.model, known, start, self._encode(start), used, times, uncertainty)
        return self._outside(made.assign_attrs(self.attributes("forecast")), start, ds)

    def flags(self, ds: xr.Dataset, forcing: xr.DataArray | xr.Dataset | None = None) -> xr.Dataset:
        """Say of records whether to believe them, and forecasts from them.

        A single instant shows fields that the model cannot represent (noise, hot spots, dead sensors), and states that
        the training data do not hold, or not for the parameters that are stated. It cannot show a fault that turns it
        into another possible one, such as rows in the wrong order: for this give records over time with their forcing,
        whose every step must follow from the one before. The thresholds come from the validation data, of which at
        most 2.5 % are flagged.

        Args:
            ds: The variables of the model at one instant or over ``time``, as for :meth:`encode`.
            forcing: The actions from the first instant on, as for :meth:`rollout`. Without them nothing is said of
                steps and actions.

        Returns:
            ``score`` over ``detector`` in units of each threshold, NaN where there was nothing to look at: the
            innovation and the action of an instant are those of the step that leads to it. ``flag`` where any score
            is above 1, with the ``reason`` in words.

        Raises:
            InputError: With everything that is wrong with ``ds`` and ``forcing``, or if the model has no calibrated
                errors.

        Example:
            >>> told = model.flags(ds, ds["action"])  # doctest: +SKIP
            >>> told.reason.where(told.flag, drop=True)  # doctest: +SKIP
        """
        inside, problems = self.names.inside(ds, "fields")
        fields, wrong = fields_of(inside, self.domain, "fields")
        fields, lacking = with_parameters(fields, inside, self.domain, "fields")
        problems += wrong + lacking + self.resolution_problems(fields.sizes, "fields")
        used = None
        if not problems and (forcing is not None or is_unforced(self.domain)):
            count = max(1, fields.sizes.get("time", 1) - 1)
            first = ds.isel({self.domain.time_name: 0}, missing_dims="ignore")
            _, used, _, problems = self._prepared(first, forcing, count)
        self.names.raise_if(problems)
        known = require_uncertainty(self.uncertainty, "flags")
        return self.names.renamed(flags_of(self.model, known, fields, self._encode(fields), used))

    def rollout_problems(
        self, ds: xr.Dataset, forcing: xr.DataArray | xr.Dataset | None, intervals: int | None = None
    ) -> list[Problem]:
        """Everything that keeps :meth:`rollout` from beginning; values that are chunked are not looked at."""
        return self.names.told(self._prepared(ds, forcing, intervals)[3])

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
            observations: Some of the variables of the model over ``point``, with the position of every point in
                coordinates of the names of the space dimensions, anywhere between the points of the grid; over time
                too for a window, one interval apart, and over further dimensions, such as runs. Positions may change
                with time. Or the variables on the grid, with NaN wherever nothing was observed. A parameter that it
                holds is known, and NaN where it is to be found; one that it does not hold is to be found.
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
        start, problems = self._start(ds)
        aim, wrong = aim_of(self, target, settings, horizon, departure_weight)
        limits, asked = None, {"bounds": bounds, "max_change": max_change}
        asked |= {"given": self.names.each_inside(given), "previous": self.names.each_inside(previous)}
        if any(value is not None for value in asked.values()):
            intervals = aim.settings.horizon if aim else planning_of(None, self.config, horizon)[0].horizon
            limits, unfit = limits_of(self.domain, start, intervals, **asked)
            wrong = wrong + unfit
        self.names.raise_if(problems + wrong)
        if aim is None:
            raise AssertionError("no aim and no problem")
        state = self._encode(start.compute())
        forcing, cost = searched(self, state, aim, limits)
        latents = self._advanced(state, forcing, flow_times(start, aim.settings.horizon, self.domain))
        plan = self._decode(latents)
        padded = forcing.pad(time=(0, 1)).assign_coords(time=plan["time"], actuator=list(self.domain.actuators.names))
        padded.attrs = {"units": self.domain.actuators.units, "long_name": HELD}
        acting = apart(padded, self.domain) if self.domain.forcings else xr.Dataset({"forcing": padded})
        plan = plan.assign(acting.data_vars).assign_coords(acting.coords)
        plan["predicted_cost"] = cost.assign_attrs(units="1", long_name="cost of the plan as the model predicts it")
        if self.model.statistics is not None:
            plan["departure"] = self._departure(latents, self.model.statistics)
        return self._outside(plan, start, ds)

    @property
    def names(self) -> Translation:
        """Between the user's names, grids and masks and those inside."""
        statistics = self.model.statistics
        masked = statistics is not None and not bool(statistics.valid.all())
        return Translation(self.domain, statistics.valid.cpu().numpy() if masked and statistics is not None else None)

    def _start(self, ds: Any, where: str = "fields") -> tuple[xr.Dataset, list[Problem]]:
        """Fields and parameters of one instant."""
        inside, problems = self.names.inside(ds, where)
        start, wrong = instant_of(inside, self.domain, where)
        start, lacking = with_parameters(start, inside, self.domain, where)
        return start, problems + wrong + lacking + self.resolution_problems(start.sizes, where)

    def _prepared(
        self, ds: Any, forcing: Any, intervals: int | None
    ) -> tuple[xr.Dataset, xr.DataArray, xr.DataArray, list[Problem]]:
        """Start, forcing and times of a forecast, and all problems."""
        start, problems = self._start(ds)
        if forcing is None and is_unforced(self.domain):
            count, wrong = intervals_of(intervals)
            forcing = no_forcing(count)
        else:
            forcing, wrong = self.names.inside(forcing, "forcing")
        forcing, unnamed = side_by_side(forcing, self.domain)
        if wrong + unnamed:
            return start, xr.DataArray(), xr.DataArray(), problems + wrong + unnamed
        used, times, forcing_problems = held_forcing(forcing, start, self.domain)
        return start, used, times, problems + forcing_problems

    def _outside(self, result: xr.Dataset, start: xr.Dataset, ds: Any) -> xr.Dataset:
        """A result with the parameters of its start, and the names and grids of the user's Dataset."""
        own = {p.name: start[p.name].assign_attrs(parameter_attributes(p)) for p in self.domain.parameters}
        return self.names.outside(result.assign(own), ds)

    def _encode(self, ds: xr.Dataset) -> xr.DataArray:
        def encode(*arrays: Array) -> tuple[Array, ...]:
            given, own = arrays[: len(fields)], arrays[len(fields) :]
            shape = np.broadcast_shapes(*(one.shape[: one.ndim - len(space)] for one in given), *(p.shape for p in own))
            wide = [np.broadcast_to(one, (*shape, *one.shape[one.ndim - len(space) :])) for one in given]
            batch, leading = fields_to_batch(wide, len(space), remedy)
            beside = [to_batch(np.stack(np.broadcast_arrays(*own), -1), leading, 1)] if own else []
            at_once = _at_once(batch.shape[2:])
            parts = zip(*(one.split(at_once) for one in (batch, *beside)), strict=True)
            latents = [self.model.encode(*part) for part in parts]
            return self._finite(from_batch(torch.cat(latents), leading))

        space, fields = self.domain.dimensions, [ds[v.name] for v in self.domain.variables]
        parameters = [ds[p.name] for p in self.domain.parameters]
        remedy = missing_remedy(next((f for f in fields if masked_value(f) is not None), fields[0]))
        sizes = {"latent": self.model.state_size}
        reads: list[Sequence[str]] = [space] * len(fields) + [[]] * len(parameters)
        (latent,) = map_blocks(encode, [*fields, *parameters], reads, [["latent"]], sizes)
        first = next(d for d in fields[0].dims if d in space)
        in_place = ["latent" if d == first else d for d in fields[0].dims if d == first or d not in space]
        latent = latent.transpose(..., *in_place).rename("latent")
        return latent.assign_attrs(units="1", long_name="latent state")

    def _decode(self, latent: xr.DataArray) -> xr.Dataset:
        domain, names = self.domain, [f.name for f in self.domain.functionals]

        def decode(latents: Array) -> tuple[Array, ...]:
            batch = to_batch(latents, latents.shape[:-1], 1)
            several = torch.split(batch, _at_once(domain.shape))
            parts = [self.model.readout(part, ["fields", *names]) for part in several]
            fields = torch.cat([part["fields"] for part in parts]).unbind(dim=1)
            functionals = [torch.cat([part[name] for part in parts]) for name in names]
            return self._finite(*(from_batch(values, latents.shape[:-1]) for values in (*fields, *functionals)))

        space = dict(zip(domain.dimensions, domain.shape, strict=True))
        gives = [list(space)] * len(domain.variables) + [[]] * len(names)
        read = map_blocks(decode, [latent], [["latent"]], gives, space)
        in_place = [d for dim in latent.dims for d in (space if dim == "latent" else (dim,))]
        decoded = xr.Dataset({}, attrs=self.attributes("forecast"))
        for v, values in zip(domain.variables, read, strict=False):
            decoded[v.name] = values.transpose(*in_place)
            decoded[v.name].attrs = {"units": v.units, "long_name": v.long_name}
        for name, values in zip(names, read[len(domain.variables) :], strict=True):
            decoded[name] = values
            decoded[name].attrs = {"units": "1", "long_name": f"spatial mean {name}"}
        return decoded.assign_coords({axis.name: position_of(axis) for axis in domain.axes})

    def _advanced(self, start: xr.DataArray, forcing: xr.DataArray, times: xr.DataArray) -> xr.DataArray:
        """The latents of a forecast."""

        def advance(states: Array, actions: Array) -> tuple[Array, ...]:
            if lazy:  # the first look at the values
                dims = [f"dim_{i}" for i in range(actions.ndim - 2)]
                block = xr.DataArray(actions, dims=[*dims, "time", "actuator"])
                raise_if(action_problems(block, self.domain.actuators, "a chunk of the forcing"))
            leading = np.broadcast_shapes(states.shape[:-1], actions.shape[:-2])
            state = to_batch(states, leading, 1)
            future = rollout(self.model, state, to_batch(actions, leading, 2))
            return self._finite(
                from_batch(torch.cat([state[:, None], future], dim=1), leading), instants=len(leading) + 1
            )

        state, lazy = start.drop_vars("time", errors="ignore").transpose(..., "latent"), forcing.chunks is not None
        along = dict((forcing if state.chunks is None else state).chunksizes)
        arrays = [
            array.chunk({d: c for d, c in along.items() if d in array.dims}) if along else array
            for array in (state, forcing)
        ]
        reads, sizes = [["latent"], ["time", "actuator"]], {"time": times.size, "latent": self.model.state_size}
        (latents,) = map_blocks(advance, arrays, reads, [["time", "latent"]], sizes)
        return _few_instants(latents, self.domain.shape).assign_coords(time=times)

    def _departure(self, latents: xr.DataArray, statistics: LatentStatistics) -> xr.DataArray:
        """How far latents are from the training data."""
        size = self.model.latent_size

        def departure(states: Array) -> tuple[Array, ...]:
            return (statistics.departure(torch.from_numpy(states[..., :size].copy())).numpy(),)

        (found,) = map_blocks(departure, [latents], [["latent"]], [[]], {})
        return found.assign_attrs(units="1", long_name="distance from the training data, of which 1 % lie beyond 1")

    def _finite(self, *results: Array, instants: int = 0) -> tuple[Array, ...]:
        require_finite(results, instants, self.domain)
        return results

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


def _at_once(shape: Sequence[int]) -> int:
    """How many instants of a grid are computed together, which bounds the memory."""
    return max(1, POINTS_AT_ONCE // math.prod(shape))


def _few_instants(latents: xr.DataArray, shape: Sequence[int]) -> xr.DataArray:
    """Lazy latents in chunks so short in time that the fields of one are bounded in memory."""
    if latents.chunks is None:
        return latents
    rows = math.prod(max(sizes) for d, sizes in latents.chunksizes.items() if d not in ("time", "latent"))
    return latents.chunk(time=max(1, NUMBERS_OF_A_CHUNK // (rows * math.prod(shape))))
