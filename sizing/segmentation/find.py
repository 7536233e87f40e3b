"""From a scan to the one residual bone that is planned."""

from __future__ import annotations

import numpy as np

from sizing.anatomy import Bone, Side
from sizing.errors import SegmentationError
from sizing.findings import Finding, Level
from sizing.geometry import FloatArray, Plane, VolumeGeometry
from sizing.segmentation.model import ResidualBone
from sizing.segmentation.sections import SectionMap, map_sections
from sizing.segmentation.settings import SegmentationSettings
from sizing.segmentation.shafts import Shaft, find_shafts
from sizing.segmentation.tissue import estimate_tissue
from sizing.volume import CtVolume


def find_residual_bone(
    volume: CtVolume,
    *,
    bone: Bone | None = None,
    side: Side | None = None,
    distal: str | None = None,
    resect_at_mm: float | None = None,
    settings: SegmentationSettings = SegmentationSettings(),  # noqa: B008 (frozen)
) -> ResidualBone:
    """Find the bone that is asked for, its side, its proximal direction and where it is cut.

    Parameters
    ----------
    volume : CtVolume
        The whole scan.
    bone : Bone
        Which bone is meant.
    side : Side, optional
        Which side; by position (LPS x) if not given.
    distal : {"low", "high"}, optional
        Which end along +z (superior) is distal; from the anatomy if not given.
    resect_at_mm : float, optional
        Virtual amputation: facing plane this far above the lowest bone in the scan, along the bone's own axis.
    settings : SegmentationSettings
        Thresholds and margins.

    Raises
    ------
    SegmentationError
        With a code CF-S… and the reason, if the bone cannot be told for certain.
    """
    if bone is None:
        raise SegmentationError(
            "CF-S010", "the scan does not say which bone is meant", advice="Name it: --bone femur, tibia or humerus."
        )
    tissue = estimate_tissue(volume.hu)
    sections = map_sections(volume.hu, tissue.threshold_hu(settings.bone_share))
    shafts = find_shafts(sections, volume.geometry, tissue, settings)
    shaft = _choose(shafts, side, settings)
    side, side_source = _side(shaft, side, settings)
    proximal = shaft.direction_lps if shaft.direction_lps[2] > 0 else -shaft.direction_lps
    if distal == "high":
        proximal = -proximal
    mask, crop_start, geometry = _crop(sections, shaft, volume.geometry, settings)
    heights = (geometry.index_to_lps(np.argwhere(mask)) - shaft.middle_lps) @ proximal
    lowest = float(heights.min())
    findings: list[Finding] = []
    if resect_at_mm is None:
        cut_at = _lowest_covered(shaft, proximal, volume.geometry)
        findings.append(
            Finding(
                Level.WARNING,
                "CF-S101",
                "the distal end of the bone is not in the scan: it leaves through the last slice",
                "Facing level set at the lowest section that is wholly covered; give --resect-at for another.",
            )
        )
    else:
        cut_at = lowest + resect_at_mm
        if not lowest <= cut_at < float(heights.max()):
            raise SegmentationError(
                "CF-S009",
                "the resection level lies outside the bone",
                measured=f"{resect_at_mm:g} mm above its lowest point",
                expected=f"0 to {heights.max() - lowest:.0f} mm",
                advice="Choose a level inside the bone that is in the scan.",
            )
    return ResidualBone(
        mask=mask,
        geometry=geometry,
        crop_start=crop_start,
        bone=bone,
        side=side,
        side_source=side_source,
        resection=Plane(_axis_point(shaft, proximal, cut_at), proximal),
        resection_source="stump end" if resect_at_mm is None else "virtual",
        proximal_lps=proximal,
        stump_removed_mm=cut_at - lowest,
        findings=tuple(findings),
    )


