"""Results state what they are themselves; of inputs they keep coordinates, in a form that every file can hold."""

import json
import warnings
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import xarray as xr
from foreign_flows import flow, told

from sciwm.data import Variable
from sciwm.surrogate import Surrogate

OF_A_WIND = {
    "standard_name": "eastward_wind",
    "valid_range": [-5.0, 5.0],
    "cell_methods": "time: mean",
    "grid_mapping": "crs",
    "scale_factor": 0.01,
    "add_offset": 3.0,
    "_FillValue": -1.0,
    "long_name": "zonal wind",
}


def results(own: Surrogate, ds: xr.Dataset) -> dict[str, xr.Dataset]:
    """Everything that a surrogate returns."""
    start = ds.isel(time=0)
    latent = own.encode(ds)
    return {
        "latent": latent.to_dataset(),
        "decoded": own.decode(latent.assign_attrs(OF_A_WIND)),
        "forecast": own.rollout(start, ds["action"]),
        "plan": own.plan(start, 0 * ds[["u"]].isel(time=0), horizon=2),
    }


def test_results_have_attributes_of_their_own_alone(own: Surrogate) -> None:
    ds = flow()
    ds["u"].attrs.update(OF_A_WIND)
    ds["action"].attrs.update(OF_A_WIND)
    for name, result in results(own, ds).items():
        for variable in result.data_vars.values():
            assert set(variable.attrs) == {"units", "long_name"}, (name, variable.name)
            assert variable.attrs["long_name"] != "zonal wind"
            assert variable.encoding == {}


def test_a_latent_of_packed_fields_is_itself_when_it_is_read_again(own: Surrogate, tmp_path: Path) -> None:
    ds = flow()
    ds["u"].attrs.update(scale_factor=0.01, add_offset=3.0)
    latent = own.encode(ds)
    latent.to_netcdf(tmp_path / "latent.nc")
    np.testing.assert_array_equal(xr.load_dataarray(tmp_path / "latent.nc"), latent)


