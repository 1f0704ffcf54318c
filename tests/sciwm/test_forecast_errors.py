"""Forecasts with error bars, and flags, as a user asks a surrogate for them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from sciwm.config import Config
from sciwm.data import Trajectories
from sciwm.errors import InputError
from sciwm.evaluation.sureness import detect_damages
from sciwm.surrogate import Surrogate
from sciwm.training import build_model
from sciwm.uncertainty import DETECTORS, calibrate


@pytest.fixture(scope="module")
def surrogate(config: Config, training_set: Trajectories, validation_set: Trajectories) -> Surrogate:
    """A model with error bars, before it was trained: its forcing is known and it persists."""
    model = build_model(config, training_set).freeze()
    return Surrogate(model, config, "", calibrate(model, [training_set], validation_set, seed=0))


@pytest.fixture(scope="module")
def records(validation_set: Trajectories) -> xr.Dataset:
    """Three runs of the validation data."""
    return xr.open_zarr(validation_set.path, consolidated=False).isel(simulation=slice(3)).load()


def test_bands_lie_around_the_mean_of_the_members(surrogate: Surrogate, records: xr.Dataset) -> None:
    """Both are the same ensemble; wider bands hold narrower ones, and metadata say what is what."""
    start, forcing = records.isel(time=0), records["action"].isel(time=slice(0, 6))
    bands = surrogate.rollout(start, forcing, uncertainty="bands")
    members = surrogate.rollout(start, forcing, uncertainty="members")
    xr.testing.assert_allclose(bands.u, members.u.mean("realization"), atol=1e-4)
    count = members.sizes["realization"]
    spread = members.u.std("realization", ddof=1).isel(time=slice(1, None)) * (1 + 1 / count) ** 0.5
    deviation = bands.u_deviation.isel(time=slice(1, None))
    assert float((spread**2).mean() ** 0.5) == pytest.approx(float((deviation**2).mean() ** 0.5), rel=0.1)
    narrow, wide = (bands.sel(coverage=share) for share in (0.5, 0.9))
    assert (narrow.u_lower >= wide.u_lower).all() and (narrow.u_upper <= wide.u_upper).all()
    assert (bands.u_lower <= bands.u).all() and (bands.u <= bands.u_upper).all()
    assert bands.u.dims == ("simulation", "time", "x") and members.u.dims[0] == "realization"
    for name in str(bands.u.attrs["ancillary_variables"]).split():
        assert name in bands
    assert members.realization.attrs["standard_name"] == "realization"
    assert str(bands.flag.attrs["flag_meanings"]).split() == list(DETECTORS)
    assert len(bands.flag.attrs["flag_masks"]) == len(DETECTORS)


def test_chunked_starts_give_the_same_lazily(surrogate: Surrogate, records: xr.Dataset) -> None:
    """Nothing is computed before it is asked for."""
    start, forcing = records.isel(time=0), records["action"].isel(time=slice(0, 4))
    lazy = surrogate.rollout(start.chunk(simulation=1), forcing.chunk(simulation=1), uncertainty="bands")
    assert all(lazy[name].chunks is not None for name in ("u", "u_upper", "flag"))
    xr.testing.assert_allclose(
        lazy.compute(), surrogate.rollout(start, forcing, uncertainty="bands"), rtol=1e-4, atol=1e-5
    )


def test_without_uncertainty_forecasts_are_as_before(surrogate: Surrogate, records: xr.Dataset) -> None:
    """Neither variables nor flags are added."""
    forecast = surrogate.rollout(records.isel(time=0), records["action"])
    assert "flag" not in forecast and "u_deviation" not in forecast


def test_a_forecast_says_why_not_to_believe_it(surrogate: Surrogate, records: xr.Dataset) -> None:
    """A start that the model cannot represent speaks against all steps, an action against those after it."""
    start, forcing = records.isel(time=0), 0 * records["action"].isel(time=slice(0, 5))
    bit = {name: 1 << place for place, name in enumerate(DETECTORS)}
    sound = surrogate.rollout(start, forcing, uncertainty="bands").flag
    assert not (sound & (bit["residual"] | bit["spot"] | bit["action"])).any()
    noise = np.random.default_rng(0).standard_normal(start.u.shape)
    noisy = surrogate.rollout(start.assign(u=start.u + 3 * noise), forcing, uncertainty="bands").flag
    assert (noisy & bit["residual"]).all()

    known = surrogate.uncertainty
    assert known is not None
    narrow = replace(known.familiarity, high=known.familiarity.high * 0.1, low=known.familiarity.low * 0.1)
    timid = replace(surrogate, uncertainty=replace(known, familiarity=narrow))
    pushed = forcing.copy()
    pushed[:, 2] = records["action"].max()
    flag = timid.rollout(start, pushed, uncertainty="bands").flag & bit["action"]
    assert (flag.isel(time=slice(0, 3)) == 0).all() and (flag.isel(time=slice(3, None)) != 0).all()


def test_records_are_flagged_with_their_reason(surrogate: Surrogate, records: xr.Dataset) -> None:
    """Alone and over time, where the step from the record before tells more."""
    told = surrogate.flags(records, records["action"])
    assert told.flag.dims == ("simulation", "time") and told.flag.mean() <= 0.06
    assert set(told.reason.values[~told.flag.values]) <= {""}
    assert told.score.sel(detector="innovation").notnull().all()

    dead = records.isel(time=7).copy(deep=True)
    dead.u[:, 5] = 20.0
    alone = surrogate.flags(dead)
    assert alone.flag.all() and alone.score.sel(detector="innovation").isnull().all()
    assert all("a place where fields are unlike" in str(reason) for reason in alone.reason.values)
    jump = records.copy(deep=True)
    jump.u[:, 10:] = records.u[::-1, 10:].values  # other runs go on from here
    seen = surrogate.flags(jump, records["action"]).flag
    assert seen[0, 10] and seen[2, 10]


def test_what_cannot_be_asked_is_told(surrogate: Surrogate, records: xr.Dataset) -> None:
    """A kind that is none, a model without error bars, a forcing that is too short, a grid of other points."""
    start, forcing = records.isel(time=0), records["action"]
    with pytest.raises(InputError, match="expected 'bands', 'members' or None, got 'ensemble'"):
        surrogate.rollout(start, forcing, uncertainty="ensemble")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="expected a model with calibrated errors"):
        replace(surrogate, uncertainty=None).rollout(start, forcing, uncertainty="bands")
    with pytest.raises(InputError, match="expected at least 20 intervals"):
        surrogate.flags(records, forcing.isel(time=slice(0, 4)))
    x = np.arange(50) * 22 / 50
    finer = xr.Dataset({"u": (("simulation", "x"), np.sin(2 * np.pi * x / 22) * np.ones((3, 1)))}, {"x": x})
    with pytest.raises(InputError, match="expected 32 points or a multiple"):
        surrogate.rollout(finer, forcing, uncertainty="bands")


def test_damages_are_told_from_sound_records(surrogate: Surrogate, validation_set: Trajectories) -> None:
    """With the record before more than alone, even by an untrained model; few sound ones are flagged."""
    known = surrogate.uncertainty
    assert known is not None
    found = detect_damages(surrogate.model, known, validation_set, 0)
    assert found["false_alarms"].max() <= 0.06
    by_record = found["auroc"].sel(detector="record")
    assert (by_record.sel(damage=["noise", "dead line", "offset"]) > 0.95).all()
    assert by_record.mean() > found["auroc"].sel(detector="single_instant").mean()
    assert not torch.tensor(found["score"].values).isnan().any()
