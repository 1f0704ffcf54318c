"""Sensitivities as solvers and scientists write them, opened for learning."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from cases.case import Case
from torch import Tensor

from sciwm.data import SensitivitySet
from sciwm.data import sensitivity_set as sensitivity
from sciwm.errors import InputError
from simulations.sensitivity_data import SensitivityRecipe, generate_sensitivities

RECIPE = SensitivityRecipe(samples=6, intervals=4, batch=4)
SAMPLES, INSTANTS, ACTUATORS = 5, 4, 2


def written(case: Case, path: Path, starts: Tensor) -> Path:
    generate_sensitivities(case.build(), RECIPE, starts, path, settings=dict(case.settings), target=0.5)
    return path


@pytest.fixture
def twins() -> xr.Dataset:
    """Twins of a solver of one's own: two variables in 2D, dimensions in an unusual order, nothing optional.

    Values tell where they belong: 1000 sample + 100 time + 10 x + y of v; h is its negative.
    """
    sample, time, x, y = np.ogrid[:SAMPLES, :INSTANTS, :4, :5]
    v = 1000.0 * sample + 100 * time + 10 * x + y
    twin = v + 0.5 * (time > 0)
    actions = np.random.default_rng(0).uniform(-1, 1, (SAMPLES, INSTANTS, ACTUATORS))
    actions[:, -1] = np.nan
    over, held = ("sample", "time", "x", "y"), ("sample", "time", "actuator")
    dataset = xr.Dataset(
        {
            "v": (over, v),
            "v_twin": (over, twin),
            "h": (over, -v),
            "h_twin": (over, -twin),
            "action": (held, actions),
            "action_twin": (held, -actions),
        },
        {"time": 0.25 * np.arange(INSTANTS)},
    )
    return dataset.transpose("y", "time", "actuator", "sample", "x")


@pytest.fixture
def with_slopes(twins: xr.Dataset) -> xr.Dataset:
    """The same with tangents, a gradient and bounds."""
    fields = {f"{n}_tangent": 2 * twins[n] for n in ("v", "h")}
    bounds = {"action_low": ("actuator", [-1.0, 0.0]), "action_high": ("actuator", [1.0, 2.0])}
    return twins.assign(**fields, direction=2 * twins.action, action_gradient=4 * twins.action, **bounds)


def saved(dataset: xr.Dataset, path: Path) -> Path:
    """As netCDF."""
    dataset.to_netcdf(path, engine="netcdf4")
    return path


def told(dataset: xr.Dataset, path: Path) -> str:
    """What opening the dataset complains about."""
    with pytest.raises(InputError) as caught:
        SensitivitySet(saved(dataset, path), ["v", "h"])
    return str(caught.value)


def test_what_the_solver_wrote_is_handed_out(
    representative: Case, draw_states: Callable[..., Tensor], tmp_path: Path
) -> None:
    """Every sample is one of the stored ones in full, in 1D and 2D, and the duality of tangent and gradient holds.

    1e-4 is what rounding to float32 leaves of a sum of thousands of terms.
    """
    simulation = representative.build()
    path = written(representative, tmp_path / "a.zarr", draw_states(simulation, 6))
    names = [v.name for v in simulation.variables]
    data = SensitivitySet(path, names)
    assert (data.intervals, data.dimensions, data.shape) == (4, simulation.grid.dims, simulation.grid.shape)
    assert data.control_interval == pytest.approx(simulation.control_interval)
    assert data.actuators is not None
    assert data.actuators.names == simulation.actuators.names
    target = data.target()
    assert target is not None
    assert torch.equal(target, torch.full(target.shape, 0.5))

    batch = data.draw(np.random.default_rng(0), 6, 4)
    with xr.open_zarr(path, consolidated=False) as dataset:
        stored = dataset.load()
    order = [np.flatnonzero((stored.action.values[:, :4] == a.numpy()).all(axis=(1, 2)))[0] for a in batch.actions]
    assert sorted(order) == list(range(6))
    for part, values in (("", batch.fields), ("_twin", batch.twin), ("_tangent", batch.tangent)):
        wanted = np.stack([stored[n + part].values[order] for n in names], axis=2)
        np.testing.assert_array_equal(values, wanted)
    for name, values in (
        ("action_twin", batch.twin_actions),
        ("direction", batch.directions),
        ("action_gradient", batch.gradient),
    ):
        np.testing.assert_array_equal(values, stored[name].values[order][:, :4])

    assert batch.tangent is not None
    assert batch.gradient is not None
    assert batch.directions is not None
    by_gradient = (batch.gradient * batch.directions).sum(dim=(1, 2))
    terms = (2 * (batch.fields - target) * batch.tangent)[:, 1:].flatten(3).mean(dim=3)
    torch.testing.assert_close(terms.sum(dim=(1, 2)), by_gradient, rtol=1e-4, atol=1e-4 * terms.abs().max().item())


def test_shorter_horizons_start_at_the_start_and_have_no_gradient(with_slopes: xr.Dataset, tmp_path: Path) -> None:
    """Fields, twins and tangents are cut; the gradient answers for all of time and is kept back."""
    data = SensitivitySet(saved(with_slopes, tmp_path / "a.nc"), ["v", "h"], ("x", "y"))
    batch = data.draw(np.random.default_rng(0), 3, 2)
    assert batch.gradient is None
    assert batch.fields.shape == (3, 3, 2, 4, 5)
    assert batch.actions.shape == batch.twin_actions.shape == (3, 2, ACTUATORS)
    assert torch.equal(batch.fields[:, 0], batch.twin[:, 0])
    assert batch.directions is not None
    assert torch.equal(batch.directions, 2 * batch.actions)
    assert batch.tangent is not None
    assert torch.equal(batch.tangent, 2 * batch.fields)
    whole = data.draw(np.random.default_rng(0), 3, 3).gradient
    assert whole is not None
    assert torch.equal(whole[:, :2], 4 * batch.actions)
    one = SensitivitySet(tmp_path / "a.nc", ["h"])
    assert one.draw(np.random.default_rng(0), 3, 3).gradient is None  # the cost counts v as well
    with pytest.raises(ValueError, match="expected a horizon of 1 to 3 intervals, got 4"):
        data.draw(np.random.default_rng(0), 3, 4)


@pytest.mark.parametrize("limit", [2**31, 0], ids=["in memory", "read batch by batch"])
def test_twins_alone_are_enough(twins: xr.Dataset, tmp_path: Path, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs of any solver in a netCDF file: every value in its place, space in the order asked for."""
    monkeypatch.setattr(sensitivity, "IN_MEMORY_BYTES", limit)
    data = SensitivitySet(saved(twins, tmp_path / "a.nc"), ["h", "v"], ["x", "y"])
    batch = data.draw(np.random.default_rng(0), 8, 3)
    assert (batch.tangent, batch.directions, batch.gradient, data.target(), data.actuators) == (None,) * 5
    samples = (batch.fields[:, 0, 1, 0, 0] / 1000).round().long()
    assert len(set(samples.tolist())) > 1
    time, x, y = np.ogrid[:4, :4, :5]
    wanted = 1000 * samples[:, None, None, None] + torch.tensor(100 * time + 10 * x + y)
    torch.testing.assert_close(batch.fields, torch.stack([-wanted, wanted], dim=2).float(), rtol=0, atol=0)
    assert torch.equal(batch.twin_actions, -batch.actions)
    data._dataset.close()


