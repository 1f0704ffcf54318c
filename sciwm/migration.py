"""What older versions wrote, converted to today's form on reading. Old files stay as they are."""

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")

_OF_PLANNERS = {"gradient": ("iterations", "learning_rate"), "cem": ("iterations", "samples", "elites", "deviation")}
_OF_CEM = ("samples", "elites", "deviation")
_OLD_ITERATIONS = {"iterations": 6}
"""The default of all planners until 0.2; that of CEM is another one today."""

RENAMED_KEYS = {
    "planning.iterations": "planning.planner.iterations",
    "planning.learning_rate": "planning.planner.learning_rate",
    "planning.samples": "planning.planner.samples",
    "planning.elites": "planning.planner.elites",
    "planning.deviation": "planning.planner.deviation",
    "control.cem_iterations": "control.oracle_cem.iterations",
}
"""Keys of older files by those of today, for whoever still types them."""


def migrated_config(tree: Mapping[str, Any]) -> dict[str, Any]:
    """An experiment as plain data, with the settings of each planner in a section of its own.

    Until 0.2 all planners shared the keys of ``planning``, and those of CEM served the reference controller too.
    Data in today's form are returned unchanged.
    """
    planning, control = ({} if tree.get(key) is None else tree[key] for key in ("planning", "control"))
    if not isinstance(planning, Mapping) or not isinstance(control, Mapping):
        return dict(tree)
    flat = {key: planning[key] for key in ("planner", *_OF_PLANNERS["gradient"], *_OF_CEM) if key in planning}
    cem = {key: planning[key] for key in _OF_CEM if key in flat}
    if "cem_iterations" in control:
        cem["iterations"] = control["cem_iterations"]
    migrated = dict(tree)
    if flat and not isinstance(planning.get("planner"), Mapping):
        kind = planning.get("planner", "gradient")
        known = _OF_PLANNERS.get(kind, ()) if isinstance(kind, str) else ()
        planner = {"kind": kind} | (_OLD_ITERATIONS if kind == "cem" else {})
        planner |= {key: planning[key] for key in known if key in planning}
        migrated["planning"] = {k: v for k, v in planning.items() if k not in flat} | {"planner": planner}
    elif "cem_iterations" not in control:
        return migrated
    if cem and "oracle_cem" not in control:  # both at once is a mistake, to be told
        migrated["control"] = {"oracle_cem": cem} | {k: v for k, v in control.items() if k != "cem_iterations"}
    return migrated


def migrated_weights(state: Mapping[str, "Tensor"]) -> dict[str, "Tensor"]:
    """The weights of a world model as they are today; no weights stay none.

    Until 0.2 the parts of the tendency were the predictor's. Up to 0.2 rates counted in the unit of time of the data.
    """
    own = [name for name in state if name.startswith("predictor.tendency.")]
    by_parts = not own or any(name.startswith("predictor.tendency.product.") for name in own)
    migrated = {name if by_parts else _in_tendency(name): values for name, values in state.items()}
    if migrated and "time_unit" not in migrated:
        import torch  # here, as configurations are read without it

        migrated["time_unit"] = torch.tensor(1.0, dtype=torch.float64)
    return migrated


def migrated_objective(state: Mapping[str, T]) -> dict[str, T]:
    """The weights of an objective, such as the head of inverse dynamics, by the names of its terms."""
    return {re.sub(r"^inverse\.", "members.inverse.", name): values for name, values in state.items()}


def migrated_metrics(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The metrics of a run by today's names. Until 0.2 the relative reduction of the cost was called ``gain``."""
    control = metrics.get("control")
    if not isinstance(control, Mapping) or "gain" not in control:
        return dict(metrics)
    renamed = {"relative_reduction" if key == "gain" else key: value for key, value in control.items()}
    return {**metrics, "control": renamed}


def migrated_names(variables: Collection[str]) -> dict[str, str]:
    """New names of variables of a stored result; until 0.2 the saving of plans on two grids was called ``gain``."""
    return {"gain": "saving"} if "gain" in variables else {}


def _in_tendency(name: str) -> str:
    name = re.sub(r"^predictor\.tendency\.", "predictor.tendency.product.", name)
    return re.sub(r"^predictor\.(decay|correction|forcing|modulation|steady)\.", r"predictor.tendency.\1.", name)
