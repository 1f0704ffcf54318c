"""The example that trains an agent, in its quick form."""

import runpy
import sys
from pathlib import Path
from typing import Any

import gymnasium
import matplotlib.pyplot as plt
import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

EXAMPLE = Path(__file__).parents[2] / "examples" / "train_agent.py"


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the script has defined once it has run."""
    picture = tmp_path_factory.mktemp("example") / "train_agent.png"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [str(EXAMPLE), "--quick", "--picture", str(picture)])
        patch.setenv("MPLBACKEND", "Agg")
        names = runpy.run_path(str(EXAMPLE), run_name="__main__")
    plt.close("all")
    return names


def test_an_agent_is_trained_tested_and_drawn(names: dict[str, Any]) -> None:
    """Training began at the agent's first return and took time; both controllers were tested on the same starts."""
    assert names["agent"].num_timesteps == names["rounds"] * names["horizon"] * names["flows"]
    assert (np.diff(names["seconds"]) > 0).all()
    starts = [test.fields[0] for test in names["tests"].values()]
    assert np.array_equal(*starts)
    assert not np.array_equal(*(test.fields[1] for test in names["tests"].values()))
    assert names["arguments"].picture.read_bytes().startswith(b"\x89PNG")


def test_returns_without_control_are_those_of_the_fields(names: dict[str, Any]) -> None:
    """Without actions the return is minus the sum of mean squares over the intervals' ends, in float32."""
    test = names["tests"]["no control"]
    np.testing.assert_allclose(test.earned, -np.square(test.fields[1:]).mean(axis=-1).sum(axis=0), rtol=1e-5)


def test_the_batch_begins_anew_in_the_step_that_ends_an_episode(names: dict[str, Any]) -> None:
    """The last observation is told, the returned one is of the next episode, and no action is ignored."""
    settings = {"intervals": 2}
    batch = names["Batch"](gymnasium.make_vec(names["ENVIRONMENT"], num_envs=3, settings=settings))
    alone = gymnasium.make(names["ENVIRONMENT"], settings=settings).unwrapped
    batch.seed(0)
    first = batch.reset()
    action = np.full((3, 8), 0.5, np.float32)
    batch.step(action)
    seen, _, ended, told = batch.step(action)
    assert ended.all()
    alone.reset(options={"start": first[1][None]})
    alone.step(action[1])
    np.testing.assert_allclose(told[1]["terminal_observation"], alone.step(action[1])[0], atol=1e-5)
    assert told[1]["TimeLimit.truncated"]
    alone.reset(options={"start": seen[1][None]})
    expected = alone.step(action[1])
    after, rewards, *_ = batch.step(action)
    np.testing.assert_allclose(after[1], expected[0], atol=1e-5)
    assert rewards[1] == pytest.approx(expected[1], rel=1e-5)
