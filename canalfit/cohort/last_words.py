"""What a process wrote to stderr before it died: libraries that get no memory say so there, and end the process."""

from __future__ import annotations

import threading
from typing import IO

# The end of what was said is enough; a library that warns all the time must not fill our memory.
_KEPT_BYTES = 4096
_WAIT_SECONDS = 2.0
# OpenBLAS, C++, Python, the C library, and what threads say that get no stack.
_WANT_OF_MEMORY = (
    b"memory allocation", b"bad_alloc", b"memoryerror", b"cannot allocate memory", b"out of memory",
    b"can't start new thread",
)  # fmt: skip


class LastWords:
    """Reads a process's stderr to its end, in a thread of its own, and keeps the last of it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._said = stream, b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._stream:
            while part := self._stream.read1(_KEPT_BYTES):  # type: ignore[attr-defined]
                self._said = (self._said + part)[-_KEPT_BYTES:]

    def tell_of_memory(self) -> bool:
        """Return True if a process that has ended complained of memory."""
        self._thread.join(_WAIT_SECONDS)
        said = self._said.lower()
        return any(words in said for words in _WANT_OF_MEMORY)
