from itertools import pairwise

import pytest
import torch
from torch import Tensor

from sciwm.errors import InputError
from sciwm.planning import minimize


def rosenbrock(x: Tensor) -> Tensor:
    return (100 * (x[:, 1:] - x[:, :-1] ** 2) ** 2 + (1 - x[:, :-1]) ** 2).sum(dim=1)


def quadratics(batch: int, size: int) -> tuple[Tensor, Tensor]:
    """Positive definite Hessians and minima within (-1, 1), a different one for each element."""
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(batch, size, size, generator=generator, dtype=torch.float64)
    minima = 2 * torch.rand(batch, size, generator=generator, dtype=torch.float64) - 1
    return root @ root.mT + torch.eye(size, dtype=torch.float64), minima


def test_a_batch_of_valleys_is_followed_to_the_end() -> None:
    """Rosenbrock's function in two dimensions, from its classical start and others, to its minimum (1, 1)."""
    starts = torch.tensor([[-1.2, 1.0], [2.0, -1.0], [0.0, 0.0], [-2.0, -2.0]], dtype=torch.float64)
    best, cost = minimize(rosenbrock, starts, low=-5, high=5, iterations=100)
    torch.testing.assert_close(best, torch.ones_like(best), rtol=0, atol=1e-8)
    assert torch.equal(cost, rosenbrock(best))


def test_quadratics_are_solved_in_a_few_times_their_dimension() -> None:
    """With as many pairs as dimensions, 8 of them: 1e-14 of the first cost within 4 n evaluations."""
    hessians, minima = quadratics(5, 8)

    def cost(x: Tensor) -> Tensor:
        return torch.einsum("bi,bij,bj->b", x - minima, hessians, x - minima)

    start = torch.zeros_like(minima)
    _, reached = minimize(cost, start, low=-3, high=3, iterations=32)
    assert (reached / cost(start)).max() < 1e-14


def test_minima_in_a_box_satisfy_the_conditions_of_first_order() -> None:
    """At a bound the cost would fall outwards only, inside its slope is zero; some bounds are active."""
    hessians, minima = quadratics(5, 8)

    def cost(x: Tensor) -> Tensor:
        return torch.einsum("bi,bij,bj->b", x - minima, hessians, x - minima)

    best, _ = minimize(cost, torch.zeros_like(minima), low=-0.3, high=0.5, iterations=100)
    slope = 2 * torch.einsum("bij,bj->bi", hessians, best - minima)
    at_low, at_high = best == -0.3, best == 0.5
    assert best.min() >= -0.3
    assert best.max() <= 0.5
    assert at_low.any()
    assert at_high.any()
    assert slope[~at_low & ~at_high].abs().max() < 1e-6
    assert slope[at_low].min() >= 0
    assert slope[at_high].max() <= 0


def test_elements_do_not_influence_each_other() -> None:
    """One of a batch of different difficulties moves as it would alone, to the bit or nearly."""
    starts = torch.tensor([[-1.2, 1.0, 0.5], [100.0, 50.0, -80.0], [1.0, 1.0, 1.0]], dtype=torch.float64)
    together, _ = minimize(rosenbrock, starts, low=-200, high=200, iterations=25)
    for one, start in zip(together, starts, strict=True):
        alone, _ = minimize(rosenbrock, start[None], low=-200, high=200, iterations=25)
        torch.testing.assert_close(alone[0], one, rtol=1e-9, atol=1e-9)


def test_costs_never_rise_and_trials_that_are_no_numbers_are_rejected() -> None:
    """log has no value below zero: the search from 0.5 backs off from there and finds the minimum at 0.01."""

    def cost(x: Tensor) -> Tensor:
        return (x - 0.01 * torch.log(x)).sum(dim=1)

    start = torch.full((3, 2), 0.5, dtype=torch.float64)
    costs = [minimize(cost, start, low=-1, high=1, iterations=count)[1] for count in (1, 2, 5, 10, 60)]
    for earlier, later in pairwise(costs):
        assert (later <= earlier).all()
    best, _ = minimize(cost, start, low=-1, high=1, iterations=60)
    torch.testing.assert_close(best, torch.full_like(best, 0.01), rtol=1e-5, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_shape_and_precision_are_those_of_the_start(dtype: torch.dtype) -> None:
    """Actions of several intervals come back as they went in; a start outside the box is moved inside."""
    start = torch.full((2, 3, 4), 7.0, dtype=dtype)
    best, cost = minimize(lambda x: x.square().sum(dim=(1, 2)), start, low=-1, high=1, iterations=20)
    assert best.shape == start.shape
    assert best.dtype == cost.dtype == dtype
    assert best.abs().max() < 1e-6
    assert not best.requires_grad


def test_trials_stay_within_bounds_that_single_precision_does_not_hold() -> None:
    """0.1 and 0.7 are not numbers of float32; the nearest one to 0.1 lies above it."""
    tried = []

    def cost(x: Tensor) -> Tensor:
        tried.append(x.detach().double())
        return (x - 5).square().sum(dim=1)

    x, _ = minimize(cost, torch.zeros(2, 3), low=-0.7, high=0.1, iterations=6)
    assert x.double().max() <= 0.1
    assert torch.stack(tried).max() <= 0.1


def test_numbers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError) as refusal:
        minimize(lambda x: x.sum(dim=1), torch.zeros(1, 1), low=1.0, high=float("nan"), iterations=0, history=-1)
    assert [p.where for p in refusal.value.problems] == ["iterations", "history", "bounds"]
