"""Reads the entries of a zip file in memory, within limits; nothing is ever unpacked to disk (rows 31 and 34)."""

from __future__ import annotations

import re
import stat
import threading
import zipfile
import zlib
from dataclasses import dataclass
from posixpath import splitext

import dicom_io.limits as limits
from dicom_io.errors import DicomError
from dicom_io.files import DiskFile, is_passed_over, printable
from dicom_io.header import SourceFile

_ARCHIVES = {".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"}
_ENCRYPTED = 0x1
_DRIVE = re.compile(r"^[A-Za-z]:")


class _Archive:
    """One open zip file, shared by its entries; sent to another process, it is opened again there."""

    def __init__(self, file: DiskFile) -> None:
        self._file = file
        self._lock = threading.Lock()
        try:
            self.zip = zipfile.ZipFile(file.path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise refuse("the zip file is damaged", file.name, str(error)) from None

    def __reduce__(self) -> tuple[type[_Archive], tuple[DiskFile]]:
        return type(self), (self._file,)

    def read(self, info: zipfile.ZipInfo) -> bytes:
        """Return an entry's bytes; never more than its announced size."""
        try:
            with self._lock, self.zip.open(info) as stream:
                return stream.read(info.file_size)
        except (
            zipfile.BadZipFile,
            zlib.error,
            OSError,
            EOFError,
            ValueError,
            NotImplementedError,
            RuntimeError,
        ) as error:
            raise refuse("an entry of the zip file is damaged", printable(info.filename), str(error)) from None


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """A file inside a zip file."""

    archive: _Archive
    info: zipfile.ZipInfo
    name: str
    size: int

    def open(self) -> OpenBytes:
        """Unpack into memory; raises DicomError when the entry is damaged."""
        return OpenBytes(self.archive.read(self.info), self)


class OpenBytes:
    """Bytes in memory that behave like an open file."""

    def __init__(self, data: bytes, file: ZipEntry) -> None:
        self._data, self._file = data, file
        if len(data) != file.size:
            raise refuse("an entry of the zip file is cut", file.name, f"{len(data)} of {file.size} bytes")

    def __enter__(self) -> OpenBytes:
        return self

    def __exit__(self, *_: object) -> None:
        self._data = b""

    def check_unchanged(self) -> None:
        """Do nothing: bytes in memory stay, and the zip file's own check sum was verified."""

    def read_at(self, offset: int, count: int) -> bytes:
        """Return up to ``count`` bytes."""
        return self._data[offset : offset + count]

    def read_into(self, target: memoryview, offset: int) -> None:
        """Fill ``target`` from ``offset``."""
        target[:] = self._data[offset : offset + len(target)]


def refuse(what: str, where: str, measured: str = "", expected: str = "") -> DicomError:
    """Return a refusal of row 31."""
    return DicomError(
        "CF-D031",
        what,
        where=where,
        measured=measured,
        expected=expected,
        advice="Unpack it yourself and give the folder.",
    )


def list_zip(file: DiskFile) -> tuple[SourceFile, ...]:
    """Return the entries of a zip file; raises DicomError if the archive is not one to be trusted."""
    archive = _Archive(file)
    infos = archive.zip.infolist()
    if len(infos) > limits.MAX_ARCHIVE_ENTRIES:
        raise refuse("the zip file has too many entries", file.name, str(len(infos)), f"{limits.MAX_ARCHIVE_ENTRIES}")
    total = sum(i.file_size for i in infos)
    if total > min(limits.MAX_ARCHIVE_BYTES, limits.FREE_INFLATED_BYTES + limits.MAX_RATIO * file.size):
        raise DicomError(
            "CF-D034",
            "the zip file grows beyond all measure when unpacked",
            where=file.name,
            measured=f"{total} bytes from {file.size}",
            expected=f"at most {limits.MAX_RATIO} : 1 and {limits.MAX_ARCHIVE_BYTES} bytes",
            advice="Unpack it yourself and give the folder.",
        )
    files: dict[str, SourceFile] = {}
    for info in infos:
        _check_entry(info)
        *folders, name = info.filename.split("/")
        hidden = is_passed_over(name, is_folder=False) or any(is_passed_over(f, is_folder=True) for f in folders)
        if info.is_dir() or hidden or info.filename.startswith("__MACOSX/"):
            continue
        if info.filename in files:
            raise refuse("the zip file holds one name twice", printable(info.filename))
        files[info.filename] = ZipEntry(archive, info, printable(info.filename), info.file_size)
    return tuple(files[name] for name in sorted(files))


def _check_entry(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    parts = re.split(r"[/\\]", printable(name))
    if ".." in parts or name.startswith(("/", "\\")) or _DRIVE.match(name) or "\x00" in name:
        raise refuse("the zip file names a path outside itself", printable(name))
    if stat.S_ISLNK(info.external_attr >> 16):
        raise refuse("the zip file holds a link", printable(name))
    if info.flag_bits & _ENCRYPTED:
        raise refuse("the zip file is encrypted", printable(name))
    if splitext(name)[1].lower() in _ARCHIVES:
        raise refuse("the zip file holds another archive", printable(name))
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise refuse(
            "the zip file uses an unusual compression", printable(name), str(info.compress_type), "stored or deflated"
        )
    if info.file_size > limits.MAX_INFLATED_BYTES:
        raise DicomError(
            "CF-D034",
            "an entry of the zip file is too large",
            where=printable(name),
            measured=f"{info.file_size} bytes",
            expected=f"at most {limits.MAX_INFLATED_BYTES}",
        )
