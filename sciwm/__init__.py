"""sciwm: a scientific world model for partial differential equations.

model = sciwm.load("runs/demo")
forecast = model.rollout(ds.isel(time=0), forcing=ds["action"])
scores = sciwm.evaluate(forecast, ds)
"""

from importlib import import_module
from typing import TYPE_CHECKING

from sciwm.errors import InputError
from sciwm.version import __version__

if TYPE_CHECKING:
    from sciwm.evaluation import evaluate
    from sciwm.surrogate import Surrogate, load

__all__ = ["InputError", "Surrogate", "__version__", "evaluate", "load"]

_HOMES = {
    "Surrogate": "sciwm.surrogate.surrogate",
    "evaluate": "sciwm.evaluation.scores",
    "load": "sciwm.surrogate.surrogate",
}

if not TYPE_CHECKING:  # torch and xarray take seconds to import: only for those who use them

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'sciwm' has no attribute '{name}'")
        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
