"""Opens netCDF or HDF5 files in a process of its own, which a damaged header may end without harm.

Run as a script, so that nothing but netCDF is imported: ``python header_probe.py FILE...`` writes what each file
declares as a line of JSON, ``{group: {variable: [dtype, dimensions, shape]}}``, up to the first that is damaged.
"""

import json
import sys
from typing import Any

import netCDF4

MEMORY = 2**30
"""Bytes of address space; a header of any sound file needs a small part of them."""
SECONDS = 5
"""Of computing, which waiting for a disk or for other programs is not, and one more for each file; a sound header takes
a fraction of one."""


def declared(group: Any) -> dict[str, Any]:
    """What a group and the groups in it declare; the values of dimensions are read as well, as on opening."""
    variables = {}
    for name, variable in group.variables.items():
        for attribute in variable.ncattrs():
            variable.getncattr(attribute)
        if variable.dimensions == (name,):
            variable.set_auto_maskandscale(False)
            variable[:]
        variables[name] = [str(getattr(variable.dtype, "str", "O")), variable.dimensions, variable.shape]
    for attribute in group.ncattrs():
        group.getncattr(attribute)
    found = {group.path: variables}
    for inner in group.groups.values():
        found |= declared(inner)
    return found


def main() -> int:
    """Write what the files declare, or why one cannot be opened."""
    paths = sys.argv[1:]
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS + len(paths),) * 2)  # a damaged header may be read for ever
    except (ImportError, ValueError, OSError):
        pass  # this system has no such limits; the limit of time remains
    try:
        for path in paths:
            with netCDF4.Dataset(path) as file:
                print(json.dumps(declared(file)), flush=True)
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
