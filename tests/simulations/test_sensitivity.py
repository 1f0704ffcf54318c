"""Twins, tangents and adjoint gradients of every equation, and the store of them."""

import json
import multiprocessing
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from cases.case import Case
from torch import Tensor

from simulations import ActionBox, Actuators, BoundedGrid, PeriodicGrid, Simulation
from simulations.equations import AdvectionDiffusionReaction
from simulations.equations.heat import Heat, Wall
from simulations.resumable_store import StoreError
from simulations.sensitivity import cost, gradient, sensitivity, tangent, trajectory
from simulations.sensitivity_data import SensitivityRecipe, Sequences, draw_sequences, generate_sensitivities
from simulations.sensitivity_store import SensitivityStore
from simulations.store_seal import seal_of
from simulations.tasks import make_task

Draw = Callable[..., Tensor]
RECIPE = SensitivityRecipe(samples=5, intervals=3, batch=2)


def sequences(simulation: Simulation, batch: int, intervals: int) -> tuple[Tensor, Tensor]:
    """Physical actions from the middle of the box, and directions, ``(batch, interval, actuator)``."""
    rng, shape = np.random.default_rng(1), (batch, intervals, len(simulation.actuators))
    normalized = torch.tensor(rng.uniform(-0.5, 0.5, shape))
    return simulation.actuators.to_physical(normalized), torch.tensor(rng.normal(size=shape))


def moved(simulation: Simulation, actions: Tensor, change: Tensor) -> Tensor:
    """Actions whose normalised values are changed."""
    return simulation.actuators.to_physical(simulation.actuators.to_normalized(actions) + change)


def test_tangent_is_the_limit_of_small_twins(simulation: Simulation, draw_states: Draw) -> None:
    """A one-sided difference of 1e-6 has an error of about 1e-6 relative from curvature and 1e-8 from rounding."""
    start = draw_states(simulation, 2)
    actions, directions = sequences(simulation, 2, 3)
    slope = tangent(simulation, start, actions, directions)
    base, twin = (trajectory(simulation, start, moved(simulation, actions, e * directions)) for e in (0, 1e-6))
    assert not slope[:, 0].any()
    torch.testing.assert_close(slope, (twin - base) / 1e-6, rtol=0, atol=1e-5 * slope.abs().max().item())


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_tangent_equals_forward_mode_differentiation(simulation: Simulation, draw_states: Draw) -> None:
    """Through every interval, to 2e-8 of the tangent: differences in float64 lose no more."""
    start = draw_states(simulation, 2)
    actions, directions = sequences(simulation, 2, 3)

    def march(normalized: Tensor) -> Tensor:
        states = [start]
        for action in simulation.actuators.to_physical(normalized).unbind(dim=1):
            states.append(simulation.advance(states[-1], action))
        return torch.stack(states, dim=1)

    normalized = simulation.actuators.to_normalized(actions)
    _, exact = torch.func.jvp(march, (normalized,), (directions,))
    slope = tangent(simulation, start, actions, directions)
    torch.testing.assert_close(slope, exact, rtol=0, atol=2e-8 * exact.abs().max().item())


