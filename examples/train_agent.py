# %% [markdown]
# # Can an agent learn to calm chaos from its reward alone?
#
# The Kuramoto-Sivashinsky equation on a periodic line of length 22 is chaotic by itself:
#
#     u_t + u u_x + u_xx + u_xxxx = f(x, t),     f = sum_j a_j(t) g_j(x),     |a_j| <= 1
#
# Eight Gaussian jets g_j act on it; each action is held for 0.25 time units. The agent observes u. Its reward
# in each of 100 control intervals is minus the mean square of u, minus a small cost of the actions. It knows
# neither the equation nor the jets. Proximal policy optimisation (stable-baselines3) learns from a batch of
# flows, which are advanced together.
#
# Run `pip install '.[agents]'` once in a checkout, then `python examples/train_agent.py`.

# %% What is needed
import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import matplotlib.pyplot as plt
import numpy as np
import torch

import simulations  # noqa: F401  (registers its environments with Gymnasium)

try:
    from stable_baselines3 import PPO
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.vec_env import VecEnv
except ImportError:
    sys.exit("Expected stable-baselines3, found none; in the root of the checkout do: pip install '.[agents]'")

parser = argparse.ArgumentParser(description="Train an agent to calm Kuramoto-Sivashinsky chaos.")
parser.add_argument("--picture", type=Path, default=Path("runs/train_agent.png"), help="where to draw")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--quick", action="store_true", help="a few seconds of training")
arguments = parser.parse_args([] if hasattr(sys, "ps1") else None)

torch.set_num_threads(1)  # networks this small are slower on several
ENVIRONMENT = "sciwm/KuramotoSivashinsky-v0"
SETTINGS = {"warm_up": 100}  # intervals without control, in which chaos develops
flows, horizon, rounds = (32, 64, 200) if not arguments.quick else (16, 64, 8)
environments = gymnasium.make_vec(ENVIRONMENT, num_envs=flows, settings=SETTINGS)
task = environments.unwrapped.task


# %% [markdown]
# ## The batch as stable-baselines3 expects it
#
# stable-baselines3 starts a new episode in the step that ends the old one. The vector environment does so with
# the option `reset_mask`.


