"""Memory that is free goes back to the system, so that children who draw can have it. Only glibc keeps it otherwise."""

from __future__ import annotations

import ctypes
from contextlib import suppress

# Its parameter M_MMAP_THRESHOLD (malloc.h), and blocks that are returned as soon as they are freed.
_MMAP_THRESHOLD, _LARGE_BYTES = -3, 1 << 20


def return_large_blocks() -> None:
    """Have large arrays returned whenever they are freed, from now on; glibc learns by itself to keep them."""
    with suppress(AttributeError, OSError, TypeError):  # another C library
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)


def return_what_is_free() -> None:
    """Return what is free now."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
