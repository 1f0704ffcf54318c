"""Memory that is given back to the system when it is free, for data that do not fit into it."""

import ctypes
from functools import cache

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8
"""The parameters of glibc's ``mallopt``, by their numbers in ``malloc.h``."""
BYTES = 2**20
"""Arrays of this size and more are given back at once."""


@cache
def give_back_freed_memory() -> None:
    """Let free arrays of a megabyte and more go back to the system at once, from now on in this process.

    The allocator of glibc keeps up to 32 megabytes of each kind for later, in every thread: with blocks of large data
    that adds up to hundreds. Without glibc nothing is done. New arrays then take a little longer, which is why small
    data, that stay in memory anyway, are left as they are.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library
        return
    for parameter, value in ((MMAP_THRESHOLD, BYTES), (TRIM_THRESHOLD, 2 * BYTES), (ARENA_MAX, 2)):
        mallopt(parameter, value)
