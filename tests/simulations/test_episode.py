from collections.abc import Callable

import pytest
import torch
from cases.case import Case
from torch import Tensor

from simulations import Simulation, run_episodes

Draw = Callable[..., Tensor]


def test_an_episode_is_repeated_advance_with_its_budgets(
    simulation: Simulation, draw_states: Draw, draw_actions: Draw
) -> None:
    """Row by row the same bits as calling the simulation by hand, with shapes as documented."""
    start = draw_states(simulation, 3)
    actions = [draw_actions(simulation, 3, seed=n) for n in range(4)]
    episodes = run_episodes(simulation, start, lambda _, n: actions[n], range(4))
    assert episodes.fields.shape == (3, 5, len(simulation.variables), *simulation.grid.shape)
    assert episodes.actions.shape == (3, 4, len(simulation.actuators))
    state = start
    for n, action in enumerate(actions):
        assert torch.equal(episodes.fields[:, n], state)
        assert torch.equal(episodes.actions[:, n], action)
        for name, value in simulation.functionals(state).items():
            assert torch.equal(episodes.functionals[name][:, n], value)
        state, budgets = simulation.advance_with_fluxes(state, action)
        for name, budget in budgets.items():
            assert torch.equal(episodes.sources[name][:, n], budget.source)
            assert torch.equal(episodes.outputs[name][:, n], budget.output)
    assert torch.equal(episodes.fields[:, 4], state)
    assert episodes.failure_interval.tolist() == [-1, -1, -1]


def test_policies_see_the_present_and_act_within_the_bounds(simulation: Simulation, draw_states: Draw) -> None:
    """The policy gets the fields at the start of each interval and its number; what is recorded was clipped."""
    seen = []

    def policy(fields: Tensor, interval: int) -> Tensor:
        seen.append((fields, interval))
        return torch.full((2, len(simulation.actuators)), 100.0, dtype=torch.float64)

    episodes = run_episodes(simulation, draw_states(simulation, 2), policy, range(3, 6))
    assert [interval for _, interval in seen] == [3, 4, 5]
    assert all(torch.equal(fields, episodes.fields[:, n]) for n, (fields, _) in enumerate(seen))
    assert torch.equal(episodes.actions[0, 0], torch.tensor(simulation.actuators.high))


def test_an_element_that_blows_up_is_marked_and_the_others_keep_their_bits(
    case: Case, draw_states: Draw, unforced: Draw
) -> None:
    """Elements share no arithmetic: beside an exploding one they are bitwise what they are beside a tame one.

    The batch has the same size in both runs, because transforms of another batch may round differently.
    """
    simulation = case.coarse().build()
    tame = draw_states(simulation, 4)
    wild = tame.clone()
    wild[2] *= 1e12
    rest = lambda fields, _: unforced(simulation, len(fields))  # noqa: E731
    alone, beside = (run_episodes(simulation, start, rest, range(5)) for start in (tame, wild))
    assert beside.failure_interval.tolist() == [-1, -1, 0, -1]
    assert alone.failure_interval.tolist() == [-1, -1, -1, -1]
    assert beside.fields[2, 1:].isnan().all()
    assert beside.fields[2, 0].isfinite().all()
    others = [0, 1, 3]
    assert torch.equal(beside.fields[others], alone.fields[others])
    for name in simulation.functional_names:
        assert torch.equal(beside.functionals[name][others], alone.functionals[name][others])
        assert torch.equal(beside.sources[name][others], alone.sources[name][others])
        assert torch.equal(beside.outputs[name][others], alone.outputs[name][others])


@pytest.mark.parametrize("failing", [0, 2, 4])
def test_the_interval_of_a_blow_up_is_recorded(case: Case, failing: int, draw_states: Draw) -> None:
    """An absurd forcing in one interval fails in that interval, and is still failed, not failing, afterwards."""
    coarse = case.coarse()
    shapes, names = coarse.shapes()
    count = len(case.equation.variables)
    simulation = coarse.acted_on(shapes[:count], names[:count], limit=1e12)

    def policy(fields: Tensor, interval: int) -> Tensor:
        action = torch.zeros(2, count, dtype=torch.float64)
        if interval == failing:
            action[1] = 1e12
        return action

    episodes = run_episodes(simulation, draw_states(simulation, 2), policy, range(5))
    assert episodes.failure_interval.tolist() == [-1, failing]
    assert episodes.fields[1, : failing + 1].isfinite().all()
    assert episodes.fields[1, failing + 1 :].isnan().all()
