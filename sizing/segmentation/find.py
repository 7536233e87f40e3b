"""From a scan to the one residual bone that is planned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sizing.anatomy import Bone, Side
from sizing.errors import SegmentationError, UsageError
from sizing.findings import Finding, Level
from sizing.segmentation.axis import ShaftAxis
from sizing.segmentation.choose import choose_shaft, doubtful_name, guess_bone
from sizing.segmentation.ends import EndKind, describe_ends, proximal_direction
from sizing.segmentation.envelope import Envelope, build_envelope
from sizing.segmentation.locator import Locator, held_shaft
from sizing.segmentation.model import ResidualBone
from sizing.segmentation.resection import BoneAlongAxis, choose_resection
from sizing.segmentation.sections import map_sections
from sizing.segmentation.settings import SegmentationSettings
from sizing.segmentation.shafts import Shaft, find_shafts
from sizing.segmentation.slice_order import across_limb, axis_along_body, exchanged
from sizing.segmentation.tissue import METAL_HU, estimate_tissue
from sizing.volume import CtVolume

# Fewer voxels of metal than this are streak tips and clips.
_LEAST_METAL_VOXELS = 20
# Open sections no further apart than this are one breach.
_ONE_BREACH_MM = 15.0
# Where the bone is wider than this many times its shaft it is metaphysis.
_TUBULAR_SHARE = 1.4


def find_residual_bone(
    volume: CtVolume,
    *,
    bone: Bone | None = None,
    side: Side | None = None,
    distal: str | None = None,
    resect_at_mm: float | None = None,
    locator: Locator | None = None,
    settings: SegmentationSettings = SegmentationSettings(),  # noqa: B008 (frozen)
) -> ResidualBone:
    """Find the bone that is asked for, its side, its proximal direction and where it is cut.

    See ``docs/method/segmentation.md``.

    Parameters
    ----------
    volume : CtVolume
        The whole scan.
    bone : Bone, optional
        Which bone is meant; guessed only where the scan leaves no doubt.
    side : Side, optional
        Which side; by position (LPS x) if not given.
    distal : {"low", "high"}, optional
        Which end along +z (superior) is distal; from the anatomy if not given.
    resect_at_mm : float, optional
        Virtual amputation: facing plane this far above the lowest bone in the scan, along the bone's own axis.
    locator : Locator, optional
        A label map that says which bone is meant; its outline is found again at full resolution.
    settings : SegmentationSettings
        Thresholds and margins.

    Raises
    ------
    SegmentationError
        With a code CF-S… and the reason, if the bone cannot be told for certain.
    """
    if distal not in (None, "low", "high"):
        raise UsageError(f"distal is 'low' or 'high', got {distal!r}")
    asked = _Asked(bone, side, distal, resect_at_mm, locator)
    lengthwise = axis_along_body(volume.geometry)
    if lengthwise == 0:
        return _find(volume, asked, settings)
    return exchanged(_find(across_limb(volume, lengthwise), asked, settings), lengthwise)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the caller said of the bone; None where he left it to the scan."""

    bone: Bone | None
    side: Side | None
    distal: str | None
    resect_at_mm: float | None
    locator: Locator | None


def _find(volume: CtVolume, asked: _Asked, settings: SegmentationSettings) -> ResidualBone:
    """Find the bone in slices that cross the limb."""
    tissue = estimate_tissue(volume.hu)
    sections = map_sections(volume.hu, tissue.threshold_hu(settings.bone_share))
    shafts = find_shafts(sections, volume.geometry, tissue, settings)
    if not shafts:
        raise _no_shaft(volume, settings)
    bone = asked.bone or guess_bone(shafts)
    held = shafts if asked.locator is None else [held_shaft(asked.locator, shafts)]
    shaft, side, side_source = choose_shaft(held, bone, asked.side, volume.info.laterality, settings)
    end_hu = tissue.threshold_hu(settings.end_share)
    envelope = build_envelope(volume, sections, shaft, end_hu, settings.crop_margin_mm, asked.locator)
    ends = describe_ends(volume, envelope, shaft)
    proximal = proximal_direction(shaft, ends, bone, asked.distal)
    axis = ShaftAxis.of(shaft, proximal)
    body = _along_axis(volume, envelope, axis, shaft)
    distal_end = ends[0] if proximal @ shaft.direction_lps > 0 else ends[1]
    resection = choose_resection(body, distal_end, bone, side, asked.resect_at_mm)
    depth_of_height = -float(axis.heights(resection.plane.point_lps))
    findings = [
        *doubtful_name(shaft, shafts, bone),
        *resection.findings,
        *_cut_findings(body, bone, depth_of_height),
        *_bridge_findings(axis, shaft, envelope, depth_of_height),
        *_metal_findings(volume, envelope),
    ]
    return ResidualBone(
        mask=body.mask,
        geometry=envelope.geometry,
        crop_start=envelope.start,
        bone=bone,
        side=side,
        side_source=side_source,
        resection=resection.plane,
        resection_source=resection.source,
        proximal_lps=proximal,
        stump_removed_mm=resection.removed_mm,
        findings=tuple(findings),
        scanned_length_mm=body.highest_mm - body.lowest_mm,
        whole=all(end.kind is EndKind.JOINT for end in ends),
    )


