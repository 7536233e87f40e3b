"""The bone beyond its shaft: metaphysis and joint end, told apart from the bones that touch it.

In a joint two bones meet in a thin sheet of voxels; a bone is connected to its own joint end by a thick neck. On a
coarse grid the solid bone is eroded until sheets break and necks hold; what is still connected to the shaft is
grown back to the surface.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.geometry import FloatArray, VolumeGeometry
from sizing.segmentation.sections import map_sections

Triple = tuple[float, float, float]

# How far beyond the last ring, and to its sides, a joint end may reach: a femur's from lesser trochanter to head.
_REACH_MM = 110.0
_SIDE_REACH_MM = 60.0
# Length of shaft that is taken along as the seed.
_SEED_MM = 15.0
# Grid on which sections are filled: fine enough to keep a thin subchondral plate, coarse enough to average noise away.
_FILL_MM = 1.0
# Grid of the separation. Coarser, and joint spaces close; finer costs time (a joint end is a locator, not an edge).
_COARSE_MM = 2.0
# Sheets thinner than twice this share of the shaft's radius break. Femoral neck: 0.9; contact of joint surfaces: < 0.5.
# The second is tried if the first leaks into a neighbour.
_ERODE_SHARES = (0.6, 0.8)
# Growing back goes a little further than the erosion, or edges and corners (tip of the trochanter) stay cut off.
_GROW_EXTRA_MM = 2.0
# Corners left over after growing back belong to the bone if they are no larger than this; a patella has 15 cm³.
_CORNER_MM3 = 1500.0
# Sections of a joint end against the shaft's: condyles 5 times, head with neck and trochanter 5.5, plateau 6.
_LEAK_AREA = 8.0
# Volume beyond the last ring against (area of the shaft)^1.5: whole joint ends of three bones reach 8 to 9.
_LEAK_VOLUME = 9.5
# After a leak the bone is followed only while it is no wider than a metaphysis.
_METAPHYSIS_AREA = 3.0


@dataclass(frozen=True)
class Slab:
    """A part of the volume in which a joint end is looked for: first and one past the last index per axis."""

    start: tuple[int, int, int]
    stop: tuple[int, int, int]

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """Index of the slab in the volume's array."""
        low, high = self.start, self.stop
        return slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])


