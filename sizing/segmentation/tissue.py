"""What soft tissue and cortex measure in this very scan, so that no textbook HU decides where bone begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing import _runs
from sizing.errors import SegmentationError

# Range in which fat, muscle, water and contrast-free blood lie on every scanner; outside it are air, lung and padding.
_SOFT_RANGE_HU = (-250, 250)
# Metal and the clipped top of 12-bit scans; cortex stays below.
METAL_HU = 2500
# Cortex is taken as this share of the voxels that are bone: the dense middle of thick walls, little blurred.
_CORTEX_SHARE = 0.9
# Enough rows for a stable histogram; all of them would cost more time than finding the bone.
_HISTOGRAM_VOXELS = 4_000_000
# The iteration starts at half the HU that this share of the scan, and at least so many voxels, reach or exceed.
_BRIGHT_SHARE = 1e-4
_LEAST_BRIGHT = 100
# Below this much contrast to soft tissue the brightest voxels are calcification or contrast agent, not cortex.
_LEAST_CONTRAST_HU = 300


@dataclass(frozen=True)
class ScanTissue:
    """Typical HU of soft tissue and of cortex in one scan."""

    soft_hu: float
    cortex_hu: float

    def threshold_hu(self, share: float) -> int:
        """Return the HU at a share of the way from soft tissue to cortex."""
        return round(self.soft_hu + share * (self.cortex_hu - self.soft_hu))


def estimate_tissue(hu: NDArray[np.int16]) -> ScanTissue:
    """Estimate soft tissue and cortex from the scan's histogram.

    Two classes are separated at the midpoint of their centres, found by iteration (Ridler and Calvard 1978; the bone's
    centre is a median, since it holds everything from cancellous bone to dense cortex). Their sizes do not enter, so
    bone may be a thousandth of the scan. The iteration comes down from the brightest voxels: coming up, it would stop
    between fat and the noise of muscle. Cortex is the 90th percentile of the bone class.

    Raises
    ------
    SegmentationError
        CF-S001 if nothing in the scan is as much brighter than soft tissue as cortex is.
    """
    counts = np.zeros(65536, np.int64)
    row_step = max(1, hu.size // _HISTOGRAM_VOXELS)
    _runs.histogram(hu, row_step, counts)
    value = np.arange(-32768, 32768, dtype=np.float64)
    counts[value >= METAL_HU] = 0

    soft_low, soft_high = _SOFT_RANGE_HU
    bright = np.cumsum(counts[::-1])[::-1] >= max(_LEAST_BRIGHT, _BRIGHT_SHARE * counts.sum())
    brightest = float(value[bright].max(initial=-np.inf))
    if brightest < soft_high or not counts[(value > soft_low) & (value < soft_high)].any():
        raise _no_bone(hu)
    threshold = brightest / 2
    for _ in range(100):
        soft = (value > soft_low) & (value < threshold)
        bone = value >= threshold
        soft_hu = float(np.average(value[soft], weights=counts[soft]))
        share = np.cumsum(counts[bone]) / counts[bone].sum()
        updated = round((soft_hu + value[bone][np.searchsorted(share, 0.5)]) / 2)
        if updated == threshold:
            break
        threshold = updated
    cortex_hu = float(value[bone][np.searchsorted(share, _CORTEX_SHARE)])
    if cortex_hu - soft_hu < _LEAST_CONTRAST_HU:
        raise _no_bone(hu)
    return ScanTissue(soft_hu, cortex_hu)


def _no_bone(hu: NDArray[np.int16]) -> SegmentationError:
    return SegmentationError(
        "CF-S001",
        "there is no bone in this scan",
        measured=f"brightest voxel {int(hu.max())} HU",
        expected=f"cortex at least {_LEAST_CONTRAST_HU} HU above soft tissue",
        advice="Check that the right series was chosen and that its values are Hounsfield units.",
    )