@pytest.mark.parametrize("growth", [0.0, 0.5, -0.5])
def test_tangent_of_linear_waves_is_their_closed_form(growth: float) -> None:
    """u_t + 0.7 u_x = 0.03 u_xx + growth u + a sin(2 x) with 0 <= a <= 3, by Duhamel's formula.

    d_t answers after n intervals h as Im[(e^{r h} - 1) / r e^{r (n - t) h} e^{2 i x}] with the rate
    r = growth - 0.03 k^2 - 0.7 i k at k = 2, whatever the start; 1e-9 is rounding of the differences.
    """
    grid = PeriodicGrid((16,), (2 * np.pi,))
    x, interval, rate = grid.coordinates["x"], 0.4, growth - 0.12 - 1.4j
    simulation = AdvectionDiffusionReaction(
        grid,
        Actuators(ActionBox(("wave",), np.array([0.0]), np.array([3.0])), np.sin(2 * x)[None]),
        parameters={"velocity": 0.7, "diffusivity": 0.03, "growth": growth, "saturation": 0.0},
        control_interval=interval,
        steps_per_interval=2,
    )
    start = torch.tensor(np.random.default_rng(0).normal(size=(3, 1, 16)))
    actions, directions = sequences(simulation, 3, 5)
    expected = np.zeros((3, 6, 16))
    for n in range(1, 6):
        for t in range(1, n + 1):
            answer = (np.exp(rate * interval) - 1) / rate * np.exp(rate * (n - t) * interval)
            expected[:, n] += 1.5 * directions[:, t - 1].numpy() * np.imag(answer * np.exp(2j * x))
    slope = tangent(simulation, start, actions, directions)
    torch.testing.assert_close(slope[:, :, 0], torch.tensor(expected), rtol=0, atol=1e-9)


@pytest.mark.parametrize("diffusivity", [0.1, [0.05, 0.1, 0.3]], ids=["one", "one for each"])
def test_sensitivities_of_heat_are_their_closed_forms(diffusivity: float | list[float]) -> None:
    """A heater cos(2 pi x) between insulated walls moves one mode, whose rate is -4 kappa sin^2(k h / 2) / h^2.

    With r_n = (1 - e^{l h}) / -l e^{l (n - 1) h}: du_n = c sum_t r_{n-t+1} d_t cos(2 pi x), and from rest
    without actions to a target b cos(2 pi x), dJ/ds_t = -c b sum_{n >= t} r_{n-t+1}, where c is half the bounds.
    """
    points, interval, intervals = 12, 0.3, 4
    grid = BoundedGrid.cells((points,), (1.0,))
    wave = np.cos(2 * np.pi * grid.coordinates["x"])
    heater = Actuators(ActionBox(("heater",), np.array([-2.0]), np.array([2.0])), wave[None])
    walls = {name: Wall("neumann") for name in ("left", "right")}
    simulation = Heat(grid, heater, walls=walls, parameters={"diffusivity": diffusivity}, control_interval=interval)
    rate = -4 * np.broadcast_to(diffusivity, 3) * np.sin(np.pi / points) ** 2 * points**2
    answers = np.stack([(np.exp(rate * interval) - 1) / rate * np.exp(rate * n * interval) for n in range(intervals)])
    directions = np.random.default_rng(0).normal(size=(3, intervals, 1))
    heights = [sum(answers[n - 1 - t] * directions[:, t, 0] for t in range(n)) for n in range(1, intervals + 1)]

    rest, actions = torch.zeros(3, 1, points, dtype=torch.float64), torch.zeros(3, intervals, 1, dtype=torch.float64)
    found = sensitivity(
        simulation,
        rest,
        actions,
        twin_actions=actions + 1,
        directions=torch.tensor(directions),
        target=torch.tensor(0.7 * wave),
    )
    tangents = 2 * np.stack(heights, axis=1)[:, :, None] * wave
    torch.testing.assert_close(found.tangent[:, 1:, 0], torch.tensor(tangents), rtol=0, atol=1e-12)
    gradients = np.stack([-2 * 0.7 * answers[: intervals - t].sum(axis=0) for t in range(intervals)], axis=1)
    torch.testing.assert_close(found.gradient[:, :, 0], torch.tensor(gradients), rtol=0, atol=1e-12)
    warm = np.cumsum(answers, axis=0).T[:, :, None] * wave
    torch.testing.assert_close(found.twin[:, 1:, 0], torch.tensor(warm), rtol=0, atol=1e-12)


