"""Where the files of a scan come from: a folder, a DICOMDIR, a zip file, or one file.

Only regular files are ever opened: a FIFO would block for ever, a device has no end. Links are followed
only to regular files inside the source, so that nothing outside it is read and no circle is walked.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dicom_io.limits as limits
from dicom_io.elements import MalformedHeaderError, NotDicomError, read_elements
from dicom_io.errors import DicomError
from dicom_io.header import HeaderReader, SourceFile
from dicom_io.tags import SEQUENCES, TAGS

_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True)
class Listing:
    """The files of a source in a stable order.

    Attributes
    ----------
    files : tuple of SourceFile
    passed_over : tuple of str
        Links out of the source, pipes, devices.
    problems : tuple of DicomError
        Files that should be there and are not.
    """

    files: tuple[SourceFile, ...]
    passed_over: tuple[str, ...] = ()
    problems: tuple[DicomError, ...] = ()


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


def list_source(source: str | os.PathLike[str]) -> Listing:
    """Return the files of a source; raises DicomError if it cannot be one."""
    path = Path(source)
    try:
        info = path.stat()
        root = path.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        reason = error if isinstance(error, OSError) else OSError(0, str(error))
        raise cannot_read(os.fspath(source), reason) from None
    if stat.S_ISDIR(info.st_mode):
        walk = _Walk(str(root))
        walk.folder(str(root), "", 0)
        return Listing(tuple(sorted(walk.files, key=lambda f: f.name)), tuple(sorted(walk.passed_over)))
    if not stat.S_ISREG(info.st_mode):
        raise DicomError(
            "CF-D032",
            "the source is neither a folder nor a regular file",
            where=os.fspath(source),
            advice="Give a folder.",
        )
    file = DiskFile(str(root), path.name, info.st_size, info.st_mtime_ns)
    return _list_file(file, root)


def _list_file(file: DiskFile, path: Path) -> Listing:
    with file.open() as opened:
        head = opened.read_at(0, 512)
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        from dicom_io.archive import list_zip

        return Listing(list_zip(file))
    if head[257:262] == b"ustar" or head[:2] == b"\x1f\x8b" or head[:6] in (b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07"):
        raise DicomError(
            "CF-D031", "this kind of archive is not read", where=file.name, advice="Unpack it first, or use zip."
        )
    records = _directory_records(file)
    if records is None:
        return Listing((file,))
    return _list_directory(path.parent, records)


@dataclass
class _Walk:
    """One walk through a folder."""

    root: str
    files: list[SourceFile] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    seen: int = 0

    def folder(self, folder: str, prefix: str, depth: int) -> None:
        if depth > limits.MAX_DEPTH:
            raise DicomError("CF-D032", f"folders are nested deeper than {limits.MAX_DEPTH}", where=prefix)
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    self._count(prefix or folder)
                    if not entry.name.startswith("."):
                        self._take(entry, prefix + entry.name, depth)
        except OSError as error:
            raise cannot_read(prefix or folder, error) from None

    def _count(self, where: str) -> None:
        self.seen += 1
        if self.seen > limits.MAX_FILES:
            raise DicomError(
                "CF-D024",
                f"the source holds more than {limits.MAX_FILES} files",
                where=where,
                advice="Give the scan's folder.",
            )

    def _take(self, entry: os.DirEntry[str], name: str, depth: int) -> None:
        if entry.is_symlink():
            self._link(entry.path, name)
        elif entry.is_dir(follow_symlinks=False):
            self.folder(entry.path, name + "/", depth + 1)
        elif entry.is_file(follow_symlinks=False):
            info = entry.stat(follow_symlinks=False)
            self.files.append(DiskFile(entry.path, name, info.st_size, info.st_mtime_ns))
        else:
            self.passed_over.append(name)

    def _link(self, path: str, name: str) -> None:
        try:
            target = os.path.realpath(path, strict=True)
            info = os.stat(target)
        except OSError:
            self.passed_over.append(name)
            return
        if stat.S_ISREG(info.st_mode) and target.startswith(self.root.rstrip(os.sep) + os.sep):
            self.files.append(DiskFile(target, name, info.st_size, info.st_mtime_ns))
        else:
            self.passed_over.append(name)


def _directory_records(file: DiskFile) -> list[str] | None:
    """Return the paths that a DICOMDIR names, or None for any other file."""
    wanted, nested = {TAGS["ReferencedFileID"]}, {SEQUENCES["DirectoryRecordSequence"]}
    try:
        with file.open() as opened:
            elements = read_elements(opened.read_at, file.size, wanted, nested)
    except (NotDicomError, MalformedHeaderError):
        return None  # the ordinary scan will say what is wrong with it
    records = elements.values.get(SEQUENCES["DirectoryRecordSequence"])
    if not isinstance(records, list):
        return None
    named = (HeaderReader(record).texts("ReferencedFileID") for record in records)
    return ["/".join(parts) for parts in named if parts]


def _list_directory(root: Path, names: list[str]) -> Listing:
    files: list[SourceFile] = []
    problems: list[DicomError] = []
    for name in dict.fromkeys(names):
        path = _find_below(root, name.split("/"))
        if path is None:
            problems.append(
                DicomError(
                    "CF-D030c",
                    "the DICOMDIR names a file that is not there",
                    where=name,
                    advice="Copy the whole medium again.",
                )
            )
            continue
        info = path.stat()
        files.append(DiskFile(str(path), name, info.st_size, info.st_mtime_ns))
    return Listing(tuple(sorted(files, key=lambda f: f.name)), (), tuple(problems))


def _find_below(root: Path, parts: list[str]) -> Path | None:
    """Return the regular file below root that has these parts, in any case of letters; no links, no way up."""
    path = root
    for part in parts:
        if part in ("", ".", "..") or "/" in part or "\\" in part or "\x00" in part:
            return None
        path = next((p for p in _variants(path, part) if p.exists() and not p.is_symlink()), path / "\x01")
        if path.name == "\x01":
            return None
    return path if path.is_file() else None


def _variants(folder: Path, part: str) -> Iterator[Path]:
    yield folder / part
    yield folder / part.lower()
