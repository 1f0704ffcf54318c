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
from sciwm.config.rules import ORIGINS, problems_of_origin
from sciwm.config.yaml_text import parse_yaml, read_text
from sciwm.errors import InputError, Problem, counted
from sciwm.migration import RENAMED_KEYS, migrated_config
from sciwm.run_folder import require_no_special_files
from sciwm.run_paths import RunPaths
from sciwm.seals import changed_since_written


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read an experiment, apply ``section.key=value`` overrides, and check all of it.

    Args:
        path: The YAML file.
        overrides: Values that replace those of the file, as ``training.updates=2000``.

    Raises:
        InputError: With file, key, what was expected and the nearest valid key, for all problems at once.
    """
    tree = parse_yaml(read_text(path), where=str(path))
    if not isinstance(tree, dict):
        got = "an empty file" if tree is None else type(tree).__name__
        raise InputError([Problem(str(path), "a mapping of sections", got)])
    tree = migrated_config(tree)
    for override in overrides:
        _apply(tree, override)
    _place_files(tree, path.parent)
    return parse_config(tree, where=str(path), changed=[override.partition("=")[0] for override in overrides])


def load_run_config(paths: RunPaths) -> Config:
    """Read the resolved experiment of a run folder.

    Raises:
        InputError: If the folder is no run, or its ``config.yaml`` is not valid.
    """
    if not paths.config.exists():
        remedy = "begin with 'sciwm simulate CONFIG --out RUN', or of files with 'sciwm bring-in CONFIG --out RUN'"
        raise InputError([Problem(str(paths.folder), "a run folder with config.yaml", "none", remedy)])
    require_no_special_files(paths)
    try:
        return load_config(paths.config)
    except InputError as error:
        remedy = f"restore it with 'sciwm simulate CONFIG --out {paths.folder}' from the configuration of this run"
        changed = Problem(str(paths.config), "the file as it was written", "another content", remedy)
        raise InputError(
            [*error.problems, *([changed] if changed_since_written(paths, paths.config) else [])]
        ) from error


def parse_text(text: str, *, where: str) -> Config:
    """Check an experiment given as the text of a YAML file.

    Raises:
        InputError: As :func:`load_config`.
    """
    return parse_config(migrated_config(parse_yaml(text, where=where)), where=where)


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
        told = error.errors()
        problems = [p for e in told[:MOST_EXPLAINED] for p in _explain(e, where, changed)]
        if all(e["loc"] for e in told):  # the rules between sections were not looked at
            given = [key for key in ORIGINS if tree.get(key) is not None]
            problems = [*(_parse(line, where, changed) for line in problems_of_origin(given)), *problems]
        if len(told) > MOST_EXPLAINED:
            got = f"{len(told) - MOST_EXPLAINED} problems more"
            problems.append(Problem(where, "a configuration as configs/ shows it", got, "mend these first"))
        raise InputError(problems) from error


def shipped_config(name: str) -> Path:
    """The path of a configuration that comes with sciwm.

    It lies inside the package where that is installed, and beside it in the repository.
    """
    package = Path(__file__).parents[1]
    installed = package / "configs" / name
    return installed if installed.exists() else package.parent / "configs" / name


def dump_config(config: Config) -> str:
    """The resolved experiment as YAML, without the sections that it does not have."""
    tree = {name: section for name, section in config.model_dump().items() if section is not None}
    return yaml.safe_dump(tree, sort_keys=False)


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
    tree[leaf] = parse_yaml(text, where=f"--set {key}")


def _place_files(tree: dict[str, Any], folder: Path) -> None:
    """Files of a source count from the folder of the configuration, wherever the command is given."""
    source = tree.get("source")
    if isinstance(source, dict) and isinstance(source.get("files"), list):
        source["files"] = [_placed(name, folder) for name in source["files"]]


def _placed(name: Any, folder: Path) -> Any:
    return name if not isinstance(name, str) or "://" in name else str((folder / name).absolute())


MOST_EXPLAINED = 40

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
    location, section, kind = _followed(error["loc"])
    place = _place(".".join(location), where, changed)
    if error["type"] == "extra_forbidden":
        known = list(section.model_fields) if section is not None else []
        close = difflib.get_close_matches(location[-1], known, n=1, cutoff=ALIKE)
        remedy = f"did you mean '{close[0]}'?" if close else f"known keys: {', '.join(known)}"
        if (renamed := RENAMED_KEYS.get(".".join(location))) is not None:
            remedy = f"it is called '{renamed}' now"
        elif kind:
            remedy = _of_another_kind(location, kind, changed) or remedy
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
    expected = re.sub(r"\b1(0{9,})$", lambda zeros: f"1e{len(zeros[1])}", expected)
    got = json.dumps(error["input"], default=str, skipkeys=True)[:80]
    if kind and error["loc"][-1] == error["input"] == kind:  # the kind alone, in place of its section
        key = ".".join(location)
        return [Problem(place, expected, got, f"write {key}.kind={kind}, or '{key}={{kind: {kind}}}'")]
    return [Problem(place, expected, got)]


ALIKE = 0.75
"""How alike a mistyped key must be to a known one, from 0 to 1, to be taken for it."""


def _followed(loc: Sequence[str | int]) -> tuple[list[str], type[Section] | None, str]:
    """Follow the location of a pydantic error through the schema.

    Returns:
        The keys as they stand in a file; the section in which the last of them stands, None inside free mappings; and
        the kind of that section where it has one, or was named in its place.
    """
    keys, kind = list[str](), ""
    section: type[Section] | None = None
    inside: list[type[Section]] = [Config]
    for part in loc:
        if part in (ONE, EACH):
            continue
        if len(inside) > 1 and part in PLANNERS:  # which of several it is, and no key
            kind, inside = str(part), [PLANNERS[str(part)]]
            continue
        keys.append(str(part))
        if isinstance(part, int):  # the place in a list
            continue
        kind = kind if inside and inside[0] is PLANNERS.get(kind) else ""
        section = inside[0] if inside else None
        field = section.model_fields.get(part) if section is not None else None
        inside = _sections_of(field.annotation) if field is not None else []
    return keys, section, kind


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


def _sections_of(annotation: Any) -> list[type[Section]]:
    """The sections that a value may be, inside an annotation that may allow None or a list too."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [found for part in get_args(annotation) for found in _sections_of(part)]