def _no_shaft(volume: CtVolume, settings: SegmentationSettings) -> SegmentationError:
    metal = int(np.count_nonzero(volume.hu > METAL_HU))
    advice = "Choose a series that covers the shaft of the bone."
    if metal > _LEAST_METAL_VOXELS:
        advice += " There is metal in the scan: a nail or stem that fills the canal hides it."
    return SegmentationError(
        "CF-S002",
        "there is no long-bone shaft in this scan",
        expected=f"closed rings of cortex round marrow over at least {settings.min_shaft_mm:g} mm",
        advice=advice,
    )


def _along_axis(volume: CtVolume, envelope: Envelope, axis: ShaftAxis, shaft: Shaft) -> BoneAlongAxis:
    """Measure the bone along its axis, and take out the levels that the side of the field of view cuts."""
    mask = envelope.mask
    height = axis.height_grid(envelope.geometry)
    heights_mm = height[mask]
    # Voxels of the bone in the outermost rows and columns of the image.
    at_border = np.zeros_like(mask)
    for k in (1, 2):
        for place in (0, volume.hu.shape[k] - 1):
            if 0 <= place - envelope.start[k] < mask.shape[k]:
                face = (slice(None),) * k + (place - envelope.start[k],)
                at_border[face] = mask[face]
    cut_mm = height[at_border]
    middle = float(np.median(axis.height_mm))
    low = float(cut_mm[cut_mm < middle].max(initial=-np.inf))
    high = float(cut_mm[cut_mm >= middle].min(initial=np.inf))
    if len(cut_mm):
        mask = mask & (height > low) & (height < high)
    lowest, highest = float(heights_mm.min()), float(heights_mm.max())
    return BoneAlongAxis(mask, envelope.geometry, axis, shaft, lowest, highest, (low, high))


def _cut_findings(body: BoneAlongAxis, bone: Bone, depth_of_height: float) -> list[Finding]:
    findings = []
    for height, word in ((body.whole_mm[0], "below"), (body.whole_mm[1], "above")):
        if np.isfinite(height):
            depth = height + depth_of_height
            findings.append(
                Finding(
                    Level.WARNING,
                    "CF-S102",
                    f"the side of the field of view cuts the {bone} {word} the level {depth:.0f} mm; "
                    "nothing is measured there",
                    "Reconstruct the scan with a larger field of view if these levels matter.",
                    depth_mm=depth,
                )
            )
    return findings


def _bridge_findings(axis: ShaftAxis, shaft: Shaft, envelope: Envelope, depth_of_height: float) -> list[Finding]:
    """Name each group of neighbouring open sections once; in the metaphysis thin cortex is what is expected."""
    places = envelope.bridged
    if not len(places):
        return []
    heights = axis.heights(shaft.centres_lps[places])
    findings = []
    for group in np.split(np.arange(len(places)), np.flatnonzero(np.abs(np.diff(heights)) > _ONE_BREACH_MM) + 1):
        depths = np.sort(heights[group]) + depth_of_height
        tubular = shaft.near_area_mm2(int(places[group[0]])) < _TUBULAR_SHARE * shaft.width_mm2
        findings.append(
            Finding(
                Level.WARNING if tubular else Level.INFO,
                "CF-S103",
                f"the ring of cortex is open between {depths[0]:.0f} and {depths[-1]:.0f} mm above the facing level: "
                "a hole, or cortex too thin for this scan; the outline of the bone is bridged there",
                "Look at these levels in the scan.",
                depth_mm=float(depths.mean()),
            )
        )
    return findings


def _metal_findings(volume: CtVolume, envelope: Envelope) -> list[Finding]:
    crop = volume.hu[tuple(slice(s, s + n) for s, n in zip(envelope.start, envelope.mask.shape, strict=True))]
    voxels = int(np.count_nonzero(crop > METAL_HU))
    if voxels < _LEAST_METAL_VOXELS:
        return []
    return [
        Finding(
            Level.WARNING,
            "CF-S107",
            f"metal lies near the bone ({voxels} voxels above {METAL_HU} HU): HU and edges around it are not reliable",
            "Look at these slices; streaks can look like cortex.",
        )
    ]
