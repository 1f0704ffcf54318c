"""The ``sciwm`` command: runs one command line, and turns errors into lines for people.

Modules that are slow to import, such as torch, are imported inside the commands that need them.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sciwm.cli.arguments import build_parser, check_output
from sciwm.cli.error_words import in_words, is_for_the_user
from sciwm.cli.speech import complain, say, spoken_warnings
from sciwm.errors import raise_if

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
        if not is_for_the_user(error):
            raise
        complain(in_words(error))
        return INPUT_ERROR
    return 0


# The commands ---------------------------------------------------------------------------------


def _simulate(asked: argparse.Namespace) -> None:
    config = _configuration(asked.config, asked.set)
    from sciwm.experiment import stages

    stages.simulate(config, asked.out)
    say(f"{asked.out}/data is complete; next: sciwm train {asked.out}")


def _bring_in(asked: argparse.Namespace) -> None:
    config = _configuration(asked.config, asked.set)
    from sciwm.experiment.bring_in import bring_in

    for line in bring_in(config, asked.out):
        say(line)
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


def _inspect(asked: argparse.Namespace) -> None:
    from sciwm.cli.inspect_source import inspect

    say(inspect(asked.files, out=asked.out, figure=asked.figure, group=asked.group, periodic=asked.periodic))


def _convert(asked: argparse.Namespace) -> None:
    from sciwm.cli.convert_source import convert

    say(convert(asked.files, asked.to, group=asked.group, periodic=asked.periodic))


def _demo(asked: argparse.Namespace) -> None:
    name = "ks_control_quick.yaml" if asked.quick else "ks_control.yaml"
    from sciwm.config import shipped_config

    _run_all(_configuration(shipped_config(name), ()), asked.out)


def _rollout(asked: argparse.Namespace) -> None:
    _use_threads(1)
    import sciwm
    from sciwm.cli.forecast import forecast
    from sciwm.data import name_problems

    check_output(asked.out, asked.input, asked.run)
    if asked.forcing is not None:
        check_output(asked.out, asked.forcing, asked.run)
    raise_if(name_problems(asked.out, f"--out {asked.out}"))
    model = sciwm.load(asked.run)
    _use_threads(model.config.training.threads)
    made = _folder_to_make(asked.out)
    options = {"schedule": asked.forcing, "intervals": asked.intervals, "start": asked.start, "kind": asked.uncertainty}
    origin = _origin_of_forecast(asked, model.config.name)
    written = forecast(model, asked.input, asked.out, **options, verify=not asked.no_verify, origin=origin)
    names = ", ".join(map(str, written.data_vars))
    say(f"{asked.out}: {names} at {written.sizes[model.domain.time_name]} instants{made}")


def _origin_of_forecast(asked: argparse.Namespace, name: str) -> dict[str, str]:
    """The attributes of a forecast that say what made it: the model by its weights, and the command."""
    from sciwm.model import read_description
    from sciwm.version import __version__

    weights = read_description(asked.run)["sha256"]
    words = ["sciwm rollout", asked.run, asked.input, "--out", asked.out]
    words += ["--forcing", asked.forcing] if asked.forcing is not None else []
    words += ["--intervals", asked.intervals] if asked.intervals is not None else []
    words += ["--start", asked.start] if asked.start else []
    source = f"sciwm {__version__}, the model '{name}' with weights of sha256 {weights}"
    return {"source": source, "history": " ".join(map(str, words))}


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

    made = _folder_to_make(asked.out) if asked.out is not None else ""
    if asked.name == "table":
        for path, tables in update_tables([Path(name) for name in TABLE_FILES]).items():
            say(f"{path}: {', '.join(tables)}")
    else:
        say(run_benchmark(asked.name, quick=asked.quick, out=asked.out, only=asked.only) + made)


COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "inspect": _inspect,
    "convert": _convert,
    "simulate": _simulate,
    "bring-in": _bring_in,
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

    page = stages.run_all(config, run, say)
    say(summary_table(Run(run).metrics()))
    say(
        "\nA line holds the first number of its part. The report judges a part by its hardest case, such as the worst\n"
        "functional or grid, or the longest rollout, so that its numbers may be others."
    )
    say(f"\nreport: {page}")