@pytest.fixture(scope="module")
def packed_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of the second format with codecs and chunks that the third knows nothing of."""
    many = xr.concat([flow() * (1 + 0.01 * i) for i in range(6)], dim="simulation")
    many = many.assign_coords(simulation=np.arange(6.0), nu=("simulation", np.full(6, 0.5)))
    path = tmp_path_factory.mktemp("packed") / "many.zarr"
    codec = {"compressors": (numcodecs.Blosc("zstd", 3, 2),)}
    chunks = {"u": (4, 5, 32), "simulation": (4,), "nu": (4,)}
    many.to_zarr(
        path, zarr_format=2, encoding={n: {**codec, "chunks": c} for n, c in chunks.items()}, consolidated=False
    )
    return path


@pytest.mark.parametrize("change", [lambda d: d, lambda d: d.chunk(simulation=3), lambda d: d.load()])
def test_codecs_and_chunks_of_inputs_stay_with_them(
    own: Surrogate, packed_store: Path, change: Any, tmp_path: Path
) -> None:
    ds = change(xr.open_zarr(packed_store, consolidated=False, decode_times=False))
    forecast, latent = own.rollout(ds.isel(time=0), ds["action"]), own.encode(ds)
    for result in (forecast, latent.to_dataset(name="z")):
        expected = result.compute()
        for form in (2, 3):
            path = tmp_path / f"{form}.zarr"
            result.to_zarr(path, mode="w", zarr_format=form, consolidated=False)
            with xr.open_zarr(path, consolidated=False) as written:
                xr.testing.assert_identical(written.load(), expected)
        result.to_netcdf(tmp_path / "result.nc")
        xr.testing.assert_identical(xr.load_dataset(tmp_path / "result.nc"), expected)


HELD_AS_TEXT: dict[Any, Any] = {
    "a dict": {"a": [1, None]},
    "none": None,
    "truth": True,
    "truths": np.array([True, False]),
    "an object": Path("here"),
    "complex": 1 + 2j,
    "date": np.datetime64("2000"),
    "half": np.float16(1.5),
    "nested": [[1], [2, 3]],
    "mixed": ["a", 1],
    "table": np.ones((2, 2)),
    "huge": 2**70,
    "bytes": b"ab",
    "a/b": 1,
    "-c": "x",
    " d ": "x",
    "": "x",
    7: "x",
    "x" * 300: "x",
}
AS_THEY_ARE = {"number": 2, "share": 0.5, "text": "m/s", "list": [1.0, 2.0], "texts": ["a", "b"], "array": np.arange(3)}


def test_attributes_that_files_cannot_hold_become_text(own: Surrogate, tmp_path: Path) -> None:
    """Before the forecast is computed, and not in an error after it."""
    ds = flow()
    ds["time"].attrs.update({**HELD_AS_TEXT, **AS_THEY_ARE, "bounds": "time_bnds", "_FillValue": 1.0})
    forecast = own.rollout(ds.isel(time=0), ds["action"])
    forecast.to_netcdf(tmp_path / "forecast.nc")
    forecast.to_zarr(tmp_path / "forecast.zarr", consolidated=False)
    with xr.open_dataset(tmp_path / "forecast.nc", decode_times=False) as written:
        kept = written["time"].attrs
    assert json.loads(kept["a dict"]) == {"a": [1, None]}
    assert (kept["none"], kept["truth"], kept["huge"], kept["bytes"]) == ("None", "True", str(2**70), "ab")
    assert kept["a_b"] == 1
    assert len(kept) == 1 + len(HELD_AS_TEXT) + len(AS_THEY_ARE)  # units besides, and no bounds, which are not there
    for name, value in AS_THEY_ARE.items():
        np.testing.assert_array_equal(kept[name], value)
    assert ds["time"].attrs["none"] is None  # the input is left alone


def test_dates_with_attributes_can_be_written(own: Surrogate, tmp_path: Path) -> None:
    ds = flow()
    dated = ds.assign_coords(time=("time", (ds["time"].values * 1e9).astype("m8[ns]"), {"units": "s", "dtype": "x"}))
    forecast = own.rollout(dated.isel(time=0), dated["action"])
    forecast.to_netcdf(tmp_path / "forecast.nc")
    np.testing.assert_array_equal(
        xr.load_dataset(tmp_path / "forecast.nc", decode_timedelta=True)["time"], dated["time"]
    )


def test_text_labels_and_array_valued_attributes_pass(own: Surrogate) -> None:
    ds = flow()
    ds["x"].attrs.update(units=np.array(["1"]), boundary=np.array(["periodic"]))
    ds["u"].attrs["units"] = np.array(["1"])
    members = ds.expand_dims(member=["a", "b"])
    forecast = own.rollout(members.isel(time=0), members["action"].transpose())
    assert forecast["member"].values.tolist() == ["a", "b"]
    assert own.rollout(ds.isel(time=0).expand_dims(expver=[1], number=[0]), ds["action"])["u"].dims[:2] == (
        "expver",
        "number",
    )


def test_positions_over_several_dimensions_are_told(own: Surrogate) -> None:
    """And each of the two remedies of the message gives the latents of the flow."""
    ds = flow()
    nodes = ds.drop_vars("x").expand_dims(node=3).assign_coords(x=(("node", "x"), np.tile(ds["x"].values, (3, 1))))
    (line,) = told(lambda: own.encode(nodes))
    assert line.startswith("fields: x: expected a coordinate over 'x' alone, got dimensions ('node', 'x'); choose one")
    expected = own.encode(ds)
    np.testing.assert_allclose(own.encode(nodes.isel(node=0)), expected, atol=1e-6)
    alike = nodes.assign_coords(x=nodes.x.isel(node=0).values)
    np.testing.assert_allclose(own.encode(alike).isel(node=1), expected, atol=1e-6)


def in_metres(own: Surrogate) -> Surrogate:
    """The same model, whose fields, positions and actions have units."""
    model = deepcopy(own.model)
    (u,), (x,), box = own.domain.variables, own.domain.axes, own.domain.actuators
    variable = Variable(u.name, u.long_name, "m s-1", u.mean, u.deviation)
    model.domain = replace(
        own.domain, variables=(variable,), axes=(replace(x, units="m"),), actuators=replace(box, units="N")
    )
    return replace(own, model=model)


def in_units(ds: xr.Dataset, u: str, x: str, action: str) -> xr.Dataset:
    """The flow, known to be in m s-1, m and N, in other units."""
    per = {"m s-1": 1, "cm s-1": 100, "km/h": 3.6, "m": 1, "km": 1e-3, "nm": 1e9, "N": 1, "kN": 1e-3, "mN": 1e3}
    ds = ds.assign(
        u=(ds["u"] * per[u]).assign_attrs(units=u), action=(ds["action"] * per[action]).assign_attrs(units=action)
    )
    return ds.assign_coords(x=("x", ds["x"].values * per[x], {"units": x}))


@pytest.mark.parametrize(("u", "x", "action"), [("cm s-1", "km", "kN"), ("km/h", "nm", "mN"), ("m s-1", "m", "N")])
@pytest.mark.parametrize("quantified", [False, True])
def test_units_are_converted_where_they_can_be(own: Surrogate, u: str, x: str, action: str, quantified: bool) -> None:
    pytest.importorskip("pint_xarray")
    physical = in_metres(own)
    si, ds = in_units(flow(), "m s-1", "m", "N"), in_units(flow(), u, x, action)
    expected = physical.rollout(si.isel(time=0), si["action"])
    if quantified:
        ds["u"].attrs["units"] = u.replace(" s-1", "/s")
        ds = ds.pint.quantify()
    forecast = physical.rollout(ds.isel(time=0), ds["action"])
    np.testing.assert_allclose(forecast["u"], expected["u"], atol=2e-5)
    assert forecast["u"].attrs["units"] == "m s-1"
    goal = 0 * (ds.pint.dequantify() if quantified else ds)[["u"]].isel(time=0).assign_attrs()
    plan = physical.plan(ds.isel(time=0), goal.assign(u=goal["u"].assign_attrs(units=u)), horizon=2)
    assert plan["forcing"].attrs["units"] == "N"


@pytest.mark.parametrize("quantified", [False, True])
def test_units_that_do_not_convert_are_refused(own: Surrogate, quantified: bool) -> None:
    pytest.importorskip("pint_xarray")
    ds = in_units(flow(), "cm s-1", "km", "kN")
    ds["u"].attrs["units"] = "kg"
    if quantified:
        ds = ds.pint.quantify()
    for model, wanted in ((own, "1"), (in_metres(own), "m s-1")):
        assert f"fields: u: expected units '{wanted}'" in told(lambda model=model: model.encode(ds))[0]


def test_quantified_latents_are_decoded(own: Surrogate) -> None:
    pytest.importorskip("pint_xarray")
    latent = own.encode(flow())
    np.testing.assert_array_equal(own.decode(latent.pint.quantify("dimensionless"))["u"], own.decode(latent)["u"])


def test_stacked_cases_pass_and_stacked_positions_are_told(own: Surrogate) -> None:
    ds = xr.concat([flow(), flow()], "seed", data_vars="all").expand_dims(sign=[1]).assign_coords(seed=[3, 4])
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)  # xarray will refuse what leaves an index in pieces
        assert own.encode(ds.stack(case=("sign", "seed"))).sizes["case"] == 2
    (line,) = told(lambda: own.encode(ds.stack(point=("seed", "x"))))
    assert line.endswith("got a dimension 'point' that stacks several; ds.unstack('point')")