def test_gradient_equals_finite_differences_of_the_cost(simulation: Simulation, draw_states: Draw) -> None:
    """By the first, a middle and the last action of every element: central differences of 1e-4, error below 1e-6."""
    start = draw_states(simulation, 2)
    actions, _ = sequences(simulation, 2, 3)
    target = 0.3 * start.flip(-1)
    found = gradient(simulation, trajectory(simulation, start, actions), actions, target)
    for t, j in ((0, 0), (1, len(simulation.actuators) - 1), (2, 0)):
        change = torch.zeros_like(actions)
        change[:, t, j] = 1e-4
        there, back = (
            cost(trajectory(simulation, start, moved(simulation, actions, s * change)), target) for s in (1, -1)
        )
        atol = 1e-6 * found.abs().max().item() + 1e-15 / 1e-4 * there.abs().max().item()
        torch.testing.assert_close(found[:, t, j], (there - back) / 2e-4, rtol=0, atol=atol)


def test_gradient_and_tangent_are_adjoint(simulation: Simulation, draw_states: Draw) -> None:
    """<gradient, d> = sum over time of 2 <(u - target) du>, for each element, to 1e-8 of what is summed."""
    start = draw_states(simulation, 3)
    actions, directions = sequences(simulation, 3, 4)
    target = torch.tensor(0.2, dtype=torch.float64)
    fields = trajectory(simulation, start, actions)
    slope = tangent(simulation, start, actions, directions)
    by_gradient = gradient(simulation, fields, actions, target) * directions
    by_tangent = (2 * (fields - target) * slope)[:, 1:].flatten(3).mean(dim=3).flatten(1)
    scale = by_gradient.abs().sum(dim=(1, 2)) + by_tangent.abs().sum(dim=1)
    defect = (by_gradient.sum(dim=(1, 2)) - by_tangent.sum(dim=1)).abs()
    assert (defect < 1e-8 * scale).all(), defect / scale


@pytest.mark.parametrize(("name", "points"), [("kuramoto_sivashinsky", 64), ("navier_stokes", 32)])
def test_duality_holds_over_long_times(cases: Mapping[str, Case], name: str, points: int, draw_states: Draw) -> None:
    """The same over 16 intervals of chaos and of two-dimensional flow at their good values."""
    simulation = cases[name].build(num_points=points)
    start = draw_states(simulation, 1)
    actions, directions = sequences(simulation, 1, 16)
    found = sensitivity(
        simulation, start, actions, twin_actions=actions, directions=directions, target=torch.zeros_like(start)
    )
    by_gradient = (found.gradient * directions).sum()
    by_tangent = 2 * (found.fields * found.tangent)[:, 1:].flatten(3).mean(dim=3).sum()
    torch.testing.assert_close(by_gradient, by_tangent, rtol=1e-8, atol=0)
    assert torch.equal(found.twin, found.fields)
    assert not found.failed.any()


@pytest.mark.parametrize("name", ["T1", "T7"])
def test_duality_holds_between_walls(name: str) -> None:
    """The same for equations solved by finite differences, with their actuators' own bounds."""
    simulation = make_task(name).simulation
    rng = np.random.default_rng(0)
    start = torch.tensor(np.stack([simulation.initial_state(rng, amplitude=0.5) for _ in range(2)]))
    actions, directions = sequences(simulation, 2, 2)
    found = sensitivity(
        simulation, start, actions, twin_actions=actions, directions=directions, target=torch.zeros_like(start)
    )
    by_gradient = (found.gradient * directions).sum()
    by_tangent = 2 * (found.fields * found.tangent)[:, 1:].flatten(3).mean(dim=3).sum()
    torch.testing.assert_close(by_gradient, by_tangent, rtol=1e-8, atol=0)


def test_costs_count_every_variable_and_no_start() -> None:
    """Two variables at distances 1 and 2 from their targets at two later times: J = 2 (1 + 4)."""
    fields = torch.zeros(1, 3, 2, 4, 4)
    fields[:, 0] = 100.0
    target = torch.stack([torch.ones(4, 4), 2 * torch.ones(4, 4)])
    assert cost(fields, target).tolist() == [10.0]


