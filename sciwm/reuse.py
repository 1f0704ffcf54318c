"""Whether a stored result may be used again: only if it was made from the same.

A result is stored together with a key of everything that it was made from. Where these are settings, the key is
their description, which can be read in the file (:func:`description_of`); where weights are among them, it is a
digest (:func:`digest_of`). The parts of an evaluation and the cells of a benchmark are kept in this way.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

Value = TypeVar("Value")


def description_of(made_from: Mapping[str, Any]) -> str:
    """A key that can be read: plain data as JSON, in the order of their names.

    Args:
        made_from: everything that the result depends on, by name; numbers, text, lists and mappings of these.
    """
    return json.dumps(made_from, sort_keys=True)


def digest_of(made_from: Sequence[bytes]) -> str:
    """A key of fixed length: SHA-256 of the digests of all parts, so that no two lists of parts share one.

    Args:
        made_from: everything that the result depends on, in a fixed order.
    """
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in made_from)).hexdigest()


def reusable(path: Path, key: str, read: Callable[[Path], tuple[str, Value]]) -> Value | None:
    """The stored result, if it was made from the same.

    Args:
        path: where it is stored.
        key: of what it would be made from now.
        read: the file to the key that is stored in it and the result; it may raise ``OSError``, ``ValueError``,
            ``RuntimeError`` or ``KeyError`` for a file that is damaged, or that holds no key.

    Returns:
        the result; None if there is no file, if it cannot be read, or if it was made from something else.
    """
    if not path.exists():
        return None
    try:
        stored, value = read(path)
    except (OSError, ValueError, RuntimeError, KeyError):
        return None
    return value if stored == key else None
