"""The truth card: what is in a source, what each series is worth for planning, and why."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dicom_io.catalog import SeriesEntry, suggest
from dicom_io.errors import DicomError
from dicom_io.facts import facts_in_words
from dicom_io.header import HeaderReader
from dicom_io.identity import Scrubber
from dicom_io.measures import ScanMeasures, measure_scan
from dicom_io.options import ReadOptions
from dicom_io.scan import SeriesList, find_series
from dicom_io.series import ReadResult, read_entry
from sizing.errors import InputError
from sizing.findings import Finding, Level
from sizing.volume import CtVolume

REAMER_STEP_MM = 0.5  # reamers of every set come in half millimetres
_AIR_HU, _FAT_HU, _MUSCLE_HU = (-1050, -950), (-130, -60), (20, 90)
_NOISY_HU = 60.0  # more and single voxels of muscle reach the HU of cancellous bone
_BLURRED_MM = 1.5  # a wall of 2 mm then never reaches its true HU
_FEW_MM = 80.0  # shorter than any stem
_MOST_THUMBNAIL = 512


class Verdict(StrEnum):
    """What a series is good for."""

    FIT = "fit for planning"
    LIMITS = "usable with limits"
    NOT = "not usable"


@dataclass(frozen=True)
class Thumbnail:
    """One grey picture of a scan.

    Attributes
    ----------
    title : str
    hu : (height, width) int16 array
        Top row first.
    size_mm : (float, float)
        Height and width.
    """

    title: str
    hu: NDArray[np.int16]
    size_mm: tuple[float, float]


@dataclass(frozen=True)
class SeriesCard:
    """One series and its worth.

    Attributes
    ----------
    reasons : tuple of str
        In plain words, heaviest first; why the verdict is what it is. For the screen: with file names as they are.
    facts : dict
        Name with unit to value, as in ``--json``; None where it cannot be told.
    """

    selector: str
    verdict: Verdict
    reasons: tuple[str, ...]
    facts: dict[str, Any]
    findings: tuple[Finding, ...]
    refusals: tuple[str, ...]
    measures: ScanMeasures | None
    thumbnails: tuple[Thumbnail, ...]
    scrub: Scrubber

    @property
    def facts_in_words(self) -> tuple[tuple[str, str], ...]:
        """Name and value of the facts and measures, for a person."""
        return facts_in_words(self.facts | ({} if self.measures is None else asdict(self.measures)))

    @property
    def public_reasons(self) -> tuple[str, ...]:
        """The reasons without a patient's name or ID: file names hold them at times."""
        return tuple(self.scrub.clean(r) for r in self.reasons)


@dataclass(frozen=True)
class TruthCard:
    """All series of a source; ``best`` is the selector to plan with, and ``why_best`` says why."""

    source: str
    series: tuple[SeriesCard, ...]
    best: str | None
    why_best: str
    unreadable: tuple[str, ...]
    n_other_files: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "source": self.source,
            "best": self.best,
            "why_best": self.why_best,
            "unreadable": list(self.unreadable),
            "n_other_files": self.n_other_files,
            "series": [_series_dict(s) for s in self.series],
        }


def _series_dict(card: SeriesCard) -> dict[str, Any]:
    return {
        "selector": card.selector,
        "verdict": card.verdict.value,
        "reasons": list(card.public_reasons),
        "refusals": [card.scrub.clean(r) for r in card.refusals],
        "findings": [{"level": f.level.value, "code": f.code, "message": f.message} for f in card.findings],
        **card.facts,
        **({} if card.measures is None else asdict(card.measures)),
    }


