"""The anti-collapse family against closed forms, and two ranks against one."""

import io
import math
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sciwm.config import CollapseSettings
from sciwm.errors import InputError
from sciwm.loss.collapse import EMATarget, build_collapse
from sciwm.loss.collapse.masking import hide_boxes
from sciwm.loss.collapse.visreg import normal_quantiles
from sciwm.model import WorldModel
from sciwm.model.spaces import VectorSpace

WAVENUMBERS = [torch.tensor([0]), torch.tensor([1, 4]), torch.tensor([2, 5]), torch.tensor([3, 6, 7])]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def quantiles(count: int) -> Tensor:
    """Samples of a standard normal without sampling error, ``(count, 1)``."""
    return normal_quantiles(torch.empty(count, dtype=torch.float64))[:, None]


def normal(count: int, size: int, seed: int = 1) -> Tensor:
    return torch.randn(count, size, generator=generator(seed), dtype=torch.float64)


def penalties(
    kind: str, latents: Tensor, blocks: Sequence[Tensor] | None = None, *, seed: int = 0, **settings: float
) -> dict[str, Tensor]:
    """Terms of weight one."""
    tree = {"kind": kind, "within_wavenumbers": blocks is not None, "deviation": 1.0, "covariance": 1.0}
    member = build_collapse(CollapseSettings.model_validate(tree | settings), blocks=blocks)
    return member.penalties(latents, generator(seed))


def sigreg(latents: Tensor, blocks: Sequence[Tensor] | None = None, *, seed: int = 0, directions: int = 256) -> float:
    return float(penalties("sigreg", latents, blocks, seed=seed, directions=directions)["sigreg"])


def sigreg_of_gaussian(deviation: float) -> float:
    """The statistic in the limit of many normal samples of the given deviation, in closed form."""
    s = deviation**2
    return math.sqrt(2 * math.pi) * (1 / math.sqrt(2 * s + 1) - 2 / math.sqrt(s + 2) + 1 / math.sqrt(3))


# SIGReg


@pytest.mark.parametrize("deviation", [0.1, 0.5, 0.8, 1.0, 1.5, 3.0])
def test_sigreg_of_scaled_gaussians_is_the_closed_form(deviation: float) -> None:
    """T(s) = sqrt(2 pi) [(2 s^2 + 1)^(-1/2) - 2 (s^2 + 2)^(-1/2) + 3^(-1/2)]; T(1) = 0, up to the tails."""
    assert sigreg(deviation * quantiles(8000), directions=2) == pytest.approx(sigreg_of_gaussian(deviation), abs=1e-4)


def test_sigreg_of_a_point() -> None:
    """T(0) = 0.40892, less the 1.7e-5 of the window beyond the last knot: what a collapsed encoder scores."""
    assert sigreg(torch.zeros(16, 32)) == pytest.approx(0.40892 - 1.7e-5, abs=5e-6)


@pytest.mark.parametrize("count", [64, 512])
def test_sigreg_floor_falls_as_one_over_the_samples(count: int) -> None:
    """True Gaussian samples score 1.06/N: no factor of the batch size is hidden in the statistic."""
    floor = sum(sigreg(normal(count, 32, seed), seed=seed) for seed in range(20)) / 20
    assert floor * count == pytest.approx(1.06, rel=0.1)


def test_sigreg_gradient_vanishes_at_collapse_as_stated() -> None:
    """dT/ds = -3.24 s near s = 0: the pull vanishes where a latent has collapsed."""
    s = torch.tensor(0.02, requires_grad=True)
    (slope,) = torch.autograd.grad(penalties("sigreg", s * quantiles(1000))["sigreg"], [s])
    assert float(slope) == pytest.approx(-3.24 * 0.02, rel=0.01)


@pytest.mark.parametrize("rank", [4, 8, 32])
def test_sigreg_sees_rank(rank: int) -> None:
    """Rank r in d dimensions, of unit variance on average: T is about 0.241 (1/r - 1/d)."""
    frame, _ = torch.linalg.qr(normal(32, 32))
    latents = math.sqrt(32 / rank) * normal(4000, rank) @ frame[:rank]
    measured = sigreg(latents) - 1.06 / 4000
    assert measured == pytest.approx(0.241 * (1 / rank - 1 / 32), rel=0.15, abs=2e-4)


