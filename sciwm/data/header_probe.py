"""Opens netCDF or HDF5 files in a process of its own, which a damaged header may end without harm.

Run as a script, so that nothing but netCDF is imported: ``python header_probe.py FILE...`` writes what each file
declares as a line of JSON, ``{group: {variable: [dtype, dimensions, shape]}}``; for a file that cannot be read the line
is a text that says why. It ends at the first that takes all memory, or all time.
"""

import json
import math
import sys
import time
from typing import Any

import netCDF4

MEMORY = 2**30
"""Bytes of address space; a header of any sound file needs a small part of them."""
SECONDS = 5
"""Of computing for each file, which waiting for a disk or for other programs is not; a sound header takes a fraction of
one."""


def declared(group: Any) -> dict[str, Any]:
    """What a group and the groups in it declare; the values of dimensions are read as well, as on opening."""
    variables = {}
    for name, variable in group.variables.items():
        for attribute in variable.ncattrs():
            variable.getncattr(attribute)
        if variable.dimensions == (name,) and variable.dtype is not str:
            variable.set_auto_maskandscale(False)
            variable[:]
        kind = _kind_of_text(group, name) if variable.dtype is str else str(getattr(variable.dtype, "str", "O"))
        variables[name] = [kind, variable.dimensions, variable.shape]
    for attribute in group.ncattrs():
        group.getncattr(attribute)
    found = {group.path: variables}
    for inner in group.groups.values():
        found |= declared(inner)
    return found


def _kind_of_text(group: Any, name: str) -> str:
    """The kind of what netCDF takes for text: numbers of two or of sixteen bytes are no text, and reading them so
    would end this process."""
    import h5py  # type: ignore[import-untyped]

    with h5py.File(group.filepath(), "r") as file:
        kind = file[f"{group.path}/{name}"].dtype
        return str(kind.str) if kind.kind == "f" else "O"


def _allow_seconds() -> None:
    """Let the next file be read for so long: a damaged header may be read for ever."""
    try:
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time()) + SECONDS, most))
    except (ImportError, ValueError, OSError):
        pass


def main() -> int:
    """Write what the files declare, or why they cannot be read."""
    paths = sys.argv[1:]
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, ValueError, OSError):
        pass  # this system has no such limits; the limit of time remains
    for path in paths:
        _allow_seconds()
        try:
            with netCDF4.Dataset(path) as file:
                line = json.dumps(declared(file))
        except MemoryError as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            return 1
        except Exception as error:
            line = json.dumps(f"{type(error).__name__}: {error}")
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
