"""``sciwm inspect``: what somebody's files hold, as a table, a configuration to start from, and a picture."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from sciwm.data.declared_sizes import readable_bytes
from sciwm.data.labels import label_text
from sciwm.data.source import ROLES, Survey, configuration_text, find_files, open_files, sizes_in_words, survey
from sciwm.data.units import units_of
from sciwm.errors import Problem, counted, raise_if
from sciwm.files import write_atomically

MOST_LABELS = 6
FIGURES = (".png", ".pdf", ".svg")


def inspect(
    files: Sequence[Path],
    *,
    out: Path | None = None,
    figure: Path | None = None,
    group: str | None = None,
    periodic: Sequence[str] | None = None,
) -> str:
    """Look into files, and write what was asked for.

    Args:
        files: Paths and patterns.
        out: The configuration to write; nothing may be there.
        figure: The picture to write.
        group: A group in the files.
        periodic: The space dimensions that are periodic, where the files do not say.

    Returns:
        The table.

    Raises:
        InputError: With everything that is wrong with the files, or if something is in the way.
    """
    raise_if([*_in_the_way(out), *_no_picture(figure)])
    found = survey(open_files(files, group), periodic)
    lines = list(_table(found))
    if figure is not None:
        from sciwm.report.source_figures import draw_overview

        draw_overview(found, figure)
        lines.append(f"wrote {figure}")
    if out is not None:
        named = [os.path.relpath(path.absolute(), out.absolute().parent) for path in files]
        text = configuration_text(found, out.stem, named, group)
        write_atomically(out, text.encode())
        unknown = [end.name for end in found.ends if end.periodic is None]
        first = f"state 'periodic' in {out} (or by --periodic), then " if unknown else ""
        lines.append(f"wrote {out}; next: {first}sciwm run {out} --out runs/{out.stem}")
    else:
        lines.append(f"next: sciwm inspect {' '.join(map(str, files))} --out {find_files(files)[0].stem}.yaml")
    return "\n".join(lines)


def _in_the_way(out: Path | None) -> list[Problem]:
    if out is None:
        return []
    if out.suffix not in (".yaml", ".yml"):
        return [Problem(f"--out {out}", "a name that ends in .yaml", f"'{out.name}'")]
    if out.exists() or out.is_symlink():
        return [Problem(f"--out {out}", "nothing there", "a file", "choose another name, or remove it first")]
    return []


def _no_picture(figure: Path | None) -> list[Problem]:
    if figure is None or figure.suffix in FIGURES:
        return []
    return [Problem(f"--figure {figure}", f"a name that ends in {', '.join(FIGURES)}", f"'{figure.name}'")]


def _table(found: Survey) -> Iterator[str]:
    files = found.opened.files
    what = str(files[0]) if len(files) == 1 else f"{counted(len(files), 'file')}, the first {files[0]}"
    yield f"{what}: {sizes_in_words(found)}, {readable_bytes(found.dataset.nbytes)} in memory"
    yield from (f"  {note}" for note in found.opened.notes)
    yield "dimensions"
    yield from _aligned(_dimensions(found))
    yield "variables"
    yield from _aligned(_variables(found))
    if found.bounds:
        yield "bounds of forcings"
        yield from _aligned([(n, f"{low:g} to {high:g}", words) for n, (low, high, words) in found.bounds.items()])
    yield "to decide or look at" if found.doubts else "nothing is doubtful"
    yield from (f"  - {doubt}" for doubt in found.doubts)


def _dimensions(found: Survey) -> Sequence[tuple[str, ...]]:
    rows = []
    words = {"run": "runs", "staggered": "other points"}
    for dim in found.dims.found:
        size = found.dataset.sizes[dim.name]
        rows.append((words.get(dim.kind, dim.kind), dim.name, f"{size}", _extent(found, dim.name), dim.reason))
    return rows


def _extent(found: Survey, dim: str) -> str:
    """The range of a dimension and the distance of its points."""
    if dim not in found.dataset.coords:
        return "no coordinate"
    x = found.dataset[dim]
    if not x.size:
        return "empty"
    if x.dtype.kind in "USO" and x.size <= MOST_LABELS:
        return ", ".join(map(str, x.values))
    ends = f"{label_text(x.values[0])} to {label_text(x.values[-1])}"
    if dim == found.dims.time and found.clock is not None:
        every = f"every {found.clock.interval:g} {found.clock.units}"
        since = f" since {found.clock.since}" if found.clock.since else ""
        return f"{ends}, {every if not found.steps else f'mostly {every}'}{since}"
    units = f" {units_of(x, '')}".rstrip()
    if dim not in found.dims.space or x.dtype.kind not in "iuf" or x.size < 2:
        return f"{ends}{units}"
    steps = np.abs(np.diff(x.values.astype(float)))
    apart = (
        f"every {steps.mean():g}"
        if np.ptp(steps) < 0.01 * steps.mean()
        else f"{steps.min():g} to {steps.max():g} apart"
    )
    end = next((e for e in found.ends if e.name == dim), None)
    kind = {True: "periodic", False: "with two ends", None: "periodic or not?"}[end.periodic] if end else ""
    return f"{ends}{units}, {apart}, {kind}"


def _variables(found: Survey) -> Sequence[tuple[str, ...]]:
    order = {"variables": "state", "forcings": "forcing", "parameters": "parameter"}
    rows = []
    for proposal in sorted(found.roles, key=lambda p: ROLES.index(p.role)):
        array, seen = found.dataset[proposal.name], found.facts.get(proposal.name)
        about = f"({', '.join(map(str, array.dims))}) [{units_of(array, '-')}]"
        values = ""
        if seen is not None and np.isfinite(seen.low):
            missing = f", {seen.missing:.2%} missing" if seen.missing else ""
            values = f"{'' if seen.whole else 'about '}{seen.low:g} to {seen.high:g}{missing}"
        rows.append((order.get(proposal.role, proposal.role), proposal.name, about, values, proposal.reason))
    return rows


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Rows with columns of equal width."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))] if rows else []
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
