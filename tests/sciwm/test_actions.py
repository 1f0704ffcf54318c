"""Actions under which dynamics are evaluated."""

import numpy as np
import torch

from sciwm.evaluation import HELD, ROUGH, alternative_actions, draw_actions, long_run_actions
from simulations import ActionBox
from simulations.excitation import mixed

BOX = ActionBox(("a", "b"), np.array([-1.0, 0.5]), np.array([1.0, 2.5]))


def test_alternatives_are_held_and_rough_levels() -> None:
    drawn = alternative_actions(BOX, 3, 20, seed=4)
    assert list(drawn) == ["held", "rough"]
    for name, hold in (("held", HELD), ("rough", ROUGH)):
        torch.testing.assert_close(drawn[name], draw_actions(BOX, 3, 20, hold=hold, seed=4), rtol=0, atol=0)
    changes = {name: float((actions.diff(dim=1) != 0).float().mean()) for name, actions in drawn.items()}
    assert changes["held"] < 0.5 < changes["rough"] == 1


def test_forced_long_runs_have_signals_as_in_the_data_one_sample_after_the_other() -> None:
    actions = long_run_actions(BOX, 3, 12, forced=True, rng=np.random.default_rng(5))
    rng = np.random.default_rng(5)
    signals = np.stack([mixed(rng, 12, 2, share_unforced=0.0) for _ in range(3)])
    torch.testing.assert_close(BOX.to_normalized(actions), torch.tensor(signals, dtype=torch.float32))
    assert all(sample.any() for sample in signals)


def test_free_long_runs_have_the_smallest_actions_that_there_are() -> None:
    actions = long_run_actions(BOX, 3, 12, forced=False, rng=np.random.default_rng(5))
    assert actions.shape == (3, 12, 2)
    assert not actions[..., 0].any() and (actions[..., 1] == 0.5).all()
