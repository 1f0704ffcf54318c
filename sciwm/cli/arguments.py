"""The arguments of every command, and where a forecast may be written."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from sciwm.cli.help import DESCRIPTION, PAGES, STORY
from sciwm.cli.speech import Parser
from sciwm.errors import InputError, Problem, in_one_line
from sciwm.run_paths import RunPaths
from sciwm.version import __version__

FORECASTS = (".nc", ".zarr")
"""The suffixes of forecasts, which say how they are written."""


def build_parser(commands: Mapping[str, Callable[[argparse.Namespace], None]]) -> argparse.ArgumentParser:
    """The parser of all command lines.

    Args:
        commands: the function that carries out each command, by name; the parsed namespace holds it as ``command``.
    """
    plain = argparse.RawDescriptionHelpFormatter
    parser = Parser(prog="sciwm", description=DESCRIPTION, epilog=STORY, formatter_class=plain)
    parser.add_argument("--version", action="version", version=f"sciwm {__version__}")
    of = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    added = {}
    for name, page in PAGES.items():
        title, example = f"{page.purpose[0].upper()}{page.purpose[1:]}.", f"example:\n  {page.example}"
        text = f"{title}\n\n{page.details}"
        added[name] = of.add_parser(name, help=page.purpose, description=text, epilog=example, formatter_class=plain)
        added[name].set_defaults(command=commands[name])
    _add_arguments(added)
    return parser


def check_output(out: Path, source: Path, run: Path) -> None:
    """Refuse to write a forecast over the input, over a file of the run, or where no file can be.

    Raises:
        InputError: naming what is already at ``out``.
    """
    from sciwm.data.recognition import URL

    if URL.match(str(out)) and not out.parent.exists():
        remedy = "write it here, and copy it from here"
        raise InputError([Problem(f"--out {out}", "a path on this machine", "an address on the network", remedy)])
    try:
        resolved = out.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle, a zero byte in the name
        got = in_one_line(error)
        raise InputError(
            [Problem(f"--out {out}", "a path that can be looked at", got, "choose another --out")]
        ) from error
    on_the_way = next(p for p in resolved.parents if p.exists())
    if resolved.is_relative_to(source.resolve()):
        got = "INPUT itself"
    elif not on_the_way.is_dir():
        got = f"one inside the file {on_the_way}"
    elif resolved.is_dir():
        got = "a folder"
    elif RunPaths(run).holds(out):
        got = f"a file of the run {run}"
    elif resolved.exists() and not resolved.is_file():
        got = "a device"
    elif out.suffix not in FORECASTS:
        raise InputError([Problem(f"--out {out}", "a name that ends in .nc (netCDF) or .zarr", f"'{out.name}'")])
    elif out.suffix == ".zarr" and resolved.exists():
        got = "a file, where a store is a folder"
    else:
        return
    raise InputError([Problem(f"--out {out}", "a file of its own for the forecast", got, "choose another --out")])


def _path(text: str) -> Path:
    if not text.strip():
        raise argparse.ArgumentTypeError("expected a path, got ''")
    return Path(text)


def _change(text: str) -> str:
    if "=" not in text:
        raise argparse.ArgumentTypeError(f"expected section.key=value, got '{text}'; write CONFIG before --set")
    return text


def _add_arguments(to: Mapping[str, argparse.ArgumentParser]) -> None:
    look, turn = to["inspect"].add_argument, to["convert"].add_argument
    look(
        "files", metavar="FILES", type=_path, nargs="+", help="netCDF, HDF5 or Zarr of any name, or patterns in quotes"
    )
    look("--out", metavar="CONFIG", type=_path, help="the configuration to write (.yaml); nothing may be there")
    look("--figure", metavar="FILE", type=_path, help="a picture of the data to write (.png, .pdf or .svg)")
    turn("files", metavar="FILES", type=_path, nargs="+", help="what 'sciwm inspect' takes, or a store of ours")
    turn("--to", metavar="OUT", type=_path, required=True, help="what to write: .nc, .zarr, or .hdf5 for The Well")
    for add in (look, turn):
        add("--group", metavar="GROUP", help="a group in the files, as forecast/ocean")
        add(
            "--periodic",
            metavar="DIM",
            nargs="*",
            help="the periodic space dimensions, where the files do not say; without any, all have two ends",
        )
    for name in ("simulate", "bring-in", "run"):
        to[name].usage = f"sciwm {name} [-h] CONFIG --out RUN [--set section.key=value ...]"
        to[name].add_argument(
            "config", metavar="CONFIG", type=_path, help="YAML file of the experiment; configs/ holds examples"
        )
        to[name].add_argument("--out", metavar="RUN", type=_path, required=True, help="the run folder to write")
        change = to[name].add_argument("--set", metavar="section.key=value", nargs="+", action="extend", default=[])
        change.type, change.help = _change, "values that replace those of CONFIG"
    for name in ("train", "rollout", "evaluate", "control", "report"):
        to[name].add_argument("run", metavar="RUN", type=_path, help="an existing run folder")

    rollout = to["rollout"].add_argument
    rollout("input", metavar="INPUT", type=_path, help="netCDF file or Zarr store with fields and forcing")
    rollout("--out", metavar="FILE", type=_path, required=True, help="what to write: netCDF (.nc) or Zarr (.zarr)")
    rollout("--forcing", metavar="FILE", type=_path, help="another file with the forcing (default: INPUT holds it)")
    rollout("--intervals", metavar="N", type=int, help="length of the forecast (default: as long as the forcing)")
    rollout("--no-verify", action="store_true", help="trust a store of ours without comparing it with its digests")
    rollout("--start", metavar="TIME_INDEX", type=int, default=0, help="index of the instant to start from (default 0)")

    rollout(
        "--uncertainty",
        choices=("bands", "members"),
        help="calibrated errors: bands of 50 and 90 %% about the mean, or members; and flags of what speaks against it",
    )

    parts = to["evaluate"].add_argument(
        "--parts", metavar="PART", nargs="+", help="measure only these parts (listed above)"
    )
    parts.default = None
    to["evaluate"].usage = "sciwm evaluate [-h] RUN [--parts PART ...]"

    demo = to["demo"].add_argument
    demo("--quick", action="store_true", help="less data and training, done in one or two minutes")
    demo(
        "--out",
        metavar="RUN",
        type=_path,
        default=Path("runs/demo"),
        help="the run folder to write (default runs/demo)",
    )

    check = to["check"].add_argument
    check("file", metavar="FILE", type=_path, help="a configuration, run folder, store or netCDF file of any name")
    check("--run", metavar="RUN", type=_path, help="a run whose model should be able to use the data")
    benchmark = to["benchmark"].add_argument
    benchmark("name", metavar="NAME", help="one of the names above")
    benchmark("--quick", action="store_true", help="one seed and less of everything, to see that it runs")
    benchmark(
        "--only",
        metavar="PART",
        action="append",
        default=[],
        help="only this part of a benchmark that has parts, as ks22 of physics or kills of robustness; may be repeated",
    )
    benchmark("--out", metavar="FILE", type=_path, help="JSON file to write (default runs/benchmarks/NAME.json)")

    to["info"].add_argument(
        "path", metavar="RUN|DATA", type=_path, help="a run folder, store or netCDF file of any name"
    )
