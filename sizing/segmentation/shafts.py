"""Long-bone shafts: chains of closed rings of cortex, section above section."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.geometry import FloatArray, VolumeGeometry, unit
from sizing.segmentation.sections import SectionMap
from sizing.segmentation.settings import SegmentationSettings
from sizing.segmentation.tissue import ScanTissue

# A shaft's solid cross-section: thinner are fingers, toes and calcified vessels, wider are tables and pelves.
_AREA_RANGE_MM2 = (60.0, 6000.0)
# A ring's hole must be larger than this to be a canal, not a pore.
_LEAST_HOLE_MM2 = 12.0
# From one slice to the next a shaft changes little; a bigger step is another bone that joins. A breach opens the ring,
# so that its hole is lost and its area falls, but its outline keeps the same box.
_LARGEST_AREA_STEP = 2.0
_LARGEST_BOX_STEP = 1.4
# Share of a chain's sections that must be closed rings: a breach or a closed canal may interrupt, no more.
_LEAST_RING_SHARE = 0.5
# Rings may be interrupted by a thin spot; longer only by a breach or a plug of bone, with the same shaft beyond it.
_LONGEST_GAP_MM = 12.0
_LONGEST_BREACH_MM = 40.0
_SAME_AREA_ACROSS_GAP = 1.3
# Marrow against wall, both above soft tissue: about 0.1 in shafts, 0.6 in rami, vertebrae and other cancellous bone.
_LARGEST_MARROW_SHARE = 0.4
# A shaft is longer than wide; a head, which has rings too, is not. A bone that the image's edge cuts open shows no
# ring, so that its length must speak for it.
_SLENDERNESS = 1.3
_CUT_SHAFT_SLENDERNESS = 3.0
# Sections wider than this many times the shaft's slender part are metaphysis: their centres drift off the axis.
_TUBULAR_AREA = 1.5


@dataclass(frozen=True, eq=False)
class Shaft:
    """One chain of sections.

    Attributes
    ----------
    sections : (m,) int array
        Numbers in the `SectionMap`, from the lowest slice to the highest.
    centres_lps : (m, 3) array
    area_mm2 : (m,) array
        Solid area of each section, perpendicular to the shaft.
    ring, cut : (m,) bool array
        Closed rings; sections that the side of the field of view cuts.
    direction_lps : (3,) array
        Unit vector of the straight line through the tubular part, pointing to the last section.
    """

    sections: NDArray[np.intp]
    centres_lps: FloatArray
    area_mm2: FloatArray
    ring: NDArray[np.bool_]
    cut: NDArray[np.bool_]
    direction_lps: FloatArray

    @property
    def middle_lps(self) -> FloatArray:
        """Mean of the centres."""
        return np.asarray(self.centres_lps.mean(axis=0))

    @property
    def length_mm(self) -> float:
        """Distance from the first to the last centre."""
        return float(np.linalg.norm(self.centres_lps[-1] - self.centres_lps[0]))

    @property
    def width_mm2(self) -> float:
        """Median area, for comparing bones."""
        return float(np.median(self.area_mm2))

    def near_area_mm2(self, place: int) -> float:
        """Return the area of the closed section that is nearest in the chain to a place."""
        closed = np.flatnonzero(self.ring)
        return float(self.area_mm2[closed[np.argmin(np.abs(closed - place))]])

    @property
    def radius_mm(self) -> float:
        """Radius of a circle of the median area."""
        return float(np.sqrt(self.width_mm2 / np.pi))

    @property
    def whole_length_mm(self) -> float:
        """Length of the longest run of sections that no side of the field of view cuts."""
        edges = np.flatnonzero(np.diff(np.concatenate([[True], self.cut, [True]]).astype(np.int8)))
        lengths = [
            float(np.linalg.norm(self.centres_lps[b - 1] - self.centres_lps[a]))
            for a, b in zip(edges[::2], edges[1::2], strict=True)
        ]
        return max(lengths, default=0.0)


def _mutual_best(sections: SectionMap) -> dict[int, int]:
    """Link each section to the one above it, where each is the other's best and both are alike."""
    lower, upper, shared = sections.links.T
    order = np.argsort(shared, kind="stable")  # the largest overlap is written last and stays
    n = len(sections.area)
    best_above, best_below = np.full(n, -1), np.full(n, -1)
    best_above[lower[order]] = upper[order]
    best_below[upper[order]] = lower[order]
    a = np.flatnonzero(best_above >= 0)
    a = a[best_below[best_above[a]] == a]
    b = best_above[a]
    box = (sections.box[:, [1, 3]] - sections.box[:, [0, 2]] + 1).astype(np.float64)
    same_area = np.maximum(sections.area[a], sections.area[b]) < _LARGEST_AREA_STEP * np.minimum(
        sections.area[a], sections.area[b]
    )
    same_box = (np.maximum(box[a], box[b]) < _LARGEST_BOX_STEP * np.minimum(box[a], box[b])).all(axis=1)
    alike = same_area | same_box
    return dict(zip(a[alike].tolist(), b[alike].tolist(), strict=True))


def _chains(sections: SectionMap) -> list[list[int]]:
    following = _mutual_best(sections)
    chains = []
    for head in sorted(set(following) - set(following.values())):
        chain = [head]
        while chain[-1] in following:
            chain.append(following[chain[-1]])
        chains.append(chain)
    return chains


