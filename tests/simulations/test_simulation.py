"""Budgets, parameters and refusals that every equation shares."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from cases.case import Case
from torch import Tensor

from simulations import Simulation, run_episodes
from simulations.parameters import Parameter, non_negative, positive
from simulations.step_limits import StepLimit

Draw = Callable[..., Tensor]

# Budgets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("impulsive", [False, True])
def test_budgets_close_with_step_averaged_fluxes(
    case: Case, impulsive: bool, draw_states: Draw, draw_actions: Draw
) -> None:
    """Change of a functional = interval (source + sum_j a_j y_j): residual below 1e-3 of the change's deviation.

    Actions are on every variable, and on every parameter that may be modulated unless they are impulsive. What is
    conserved changes by rounding alone, 1e-13 of what it is.
    """
    coarse = case.changed(**(case.coarse_settings | {"steps_per_interval": case.settings["steps_per_interval"]}))
    shapes, names = coarse.shapes()
    count = len(case.equation.variables) if impulsive else len(names)
    simulation = coarse.acted_on(shapes[:count], names[:count], impulsive=impulsive)
    actions = [draw_actions(simulation, 4, seed=n) for n in range(6)]
    episodes = run_episodes(simulation, draw_states(simulation, 4), lambda _, n: actions[n], range(6))
    assert episodes.fields.isfinite().all()
    for name in simulation.functional_names:
        values = episodes.functionals[name]
        fed = episodes.sources[name] + (episodes.actions * episodes.outputs[name]).sum(-1)
        residual = (values.diff(dim=1) - simulation.control_interval * fed).square().mean().sqrt()
        assert residual <= 1e-3 * values.diff(dim=1).std() + 1e-13 * values.abs().max(), name


def test_fluxes_of_the_ends_alone_would_not_close_the_budget(
    cases: Mapping[str, Case], draw_states: Draw, draw_actions: Draw
) -> None:
    """On forced chaos the mean of the instantaneous fluxes at both ends is ten times worse, or why average?"""
    simulation = cases["kuramoto_sivashinsky"].build()
    actions = [draw_actions(simulation, 8, seed=n) for n in range(40)]
    episodes = run_episodes(simulation, draw_states(simulation, 8), lambda _, n: actions[n], range(40))
    ends = [simulation.budgets(episodes.fields[:, n])["energy"] for n in range(41)]
    sources, outputs = (torch.stack(parts, dim=1) for parts in zip(*((b.source, b.output) for b in ends), strict=True))
    change = episodes.functionals["energy"].diff(dim=1)

    def residual(source: Tensor, output: Tensor) -> float:
        fed = source + (episodes.actions * output).sum(-1)
        return (change - simulation.control_interval * fed).square().mean().sqrt().item()

    averaged = residual(episodes.sources["energy"], episodes.outputs["energy"])
    of_ends = residual((sources[:, 1:] + sources[:, :-1]) / 2, (outputs[:, 1:] + outputs[:, :-1]) / 2)
    assert of_ends > 10 * averaged, (of_ends, averaged)


def test_instantaneous_budgets_are_the_rates_of_the_functionals(
    case: Case, draw_states: Draw, draw_actions: Draw
) -> None:
    """Each is the derivative of the functional along ``rates``, by central differences: 1e-6 of its largest term."""
    shapes, names = case.coarse().shapes()
    simulation = case.coarse().acted_on(shapes, names)
    state, action = draw_states(simulation, 4), draw_actions(simulation, 4)
    drift, response = simulation.rates(state)
    rate = drift + torch.einsum("ba,ba...->b...", action, response.expand(4, *response.shape[1:]))
    h = 1e-4 / (1 + rate.abs().max().item())
    there, back = simulation.functionals(state + h * rate), simulation.functionals(state - h * rate)
    for name, budget in simulation.budgets(state).items():
        parts = torch.cat([budget.source[:, None], action * budget.output], dim=1)
        tolerance = 1e-6 * parts.abs().max().item() + 1e-11 * there[name].abs().max().item() / h * 1e-3
        torch.testing.assert_close((there[name] - back[name]) / (2 * h), parts.sum(dim=1), rtol=0, atol=tolerance)


def test_rates_are_the_beginning_of_an_interval(case: Case, draw_states: Draw, draw_actions: Draw) -> None:
    """(u(h) - u(0)) / h under an action is drift and response to first order: halving h halves the difference."""
    shapes, names = case.coarse().shapes()

    def difference(fraction: float) -> float:
        interval = case.settings["control_interval"] * fraction
        simulation = case.coarse().changed(control_interval=interval).acted_on(shapes, names)
        state, action = draw_states(simulation, 2), draw_actions(simulation, 2)
        drift, response = simulation.rates(state)
        rate = drift + torch.einsum("ba,ba...->b...", action, response.expand(2, *response.shape[1:]))
        return ((simulation.advance(state, action) - state) / interval - rate).abs().max().item()

    assert np.log2(difference(2e-3) / difference(1e-3)) == pytest.approx(1, abs=0.1)


def test_fluxes_do_not_change_the_step(case: Case, draw_states: Draw, draw_actions: Draw) -> None:
    """advance_with_fluxes ends where advance does, impulses included; 1e-13 is rounding in another order."""
    shapes, names = case.coarse().shapes()
    variables = len(case.equation.variables)
    for simulation in (
        case.coarse().acted_on(shapes, names),
        case.coarse().acted_on(shapes[:variables], names[:variables], impulsive=True),
    ):
        state, action = draw_states(simulation, 3), draw_actions(simulation, 3)
        end = simulation.advance(state, action)
        with_fluxes, _ = simulation.advance_with_fluxes(state, action)
        torch.testing.assert_close(with_fluxes, end, rtol=0, atol=1e-13 * max(1.0, end.abs().max().item()))


def test_an_impulse_is_added_at_the_end_of_the_interval(case: Case, draw_states: Draw, draw_actions: Draw) -> None:
    """An impulsive action is the unforced interval plus its shapes; exact to rounding, 1e-15."""
    shapes, names = case.coarse().shapes()
    count = len(case.equation.variables)
    simulation = case.coarse().acted_on(shapes[:count], names[:count], impulsive=True)
    state, action = draw_states(simulation, 2), draw_actions(simulation, 2)
    kick = torch.einsum("ba,a...->ba...", action, torch.tensor(shapes[:count]))
    exact = simulation.advance(state, 0 * action) + kick
    torch.testing.assert_close(simulation.advance(state, action), exact, rtol=1e-14, atol=1e-15)


def test_readout_gives_what_is_named(simulation: Simulation, draw_states: Draw) -> None:
    """Fields come back as they are and functionals as ``functionals`` computes them; exact."""
    state = simulation.encode(draw_states(simulation, 2))
    assert tuple(simulation.functionals(state)) == tuple(simulation.derivatives(state)) == simulation.functional_names
    name = simulation.functional_names[-1]
    readout = simulation.readout(state, ["fields", name])
    assert list(readout) == ["fields", name]
    assert readout["fields"] is state
    assert torch.equal(readout[name], simulation.functionals(state)[name])
    with pytest.raises(ValueError, match=r"expected readouts among fields, .*, got helicity"):
        simulation.readout(state, ["helicity"])


# Parameters ---------------------------------------------------------------------------------


def neighbour(simulation: Simulation, parameter: Parameter) -> Simulation:
    """The simulation at another value of one parameter that it admits."""
    value = float(np.mean(simulation.values[parameter.name]))
    for other in (0.9 * value, value + 1, 0.1):
        try:
            if other != value:
                return simulation.with_parameters({parameter.name: other})
        except ValueError:
            continue
    pytest.fail(f"found no other value of {parameter.name}")


def test_a_batch_of_parameters_is_the_single_runs(case: Case, draw_states: Draw, draw_actions: Draw) -> None:
    """Each element obeys its own value, budgets included, whichever parameter varies; 1e-13 is rounding.

    Parameters that are zero take their defaults here: others may matter by multiplying them.
    """
    shapes, names = case.coarse().shapes()
    parameters = {p.name: case.settings["parameters"].get(p.name) or p.default for p in case.equation.parameters}
    one = case.coarse().changed(parameters=parameters).acted_on(shapes, names)
    state, action = draw_states(one, 2), draw_actions(one, 2)
    for parameter in case.equation.parameters:
        other = neighbour(one, parameter)
        values = [float(np.mean(s.values[parameter.name])) for s in (one, other)]
        both = one.with_parameters({parameter.name: values})
        end, budgets = both.advance_with_fluxes(state, action)
        for row, single in enumerate((one, other)):
            alone, alone_budgets = single.advance_with_fluxes(state[row : row + 1], action[row : row + 1])
            found = {"end": (end, alone), **{n: (budgets[n].source, b.source) for n, b in alone_budgets.items()}}
            found |= {f"{n}, output": (budgets[n].output, b.output) for n, b in alone_budgets.items()}
            for name, (in_batch, by_itself) in found.items():
                in_batch = in_batch.expand(2, *in_batch.shape[1:])[row]
                scale = max(1e-3, by_itself.abs().max().item())
                message = f"{name} at another {parameter.name}"
                assert (in_batch - by_itself[0]).abs().max() < 1e-13 * scale, message
        assert (end[1] - one.advance(state, action)[1]).abs().max() > 1e-12, f"{parameter.name} changes nothing"


def test_wrong_parameters_are_refused_all_at_once(case: Case) -> None:
    """The message names the equation, each parameter, what was expected and what was given."""
    parameters: dict[str, Any] = {"viscousity": 1.0}
    expected = [f"{case.settings['equation']}: ", "got viscousity"]
    for parameter in case.equation.parameters:
        parameters[parameter.name] = np.nan
        expected.append(f"expected {parameter.range}, got nan")
    with pytest.raises(ValueError) as refusal:
        case.coarse().build(parameters=parameters)
    for part in expected:
        assert part in str(refusal.value)


def test_batches_of_parameters_are_of_one_size(case: Case, draw_states: Draw) -> None:
    """Two parameters of different batches are refused when given, states of another batch when advanced."""
    coarse = case.coarse()
    names = [p.name for p in case.equation.parameters]
    simulation = coarse.build()
    if not names:
        pytest.skip("no parameters")
    three = simulation.with_parameters({names[0]: [float(simulation.values[names[0]])] * 3})
    shape = f"({3}, {len(simulation.variables)}, "
    with pytest.raises(ValueError) as refusal:
        three.advance(draw_states(simulation, 2), torch.zeros(2, len(simulation.actuators)).double())
    assert f"{simulation.equation}: expected state of shape {shape}" in str(refusal.value)
    with pytest.raises(ValueError, match="one value or one per batch element"):
        simulation.with_parameters({names[0]: [[1.0]]})
    if len(names) > 1:
        with pytest.raises(ValueError, match="one value or one per batch element"):
            three.with_parameters({names[1]: [float(simulation.values[names[1]])] * 2})


def test_changed_parameters_leave_the_original_alone(case: Case, draw_states: Draw, unforced: Draw) -> None:
    """``with_parameters`` gives another simulation; the first advances to the same bits as before."""
    simulation = case.coarse().build()
    state, zero = draw_states(simulation, 2), unforced(simulation, 2)
    before = simulation.advance(state, zero)
    for parameter in case.equation.parameters:
        neighbour(simulation, parameter).advance(state, zero)
    assert torch.equal(simulation.advance(state, zero), before)


@pytest.mark.parametrize(
    ("parameter", "admitted", "refused", "words"),
    [
        (positive("a", "", 1.0), [1e-9, 5.0, [1.0, 2.0]], [0.0, -1.0, np.inf, np.nan, [1.0, 0.0]], "a > 0"),
        (non_negative("a", "", 1.0), [0.0, 5.0], [-1e-9, np.nan, [1.0, -1.0]], "a >= 0"),
        (Parameter("a", "", 1.0, low=-1.0, high=2.0), [-1.0, 2.0], [-1.1, 2.1], "a >= -1 and a <= 2"),
        (Parameter("a", "", 1.0), [-1e9, 1e9], [np.nan, np.inf], "a finite a"),
    ],
)
def test_parameters_know_their_bounds(
    parameter: Parameter, admitted: list[Any], refused: list[Any], words: str
) -> None:
    """Bounds hold for every element of a batch, and read as they are."""
    assert all(parameter.admits(np.asarray(value)) for value in admitted)
    assert not any(parameter.admits(np.asarray(value)) for value in refused)
    assert parameter.range == words


# Steps --------------------------------------------------------------------------------------


def test_good_values_are_within_the_limits_of_the_step(case: Case, draw_states: Draw) -> None:
    """A typical start is stepped more briefly than any of its limits, which are all positive and named."""
    simulation = case.build()
    limits = [*simulation.step_limits(), *simulation.step_limits_at(draw_states(simulation, 4))]
    for limit in limits:
        assert simulation.step < limit.step, limit
        assert limit.process


def test_steps_that_are_unstable_whatever_the_state_are_refused_with_one_that_works(case: Case) -> None:
    """Following the message's advice succeeds."""
    simulation = case.coarse().build()
    limits = simulation.step_limits()
    if not limits:
        pytest.skip("no limit that holds whatever the state")
    interval = 5.3 * min(limit.step for limit in limits)
    with pytest.raises(ValueError, match=rf"{simulation.equation}: .* limits the step to .*, got") as refusal:
        case.coarse().build(control_interval=interval, steps_per_interval=2)
    advised = int(str(refusal.value).split("steps_per_interval >= ")[1].split()[0])
    case.coarse().build(control_interval=interval, steps_per_interval=advised)
    with pytest.raises(ValueError, match="limits the step to"):
        case.coarse().build(control_interval=interval, steps_per_interval=advised - 2)


