"""YAML from files and command lines: read in time linear in its length, and refused with words where it is damaged."""

import json
import re
from collections import Counter
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from sciwm.errors import InputError, Problem
from sciwm.plain_files import read_plain

LARGEST = 2**16
"""The most bytes of a configuration; the longest that is shipped has a twentieth of them."""
MOST_ALIASES, DEEPEST = 16, 32
"""Aliases multiply what they stand for, and a nest of them is longer than any memory."""
AS_UTF8 = "save it as UTF-8 text"
FASTEST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(FASTEST):  # type: ignore[misc]
    """A safe YAML loader that reads ``3e-4`` as a number, which YAML 1.1 does not, and refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        twice = min((key for key, count in keys.items() if count > 1), default=None)
        if twice is not None:
            raise yaml.YAMLError(f"the key '{twice}' twice in one section{_at(node.start_mark)}")
        found: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return found


_Loader.yaml_implicit_resolvers = {k: list(v) for k, v in yaml.SafeLoader.yaml_implicit_resolvers.items()}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)


def read_text(path: Path) -> str:
    """The text of a configuration: UTF-8, also with a byte order mark, or UTF-16 with one, as Windows writes it.

    Raises:
        InputError: If it cannot be read, is no text in these encodings, or is far too long.
    """
    content = read_plain(path, "a readable YAML file", most=LARGEST)
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        got = f"the byte {content[error.start]:#04x} in line {line}"
        if b"\x00" in content:
            got = "a file that is not text"
        raise InputError([Problem(str(path), "a YAML file, text in UTF-8", got, AS_UTF8)]) from error


def parse_yaml(text: str, *, where: str) -> Any:
    """Plain data from YAML.

    Args:
        text: The YAML.
        where: Where it comes from, for errors.

    Raises:
        InputError: If it is damaged, nested too deep, or holds more than a few aliases or a tag of a program.
    """
    try:
        _require_small(text, where)
        tree = yaml.load(text, Loader=_Loader)  # noqa: S506  (derived from the SafeLoader)
        json.dumps(tree, default=str, skipkeys=True)  # an alias that holds itself has no end
        return tree
    except InputError:
        raise
    except RecursionError as error:
        raise InputError([Problem(where, "valid YAML", "sections nested without end")]) from error
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise InputError([_in_words(error, text, where)]) from error


def _require_small(text: str, where: str) -> None:
    """Refuse aliases and depth before anything is made of them: the events of a text are as many as it is long."""
    depth = aliases = 0
    for event in yaml.parse(text, Loader=FASTEST):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        aliases += isinstance(event, yaml.AliasEvent)
        if depth > DEEPEST:
            got = f"more than {DEEPEST} sections and lists inside each other{_at(event.start_mark)}"
            raise InputError([Problem(where, "a configuration of sections and keys", got)])
        if aliases > MOST_ALIASES:
            got, remedy = f"more than {MOST_ALIASES} aliases{_at(event.start_mark)}", "write the values out"
            raise InputError([Problem(where, "a configuration of sections and keys", got, remedy)])


def _in_words(error: Exception, text: str, where: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = text.splitlines()[mark.line] if mark is not None and mark.line < text.count("\n") + 1 and text else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return Problem(where, "lines indented by spaces", f"a tab{_at(mark)}", "put spaces in its place")
    if isinstance(error, yaml.constructor.ConstructorError) and "could not determine a constructor" in str(error):
        tag = re.search(r"tag '([^']*)'", str(error))
        got = f"the tag '{tag[1] if tag else '?'}'{_at(mark)}"
        return Problem(where, "valid YAML of plain values", got, "a configuration holds no objects of programs")
    got = " ".join(re.sub(r'in "<[a-z ]*>",', "at", str(error)).split())
    return Problem(where, "valid YAML", got)


def _at(mark: Any) -> str:
    return f" at line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
