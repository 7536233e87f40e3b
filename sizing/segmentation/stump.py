"""The end of a real stump: where to face it, and what sticks out below and beside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.anatomy import Side, direction_word
from sizing.findings import Finding, Level
from sizing.geometry import FloatArray, VolumeGeometry, unit
from sizing.segmentation.axis import ShaftAxis

# A section is whole again where it holds this share of the shaft's area.
_WHOLE_AREA = 0.85
# The shaft's own area and outline are taken from this part of it, above the end.
_REFERENCE_MM = (15.0, 65.0)
# Bone that reaches further below the facing level than this is told: less is the blur and the saw.
_SPUR_MM = 4.0
# An outgrowth stands out this far from the outline of the shaft above it, over what the shaft widens all round, and
# has at least this volume: less is noise of the mask's surface.
_OUTSIDE_MM = 2.5
_OUTGROWTH_MM3 = 60.0
_SECTORS = 24
# Below this offset against the shaft's radius bone sticks out all round (a rounded end), not to one side.
_ONE_SIDED = 0.3


@dataclass(frozen=True)
class StumpEnd:
    """Facing level of a stump (height on the shaft's axis), the axis without the end, and what was noticed there."""

    facing_mm: float
    axis: ShaftAxis
    findings: tuple[Finding, ...]


def find_stump_end(mask: NDArray[np.bool_], geometry: VolumeGeometry, axis: ShaftAxis, side: Side) -> StumpEnd:
    """Propose the facing level: the lowest section that is whole, and whole all the way above.

    Parameters
    ----------
    mask : (slice, row, column) bool array
        The bone's solid.
    geometry : VolumeGeometry
        Of the mask.
    axis : ShaftAxis
        Heights grow proximally.
    side : Side
        For medial and lateral.
    """
    points = _points_below(mask, geometry, axis, float(axis.height_mm[0]) + sum(_REFERENCE_MM))
    height = axis.heights(points)
    tip = float(height.min())
    # Only the end matters; a bin holds at least one slice.
    step = max(1.0, geometry.slice_step_mm * abs(float(axis.proximal_lps @ geometry.slice_normal_lps)))
    shaft_start = float(axis.height_mm[0])
    bins = np.arange(tip, shaft_start + _REFERENCE_MM[1] + step, step)
    area = np.histogram(height, bins)[0] * geometry.voxel_volume_mm3 / step
    middle = (bins[:-1] + bins[1:]) / 2
    reference = area[(middle > shaft_start + _REFERENCE_MM[0]) & (middle < shaft_start + _REFERENCE_MM[1])]
    usual = float(np.median(reference if len(reference) else area))
    broken = np.flatnonzero((area < _WHOLE_AREA * usual) & (middle < shaft_start + _REFERENCE_MM[0]))
    first_whole = int(broken[-1]) + 1 if len(broken) else 0
    facing = float(bins[first_whole])
    shaft_axis = axis.above(facing + _REFERENCE_MM[0])

    radial = points - shaft_axis.centre_at(height)
    radial -= (radial @ axis.proximal_lps)[:, None] * axis.proximal_lps
    findings = [
        *_below(height, radial, facing, usual, side),
        *_beside(height - facing, radial, axis.proximal_lps, geometry.voxel_volume_mm3, side),
    ]
    return StumpEnd(facing, shaft_axis, tuple(findings))


def _points_below(mask: NDArray[np.bool_], geometry: VolumeGeometry, axis: ShaftAxis, top_mm: float) -> FloatArray:
    """Return the mask's points (k, 3) LPS in the slices that reach below a height; the rest has no say in a stump."""
    corners = np.array([[r, c] for r in (0, mask.shape[1] - 1) for c in (0, mask.shape[2] - 1)])
    slices = np.arange(len(mask))
    index = np.concatenate([np.column_stack([slices, np.tile(corner, (len(mask), 1))]) for corner in corners])
    lowest = axis.heights(geometry.index_to_lps(index)).reshape(len(corners), -1).min(axis=0)
    kept = np.flatnonzero(lowest < top_mm)
    first, last = int(kept[0]), int(kept[-1]) + 1
    flat = np.flatnonzero(mask[first:last])
    s, r, c = np.unravel_index(flat, (last - first, *mask.shape[1:]))
    return geometry.index_to_lps(np.column_stack([s + first, r, c]))


def _word(vectors: FloatArray, radius_mm: float, side: Side) -> str | None:
    """Return the side to which points (k, 3) about the axis lie, or None if all round."""
    mean = vectors.mean(axis=0)
    if np.linalg.norm(mean[:2]) < _ONE_SIDED * radius_mm:
        return None
    return direction_word(mean, side)


def _below(height: FloatArray, radial: FloatArray, facing: float, usual_mm2: float, side: Side) -> list[Finding]:
    below = height < facing
    length = facing - float(height.min())
    if length < _SPUR_MM or not below.any():
        return []
    low = height < height.min() + length / 2
    word = _word(radial[low], float(np.sqrt(usual_mm2 / np.pi)), side)
    where = f"on the {word} side" if word else "all round"
    what = "spur or oblique end" if word else "rounded end"
    return [
        Finding(
            Level.WARNING,
            "CF-S104",
            f"bone reaches {length:.0f} mm below the facing level {where} ({what}); facing removes it",
            "Check the proposed facing level; give --resect-at for another.",
            depth_mm=-length,
            direction=word,
        )
    ]


def _beside(
    depth: FloatArray, radial: FloatArray, proximal_lps: FloatArray, voxel_mm3: float, side: Side
) -> list[Finding]:
    """Compare the outline near the end with that of the shaft above, sector by sector."""
    near = (depth >= 0) & (depth < _REFERENCE_MM[0])
    above = (depth >= _REFERENCE_MM[0]) & (depth < _REFERENCE_MM[1])
    u = unit(np.cross(proximal_lps, np.eye(3)[int(np.argmin(np.abs(proximal_lps)))]))
    v = np.cross(proximal_lps, u)
    turns = np.arctan2(radial @ v, radial @ u) / (2 * np.pi)
    sector = np.floor(turns * _SECTORS).astype(int) % _SECTORS
    distance = np.linalg.norm(radial, axis=1)
    outline, end = np.zeros(_SECTORS), np.zeros(_SECTORS)
    np.maximum.at(outline, sector[above], distance[above])
    np.maximum.at(end, sector[near], distance[near])
    flare = max(float(np.median(end - outline)), 0.0)
    excess = np.where(near, distance - outline[sector] - flare, 0.0)
    out = (excess > _OUTSIDE_MM) & (outline[sector] > 0)
    volume_mm3 = float(out.sum()) * voxel_mm3
    if volume_mm3 < _OUTGROWTH_MM3:
        return []
    word = _word(radial[out], float(outline.mean()), side)
    where = f"on the {word} side" if word else "round the end"
    return [
        Finding(
            Level.WARNING,
            "CF-S105",
            f"an outgrowth stands out {excess.max():.0f} mm from the shaft {where}",
            "It is part of the mask; think of removing it before facing.",
            depth_mm=float(depth[out].mean()),
            direction=word,
        )
    ]