def find_shafts(
    sections: SectionMap, geometry: VolumeGeometry, tissue: ScanTissue, settings: SegmentationSettings
) -> list[Shaft]:
    """Return all shafts in the scan, longest first.

    A shaft is a chain of sections, each lying on the one before, of which most are closed rings round marrow, with
    a wall as bright as cortex, longer than ``settings.min_shaft_mm``. Shafts that the side of the field of view
    cuts are among them: who asks for them must hear why they cannot be used.
    """
    pixel_mm2 = float(np.linalg.norm(np.cross(geometry.affine[:3, 1], geometry.affine[:3, 2])))
    area_mm2 = sections.area * pixel_mm2
    hole_mm2 = area_mm2 - sections.bone_area * pixel_mm2
    usual = (area_mm2 > _AREA_RANGE_MM2[0]) & (area_mm2 < _AREA_RANGE_MM2[1])
    ring = usual & (hole_mm2 > _LEAST_HOLE_MM2)
    cut = usual & sections.touches_border
    shafts = []
    for chain in _chains(sections):
        members = _shaft_run(np.array(chain), ring, cut, area_mm2, geometry.slice_step_mm)
        if len(members) < 2:
            continue
        shaft = _measure(sections, members, geometry, area_mm2, ring, cut)
        if shaft.length_mm >= settings.min_shaft_mm and _is_shaft(sections, shaft, tissue, settings):
            shafts.append(shaft)
    return sorted(shafts, key=lambda shaft: -shaft.length_mm)


def _shaft_run(
    chain: NDArray[np.intp], ring: NDArray[np.bool_], cut: NDArray[np.bool_], area: FloatArray, step_mm: float
) -> NDArray[np.intp]:
    """Return the longest part of a chain that is one shaft, with the cut sections that go on from its ends."""
    whole = np.flatnonzero(ring[chain] & ~cut[chain])
    if not len(whole):
        return chain[cut[chain]]
    before, after = area[chain[whole[:-1]]], area[chain[whole[1:]]]
    same_bone = np.maximum(before, after) < _SAME_AREA_ACROSS_GAP * np.minimum(before, after)
    gap_mm = (np.diff(whole) - 1) * step_mm
    broken = gap_mm > np.where(same_bone, _LONGEST_BREACH_MM, _LONGEST_GAP_MM)
    part = max(np.split(whole, np.flatnonzero(broken) + 1), key=lambda p: p[-1] - p[0])
    first, last = int(part[0]), int(part[-1])
    # A sclerosed end has no canal, but the same outline; and what the field of view cuts belongs to the bone too.
    end_area = area[chain[first]], area[chain[last]]
    while first > 0 and _goes_on(chain[first - 1], end_area[0], area, cut):
        first -= 1
    while last < len(chain) - 1 and _goes_on(chain[last + 1], end_area[1], area, cut):
        last += 1
    return chain[first : last + 1]


def _goes_on(section: int, end_area: float, area: FloatArray, cut: NDArray[np.bool_]) -> bool:
    ratio = area[section] / end_area
    return bool(cut[section] or 1 / _SAME_AREA_ACROSS_GAP < ratio < _SAME_AREA_ACROSS_GAP)


def _measure(
    sections: SectionMap,
    members: NDArray[np.intp],
    geometry: VolumeGeometry,
    area_mm2: FloatArray,
    ring: NDArray[np.bool_],
    cut: NDArray[np.bool_],
) -> Shaft:
    index = np.column_stack([sections.slice_index[members], sections.centre[members]])
    centres = geometry.index_to_lps(index)
    area = area_mm2[members]
    tubular = (area <= _TUBULAR_AREA * np.percentile(area, 25)) & ~cut[members]
    direction = _line_direction(centres[tubular] if tubular.sum() >= 2 else centres)
    cosine = abs(float(direction @ geometry.slice_normal_lps))
    return Shaft(members, centres, area * cosine, ring[members], cut[members], direction)


def _is_shaft(sections: SectionMap, shaft: Shaft, tissue: ScanTissue, settings: SegmentationSettings) -> bool:
    contrast_hu = tissue.cortex_hu - tissue.soft_hu
    wall_hu = float(np.median(sections.bone_hu[shaft.sections])) - tissue.soft_hu
    slenderness = shaft.length_mm / (2 * shaft.radius_mm)
    if wall_hu < settings.min_cortex_share * contrast_hu:
        return False
    whole_ring = shaft.ring & ~shaft.cut
    if whole_ring.mean() >= _LEAST_RING_SHARE:
        marrow_hu = float(np.median(sections.hole_hu[shaft.sections[whole_ring]])) - tissue.soft_hu
        return marrow_hu < _LARGEST_MARROW_SHARE * wall_hu and slenderness > _SLENDERNESS
    return bool(shaft.cut.any()) and slenderness > _CUT_SHAFT_SLENDERNESS


def _line_direction(points: FloatArray) -> FloatArray:
    """Return the unit direction of the least-squares line through points (m, 3), from first to last."""
    _, _, axes = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    direction = unit(axes[0])
    return direction if direction @ (points[-1] - points[0]) > 0 else -direction
