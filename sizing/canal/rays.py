"""Rays from the canal's axis outward, and what the scan and the mask say along them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sizing import _edges
from sizing.canal.model import CanalAxis
from sizing.geometry import FloatArray, VolumeGeometry
from sizing.segmentation.model import ResidualBone
from sizing.volume import CtVolume

# Samples per in-plane voxel: more only repeat the same voxels, fewer lose some of a blurred edge.
SAMPLES_PER_VOXEL = 1.5
# The locator's outline may be left for this long (a vessel, a groove) without being the end of the bone.
MASK_GAP_MM = 1.5
# A ray that ends this much before the median of a sixth of the section ends in a notch of the mask.
NOTCH_MM, NOTCH_SHARE = 2.0, 6
# Room beyond the farthest mask voxel for the outer edge's blur and the soft tissue that it falls to.
MARGIN_MM = 6.0


@dataclass(frozen=True)
class Rays:
    """Rays of all levels: (m, n) rays, each at r = 0, step, 2 step, ... from the axis.

    Attributes
    ----------
    axis : CanalAxis
    theta_rad : (n,) array
    direction_lps : (m, n, 3) array
        Unit vectors, perpendicular to the axis.
    step_mm : float
    n_samples : int
    """

    axis: CanalAxis
    theta_rad: FloatArray
    direction_lps: FloatArray
    step_mm: float
    n_samples: int

    @property
    def radius_mm(self) -> FloatArray:
        """(k,) distance of the samples from the axis."""
        return np.arange(self.n_samples) * self.step_mm

    def thinned(self, skip: int) -> Rays:
        """Return every ``skip``-th level and ray."""
        a = self.axis
        some = CanalAxis(*(getattr(a, f)[::skip] for f in ("depth_mm", "points_lps", "s_lps", "u_lps", "v_lps")))
        return Rays(some, self.theta_rad[::skip], self.direction_lps[::skip, ::skip], self.step_mm, self.n_samples)

    def in_index(self, geometry: VolumeGeometry) -> tuple[FloatArray, FloatArray]:
        """Return start and step of every ray (m * n, 3) as fractional voxel indices of a grid."""
        n = len(self.theta_rad)
        start = np.repeat(geometry.lps_to_index(self.axis.points_lps), n, axis=0)
        to_index = np.linalg.inv(geometry.affine)[:3, :3]
        step = self.step_mm * (self.direction_lps.reshape(-1, 3) @ to_index.T)
        return np.ascontiguousarray(start), np.ascontiguousarray(step)


def rays_of(axis: CanalAxis, n_angles: int, step_mm: float, reach_mm: float) -> Rays:
    """Return ``n_angles`` equally spaced rays per level, from u towards v, each ``reach_mm`` long."""
    theta = np.arange(n_angles) * (2 * np.pi / n_angles)
    direction = np.cos(theta)[None, :, None] * axis.u_lps[:, None] + np.sin(theta)[None, :, None] * axis.v_lps[:, None]
    return Rays(axis, theta, direction, step_mm, int(np.ceil(reach_mm / step_mm)) + 1)


def ray_step_mm(geometry: VolumeGeometry) -> float:
    """Return the sampling step along rays: two thirds of the smaller in-plane voxel."""
    return min(geometry.spacing_mm[1:]) / SAMPLES_PER_VOXEL


def sample_hu(volume: CtVolume, rays: Rays) -> FloatArray:
    """Return HU (m, n, k) float32 along the rays; NaN outside the scan."""
    m, n = rays.direction_lps.shape[:2]
    out = np.empty((m * n, rays.n_samples), np.float32)
    _edges.sample_rays(volume.hu, *rays.in_index(volume.geometry), out)
    return out.reshape(m, n, -1)


def mask_radius_mm(bone: ResidualBone, rays: Rays) -> FloatArray:
    """Return how far each ray (m, n) runs inside the locator mask; NaN if it does not start inside."""
    m, n = rays.direction_lps.shape[:2]
    last = np.empty(m * n, np.intp)
    gap = int(np.ceil(MASK_GAP_MM / rays.step_mm))
    _edges.mask_exit(bone.mask.view(np.uint8), *rays.in_index(bone.geometry), rays.n_samples, gap, last)
    return _mended(np.where(last < 0, np.nan, last * rays.step_mm).reshape(m, n))


def _mended(radius_mm: FloatArray) -> FloatArray:
    """Put the outline (m, n) back where the mask has a notch: a threshold leaves out thin walls."""
    from scipy.ndimage import median_filter

    usual = median_filter(np.nan_to_num(radius_mm), (1, max(3, radius_mm.shape[1] // NOTCH_SHARE)), mode="wrap")
    return np.where(radius_mm < usual - NOTCH_MM, usual, radius_mm)


def reach_of(bone: ResidualBone, axis: CanalAxis) -> float:
    """Return the length of ray that leaves the bone at every level, with room for the outer edge."""
    probe = rays_of(axis, 32, 1.0, float(np.linalg.norm(np.multiply(bone.geometry.shape, bone.geometry.spacing_mm))))
    return float(np.nanmax(mask_radius_mm(bone, probe), initial=0.0)) + MARGIN_MM