def test_sigreg_directions_have_unit_length_and_follow_the_generator() -> None:
    """The same ones wherever the generator is in the same state."""
    latents = normal(64, 8)
    assert sigreg(latents, seed=3) == sigreg(latents, seed=3) != sigreg(latents, seed=4)
    member = build_collapse(CollapseSettings(kind="sigreg", directions=100))
    slices = member.blocks.slices(torch.eye(8, dtype=torch.float64), 100, generator())
    torch.testing.assert_close(slices.norm(dim=0), torch.ones(100, dtype=torch.float64))


def test_sigreg_within_wavenumbers_is_blind_to_what_couples_them() -> None:
    """A second wavenumber that copies the first: seen by slices through both, not by slices within."""
    block = normal(2000, 2)
    copied, floor = torch.cat([block, block], dim=1), 1.06 / 2000
    blocks = [torch.tensor([0, 1]), torch.tensor([2, 3])]
    assert sigreg(copied, blocks) < 3 * floor
    assert sigreg(copied) > 20 * floor


def test_sigreg_within_wavenumbers_sees_collapse_onto_a_line() -> None:
    """Two equal coordinates in a block: slices of deviation |cos + sin|, over all angles, in every block."""
    latents = torch.cat([quantiles(1000).expand(-1, 2), quantiles(1000).expand(-1, 2).flip(0)], dim=1)
    angles = torch.arange(360) * (2 * math.pi / 360)
    deviations = (angles.cos() + angles.sin()).abs().tolist()
    expected = sum(sigreg_of_gaussian(s) for s in deviations) / 360
    blocks = [torch.tensor([0, 1]), torch.tensor([2, 3])]
    assert sigreg(latents, blocks, directions=1000) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("lost", range(4))
def test_wavenumbers_count_alike_whatever_their_size(lost: int) -> None:
    """One of four blocks of 1, 2, 2 and 3 coordinates is a point: a quarter of T(0)."""
    latents = normal(2000, 8)
    latents[:, WAVENUMBERS[lost]] = 0.0
    assert sigreg(latents, WAVENUMBERS) == pytest.approx(0.40892 / 4, abs=3 * 1.06 / 2000)


# VICReg


def test_vicreg_is_zero_for_white_latents_and_one_for_a_point() -> None:
    """Hinge: about max(0, gamma - s); covariance: the squared off-diagonal entries over d."""
    white = normal(4000, 32)
    white = white - white.mean(dim=0)
    white = white @ torch.linalg.inv(torch.linalg.cholesky(white.T @ white / 3999)).T
    terms = penalties("vicreg", white)
    assert float(terms["variance"]) == pytest.approx(0.0, abs=1e-12)
    assert float(terms["covariance"]) == pytest.approx(0.0, abs=1e-12)
    assert float(penalties("vicreg", torch.zeros(8, 32))["variance"]) == pytest.approx(1 - 1e-2, abs=1e-6)
    assert float(penalties("vicreg", 0.3 * white)["variance"]) == pytest.approx(0.7, abs=2e-4)
    assert float(penalties("vicreg", 0.3 * white, deviation=0.5)["variance"]) == pytest.approx(0.2, abs=2e-4)


def test_vicreg_covariance_of_copied_coordinates() -> None:
    """d identical unit coordinates: all d (d - 1) off-diagonal entries are N/(N - 1), so c = (d - 1) [N/(N - 1)]^2."""
    copied = quantiles(1000).expand(-1, 6)
    assert float(penalties("vicreg", copied)["covariance"]) == pytest.approx(5.0 * (1000 / 999) ** 2, rel=1e-9)


def test_vicreg_within_wavenumbers_counts_the_pairs_inside_them() -> None:
    """Eight identical coordinates in blocks of 1, 2, 2, 3: 0 + 2 + 2 + 6 ordered pairs of 8 x 7."""
    copied = quantiles(1000).expand(-1, 8)
    terms = penalties("vicreg", copied, WAVENUMBERS)
    assert float(terms["covariance"]) == pytest.approx(10 / 8 * (1000 / 999) ** 2, rel=1e-9)
    assert float(terms["variance"]) == float(penalties("vicreg", copied)["variance"])


# VISReg