def test_a_blow_up_is_explained_by_the_limit_exceeded_most(
    cases: Mapping[str, Case], monkeypatch: pytest.MonkeyPatch, draw_states: Draw
) -> None:
    """The tightest limit is named where the step exceeds it; else the step or an action may be too much."""
    simulation = cases["burgers"].coarse().build()
    state = draw_states(simulation, 2)
    assert "step 0.025 may be too long, or the start or an action too large" in simulation.why_blown_up(state)
    message = simulation.why_blown_up(1e3 * state)
    assert message.startswith("burgers: advection at speed ")
    assert "Use steps_per_interval >= " in message
    limits = [StepLimit(1e-3, "diffusion"), StepLimit(1e-9, "sound")]
    monkeypatch.setattr(simulation, "step_limits", lambda: limits)
    assert simulation.why_blown_up(state).startswith("burgers: sound limits the step to 1e-09, got 0.025")


@pytest.mark.parametrize("steps", [3, 1, 0, -2])
def test_odd_steps_per_interval_are_refused(case: Case, steps: int) -> None:
    """Simpson's rule needs pairs of steps; the message names the equation and the value."""
    with pytest.raises(ValueError, match=rf"{case.settings['equation']}: .*even steps_per_interval.*got {steps}"):
        case.build(steps_per_interval=steps)


