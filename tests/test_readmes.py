"""The README files: the front page stays short, links lead somewhere, tables are current, and code blocks run.

What is run, in the order of each file, in a folder of its own that holds the quick demo under ``runs/demo``:

- Every Python block, all blocks of a file in one namespace, warnings as errors.
- Every line of a shell block. ``sciwm`` runs in this process. ``sciwm demo --quick`` is the very command that has
  made ``runs/demo``, and is not run twice. ``sciwm run`` and ``sciwm simulate``, which would take minutes, get
  ``--set`` overrides at their end that make everything tiny. ``python examples/...`` runs the script.

A block that is not run has the comment ``not run: REASON`` above it; ``NOT_RUN`` counts these. Their lines are looked
at all the same: ``sciwm`` must parse, benchmarks, scripts, targets of ``make`` and extras must exist. Examples in
``NOT_RUN`` are run by ``tests/examples``.
"""

import argparse
import re
import runpy
import shlex
import shutil
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
import yaml
from made_once import ARGUMENTS, QuickDemo

from sciwm.benchmarks import BENCHMARKS, TABLE_FILES, update_tables
from sciwm.benchmarks.physics.ablation import PARTS
from sciwm.benchmarks.physics.systems import SYSTEMS
from sciwm.benchmarks.results import ACCEPTED
from sciwm.cli import main
from sciwm.cli.arguments import build_parser
from sciwm.cli.commands import COMMANDS
from sciwm.config import load_config
from sciwm.errors import InputError
from sciwm.version import __version__

ROOT = Path(__file__).parents[1]
READMES = sorted(
    {
        str(path.relative_to(ROOT))
        for pattern in ("*.md", ".github/*.md", "*/README.md", "sciwm/**/*.md")
        for path in ROOT.glob(pattern)
    }
)
NOT_RUN = {
    "README.md": 2,
    ".github/CONTRIBUTING.md": 2,
    "examples/README.md": 1,
    "sciwm/benchmarks/README.md": 1,
    "sciwm/benchmarks/physics/README.md": 1,
}
MOST_LINES, MOST_BYTES = 260, 16384
TINY = (
    "data.train={simulations: 4, intervals: 16}",
    "data.validation={simulations: 2, intervals: 16}",
    "data.test={simulations: 2, intervals: 16}",
    "data.warm_up=4",
    "loss.horizon=2",
    "training.updates=2",
    "training.updates_per_epoch=2",
    "training.batch_size=4",
    "planning.horizon=2",
    "evaluation.steps=8",
    "evaluation.parts=[rollouts]",
    "evaluation.effects.samples=2",
    "control.episodes=2",
    "control.intervals=4",
    "control.first=4",
    "control.last=2",
)
"""What makes any experiment of a README a matter of seconds."""

TINY_SOURCE = (
    "model.latent_size=4",
    "model.predictor.kind=linear",
    "loss.horizon=2",
    "training.updates=2",
    "training.updates_per_epoch=2",
    "training.batch_size=4",
    "evaluation.steps=8",
    "evaluation.parts=[rollouts]",
)
"""The same where data come from files."""

TINY_SENSITIVITIES = ("data.sensitivities={samples: 4, intervals: 2}",)


@dataclass(frozen=True)
class Block:
    """A block of code.

    Args:
        language: what stands behind the fence.
        line: of the fence, counted from one.
        text: what is inside.
        reason: why it is not run; empty if it is.
    """

    language: str
    line: int
    text: str
    reason: str

    @property
    def commands(self) -> list[list[str]]:
        """The words of every command of a shell block."""
        found: list[list[str]] = []
        for line in self.text.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            while "&&" in words:
                place = words.index("&&")
                found.append(words[:place])
                words = words[place + 1 :]
            found.append(words)
        return [words for words in found if words]


def blocks_of(readme: str) -> list[Block]:
    """All blocks of a file, in order."""
    blocks, lines = [], (ROOT / readme).read_text(encoding="utf-8").splitlines()
    opened: int | None = None
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if opened is None:
            opened = number
            continue
        marked = re.fullmatch(r"<!-- not run: (.+) -->", lines[opened - 1])
        text = "\n".join(lines[opened + 1 : number])
        blocks.append(Block(lines[opened][3:], opened + 1, text, marked[1] if marked else ""))
        opened = None
    assert opened is None, f"{readme}: a block that does not end"
    return blocks


