"""Windows of training from memory and from the disk, and those of the next update, read ahead."""

from pathlib import Path

import numpy as np
import pytest
import torch
from foreign_data import Sets, made

from sciwm.config import EncoderSettings
from sciwm.data import Trajectories, Windows, fit_domain, sample_blocks, sample_fields, schema
from sciwm.data import windows as module
from sciwm.data.freed_memory import give_back_freed_memory
from sciwm.model.field_operator import FieldPredictor
from sciwm.training.reading_ahead import read_ahead


@pytest.fixture
def data(tmp_path: Path) -> Trajectories:
    """Six runs of eleven intervals, which are all different."""
    return Sets(tmp_path, made()).opened("train")


def test_windows_in_memory_are_those_that_they_always_were(data: Trajectories) -> None:
    """Runs are chosen first, then the first instant of each."""
    domain = fit_domain(data)
    batch = Windows([data], domain).draw(np.random.default_rng(3), 4, 3)
    rng = np.random.default_rng(3)
    runs = rng.choice(6, size=4, replace=False)
    starts = [int(rng.integers(0, 11 - 3 + 1)) for _ in runs]
    expected = np.stack([data.array("u")[i, t : t + 4] for i, t in zip(runs, starts, strict=True)])
    np.testing.assert_array_equal(batch.fields[:, :, 0], expected)
    actions = np.stack([data.array("action")[i, t : t + 3] for i, t in zip(runs, starts, strict=True)])
    np.testing.assert_array_equal(batch.actions, actions)
    np.testing.assert_array_equal(batch.parameters[:, 0], data.parameters[runs, 0])


def test_several_windows_are_cut_from_what_is_read_of_the_disk(
    data: Trajectories, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is one of the run, with its actions; every start is drawn; a draw of fewer than a block is no other."""
    domain, whole = fit_domain(data), np.array(data.array("u"))
    disk = Trajectories(tmp_path / "train.zarr")
    disk.in_memory = False
    monkeypatch.setattr(module, "BYTES_OF_A_BLOCK", 7 * 4 * 20)
    windows = Windows([disk], domain)
    assert windows.on_disk
    seen = set()
    rng = np.random.default_rng(0)
    for _ in range(30):
        batch = windows.draw(rng, 19, 3)
        assert batch.fields.shape[:2] == (19, 4)
        for fields, actions, parameters in zip(batch.fields, batch.actions, batch.parameters, strict=True):
            found = np.argwhere((whole == fields[0, 0].numpy()).all(axis=(2, 3)))
            ((run, start),) = found
            np.testing.assert_array_equal(fields[:, 0], whole[run, start : start + 4])
            np.testing.assert_array_equal(actions, data.array("action")[run, start : start + 3])
            np.testing.assert_array_equal(parameters, data.parameters[run])
            seen.add((run, start))
    assert {start for _, start in seen} == set(range(9))
    assert {run for run, _ in seen} == set(range(6))


def test_blocks_of_a_sample_are_the_sample(data: Trajectories) -> None:
    """Every simulation is in one of them, and no block but that of a single simulation is too large."""
    whole = sample_fields([data], ["u"], 30)
    numbers = 12 * whole[0].size
    blocks = list(sample_blocks([data], ["u"], 30, numbers))
    np.testing.assert_array_equal(np.concatenate(blocks), whole)
    assert len(blocks) > 1
    assert all(block.size <= numbers for block in blocks)
    (one,) = sample_blocks([data], ["u"], 30, whole.size)
    np.testing.assert_array_equal(one, whole)


def test_large_data_of_files_are_not_kept_in_memory(
    data: Trajectories, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bound of their own keeps several stores together below a gigabyte; freed memory then goes back."""
    asked: list[bool] = []
    monkeypatch.setattr(schema, "give_back_freed_memory", lambda: asked.append(True))
    assert data.in_memory
    assert Trajectories(tmp_path / "train.zarr").in_memory
    assert not asked
    monkeypatch.setattr(schema, "OF_FILES_IN_MEMORY_BYTES", 100)
    assert not Trajectories(tmp_path / "train.zarr").in_memory
    assert asked == [True]
    give_back_freed_memory()


def test_what_is_read_ahead_is_what_would_be_drawn() -> None:
    """In the same order, and nothing beyond the last update; a training may begin at any of them."""
    drawn: list[int] = []

    def draw(update: int) -> int:
        drawn.append(update)
        return update**2

    with read_ahead(draw, 6, worth_it=True) as drawing:
        assert [drawing(update) for update in range(2, 6)] == [4, 9, 16, 25]
    assert drawn == [2, 3, 4, 5]
    with read_ahead(draw, 6, worth_it=False) as drawing:
        assert drawing is draw


def test_damage_that_is_read_ahead_is_told_by_its_own_update() -> None:
    """An error of the thread is that of the draw."""

    def draw(update: int) -> int:
        if update == 1:
            raise OSError("lost chunk")
        return update

    with read_ahead(draw, 3, worth_it=True) as drawing:
        assert drawing(0) == 0
        with pytest.raises(OSError, match="lost chunk"):
            drawing(1)


def test_the_operator_on_fields_has_walls() -> None:
    """It acts as the one of twice the points, around which the fields and their mirror image are periodic."""
    torch.manual_seed(0)
    settings = EncoderSettings(width=4, layers=2, modes=4)
    walls, around = (
        FieldPredictor(1, settings, [n], unknown_shapes=1, steady_forcing=[False], bounded=[n == 12]) for n in (12, 24)
    )
    torch.nn.init.normal_(walls.operator.projection.weight)
    around.operator.load_state_dict(walls.operator.state_dict())
    fields, action = torch.randn(2, 12), torch.zeros(2, 1)
    mirrored = torch.cat([fields, fields.flip(1)], dim=1)
    step, expected = walls.stepper(None)(fields, action), around.stepper(None)(mirrored, action)
    torch.testing.assert_close(step, expected[:, :12])
    assert not torch.allclose(step, fields)