def test_failed_samples_are_never_handed_out(
    cases: Mapping[str, Case], draw_states: Callable[..., Tensor], twins: xr.Dataset, tmp_path: Path
) -> None:
    """Neither what the solver marked as blown up, nor what a scientist's file gives another status."""
    case = cases["kuramoto_sivashinsky"].coarse()
    starts = draw_states(case.build(), 6)
    starts[[0, 3]] *= 1e6
    data = SensitivitySet(written(case, tmp_path / "a.zarr", starts), ["u"])
    assert data.usable.tolist() == [1, 2, 4, 5]
    batch = data.draw(np.random.default_rng(0), 40, 4)
    assert torch.isfinite(batch.fields).all()
    assert {float(f) for f in batch.fields[:, 0, 0, 0]} == {float(starts[i, 0, 0].float()) for i in (1, 2, 4, 5)}

    marked = twins.assign(status=("sample", [2, 1, 1, 0, 2]))
    marked["v"] = marked.v.where(marked.status == 1)
    assert SensitivitySet(saved(marked, tmp_path / "b.nc"), ["v"]).usable.tolist() == [1, 2]
    assert "expected a sample with status 1" in told(marked.assign(status=2 * marked.status), tmp_path / "c")


def test_draws_are_repeatable_and_different(twins: xr.Dataset, tmp_path: Path) -> None:
    """The same generator gives the same batch; without replacement where there are enough samples."""
    data = SensitivitySet(saved(twins, tmp_path / "a.nc"), ["v"])
    one, same = (data.draw(np.random.default_rng(3), SAMPLES, 2).fields for _ in range(2))
    assert torch.equal(one, same)
    assert len({float(f) for f in one[:, 0, 0, 0, 0]}) == SAMPLES


