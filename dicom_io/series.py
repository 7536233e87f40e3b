"""Reads one series into one int16 array of Hounsfield units, or refuses it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from dicom_io.catalog import SeriesEntry, choose
from dicom_io.checks import (
    Notice,
    check_images,
    check_together,
    header_findings,
    representative,
    with_common_padding,
)
from dicom_io.claims import check_claims
from dicom_io.errors import DicomError
from dicom_io.gaps import missing_inside
from dicom_io.geometry import Stack, arrange, strays_beside
from dicom_io.header import Frame, HeaderReader
from dicom_io.identity import Scrubber, pseudonym_of
from dicom_io.loader import load
from dicom_io.options import ReadOptions
from dicom_io.plausible import check_values
from dicom_io.scan import SeriesList, find_series
from sizing.findings import Finding, Level
from sizing.volume import CtVolume, ScanInfo


@dataclass(frozen=True)
class ReadResult:
    """A volume and how it came about.

    Attributes
    ----------
    volume : CtVolume
    findings : tuple of Finding
        Everything that was corrected or that a person should know.
    manifest : tuple of (str, str, str)
        (path relative to the source, SHA-256 of the file, SOP Instance UID) in slice order.
    """

    volume: CtVolume
    findings: tuple[Finding, ...]
    manifest: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Examination:
    """What the headers of a series tell, before its pixels are read.

    Attributes
    ----------
    stack : Stack or None
        None when no volume can be made.
    refusals : tuple of DicomError
        Heaviest first.
    findings : tuple of Finding
    """

    stack: Stack | None
    refusals: tuple[DicomError, ...]
    findings: tuple[Finding, ...]

    def refuse(self) -> NoReturn:
        """Raise the heaviest refusal; the others travel with it."""
        first = self.refusals[0]
        first.others, first.findings = self.refusals[1:], self.findings
        raise first


def read_series(
    source: str | os.PathLike[str] | SeriesList, *, series: str | None = None, options: ReadOptions | None = None
) -> ReadResult:
    """Read one CT series as a volume in LPS millimetres.

    Parameters
    ----------
    source : path or SeriesList
        A folder, a DICOMDIR, a zip file or an image file; or what :func:`find_series` returned for it.
    series : str, optional
        Selector or Series Instance UID; needed when there are several CT series.
    options : ReadOptions, optional
        The defaults refuse whatever is doubtful.

    Returns
    -------
    ReadResult
        ``volume.hu`` is (slice, row, column) int16, slice 0 lowest on the slice normal
        (row direction x column direction).

    Raises
    ------
    DicomError
        The series is not one that can be trusted; the sentence says which file and what to do.
    """
    options = options or ReadOptions()
    found = source if isinstance(source, SeriesList) else find_series(source)
    if not found.entries:
        _refuse_empty(found)
    try:
        entry = choose(found.entries, series, found.source)
    except DicomError as error:  # lists the series by their descriptions
        scrub = Scrubber(None if options.keep_identity else found[0].frames[0])
        raise scrub.clean_error(error) from None
    return read_entry(found, entry, options)


def read_entry(found: SeriesList, entry: SeriesEntry, options: ReadOptions) -> ReadResult:
    """Read one stack of a list; raises DicomError as :func:`read_series` does."""
    scrub = Scrubber(None if options.keep_identity else entry.frames[0])
    try:
        examined = examine(found, entry, options)
        if examined.refusals or examined.stack is None:
            examined.refuse()
        return _read(examined.stack, examined.findings, options, scrub)
    except DicomError as error:
        raise scrub.clean_error(error) from None


def examine(found: SeriesList, entry: SeriesEntry, options: ReadOptions) -> Examination:
    """Judge a series by its headers and its place in the source; pixels are read only to compare duplicates."""
    notices: list[Notice] = [*found.unreadable_beside(entry), *check_images(entry.frames, options)]
    stack, n_gap = None, 0
    if not _refusals(notices):
        notices.extend(check_together(entry.frames))
    if not _refusals(notices):
        notices.extend(check_claims(entry.frames))
    if not _refusals(notices):
        frames, padding = with_common_padding(entry.frames)
        stack, more = arrange(frames, options, _same_pixels)
        notices.extend([*padding, *more])
        n_gap = missing_inside(frames)
    headers = header_findings(entry.frames, options, n_gap)
    findings = [*_findings(notices), *headers, *_source_findings(found, entry)]
    if stack is not None:
        findings.extend(strays_beside(stack, [f for e in found if e is not entry for f in e.frames]))
    return Examination(stack, tuple(_refusals(notices)), tuple(findings))


def _refusals(notices: Sequence[Notice]) -> list[DicomError]:
    return [n for n in notices if isinstance(n, DicomError)]


def _findings(notices: Sequence[Notice]) -> list[Finding]:
    return [n for n in notices if isinstance(n, Finding)]


def _same_pixels(a: Frame, b: Frame) -> bool:
    quiet = ReadOptions(workers=1)
    return np.array_equal(load((a,), quiet).hu, load((b,), quiet).hu)


def _refuse_empty(found: SeriesList) -> NoReturn:
    if found.unreadable:
        first = found.unreadable[0]
        first.others = found.unreadable[1:]
        raise first
    raise DicomError(
        "CF-D030",
        "no DICOM images were found",
        where=found.source,
        measured=f"{found.n_other_files} other files, {len(found.passed_over)} links or devices",
        advice="Give the folder that holds the CT slices, or the zip file itself.",
    )


def _source_findings(found: SeriesList, entry: SeriesEntry) -> list[Finding]:
    """Say what in the source was not used (rows 8, 30, 32)."""
    findings = []
    others = [e for e in found if e is not entry]
    if others:
        names = "; ".join(e.describe() for e in others[:5]) + (" …" if len(others) > 5 else "")
        findings.append(Finding(Level.INFO, "CF-D008b", f"other series in the source were not read: {names}."))
    if found.n_other_files:
        findings.append(
            Finding(Level.INFO, "CF-D030a", f"{found.n_other_files} files that are no images were passed over.")
        )
    if found.passed_over:
        text = f"{len(found.passed_over)} links out of the source, pipes or devices were not opened."
        findings.append(
            Finding(Level.WARNING, "CF-D032a", text, "If slices are behind them, copy the files themselves.")
        )
    return findings


def _read(stack: Stack, findings: Sequence[Finding], options: ReadOptions, scrub: Scrubber) -> ReadResult:
    loaded = load(stack.frames, options)
    notices = list(check_values(stack, loaded.reports, options))
    if refusals := _refusals(notices):
        Examination(None, tuple(refusals), (*findings, *_findings(notices))).refuse()
    hu = _interpolated(loaded.hu, stack) if stack.is_repaired else loaded.hu
    manifest = [(f.file.name, loaded.hashes[f.file.name], f.sop_uid) for f in stack.frames]
    info, everything = scan_info(representative(stack.frames)), [*findings, *_findings(notices)]
    info = replace(info, series_description=scrub.clean(info.series_description))
    volume = CtVolume(hu, stack.geometry, info, stack.unmeasured_slices if stack.is_repaired else ())
    return ReadResult(
        volume,
        tuple(scrub.clean_finding(f) for f in everything),
        tuple((scrub.clean(name), digest, uid) for name, digest, uid in manifest),
    )


def _interpolated(hu: NDArray[np.int16], stack: Stack) -> NDArray[np.int16]:
    """Fill the slices of a repaired stack linearly between their neighbours; padding is air by now."""
    out = np.empty(stack.geometry.shape, np.int16)
    for i in range(len(out)):
        above = int(np.clip(np.searchsorted(stack.place, i), 1, len(stack.place) - 1))
        low, high = stack.place[above - 1], stack.place[above]
        weight = float(np.clip((i - low) / (high - low), 0.0, 1.0))
        if weight in (0.0, 1.0):
            out[i] = hu[above - 1 + int(weight)]
        else:
            out[i] = np.rint(hu[above - 1] * (1 - weight) + hu[above] * weight)
    return out


def scan_info(frame: Frame) -> ScanInfo:
    """Return the facts of a series that matter for measuring."""
    read = HeaderReader(frame.values)
    lossy = read.text("LossyImageCompression") == "01"
    return ScanInfo(
        series_uid=frame.series_uid,
        study_uid=frame.study_uid,
        frame_of_reference_uid=frame.frame_of_reference_uid,
        modality=frame.modality,
        series_description=read.text("SeriesDescription"),
        manufacturer=read.text("Manufacturer"),
        model=read.text("ManufacturerModelName"),
        kernel=frame.kernel or None,
        kvp=read.decimal("KVP"),
        slice_thickness_mm=frame.slice_thickness_mm,
        patient_position=read.text("PatientPosition") or None,
        body_part=read.text("BodyPartExamined") or None,
        study_date=read.text("StudyDate") or None,
        laterality=next((s for k in ("FrameLaterality", "ImageLaterality", "Laterality") if (s := read.text(k))), None),
        lossy=lossy,
        pseudonym=pseudonym_of(frame),
    )
