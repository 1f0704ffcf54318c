"""Counts of what became of many trials, with some examples of those that went wrong."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

from sciwm.benchmarks.robustness.guarded import Answer, Said

Verdict = Literal["told", "unchanged", "another", "silent", "unnamed", "traceback", "hang", "memory"]

WRONG: tuple[Verdict, ...] = ("silent", "unnamed", "traceback", "hang", "memory")
VERDICTS: tuple[Verdict, ...] = ("told", "unchanged", "another", *WRONG)
MEANINGS: dict[Verdict, str] = {
    "told": "clean errors",
    "unchanged": "same result",
    "another": "other input, its own result",
    "silent": "silent changes",
    "unnamed": "errors that name no file",
    "traceback": "tracebacks",
    "hang": "hangs",
    "memory": "over 1 GB",
}
EXAMPLES = 20

Judged = tuple[str, Verdict, str]
"""A trial, its verdict, and what was said."""


def refusal(answer: Answer, named: Iterable[str] = ()) -> tuple[Verdict, str] | None:
    """The verdict on a command that gave no result; None if it gave one.

    Args:
        answer: of a command.
        named: names of files of which an error must name one.
    """
    failed: dict[str, Verdict] = {
        "raised": "traceback",
        "died": "traceback",
        "hung": "hang",
        "out of memory": "memory",
    }
    if answer.outcome in failed:
        return failed[answer.outcome], (answer.said.strip().splitlines() or [answer.outcome])[-1]
    said: Said = answer.value
    if said.status == 0:
        return None
    lines = [line for line in said.text.splitlines() if line.startswith("sciwm: error: ")]
    if not lines or any(ord(c) < 32 or ord(c) == 127 for c in "".join(lines)):
        return "traceback", said.text[-200:]
    if lines[0].startswith("sciwm: error: memory"):
        return "memory", lines[0]
    names = list(named)
    if names and not any(name in line for line in lines for name in names):
        return "unnamed", lines[0]
    return "told", lines[0]


def tally(judged: Iterable[Judged]) -> dict[str, Any]:
    """The number of trials with each verdict, and examples of wrong ones."""
    seen = list(judged)
    counts = Counter(verdict for _, verdict, _ in seen)
    wrong = [f"{trial}: {verdict}: {said}"[:400] for trial, verdict, said in seen if verdict in WRONG]
    return {"tried": len(seen), **{v: counts[v] for v in VERDICTS}, "examples": wrong[:EXAMPLES]}


def together(tallies: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """One tally of several."""
    several = list(tallies)
    numbers = {key: sum(each[key] for each in several) for key in ("tried", *VERDICTS)}
    return numbers | {"examples": [line for each in several for line in each["examples"]][:EXAMPLES]}
