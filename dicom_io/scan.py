"""Finds the series of a source: reads headers, groups them, and drops nothing in silence."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from posixpath import basename, dirname, splitext

from dicom_io.catalog import CT_CLASSES, SeriesEntry, group
from dicom_io.elements import MalformedHeaderError, NotDicomError, read_elements
from dicom_io.errors import DicomError
from dicom_io.files import printable
from dicom_io.header import Frame, SourceFile
from dicom_io.multiframe import frames_of
from dicom_io.sources import list_source
from dicom_io.tags import NESTED, WANTED

_DICOM_SUFFIXES = {".dcm", ".dicom", ".ima"}
_PACKED_SUFFIXES = {".gz", ".bz2", ".xz", ".zst", ".part", ".partial", ".crdownload", ".tmp"}  # or not yet whole
_SNIFF_BYTES = 512


@dataclass(frozen=True)
class SeriesList(Sequence[SeriesEntry]):
    """Everything that was found in a source.

    Attributes
    ----------
    source : str
    entries : tuple of SeriesEntry
    unreadable : tuple of DicomError
        Files that claim to be DICOM, or lie among slices, and cannot be read; ``where`` is the file.
    n_other_files : int
        Files that are no DICOM images at all.
    passed_over : tuple of str
        Links out of the source, devices, pipes: never opened.
    """

    source: str
    entries: tuple[SeriesEntry, ...]
    unreadable: tuple[DicomError, ...]
    n_other_files: int
    passed_over: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return self.entries[index]

    def __iter__(self) -> Iterator[SeriesEntry]:
        return iter(self.entries)

    def unreadable_beside(self, entry: SeriesEntry) -> tuple[DicomError, ...]:
        """Return the unreadable files that lie in the folders of a series: each may be one of its slices."""
        folders = {dirname(f.file.name) for f in entry.frames}
        return tuple(error for error in self.unreadable if dirname(error.where) in folders)


def find_series(source: str | os.PathLike[str]) -> SeriesList:
    """Find the image series of a source.

    Parameters
    ----------
    source : path
        A folder (nested folders, no extensions and junk beside are fine), a DICOMDIR, a zip file,
        or one image file.

    Returns
    -------
    SeriesList
        Also holds what is not CT; :func:`dicom_io.read_series` is where things are refused.

    Raises
    ------
    DicomError
        The source itself cannot be read.
    """
    listing = list_source(source)
    frames: list[Frame] = []
    unreadable: list[DicomError] = list(listing.problems)
    others: list[SourceFile] = []
    for file in listing.files:
        if basename(file.name).upper() == "DICOMDIR":  # names images, is none
            others.append(file)
            continue
        try:
            frames.extend(read_header(file))
        except NotDicomError:
            others.append(file)
        except DicomError as error:
            unreadable.append(error)
    images = [f for f in frames if f.pixels.rows and f.pixels.columns]
    imageless = [f for f in frames if not (f.pixels.rows and f.pixels.columns)]
    unreadable.extend(_without_matrix(f) for f in imageless if f.modality == "CT" and f.sop_class in ("", *CT_CLASSES))
    n_imageless = len({f.file.name for f in imageless} - {f.file.name for f in images} - {e.where for e in unreadable})
    suspects = [problem for file in others if (problem := _suspect(file, images)) is not None]
    return SeriesList(
        printable(os.fspath(source)),
        tuple(group(images)),
        (*unreadable, *suspects),
        len(others) - len(suspects) + n_imageless,
        listing.passed_over,
    )


def _without_matrix(frame: Frame) -> DicomError:
    return DicomError(
        "CF-D016c",
        "the CT image has no matrix",
        where=frame.file.name,
        measured=f"Rows {frame.pixels.rows}, Columns {frame.pixels.columns}",
        advice="Copy or export the file again.",
    )


def read_header(file: SourceFile) -> list[Frame]:
    """Return the images of one file; raises NotDicomError, or DicomError naming the file."""
    try:
        with file.open() as opened:
            elements = read_elements(opened.read_at, file.size, WANTED, NESTED)
        return frames_of(file, elements)
    except MalformedHeaderError as error:
        code = "CF-D034" if "grows beyond" in str(error) else "CF-D016b"
        raise DicomError(
            code, f"the header cannot be read: {error}", where=file.name, advice="Copy or export the file again."
        ) from None


def _suspect(file: SourceFile, images: Sequence[Frame]) -> DicomError | None:
    """Return a refusal for a file that is no DICOM but may have been a slice (row 16)."""
    stem, suffix = splitext(file.name.lower())
    is_packed = suffix in _PACKED_SUFFIXES
    suffix = splitext(stem)[1] if is_packed else suffix
    beside = {splitext(f.file.name)[1].lower() for f in images if dirname(f.file.name) == dirname(file.name)}
    is_hidden = basename(file.name).startswith(".")
    if suffix not in _DICOM_SUFFIXES and (is_hidden or suffix not in beside or _is_text(file)):
        return None
    what = "the file is named like a slice and is not DICOM"
    if is_packed or not file.size:
        what = "the file is named like a slice that is packed or not yet whole" if is_packed else "the file is empty"
    return DicomError(
        "CF-D016a",
        what,
        where=file.name,
        measured=f"{file.size} bytes",
        expected="a DICOM image",
        advice="Copy or export it again, or take it out of the folder if it does not belong to the scan.",
    )


def _is_text(file: SourceFile) -> bool:
    with file.open() as opened:
        head = opened.read_at(0, _SNIFF_BYTES)
    return len(head) > 0 and all(byte >= 32 or byte in b"\t\n\r\f" for byte in head)
