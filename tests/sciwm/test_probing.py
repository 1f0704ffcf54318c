"""Probes of latents whose content is known."""

from collections.abc import Sequence
from functools import partial

import matplotlib
import numpy as np
import pytest
import torch
from torch import Tensor

import simulations
from sciwm.data import Trajectories
from sciwm.errors import InputError
from sciwm.evaluation.probing import network_probe, probe, ridge_probe
from sciwm.evaluation.probing.probing import PROBES
from sciwm.evaluation.probing.references import PrincipalComponents, lookup
from sciwm.evaluation.probing.targets import held_out_functionals, phases
from sciwm.evaluation.statistics import r_squared
from sciwm.model import WorldModel
from sciwm.report.drawing import STYLE
from sciwm.report.probing_figures import readable_from_latents, readable_over_lead_time
from simulations import PeriodicGrid

EXTENT = 22.0


class Told:
    """A latent of a few functionals of the fields, which never changes once encoded."""

    def __init__(self, data: Trajectories) -> None:
        self.actuators = data.actuators
        self.control_interval = data.control_interval

    def encode(self, fields: Tensor) -> Tensor:
        """Mass, energy and the mean cube."""
        return torch.stack([fields.mean((1, 2)), fields.square().mean((1, 2)), fields.pow(3).mean((1, 2))], dim=1)

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        """Nothing happens."""
        return state

    def readout(self, state: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """Nothing is read."""
        return {}


class Noise(Told):
    """Numbers that have nothing to do with the fields."""

    def encode(self, fields: Tensor) -> Tensor:
        """Eight normal numbers."""
        return torch.randn(len(fields), 8, generator=torch.Generator().manual_seed(len(fields)))


def test_what_a_latent_holds_is_read_and_what_it_does_not_is_not(training_set: Trajectories) -> None:
    """R2 = 1 for linear content, about 0 for noise; a frozen latent is persistence at every horizon."""
    latents = {"told": Told(training_set), "noise": Noise(training_set)}
    result = probe(latents, training_set, horizons=(1, 8), probes=("ridge",), instants=12, phase_modes=1)
    encoded = result.sel(horizon=0, probe="ridge")
    for name in ("mass", "energy", "mean u^3"):
        assert float(encoded["r2"].sel(representation="told", target=name)) == pytest.approx(1, abs=1e-4)
        assert float(encoded["within_r2"].sel(representation="told", target=name)) == pytest.approx(1, abs=1e-3)
    assert float(np.abs(encoded["within_r2"].sel(representation="noise")).max()) < 0.2
    kinds = dict(zip(result["target"].values.tolist(), result["kind"].values.tolist(), strict=True))
    assert (
        kinds["energy"] == "functional" and kinds["mean u^3"] == "held_out" and kinds["phase of u, wave 1"] == "phase"
    )
    told = result["r2"].sel(representation="told")
    np.testing.assert_array_equal(told, result["r2"].sel(representation="persistence"))
    assert float(told.sel(target="energy", horizon=8).item()) < 0.999
    assert (result["r2_low"] <= result["r2_high"]).all()


def test_a_solver_rolled_out_reads_like_an_encoded_state(training_set: Trajectories) -> None:
    """Probes of the true state, applied to what the solver makes of the start, are as good as on the truth."""
    simulation = simulations.build(
        {
            "equation": "kuramoto_sivashinsky",
            "num_points": 32,
            "domain_extent": EXTENT,
            "control_interval": 0.25,
            "steps_per_interval": 2,
            "jets": {"count": 4, "width": 0.8, "limit": 1.0},
        }
    )
    result = probe({"solver": simulation}, training_set, horizons=(6,), probes=("ridge",), instants=12)
    mass = result["r2"].sel(target="mass", probe="ridge")
    assert mass.sel(representation="solver").values == pytest.approx(1, abs=1e-3)
    assert float(mass.sel(representation="persistence", horizon=6)) < 0.99


def test_parameters_are_asked_for_and_looked_up(training_set: Trajectories) -> None:
    """A parameter never varies within a trajectory: it has no R2 there; a table of parameters knows it."""
    values = np.linspace(1.0, 2.0, 24)
    result = probe(
        {"told": Told(training_set)}, training_set, horizons=(1,), parameters={"viscosity": values},
        probes=("ridge",), instants=4, phase_modes=1,
    )  # fmt: skip
    viscosity = result.sel(target="viscosity", probe="ridge", horizon=0)
    assert np.isnan(viscosity["within_r2"]).all()
    assert float(viscosity["r2"].sel(representation="lookup")) > 0.8
    assert float(viscosity["r2"].sel(representation="told")) < 0.5


def test_the_model_itself_can_be_probed(
    model: WorldModel, training_set: Trajectories, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An untrained world model goes through with all its baselines; PCA has as many numbers."""
    monkeypatch.setitem(PROBES, "network", partial(network_probe, updates=60))
    result = probe({"world_model": model}, training_set, horizons=(2,), probes=("network",), instants=4)
    assert result.sizes["representation"] == 4
    assert int(result["latent_size"].sel(representation="pca")) == model.latent_size
    assert np.isfinite(result["r2"].sel(representation="world_model")).all()
    with matplotlib.rc_context(STYLE):
        figures = [readable_from_latents(result), readable_over_lead_time(result)]
    assert all(figure.png.startswith(b"\x89PNG") for figure in figures)


def test_everything_wrong_is_told_at_once(training_set: Trajectories) -> None:
    """Reserved names, horizons too long, unknown variables and probes, parameters of another length."""
    with pytest.raises(InputError) as error:
        probe(
            {"pca": Told(training_set)}, training_set, horizons=(50,), variables=["v"],
            parameters={"viscosity": [1.0]}, probes=("tree",),
        )  # fmt: skip
    places = {problem.where for problem in error.value.problems}
    assert places == {"representations", "horizons", "variables", "parameters: viscosity", "probes"}


def test_a_constant_of_each_simulation_explains_nothing_within() -> None:
    """Estimates that know only the trajectory's mean: within R2 = 0; the total is the share between means."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(40, 1, 1)) + 0.5 * rng.normal(size=(40, 25, 1))
    total, within = r_squared(truth, np.broadcast_to(truth.mean(axis=1, keepdims=True), truth.shape))
    assert within[0] == pytest.approx(0, abs=1e-12)
    assert total[0] == pytest.approx(truth.mean(axis=1).var() / truth.var())
    assert total[1] < total[0] < total[2]


def test_r_squared_of_known_estimates() -> None:
    """1 for the truth, 0 for the mean, NaN for what does not vary, 1 - s^2 for errors of share s."""
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(30, 200, 2))
    assert r_squared(truth, truth)[0] == (1, 1, 1)
    assert r_squared(truth, np.zeros_like(truth) + truth.mean(axis=(0, 1)))[0][0] == pytest.approx(0, abs=1e-12)
    assert np.isnan(r_squared(np.ones((3, 4, 1)), truth[:3, :4, :1])[0]).all()
    assert np.isnan(r_squared(truth, np.full_like(truth, np.inf))[0]).all()
    assert r_squared(truth, truth + 0.3 * rng.normal(size=truth.shape))[0][0] == pytest.approx(1 - 0.09, abs=0.01)


def test_ridge_finds_the_plane_and_leaves_out_what_does_not_help() -> None:
    """A plane is found to rounding; among many useless features the penalty keeps R2 from falling below zero."""
    rng = np.random.default_rng(0)
    x, held_out = rng.normal(size=(120, 40)), np.arange(120) % 4 == 0
    plane = x @ rng.normal(size=(40, 2)) + 3.0
    np.testing.assert_allclose(ridge_probe(x, plane, held_out)(x), plane, atol=1e-6)
    noise = rng.normal(size=(120, 1))
    new, new_noise = rng.normal(size=(2000, 40)), rng.normal(size=(2000, 1))
    assert ((ridge_probe(x, noise, held_out)(new) - new_noise) ** 2).mean() < 1.1


def test_the_network_reads_what_is_not_linear() -> None:
    """The square of a symmetric number: nothing for ridge, nearly all for the network."""
    rng = np.random.default_rng(0)
    x, new = rng.normal(size=(1200, 2)), rng.normal(size=(500, 2))
    held_out = np.arange(1200) % 4 == 0
    for fit, low, high in ((ridge_probe, -0.1, 0.1), (partial(network_probe, updates=400), 0.95, 1.0)):
        left = (fit(x, x[:, :1] ** 2, held_out)(new) - new[:, :1] ** 2).var() / (new[:, 0] ** 2).var()
        assert low < 1 - left < high


@pytest.mark.parametrize("shape", [(64,), (32, 48)])
def test_functionals_of_a_wave(shape: tuple[int, ...]) -> None:
    """A cos(k x + p): <|grad|^2> = k^2 A^2/2, <lap^2> = k^4 A^2/2, <v^3> = 0, <v^4> = 3 A^4/8, one band."""
    grid = PeriodicGrid(shape, (EXTENT, 10.0)[: len(shape)])
    wavenumber = 2 * np.pi * 3 / EXTENT
    wave = 2.0 * np.cos(wavenumber * grid.mesh[0] + 0.7) + np.zeros(shape)
    fields = torch.tensor(wave)[None, None]
    found = {n: v.item() for n, v in held_out_functionals(fields, ["v"], grid.extents).items()}
    expected = {
        "mean |grad v|^2": 2 * wavenumber**2,
        "mean (lap v)^2": 2 * wavenumber**4,
        "mean v^3": 0.0,
        "mean v^4": 6.0,
        "v energy, waves 1-2": 0.0,
        "v energy, waves 3-4": 2.0,
    }
    assert {n: found[n] for n in expected} == pytest.approx(expected, abs=1e-9)
    angle = phases(fields, ["v"], modes=3)["phase of v, wave 3"][0]
    np.testing.assert_allclose(angle, [np.cos(0.7), np.sin(0.7)], atol=1e-12)


def test_bands_add_up_to_the_energy_of_what_they_hold() -> None:
    """Parseval: bands of a field without mean and short waves sum to <v^2>."""
    from simulations.initial import random_field

    field = random_field(PeriodicGrid.square(48, 7.0), np.random.default_rng(0), cutoff=9, amplitude=1.3)
    found = held_out_functionals(torch.tensor(field)[None, None], ["v"], (7.0, 7.0))
    assert float(sum(v for n, v in found.items() if "waves" in n)) == pytest.approx(1.3**2)


def test_principal_components_rebuild_what_spans_them(training_set: Trajectories) -> None:
    """Fields made of two waves and a mean need three components, and are given back."""
    x = 2 * np.pi * np.arange(16) / 16
    amounts = np.random.default_rng(0).normal(size=(50, 3))
    fields = torch.tensor(amounts @ np.stack([np.sin(x), np.cos(x), np.ones(16)]) + 5.0)[:, None]
    components = PrincipalComponents.of(fields, 3, training_set)
    state = components.encode(fields)
    np.testing.assert_allclose(components.readout(state, ["fields"])["fields"], fields, atol=1e-9)
    assert float(state.mean(dim=0).abs().max()) < 1e-9


def test_lookup_takes_the_nearest_parameters() -> None:
    """Without parameters the mean of all; with them of the nearest alone."""
    taught = np.arange(4.0)[:, None, None] * np.ones((4, 2, 1))
    assert (lookup(taught, {}, 3) == 1.5).all()
    near = lookup(taught, {"nu": (np.array([0.0, 1.0, 2.0, 3.0]), np.array([2.9]))}, 1, nearest=2)
    assert (near == 2.5).all()
