"""``sciwm convert``: data from one layout to another."""

from collections.abc import Sequence
from pathlib import Path

from sciwm.data.cf_output import with_cf_metadata
from sciwm.data.source import Survey, open_files, sizes_in_words, survey, write_well
from sciwm.errors import InputError, Problem, raise_if
from sciwm.files import write_netcdf, write_zarr
from sciwm.version import __version__

WELL = (".hdf5", ".h5")
WRITERS = {".nc": write_netcdf, ".zarr": write_zarr}
PERIODIC_REMEDY = "say it with --periodic, followed by the periodic dimensions, or by nothing where there are none"


def convert(files: Sequence[Path], to: Path, *, group: str | None = None, periodic: Sequence[str] | None = None) -> str:
    """Write somebody's data, or a store of ours, in another layout, whole or not at all.

    Args:
        files: Paths and patterns.
        to: What to write: netCDF that follows CF with the suffix ``.nc``, Zarr with the same metadata with ``.zarr``,
            the HDF5 schema of The Well with ``.hdf5`` or ``.h5``. Nothing may be there.
        group: A group in the files.
        periodic: The space dimensions that are periodic, for The Well, where the files do not say.

    Returns:
        What was written, in words.

    Raises:
        InputError: If the data cannot be read, or the layout cannot hold them.
    """
    raise_if(_target_problems(to))
    opened = open_files(files, group)
    if to.suffix in WELL:
        found = survey(opened, periodic)
        left = write_well(found, to, _ends(found, to))
        return f"{to}: {sizes_in_words(found)}, in the layout of The Well{_without(left)}"
    history = f"sciwm {__version__} convert {' '.join(path.name for path in opened.files[:3])}"
    dataset = opened.dataset
    for variable in dataset.variables.values():
        variable.encoding = {}
    if to.suffix == ".zarr":  # whose third format has text of any length alone
        texts = [n for n, v in dataset.variables.items() if v.dtype.kind == "U"]
        dataset = dataset.assign({n: dataset[n].astype(object) for n in texts})
    WRITERS[to.suffix](to, with_cf_metadata(dataset, history))
    return f"{to}: {', '.join(map(str, dataset.data_vars))}, with metadata as CF asks for"


def _target_problems(to: Path) -> list[Problem]:
    known = (*WRITERS, *WELL)
    if to.suffix not in known:
        return [Problem(f"--to {to}", f"a name that ends in {', '.join(known)}", f"'{to.name}'")]
    if to.exists() or to.is_symlink():
        return [Problem(f"--to {to}", "nothing there", "something", "choose another name, or remove it first")]
    return []


def _ends(found: Survey, to: Path) -> dict[str, bool]:
    """Which space dimensions are periodic, which The Well always states."""
    known = {e.name: e.periodic for e in found.ends}
    open_ones = [name for name, periodic in known.items() if periodic is None]
    if open_ones:
        expected = f"to know whether {', '.join(open_ones)} are periodic, as The Well says so"
        raise InputError([Problem(f"--to {to}", expected, "files that do not say", PERIODIC_REMEDY)])
    return {name: bool(periodic) for name, periodic in known.items()}


def _without(left: Sequence[str]) -> str:
    return f"; without {', '.join(left)}, for which it has no place" if left else ""
