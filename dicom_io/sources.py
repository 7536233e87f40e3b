"""Where the files of a scan come from: a folder, or one file.

Only regular files are ever opened: a FIFO would block for ever, a device has no end. Links to folders
are not followed, so that nothing outside the source is read and no circle is walked.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dicom_io.errors import DicomError
from dicom_io.limits import MAX_DEPTH, MAX_FILES

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
            self._fd = os.open(file.path, _OPEN_FLAGS)
        except OSError as error:
            raise cannot_read(file.name, error) from None
        try:
            self.check_unchanged()
        except BaseException:
            os.close(self._fd)
            raise

    def __enter__(self) -> OpenDiskFile:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def check_unchanged(self) -> None:
        """Raise DicomError if size, time or kind are not what they were (row 35)."""
        now = os.fstat(self._fd)
        if not stat.S_ISREG(now.st_mode) or (now.st_size, now.st_mtime_ns) != (self._file.size, self._file.modified_ns):
            raise changed(self._file.name, f"{self._file.size} bytes", f"{now.st_size} bytes")

    def read_at(self, offset: int, count: int) -> bytes:
        """Read up to ``count`` bytes."""
        try:
            return os.pread(self._fd, count, offset)
        except OSError as error:
            raise cannot_read(self._file.name, error) from None

    def read_into(self, target: memoryview, offset: int) -> None:
        """Fill ``target`` from ``offset``; raises DicomError if the file ends before."""
        done = 0
        while done < len(target):
            try:
                n = os.preadv(self._fd, [target[done:]], offset + done)
            except OSError as error:
                raise cannot_read(self._file.name, error) from None
            if n == 0:
                raise changed(self._file.name, f"{self._file.size} bytes", f"{offset + done} bytes")
            done += n


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


def list_source(source: str | os.PathLike[str]) -> tuple[list[DiskFile], int]:
    """Return the files of a source in a stable order, and how many entries were passed over.

    Passed over are dot-files, links, and whatever is not a regular file.
    """
    path = Path(source)
    try:
        info = path.stat()
    except (OSError, ValueError) as error:
        reason = error if isinstance(error, OSError) else OSError(0, str(error))
        raise cannot_read(str(path), reason) from None
    if stat.S_ISREG(info.st_mode):
        return [DiskFile(str(path.resolve()), path.name, info.st_size, info.st_mtime_ns)], 0
    if not stat.S_ISDIR(info.st_mode):
        raise DicomError("CF-D032", "the source is neither a folder nor a regular file", where=str(path))
    skipped = [0]
    files = sorted(_walk(str(path), "", skipped, 0), key=lambda f: f.name)
    return files, skipped[0]


def _walk(folder: str, prefix: str, skipped: list[int], depth: int) -> Iterator[DiskFile]:
    if depth > MAX_DEPTH:
        raise DicomError("CF-D032", f"folders are nested deeper than {MAX_DEPTH}", where=prefix)
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise cannot_read(prefix or folder, error) from None
    if len(entries) > MAX_FILES:
        raise DicomError("CF-D024", f"the folder holds more than {MAX_FILES} entries", where=prefix or folder)
    for entry in entries:
        if entry.name.startswith("."):
            skipped[0] += 1
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{prefix}{entry.name}/", skipped, depth + 1)
        elif entry.is_file(follow_symlinks=False):
            info = entry.stat(follow_symlinks=False)
            yield DiskFile(entry.path, prefix + entry.name, info.st_size, info.st_mtime_ns)
        else:
            skipped[0] += 1
