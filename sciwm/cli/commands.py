"""The ``sciwm`` command: runs one command line, and turns errors into lines for people.

Modules that are slow to import, such as torch, are imported inside the commands that need them.
"""

import argparse
import errno
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from traceback import walk_tb
from typing import TYPE_CHECKING

from sciwm.cli.arguments import build_parser, check_output
from sciwm.cli.speech import complain, say, spoken_warnings
from sciwm.errors import Problem, in_one_line

if TYPE_CHECKING:
    from sciwm.config import Config

INPUT_ERROR, INTERRUPTED = 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line.

    Args:
        arguments: the words after ``sciwm``; by default those of the process.

    Returns:
        the exit status: 0 for success, 2 for bad input, 130 if interrupted.
    """
    asked = build_parser(COMMANDS).parse_args(arguments)
    try:
        with spoken_warnings():
            asked.command(asked)
    except KeyboardInterrupt:
        say("sciwm: interrupted; give the same command again to continue", to=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # as of 'sciwm ... | head'
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (ValueError, OSError, RuntimeError, MemoryError) as error:
        if not _is_for_the_user(error):
            raise
        complain(_in_words(error))
        return INPUT_ERROR
    return 0


def _is_for_the_user(error: Exception) -> bool:
    """Whether an error tells of bad input or of the machine, and not of a mistake in the code."""
    if isinstance(error, OSError):
        return error.filename is not None or error.errno is not None
    if _is_of_memory(error):
        return True
    if isinstance(error, RecursionError):
        return False
    if _is_of_files(error):
        return True
    return not isinstance(error, RuntimeError) and _packages(error)[-1] in ("sciwm", "simulations")


def _packages(error: Exception) -> list[str]:
    """Packages of all frames of the traceback; the one that raised the error is last."""
    frames = (frame for frame, _ in walk_tb(error.__traceback__))
    return [str(frame.f_globals.get("__name__", "")).partition(".")[0] for frame in frames]


def _is_of_files(error: Exception) -> bool:
    """Whether a library of files raised it: netCDF by itself, or what a damaged chunk makes a decompressor raise."""
    return (isinstance(error, RuntimeError) and str(error).startswith("NetCDF:")) or "zarr" in _packages(error)


FILE_SYSTEM = {
    errno.ENOENT: ("something there", "nothing"),
    errno.EISDIR: ("a file", "a folder; name a file in it"),
    errno.ENOTDIR: ("a folder", "a file; choose another path"),
    errno.EEXIST: ("a free path", "something there; choose another path"),
    errno.EACCES: ("permission", "none; change the permissions, or choose another path"),
    errno.EPERM: ("permission", "none; change the permissions, or choose another path"),
    errno.EROFS: ("a disk to write to", "a read-only one; choose another path"),
    errno.ENOSPC: ("space on the disk", "none left; free some, and give the same command again"),
    errno.EFBIG: ("a file no larger than is allowed here", "a larger one; raise the limit (ulimit -f), or write less"),
    errno.ENAMETOOLONG: ("a name that fits", "a longer one; choose another path"),
    errno.EMFILE: ("a few open files", "too many; raise the limit (ulimit -n)"),
    errno.EIO: ("a disk that works", "an error of the device; look at the disk, and choose another path"),
    errno.ELOOP: ("a file or a folder", "links that lead back to themselves"),
    errno.EDQUOT: ("space on the disk", "none left of your share; free some, and give the same command again"),
}


def _is_of_memory(error: Exception) -> bool:
    """Whether memory ran out: numpy raises ``MemoryError``, torch a ``RuntimeError`` that says so."""
    return isinstance(error, MemoryError) or "can't allocate memory" in str(error)


def _in_words(error: Exception) -> str:
    if _is_of_memory(error):
        remedy = "lower numbers of simulations, intervals or points, sizes of the model, or training.batch_size"
        got = str(error).rpartition("can't allocate memory: ")[2] or "more than there is"
        return str(Problem("memory", "enough for what was asked", got.rstrip("."), remedy))
    if _is_of_files(error) and not isinstance(error, OSError):
        from sciwm.data import of_reading

        if of_reading(error):
            remedy = "'sciwm check' tells which store or file is damaged, and in which rows"
            return str(Problem("a store or file", "values that can be read", in_one_line(error), remedy))
        remedy = "see whether the disk is full or read-only"
        return str(Problem("netCDF", "a file that can be written", str(error), remedy))
    if not isinstance(error, OSError):
        return str(error)
    if error.errno == errno.EEXIST and Path(str(error.filename)).is_file():
        return str(Problem(str(error.filename), "a folder", "a file; move it away, or choose another path"))
    expected, got = FILE_SYSTEM.get(error.errno or 0, ("a path that can be used", str(error.strerror or error)))
    return str(Problem(str(error.filename or "file system"), expected, got))


# The commands ---------------------------------------------------------------------------------


def _simulate(asked: argparse.Namespace) -> None:
    config = _configuration(asked.config, asked.set)
    from sciwm.experiment import stages

    stages.simulate(config, asked.out)
    say(f"{asked.out}/data is complete; next: sciwm train {asked.out}")


def _train(asked: argparse.Namespace) -> None:
    _use_threads_of(asked.run)
    from sciwm.experiment import stages

    stages.train(asked.run)
    say(f"{asked.run}/model.safetensors is written; next: sciwm evaluate {asked.run}")


def _evaluate(asked: argparse.Namespace) -> None:
    _use_threads_of(asked.run)
    from sciwm.experiment import stages
    from sciwm.report import summary_table

    say(summary_table(stages.evaluate(asked.run, asked.parts)))


def _control(asked: argparse.Namespace) -> None:
    _use_threads_of(asked.run)
    from sciwm.experiment import stages
    from sciwm.report import summary_table

    say(summary_table(stages.control(asked.run)))


def _report(asked: argparse.Namespace) -> None:
    _use_threads_of(asked.run)
    from sciwm.experiment import Run, stages

    Run(asked.run).metrics()
    say(f"report: {stages.report(asked.run)}")


def _run(asked: argparse.Namespace) -> None:
    _run_all(_configuration(asked.config, asked.set), asked.out)


def _demo(asked: argparse.Namespace) -> None:
    name = "ks_control_quick.yaml" if asked.quick else "ks_control.yaml"
    from sciwm.config import shipped_config

    _run_all(_configuration(shipped_config(name), ()), asked.out)


def _rollout(asked: argparse.Namespace) -> None:
    _use_threads(1)
    import sciwm
    from sciwm.cli.forecast import forecast

    check_output(asked.out, asked.input, asked.run)
    model = sciwm.load(asked.run)
    _use_threads(model.config.training.threads)
    made = _folder_to_make(asked.out)
    written = forecast(model, asked.input, asked.out, start=asked.start, verify=not asked.no_verify)
    names = ", ".join(map(str, written.data_vars))
    say(f"{asked.out}: {names} at {written.sizes['time']} instants{made}")


def _folder_to_make(out: Path) -> str:
    """What to say of the folder of an output that is not there yet."""
    return "" if out.parent.exists() else f"; made the folder {out.parent}"


def _check(asked: argparse.Namespace) -> None:
    _use_threads(1)
    from sciwm.cli.check import check

    for line in check(asked.file, asked.run):
        say(line)


def _info(asked: argparse.Namespace) -> None:
    _use_threads(1)
    from sciwm.cli.describe import describe

    say(describe(asked.path))


def _benchmark(asked: argparse.Namespace) -> None:
    _use_threads(1)
    from sciwm.benchmarks import TABLE_FILES, run_benchmark, update_tables

    if asked.name == "table":
        for path, tables in update_tables([Path(name) for name in TABLE_FILES]).items():
            say(f"{path}: {', '.join(tables)}")
    else:
        say(run_benchmark(asked.name, quick=asked.quick, out=asked.out, only=asked.only))


COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "simulate": _simulate,
    "train": _train,
    "rollout": _rollout,
    "evaluate": _evaluate,
    "control": _control,
    "report": _report,
    "run": _run,
    "demo": _demo,
    "check": _check,
    "info": _info,
    "benchmark": _benchmark,
}


# What they share ------------------------------------------------------------------------------


def _configuration(path: Path, overrides: Sequence[str]) -> "Config":
    _use_threads(1)
    from sciwm.cli.check import check_config

    config = check_config(path, overrides)
    _use_threads(config.training.threads)
    return config


def _use_threads_of(folder: Path) -> None:
    _use_threads(1)
    from sciwm.experiment import Run

    _use_threads(Run(folder).config().training.threads)


def _use_threads(count: int) -> None:
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch: waiting threads must not spin
    import torch

    torch.set_num_threads(count)


def _run_all(config: "Config", run: Path) -> None:
    from sciwm.experiment import Run, stages
    from sciwm.report import summary_table

    page = stages.run_all(config, run)
    say(summary_table(Run(run).metrics()))
    say(
        "\nA line holds the first number of its part. The report judges a part by its hardest case, such as the worst\n"
        "functional or grid, or the longest rollout, so that its numbers may be others."
    )
    say(f"\nreport: {page}")
