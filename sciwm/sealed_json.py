"""Plain data as JSON that tells whether it is still as it was written, to the last bit.

A sealed file holds its own digest: the SHA-256 of everything else in it. As a changed bit may leave the meaning as it
was (``1e-05`` and ``1E-05`` are one number), the file must also be written exactly as :func:`to_json` writes it.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from sciwm.errors import InputError, Problem

DIGEST = "sha256"
"""The entry of a sealed file that holds the digest of all others."""


def to_json(content: Any) -> bytes:
    """Plain data as indented JSON, the one way in which files of a run are written."""
    return (json.dumps(content, indent=1) + "\n").encode()


def from_json(content: bytes) -> Any:
    """Plain data from JSON.

    Raises:
        ValueError: If it is no JSON, no text, or nested too deeply to be read.
    """
    try:
        return json.loads(content)
    except UnicodeDecodeError as error:
        raise ValueError("bytes that are no text") from error
    except RecursionError as error:
        raise ValueError("lists or mappings nested without end") from error


def sealed(content: dict[str, Any], entry: str = DIGEST) -> bytes:
    """Plain data as a sealed file.

    Args:
        content: Plain data by name.
        entry: The name of the digest, which is added.
    """
    return to_json(content | {entry: _digest(content, entry)})


def is_sealed(content: bytes, found: dict[str, Any], entry: str = DIGEST) -> bool:
    """Whether a file is as :func:`sealed` wrote it, to the last bit.

    Args:
        content: The file.
        found: What :func:`from_json` reads in it.
        entry: The name of the digest.
    """
    return found.get(entry) == _digest(found, entry) and content == to_json(found)


def _digest(content: dict[str, Any], entry: str) -> str:
    rest = {key: value for key, value in content.items() if key != entry}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def read_sealed(path: Path, what: str, remedy: str) -> dict[str, Any]:
    """Read a sealed file.

    Args:
        path: The file, which must be there.
        what: What it is, for messages.
        remedy: What to do if it is damaged.

    Returns:
        The plain data that were sealed.

    Raises:
        InputError: If a single bit is another than was written.
    """
    content = path.read_bytes()
    try:
        found = from_json(content)
    except ValueError as error:
        raise InputError([Problem(str(path), what, str(error) if content else "an empty file", remedy)]) from error
    if not isinstance(found, dict):
        raise InputError([Problem(str(path), what, f"not a mapping but {type(found).__name__}", remedy)])
    if not is_sealed(content, found):
        remedy = f"the file is damaged or was edited: {remedy}"
        raise InputError([Problem(str(path), f"{what}, as it was written by its sha256", "another content", remedy)])
    return {key: value for key, value in found.items() if key != DIGEST}
