"""A file of the user's own that Python finds in place of the package ``simulations``, which sciwm needs.

``simulations.py`` is a common name for a script, and the folder of the script comes first where Python looks.
"""

import os.path
import sys
from importlib.util import find_spec

NEEDED = "simulations"


def require_own_simulations() -> None:
    """Refuse to go on with another ``simulations`` than the one beside this package. Nothing is imported.

    Raises:
        ImportError: With the file that Python finds in its place, and what to do.
    """
    ours = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), NEEDED)
    found = _found()
    if found is None or found == ours or not os.path.isdir(ours):  # not beside: whoever imports it will tell
        return
    name = os.path.basename(found)
    raise ImportError(
        f"sciwm needs its own package '{NEEDED}', in {ours}, but Python finds {found} under that name. Rename "
        f"{name}, such as to my_{name}, and what imports it; or start Python where it is not found first (for the "
        "command: `sciwm` or `python -P -m sciwm`).",
        name=NEEDED,
        path=found,
    )


def _found() -> str | None:
    """What ``import simulations`` gives: a file, or the folder of a package; None if it cannot be told."""
    module = sys.modules.get(NEEDED)
    if module is not None:
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", [])]
    elif (spec := find_spec(NEEDED)) is not None:
        places = [spec.origin if spec.has_location else None, *(spec.submodule_search_locations or [])]
    else:
        places = []
    place = next((os.path.realpath(place) for place in places if place), None)
    is_package = place is not None and os.path.basename(place) == "__init__.py"
    return os.path.dirname(place) if place is not None and is_package else place
