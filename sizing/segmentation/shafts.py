"""Long-bone shafts: chains of closed rings of cortex, section above section."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.geometry import FloatArray, VolumeGeometry, unit
from sizing.segmentation.sections import SectionMap
from sizing.segmentation.settings import SegmentationSettings
from sizing.segmentation.tissue import ScanTissue

# A shaft's cross-section, perpendicular to it: thinner are toes, fingers and vessels, wider are tables and pelves.
_AREA_RANGE_MM2 = (60.0, 6000.0)
# A ring's hole must be larger than this to be a canal, not a pore.
_LEAST_HOLE_MM2 = 12.0
# What is in a canal is marrow or fat; the foam of a table and the air of a bowel are far below soft tissue.
_MARROW_BELOW_SOFT_HU = 250.0
# From one slice to the next a shaft's area changes little; a bigger step is another bone that joins.
_LARGEST_AREA_STEP = 2.0
# Share of a chain's sections that must be closed rings: a breach or a closed canal may interrupt, no more.
_LEAST_RING_SHARE = 0.5


@dataclass(frozen=True)
class Shaft:
    """One chain of sections.

    Attributes
    ----------
    sections : (m,) int array
        Numbers in the `SectionMap`, slice by slice upwards in array order.
    centres_lps : (m, 3) array
    direction_lps : (3,) array
        Unit vector of the straight line through the centres, pointing towards the last one.
    length_mm : float
        Between the first and the last centre.
    area_mm2 : float
        Median solid area perpendicular to the shaft.
    border_share : float
        Share of sections cut by the side of the field of view.
    """

    sections: NDArray[np.intp]
    centres_lps: FloatArray
    direction_lps: FloatArray
    length_mm: float
    area_mm2: float
    border_share: float

    @property
    def middle_lps(self) -> FloatArray:
        """Mean of the centres."""
        return self.centres_lps.mean(axis=0)


def _ring_sections(sections: SectionMap, pixel_mm2: float, tissue: ScanTissue) -> NDArray[np.bool_]:
    hole_mm2 = (sections.area - sections.bone_area) * pixel_mm2
    area_mm2 = sections.area * pixel_mm2
    low, high = _AREA_RANGE_MM2
    return (
        (hole_mm2 > _LEAST_HOLE_MM2)
        & (area_mm2 > low)
        & (area_mm2 < high)
        & (np.nan_to_num(sections.hole_hu, nan=-np.inf) > tissue.soft_hu - _MARROW_BELOW_SOFT_HU)
    )


def _mutual_best(sections: SectionMap) -> dict[int, int]:
    """Link each section to the one above it, where each is the other's best and their areas are alike."""
    lower, upper, shared = sections.links.T
    order = np.argsort(shared, kind="stable")  # the largest overlap is written last and stays
    n = len(sections.area)
    best_above, best_below = np.full(n, -1), np.full(n, -1)
    best_above[lower[order]] = upper[order]
    best_below[upper[order]] = lower[order]
    above = np.flatnonzero(best_above >= 0)
    mutual = above[best_below[best_above[above]] == above]
    a, b = sections.area[mutual], sections.area[best_above[mutual]]
    alike = np.maximum(a, b) < _LARGEST_AREA_STEP * np.minimum(a, b)
    return {int(i): int(best_above[i]) for i in mutual[alike]}


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
    ring = _ring_sections(sections, pixel_mm2, tissue)
    border = sections.touches_border
    least_wall_hu = tissue.soft_hu + settings.min_cortex_share * (tissue.cortex_hu - tissue.soft_hu)
    shafts = []
    for chain in _chains(sections):
        members = np.array(chain)
        # A ring that the image's edge cuts open cannot be seen to be closed; it counts, to be refused by name.
        good = np.flatnonzero(ring[members] | border[members])
        if len(good) < 2 or len(good) < _LEAST_RING_SHARE * len(members):
            continue
        members = members[good[0] : good[-1] + 1]
        index = np.column_stack([sections.slice_index[members], sections.centre[members]])
        centres = geometry.index_to_lps(index)
        length = float(np.linalg.norm(centres[-1] - centres[0]))
        wall_hu = float(np.median(sections.bone_hu[members]))
        if length < settings.min_shaft_mm or wall_hu < least_wall_hu:
            continue
        direction = _line_direction(centres)
        cosine = abs(float(direction @ geometry.slice_normal_lps))
        area = float(np.median(sections.area[members])) * pixel_mm2 * cosine
        shafts.append(Shaft(members, centres, direction, length, area, float(border[members].mean())))
    return sorted(shafts, key=lambda shaft: -shaft.length_mm)


def _line_direction(points: FloatArray) -> FloatArray:
    """Return the unit direction of the least-squares line through points (m, 3), from first to last."""
    _, _, axes = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    direction = unit(axes[0])
    return direction if direction @ (points[-1] - points[0]) > 0 else -direction
