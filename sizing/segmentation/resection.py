"""Where the bone is cut: at the level asked for, at the end of a stump, or at the lowest level that the scan covers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sizing.anatomy import Bone, Side
from sizing.errors import SegmentationError
from sizing.findings import Finding, Level
from sizing.geometry import Plane, VolumeGeometry
from sizing.segmentation.axis import ShaftAxis
from sizing.segmentation.ends import BoneEnd, EndKind
from sizing.segmentation.shafts import Shaft
from sizing.segmentation.stump import find_stump_end

# A shorter lid on the canal than this is the blur of a flat end.
_CLOSED_MM = 4.0


@dataclass(frozen=True)
class Resection:
    """Facing plane, where it comes from, its height above the lowest bone, and what was noticed."""

    plane: Plane
    source: str
    removed_mm: float
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class BoneAlongAxis:
    """What the choice of a level needs to know of the bone.

    Attributes
    ----------
    mask : (slice, row, column) bool array
        Without the levels that the side of the field of view cuts.
    geometry : VolumeGeometry
        Of the mask.
    axis : ShaftAxis
    shaft : Shaft
    lowest_mm, highest_mm : float
        Heights of the lowest and highest bone in the scan, cut or not.
    whole_mm : tuple of float
        Heights between which no side of the field of view cuts the bone.
    """

    mask: NDArray[np.bool_]
    geometry: VolumeGeometry
    axis: ShaftAxis
    shaft: Shaft
    lowest_mm: float
    highest_mm: float
    whole_mm: tuple[float, float]


def choose_resection(
    body: BoneAlongAxis, distal_end: BoneEnd, bone: Bone, side: Side, resect_at_mm: float | None
) -> Resection:
    """Return the facing plane.

    Raises
    ------
    SegmentationError
        CF-S009 if the level asked for is not inside bone that the scan covers.
    """
    if resect_at_mm is not None:
        height = body.lowest_mm + resect_at_mm
        _check_level(body, bone, height, resect_at_mm)
        return _at(body, height, "virtual", ())
    if distal_end.kind is EndKind.FREE:
        stump = find_stump_end(body.mask, body.geometry, body.axis, side)
        findings = (*stump.findings, *_closed_end(body))
        return _at(replace(body, axis=stump.axis), stump.facing_mm, "stump end", findings)
    if distal_end.kind in (EndKind.SCAN, EndKind.SIDE):
        finding = Finding(
            Level.WARNING,
            "CF-S101",
            f"the distal end of the {bone} is not in the scan: it leaves through "
            + ("its last slice" if distal_end.kind is EndKind.SCAN else "the side of the field of view"),
            "The facing level was set at the lowest section that is wholly covered; give --resect-at for another.",
        )
        return _at(body, _lowest_covered(body), "scan end", (finding,))
    what = "is a joint, not a stump" if distal_end.kind is EndKind.JOINT else "cannot be told from what touches it"
    finding = Finding(
        Level.WARNING,
        "CF-S106",
        f"the distal end of the {bone} {what}",
        "The facing level was set where the shaft begins; give --resect-at for a virtual amputation.",
    )
    return _at(body, float(body.axis.height_mm[0]), "shaft end", (finding,))


def _at(body: BoneAlongAxis, height_mm: float, source: str, findings: tuple[Finding, ...]) -> Resection:
    axis = body.axis
    plane = Plane(axis.centre_at(height_mm), axis.direction_above(height_mm))
    return Resection(plane, source, max(height_mm - body.lowest_mm, 0.0), findings)


def _closed_end(body: BoneAlongAxis) -> list[Finding]:
    """Tell that the canal is closed by bone at the end of a stump, and over what length."""
    rings = body.axis.heights(body.shaft.centres_lps[body.shaft.ring & ~body.shaft.cut])
    length = float(rings.min() - body.axis.height_mm[0]) if len(rings) else 0.0
    if length < _CLOSED_MM:
        return []
    return [
        Finding(
            Level.WARNING,
            "CF-S108",
            f"the canal is closed by bone over the lowest {length:.0f} mm of the stump",
            "It has to be opened before a reamer can follow the canal.",
            depth_mm=length,
        )
    ]


def _lowest_covered(body: BoneAlongAxis) -> float:
    """Return the height of the lowest perpendicular section that neither an end slice nor a side cuts."""
    cosine = min(abs(float(body.axis.proximal_lps @ body.geometry.slice_normal_lps)), 1.0)
    corner = body.shaft.radius_mm * float(np.sqrt(1 - cosine**2)) / cosine
    return max(float(body.axis.height_mm[0]) + corner, body.whole_mm[0])


def _check_level(body: BoneAlongAxis, bone: Bone, height: float, asked_mm: float) -> None:
    low, high = body.whole_mm
    if not body.lowest_mm <= height < body.highest_mm:
        raise SegmentationError(
            "CF-S009",
            f"the resection level lies outside the {bone} in the scan",
            measured=f"{asked_mm:g} mm above its lowest bone",
            expected=f"0 to {body.highest_mm - body.lowest_mm:.0f} mm",
            advice="Choose a level inside the bone that is in the scan.",
        )
    if not low <= height < high:
        raise SegmentationError(
            "CF-S009",
            f"the resection level lies where the side of the field of view cuts the {bone}",
            measured=f"{asked_mm:g} mm above its lowest bone",
            expected=f"{max(low - body.lowest_mm, 0):.0f} to {min(high, body.highest_mm) - body.lowest_mm:.0f} mm",
            advice="Choose a level inside the field of view.",
        )
