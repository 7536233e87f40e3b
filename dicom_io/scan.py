"""Finds the series of a source: reads headers, groups them, and judges none of them away in silence."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dicom_io.elements import MalformedHeaderError, NotDicomError, read_elements
from dicom_io.errors import DicomError
from dicom_io.header import WANTED, Frame, frame_of
from dicom_io.sources import DiskFile, list_source


@dataclass(frozen=True)
class SeriesEntry:
    """One stack of images that could be read as a volume.

    Attributes
    ----------
    selector : str
        What to pass as ``series=`` (``--series``) to choose it; unique in its list.
    frames : tuple of Frame
        In the order of the files.
    """

    selector: str
    frames: tuple[Frame, ...]

    @property
    def uid(self) -> str:
        """Series Instance UID."""
        return self.frames[0].series_uid

    @property
    def modality(self) -> str:
        """As the header says: CT, MR, PT."""
        return self.frames[0].modality

    @property
    def is_localizer(self) -> bool:
        """Return True for a scout view."""
        return "LOCALIZER" in self.frames[0].image_type

    def describe(self) -> str:
        """Return one line for a person who has to choose."""
        first = self.frames[0]
        thickness = (
            "thickness unknown" if first.slice_thickness_mm is None else f"{first.slice_thickness_mm:g} mm thick"
        )
        return f"{self.selector}: {first.modality or 'modality unknown'}, {len(self.frames)} images, {thickness}"


@dataclass(frozen=True)
class SeriesList(Sequence[SeriesEntry]):
    """Everything that was found in a source.

    Attributes
    ----------
    entries : tuple of SeriesEntry
    unreadable : tuple of DicomError
        Files that claim to be DICOM and cannot be read.
    n_other_files : int
        Files that are no DICOM images at all, links and devices included.
    """

    source: str
    entries: tuple[SeriesEntry, ...]
    unreadable: tuple[DicomError, ...]
    n_other_files: int

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return self.entries[index]

    def __iter__(self) -> Iterator[SeriesEntry]:
        return iter(self.entries)


def find_series(source: str | os.PathLike[str]) -> SeriesList:
    """Find the image series of a folder or file.

    Parameters
    ----------
    source : path
        A folder (nested folders, no extensions and junk beside are fine) or one file.

    Returns
    -------
    SeriesList
        Also holds what is not CT; :func:`dicom_io.read_series` is where things are refused.

    Raises
    ------
    DicomError
        The source itself cannot be read.
    """
    files, n_other = list_source(source)
    frames: list[Frame] = []
    unreadable: list[DicomError] = []
    for file in files:
        try:
            frames.append(_read_header(file))
        except NotDicomError:
            n_other += 1
        except DicomError as error:
            unreadable.append(error)
    images = [f for f in frames if f.rows and f.columns]
    n_other += len(frames) - len(images)
    return SeriesList(os.fspath(source), tuple(_group(images)), tuple(unreadable), n_other)


def _read_header(file: DiskFile) -> Frame:
    if file.size == 0:
        raise DicomError("CF-D016", "the file is empty", where=file.name, measured="0 bytes", advice="Copy it again.")
    try:
        with file.open() as opened:
            elements = read_elements(opened.read_at, file.size, WANTED)
        return frame_of(file, elements)
    except MalformedHeaderError as error:
        raise DicomError(
            "CF-D016", f"the header cannot be read: {error}", where=file.name, advice="Copy or export the file again."
        ) from None


def _group(frames: list[Frame]) -> Iterator[SeriesEntry]:
    stacks: dict[tuple, list[Frame]] = {}
    for frame in frames:
        stacks.setdefault((frame.series_uid, "LOCALIZER" in frame.image_type), []).append(frame)
    numbers = [stack[0].series_number for stack in stacks.values()]
    for at, stack in enumerate(stacks.values()):
        number = stack[0].series_number
        unique = number is not None and numbers.count(number) == 1
        yield SeriesEntry(str(number) if unique else f"#{at + 1}", tuple(stack))
