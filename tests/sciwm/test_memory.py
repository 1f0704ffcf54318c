"""What a training holds for its gradients, counted and foretold."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sciwm.config import Config
from sciwm.data import Axis
from sciwm.errors import InputError
from sciwm.experiment import stages
from sciwm.model.conservation import places_of_means
from sciwm.model.spaces import SpectralSpace, VectorSpace
from sciwm.model.spectral_encoder import SpectralEncoder
from sciwm.model.vector_encoder import VectorEncoder
from sciwm.training import memory, require_memory
from sciwm.training.memory import least_memory

WALLS = tuple(Axis(name, 12, 0.1, periodic=False) for name in "xy")
ENCODER = {"width": 8, "modes": 4}


@pytest.mark.parametrize(("latent", "layers"), [("spectral", 3), ("vector", 1), ("vector", 3)])
def test_no_more_is_foretold_than_is_held(make_config: Callable[..., Config], latent: str, layers: int) -> None:
    """At least half of what autograd really keeps of the encoder, and never more."""
    model = {"latent": latent, "latent_modes": 3, "encoder": {**ENCODER, "layers": layers}}
    config = make_config(model=model, training={"batch_size": 4}, loss={"horizon": 4})
    settings = config.model.encoder
    space = SpectralSpace(1, (3, 3), (1.0, 1.0))
    encoder = (
        SpectralEncoder(1, settings, space, places_of_means(space, []), 0)
        if latent == "spectral"
        else VectorEncoder(1, settings, VectorSpace(4), (12, 12), (True, True))
    )
    held = {}

    def note(values: Tensor) -> Tensor:
        storage = values.untyped_storage()
        held[storage.data_ptr()] = storage.nbytes()
        return values

    with torch.autograd.graph.saved_tensors_hooks(note, lambda values: values):
        latents = encoder(torch.randn(4 * (4 + 1), 1, 12, 12))
    assert latents.requires_grad
    weights = sum(p.nbytes for p in encoder.parameters())
    assert 0.5 * (sum(held.values()) - weights) < least_memory(config, WALLS) < sum(held.values())


def test_operators_that_advance_fields_count(make_config: Callable[..., Config]) -> None:
    """Once a step: twice the steps need twice the memory; fields are mirrored at walls."""
    settings = {"latent": "fields", "encoder": {**ENCODER, "layers": 2}}
    short, long = (make_config(model=settings, training={"batch_size": 4}, loss={"horizon": h}) for h in (4, 8))
    assert least_memory(short, WALLS) == 4 * 2 * 2 * 8 * 24**2 * 4 * 4
    assert least_memory(long, WALLS) == 2 * least_memory(short, WALLS)


def test_what_does_not_fit_is_refused_before_anything_is_made(
    make_config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line of 4 x 8 points, two layers of width 8, 16 windows of 5 instants: 4 x 2 x 2 x 8 x 32 x 80 bytes."""
    config = make_config(model={"encoder": {"width": 8, "layers": 2, "modes": 8}})
    needed = 4 * 2 * 2 * 8 * 32 * 80
    monkeypatch.setattr(memory, "installed_memory", lambda: float(needed))
    require_memory(config, [Axis("x", 32, 0.1)])
    monkeypatch.setattr(memory, "installed_memory", lambda: float(needed - 1))
    with pytest.raises(InputError, match=r"got more than .* GiB; lower training.batch_size, loss.horizon"):
        stages.run_all(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_this_machine_has_memory() -> None:
    assert memory.installed_memory() > 2**28
