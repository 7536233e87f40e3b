"""What segmentation hands on: one residual bone, its side, and where it ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.anatomy import Bone, Side
from sizing.errors import SegmentationError
from sizing.findings import Finding
from sizing.geometry import FloatArray, Plane, VolumeGeometry, frozen_array, unit


@dataclass(frozen=True)
class ResidualBone:
    """The bone that is planned, located in a crop of the scan.

    The mask is a locator good to about a voxel; every measured edge is found again, below the
    voxel, by ``sizing.canal``.

    Attributes
    ----------
    mask : (slice, row, column) bool array
        Voxels inside the periosteal envelope (cortex, cancellous bone and marrow), also beyond
        the resection plane; read-only.
    geometry : VolumeGeometry
        Of the mask, hence of the crop.
    crop_start : tuple of int
        Index of the crop's first voxel in the full volume (slice, row, column).
    bone, side : Bone, Side
    side_source : str
        How the side is known: "given", "position", "header".
    resection : Plane
        Facing plane; its normal points proximally, into the bone that stays.
    resection_source : str
        "virtual" (at the level asked for), "stump end" (found), "scan end" (lowest section that the scan covers
        whole), "shaft end" (a joint end is there, no level was asked for).
    proximal_lps : (3,) array
        Unit vector along the shaft, from distal to proximal.
    stump_removed_mm : float
        Length of bone between the lowest point of the bone and the facing plane.
    findings : tuple of Finding
    scanned_length_mm : float
        Along the axis, from the lowest to the highest bone in the scan; NaN = not told.
    whole : bool
        Both joint ends lie in the scan, so that the scanned length is the length of the bone.

    Raises
    ------
    SegmentationError
        CF-S012 the mask is no bool array of its grid's shape; CF-S013 it is empty; CF-S014 the resection plane's normal
        points distally.
    """

    mask: NDArray[np.bool_]
    geometry: VolumeGeometry
    crop_start: tuple[int, int, int]
    bone: Bone
    side: Side
    side_source: str
    resection: Plane
    resection_source: str
    proximal_lps: FloatArray
    stump_removed_mm: float
    findings: tuple[Finding, ...] = ()
    scanned_length_mm: float = float("nan")
    whole: bool = False

    def __post_init__(self) -> None:
        if self.mask.dtype != np.bool_ or self.mask.shape != self.geometry.shape:
            raise SegmentationError("CF-S012", "a bone's mask is a bool array of the shape of its grid",
                                    measured=f"{self.mask.dtype} {self.mask.shape}",
                                    expected=f"bool {self.geometry.shape}")  # fmt: skip
        if not self.mask.any():
            raise SegmentationError("CF-S013", "the mask of the bone is empty",
                                    advice="Check the label, and that mask and scan lie in the same frame")  # fmt: skip
        self.mask.setflags(write=False)
        object.__setattr__(self, "proximal_lps", frozen_array(unit(self.proximal_lps)))
        if self.resection.normal_lps @ self.proximal_lps <= 0:
            raise SegmentationError("CF-S014", "the normal of the resection plane must point proximally")
