"""Chunked inputs are computed when asked, a part at a time, and meet the same checks as those in memory."""

from collections.abc import Callable

import dask.array
import numpy as np
import pytest
import xarray as xr
from foreign_flows import flow, told
from xarray.backends import BackendArray
from xarray.core import indexing

from sciwm.surrogate import Surrogate


@pytest.mark.parametrize("chunked", [False, True])
def test_imagination_without_bounds_is_told_whenever_it_is_computed(own: Surrogate, chunked: bool) -> None:
    ds = flow()
    far = ds.assign(u=1e30 * ds["u"])
    given = far.chunk() if chunked else far
    for call in (
        lambda: own.rollout(given.isel(time=0), given["action"]).compute(),
        lambda: own.encode(given.astype(float).assign(u=1e300 * ds["u"].astype(float))).compute(),
        lambda: own.decode(
            given["action"].rename(actuator="latent").pad(latent=(0, 9), constant_values=3e38)
        ).compute(),
    ):
        assert any("finite" in line for line in told(call))
    (line,) = told(lambda: own.rollout(given.isel(time=0), given["action"]).compute())
    assert "expected a finite forecast, got values that are not finite at interval" in line
    assert "give fields within the training range, u about" in line


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda a: a.where(a.time != 0.5), "expected finite values, got 4 that are not"),
        (lambda a: 9 * a, "actions of 'jet_"),
    ],
)
def test_values_of_a_chunked_forcing_are_checked_when_it_is_read(
    own: Surrogate, change: Callable[[xr.DataArray], xr.DataArray], part: str
) -> None:
    ds = flow()
    lazy = own.rollout(ds.isel(time=0), change(ds["action"]).chunk(time=1))
    assert lazy["u"].chunks is not None
    assert part in told(lazy.compute)[0]


def test_a_chunked_forcing_is_not_read_at_once(own: Surrogate) -> None:
    """Before the forecast is computed, the last instant alone, which may be one that is never used."""
    ds, read = flow(), []

    def noted(block: np.ndarray, block_info: dict[int, dict[str, object]]) -> np.ndarray:
        read.append(block_info[0]["chunk-location"])
        return block

    values = dask.array.from_array(ds["action"].values, chunks=(1, 4))
    values = values.map_blocks(noted, dtype="f4", meta=np.empty((0, 0), "f4"))
    lazy = own.rollout(ds.isel(time=0), ds["action"].copy(data=values))
    assert read == [(4, 0)]
    xr.testing.assert_allclose(lazy.compute(), own.rollout(ds.isel(time=0), ds["action"]))
    assert sorted(read) == [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0)]


def test_long_forecasts_are_decoded_a_few_instants_at_a_time(own: Surrogate, monkeypatch: pytest.MonkeyPatch) -> None:
    """And are those that are decoded at once."""
    monkeypatch.setattr("sciwm.surrogate.coding.NUMBERS_OF_A_CHUNK", 2 * 32 * 3)
    many = xr.concat([flow(), 0.5 * flow()], dim="simulation")
    lazy = own.rollout(many.isel(time=0).chunk(), many["action"])
    assert lazy["u"].chunksizes["time"] == (3, 2)
    xr.testing.assert_allclose(lazy.compute(), own.rollout(many.isel(time=0), many["action"]), atol=1e-6)


class Noted(BackendArray):
    """Values in a file, which note what is read of them at once."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.shape, self.dtype = values, values.shape, values.dtype
        self.read: list[int] = []

    def __getitem__(self, key: indexing.ExplicitIndexer) -> np.ndarray:
        found = np.asarray(self.values[key.tuple])
        self.read.append(found.size)
        return found


def test_many_values_of_a_file_are_encoded_a_part_at_a_time(own: Surrogate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every instant is read once, no part is larger than was asked for, and nothing stays in memory with the data."""
    many = xr.concat([flow(), 0.5 * flow(), 0.25 * flow()], dim="simulation")
    file = Noted(many["u"].values)
    unread = many.assign(u=(many["u"].dims, indexing.LazilyIndexedArray(file), many["u"].attrs))
    expected = own.encode(many)
    monkeypatch.setattr("sciwm.surrogate.unread_values.MOST_READ", many["u"].size - 1)
    monkeypatch.setattr("sciwm.surrogate.unread_values.NUMBERS_OF_A_PART", 2 * 32)
    latent = own.encode(unread)
    assert latent.chunks is None
    xr.testing.assert_allclose(latent, expected, atol=1e-6)
    assert max(file.read) <= 2 * 32
    assert sum(file.read) == many["u"].size
    own.encode(unread)
    assert sum(file.read) == 2 * many["u"].size
