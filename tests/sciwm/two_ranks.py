"""One of two processes that train on half a batch each; see ``test_collapse.py``.

usage: two_ranks.py RANK FILE, where FILE is where the two meet
"""

import os
import sys
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from sciwm.config import CollapseSettings
from sciwm.loss.collapse import AntiCollapse, build_collapse
from sciwm.loss.ranks import gather_over_ranks, mean_over_ranks
from sciwm.loss.terms import prediction_errors
from sciwm.model.spaces import VectorSpace

BLOCKS = [torch.tensor([0]), torch.tensor([1, 3]), torch.tensor([2, 4])]
MEMBERS = [
    CollapseSettings(kind=kind, within_wavenumbers=within, directions=24, deviation=1.5, covariance=1.0)
    for kind in ("vicreg", "sigreg", "visreg", "ema_target", "none")
    for within in (False, True)
]


def fields() -> Tensor:
    """Twelve samples, far from centred, white or alike."""
    generator = torch.Generator().manual_seed(0)
    return 0.3 + torch.randn(12, 1, 16, generator=generator, dtype=torch.float64).cumsum(dim=0)


class FreshEncoder(nn.Sequential):
    """Sixteen numbers to five, in a latent without structure."""

    def __init__(self) -> None:
        torch.manual_seed(1)
        super().__init__(nn.Flatten(), nn.Linear(16, 5), nn.Tanh())
        self.space, self.scale = VectorSpace(5), torch.ones(5)
        self.double()


def fresh_member(settings: CollapseSettings, encoder: Any) -> AntiCollapse:
    """The same one every time."""
    torch.manual_seed(3)
    return build_collapse(settings, encoder, BLOCKS).double()


def step(member: AntiCollapse, encoder: nn.Module, mine: Tensor) -> list[Tensor]:
    """Penalties, completion and a prediction error, differentiated: the mean over samples as each rank sees it."""
    generator = torch.Generator().manual_seed(2)
    holes = member.with_holes(mine, generator)
    encoded = encoder(mine if holes is None else torch.cat([mine, holes]))
    completion = encoded.new_zeros(())
    if holes is not None:
        encoded, of_holes = encoded.chunk(2)
        completion = member.completion(of_holes, member.targets(mine, encoded))["completion"]
    penalties = torch.stack([*member.penalties(encoded, generator).values(), encoded.new_zeros(())])
    instants = torch.stack([encoded.roll(2, dims=-1), member.targets(mine, encoded)], dim=1)
    imagined, metric = encoded.roll(1, dims=-1)[:, None], encoded.new_full((5,), 0.2)
    error = prediction_errors(imagined, instants, metric, relative_floor=0.05)
    (penalties.sum() + completion + error.sum()).backward()
    gradients = [p.grad for p in encoder.parameters() if p.grad is not None]
    return [penalties.detach(), *gradients]


def check_adjoints(rank: int) -> None:
    """Losses that differ between ranks: each gets two times the gradient of their mean, then averaged over ranks."""
    values = torch.full((3,), float(rank), requires_grad=True)
    mean, rows = mean_over_ranks(values), gather_over_ranks(values)
    assert mean.tolist() == [0.5] * 3
    assert rows.tolist() == [0.0] * 3 + [1.0] * 3
    (gradient,) = torch.autograd.grad((rank + 1) * mean.sum(), [values])
    assert gradient.tolist() == [1.5] * 3
    (gradient,) = torch.autograd.grad((rank + 1) * (rows * torch.arange(6)).sum(), [values])
    assert gradient.tolist() == [3.0 * (3 * rank + i) for i in range(3)]


def main(rank: int, meeting: str) -> None:
    """Raises unless half the batch on each of two ranks gives what the whole batch gives on one."""
    whole = []
    for settings in MEMBERS:
        encoder = FreshEncoder()
        whole.append(step(fresh_member(settings, encoder), encoder, fields()))

    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
    check_adjoints(rank)
    mine = fields()[6 * rank : 6 * (rank + 1)]
    for settings, expected in zip(MEMBERS, whole, strict=True):
        encoder = FreshEncoder()
        got = step(fresh_member(settings, encoder), DistributedDataParallel(encoder), mine)
        name = f"{settings.kind}, within wavenumbers: {settings.within_wavenumbers}"
        torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-12, msg=lambda m, n=name: f"{n}: {m}")
    dist.barrier()
    os._exit(0)  # threads of the process group can abort an interpreter that ends in the ordinary way


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