def test_everything_wrong_is_told_at_once(with_slopes: xr.Dataset, tmp_path: Path) -> None:
    """What is missing, what has other dimensions, and what belongs together."""
    text = told(with_slopes.drop_vars(["h_twin", "direction", "action_low", "time"]), tmp_path / "a")
    for line in (
        "expected the variable 'h_twin', got none",
        "expected the variable 'direction', got none",
        "expected the variable 'action_low', got none",
        "expected the coordinate 'time', got none",
    ):
        assert line in text
    text = told(
        with_slopes.assign(v_twin=with_slopes.v_twin.isel(x=0), action_twin=with_slopes.action_twin.isel(sample=0)),
        tmp_path / "b",
    )
    assert "v_twin: expected the dimensions sample, time," in text
    assert "action_twin: expected the dimensions sample, time, actuator, got time, actuator" in text
    assert "action_low, action_high: expected one name" in told(
        with_slopes.assign(action_low=with_slopes.action_high), tmp_path / "c"
    )
    uneven = with_slopes.assign_coords(time=[0.0, 0.25, 0.5, 1.0])
    assert "expected increasing times in equal steps, got steps of 0.25 to 0.5" in told(uneven, tmp_path / "d")


def test_twins_start_together_and_samples_are_finite(with_slopes: xr.Dataset, tmp_path: Path) -> None:
    """A twin from another start and a value that is lost are told with their names and samples."""
    assert "h_twin at the first time: expected the start of 'h', got values up to 1 from it; simulate the twin" in told(
        with_slopes.assign(h_twin=with_slopes.h_twin + 1), tmp_path / "a"
    )
    lost = with_slopes.assign_coords(sample=np.arange(SAMPLES))
    lost["v_tangent"] = lost.v_tangent.where(lost.sample != 3)
    lost["direction"] = lost.direction.where(lost.sample != 1)
    text = told(lost, tmp_path / "b")
    assert "v_tangent: expected finite values, got others in samples [3]" in text
    assert "direction: expected finite values, got others in samples [1]" in text
    assert "action:" not in text


def test_damaged_stores_and_nothing_at_all(
    cases: Mapping[str, Case], draw_states: Callable[..., Tensor], tmp_path: Path
) -> None:
    """A chunk that no longer decompresses, and a path where there is nothing."""
    case = cases["kuramoto_sivashinsky"].coarse()
    path = written(case, tmp_path / "a.zarr", draw_states(case.build(), 6))
    (path / "u_twin" / "c" / "2" / "0" / "0").write_bytes(b"nonsense")
    with pytest.raises(InputError, match=r"a\.zarr: expected readable values"):
        SensitivitySet(path, ["u"])
    with pytest.raises(InputError, match="nothing there"):
        SensitivitySet(tmp_path / "b.zarr", ["u"])
