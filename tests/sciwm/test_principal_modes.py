"""Principal components that weigh points and variables, and what points count."""

from pathlib import Path

import numpy as np
import pytest
import torch
from brought_in import store_of

from sciwm.config import EncoderSettings
from sciwm.data import Axis, point_weights
from sciwm.data.point_weights import cell_sizes
from sciwm.model.principal_modes import principal_modes, weights_of_anomalies
from sciwm.model.readouts import VectorDecoder
from sciwm.model.spaces import VectorSpace
from sciwm.model.vector_encoder import VectorEncoder


def smooth_fields(samples: int = 40, points: int = 12) -> torch.Tensor:
    """Two variables of four waves on a line, ``(sample, 2, point)``."""
    torch.manual_seed(0)
    waves = torch.stack([torch.sin((k + 1) * torch.linspace(0, 3, points)) for k in range(4)])
    amplitudes = torch.randn(samples, 2, 4) * torch.tensor([1.0, 0.5, 0.2, 0.1])
    return amplitudes @ waves


def test_equal_weights_change_nothing() -> None:
    """Up to the signs of modes."""
    fields = smooth_fields()
    plain, deviations = principal_modes(fields, 5)
    weighted, same = principal_modes(fields, 5, torch.ones(2, 12))
    torch.testing.assert_close(deviations, same, rtol=1e-4, atol=1e-6)
    overlap = (plain.flatten(1) @ weighted.flatten(1).T).abs()
    torch.testing.assert_close(overlap, torch.eye(5), atol=1e-3, rtol=0)


def test_what_counts_nothing_has_no_mode() -> None:
    """Behind a mask modes are zero whatever is there, and elsewhere orthonormal with regard to the weights."""
    fields, weights = smooth_fields(), torch.rand(2, 12) + 0.5
    weights[:, 3:5] = 0
    spoiled = fields.clone()
    spoiled[:, :, 3:5] = 100 * torch.randn(40, 2, 2)
    modes, deviations = principal_modes(fields, 5, weights)
    _, same = principal_modes(spoiled, 5, weights)
    assert not modes[:, :, 3:5].any()
    torch.testing.assert_close(deviations, same)
    torch.testing.assert_close((modes * weights).flatten(1) @ modes.flatten(1).T, torch.eye(5), atol=1e-4, rtol=0)


def test_a_linear_encoder_is_undone_by_its_decoder() -> None:
    """Without layers and products, with weights: fields of as many waves as the latent has numbers come back."""
    fields, weights = smooth_fields(), torch.rand(2, 12) + 0.5
    encoder = VectorEncoder(2, EncoderSettings(layers=0), VectorSpace(8), (12,), (True,))
    decoder = VectorDecoder(2, VectorSpace(8), 0, (12,))
    encoder.fit(fields, weights)
    decoder.fit(encoder.scale, fields, weights)
    assert not list(encoder.parameters()) and not any(p.requires_grad for p in decoder.parameters())
    torch.testing.assert_close(decoder(encoder(fields)), fields, atol=1e-3, rtol=0)


def test_a_strong_mean_pattern_hides_no_anomalies() -> None:
    """Of a variable whose mean field is a hundred times its anomalies, the latent holds as much as of the other."""
    fields = smooth_fields()
    fields[:, 1] = (fields[:, 1] + 300 * torch.linspace(-1, 1, 12)) / 175
    weights = weights_of_anomalies(fields, torch.ones(2, 12))
    modes, _ = principal_modes(fields, 4, weights)
    anomalies = fields - fields.mean(dim=0)
    kept = ((anomalies * weights).flatten(1) @ modes.flatten(1).T @ modes.flatten(1)).unflatten(1, (2, 12))
    missed = (kept - anomalies).square().mean(dim=(0, 2)) / anomalies.square().mean(dim=(0, 2))
    assert missed.max() < 0.2
    assert missed[1] < 2 * missed[0]


def test_points_count_by_their_cells() -> None:
    """Uneven ones by what lies between the middles, those of latitude by the area on the sphere."""
    uneven = Axis("x", 4, 1.0, periodic=False, points=(0.0, 1.0, 3.0, 4.0))
    np.testing.assert_allclose(cell_sizes(uneven), [1.0, 1.5, 1.5, 1.0])
    latitude = Axis("lat", 181, 1.0, start=-90.0, units="degrees_north", periodic=False)
    sizes = cell_sizes(latitude)
    assert sizes.sum() == pytest.approx(2.0)
    assert 0 < sizes[0] < 0.01 * sizes[90]


def test_masked_points_count_nothing(tmp_path: Path) -> None:
    """The others have a mean of one."""
    rng = np.random.default_rng(0)
    valid = np.ones((1, 5, 4), bool)
    valid[0, 2] = False
    fields = rng.normal(size=(3, 6, 5, 4)) * valid[0]
    axes = {"y": np.linspace(0, 1, 5), "x": np.linspace(0, 3, 4)}
    data = store_of(tmp_path / "a.zarr", {"t": fields}, rng.uniform(-1, 1, (3, 5, 1)), axes=axes, valid=valid)
    weights = point_weights(data)
    assert not weights[0, 2].any()
    assert weights[valid].mean() == pytest.approx(1.0)