def test_single_precision_has_no_tangents(cases: Mapping[str, Case], draw_states: Draw) -> None:
    """A difference of float32 solutions would be rounding."""
    simulation = cases["burgers"].coarse().build()
    actions, directions = sequences(simulation, 1, 1)
    with pytest.raises(ValueError, match=r"expected a start of float64.*start\.double"):
        tangent(simulation, draw_states(simulation, 1, dtype=torch.float32), actions.float(), directions.float())


def test_what_blows_up_leaves_the_others_alone(cases: Mapping[str, Case], draw_states: Draw) -> None:
    """An element that diverges is marked as failed; its neighbour has the values it has alone, to rounding."""
    simulation = cases["kuramoto_sivashinsky"].coarse().build()
    start = draw_states(simulation, 2)
    start[0] *= 1e5
    actions, directions = sequences(simulation, 2, 6)
    target = torch.zeros(1, dtype=torch.float64)
    both, alone = (
        sensitivity(simulation, start[i], actions[i], twin_actions=-actions[i], directions=directions[i], target=target)
        for i in (slice(2), slice(1, 2))
    )
    assert both.failed.tolist() == [True, False]
    for name in ("fields", "twin", "tangent", "gradient"):
        wanted = getattr(alone, name)[0]
        torch.testing.assert_close(getattr(both, name)[1], wanted, rtol=0, atol=1e-9 * wanted.abs().max().item())


def drawn(recipe: SensitivityRecipe, count: int) -> list[Sequences]:
    return [draw_sequences(recipe, i, 3) for i in range(count)]


def test_actions_are_drawn_as_the_recipe_says() -> None:
    """Within the box, apart by the perturbation at most, directions of unit mean square, shares as asked."""
    recipe = SensitivityRecipe(samples=400, intervals=6, perturbation=0.3, share_uniform=0.5, share_unforced=1.0)
    found = drawn(recipe, 400)
    actions, twins, directions = (
        np.stack([getattr(s, n) for s in found]) for n in ("actions", "twin_actions", "directions")
    )
    assert max(np.abs(actions).max(), np.abs(twins).max()) <= 1
    assert 0.29 < np.abs(twins - actions).max() <= 0.3
    np.testing.assert_allclose(np.square(directions).mean(axis=(1, 2)), 1, rtol=1e-12)
    uniform = actions.any(axis=(1, 2))  # the others are unforced here
    assert uniform.mean() == pytest.approx(0.5, abs=4 * 0.5 / 20)
    assert actions[uniform].std() == pytest.approx(1 / np.sqrt(3), abs=0.05)
    assert np.abs(actions[uniform]).max() > 0.99
    assert (np.diff(actions[uniform], axis=1) != 0).all()  # anew in every interval
    change = (twins - actions)[~uniform]  # nothing is clipped here
    rough = (np.diff(change, axis=1) != 0).all(axis=(1, 2))
    assert rough.mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(len(rough)))


def test_a_sample_does_not_depend_on_how_many_there_are() -> None:
    """Sequences belong to (seed, i): the same in a longer recipe, others under another seed."""
    few, many = drawn(RECIPE, 3), drawn(replace(RECIPE, samples=50), 3)
    for one, same, other in zip(few, many, drawn(replace(RECIPE, seed=1), 3), strict=True):
        np.testing.assert_array_equal(one.directions, same.directions)
        np.testing.assert_array_equal(one.twin_actions, same.twin_actions)
        assert not np.isclose(one.directions, other.directions).any()


def write(case: Case, path: Path, starts: Tensor, recipe: SensitivityRecipe = RECIPE, **changes: Any) -> xr.Dataset:
    store = generate_sensitivities(case.build(), recipe, starts, path, settings=dict(case.settings), **changes)
    assert store.missing() == []
    with xr.open_dataset(path, engine="zarr", consolidated=False, decode_times=False) as dataset:
        return dataset.load()


