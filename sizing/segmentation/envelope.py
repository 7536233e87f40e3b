"""The periosteal envelope of one bone: its solid sections, breaches bridged, and its ends grown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.geometry import VolumeGeometry
from sizing.segmentation.joint_end import Slab, grow_joint_end, slab_beyond
from sizing.segmentation.sections import SectionMap
from sizing.segmentation.shafts import Shaft
from sizing.volume import CtVolume

Index = tuple[int, int, int]

# A section whose solid area falls this far below its neighbours' has lost its marrow through a breach.
_OPEN_AREA = 0.85
# Neighbours that are asked, to each side.
_NEIGHBOUR_MM = 20.0


@dataclass(frozen=True)
class Envelope:
    """Mask of one bone in a box of the volume.

    Attributes
    ----------
    mask : (slice, row, column) bool array
    start : tuple of int
        Index of its first voxel in the volume.
    geometry : VolumeGeometry
        Of the mask.
    rings : tuple of int
        Slices of the mask that hold the first and the last ring of the shaft.
    bridged : (k,) int array
        Places in the shaft's chain whose ring is open.
    lower_told, upper_told : bool
        Whether the end towards slice 0 (the last slice) could be told from its neighbours.
    """

    mask: NDArray[np.bool_]
    start: Index
    geometry: VolumeGeometry
    rings: tuple[int, int]
    bridged: NDArray[np.intp]
    lower_told: bool
    upper_told: bool

    def slab_mm(self, upwards: bool, slice_step_mm: float) -> float:
        """Return how far the mask goes on beyond the first (last) ring, along the slices' normal."""
        filled = np.flatnonzero(self.mask.any(axis=(1, 2)))
        slices = filled[-1] - self.rings[1] if upwards else self.rings[0] - filled[0]
        return float(slices) * slice_step_mm


def build_envelope(volume: CtVolume, sections: SectionMap, shaft: Shaft, end_threshold_hu: int) -> Envelope:
    """Paint the shaft, bridge its breaches, and follow the bone beyond its first and its last ring.

    Parameters
    ----------
    volume : CtVolume
        The whole scan.
    sections : SectionMap
        Of the volume.
    shaft : Shaft
        The bone that is wanted.
    end_threshold_hu : int
        For joint ends, whose cortex is thin.
    """
    geometry = volume.geometry
    slabs = [_slab(geometry, sections, shaft, upwards) for upwards in (False, True)]
    start, stop = _box(sections, shaft, slabs)
    wanted = np.zeros(len(sections.area), np.bool_)
    wanted[shaft.sections] = True
    mask = sections.paint(wanted, start, stop)
    bridged = _open_rings(shaft, geometry.slice_step_mm)
    for place in bridged:
        _bridge(mask, sections, shaft, bridged, int(place), start)
    ends = sections.slice_index[shaft.sections[[0, -1]]] - start[0]
    rings = (int(ends[0]), int(ends[1]))
    told = [True, True]
    for k, slab in enumerate(slabs):
        if slab is not None:
            low = [a - b for a, b in zip(slab.start, start, strict=True)]
            high = [a - b for a, b in zip(slab.stop, start, strict=True)]
            part = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
            grown, told[k] = grow_joint_end(
                volume.hu[slab.slices],
                mask[part],
                geometry.spacing_mm,
                end_threshold_hu,
                shaft.width_mm2,
                upwards=k == 1,
            )
            beyond = slice(rings[1] + 1 - low[0], None) if k == 1 else slice(0, rings[0] - low[0])
            mask[part][beyond] = grown[beyond]
    return Envelope(mask, start, geometry.cropped(start, stop), rings, bridged, told[0], told[1])


def _slab(geometry: VolumeGeometry, sections: SectionMap, shaft: Shaft, upwards: bool) -> Slab | None:
    end = -1 if upwards else 0
    if shaft.cut[end]:
        return None  # what goes on from a cut section is cut too
    section = shaft.sections[end]
    return slab_beyond(
        geometry, sections.box[section], int(sections.slice_index[section]), shaft.direction_lps, upwards
    )


def _box(sections: SectionMap, shaft: Shaft, slabs: list[Slab | None]) -> tuple[Index, Index]:
    box, slices = sections.box[shaft.sections], sections.slice_index[shaft.sections]
    starts = [(slices.min(), box[:, 0].min(), box[:, 2].min()), *(s.start for s in slabs if s is not None)]
    stops = [(slices.max() + 1, box[:, 1].max() + 1, box[:, 3].max() + 1), *(s.stop for s in slabs if s is not None)]
    low, high = np.min(starts, axis=0), np.max(stops, axis=0)
    return (int(low[0]), int(low[1]), int(low[2])), (int(high[0]), int(high[1]), int(high[2]))


def _open_rings(shaft: Shaft, slice_step_mm: float) -> NDArray[np.intp]:
    """Return the places of sections that are open, between sections that are whole."""
    reach = max(1, round(_NEIGHBOUR_MM / slice_step_mm))
    closed = shaft.ring & ~shaft.cut
    area = np.where(closed, shaft.area_mm2, np.nan)
    places = []
    for i in np.flatnonzero(~shaft.cut):
        near = area[max(i - reach, 0) : i + reach + 1]
        between = closed[:i].any() and closed[i + 1 :].any()
        if between and np.isfinite(near).any() and shaft.area_mm2[i] < _OPEN_AREA * np.nanmedian(near):
            places.append(i)
    return np.array(places, np.intp)


def _bridge(
    mask: NDArray[np.bool_], sections: SectionMap, shaft: Shaft, open_: NDArray[np.intp], place: int, start: Index
) -> None:
    """Add to an open section the shape that lies between the nearest whole sections below and above it.

    Both shapes are moved onto the straight line between their centres, then averaged as signed distances
    (Raya and Udupa 1990), by their nearness.
    """
    from scipy import ndimage

    whole = np.setdiff1d(np.flatnonzero(shaft.ring & ~shaft.cut), open_)
    below, above = whole[whole < place], whole[whole > place]
    if not (len(below) and len(above)):
        return
    ends = (int(below[-1]), int(above[0]))
    slices = sections.slice_index[shaft.sections] - start[0]
    share = (slices[place] - slices[ends[0]]) / (slices[ends[1]] - slices[ends[0]])
    centres = sections.centre[shaft.sections[list(ends)]]
    centre = (1 - share) * centres[0] + share * centres[1]
    shape = np.zeros(mask.shape[1:])
    for end, own_centre, weight in zip(ends, centres, (1 - share, share), strict=True):
        solid = mask[slices[end]]
        distance = ndimage.distance_transform_edt(solid) - ndimage.distance_transform_edt(~solid)
        shape += weight * ndimage.shift(distance, centre - own_centre, order=1, mode="nearest")
    mask[slices[place]] |= shape > 0
