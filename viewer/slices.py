"""Grey pictures cut from the CT: along the stem, along the canal (straightened), and across.

HU between voxel centres are linear; outside the scan they are NaN. Whatever is drawn on a slice
lives in the same millimetres as its pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sizing.canal.model import CanalAxis
from sizing.geometry import FloatArray
from sizing.volume import CtVolume
from viewer.pane import Raster
from viewer.stem_frame import StemFrame

BONE_WINDOW = (-770.0, 1730.0)  # HU, black to white: width 2500, level 480
SOFT_WINDOW = (-160.0, 240.0)  # width 400, level 40
OUTSIDE_GREY = 38  # grey level where there is no scan; darker than any tissue in the bone window


def sample_hu(volume: CtVolume, points_lps: FloatArray) -> NDArray[np.float32]:
    """Return HU (...,) at LPS points (..., 3); NaN outside the scan."""
    from scipy.ndimage import map_coordinates

    index = np.moveaxis(volume.geometry.lps_to_index(points_lps), -1, 0)
    return map_coordinates(volume.hu, index, output=np.float32, order=1, mode="constant", cval=np.nan)


def to_grey(hu: NDArray[np.float32], window: tuple[float, float] = BONE_WINDOW) -> NDArray[np.uint8]:
    """Return grey levels; outside the scan a flat dark grey."""
    grey = np.clip((hu - window[0]) * (255.0 / (window[1] - window[0])), 0.0, 255.0)
    return np.where(np.isfinite(hu), grey, OUTSIDE_GREY).astype(np.uint8)


def _centres(low: float, high: float, step: float) -> FloatArray:
    n = max(1, round((high - low) / step))
    edge = (high - low) / n
    return low + edge * (np.arange(n) + 0.5)


def slice_along_stem(
    volume: CtVolume,
    frame: StemFrame,
    plane: str,
    across_mm: tuple[float, float],
    travel_mm: tuple[float, float],
    step_mm: float = 0.4,
) -> tuple[NDArray[np.float32], tuple[float, float, float, float]]:
    """Cut along the stem's axis.

    "coronal": to the right of the picture is the frame's right; "sagittal": to the left is its front.

    Returns
    -------
    hu : (h, w) array, first row proximal
    box : left, right, bottom, top in mm
    """
    x = _centres(*across_mm, step_mm)
    t = _centres(*travel_mm, step_mm)[::-1, None]
    points = frame.to_lps(x, 0.0, t) if plane == "coronal" else frame.to_lps(0.0, -x, t)
    return sample_hu(volume, points), (*across_mm, *travel_mm)


def slice_along_canal(
    volume: CtVolume, axis: CanalAxis, plane: str, across_mm: tuple[float, float], step_mm: float = 0.4
) -> tuple[NDArray[np.float32], tuple[float, float, float, float]]:
    """Straighten the scan along the canal's axis (curved planar reformation); same layout as above."""
    depth = axis.depth_mm
    t = _centres(float(depth[0]), float(depth[-1]), step_mm)[::-1]
    centre = np.stack([np.interp(t, depth, axis.points_lps[:, k]) for k in range(3)], axis=-1)
    ways = axis.v_lps if plane == "coronal" else -axis.u_lps
    way = np.stack([np.interp(t, depth, ways[:, k]) for k in range(3)], axis=-1)
    x = _centres(*across_mm, step_mm)
    points = centre[:, None] + x[None, :, None] * way[:, None]
    return sample_hu(volume, points), (*across_mm, float(depth[0]), float(depth[-1]))


def cross_section(
    volume: CtVolume, axis: CanalAxis, level: int, half_width_mm: float, step_mm: float = 0.3
) -> tuple[NDArray[np.float32], tuple[float, float, float, float]]:
    """Cut across the canal at one level, seen from the cut end: anterior up."""
    c = _centres(-half_width_mm, half_width_mm, step_mm)
    points = axis.points_lps[level] + c[None, :, None] * axis.v_lps[level] + c[::-1, None, None] * axis.u_lps[level]
    return sample_hu(volume, points), (-half_width_mm, half_width_mm, -half_width_mm, half_width_mm)


def grey_raster(
    cut: tuple[NDArray[np.float32], tuple[float, float, float, float]], window: tuple[float, float] = BONE_WINDOW
) -> Raster:
    """Return a cut as a raster of grey levels."""
    return Raster(to_grey(cut[0], window), cut[1])