def every_byte(path: Path) -> list[dict[str, bytes]]:
    """Contents of every file of the store and of its markers."""
    folders = (path, path.with_suffix(".done"))
    return [{str(p.relative_to(f)): p.read_bytes() for p in f.rglob("*") if p.is_file()} for f in folders]


def test_the_record_is_what_the_solver_answers(representative: Case, draw_states: Draw, tmp_path: Path) -> None:
    """Every stored array follows from the stored starts, actions and directions, to float32; 1D and 2D."""
    simulation = representative.build()
    starts = draw_states(simulation, 5)
    target = 0.1 * starts[0]
    data = write(representative, tmp_path / "a.zarr", starts, target=target)
    assert (data.status == 1).all()

    def held(name: str) -> Tensor:
        assert data[name].dims == ("sample", "time", "actuator")
        assert data[name].isel(time=-1).isnull().all()
        return torch.tensor(data[name].values[:, :-1]).double()

    def fields(part: str) -> Tensor:
        return torch.tensor(np.stack([data[v.name + part].values for v in simulation.variables], axis=2)).double()

    found = sensitivity(
        simulation,
        starts.float().double(),
        held("action"),
        twin_actions=held("action_twin"),
        directions=held("direction"),
        target=target.float().double(),
    )
    for part, wanted in (("", found.fields), ("_twin", found.twin), ("_tangent", found.tangent)):
        torch.testing.assert_close(fields(part), wanted, rtol=1e-6, atol=1e-7 * wanted.abs().max().item())
    torch.testing.assert_close(
        held("action_gradient"), found.gradient, rtol=1e-6, atol=1e-7 * found.gradient.abs().max().item()
    )
    for c, v in enumerate(simulation.variables):
        np.testing.assert_array_equal(data[f"{v.name}_target"], target[c].float())
        assert data[f"{v.name}_tangent"].dims == ("sample", "time", *simulation.grid.dims)
    for name, variable in data.variables.items():
        assert {"units", "long_name"} <= variable.attrs.keys(), name
    assert json.loads(data.attrs["sciwm_config"])["recipe"]["samples"] == 5


def test_samples_that_blow_up_are_marked_and_not_written(
    cases: Mapping[str, Case], draw_states: Draw, tmp_path: Path
) -> None:
    """A failed sample has status blew_up and NaN everywhere; the others are whole."""
    case = cases["kuramoto_sivashinsky"].coarse()
    starts = draw_states(case.build(), 5)
    starts[[1, 4]] *= 1e5
    data = write(case, tmp_path / "a.zarr", starts, replace(RECIPE, intervals=6))
    assert data.status.values.tolist() == [1, 2, 1, 1, 2]
    for name in ("u", "u_twin", "u_tangent", "action", "action_twin", "direction", "action_gradient"):
        assert data[name][[1, 4]].isnull().all(), name
        assert data[name][[0, 2, 3], :-1].notnull().all(), name


def test_killed_and_run_again_the_store_has_the_same_bytes(
    cases: Mapping[str, Case], draw_states: Draw, tmp_path: Path
) -> None:
    """After a SIGKILL in the middle of a batch every file is that of an uninterrupted run.

    So is that of a batch of which one sample was lost: it is computed again as a whole.
    """
    case = cases["kuramoto_sivashinsky"].coarse()
    recipe = SensitivityRecipe(samples=60, intervals=3, batch=3)
    starts = draw_states(case.build(), 60)
    write(case, tmp_path / "whole.zarr", starts, recipe)
    path = tmp_path / "killed.zarr"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["simulations.sensitivity_data"])
    process = context.Process(
        target=generate_sensitivities,
        args=(case.build(), recipe, starts, path),
        kwargs={"settings": dict(case.settings)},
    )
    process.start()
    markers = path.with_suffix(".done")
    while process.is_alive() and not (markers / "7.json").exists():
        time.sleep(0.0005)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert 8 <= len(list(markers.glob("*.json"))) < 60
    (path / "u" / "c" / "5.partial").write_bytes(b"half")
    (markers / ".9.json.0123456789abcdef.draft").write_text("{")
    write(case, path, starts, recipe)
    whole = every_byte(tmp_path / "whole.zarr")
    assert every_byte(path) == whole
    (markers / "13.json").unlink()
    (path / "status" / "c" / "13").unlink()
    (path / "u_twin" / "c" / "13" / "0" / "0").write_bytes(b"half a chunk")
    write(case, path, starts, recipe)
    assert every_byte(path) == whole