def slab_beyond(
    geometry: VolumeGeometry, box: NDArray[np.int32], end_slice: int, direction_lps: FloatArray, upwards: bool
) -> Slab | None:
    """Return the slab beyond the last ring, or None if the scan ends there.

    Parameters
    ----------
    geometry : VolumeGeometry
        Of the volume.
    box : (4,) int array
        First row, last row, first column, last column of the shaft's last section.
    end_slice : int
        Its slice.
    direction_lps : (3,) array
        Of the shaft; an oblique one goes on sideways.
    upwards : bool
        Whether the bone goes on to higher slice numbers.
    """
    n_slices = geometry.shape[0]
    if end_slice >= n_slices - 1 if upwards else end_slice <= 0:
        return None
    seed, reach = round(_SEED_MM / geometry.slice_step_mm), round(_REACH_MM / geometry.slice_step_mm)
    low, high = (end_slice - seed, end_slice + reach) if upwards else (end_slice - reach, end_slice + seed)
    per_mm = np.linalg.solve(geometry.affine[:3, :3], direction_lps)
    drift = per_mm[1:] / per_mm[0] * (reach if upwards else -reach)
    start, stop = [max(low, 0)], [min(high + 1, n_slices)]
    for axis, (first, last) in enumerate((box[:2], box[2:])):
        side = _SIDE_REACH_MM / geometry.spacing_mm[axis + 1]
        start.append(max(int(first - side + min(drift[axis], 0)), 0))
        stop.append(min(int(last + side + max(drift[axis], 0)) + 1, geometry.shape[axis + 1]))
    return Slab((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def _block_mean(values: NDArray, factor: tuple[int, int, int]) -> NDArray:
    """Average blocks; an incomplete last block takes what it has by repeating the last voxels."""
    if max(factor) == 1:
        return values
    pad = [(0, -n % f) for n, f in zip(values.shape, factor, strict=True)]
    padded = np.pad(values, pad, mode="edge") if any(p[1] for p in pad) else values
    a, b, c = (n // f for n, f in zip(padded.shape, factor, strict=True))
    blocks = padded.reshape(a, factor[0], b, factor[1], c, factor[2])
    return blocks.mean(axis=(1, 3, 5), dtype=np.float32)


def _fill_from_three_sides(hu: NDArray[np.int16], threshold_hu: int) -> NDArray[np.bool_]:
    """Fill what bone encloses in axial, coronal or sagittal sections: one of them closes where a plate is parallel."""
    filled = np.zeros(hu.shape, np.bool_)
    for axes in ((0, 1, 2), (1, 0, 2), (2, 0, 1)):
        turned = np.ascontiguousarray(hu.transpose(axes))
        sections = map_sections(turned, threshold_hu)
        solid = sections.paint(np.ones(len(sections.area), np.bool_), (0, 0, 0), turned.shape)
        filled |= solid.transpose(np.argsort(axes))
    return filled


def _factor(spacing_mm: Triple, wanted_mm: float) -> tuple[int, int, int]:
    a, b, c = (max(1, int(wanted_mm / s + 0.05)) for s in spacing_mm)
    return a, b, c


def _connected(
    solid: NDArray[np.bool_], depth_mm: FloatArray, seed: NDArray[np.bool_], erode_mm: float, voxel_mm: Triple
) -> NDArray[np.bool_]:
    """Return the part of a solid that hangs on the seed by more than a sheet."""
    from scipy import ndimage

    cores, _ = ndimage.label((depth_mm >= erode_mm) | seed)
    core = np.isin(cores, np.setdiff1d(np.unique(cores[seed]), 0))
    reach_mm = ndimage.distance_transform_edt(~core, sampling=voxel_mm)
    own = solid & (reach_mm <= erode_mm + _GROW_EXTRA_MM)
    rest, n_rest = ndimage.label(solid & ~own)
    if n_rest:
        size_mm3 = np.bincount(rest.ravel(), minlength=n_rest + 1) * float(np.prod(voxel_mm))
        touching = np.unique(rest[ndimage.binary_dilation(own)])
        own |= np.isin(rest, [k for k in touching if k and size_mm3[k] <= _CORNER_MM3])
    return own


def grow_joint_end(
    hu: NDArray[np.int16],
    shaft: NDArray[np.bool_],
    spacing_mm: Triple,
    threshold_hu: int,
    shaft_area_mm2: float,
    upwards: bool,
    allowed: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.bool_], bool]:
    """Return the solid of the bone that the shaft belongs to, inside one slab, and whether its end could be told.

    Where the shaft is known it is better than what is returned here.

    Parameters
    ----------
    hu, shaft : (slice, row, column) array
        The slab, and the part of it that is known to be the bone.
    spacing_mm : tuple of float
        Voxel, along (slice, row, column).
    threshold_hu : int
        Low: thin cortex of a joint end in the scan's blur.
    shaft_area_mm2 : float
        Area of the shaft: sets how thick a connection must be, and how large an end can be.
    upwards : bool
        Whether the bone goes on to higher slice numbers.
    allowed : (slice, row, column) bool array, optional
        Where the bone may be; everywhere if not given.
    """
    fill = _factor(spacing_mm, _FILL_MM)
    fill_mm = tuple(f * s for f, s in zip(fill, spacing_mm, strict=True))
    mean_hu = np.ascontiguousarray(np.round(_block_mean(hu, fill)), np.int16)
    filled = _fill_from_three_sides(mean_hu, threshold_hu)
    coarse = _factor(fill_mm, _COARSE_MM)  # type: ignore[arg-type]
    coarse_mm = tuple(f * s for f, s in zip(coarse, fill_mm, strict=True))
    factor = tuple(a * b for a, b in zip(fill, coarse, strict=True))
    # Most of the slab is soft tissue: go on in the box of bone, which begins at a whole coarse voxel.
    box = _box_of(filled, coarse)
    fine_box = tuple(slice(b.start * f, b.stop * f) for b, f in zip(box, fill, strict=True))
    seed = _block_mean(shaft[fine_box], factor) >= 0.5  # type: ignore[arg-type]
    grown = np.zeros(hu.shape, np.bool_)
    if not seed.any():
        return grown, False
    solid = _block_mean(filled[box], coarse) >= 0.5
    if allowed is not None:
        solid &= _block_mean(allowed[fine_box], factor) >= 0.5  # type: ignore[arg-type]
    solid |= seed
    own, told = _separate(solid, seed, coarse_mm, shaft_area_mm2, upwards)  # type: ignore[arg-type]
    grown[fine_box] = _refine(own, factor, grown[fine_box].shape)  # type: ignore[arg-type]
    return grown, told


def _box_of(mask: NDArray[np.bool_], step: tuple[int, int, int]) -> tuple[slice, slice, slice]:
    """Return the box of what is set (the whole array if nothing is), beginning at multiples of a step."""
    box = []
    for axis in range(3):
        filled = np.flatnonzero(mask.any(axis=tuple(k for k in range(3) if k != axis)))
        low, high = (int(filled[0]), int(filled[-1]) + 1) if len(filled) else (0, mask.shape[axis])
        box.append(slice(low // step[axis] * step[axis], high))
    return box[0], box[1], box[2]


def _refine(own: NDArray[np.bool_], factor: tuple[int, ...], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Bring a coarse mask to the fine grid, its surface interpolated; only its box is worked on."""
    from scipy import ndimage

    fine = np.zeros(shape, np.bool_)
    boxes = ndimage.find_objects(own.astype(np.uint8))
    if boxes:
        low = [max(b.start - 1, 0) for b in boxes[0]]
        box = tuple(slice(a, b.stop + 1) for a, b in zip(low, boxes[0], strict=True))
        zoomed = ndimage.zoom(own[box].astype(np.float32), factor, order=1, mode="nearest", grid_mode=True) >= 0.5
        target = tuple(slice(a * f, a * f + n) for a, f, n in zip(low, factor, zoomed.shape, strict=True))
        room = fine[target]
        fine[target] = zoomed[tuple(slice(0, n) for n in room.shape)]
    return fine


def _separate(
    solid: NDArray[np.bool_], seed: NDArray[np.bool_], voxel_mm: Triple, shaft_area_mm2: float, upwards: bool
) -> tuple[NDArray[np.bool_], bool]:
    """Return the part of a solid that is the seed's own bone, and whether it could be told from its neighbours."""
    from scipy import ndimage

    # Distances cost time: only the box of what touches the seed at all is looked at.
    parts, _ = ndimage.label(solid)
    touching = np.isin(parts, np.unique(parts[seed]))
    box = ndimage.find_objects(touching.astype(np.uint8))[0]
    solid_box, seed_box = touching[box], seed[box]
    # The slab's own faces are no surface of the bone: the array is continued before distances are taken.
    inner = tuple(slice(1, -1) for _ in range(3))
    depth_mm = ndimage.distance_transform_edt(_continued(solid, box), sampling=voxel_mm)[inner]
    told = False
    for share in _ERODE_SHARES:
        erode_mm = share * float(np.sqrt(shaft_area_mm2 / np.pi))
        part = _connected(solid_box, depth_mm, seed_box, erode_mm, voxel_mm)
        area_mm2 = part.sum(axis=(1, 2)) * voxel_mm[1] * voxel_mm[2]
        beyond_mm3 = float(area_mm2[~seed_box.any(axis=(1, 2))].sum()) * voxel_mm[0]
        told = bool(area_mm2.max() <= _LEAK_AREA * shaft_area_mm2 and beyond_mm3 <= _LEAK_VOLUME * shaft_area_mm2**1.5)
        if told:
            break
    if not told:
        wide = area_mm2 > _METAPHYSIS_AREA * shaft_area_mm2
        slices = np.arange(len(part)) if upwards else np.arange(len(part))[::-1]
        if wide.any():
            part[slices[int(np.argmax(wide[slices])) :]] = False
    own = np.zeros_like(solid)
    own[box] = part
    return own, told


def _continued(solid: NDArray[np.bool_], box: tuple[slice, ...]) -> NDArray[np.bool_]:
    """Return the box with one voxel more on each side: the neighbours in the array, or a copy of its outermost ones."""
    return np.pad(solid, 1, mode="edge")[tuple(slice(s.start, s.stop + 2) for s in box)]
