"""sciwm: a scientific world model for partial differential equations.

A model is trained on simulations of a forced equation and then used like a solver: xarray Datasets in and out,
everything found by the names of its dimensions. With a trained run and a Dataset ``ds`` of fields over ``time`` and
space and actions over ``(time, actuator)``:

    model = sciwm.load("runs/demo")
    forecast = model.rollout(ds.isel(time=0), forcing=ds["action"])
    scores = sciwm.evaluate(forecast, ds)

``sciwm.fit`` learns a model from your own Datasets. ``model.plan`` finds the actions that drive the fields to a target.
The command ``sciwm demo`` makes a run.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from sciwm.errors import InputError
from sciwm.name_clash import require_own_simulations
from sciwm.version import __version__

if TYPE_CHECKING:
    from sciwm.evaluation import evaluate
    from sciwm.experiment.fit import fit
    from sciwm.surrogate import Surrogate, load

require_own_simulations()

__all__ = ["InputError", "Surrogate", "__version__", "evaluate", "fit", "load"]

_HOMES = {
    "Surrogate": "sciwm.surrogate.surrogate",
    "evaluate": "sciwm.evaluation.scores",
    "fit": "sciwm.experiment.fit",
    "load": "sciwm.surrogate.surrogate",
}

if not TYPE_CHECKING:  # torch and xarray take seconds to import: only for those who use them

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'sciwm' has no attribute '{name}'")
        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