@pytest.mark.parametrize("interval", [0.0, -0.1, np.nan])
def test_intervals_that_are_no_duration_are_refused(case: Case, interval: float) -> None:
    """Time goes forwards."""
    with pytest.raises(ValueError, match=f"control_interval > 0, got {interval}"):
        case.build(control_interval=interval)


# Blow-up and bad input ----------------------------------------------------------------------


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf, 2e6, -2e6])
def test_states_that_are_no_solution_are_recognised(simulation: Simulation, draw_states: Draw, value: float) -> None:
    """One absurd value marks its element and no other."""
    state = draw_states(simulation, 3)
    state[1].flatten()[-1] = value
    assert simulation.blown_up(state).tolist() == [False, True, False]


def test_fields_that_are_not_finite_are_refused_with_their_place(simulation: Simulation, draw_states: Draw) -> None:
    """The message names the elements of the batch, a few if there are many, and what to do."""
    state = draw_states(simulation, 9)
    assert simulation.encode(state) is state
    state[2].flatten()[0] = torch.nan
    with pytest.raises(ValueError, match=rf"{simulation.equation}: expected finite .* element 2 of the batch\. Drop"):
        simulation.encode(state)
    state[1:] = torch.inf
    with pytest.raises(ValueError, match="element 1, 2, 3, 4, 5 and 3 more of the batch"):
        simulation.encode(state)