def test_damaged_samples_are_found_and_written_again(
    cases: Mapping[str, Case], draw_states: Draw, tmp_path: Path
) -> None:
    """A bit flipped in any chunk, a lost chunk and broken markers are told; without its marker a sample is mended."""
    case, path = cases["kuramoto_sivashinsky"].coarse(), tmp_path / "a.zarr"
    starts = draw_states(case.build(), 5)
    starts[3] *= 1e6  # a sample that blew up is marked like the others
    write(case, path, starts)
    store, whole = SensitivityStore(path), every_byte(path)
    assert store.outcomes() == {"pending": 0, "ok": 4, "blew_up": 1}
    assert store.verify() == []
    chunks = [p for p in path.rglob("*") if p.is_file() and p.relative_to(path).parts[1:3] == ("c", "2")]
    held = {"u", "u_twin", "u_tangent", "action", "action_twin", "direction", "action_gradient", "status"}
    assert {p.relative_to(path).parts[0] for p in chunks} - {"sample"} == held
    for chunk in chunks:
        content = bytearray(chunk.read_bytes())
        content[-len(content) // 3] ^= 4
        chunk.write_bytes(content)
        assert store.verify() == [2], chunk
        content[-len(content) // 3] ^= 4
        chunk.write_bytes(content)
    (path / "u_tangent" / "c" / "0" / "0" / "0").unlink()
    markers = path.with_suffix(".done")
    for content in ("{", "null", "{}"):
        (markers / "3.json").write_text(content)
        assert store.verify() == [0, 3], content
    for damaged in store.verify():
        (markers / f"{damaged}.json").unlink()
    assert store.missing() == [0, 3]
    write(case, path, starts)
    assert every_byte(path) == whole


def test_finished_stores_are_left_alone_and_others_refused(
    cases: Mapping[str, Case], draw_states: Draw, tmp_path: Path
) -> None:
    """Nothing is computed twice; other starts, another recipe or target, and damage are told."""
    case, path = cases["kuramoto_sivashinsky"].coarse(), tmp_path / "a.zarr"
    starts = draw_states(case.build(), 5)
    asked: list[int] = []

    def progress(iterable: range, description: str) -> range:
        asked.append(len(iterable))
        return iterable

    for _ in range(2):
        write(case, path, starts, progress=progress)
    assert asked == [3, 0]
    with pytest.raises(StoreError, match=r"other settings \(recipe: .*'seed': 0.* asked .*'seed': 7"):
        write(case, path, starts, replace(RECIPE, seed=7))
    with pytest.raises(StoreError, match=r"other settings \(starts: "):
        write(case, path, starts + 1)
    with pytest.raises(StoreError, match=r"other settings \(target: "):
        write(case, path, starts, target=1.0)
    with pytest.raises(ValueError, match=r"expected finite starts of shape \(5, 1, 32\), got \(4, 1, 32\)"):
        write(case, path, starts[:4])
    seal_of(path).unlink()
    (path / "status" / "zarr.json").write_text("{")
    with pytest.raises(StoreError, match=r"expected a store of sensitivities, found .*Move it away"):
        write(case, path, starts)