def _choose(shafts: list[Shaft], side: Side | None, settings: SegmentationSettings) -> Shaft:
    if not shafts:
        raise SegmentationError(
            "CF-S002",
            "there is no long-bone shaft in this scan",
            expected=f"closed rings of cortex over at least {settings.min_shaft_mm:g} mm",
            advice="Choose a series that covers the shaft of the bone.",
        )
    # Of bones that lie side by side the thick one is meant (tibia, not fibula).
    thickest = max(shaft.area_mm2 for shaft in shafts)
    thick = [shaft for shaft in shafts if shaft.area_mm2 > thickest / 2]
    if side is not None and len(thick) > 1:
        thick = [s for s in thick if s.middle_lps[0] * side.lateral_x > 0] or thick
    if max(s.middle_lps[0] for s in thick) > 0 > min(s.middle_lps[0] for s in thick):
        raise SegmentationError(
            "CF-S005", "the bone is there on both sides", advice="Say which one is meant: --side left or right."
        )
    shaft = thick[0]
    if shaft.border_share > settings.max_border_share:
        raise SegmentationError(
            "CF-S003",
            "the side of the field of view cuts through the bone",
            measured=f"{shaft.border_share:.0%} of its sections cut",
            advice="Reconstruct the scan with a field of view that holds the whole bone.",
        )
    return shaft


def _side(shaft: Shaft, side: Side | None, settings: SegmentationSettings) -> tuple[Side, str]:
    x = float(shaft.middle_lps[0])
    by_position = Side.LEFT if x > 0 else Side.RIGHT
    if side is None:
        if abs(x) < settings.midline_mm:
            raise SegmentationError(
                "CF-S007",
                "the side cannot be told from the position of the bone",
                measured=f"{x:.0f} mm from the middle of the scanner",
                advice="Give --side left or right.",
            )
        return by_position, "position"
    return side, "given"


def _crop(
    sections: SectionMap, shaft: Shaft, geometry: VolumeGeometry, settings: SegmentationSettings
) -> tuple[np.ndarray, tuple[int, int, int], VolumeGeometry]:
    box = sections.box[shaft.sections]
    slices = sections.slice_index[shaft.sections]
    low = np.array([slices.min(), box[:, 0].min(), box[:, 2].min()])
    high = np.array([slices.max(), box[:, 1].max(), box[:, 3].max()]) + 1
    margin = np.ceil(settings.crop_margin_mm / np.array(geometry.spacing_mm)).astype(int)
    start = np.maximum(low - margin, 0)
    stop = np.minimum(high + margin, geometry.shape)
    first, last = tuple(int(i) for i in start), tuple(int(i) for i in stop)
    wanted = np.zeros(len(sections.area), np.bool_)
    wanted[shaft.sections] = True
    mask = sections.paint(wanted, first, last)  # type: ignore[arg-type]
    return mask, first, geometry.cropped(first, last)  # type: ignore[arg-type, return-value]


def _axis_point(shaft: Shaft, proximal: FloatArray, at_mm: float) -> FloatArray:
    """Return the shaft's centre at a height along its straight axis, (3,) LPS."""
    height = (shaft.centres_lps - shaft.middle_lps) @ proximal
    order = np.argsort(height)
    base = np.stack([np.interp(at_mm, height[order], shaft.centres_lps[order, k]) for k in range(3)])
    # Keep the height exact where the interpolation had to hold the end value.
    return base + (at_mm - (base - shaft.middle_lps) @ proximal) * proximal


def _lowest_covered(shaft: Shaft, proximal: FloatArray, geometry: VolumeGeometry) -> float:
    """Return the height of the lowest perpendicular section that no end slice cuts."""
    heights = (shaft.centres_lps - shaft.middle_lps) @ proximal
    cosine = abs(float(proximal @ geometry.slice_normal_lps))
    radius = float(np.sqrt(shaft.area_mm2 / np.pi))
    return float(heights.min()) + radius * float(np.sqrt(1 - cosine**2)) / cosine
