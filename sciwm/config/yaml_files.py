"""Experiments as YAML files: read with errors that name the key and the remedy, and written."""

import difflib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import ValidationError

from sciwm.config.experiment import Config
from sciwm.config.kinds import EACH, ONE, Section
from sciwm.config.planning import PLANNERS
from sciwm.errors import InputError, Problem, counted
from sciwm.migration import RENAMED_KEYS, migrated_config
from sciwm.run_paths import RunPaths


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read an experiment, apply ``section.key=value`` overrides, and check all of it.

    Args:
        path: The YAML file.
        overrides: Values that replace those of the file, as ``training.updates=2000``.

    Raises:
        InputError: With file, key, what was expected and the nearest valid key, for all problems at once.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError([Problem(str(path), "a readable YAML file", str(error.strerror))]) from error
    except UnicodeDecodeError as error:
        raise InputError([Problem(str(path), "a YAML file", "a file that is not text")]) from error
    tree = _read_yaml(text, where=str(path))
    if not isinstance(tree, dict):
        got = "an empty file" if tree is None else type(tree).__name__
        raise InputError([Problem(str(path), "a mapping of sections", got)])
    tree = migrated_config(tree)
    for override in overrides:
        _apply(tree, override)
    return parse_config(tree, where=str(path), changed=[override.partition("=")[0] for override in overrides])


def load_run_config(paths: RunPaths) -> Config:
    """Read the resolved experiment of a run folder.

    Raises:
        InputError: If the folder is no run, or its ``config.yaml`` is not valid.
    """
    if not paths.config.exists():
        remedy = "begin with 'sciwm simulate CONFIG --out RUN'"
        raise InputError([Problem(str(paths.folder), "a run folder with config.yaml", "none", remedy)])
    return load_config(paths.config)


def parse_config(tree: dict[str, Any], *, where: str, changed: Sequence[str] = ()) -> Config:
    """Check an experiment given as plain data.

    Args:
        tree: The sections as nested dictionaries.
        where: Where they come from, for errors.
        changed: Keys that were given by ``--set``; errors name this as their place.

    Raises:
        InputError: As :func:`load_config`.
    """
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise InputError([p for e in error.errors() for p in _explain(e, where, changed)]) from error


def shipped_config(name: str) -> Path:
    """The path of a configuration that comes with sciwm.

    It lies inside the package where that is installed, and beside it in the repository.
    """
    package = Path(__file__).parents[1]
    installed = package / "configs" / name
    return installed if installed.exists() else package.parent / "configs" / name


def dump_config(config: Config) -> str:
    """The resolved experiment as YAML."""
    return yaml.safe_dump(config.model_dump(), sort_keys=False)