def truth_card(
    source: str | os.PathLike[str],
    *,
    series: str | None = None,
    options: ReadOptions | None = None,
    watch: Callable[[str], None] = lambda words: None,
) -> TruthCard:
    """Judge every series of a source.

    Parameters
    ----------
    source : path
        As for :func:`dicom_io.find_series`.
    series : str, optional
        Selector or UID: read only this one; the others are listed from their headers.
    options : ReadOptions, optional
        Repairs that the plan would be allowed.
    watch : callable
        Told what is being done, for those who show progress.
    """
    options = options or ReadOptions()
    found = find_series(source)
    cards = []
    for entry in found:
        watch(f"series {entry.selector}")
        wanted = series is None or series in (entry.selector, entry.uid)
        cards.append(_card(found, entry, options, read=wanted and entry.is_candidate))
    best, why = _best(found, cards)
    scrub = Scrubber(None if options.keep_identity or not found.entries else found[0].frames[0])
    unreadable = tuple(scrub.clean(str(e)) for e in found.unreadable)
    return TruthCard(scrub.clean(found.source), tuple(cards), best, why, unreadable, found.n_other_files)


def _card(found: SeriesList, entry: SeriesEntry, options: ReadOptions, *, read: bool) -> SeriesCard:
    scrub = Scrubber(None if options.keep_identity else entry.frames[0])
    facts = _header_facts(entry)
    facts["description"] = scrub.clean(facts["description"])
    if not entry.is_candidate:
        text = (
            "a scout view"
            if entry.frames[0].is_localizer
            else f"{facts['modality'] or 'an unknown modality'}, not CT slices"
        )
        return SeriesCard(entry.selector, Verdict.NOT, (text,), facts, (), (), None, (), scrub)
    if not read:
        return SeriesCard(entry.selector, Verdict.NOT, ("not looked at",), facts, (), (), None, (), scrub)
    try:
        result = read_entry(found, entry, options)
    except DicomError as error:
        refusals = tuple(str(e) for e in (error, *error.others))
        return SeriesCard(entry.selector, Verdict.NOT, refusals, facts, error.findings, refusals, None, (), scrub)
    return _card_of_volume(entry, result, facts, scrub)


def _header_facts(entry: SeriesEntry) -> dict[str, Any]:
    first = entry.frames[0]
    read = HeaderReader(first.values)
    spacing = first.pixel_spacing_mm
    return {
        "series_uid": entry.uid,
        "series_number": first.series_number,
        "description": entry.description,
        "part": entry.part,
        "modality": first.modality,
        "images": len(entry.frames),
        "rows": first.pixels.rows,
        "columns": first.pixels.columns,
        "row_spacing_mm": spacing[0] if spacing else None,
        "column_spacing_mm": spacing[1] if spacing else None,
        "slice_thickness_mm": first.slice_thickness_mm,
        "kernel": first.kernel or None,
        "kvp": read.decimal("KVP"),
        "manufacturer": read.text("Manufacturer") or None,
        "model": read.text("ManufacturerModelName") or None,
        "body_part_in_header": read.text("BodyPartExamined") or None,
        "patient_position": read.text("PatientPosition") or None,
        "image_type": "\\".join(first.image_type),
    }


def _card_of_volume(entry: SeriesEntry, result: ReadResult, facts: dict[str, Any], scrub: Scrubber) -> SeriesCard:
    volume = result.volume
    measures = measure_scan(volume)
    bone_facts, bone_reason = _bone(volume)
    facts = facts | {"slice_step_mm": volume.geometry.slice_step_mm, "pseudonym": volume.info.pseudonym} | bone_facts
    limits_found = [
        *([bone_reason] if bone_reason else []),
        *(f"{f.message} {f.advice}".strip() for f in result.findings if f.level is not Level.INFO),
        *_limits_of(measures),
    ]
    verdict = Verdict.LIMITS if limits_found else Verdict.FIT
    reasons = (*limits_found, _voxel_words(volume, measures), *_good_news(measures))
    thumbnails = _thumbnails(volume)
    return SeriesCard(entry.selector, verdict, reasons, facts, result.findings, (), measures, thumbnails, scrub)


def _bone(volume: CtVolume) -> tuple[dict[str, Any], str]:
    """Ask segmentation which bone this is; returns facts, and a reason where it cannot tell."""
    from sizing.segmentation import find_residual_bone

    facts: dict[str, Any] = {"bone": None, "side": None, "side_source": None}
    try:
        bone = find_residual_bone(volume)
    except InputError as error:
        return facts, f"no bone was told from the others: {error}"
    return {"bone": bone.bone.value, "side": bone.side.value, "side_source": bone.side_source}, ""


