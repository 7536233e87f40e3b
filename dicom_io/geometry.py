"""From slice positions to one affine: order, duplicates, gaps, jitter, tilt, and the repairs that were asked for.

The normal is row direction x column direction of Image Orientation (Patient); slice 0 is the lowest on
it. Slice Thickness, Spacing Between Slices and Gantry Tilt are never used: only positions tell where a
slice lies (rows 1, 3 to 7, 9, 22, 23).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

import dicom_io.limits as limits
from dicom_io.catalog import heights_mm
from dicom_io.checks import Notice, name_some, representative
from dicom_io.errors import DicomError
from dicom_io.gaps import gap_tolerance_mm, odd_steps, places
from dicom_io.header import Frame, HeaderReader
from dicom_io.kernels import is_soft
from dicom_io.options import ReadOptions
from sizing.findings import Finding, Level
from sizing.geometry import FloatArray, VolumeGeometry


@dataclass(frozen=True)
class Stack:
    """Slices in the order of the volume, and where they lie.

    Attributes
    ----------
    frames : tuple of Frame
        Lowest on the normal first; duplicates dropped.
    geometry : VolumeGeometry
        Of the volume that is to be made.
    place : (n,) array
        Fractional slice index of each frame in that volume; 0, 1, 2 … unless slices are interpolated.
    """

    frames: tuple[Frame, ...]
    geometry: VolumeGeometry
    place: FloatArray

    @property
    def is_repaired(self) -> bool:
        """Return True if slices of the volume have to be interpolated."""
        return len(self.frames) != self.geometry.shape[0] or bool(np.any(self.place != np.arange(len(self.place))))

    @property
    def unmeasured_slices(self) -> tuple[int, ...]:
        """Slices of the volume that no image was taken at."""
        n = self.geometry.shape[0]
        here = np.abs(self.place[None, :] - np.arange(n)[:, None]).min(axis=1)
        return tuple(int(i) for i in np.flatnonzero(here * self.geometry.slice_step_mm > limits.SAME_POSITION_MM))


def arrange(
    frames: Sequence[Frame], options: ReadOptions, same_pixels: Callable[[Frame, Frame], bool]
) -> tuple[Stack | None, list[Notice]]:
    """Sort slices along their normal and fit one step through all positions.

    Parameters
    ----------
    frames : sequence of Frame
        With position, orientation and spacing, and the same orientation and spacing in all.
    options : ReadOptions
        The repairs that are allowed.
    same_pixels : callable
        Tells whether two images hold the same values; asked only about images at one position.

    Returns
    -------
    Stack or None
        None when the positions do not make a volume.
    list of DicomError and Finding
    """
    heights = heights_mm(frames)
    assert heights is not None
    ordered = [frames[i] for i in np.argsort(heights, kind="stable")]
    kept, notices = _drop_duplicates(ordered, same_pixels)
    if any(isinstance(n, DicomError) for n in notices):
        return None, notices
    if len(kept) < 2:
        return None, [*notices, _too_few(kept)]
    place, more = places(kept, options)
    notices.extend(more)
    if place is None:
        return None, [*notices, *_tilt(kept)]
    stack, more = _fit(kept, place)
    notices.extend(more)
    notices.extend(_tilt(kept))
    if len(kept) < limits.MIN_SLICES:
        notices.append(_too_few(kept))
    return stack, notices


def _too_few(frames: Sequence[Frame]) -> DicomError:
    return DicomError(
        "CF-D022",
        "too few slices for a bone" if len(frames) > 1 else "one slice is no volume",
        where=name_some([f.label for f in frames], 1),
        measured=f"{len(frames)} slice{'s' * (len(frames) > 1)}",
        expected=f"at least {limits.MIN_SLICES}",
        advice="Choose the whole axial series.",
    )


def _drop_duplicates(
    ordered: Sequence[Frame], same_pixels: Callable[[Frame, Frame], bool]
) -> tuple[list[Frame], list[Notice]]:
    """Keep one image at each position; images that differ at one position are a refusal (rows 3 and 4)."""
    heights = heights_mm(ordered)
    assert heights is not None
    kept: list[Frame] = [ordered[0]]
    dropped: list[str] = []
    clashes: list[tuple[Frame, Frame, float]] = []
    last = float(heights[0])
    for frame, height in zip(ordered[1:], heights[1:], strict=True):
        if height - last >= limits.SAME_POSITION_MM:
            kept.append(frame)
            last = float(height)
        elif _same_place(kept[-1], frame) and same_pixels(kept[-1], frame):
            dropped.append(frame.label)
        else:
            clashes.append((kept[-1], frame, last))
    notices: list[Notice] = []
    if clashes:
        notices.append(_clash(clashes, len(ordered)))
    notices.extend(_same_uid(kept))
    if dropped:
        text = f"{len(dropped)} image{'s' * (len(dropped) > 1)} occurred twice and counted once: {name_some(dropped)}."
        notices.append(Finding(Level.WARNING, "CF-D003", text))
    return kept, notices


def _same_place(a: Frame, b: Frame) -> bool:
    assert a.position_lps is not None and b.position_lps is not None
    return max(abs(p - q) for p, q in zip(a.position_lps, b.position_lps, strict=True)) < limits.SAME_POSITION_MM


def _clash(clashes: Sequence[tuple[Frame, Frame, float]], n: int) -> DicomError:
    a, b, height = clashes[0]
    return DicomError(
        "CF-D004",
        "two different images lie at the same position",
        where=f"{a.label}, {b.label}",
        measured=f"{len(clashes)} of {n} images, the first at {height:.2f} mm along the normal",
        advice="Two scans are mixed, or a file is damaged; export one complete series.",
    )


def _same_uid(kept: Sequence[Frame]) -> Iterator[DicomError]:
    first: dict[str, Frame] = {}
    for frame in kept:
        other = first.setdefault(frame.sop_uid, frame) if frame.sop_uid else frame
        if other is not frame and other.file.name != frame.file.name:
            yield DicomError(
                "CF-D003a",
                "two different images carry the same SOP Instance UID",
                where=f"{other.label}, {frame.label}",
                advice="One of them is damaged or was edited; export the series again.",
            )
            return


def _fit(kept: Sequence[Frame], place: FloatArray) -> tuple[Stack | None, list[Notice]]:
    """Fit position = origin + place * step by least squares over all slices and judge the residual (rows 5 and 6)."""
    positions = np.array([f.position_lps for f in kept])
    orientation = np.median([f.orientation for f in kept], axis=0)
    spacing = np.median([f.pixel_spacing_mm for f in kept], axis=0)
    along, down = orientation[:3], orientation[3:]
    centred, middle = place - place.mean(), positions.mean(axis=0)
    step = centred @ (positions - middle) / (centred @ centred)
    origin = middle - place.mean() * step
    residual = positions - (origin + place[:, None] * step)
    affine = np.eye(4)
    affine[:3] = np.column_stack([step, down * spacing[0], along * spacing[1], origin])
    n_slices = int(np.floor(place[-1] + limits.SAME_POSITION_MM)) + 1
    shape = (n_slices, kept[0].pixels.rows, kept[0].pixels.columns)
    refusals = [*_size(shape, kept), *_scatter(kept, residual, step)]
    if refusals:
        return None, list(refusals)
    geometry = VolumeGeometry(shape, affine)
    worst = float(np.linalg.norm(residual, axis=1).max())
    notices: list[Notice] = [*_spacing(kept, geometry)]
    if worst > limits.JITTER_NOTE_MM:
        text = f"slice positions scatter by up to {worst:.3f} mm round an even step, which was fitted to all of them."
        notices.append(Finding(Level.WARNING, "CF-D006", text))
    return Stack(tuple(kept), geometry, place), notices


def _size(shape: tuple[int, int, int], kept: Sequence[Frame]) -> Iterator[DicomError]:
    need = 2 * shape[0] * shape[1] * shape[2]
    most = min(limits.MAX_VOLUME_BYTES, limits.memory_bytes() // 2)
    if need > most or shape[0] > limits.MAX_FRAMES:
        yield DicomError(
            "CF-D024",
            "the series is too large for one volume",
            where=name_some([f.label for f in kept], 1),
            measured=f"{shape[0]} x {shape[1]} x {shape[2]} voxels, {need / 2**30:.1f} GiB",
            expected=f"at most {most / 2**30:.1f} GiB and {limits.MAX_FRAMES} slices",
            advice="Export only the part of the body that is planned.",
        )


def _scatter(kept: Sequence[Frame], residual: FloatArray, step: FloatArray) -> Iterator[DicomError]:
    distance = np.linalg.norm(residual, axis=1)
    tolerance = gap_tolerance_mm(float(np.linalg.norm(step)))
    if distance.max() > tolerance:
        yield DicomError(
            "CF-D005b",
            "a slice lies beside the line through the others",
            where=kept[int(distance.argmax())].label,
            measured=f"{distance.max():.3f} mm off",
            expected=f"within {tolerance:.3f} mm",
            advice="Its position is wrong, or the table was moved; export the series again.",
        )


def _spacing(kept: Sequence[Frame], geometry: VolumeGeometry) -> Iterator[Notice]:
    step = geometry.slice_step_mm
    if not limits.MIN_SPACING_MM <= step <= limits.MAX_SPACING_MM:
        yield DicomError(
            "CF-D017b",
            "the step between slices is out of range",
            where=kept[0].label,
            measured=f"{step:.3f} mm",
            expected=f"{limits.MIN_SPACING_MM:g} to {limits.MAX_SPACING_MM:g} mm",
            advice="Choose a series with thinner slices.",
        )
    yield from odd_steps(step, representative(kept).slice_thickness_mm, [f.label for f in kept])
    if coarse := _coarse(geometry, representative(kept)):
        yield coarse


def _coarse(geometry: VolumeGeometry, frame: Frame) -> Finding | None:
    """Return one finding for all that makes a scan coarse: pixels, slices, tall voxels, kernel (rows 22, 23, 25)."""
    step, rows, columns = geometry.spacing_mm
    in_plane, thickness = max(rows, columns), max(step, frame.slice_thickness_mm or 0.0)
    ratio = max(step / min(rows, columns), in_plane / step)
    found = []
    if in_plane > limits.COARSE_PIXEL_MM or thickness > limits.COARSE_SLICE_MM:
        found.append(("CF-D022a", f"{in_plane:.2f} mm in the plane, slices of {thickness:.2f} mm"))
    if ratio > limits.ANISOTROPY_NOTE * (1 + limits.SAME_SPACING_TOLERANCE):  # 1.4 to 0.7 is not more than two
        found.append(("CF-D023", f"voxels {step:.2f} mm high and {in_plane:.2f} mm wide"))
    if is_soft(frame.kernel):
        found.append(("CF-D025a", f"a soft kernel ({frame.kernel})"))
    if not found:
        return None
    text = f"the scan is coarse for thin walls: {', '.join(words for _, words in found)}."
    advice = "A planning CT has about 0.5 x 0.5 x 1 mm and a bone kernel; diameters and walls are less certain here."
    return Finding(Level.WARNING, found[0][0], text, advice)


def _tilt(kept: Sequence[Frame]) -> Iterator[Notice]:
    """Yield what the angle between step and normal means (row 7), and that of the slices themselves (row 9)."""
    positions = np.array([f.position_lps for f in kept])
    heights = heights_mm(kept)
    assert heights is not None
    orientation = np.median([f.orientation for f in kept], axis=0)
    normal = np.cross(orientation[:3], orientation[3:])
    normal /= np.linalg.norm(normal)
    centred = heights - heights.mean()
    line = centred @ (positions - positions.mean(axis=0)) / (centred @ centred)  # its part along the normal is 1
    angle = float(np.degrees(np.arctan(np.linalg.norm(line - normal))))
    if angle > limits.TILT_LIMIT_DEG:
        yield DicomError(
            "CF-D007a",
            "the slices are sheared beyond any gantry tilt",
            where=kept[0].label,
            measured=f"{angle:.1f} degrees",
            expected=f"at most {limits.TILT_LIMIT_DEG:g} degrees",
            advice="Positions or orientation are wrong; export the series again.",
        )
    elif angle > limits.TILT_NOTE_DEG:
        text = f"the gantry was tilted by {angle:.1f} degrees; the shear is kept in the geometry."
        yield Finding(Level.WARNING, "CF-D007", text, "Lengths and angles stay true; the slices are no plane reformat.")
    oblique = float(np.degrees(np.arccos(min(1.0, abs(normal[2])))))
    told = HeaderReader(representative(kept).values).decimal("GantryDetectorTilt") or 0.0
    if min(abs(abs(told) - angle), abs(abs(told) - oblique)) > limits.TILT_TAG_NOTE_DEG:
        text = f"the header tells a gantry tilt of {told:g} degrees, the positions tell {angle:.1f}; these were used."
        advice = "If the positions lost the tilt, lengths and angles are wrong; export the original series."
        yield Finding(Level.WARNING, "CF-D007b", text, advice)
    if oblique > limits.OBLIQUE_NOTE_DEG:
        text = f"the slices stand {oblique:.0f} degrees off the axial plane."
        yield Finding(Level.WARNING, "CF-D009", text, "Prefer the original axial series where there is one.")


def strays_beside(stack: Stack, others: Sequence[Frame]) -> Iterator[Finding]:
    """Yield a warning if an image of another series continues the stack: it may belong to it (row 2)."""
    geometry, first = stack.geometry, stack.frames[0]
    corner = geometry.affine[:3, 3]
    step = geometry.affine[:3, 0]
    tolerance = gap_tolerance_mm(geometry.slice_step_mm)
    for frame in others:
        if frame.position_lps is None or frame.frame_of_reference_uid != first.frame_of_reference_uid:
            continue
        for k in (-1, geometry.shape[0]):
            if (
                frame.orientation == first.orientation
                and np.abs(frame.position_lps - (corner + k * step)).max() <= tolerance
            ):
                text = f"an image of another series continues the stack at its {'lower' if k < 0 else 'upper'} end"
                advice = "A slice may carry a wrong series UID; look whether the scan is complete."
                yield Finding(Level.WARNING, "CF-D002b", f"{text}: {frame.label}.", advice)
                return
