"""Whether a dynamics predicts what actions change: one state under two sequences of actions.

    effect error(t) = || (u^_a - u^_a') - (u_a - u_a') || / || u_a - u_a' ||

with truth u and prediction u^ from one true state under the actions a or a'. It is 0 for the truth and 1
for a dynamics that ignores actions, however well it predicts the flow itself.
"""

from collections.abc import Mapping

import torch
import xarray as xr
from torch import Tensor

from sciwm.dynamics import Dynamics, rollout
from sciwm.evaluation.actions import wrong_actions
from sciwm.evaluation.trajectories import decoded, described, deviations, ratio, require_fit, size, times
from simulations import Simulation

GIVEN = "what the dynamics was given: the right actions, or wrong ones in both rollouts"


@torch.no_grad()
def effect_errors(
    dynamics: Dynamics,
    simulation: Simulation,
    starts: Tensor,
    actions: Tensor,
    alternatives: Mapping[str, Tensor],
    *,
    shift: int = 1,
    in_states: bool = False,
) -> xr.Dataset:
    """Errors of the predicted effect of replacing ``actions`` by alternatives.

    Fields count in units of the true deviation of their variable, so that dynamics of any kind can be compared. As a
    check, the dynamics is also given wrong actions in both rollouts: zeros, those of another sample, or late ones. A
    dynamics that uses its actions has larger errors with them.

    Args:
        dynamics: What is evaluated.
        simulation: The truth.
        starts: Starts ``(sample, variable, *space)``, at least two; 64 samples are a good number.
        actions: Physical actions ``(sample, time, actuator)``, as in the data.
        alternatives: Other actions by name, of the same shape: ``{"held": ..., "rough": ...}``, see ``draw_actions``.
        shift: Number of intervals by which the wrong actions ``shifted`` are late.
        in_states: Compare also the states of the dynamics with the encoded truth.

    Returns:
        ``effect_error`` over ``alternative``, ``given`` (right, zeroed, shuffled, shifted), ``sample``
        and ``time``; ``effect``, the size of the true one, over ``alternative``, ``sample`` and
        ``time``; with ``in_states`` also ``state_effect_error`` over the same. NaN where the true effect is zero.

    Raises:
        InputError: With everything that does not fit together.

    Example:
        >>> rough = draw_actions(simulation.actuators, 32, 40, hold=ROUGH)  # doctest: +SKIP
        >>> effects = effect_errors(model, simulation, starts, actions, {"rough": rough})  # doctest: +SKIP
        >>> effects["effect_error"].sel(given="right").median("sample")  # doctest: +SKIP
    """
    require_fit(dynamics, simulation, starts, {"actions": actions, **alternatives})
    true = decoded(simulation, starts, actions)
    scale = deviations(true)
    given = wrong_actions(simulation.actuators, shift=shift)
    first = {name: decoded(dynamics, starts, change(actions)) for name, change in given.items()}
    errors, effects, of_states = [], [], []
    for other in alternatives.values():
        true_other = decoded(simulation, starts, other)
        effect = true - true_other
        effects.append(size(effect, scale))
        imagined = {name: first[name] - decoded(dynamics, starts, change(other)) for name, change in given.items()}
        errors.append(torch.stack([ratio(size(i - effect, scale), effects[-1]) for i in imagined.values()]))
        if in_states:
            of_states.append(_state_effect_error(dynamics, starts, (actions, other), (true, true_other)))
    dims = ("alternative", "sample", "time")
    variables = {
        "effect_error": described(
            torch.stack(errors), ("alternative", "given", "sample", "time"), "error of the effect of actions"
        ),
        "effect": described(torch.stack(effects), dims, "true effect of actions, in deviations"),
    }
    if in_states:
        variables["state_effect_error"] = described(
            torch.stack(of_states), dims, "error of the effect of actions on states"
        )
    names = xr.DataArray(list(given), dims="given", attrs={"long_name": GIVEN})
    coordinates = {"alternative": list(alternatives), "given": names, "time": times(dynamics, actions.shape[1])}
    return xr.Dataset(variables, coordinates)


def _state_effect_error(
    dynamics: Dynamics, starts: Tensor, actions: tuple[Tensor, Tensor], truths: tuple[Tensor, Tensor]
) -> Tensor:
    """The effect error of states, ``(sample, time)``, against the states that encode the true fields."""
    start = dynamics.encode(starts)
    imagined, other_imagined = (rollout(dynamics, start, sequence) for sequence in actions)
    encoded, other_encoded = (
        torch.stack([dynamics.encode(fields) for fields in truth.unbind(dim=1)], dim=1) for truth in truths
    )
    effect = (encoded - other_encoded).flatten(2)
    error = (imagined - other_imagined).flatten(2) - effect
    return ratio(error.norm(dim=2), effect.norm(dim=2))
