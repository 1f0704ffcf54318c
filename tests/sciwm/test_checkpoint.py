"""A model on disk: what comes back is what was saved, or an error that says why not."""

import copy
import hashlib
import io
import json
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sciwm.config import Config
from sciwm.data import Trajectories
from sciwm.errors import InputError
from sciwm.model import WorldModel, load_model, read_description, save_model
from sciwm.model.checkpoint import DIGEST
from sciwm.model.spaces import dense
from sciwm.model.tendency import step_layout
from sciwm.sealed_json import sealed
from sciwm.training import build_model


@pytest.fixture
def run(model: WorldModel, config: Config, tmp_path: Path) -> Path:
    """A run folder that holds a model."""
    save_model(tmp_path / "run", model, config, {"held_out_error": 0.5})
    return tmp_path / "run"


def told(run: Path) -> str:
    """What loading complains about."""
    with pytest.raises(InputError) as caught:
        load_model(run)
    return str(caught.value)


def rewrite(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change ``model.json`` as one who signs it anew, so that later checks are reached."""
    path = run / "model.json"
    description = json.loads(path.read_text())
    change(description)
    path.write_bytes(sealed({key: value for key, value in description.items() if key != DIGEST}, DIGEST))


def test_one_flipped_bit_in_the_description_is_found(run: Path) -> None:
    """A digit of a scale that changed by one bit is as bad as a changed weight."""
    path = run / "model.json"
    content = bytearray(path.read_bytes())
    place = content.index(b"deviation") + len(b'deviation": 1.') + 1
    content[place] ^= 1
    path.write_bytes(content)
    assert "the content that was written, by its sha256" in told(run)


def test_round_trip_is_bitwise(run: Path, model: WorldModel, config: Config) -> None:
    loaded, loaded_config = load_model(run)
    assert loaded_config == config
    assert loaded.domain.to_json() == model.domain.to_json()
    generator = torch.Generator().manual_seed(0)
    fields, action = torch.randn(3, 1, 32, generator=generator), torch.rand(3, 4, generator=generator)
    names = ["fields", *(f.name for f in model.domain.functionals)]
    model.freeze()
    for state, again in zip(*(_use(m, fields, action, names) for m in (model, loaded)), strict=True):
        assert torch.equal(state, again)


def _use(model: WorldModel, fields: torch.Tensor, action: torch.Tensor, names: list[str]) -> list[torch.Tensor]:
    state = model.encode(fields)
    after = model.advance(state, action)
    return [state, after, *model.readout(after, names).values()]


def test_loaded_model_needs_no_gradients_and_saving_leaves_no_drafts(run: Path) -> None:
    assert not any(p.requires_grad for p in load_model(run)[0].parameters())
    assert sorted(p.name for p in run.iterdir()) == ["model.json", "model.safetensors"]


def test_description_needs_no_weights(run: Path) -> None:
    (run / "model.safetensors").unlink()
    assert read_description(run)["latent_size"] == 13


def test_one_flipped_bit_is_found(run: Path) -> None:
    path = run / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    message = told(run)
    assert str(path) in message
    assert "expected sha256" in message
    assert "damaged or was exchanged" in message


@pytest.mark.parametrize("trusted", [False, True], ids=["sha256 of the model", "sha256 of the pickle"])
def test_pickle_in_place_of_the_weights_is_refused_and_never_run(run: Path, tmp_path: Path, trusted: bool) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Path]]:
            return Path.touch, (tmp_path / "sprung",)

    content = pickle.dumps(Trap())
    (run / "model.safetensors").write_bytes(content)
    if trusted:
        rewrite(run, lambda d: d.update(sha256=hashlib.sha256(content).hexdigest()))
    assert ("weights that fit" if trusted else "sha256") in told(run)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("length", [0, 1, 200])
def test_truncated_description(run: Path, length: int) -> None:
    path = run / "model.json"
    path.write_bytes(path.read_bytes()[:length])
    message = told(run)
    assert message.startswith(f"{path}: expected a model description in JSON")
    assert "train again" in message


@pytest.mark.parametrize("key", ["format", "sha256", "latent_size", "domain", "config", "provenance"])
def test_description_without_a_part(run: Path, key: str) -> None:
    rewrite(run, lambda d: d.pop(key))
    assert f"KeyError: '{key}'" in told(run)


def test_description_of_another_kind(run: Path) -> None:
    (run / "model.json").write_text("[1, 2]")
    assert "expected a model description" in told(run)


def test_other_format(run: Path) -> None:
    rewrite(run, lambda d: d.update(format=99))
    assert "expected format 3, 4, 5 or 6, got format 99; use the sciwm that wrote it" in told(run)


def test_damaged_domain_and_configuration(run: Path) -> None:
    rewrite(run, lambda d: d["domain"].pop("variables"))
    assert "weights that fit the description" in told(run)
    rewrite(run, lambda d: d["config"]["training"].update(updats=3))
    assert "did you mean 'updates'?" in told(run)


def test_weights_of_another_size(run: Path) -> None:
    rewrite(run, lambda d: d["config"]["model"].update(latent_modes=5))
    assert "weights that fit the description" in told(run)


def test_absent_files(run: Path, tmp_path: Path) -> None:
    (run / "model.safetensors").unlink()
    assert "expected the weights that model.json describes, got nothing there" in told(run)
    assert "train one with 'sciwm run CONFIG --out RUN'" in told(tmp_path / "nowhere")


# Elsewhere: other defaults, other processes, other threads -----------------------------------------


def used(model: WorldModel) -> list[Tensor]:
    """What the three verbs of a model give for three fields, without gradients."""
    generator = torch.Generator().manual_seed(0)
    fields = torch.randn(3, 1, 32, generator=generator, dtype=torch.float32, device="cpu")
    action = torch.rand(3, 4, generator=generator, dtype=torch.float32, device="cpu")
    with torch.no_grad():
        state = model.encode(fields)
        after = model.advance(state, action)
        return [state, after, *model.readout(after, ["fields", *(f.name for f in model.domain.functionals)]).values()]


def same(found: list[Tensor], wanted: list[Tensor]) -> bool:
    """Whether all bits agree."""
    return all(a.dtype == b.dtype and torch.equal(a, b) for a, b in zip(found, wanted, strict=True))


@contextmanager
def default(dtype: torch.dtype) -> Iterator[None]:
    """Another default precision, put back at the end."""
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    "mode",
    [
        lambda: default(torch.float64),
        lambda: default(torch.float16),
        torch.inference_mode,
        lambda: torch.device("meta"),
        lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    ],
    ids=["double", "half", "inference", "no device", "autocast"],
)
def test_a_model_is_the_same_whatever_the_caller_has_set(
    run: Path, mode: Callable[[], AbstractContextManager[object]]
) -> None:
    """Loaded before and used in the mode, loaded in it, and then used outside, with gradients."""
    before, _ = load_model(run)
    wanted = used(before)
    with mode():
        within = load_model(run)[0]
        assert same(used(before), wanted)
        assert same(used(within), wanted)
    assert same(used(within), wanted)
    action = torch.zeros(3, 4, requires_grad=True)
    slopes = [
        torch.autograd.grad(m.advance(wanted[0].clone(), action).square().sum(), action)[0] for m in (before, within)
    ]
    assert torch.equal(*slopes)


KINDS: dict[str, dict[str, Any]] = {
    "spectral": {},
    "ledger and conserved": {"ledger": True, "conserved": ["u"]},
    "linear decoder and step": {"decoder_rank": 0, "predictor": {"kind": "linear"}},
    "by wave vector": {},
    "vector": {"latent": "vector", "latent_size": 6},
    "neural": {"latent": "vector", "latent_size": 6, "decoder_rank": 0, "encoder": {"layers": 0}}
    | {"predictor": {"tendency": "neural"}},
    "fields": {"latent": "fields", "encoder": {"width": 8, "modes": 8, "layers": 2}},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_of_every_kind_can_be_sent_to_another_process(
    kind: str, make_config: Callable[..., Config], training_set: Trajectories, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pickled, stored by torch and copied: the same bits, from maps of its own."""
    if kind == "by wave vector":  # as maps are that are too large for one matrix
        for module in (dense, step_layout):
            monkeypatch.setattr(module, "DENSE_ENTRIES", 100)
    model = build_model(make_config(model=KINDS[kind]), training_set).freeze()
    wanted = used(model)
    stored = io.BytesIO()
    torch.save(model, stored)
    copies = [
        pickle.loads(pickle.dumps(model)),  # noqa: S301 - of our own making
        torch.load(io.BytesIO(stored.getvalue()), weights_only=False),
        copy.deepcopy(model),
    ]
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            tensor.zero_()  # a copy does not look into what it was copied from
    assert all(same(used(other), wanted) for other in copies)


def test_two_threads_use_one_model_as_one_after_another(run: Path) -> None:
    """From its first use on."""
    wanted, (model, _) = used(load_model(run)[0]), load_model(run)
    with ThreadPoolExecutor(2) as pool:
        assert all(same(found, wanted) for found in pool.map(used, [model] * 20))
