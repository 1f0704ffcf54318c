"""Parameters of a run as part of the state, and actions that are scaled about their mean."""

from dataclasses import replace

import pytest
import torch

from sciwm.config import ModelSettings
from sciwm.data import Axis, Domain, ForcingVariable, Parameter, Variable
from sciwm.dynamics import rollout
from sciwm.model import WorldModel
from simulations import ActionBox

AMBIENT = Parameter("ambient", "ambient temperature", "degC", mean=20.0, deviation=4.0, low=14.0, high=27.0)
POWER = ForcingVariable("power", "heater power", "W", "heater", ("north", "south"), first=0, count=2)


@pytest.fixture
def domain() -> Domain:
    """A bounded line with one variable, two heaters and one parameter."""
    return Domain(
        variables=(Variable("temp", "temperature", "degC", mean=30.0, deviation=5.0),),
        axes=(Axis("x", 4, 1.0, periodic=False, points=(0.0, 1.0, 2.5, 3.0)),),
        control_interval=0.5,
        actuators=ActionBox(("power.north", "power.south"), [0.0, 0.0], [8.0, 8.0], "W"),
        functionals=(),
        parameters=(AMBIENT,),
        forcings=(POWER,),
        action_means=(4.0, 2.0),
        action_deviations=(2.0, 1.0),
        masked=True,
        time_name="t",
        run_name="run",
    )


@pytest.fixture
def model(domain: Domain) -> WorldModel:
    """A model with random weights."""
    torch.manual_seed(0)
    return WorldModel(ModelSettings(latent="vector", latent_size=3, decoder_rank=1), domain)


def test_a_domain_is_read_as_it_was_written(domain: Domain) -> None:
    """Everything that the data of others add is part of ``model.json``; other domains do not hold a word of it."""
    plain = domain.to_json()
    read = Domain.from_json(plain)
    assert read.to_json() == plain
    for name in ("axes", "parameters", "forcings", "action_means", "action_deviations", "masked", "time_name"):
        assert getattr(read, name) == getattr(domain, name)
    own = replace(domain, axes=(Axis("x", 4, 1.0),), parameters=(), forcings=(), action_means=(), action_deviations=())
    own = replace(own, masked=False, time_name="time", run_name="simulation")
    assert set(own.to_json()) == {"control_interval", "known_shapes", "variables", "axes", "functionals", "actuators"}
    assert "points" not in own.to_json()["axes"][0]


def test_actions_are_scaled_about_their_mean(model: WorldModel) -> None:
    """The mean action is zero inside the predictor, and one deviation more is one."""
    assert model.scaled(torch.tensor([[4.0, 2.0], [6.0, 1.0]])).tolist() == [[0.0, 0.0], [1.0, -1.0]]


def test_parameters_stay_and_act(model: WorldModel) -> None:
    """A step leaves them as they are; another value gives another forecast, and the gradient is that of differences."""
    fields, actions = torch.randn(2, 1, 4) + 30, torch.full((2, 5, 2), 3.0)
    ambient = torch.tensor([[18.0], [24.0]])
    states = rollout(model, model.encode(fields, ambient), actions)
    assert states.shape == (2, 5, model.state_size)
    torch.testing.assert_close(model.parameters_in(states), ambient[:, None].expand(2, 5, 1))
    state = model.encode(fields, ambient).detach().requires_grad_()
    last = rollout(model, state, actions)[:, -1, 0].sum()
    (gradient,) = torch.autograd.grad(last, state)
    assert gradient[:, -1].abs().min() > 0
    step = 1e-2
    warmer = rollout(model, model.with_parameters(state, ambient + 4 * step), actions)[:, -1, 0].sum()
    colder = rollout(model, model.with_parameters(state, ambient - 4 * step), actions)[:, -1, 0].sum()
    change = float((warmer - colder).detach()) / (2 * step)
    assert change == pytest.approx(float(gradient[:, -1].sum()), rel=1e-2)


def test_without_parameters_their_means_are_taken(model: WorldModel) -> None:
    """A start that states none, and a latent alone, are those of a run at the mean."""
    fields, action = torch.randn(2, 1, 4) + 30, torch.full((2, 2), 3.0)
    at_mean = model.advance(model.encode(fields, torch.full((2, 1), 20.0)), action)
    torch.testing.assert_close(model.advance(model.encode(fields), action), at_mean)
    alone = model.advance(model.latent(model.encode(fields)), action)
    torch.testing.assert_close(alone, model.latent(at_mean))