def test_visreg_is_zero_for_standard_normal_quantiles() -> None:
    """All three terms, however few the samples are and in whatever order they come."""
    for count in (3, 50):
        samples = normal_quantiles(torch.empty(count, dtype=torch.float64))[:, None]
        for term in penalties("visreg", samples[torch.randperm(count, generator=generator())]).values():
            assert float(term) == pytest.approx(0.0, abs=1e-20)


@pytest.mark.parametrize(("scale", "centre"), [(0.25, 0.0), (2.0, -3.0), (1e-4, 0.1)])
def test_visreg_keeps_scale_centre_and_shape_apart(scale: float, centre: float) -> None:
    """(1 - s)^2, m^2, and a shape that neither changes, coordinate by coordinate."""
    samples = normal(200, 5)
    standard = (samples - samples.mean(dim=0)) / samples.std(dim=0, correction=0)
    terms = penalties("visreg", scale * standard + centre)
    assert float(terms["visreg_scale"]) == pytest.approx((1 - scale) ** 2, rel=1e-9)
    assert float(terms["visreg_centre"]) == pytest.approx(centre**2, abs=1e-12)
    factors, offsets = torch.tensor([0.1, 1.0, 2.0, 7.0, 40.0]), torch.arange(5)
    moved = penalties("visreg", factors * samples + offsets)["visreg_shape"]
    torch.testing.assert_close(moved, penalties("visreg", samples)["visreg_shape"], rtol=1e-9, atol=0)


def test_visreg_pulls_a_collapsed_latent_apart_where_sigreg_no_longer_does() -> None:
    """d/ds (1 - s)^2 tends to -2 however small s is; the slope of SIGReg is -3.24 s."""
    for scale in (1e-2, 1e-4):
        s = torch.tensor(scale, requires_grad=True, dtype=torch.float64)
        (slope,) = torch.autograd.grad(penalties("visreg", s * quantiles(1000))["visreg_scale"], [s])
        assert float(slope) == pytest.approx(-2 * (1 - scale), rel=1e-9)
        (vanishing,) = torch.autograd.grad(penalties("sigreg", s * quantiles(1000))["sigreg"], [s])
        assert float(vanishing) == pytest.approx(-3.24 * scale, rel=0.02)


def test_visreg_shape_of_a_uniform_latent() -> None:
    """W2^2 = 2 - 2 sqrt(3/pi) = 0.0456; with the scale a constant its slope in s is 2 - 2 sqrt(3/pi)."""
    uniform = torch.linspace(-1, 1, 4001, dtype=torch.float64)[:, None]
    s = torch.tensor(1.0, requires_grad=True, dtype=torch.float64)
    shape = penalties("visreg", s * uniform)["visreg_shape"]
    (slope,) = torch.autograd.grad(shape, [s])
    assert float(shape.detach()) == pytest.approx(2 - 2 * math.sqrt(3 / math.pi), rel=2e-2)
    assert float(slope) == pytest.approx(2 - 2 * math.sqrt(3 / math.pi), rel=2e-2)


def test_visreg_shape_sees_collapse_onto_a_line() -> None:
    """d equal coordinates: slices of deviation s = |w . 1|, so (s - 1)^2 on average 2 - 2 E|w . 1|."""
    size = 16
    mean = math.sqrt(size / math.pi) * math.gamma(size / 2) / math.gamma((size + 1) / 2)
    shape = penalties("visreg", quantiles(1000).expand(-1, size))["visreg_shape"]
    assert float(shape) == pytest.approx(2 - 2 * mean, rel=0.15)
    apart = [torch.tensor([i]) for i in range(size)]
    within = penalties("visreg", quantiles(1000).expand(-1, size), apart)["visreg_shape"]
    assert float(within) == pytest.approx(0.0, abs=1e-6)


# Moving-average target


