import multiprocessing
import random
import signal
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from cases.case import Case

from simulations import Simulation
from simulations.generate import Recipe, attractor_states, generate
from simulations.resumable_store import StoreError

RECIPE = Recipe(simulations=6, intervals=5, warm_up=2, batch=2)

# Without the warm-up and up to amplitudes at which some simulations blow up.
EXPLOSIVE = Recipe(simulations=24, intervals=8, warm_up=0, share_transient=1.0, amplitude=1e5, batch=3)


def read(path: Path) -> xr.Dataset:
    with xr.open_dataset(path, engine="zarr", consolidated=False) as dataset:
        return dataset.load()


def fields(simulation: Simulation, data: xr.Dataset, n: int) -> torch.Tensor:
    """What was recorded at one time, ``(batch, channel, *space)``."""
    return torch.tensor(np.stack([data[v.name].values[:, n] for v in simulation.variables], axis=1))


def every_byte(path: Path) -> dict[str, bytes]:
    """Contents of every file of the store and of its markers, by name, and of nothing else beside them."""
    assert {p.name for p in path.parent.iterdir()} == {path.name, path.with_suffix(".done").name}
    return {str(p.relative_to(path.parent)): p.read_bytes() for p in path.parent.rglob("*") if p.is_file()}


def test_the_record_is_a_solution_under_the_recorded_actions(representative: Case, tmp_path: Path) -> None:
    """The action at t acts over [t, t + interval): advancing u(t) under it gives u(t + interval), the stored bits.

    The stored budget closes to a hundredth of the changes: Simpson's rule on two coarse steps, not rounding.
    """
    simulation = representative.build()
    data = read(generate(simulation, RECIPE, tmp_path / "a.zarr", settings=dict(representative.settings)).path)
    for first in range(0, 6, 2):
        batch = data.isel(simulation=slice(first, first + 2))
        for n in range(5):
            action = torch.tensor(batch.action.values[:, n])
            end, _ = simulation.advance_with_fluxes(fields(simulation, batch, n), action)
            assert torch.equal(end, fields(simulation, batch, n + 1))
    for name in simulation.functional_names:
        fed = data[f"{name}_source"] + (data.action * data[f"{name}_output"]).sum("actuator", skipna=False)
        change = data[name].diff("time").values
        np.testing.assert_allclose(
            change, simulation.control_interval * fed.values[:, :-1], rtol=0, atol=1e-2 * change.std()
        )


def test_a_simulation_does_not_depend_on_how_many_there_are(representative: Case, tmp_path: Path) -> None:
    """Simulation i is the same bits among 4 as among 6, and another root seed gives other values."""
    simulation, settings = representative.build(), dict(representative.settings)
    many, few, other = (
        read(generate(simulation, recipe, tmp_path / f"{n}.zarr", settings=settings).path)
        for n, recipe in enumerate((RECIPE, replace(RECIPE, simulations=4), replace(RECIPE, seed=1)))
    )
    for variable in (*(v.name for v in simulation.variables), "action"):
        np.testing.assert_array_equal(many[variable].values[:4], few[variable].values)
    for first, second in zip(fields(simulation, many, 0), fields(simulation, other, 0), strict=True):
        assert not torch.isclose(first, second).all()


def test_warm_up_reaches_the_attractor_and_transients_skip_it(representative: Case, tmp_path: Path) -> None:
    """Without transients records begin with the warmed-up states; with them, at log-uniform amplitudes.

    Root mean squares of starts are exact up to float32, 1e-6.
    """
    simulation, settings = representative.build(), dict(representative.settings)
    warm = replace(RECIPE, share_transient=0.0, simulations=2)
    data = read(generate(simulation, warm, tmp_path / "warm.zarr", settings=settings).path)
    assert torch.equal(fields(simulation, data, 0), attractor_states(simulation, warm, range(2)))

    cold = attractor_states(simulation, replace(warm, warm_up=0, amplitude=0.5), range(2))
    torch.testing.assert_close(cold.square().flatten(1).mean(dim=1).sqrt(), torch.full((2,), 0.5), rtol=1e-6, atol=0)
    for _ in range(2):
        cold = simulation.advance(cold, torch.zeros(2, len(simulation.actuators)))
    assert torch.equal(cold, attractor_states(simulation, replace(warm, amplitude=0.5), range(2)))

    transient = replace(RECIPE, share_transient=1.0, simulations=40, batch=40, intervals=1)
    data = read(generate(simulation, transient, tmp_path / "transient.zarr", settings=settings).path)
    logs = fields(simulation, data, 0).double().square().flatten(1).mean(dim=1).sqrt().log10()
    assert logs.min() >= -3 - 1e-6
    assert logs.max() <= 1e-6
    assert logs.mean().item() == pytest.approx(-1.5, abs=4 * 3 / np.sqrt(12 * 40))


