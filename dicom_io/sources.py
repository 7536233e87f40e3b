"""Where the files of a scan come from: a folder, a DICOMDIR, a zip file, or one file.

Only regular files are ever opened: a FIFO would block for ever, a device has no end. Links are followed
only to regular files inside the source, so that nothing outside it is read and no circle is walked.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dicom_io.limits as limits
from dicom_io.archive import list_zip
from dicom_io.elements import MalformedHeaderError, NotDicomError, read_elements
from dicom_io.errors import DicomError
from dicom_io.files import DiskFile, cannot_read, is_passed_over, printable
from dicom_io.header import HeaderReader, SourceFile
from dicom_io.tags import SEQUENCES, TAGS


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


def list_source(source: str | os.PathLike[str]) -> Listing:
    """Return the files of a source; raises DicomError if it cannot be one."""
    path = Path(source)
    try:
        info = path.stat()
        root = path.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        reason = error if isinstance(error, OSError) else OSError(0, str(error))
        raise cannot_read(printable(os.fspath(source)), reason) from None
    if stat.S_ISDIR(info.st_mode):
        walk = _Walk(str(root))
        walk.folder(str(root), "", 0)
        return Listing(tuple(sorted(walk.files, key=lambda f: f.name)), tuple(sorted(walk.passed_over)))
    if not stat.S_ISREG(info.st_mode):
        raise DicomError(
            "CF-D032",
            "the source is neither a folder nor a regular file",
            where=printable(os.fspath(source)),
            advice="Give a folder.",
        )
    file = DiskFile(str(root), printable(path.name), info.st_size, info.st_mtime_ns)
    return _list_file(file, root)


def _list_file(file: DiskFile, path: Path) -> Listing:
    with file.open() as opened:
        head = opened.read_at(0, 512)
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
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
                    if not is_passed_over(entry.name, is_folder=entry.is_dir()):
                        self._take(entry, prefix + printable(entry.name), depth)
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
