"""What the training data do not hold may be asked of a model of files, and is told or flagged; stated limits hold."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from foreign_data import Sets, made
from foreign_flows import told

from sciwm.data import fit_domain
from sciwm.data.domain import Domain
from sciwm.surrogate import Surrogate
from sciwm.uncertainty import DETECTORS

FORCINGS = ["power", "flow"]


def off(ds: xr.Dataset) -> xr.Dataset:
    """Air flows faster than ever, and flows back at the end."""
    flow = xr.where(ds["t"] > 4, -1.5, 3.2).broadcast_like(ds["flow"]).assign_attrs(units="m/s")
    return ds.assign(flow=flow.where(ds["flow"].notnull()).transpose(*ds["flow"].dims).assign_attrs(units="m/s"))


@pytest.mark.parametrize("chunked", [False, True])
def test_a_forcing_outside_the_data_is_told(plate: Surrogate, plate_data: xr.Dataset, chunked: bool) -> None:
    asked = off(plate_data)[FORCINGS]
    asked = asked.chunk(t=-1) if chunked else asked
    note = (
        r"the forcings of the training data the model extrapolates: flow \[m s-1\] from -1.5 to 3.2 \(data: -1 to 3\)"
    )
    with pytest.warns(UserWarning, match=note) as caught:
        forecast = plate.rollout(plate_data.isel(t=0), asked).compute()
    assert len(caught) == 1
    assert forecast["temp"].notnull().all()
    assert chunked or "flow [m s-1] from -1.5" in forecast.attrs["comment"]


def test_a_parameter_outside_the_data_is_told(plate: Surrogate, plate_data: xr.Dataset) -> None:
    start = plate_data.isel(t=0).assign(ambient=xr.DataArray([13.0, 20.0, 24.0], dims="run"))
    with pytest.warns(
        UserWarning, match=r"parameters .* extrapolates: ambient \[degC\] from 13 to 24 \(data: 14 to 26\)"
    ):
        plate.rollout(start, plate_data[FORCINGS])
    with pytest.warns(UserWarning, match="extrapolates: ambient") as caught:
        plate.plan(start, plate_data[["temp"]].isel(run=2, t=5), 2)
    assert caught[0].filename == __file__


def test_every_step_outside_is_flagged(sure_plate: Surrogate, plate_data: xr.Dataset) -> None:
    """However little; a forecast stays flagged, as what came before is in it."""
    lowest, highest = sure_plate.domain.action_range
    inside = plate_data.assign(flow=plate_data["flow"].clip(lowest[2], highest[2]))
    barely = inside.assign(flow=inside["flow"].where(inside["t"] != 4.0, 3.001).assign_attrs(units="m/s"))
    with pytest.warns(UserWarning, match="extrapolates"):
        forecast = sure_plate.rollout(barely.isel(t=0), barely[FORCINGS], uncertainty="bands")
    bit = 1 << DETECTORS.index("action")
    assert ((forecast["flag"] & bit) > 0).values.tolist() == [[False] * 3 + [True] * 4] * 3
    seen = sure_plate.flags(barely, barely[FORCINGS])
    reasons = seen["reason"].sel(run=101).values.tolist()
    words = "an action outside the training data (flow = 3.001 m s-1, 0.001 above 3)"
    assert [words in reason for reason in reasons] == [False, False, False, True, False, False, False]
    assert words in str(sure_plate.flags(barely.isel(t=2), barely[FORCINGS].isel(t=[2]))["reason"].values[0])


@pytest.mark.parametrize(
    ("bounds", "attributes", "limits"),
    [
        ({}, {}, (-np.inf, np.inf)),
        ({"q": [-2.0, 4.0]}, {}, (-2.0, 4.0)),
        ({}, {"valid_min": -5.0}, (-5.0, np.inf)),
        ({}, {"valid_range": [-5.0, 5.0]}, (-5.0, 5.0)),
    ],
)
def test_limits_are_those_that_somebody_stated(
    tmp_path: Path, bounds: dict[str, list[float]], attributes: dict[str, float], limits: tuple[float, float]
) -> None:
    """The range of the training data is known apart from them, and both are kept with the model."""
    given = made()
    given["q"].attrs |= attributes
    domain = fit_domain(Sets(tmp_path, given, bounds=bounds, split={"validation": ["c1"], "test": 0.0}).opened("train"))
    assert [float(end[0]) for end in domain.action_limits] == list(limits)
    values = given["q"].drop_sel(case="c1").isel(clock=slice(0, -1))
    np.testing.assert_allclose([end[0] for end in domain.action_range], [values.min(), values.max()], rtol=1e-6)
    assert Domain.from_json(domain.to_json()) == domain


def test_a_stated_limit_is_one(plate: Surrogate, plate_data: xr.Dataset) -> None:
    asked = plate_data[FORCINGS].assign(power=(3 * plate_data["power"]).assign_attrs(units="W"))
    (line,) = told(lambda: plate.rollout(plate_data.isel(t=0), asked))
    assert "expected actions of 'power.north' up to 8 [W]" in line
    assert "this limit is stated by source.bounds of the configuration, or by valid_min or valid_max" in line
    chunked = plate.rollout(plate_data.isel(t=0), asked.chunk(t=-1))
    assert "up to 8 [W]" in told(chunked.compute)[0]
