"""Whether a stored result may be used again: only if everything that it depends on is unchanged.

A result is stored with a key of everything that it depends on: for settings their description, which can be read in
the file (:func:`description_of`), with weights among them a digest (:func:`digest_of`). The parts of an evaluation
and the cells of a benchmark are stored in this way.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

Value = TypeVar("Value")


def description_of(made_from: Mapping[str, Any]) -> str:
    """A key that people can read: plain data as JSON, sorted by name.

    Args:
        made_from: everything that the result depends on, by name; numbers, text, lists and mappings of these.
    """
    return json.dumps(made_from, sort_keys=True)


def digest_of(made_from: Sequence[bytes]) -> str:
    """A key of fixed length: the SHA-256 of the SHA-256 of every part, which tells different lists of parts apart.

    Args:
        made_from: everything that the result depends on, in a fixed order.
    """
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in made_from)).hexdigest()


def reusable(path: Path, key: str, read: Callable[[Path], tuple[str, Value]]) -> Value | None:
    """The stored result, if its key is the given one.

    Args:
        path: the file of the result.
        key: of everything that the result depends on now.
        read: reads the stored key and the result from the file; it may raise ``OSError``, ``ValueError``,
            ``RuntimeError`` or ``KeyError`` for a file that is damaged, or that holds no key.

    Returns:
        the result; None if there is no file, if it cannot be read, or if its key is another.
    """
    if not path.exists():
        return None
    try:
        stored, value = read(path)
    except (OSError, ValueError, RuntimeError, KeyError):
        return None
    return value if stored == key else None
