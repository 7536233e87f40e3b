"""Regular files on disk that notice when they are no longer what was found (rows 32, 33 and 35)."""

from __future__ import annotations

import io
import os
import stat
from dataclasses import dataclass

from dicom_io.errors import DicomError

_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class DiskFile:
    """A regular file on disk, with the size and time that it had when it was found."""

    path: str
    name: str
    size: int
    modified_ns: int

    def open(self) -> OpenDiskFile:
        """Open the file; raises DicomError when it is gone, changed its kind or its size."""
        return OpenDiskFile(self)


class OpenDiskFile:
    """An open file that knows whether it is still the one that was found."""

    def __init__(self, file: DiskFile) -> None:
        self._file = file
        try:
            self._raw = io.FileIO(os.open(file.path, _OPEN_FLAGS))
        except OSError as error:
            raise cannot_read(file.name, error) from None
        try:
            self.check_unchanged()
        except BaseException:
            self._raw.close()
            raise

    def __enter__(self) -> OpenDiskFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()

    def check_unchanged(self) -> None:
        """Raise DicomError if size, time or kind are not what they were (row 35)."""
        now = os.fstat(self._raw.fileno())
        if not stat.S_ISREG(now.st_mode) or (now.st_size, now.st_mtime_ns) != (self._file.size, self._file.modified_ns):
            raise changed(self._file.name, f"{self._file.size} bytes", f"{now.st_size} bytes")

    def read_at(self, offset: int, count: int) -> bytes:
        """Read up to ``count`` bytes."""
        try:
            self._raw.seek(offset)
            return self._raw.read(count)
        except OSError as error:
            raise cannot_read(self._file.name, error) from None

    def read_into(self, target: memoryview, offset: int) -> None:
        """Fill ``target`` from ``offset``; raises DicomError if the file ends before."""
        done = 0
        try:
            self._raw.seek(offset)
            while done < len(target):
                n = self._raw.readinto(target[done:])
                if not n:
                    raise changed(self._file.name, f"{self._file.size} bytes", f"{offset + done} bytes")
                done += n
        except OSError as error:
            raise cannot_read(self._file.name, error) from None


def is_passed_over(name: str, *, is_folder: bool) -> bool:
    """Return True for what systems put beside files: hidden folders, Finder's notes. A hidden file may be a slice."""
    return name.startswith("." if is_folder else "._") or name == ".DS_Store"


def cannot_read(name: str, error: OSError) -> DicomError:
    """Return the refusal for a file that the system does not let us read (row 33)."""
    return DicomError(
        "CF-D033",
        f"the file cannot be read ({error.strerror or type(error).__name__})",
        where=name,
        advice="Check that it exists and that you may read it.",
    )


def changed(name: str, expected: str, measured: str) -> DicomError:
    """Return the refusal for a file that is not the one that was found (row 35)."""
    return DicomError(
        "CF-D035",
        "the file changed while the scan was being read",
        where=name,
        measured=measured,
        expected=expected,
        advice="Wait until the copy or transfer has ended, then start again.",
    )


def printable(name: str) -> str:
    """Return a name as it may stand in a sentence: line ends, escapes and bytes that are no text are spelt out."""
    if name.isprintable():
        return name
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)
