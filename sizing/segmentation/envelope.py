"""The periosteal envelope of one bone: its solid sections, breaches bridged, and its ends grown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.geometry import VolumeGeometry
from sizing.segmentation.joint_end import Slab, grow_joint_end, slab_beyond
from sizing.segmentation.locator import Locator
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


def build_envelope(
    volume: CtVolume,
    sections: SectionMap,
    shaft: Shaft,
    end_threshold_hu: int,
    margin_mm: float,
    locator: Locator | None = None,
) -> Envelope:
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
    margin_mm : float
        Room round the bone in the box.
    locator : Locator, optional
        Joint ends do not go further than this.
    """
    geometry = volume.geometry
    wanted = np.zeros(len(sections.area), np.bool_)
    wanted[shaft.sections] = True
    box, slices = sections.box[shaft.sections], sections.slice_index[shaft.sections]
    rings = (int(slices[0]), int(slices[-1]))
    start = (rings[0], int(box[:, 0].min()), int(box[:, 2].min()))
    stop = (rings[1] + 1, int(box[:, 1].max()) + 1, int(box[:, 3].max()) + 1)
    tube = sections.paint(wanted, start, stop)
    bridged = _open_rings(shaft, geometry.slice_step_mm)
    for place in bridged:
        _bridge(tube, sections, shaft, bridged, int(place), start)
    pieces, told = [(start, tube)], [True, True]
    for upwards in (False, True):
        slab = _slab(geometry, sections, shaft, upwards)
        if slab is not None:
            seed = sections.paint(wanted, slab.start, slab.stop)
            allowed = None if locator is None else locator.near(geometry.cropped(slab.start, slab.stop))
            grown, told[upwards] = grow_joint_end(
                volume.hu[slab.slices],
                seed,
                geometry.spacing_mm,
                end_threshold_hu,
                shaft.width_mm2,
                upwards=upwards,
                allowed=allowed,
            )
            # Where the shaft is known it is better than what was grown.
            grown[slice(0, rings[1] + 1 - slab.start[0]) if upwards else slice(rings[0] - slab.start[0], None)] = False
            pieces.append((slab.start, grown))
    mask, start = _compose(pieces, geometry, margin_mm)
    stop = (start[0] + mask.shape[0], start[1] + mask.shape[1], start[2] + mask.shape[2])
    rings = (rings[0] - start[0], rings[1] - start[0])
    return Envelope(mask, start, geometry.cropped(start, stop), rings, bridged, told[0], told[1])


def _slab(geometry: VolumeGeometry, sections: SectionMap, shaft: Shaft, upwards: bool) -> Slab | None:
    end = -1 if upwards else 0
    if shaft.cut[end]:
        return None  # what goes on from a cut section is cut too
    section = shaft.sections[end]
    return slab_beyond(
        geometry, sections.box[section], int(sections.slice_index[section]), shaft.direction_lps, upwards
    )


def _compose(
    pieces: list[tuple[Index, NDArray[np.bool_]]], geometry: VolumeGeometry, margin_mm: float
) -> tuple[NDArray[np.bool_], Index]:
    """Put masks into the one box that holds what is set in them, and a margin."""
    low = np.full(3, np.iinfo(np.int64).max)
    high = np.zeros(3, np.int64)
    for start, mask in pieces:
        for axis in range(3):
            filled = np.flatnonzero(mask.any(axis=tuple(k for k in range(3) if k != axis))) + start[axis]
            if len(filled):
                low[axis], high[axis] = min(low[axis], filled[0]), max(high[axis], filled[-1] + 1)
    margin = np.ceil(margin_mm / np.array(geometry.spacing_mm)).astype(np.int64)
    low, high = np.maximum(low - margin, 0), np.minimum(high + margin, geometry.shape)
    whole = np.zeros(high - low, np.bool_)
    for start, mask in pieces:
        source, target = [], []
        for first, last, s, n in zip(low, high, start, mask.shape, strict=True):
            a, b = max(int(first), s), min(int(last), s + n)
            source.append(slice(a - s, b - s))
            target.append(slice(a - int(first), b - int(first)))
        whole[tuple(target)] |= mask[tuple(source)]
    return whole, (int(low[0]), int(low[1]), int(low[2]))


def _open_rings(shaft: Shaft, slice_step_mm: float) -> NDArray[np.intp]:
    """Return the places of sections that are open, between sections that are whole."""
    closed = np.flatnonzero(shaft.ring & ~shaft.cut)
    if len(closed) < 2:
        return closed[:0]
    inner = np.arange(closed[0], closed[-1] + 1)
    # The area that a section should have: a running median, so that a breach does not count for itself.
    area = np.interp(inner, closed, shaft.area_mm2[closed])
    reach = max(1, round(_NEIGHBOUR_MM / slice_step_mm))
    padded = np.pad(area, reach, mode="edge")
    usual = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1), axis=1)
    return inner[(shaft.area_mm2[inner] < _OPEN_AREA * usual) & ~shaft.cut[inner]]


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