class _Loader(yaml.SafeLoader):
    """A safe YAML loader that reads ``3e-4`` as a number, which YAML 1.1 does not, and refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise yaml.YAMLError(f"the key '{twice[0]}' twice in one section{node.start_mark}")
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {k: list(v) for k, v in yaml.SafeLoader.yaml_implicit_resolvers.items()}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)


def _read_yaml(text: str, *, where: str) -> Any:
    try:
        tree = yaml.load(text, Loader=_Loader)  # noqa: S506  (derived from the SafeLoader)
        json.dumps(tree, default=str, skipkeys=True)  # an alias that holds itself has no end
        return tree
    except RecursionError as error:
        raise InputError([Problem(where, "valid YAML", "sections nested without end")]) from error
    except (yaml.YAMLError, ValueError) as error:
        got = " ".join(str(error).replace('in "<unicode string>",', "at").split())
        raise InputError([Problem(where, "valid YAML", got)]) from error


def _apply(tree: dict[str, Any], override: str) -> None:
    key, sign, text = override.partition("=")
    if not sign or not key:
        raise InputError([Problem("--set", "section.key=value", f"'{override}'")])
    *sections, leaf = key.split(".")
    for section in sections:
        child = tree.setdefault(section, {})
        if not isinstance(child, dict):
            raise InputError([Problem(f"--set {key}", f"'{section}' to be a section", f"the value {child!r}")])
        tree = child
    tree[leaf] = _read_yaml(text, where=f"--set {key}")


MEANT = {
    "int_type": "an integer",
    "float_type": "a number",
    "string_type": "text",
    "model_type": "a section of keys",
    "tuple_type": "a list",
    "string_pattern_mismatch": "a name of letters, digits, '_', '.' and '-'",
}


def _explain(error: Any, where: str, changed: Sequence[str]) -> list[Problem]:
    """A pydantic error as problems in the words of this schema."""
    location = [str(part) for part in error["loc"] if part not in (ONE, EACH, *PLANNERS)]
    place = _place(".".join(location), where, changed)
    if error["type"] == "extra_forbidden":
        known = _keys_at([str(part) for part in error["loc"][:-1] if part not in (ONE, EACH)])
        close = difflib.get_close_matches(location[-1], known, n=1)
        remedy = f"did you mean '{close[0]}'?" if close else f"known keys: {', '.join(known)}"
        if (renamed := RENAMED_KEYS.get(".".join(location))) is not None:
            remedy = f"it is called '{renamed}' now"
        elif error["loc"][-2:-1] and error["loc"][-2] in PLANNERS:
            remedy = _of_another_kind(location, error["loc"][-2], changed) or remedy
        return [Problem(place, "a known key", f"unknown key '{location[-1]}'", remedy)]
    if error["type"] == "missing":
        return [Problem(place, "a value", "nothing", "add this key")]
    if error["type"] == "value_error":
        lines = str(error["ctx"]["error"]).splitlines()
        return [_parse(".".join([*location, line]), where, changed) for line in lines]
    if error["type"] == "literal_error":
        return [_unknown_choice(place, error["ctx"]["expected"], error["input"])]
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):  # the kind of a planner
        expected = " or ".join(f"'{kind}'" for kind in PLANNERS)
        return [_unknown_choice(f"{place}.kind", expected, error["ctx"].get("tag"))]
    if error["type"] in ("too_short", "too_long"):
        fewest, most = error["ctx"].get("min_length"), error["ctx"].get("max_length")
        expected = f"at most {counted(most, 'item')}" if most is not None else f"at least {counted(fewest, 'item')}"
        return [Problem(place, expected, json.dumps(error["input"], default=str)[:80])]
    expected = MEANT.get(error["type"], error["msg"].removeprefix("Input should be "))
    got = json.dumps(error["input"], default=str, skipkeys=True)[:80]
    if error["loc"][-1:] == (kind := error["input"],) and kind in PLANNERS:  # the kind alone, in place of its section
        key = ".".join(location)
        return [Problem(place, expected, got, f"write {key}.kind={kind}, or '{key}={{kind: {kind}}}'")]
    return [Problem(place, expected, got)]


def _of_another_kind(location: list[str], kind: str, changed: Sequence[str]) -> str:
    """What to do about a key of another kind of planner, which stays behind where only the kind is changed."""
    other = next((name for name, settings in PLANNERS.items() if location[-1] in settings.model_fields), None)
    if other is None:
        return ""
    section = ".".join(location[:-1])
    wanted = kind if f"{section}.kind" in changed else other
    return f"it is a key of kind {other}; to change the kind write '{section}={{kind: {wanted}}}'"


def _unknown_choice(place: str, expected: str, got: Any) -> Problem:
    close = difflib.get_close_matches(str(got), re.findall(r"'([^']*)'", expected), n=1)
    remedy = f"did you mean '{close[0]}'?" if close else ""
    return Problem(place, expected, json.dumps(got, default=str)[:80], remedy)


def _place(key: str, where: str, changed: Sequence[str]) -> str:
    """The place where a key was given: the command line or the file."""
    if any(f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}.") for other in changed if key):
        return f"--set {key}"
    return f"{where}: {key}" if key else where


def _parse(message: str, where: str, changed: Sequence[str]) -> Problem:
    key, _, rest = message.partition(": expected ")
    expected, _, rest = rest.partition(", got ")
    found, _, remedy = rest.partition("; ")
    return Problem(_place(key, where, changed), expected, found, remedy)


def _keys_at(location: list[str]) -> list[str]:
    schema: Any = Config
    for part in location:
        if part in PLANNERS:
            schema = PLANNERS[part]
        elif not part.isdecimal():  # the place in a list
            schema = _section_of(schema.model_fields[part].annotation)
    return list(schema.model_fields)


def _section_of(annotation: Any) -> Any:
    """The section inside an annotation that may allow None or a list too."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for part in get_args(annotation) if (found := _section_of(part))), None)