WITH_BLOCKS = [readme for readme in READMES if blocks_of(readme)]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like a checkout, its tables copies that may be written; it is the working folder."""
    for name in ("configs", "examples", "tests", ".ci", "Makefile", "pyproject.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name in TABLE_FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setitem(BENCHMARKS, "physics", replace(BENCHMARKS["physics"], draw=None))  # its pictures stay
    return tmp_path


@pytest.fixture
def workplace(checkout: Path, quick_demo: QuickDemo) -> Path:
    """The same after the quick demo."""
    assert quick_demo.returncode == 0, quick_demo.stderr
    shutil.copytree(quick_demo.run, checkout / "runs" / "demo")
    return checkout


# The front page -------------------------------------------------------------------------------


def test_the_front_page_is_short() -> None:
    content = (ROOT / "README.md").read_bytes()
    assert len(content.splitlines()) <= MOST_LINES
    assert len(content) <= MOST_BYTES


@pytest.mark.parametrize("readme", READMES)
def test_links_lead_somewhere(readme: str) -> None:
    """Files and folders of the repository, and headings in them."""
    text = without_code(ROOT / readme)
    targets = [t for t in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"https?://", t)]
    for target in targets:
        path, _, anchor = target.partition("#")
        there = (ROOT / readme).parent / path if path else ROOT / readme
        assert there.exists(), f"{readme}: nothing at {target}"
        if anchor:
            assert anchor in anchors_of(there), f"{readme}: no heading for {target}"


def anchors_of(path: Path) -> set[str]:
    """The names that headings have in links: lower case, words joined by hyphens, no other signs."""
    headings = re.findall(r"^#+ (.+)$", without_code(path), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def without_code(path: Path) -> str:
    """A Markdown file without its blocks."""
    return re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == __version__
    assert {"cff-version", "message", "title", "authors", "abstract", "license"} <= set(citation)


# Tables ---------------------------------------------------------------------------------------


def test_tables_are_those_of_the_accepted_results(checkout: Path) -> None:
    """Whoever accepts results, or changes a column, runs ``sciwm benchmark table``."""
    shown = update_tables([checkout / name for name in TABLE_FILES])
    for name in TABLE_FILES:
        assert shown[checkout / name], f"{name}: no table"
        assert (checkout / name).read_text() == (ROOT / name).read_text(), f"{name}: run 'sciwm benchmark table'"
    accepted = {name for name in BENCHMARKS if any(ACCEPTED.glob(f"{name}*.json"))}
    assert {table.partition(":")[0] for tables in shown.values() for table in tables} == accepted


def test_provenance_is_told_once_where_a_file_collects_it(tmp_path: Path) -> None:
    """Under each table where it does not."""
    tables = "<!-- table:cost-growth -->\n<!-- end -->\n" * 2
    apart, together = tmp_path / "apart.md", tmp_path / "together.md"
    apart.write_text(tables)
    together.write_text(f"{tables}<!-- provenance -->\n<!-- end -->\nafter\n")
    assert update_tables([apart, together]) == dict.fromkeys((apart, together), ["cost-growth"] * 2)
    assert apart.read_text().count("`sciwm benchmark cost-growth`") == 2
    assert together.read_text().count("`sciwm benchmark cost-growth`") == 1
    assert together.read_text().endswith("<!-- end -->\nafter\n")
    assert together.read_text().count("| Kuramoto-Sivashinsky | points |") == 2


def test_tables_that_cannot_be_made_leave_all_files_alone(tmp_path: Path) -> None:
    good, unknown = tmp_path / "good.md", tmp_path / "unknown.md"
    good.write_text("<!-- table:demo -->\n<!-- end -->\n")
    unknown.write_text("<!-- table:demo:none -->\n<!-- end -->\n")
    with pytest.raises(InputError, match=r"expected a table among demo, .*physics:claims.*, got 'demo:none'"):
        update_tables([good, unknown])
    with pytest.raises(InputError, match=r"absent\.md: expected files with tables, got nothing"):
        update_tables([good, tmp_path / "absent.md"])
    assert good.read_text() == "<!-- table:demo -->\n<!-- end -->\n"


# Blocks ---------------------------------------------------------------------------------------


def test_blocks_that_are_not_run_are_counted() -> None:
    """None is left out silently; and every block says what it is."""
    left_out = {readme: sum(bool(block.reason) for block in blocks_of(readme)) for readme in READMES}
    assert {readme: count for readme, count in left_out.items() if count} == NOT_RUN
    for readme in READMES:
        assert {block.language for block in blocks_of(readme)} <= {"python", "sh", "text"}
        for block in blocks_of(readme):
            assert block.language != "text" or not re.search(r"^(sciwm|python|pip|make) ", block.text, re.MULTILINE)
            assert block.language == "sh" or not block.reason


@pytest.mark.filterwarnings("default:Beyond the .* of the training data")  # some runs are colder, some heaters hotter
@pytest.mark.parametrize("readme", WITH_BLOCKS)
def test_blocks_run(readme: str, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks_of(readme):
        if block.language == "python":
            exec(compile("\n" * block.line + block.text, readme, "exec"), namespace)  # noqa: S102
        elif block.language == "sh":
            for words in block.commands:
                look_at(words)
                if not block.reason:
                    run(words, monkeypatch)
    plt.close("all")
    if readme == "README.md":
        assert Path("forecast.png").read_bytes().startswith(b"\x89PNG")
        assert Path("forecast.nc").exists()


# Commands -------------------------------------------------------------------------------------


def look_at(words: Sequence[str]) -> None:
    """Whether a command could be given, without giving it."""
    known: dict[str, Callable[[Sequence[str]], None]] = {
        "sciwm": _look_at_sciwm,
        "python": lambda rest: _expect(Path(rest[0])),
        "pytest": _look_at_pytest,
        "make": _look_at_make,
        "pip": _look_at_pip,
        "pre-commit": lambda rest: _expect(ROOT / ".pre-commit-config.yaml"),
    }
    plain = {("source", ".venv/bin/activate"), ("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)}
    if tuple(words) not in plain:
        assert words[0] in known, f"nobody knows how to look at: {shlex.join(words)}"
        known[words[0]](words[1:])


def _look_at_sciwm(words: Sequence[str]) -> None:
    if "--help" in words:
        return
    asked = build_parser(COMMANDS).parse_args(list(words))
    if config := getattr(asked, "config", None):
        load_config(config, asked.set)
    if words[0] == "benchmark":
        assert asked.name in (*BENCHMARKS, "table")
        assert set(asked.only) <= {*SYSTEMS, *PARTS}


def _look_at_pytest(words: Sequence[str]) -> None:
    for word in words:
        if word.startswith("tests"):
            _expect(Path(word))


def _look_at_make(words: Sequence[str]) -> None:
    targets = re.findall(r"^([\w-]+):", Path("Makefile").read_text(), flags=re.MULTILINE)
    assert set(words) <= set(targets)


def _look_at_pip(words: Sequence[str]) -> None:
    extras = tomllib.loads(Path("pyproject.toml").read_text())["project"]["optional-dependencies"]
    for word in words:
        if asked := re.fullmatch(r"(?:sciwm|\.)\[(\w+)\]", word):
            assert asked[1] in extras
        if word.endswith(".txt"):
            _expect(Path(word))


def _expect(path: Path) -> None:
    assert path.exists(), f"nothing at {path}"


def run(words: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a command; see the top of this file for what is made small."""
    if words[0] == "python":
        monkeypatch.setattr(sys, "argv", list(words[1:]))
        runpy.run_path(words[1], run_name="__main__")
        plt.close("all")
        return
    assert words[0] == "sciwm", f"nobody knows how to run: {shlex.join(words)}"
    if tuple(words[1:]) == ARGUMENTS:  # it has made runs/demo
        return
    if "--help" in words:
        with pytest.raises(SystemExit) as end:
            main(list(words[1:]))
        assert end.value.code == 0
        return
    assert words[1] not in ("demo", "benchmark") or words[1:] == ["benchmark", "table"], "too long for a test"
    assert main([*words[1:], *_made_tiny(words)]) == 0, shlex.join(words)


def _made_tiny(words: Sequence[str]) -> list[str]:
    if words[1] not in ("run", "simulate"):
        return []
    asked: argparse.Namespace = build_parser(COMMANDS).parse_args(list(words[1:]))
    if yaml.safe_load(asked.config.read_text()).get("source"):
        return ["--set", *TINY_SOURCE]
    sensitive = any(change.startswith("data.sensitivities") for change in asked.set)
    return ["--set", *TINY, *(TINY_SENSITIVITIES if sensitive else ())]