def _limits_of(m: ScanMeasures) -> list[str]:
    found = []
    for name, value, (low, high) in (
        ("air", m.air_hu, _AIR_HU),
        ("fat", m.fat_hu, _FAT_HU),
        ("muscle", m.muscle_hu, _MUSCLE_HU),
    ):
        if value is not None and not low <= value <= high:
            found.append(f"{name} measures {value:.0f} HU, expected {low} to {high}: check the calibration.")
    if m.noise_hu is not None and m.noise_hu > _NOISY_HU:
        found.append(f"the noise is {m.noise_hu:.0f} HU: single levels scatter.")
    if m.blur_mm is not None and m.blur_mm > _BLURRED_MM:
        found.append(f"edges are blurred over {m.blur_mm:.1f} mm (full width): walls below about 2 mm look thicker.")
    if m.bone_cut_slices:
        found.append(f"bone reaches the side of the image in {m.bone_cut_slices} slices: it is cut there.")
    if m.length_mm < _FEW_MM:
        found.append(f"the scan covers {m.length_mm:.0f} mm only.")
    return found


def _voxel_words(volume: CtVolume, m: ScanMeasures) -> str:
    voxel = max(volume.geometry.spacing_mm[1:])
    thickness = volume.info.slice_thickness_mm
    slices = f"slices every {volume.geometry.slice_step_mm:.2f} mm" + (
        f", {thickness:.2f} mm thick" if thickness else ""
    )
    return (
        f"your voxel is {voxel:.2f} mm ({slices}), your reamer step {REAMER_STEP_MM:g} mm: "
        f"expect about ± {m.diameter_doubt_mm:.1f} mm on a diameter."
    )


def _good_news(m: ScanMeasures) -> list[str]:
    ends = [name for name, on in (("lowest", m.bone_goes_on_low), ("highest", m.bone_goes_on_high)) if on]
    said = (
        [f"the bone goes on beyond the {' and the '.join(ends)} slice."]
        if ends
        else ["both ends of the bone are covered."]
    )
    if m.air_hu is not None and m.muscle_hu is not None:
        fat = "" if m.fat_hu is None else f", fat {m.fat_hu:.0f}"
        cortex = "" if m.cortex_hu is None else f", cortex {m.cortex_hu:.0f}"
        said.append(f"tissues: air {m.air_hu:.0f}{fat}, muscle {m.muscle_hu:.0f}{cortex} HU.")
    return said


def _best(found: SeriesList, cards: list[SeriesCard]) -> tuple[str | None, str]:
    order = [Verdict.FIT, Verdict.LIMITS]
    for verdict in order:
        entries = [e for e, c in zip(found, cards, strict=True) if c.verdict is verdict]
        best = suggest(entries)
        if best is not None:
            thickness = best.frames[0].slice_thickness_mm
            thin = f", {thickness:g} mm slices" if thickness else ""
            kernel = f", kernel {best.frames[0].kernel}" if best.frames[0].kernel else ""
            only = "the only series that can be planned" if len(entries) == 1 else "the thinnest original slices"
            return best.selector, f"{only}: {verdict.value}, {len(best.frames)} images{thin}{kernel}"
    return None, "no series here can be planned"


def _thumbnails(volume: CtVolume) -> tuple[Thumbnail, ...]:
    """The middle slice, and the brightest voxels seen from the front and from the side of the image."""
    hu, (slice_mm, row_mm, column_mm) = volume.hu, volume.geometry.spacing_mm
    n, rows, columns = hu.shape
    views = (
        ("middle slice", hu[n // 2], (rows * row_mm, columns * column_mm)),
        ("brightest, across rows", hu.max(axis=1)[::-1], (n * slice_mm, columns * column_mm)),
        ("brightest, across columns", hu.max(axis=2)[::-1], (n * slice_mm, rows * row_mm)),
    )
    return tuple(Thumbnail(title, _small(image), size) for title, image, size in views)


def _small(image: NDArray[np.int16]) -> NDArray[np.int16]:
    every = max(1, int(np.ceil(max(image.shape) / _MOST_THUMBNAIL)))
    return np.ascontiguousarray(image[::every, ::every])