# %%
class Batch(VecEnv):
    """A vector environment of this package, with the interface of stable-baselines3."""

    def __init__(self, environments: gymnasium.vector.VectorEnv) -> None:
        self.environments = environments
        super().__init__(environments.num_envs, environments.single_observation_space, environments.single_action_space)

    def reset(self) -> np.ndarray:
        return self.environments.reset(seed=self._seeds[0])[0]

    def step_async(self, actions: np.ndarray) -> None:
        self.actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        seen, rewards, failed, over, _ = self.environments.step(self.actions)
        ended = failed | over
        told: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for row in np.flatnonzero(ended):
            told[row] = {"terminal_observation": seen[row], "TimeLimit.truncated": bool(over[row])}
        if ended.any():
            seen, _ = self.environments.reset(options={"reset_mask": ended})
        return seen, rewards, ended, told

    def close(self) -> None:
        self.environments.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [getattr(self.environments, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        setattr(self.environments, attr_name, value)

    def env_method(self, method_name: str, *arguments: Any, indices: Any = None, **named: Any) -> list[Any]:
        return [getattr(self.environments, method_name)(*arguments, **named)]

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> Sequence[bool]:
        return [False] * self.num_envs


# %% [markdown]
# ## What is measured
#
# The return of whole episodes under the mean action of the agent, from starts that are not in the training.


# %%
class Test(NamedTuple):
    """Returns ``(start,)``, and fields ``(interval + 1, start, x)``."""

    earned: np.ndarray
    fields: np.ndarray


def evaluate(agent: PPO | None, starts: int = 16) -> Test:
    """Whole episodes under an agent; without an agent all actions are zero."""
    tested = gymnasium.make_vec(ENVIRONMENT, num_envs=starts, settings=SETTINGS)
    seen, _ = tested.reset(seed=1_000_000)
    earned, fields = np.zeros(starts), [seen]
    for _ in range(task.intervals):
        action = np.zeros(tested.action_space.shape, np.float32)
        if agent is not None:
            action, _ = agent.predict(seen, deterministic=True)
        seen, rewards, *_ = tested.step(action)
        earned += rewards
        fields.append(seen)
    return Test(earned, np.stack(fields))


class Watch(BaseCallback):
    """Evaluates the agent after every few rounds; the time of training does not include the evaluations."""

    def __init__(self, every: int) -> None:
        super().__init__()
        self.every, self.rounds = every, 0
        self.watching, self.began = 0.0, time.perf_counter()
        self.history: list[tuple[float, float, float]] = []

    def _on_rollout_start(self) -> None:
        if self.rounds % self.every == 0:
            self.record()
        self.rounds += 1

    def _on_step(self) -> bool:
        return True

    def record(self) -> None:
        """Append the seconds of training, and the mean and standard deviation of the return."""
        now = time.perf_counter()
        earned = evaluate(self.model).earned
        self.history.append((now - self.began - self.watching, earned.mean(), earned.std()))
        self.watching += time.perf_counter() - now


# %% Train
agent = PPO(
    "MlpPolicy",
    Batch(environments),
    n_steps=horizon,
    batch_size=256,
    n_epochs=6,
    gamma=0.97,
    learning_rate=1e-3,
    ent_coef=0.0,
    policy_kwargs={"net_arch": [64, 64], "log_std_init": -1.0},
    seed=arguments.seed,
    device="cpu",
)
watch = Watch(every=10 if not arguments.quick else 4)
agent.learn(rounds * horizon * flows, callback=watch)
watch.record()
seconds, mean, deviation = np.array(watch.history).T
print(f"{agent.num_timesteps} decisions, {seconds[-1]:.0f} s of training")

# %% What it has learned
tests = {"no control": evaluate(None), "agent": evaluate(agent)}
for name, test in tests.items():
    print(f"return, {name:10}  {test.earned.mean():8.2f}, standard deviation over starts {test.earned.std():.2f}")
left = tests["agent"].earned.mean() / tests["no control"].earned.mean()
print(f"of the cost without control, {left:.0%} is left under the agent")

# %% What it looks like
colors = {"no control": "0.5", "agent": "#0072b2"}
times = task.simulation.control_interval * np.arange(task.intervals + 1)
figure = plt.figure(figsize=(10, 6), layout="constrained")
panels = figure.subplot_mosaic([["learning", "decay"], ["no control", "agent"]])

panels["learning"].fill_between(seconds, mean - deviation, mean + deviation, color=colors["agent"], alpha=0.2, lw=0)
panels["learning"].plot(seconds, mean, ".-", color=colors["agent"], label="agent, mean over starts")
panels["learning"].axhline(tests["no control"].earned.mean(), color=colors["no control"], ls="--", label="no control")
panels["learning"].set(title="Learning", xlabel="seconds of training", ylabel="return of an episode", ylim=(None, 0))
panels["learning"].legend(frameon=False)

for name, test in tests.items():
    squares = np.square(test.fields).mean(axis=-1)
    panels["decay"].fill_between(times, squares.min(axis=1), squares.max(axis=1), color=colors[name], alpha=0.2, lw=0)
    panels["decay"].plot(times, squares.mean(axis=1), color=colors[name], label=name)
    image = panels[name].imshow(
        test.fields[:, 0].T, origin="lower", aspect="auto", cmap="RdBu_r", vmin=-3, vmax=3,
        extent=(0, times[-1], 0, task.simulation.grid.extents[0]),
    )  # fmt: skip
    panels[name].set(title=f"u(x, t), {name}", xlabel="time t", ylabel="x")
panels["decay"].set(title="Mean square of u: mean and range over starts", xlabel="time t", yscale="log")
panels["decay"].legend(frameon=False)
figure.colorbar(image, ax=[panels["no control"], panels["agent"]], label="u")
for panel in (panels["learning"], panels["decay"]):
    panel.spines[["top", "right"]].set_visible(False)

arguments.picture.parent.mkdir(parents=True, exist_ok=True)
figure.savefig(arguments.picture, dpi=160)
print(arguments.picture)
if hasattr(sys, "ps1"):
    plt.show()
