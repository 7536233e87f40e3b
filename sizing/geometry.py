"""Frames: voxel index (slice, row, column) and DICOM LPS millimetres, planes, and the affine between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.floating]  # of any width: numpy types the result of float64 arithmetic so

# A vector this close to length 1 is a unit vector already: scaling it again would only move its last digit.
UNIT_TOLERANCE = 4 * float(np.finfo(np.float64).eps)


def frozen_array(values: ArrayLike, dtype: type = np.float64) -> NDArray:
    """Return a read-only C-ordered copy, for arrays that live in frozen objects."""
    array: NDArray = np.array(values, dtype=dtype, order="C", copy=True)
    array.setflags(write=False)
    return array


def numbers_in(values: object) -> FloatArray:
    """Return values as float64, or a single NaN where they are not all numbers (texts of digits are none)."""
    try:
        array = np.asarray(values)
    except ValueError:  # rows of different length
        return np.array(np.nan)
    return array.astype(np.float64, copy=False) if array.dtype.kind in "fiu" else np.array(np.nan)


def unit(vector: ArrayLike) -> FloatArray:
    """Return the vector scaled to length 1; raises ValueError for a zero or non-finite vector.

    A unit vector comes back bit for bit, so that an object built from another's fields is equal to it.
    """
    v = np.asarray(vector, np.float64)
    norm = float(np.linalg.norm(v))
    if not (np.isfinite(norm) and norm > 0):
        raise ValueError("a direction needs finite components that are not all zero")
    return v if abs(norm - 1.0) <= UNIT_TOLERANCE else v / norm


def unit_rows(vectors: ArrayLike) -> FloatArray:
    """Return vectors (..., 3) scaled to length 1 each; a zero vector becomes NaN."""
    v = np.asarray(vectors, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return v / np.linalg.norm(v, axis=-1, keepdims=True)


def apply_affine(affine: ArrayLike, points: ArrayLike) -> FloatArray:
    """Map points (..., 3) by an affine (4, 4)."""
    a, p = np.asarray(affine, np.float64), np.asarray(points, np.float64)
    return p @ a[:3, :3].T + a[:3, 3]


@dataclass(frozen=True)
class Plane:
    """A plane in LPS: a point (3,) and a unit normal (3,)."""

    point_lps: FloatArray
    normal_lps: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "point_lps", frozen_array(self.point_lps))
        object.__setattr__(self, "normal_lps", frozen_array(unit(self.normal_lps)))
        if self.point_lps.shape != (3,) or self.normal_lps.shape != (3,):
            raise ValueError("a plane needs one point (3,) and one normal (3,)")

    def signed_distance_mm(self, points_lps: ArrayLike) -> FloatArray:
        """Return the distance (...,) of points (..., 3), positive on the side of the normal."""
        return (np.asarray(points_lps, np.float64) - self.point_lps) @ self.normal_lps


@dataclass(frozen=True)
class VolumeGeometry:
    """Where the voxels of an array (slice, row, column) lie in the patient.

    Attributes
    ----------
    shape : tuple of int
        (slices, rows, columns).
    affine : (4, 4) array
        Voxel index (slice, row, column) of a voxel's centre to LPS mm. May be sheared
        (gantry tilt); columns are the steps along the three array axes.
    """

    shape: tuple[int, int, int]
    affine: FloatArray

    def __post_init__(self) -> None:
        affine = frozen_array(self.affine)
        if affine.shape != (4, 4) or not np.all(np.isfinite(affine)):
            raise ValueError("affine must be (4, 4) and finite")
        if not np.array_equal(affine[3], (0.0, 0.0, 0.0, 1.0)):
            raise ValueError("the last row of an affine is 0 0 0 1")
        if abs(np.linalg.det(affine[:3, :3])) < 1e-9:
            raise ValueError("affine is singular: two voxel axes coincide")
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise ValueError(f"shape must be three positive numbers, got {self.shape}")
        object.__setattr__(self, "affine", affine)
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Length of one step along (slice, row, column)."""
        s = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(s[0]), float(s[1]), float(s[2])

    @property
    def slice_normal_lps(self) -> FloatArray:
        """Unit normal of the slices (3,), pointing the way the slice index grows."""
        rows, columns = self.affine[:3, 1], self.affine[:3, 2]
        normal = unit(np.cross(columns, rows))
        return normal if normal @ self.affine[:3, 0] > 0 else -normal

    @property
    def slice_step_mm(self) -> float:
        """Distance between neighbouring slices along their normal (differs from spacing when tilted)."""
        return float(self.affine[:3, 0] @ self.slice_normal_lps)

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel, shear included."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    def index_to_lps(self, index: ArrayLike) -> FloatArray:
        """Map fractional indices (..., 3) in the order (slice, row, column) to LPS (..., 3)."""
        return apply_affine(self.affine, index)

    def lps_to_index(self, points_lps: ArrayLike) -> FloatArray:
        """Map LPS points (..., 3) to fractional indices (..., 3)."""
        return apply_affine(np.linalg.inv(self.affine), points_lps)

    def cropped(self, start: tuple[int, int, int], stop: tuple[int, int, int]) -> VolumeGeometry:
        """Return the geometry of ``array[start[0]:stop[0], start[1]:stop[1], start[2]:stop[2]]``."""
        for low, high, n in zip(start, stop, self.shape, strict=True):
            if not 0 <= low < high <= n:
                raise ValueError(f"crop {start}..{stop} does not fit the shape {self.shape}")
        affine = self.affine.copy()
        affine[:3, 3] = self.index_to_lps(start)
        return VolumeGeometry(tuple(h - s for s, h in zip(start, stop, strict=True)), affine)  # type: ignore[arg-type]