def test_unforced_recipes_record_no_action(representative: Case, tmp_path: Path) -> None:
    """With share_unforced = 1 every recorded action is exactly zero."""
    recipe = replace(RECIPE, share_unforced=1.0, simulations=2)
    data = read(
        generate(representative.build(), recipe, tmp_path / "a.zarr", settings=dict(representative.settings)).path
    )
    assert not data.action.values[:, :-1].any()


def test_what_is_there_is_not_computed_again(cases: Mapping[str, Case], tmp_path: Path) -> None:
    """A second run touches no file of a finished store; progress is asked for unfinished batches only."""
    coarse = cases["kuramoto_sivashinsky"].coarse()
    simulation, settings, path = coarse.build(), dict(coarse.settings), tmp_path / "a.zarr"
    asked = []

    def progress(iterable: range, description: str) -> range:
        asked.append(description)
        return iterable

    generate(simulation, RECIPE, path, settings=settings, progress=progress)
    assert asked == [f"simulating a {n}/6" for n in (2, 4, 6)]
    stamps = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}
    content = every_byte(path)
    generate(simulation, RECIPE, path, settings=settings, progress=progress)
    assert len(asked) == 3
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()} == stamps

    (tmp_path / "a.done" / "3.json").unlink()
    (path / "u" / "c" / "3" / "0" / "0").write_bytes(b"half a chunk")
    generate(simulation, RECIPE, path, settings=settings, progress=progress)
    assert asked[3:] == ["simulating a 4/6"]
    assert every_byte(path) == content


def test_killed_at_random_moments_and_resumed_the_store_has_the_same_bytes(
    cases: Mapping[str, Case], tmp_path: Path
) -> None:
    """After SIGKILLs, from the laying out to the last region, every file is that of an uninterrupted run.

    Every other kill waits for a new region, so that the run gets on however slow the machine.
    """
    coarse = cases["kuramoto_sivashinsky"].coarse()
    simulation, settings = coarse.build(), dict(coarse.settings)
    whole, path = tmp_path / "whole" / "a.zarr", tmp_path / "killed" / "a.zarr"
    whole.parent.mkdir()
    path.parent.mkdir()
    began = time.monotonic()
    generate(simulation, EXPLOSIVE, whole, settings=settings)
    duration = time.monotonic() - began
    assert sorted(set(read(whole).status.values.tolist())) == [1, 2], "wanted some that blow up and some that do not"

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["simulations.generate"])
    first = context.Process(target=time.sleep, args=(0,))  # waits for the imports
    first.start()
    first.join()
    moments = random.Random(0)  # noqa: S311
    killed_halfway = 0

    def marked() -> int:
        return len(list(path.with_suffix(".done").glob("*.json")))

    for attempt in range(16):
        before = marked()
        process = context.Process(target=generate, args=(simulation, EXPLOSIVE, path), kwargs={"settings": settings})
        process.start()
        while attempt % 2 and process.is_alive() and marked() == before:
            time.sleep(0.001)
        process.join(moments.uniform(0, duration / 8))
        process.kill()
        process.join()
        killed_halfway += process.exitcode == -signal.SIGKILL and 0 < marked() < EXPLOSIVE.simulations
        if marked() == EXPLOSIVE.simulations:
            break
    assert killed_halfway >= 3
    store = generate(simulation, EXPLOSIVE, path, settings=settings)
    assert store.missing() == store.verify() == []
    assert every_byte(path) == every_byte(whole)


def test_a_store_made_with_other_settings_is_refused_and_left_alone(cases: Mapping[str, Case], tmp_path: Path) -> None:
    """Another recipe or another simulation never mixes into a store; the message shows what differs."""
    coarse = cases["burgers"].coarse()
    settings, path = dict(coarse.settings), tmp_path / "a.zarr"
    generate(coarse.build(), RECIPE, path, settings=settings)
    content = every_byte(path)
    with pytest.raises(StoreError, match=r"other settings \(recipe: there .*'seed': 0.* asked .*'seed': 7"):
        generate(coarse.build(), replace(RECIPE, seed=7), path, settings=settings)
    other = {**settings, "parameters": {"viscosity": 0.1}}
    with pytest.raises(StoreError, match=r"other settings \(simulation: there .*0\.05.* asked .*0\.1.*another output"):
        generate(coarse.build(**other), RECIPE, path, settings=other)
    assert every_byte(path) == content
