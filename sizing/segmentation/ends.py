"""What the two ends of a bone in a scan are, and which of them is distal."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from sizing.anatomy import Bone
from sizing.errors import SegmentationError
from sizing.geometry import FloatArray
from sizing.segmentation.envelope import Envelope
from sizing.segmentation.shafts import Shaft
from sizing.volume import CtVolume

# An end that is wider than this many times the shaft is a joint end; a stump with callus stays below.
_FLARE = 1.8
# How far from its end a bone is looked at for its flare.
_FLARE_REACH_MM = 70.0
# A bone leaves the scan if this share of the shaft's area lies in the scan's last slice.
_LEAVING_SHARE = 0.25
# If the rings reach this near to the scan's end it is the shaft that leaves, however wide.
_METAPHYSIS_MM = 15.0
# Short against long axis of the widest section: heads 0.8 to 1, the elbow end of a humerus 0.3 to 0.5.
_HEAD_ROUNDNESS = 0.65
# Steeper than this against +z there is no doubt which end of a leg bone is up.
_LEAST_RISE = 0.25


class EndKind(StrEnum):
    """What a bone does where it ends in the scan."""

    SCAN = "scan"  # leaves through the first or last slice
    SIDE = "side"  # leaves through the side of the field of view
    JOINT = "joint"
    FREE = "free"  # ends inside the scan without a joint: a stump
    LOST = "lost"  # merges with something that it could not be told from


@dataclass(frozen=True)
class BoneEnd:
    """One end of a bone: what it is, and its widest section there.

    Attributes
    ----------
    kind : EndKind
    flare : float
        Largest area near the end against the shaft's.
    roundness : float
        Short against long axis of that section.
    """

    kind: EndKind
    flare: float
    roundness: float


def describe_ends(volume: CtVolume, envelope: Envelope, shaft: Shaft) -> tuple[BoneEnd, BoneEnd]:
    """Return the ends towards slice 0 and towards the last slice."""
    step = volume.geometry.slice_step_mm
    cosine = abs(float(shaft.direction_lps @ volume.geometry.slice_normal_lps))
    area = envelope.mask.sum(axis=(1, 2)) * (volume.geometry.voxel_volume_mm3 / step * cosine)
    share = area / shaft.width_mm2
    filled = np.flatnonzero(area)
    reach = round(_FLARE_REACH_MM * cosine / step)
    ends = []
    for upwards in (False, True):
        last = int(filled[-1] if upwards else filled[0])
        near = slice(max(last - reach, 0), last + 1) if upwards else slice(last, last + reach + 1)
        widest = near.start + int(np.argmax(share[near]))
        flare = float(share[widest])
        at_scan_end = envelope.start[0] + last == (volume.hu.shape[0] - 1 if upwards else 0)
        ring_to_the_end = envelope.slab_mm(upwards, step) < _METAPHYSIS_MM
        if shaft.cut[-1 if upwards else 0]:
            kind = EndKind.SIDE
        elif at_scan_end and share[last] > _LEAVING_SHARE and (ring_to_the_end or flare < _FLARE):
            kind = EndKind.SCAN
        elif not (envelope.upper_told if upwards else envelope.lower_told):
            kind = EndKind.LOST
        else:
            kind = EndKind.JOINT if flare > _FLARE else EndKind.FREE
        ends.append(BoneEnd(kind, flare, _roundness(envelope, widest)))
    return ends[0], ends[1]


def _roundness(envelope: Envelope, slice_index: int) -> float:
    index = np.argwhere(envelope.mask[slice_index]) * np.array(envelope.geometry.spacing_mm[1:])
    if len(index) < 3:
        return float("nan")
    short, long = np.linalg.eigvalsh(np.cov(index.T))
    return float(np.sqrt(max(short, 0.0) / long))


def proximal_direction(shaft: Shaft, ends: tuple[BoneEnd, BoneEnd], bone: Bone, distal: str | None) -> FloatArray:
    """Return the unit vector from distal to proximal.

    A free end is distal. A leg bone's upper end is proximal; an arm may lie above the head, so a humerus is read
    from its head (wide and round) or its elbow end (wide and flat).

    Raises
    ------
    SegmentationError
        CF-S008 if the scan does not say.
    """
    towards_last = shaft.direction_lps
    upwards = towards_last if towards_last[2] > 0 else -towards_last
    if distal is not None:
        return upwards if distal == "low" else -upwards
    free = [end.kind is EndKind.FREE for end in ends]
    by_anatomy = None
    if free[0] != free[1]:
        by_anatomy = towards_last if free[0] else -towards_last
    if bone is Bone.HUMERUS:
        by_anatomy = by_anatomy if by_anatomy is not None else _by_head(towards_last, ends)
        if by_anatomy is None:
            raise _unknown("neither a head nor a stump of the humerus is in the scan, and an arm may lie either way")
        return by_anatomy
    if by_anatomy is not None and by_anatomy @ upwards < 0 and abs(towards_last[2]) > _LEAST_RISE:
        raise _unknown(f"the free end of the {bone} points to the head, its joint end to the feet")
    if by_anatomy is None and abs(towards_last[2]) < _LEAST_RISE:
        raise _unknown(f"the {bone} lies across the body")
    return by_anatomy if by_anatomy is not None else upwards


def _by_head(towards_last: FloatArray, ends: tuple[BoneEnd, BoneEnd]) -> FloatArray | None:
    """Return the direction to the head of a humerus, or away from its elbow end; None if neither is there.

    A head must be seen to end: a wide round section that leaves the scan may belong to either end.
    """
    score = []
    for end in ends:
        wide = end.flare > _FLARE and end.kind is not EndKind.LOST
        round_end = end.roundness > _HEAD_ROUNDNESS
        score.append(0 if not wide or (round_end and end.kind is not EndKind.JOINT) else (1 if round_end else -1))
    if score[0] == score[1]:
        return None
    return towards_last if score[1] > score[0] else -towards_last


def _unknown(what: str) -> SegmentationError:
    return SegmentationError(
        "CF-S008",
        f"which end is distal cannot be told: {what}",
        advice="Give --distal low or high (along the patient's feet-to-head axis).",
    )