def test_wrong_shapes_are_refused_with_the_expected_ones(simulation: Simulation, draw_states: Draw) -> None:
    """Messages name the equation, the argument, the expected and the given shape."""
    state, actuators = draw_states(simulation, 2), len(simulation.actuators)
    action = torch.zeros(2, actuators, dtype=torch.float64)

    def refused(call: Callable[[], Any], argument: str, wanted: tuple[Any, ...], got: Tensor) -> None:
        with pytest.raises(ValueError) as refusal:
            call()
        message = f"{simulation.equation}: expected {argument} of shape {wanted}, got {tuple(got.shape)}."
        assert str(refusal.value) == message

    fields = ("batch", len(simulation.variables), *simulation.grid.shape)
    for wrong in (state[:, 0], state[..., 1:], state.repeat(1, 2, *(1 for _ in simulation.grid.shape))):
        refused(lambda wrong=wrong: simulation.advance(wrong, action), "state", fields, wrong)
        refused(lambda wrong=wrong: simulation.advance_with_fluxes(wrong, action), "state", fields, wrong)
        refused(lambda wrong=wrong: simulation.encode(wrong), "fields", fields, wrong)
    for wrong in (action[:1], action[..., None], torch.cat([action, action], dim=1)):
        refused(lambda wrong=wrong: simulation.advance(state, wrong), "action", (2, actuators), wrong)
        refused(lambda wrong=wrong: simulation.advance_with_fluxes(state, wrong), "action", (2, actuators), wrong)


def test_actuators_on_other_points_are_refused(case: Case) -> None:
    """Shapes live on the grid of the simulation."""
    shapes, names = case.coarse().shapes()
    with pytest.raises(ValueError, match=rf"{case.settings['equation']}: expected actuator shapes on .* got"):
        case.coarse().acted_on(shapes[..., 1:], names)


def test_impulses_change_variables_alone(case: Case) -> None:
    """A parameter is no quantity to be kicked; what is not there is refused with what is."""
    shapes, names = case.coarse().shapes()
    variables = [v.name for v in case.equation.variables]
    with pytest.raises(ValueError, match=f"actuators on {' or '.join(names)}, got temper"):
        case.coarse().acted_on(shapes[:1], ["temper"])
    if case.equation.modulated_parameters:
        with pytest.raises(ValueError, match=f"actuators on {' or '.join(variables)}, got"):
            case.coarse().acted_on(shapes, names, impulsive=True)