class SmallEncoder(nn.Sequential):
    """Eight numbers to three, in a latent without structure."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        super().__init__(nn.Flatten(), nn.Linear(8, 3), nn.BatchNorm1d(3))
        self.space, self.scale = VectorSpace(3), torch.ones(3)
        self.double()


def ema_target(encoder: Any, **settings: float) -> EMATarget:
    member = build_collapse(CollapseSettings.model_validate({"kind": "ema_target"} | settings), encoder)
    assert isinstance(member, EMATarget)
    return member


def test_target_forgets_as_powers_of_the_momentum() -> None:
    """theta~ = theta_1 + m^n (theta_0 - theta_1) after n updates at rest; buffers follow at once."""
    encoder = SmallEncoder()
    member = ema_target(encoder, momentum=0.9, final_momentum=0.9)
    before = [p.detach().clone() for p in encoder.parameters()]
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.add_(torch.randn_like(parameter))
    encoder(normal(5, 8))
    for update in range(7):
        member.after_update(encoder, progress=update / 7)
    for copied, old, new in zip(member.encoder.parameters(), before, encoder.parameters(), strict=True):
        torch.testing.assert_close(copied, new.detach() + 0.9**7 * (old - new.detach()))
    for copied, new in zip(member.encoder.buffers(), encoder.buffers(), strict=True):
        assert torch.equal(copied, new)


def test_momentum_follows_progress() -> None:
    """From 0.5 to 1: after updates at progress 0, 1/2 and 1 there remains 0.5 x 0.75 x 1."""
    encoder = SmallEncoder()
    nn.init.ones_(encoder[1].weight)
    member = ema_target(encoder, momentum=0.5, final_momentum=1.0)
    nn.init.zeros_(encoder[1].weight)
    for progress in (0.0, 0.5, 1.0):
        member.after_update(encoder, progress)
    torch.testing.assert_close(member.state_dict()["encoder.1.weight"], torch.full((3, 8), 0.375).double())


def test_no_gradient_flows_to_targets(model: WorldModel) -> None:
    """They are the latents by the copy, which nothing but the average moves."""
    member = ema_target(model.encoder)
    fields = torch.randn(4, 1, 32, generator=generator())
    encoded = model.encoder(fields)
    targets = member.targets(fields, encoded)
    assert encoded.requires_grad
    assert not targets.requires_grad
    assert torch.equal(targets, encoded.detach())
    assert not any(p.requires_grad for p in member.encoder.parameters())
    assert member.penalties(encoded, generator()) == {}


def test_completion_is_one_for_the_mean_and_zero_for_the_target(model: WorldModel) -> None:
    """In the weight; as a linear map that starts from the identity, and with a quadratic part that learns, too."""
    member = ema_target(model.encoder, weight=2.0)
    nn.init.zeros_(member.quadratic.back.weight)
    targets = torch.randn(50, model.latent_size, generator=generator())
    mean = targets.mean(dim=0).expand_as(targets)
    assert float(member.completion(targets, targets)["completion"].detach()) == 0.0
    assert float(member.completion(mean, targets)["completion"].detach()) == pytest.approx(2.0, rel=1e-5)
    member.completion(mean, targets)["completion"].backward()
    assert all(p.grad is not None for part in (member.linear, member.quadratic.back) for p in part.parameters())


def test_completion_of_constant_fields() -> None:
    """Wherever half of one is hidden, half of its mean is left: twice that is the mean."""
    encoder = SmallEncoder().eval()
    nn.init.ones_(encoder[1].weight)
    nn.init.zeros_(encoder[1].bias)
    member = ema_target(encoder, mask_fraction=0.5, mask_boxes=1).double()
    nn.init.zeros_(member.quadratic.back.weight)
    fields = torch.tensor([-1.0, 1.0, 2.0, -2.0]).double()[:, None, None].expand(-1, 1, 8)
    holes = member.with_holes(fields, generator())
    assert holes is not None
    targets = member.targets(fields, fields)
    for factor, left in ((1.0, 0.25), (2.0, 0.0)):
        member.linear.set_identity(factor)
        assert float(member.completion(encoder(holes), targets)["completion"].detach()) == pytest.approx(left)


def test_without_holes_there_is_nothing_to_complete(model: WorldModel) -> None:
    """A moving-average target alone."""
    fields = torch.randn(4, 1, 32, generator=generator())
    assert ema_target(model.encoder, mask_fraction=0.0).with_holes(fields, generator()) is None
    assert ema_target(model.encoder, weight=0.0).with_holes(fields, generator()) is None


def test_state_of_the_target_goes_through_a_file(model: WorldModel) -> None:
    """Saved, and loaded without running code, it moves on in the same bytes."""
    encoder, fields = model.encoder, torch.randn(4, 1, 32, generator=generator())
    first = ema_target(encoder)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.mul_(1.1)
    first.after_update(encoder, 0.0)
    buffer = io.BytesIO()
    torch.save(first.state_dict(), buffer)
    resumed = ema_target(encoder)
    assert not torch.equal(resumed.targets(fields, fields), first.targets(fields, fields))
    resumed.load_state_dict(torch.load(io.BytesIO(buffer.getvalue()), weights_only=True))
    for member in (first, resumed):
        member.after_update(encoder, 0.5)
    assert torch.equal(resumed.targets(fields, fields), first.targets(fields, fields))


@pytest.mark.parametrize("space", [(64,), (32, 48)])
@pytest.mark.parametrize(("fraction", "boxes"), [(0.25, 1), (0.5, 4)])
def test_share_of_hidden_points(space: tuple[int, ...], fraction: float, boxes: int) -> None:
    """On average as asked; the rest is untouched, and all variables are hidden at once."""
    fields = 1 + torch.rand(400, 2, *space, generator=generator())
    seen = hide_boxes(fields, fraction, boxes, generator())
    hidden = seen == 0
    assert hidden.flatten(1).any(dim=1).all()
    assert float(hidden.double().mean()) == pytest.approx(fraction, abs=0.02)
    assert torch.equal(hidden[:, 0], hidden[:, 1])
    assert torch.equal(seen[~hidden], fields[~hidden])


def test_a_box_is_one_piece_that_wraps_around_everywhere_alike() -> None:
    """On a ring each box has two ends; every point is hidden as often as any other."""
    fields = torch.ones(2000, 1, 16)
    hidden = hide_boxes(fields, 0.25, 1, generator())[:, 0] == 0
    assert torch.equal(hidden.sum(dim=1), torch.full((2000,), 4))
    assert torch.equal((hidden != hidden.roll(1, dims=1)).sum(dim=1), torch.full((2000,), 2))
    torch.testing.assert_close(hidden.double().mean(dim=0), torch.full((16,), 0.25).double(), rtol=0, atol=0.04)


# The family


def test_none_does_nothing() -> None:
    """Nothing is to be completed or penalised, and predictions are compared with the encoded latents."""
    member, fields, encoded = build_collapse(CollapseSettings(kind="none")), torch.ones(2, 1, 8), torch.ones(2, 3)
    assert member.with_holes(fields, generator()) is None
    assert member.targets(fields, encoded) is encoded
    assert member.penalties(encoded, generator()) == {}
    assert not member.state_dict()


@pytest.mark.parametrize("kind", ["vicreg", "sigreg", "visreg"])
def test_weight_multiplies_every_term(kind: str) -> None:
    """And nothing of these members needs saving."""
    latents = 0.2 * normal(16, 8)
    once, thrice = (build_collapse(CollapseSettings.model_validate({"kind": kind, "weight": w})) for w in (1.0, 3.0))
    terms = once.penalties(latents, generator())
    for name, term in thrice.penalties(latents, generator()).items():
        torch.testing.assert_close(term, 3 * terms[name])
    assert not once.state_dict()


def test_what_a_member_needs_and_does_not_get() -> None:
    """Wavenumbers for a latent that has none; an encoder to copy."""
    with pytest.raises(InputError, match=r"within_wavenumbers: expected a spectral latent"):
        build_collapse(CollapseSettings(within_wavenumbers=True))
    with pytest.raises(InputError, match="expected an encoder to copy"):
        build_collapse(CollapseSettings(kind="ema_target"))


def test_two_ranks_with_half_the_batch_train_as_one_with_all_of_it(tmp_path: Path) -> None:
    """Every member: the same penalties, and the same gradients once they are averaged over ranks."""
    script, root = Path(__file__).with_name("two_ranks.py"), Path(__file__).parents[2]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(root), "GLOO_SOCKET_IFNAME": "lo"}
    ranks = [
        subprocess.Popen(
            [sys.executable, str(script), str(rank), str(tmp_path / "meeting")],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:  # a rank would wait half an hour for one that failed
        while any(rank.poll() is None for rank in ranks) and not any(rank.poll() for rank in ranks):
            time.sleep(0.05)
    finally:
        for rank in ranks:
            rank.kill()
    errors = [rank.communicate()[1] for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0], "\n".join(errors)
