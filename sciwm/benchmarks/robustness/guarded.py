"""A process of its own for work that may crash, hang, or take all memory."""

import contextlib
import functools
import io
import multiprocessing
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module, metadata
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal, Self
from unittest.mock import patch

SECONDS = 10.0
"""A command hangs if it computes for longer, or waits for longer without computing anything."""
BYTES = 2**30
"""The memory that a command may take beyond what the process holds before."""
GOODBYE = 2.0
"""Seconds for an idle process to end by itself; one that hangs is killed."""
ARENAS = {"MALLOC_ARENA_MAX": "2"}
"""Of the allocator in C: each takes 64 MB of address space, by which memory is limited, and holds next to nothing."""
PATIENCE = 600.0
"""How long a process may take to start, in seconds; a busy machine must not look like a hanging command."""

COMMANDS_NEED = ("sciwm.benchmarks.runner",)
"""Modules that import what any command may need."""

Outcome = Literal["returned", "raised", "hung", "died", "out of memory"]


@dataclass(frozen=True)
class Answer:
    """What became of one call.

    Args:
        outcome: how it ended.
        value: what it returned.
        said: the traceback of what it raised.
        seconds: how long it took.
    """

    outcome: Outcome
    value: Any = None
    said: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Said:
    """What a command answered: exit status, and what it wrote for a person to read."""

    status: int
    text: str


class GuardedProcess:
    """A process that makes one call after another; after a crash or a hang a new one takes its place.

    Args:
        seconds: of processor time that a call may take, and that it may wait without using any; on a busy machine
            a call may therefore last longer. Where the system has no ``/proc``, it is the time of the clock.
        memory: bytes that a call may take beyond what the process holds before; not limited where the system
            has no ``/proc``.
        loaded: modules that the process holds before; what a call imports beside them counts as its own.
    """

    def __init__(self, *, seconds: float = SECONDS, memory: int = BYTES, loaded: Sequence[str] = COMMANDS_NEED) -> None:
        self.seconds, self.memory, self.loaded = seconds, memory, tuple(loaded)
        self._start()

    def _start(self) -> None:
        self._used = 0.0
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, self.memory, self.loaded), daemon=True)
        with patch.dict(os.environ, ARENAS):
            self._process.start()
        there.close()
        if not self._here.poll(PATIENCE):
            raise TimeoutError("the process for guarded calls did not start")
        self._here.recv()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._here.close()  # upon which an idle process ends by itself
        self._process.join(timeout=GOODBYE)
        self._process.kill()
        self._process.join()

    def call(self, function: Callable[..., Any], *arguments: Any) -> Answer:
        """Call a function of a module with arguments that can be pickled."""
        began = time.perf_counter()
        self._here.send((function, arguments))
        try:
            if self._hangs():
                return self._replaced(Answer("hung", seconds=time.perf_counter() - began))
            outcome, value, said = self._here.recv()
        except (EOFError, OSError):
            return self._replaced(Answer("died", seconds=time.perf_counter() - began))
        return Answer(outcome, value, said, time.perf_counter() - began)

    def command(self, arguments: Sequence[str]) -> Answer:
        """Run one command line of ``sciwm``; the value is a :class:`Said`."""
        return self.call(command_line, list(arguments))

    def _hangs(self) -> bool:
        """Wait for an answer; true if none comes."""
        begun = used = self._processor_seconds()
        moved = time.perf_counter()
        while not self._here.poll(0.25):
            now = self._processor_seconds()
            if now > used:
                used, moved = now, time.perf_counter()
            if used - begun > self.seconds or time.perf_counter() - moved > self.seconds:
                return True
        return False

    def _processor_seconds(self) -> float:
        """What the process and those that it has started have computed for so far, in all their threads."""
        own = Path(f"/proc/{self._process.pid}")
        try:
            started = (own / "task" / str(self._process.pid) / "children").read_text().split()
            ticks = [self._ticks(Path("/proc") / process) for process in (str(self._process.pid), *started)]
        except OSError:  # no such folder on this system, or a process that has just ended
            return self._used
        self._used = max(self._used, sum(ticks) / os.sysconf("SC_CLK_TCK"))
        return self._used

    @staticmethod
    def _ticks(process: Path) -> int:
        """User and system time of a process and of those that it has waited for."""
        return sum(map(int, (process / "stat").read_text().rpartition(")")[2].split()[11:15]))

    def _replaced(self, answer: Answer) -> Answer:
        self.__exit__()
        self._start()
        return answer


def _serve(connection: Connection, memory: int, loaded: Sequence[str]) -> None:
    """Answer calls until the other end is gone."""
    import torch

    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # what libraries in C write
        os.dup2(nowhere, stream)
    torch.set_num_threads(1)
    for name in loaded:
        import_module(name)
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        _installed_command()(["--version"])
    connection.send("ready")
    while True:
        try:
            function, arguments = connection.recv()
        except EOFError:
            return
        connection.send(_made(function, arguments, memory))


def _made(function: Callable[..., Any], arguments: Sequence[Any], memory: int) -> tuple[Outcome, Any, str]:
    try:
        with _limited(memory):
            return "returned", function(*arguments), ""
    except MemoryError:
        return "out of memory", None, traceback.format_exc()
    except Exception:  # a guarded call may raise anything: that is what it is made for
        return "raised", None, traceback.format_exc()


@contextlib.contextmanager
def _limited(memory: int) -> Any:
    """Refuse more address space than the process has now and ``memory`` bytes."""
    held = Path("/proc/self/statm")
    if not held.exists():
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    now = int(held.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + memory, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def command_line(arguments: list[str]) -> Said:
    """Run one command line of ``sciwm`` here, and catch what it writes."""
    main, (out, err) = _installed_command(), (io.StringIO(), io.StringIO())
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(arguments)
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
    sys.stdout.flush()
    return Said(status, out.getvalue() + err.getvalue())


@functools.cache
def _installed_command() -> Callable[[list[str]], int]:
    """The command as it is installed."""
    (command,) = metadata.entry_points(group="console_scripts", name="sciwm")
    main: Callable[[list[str]], int] = command.load()
    return main
