"""What the scanner does to an edge: blur in the slice, blur across slices, and the ring of a sharp kernel."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sizing.canal.rays import Rays
from sizing.canal.surface import SurfaceFrame
from sizing.geometry import FloatArray, VolumeGeometry
from sizing.volume import CtVolume

# Standard deviation of a slice profile per slice thickness (full width at half maximum): 0.41 for a triangle,
# 0.42 for a Gaussian. Used until an oblique bone tells better.
SLICE_SIGMA_PER_THICKNESS = 0.41
# Where a body scan's in-plane sigma begins the search.
START_SIGMA_MM = 0.5
# Mean of t (1 - t) over a cell: variance of linear interpolation, in voxels squared.
CELL_VARIANCE = 1.0 / 6.0
# The negative ring of a sharp kernel is twice as wide as its peak (the kernel of the fit assumes the same).
RING_WIDTH = 2.0
# Neighbouring rays and samples share voxels: the information is that of far fewer independent data.
INDEPENDENT_SHARE = 0.1
# Priors on ln sigma_in_plane, ln sigma_slice and ring; the last two only matter where the scan cannot tell.
PRIOR_SD = np.array([0.5, 0.15, 0.15])
RING_RANGE = (0.0, 0.6)
SIGMA_RANGE_MM = (0.15, 1.5)


@dataclass(frozen=True)
class Blur:
    """Point spread of the scan: (1 + ring) G(sigma) - ring G(2 sigma) in the slice, G(sigma_slice) across.

    Attributes
    ----------
    sigma_in_plane_mm, sigma_slice_mm, ring : float
    """

    sigma_in_plane_mm: float
    sigma_slice_mm: float
    ring: float = 0.0

    def moved(self, log_in_plane: float, log_slice: float, ring: float) -> Blur:
        """Return the blur with sigmas scaled by exp(...) and the ring shifted."""
        return replace(
            self,
            sigma_in_plane_mm=self.sigma_in_plane_mm * float(np.exp(log_in_plane)),
            sigma_slice_mm=self.sigma_slice_mm * float(np.exp(log_slice)),
            ring=self.ring + ring,
        )


def expected_blur(volume: CtVolume) -> Blur:
    """Return what the header lets us expect, before the scan itself is asked."""
    thickness = volume.info.slice_thickness_mm or volume.geometry.slice_step_mm
    return Blur(START_SIGMA_MM, SLICE_SIGMA_PER_THICKNESS * thickness)


def edge_columns(frame: SurfaceFrame, geometry: VolumeGeometry) -> tuple[FloatArray, FloatArray]:
    """Return, per ray, mm along the ray per voxel step (q, 3) and the shares (q, 2) of in-plane and slice variance."""
    normal = frame.stretched_normal_lps.reshape(-1, 3)
    across = normal @ geometry.slice_normal_lps
    shares = np.stack([(normal**2).sum(-1) - across**2, across**2], axis=-1)
    return normal @ geometry.affine[:3, :3], shares


def blur_along_mm(frame: SurfaceFrame, blur: Blur, geometry: VolumeGeometry) -> FloatArray:
    """Return the sigma (m, n) of a blurred edge along each ray, the grid's share included."""
    per_voxel, share = edge_columns(frame, geometry)
    variance = share @ [blur.sigma_in_plane_mm**2, blur.sigma_slice_mm**2] + CELL_VARIANCE * (per_voxel**2).sum(-1)
    return np.sqrt(variance).reshape(frame.curvature_per_mm.shape)


def curvature_shift_mm(frame: SurfaceFrame, blur: Blur, geometry: VolumeGeometry, rays: Rays) -> FloatArray:
    """Return how far (m, n) along the ray blur has pulled a curved edge towards its centre.

    A blurred edge moves by curvature x variance / 2, variance taken along the tangent (the heat
    equation moves level lines by their curvature). Linear interpolation blurs as well.
    """
    normal = frame.stretched_normal_lps / frame.stretch[..., None]
    spread = np.zeros(frame.curvature_per_mm.shape)
    weight = np.zeros(frame.curvature_per_mm.shape)
    # each Gaussian of the point spread counts by its height on the edge line, 1 / its sigma along the normal
    for share, width in ((1 + blur.ring, 1.0), (-blur.ring, RING_WIDTH)):
        along_normal = _variance(normal, blur, width, geometry)
        height = share / np.sqrt(along_normal)
        spread = spread + height * _variance(frame.tangent_lps, blur, width, geometry)
        weight = weight + height
    return 0.5 * frame.curvature_per_mm * frame.stretch * spread / weight


def _variance(direction_lps: FloatArray, blur: Blur, width: float, geometry: VolumeGeometry) -> FloatArray:
    """Return the variance (m, n) of one Gaussian of the point spread along unit directions, the grid's included."""
    across = direction_lps @ geometry.slice_normal_lps
    scanner = (width * blur.sigma_in_plane_mm) ** 2 * (1 - across**2) + blur.sigma_slice_mm**2 * across**2
    return scanner + CELL_VARIANCE * ((direction_lps @ geometry.affine[:3, :3]) ** 2).sum(-1)


def newton_step(gradient: FloatArray, hessian: FloatArray, blur: Blur, expected: Blur) -> tuple[FloatArray, FloatArray]:
    """Return the step of ln sigma_in_plane, ln sigma_slice and ring towards a better fit, and their standard errors."""
    prior = 1.0 / PRIOR_SD**2
    miss = np.array([
        np.log(expected.sigma_in_plane_mm / blur.sigma_in_plane_mm),
        np.log(expected.sigma_slice_mm / blur.sigma_slice_mm),
        expected.ring - blur.ring,
    ])  # fmt: skip
    h = INDEPENDENT_SHARE * hessian + np.diag(prior)
    step = np.linalg.solve(h, INDEPENDENT_SHARE * gradient + prior * miss)
    return np.clip(step, -0.3, 0.3), np.sqrt(np.diag(np.linalg.inv(h)))


def within_range(blur: Blur) -> Blur:
    """Return the blur, kept to what a CT scanner can have."""
    return replace(
        blur,
        sigma_in_plane_mm=float(np.clip(blur.sigma_in_plane_mm, *SIGMA_RANGE_MM)),
        ring=float(np.clip(blur.ring, *RING_RANGE)),
    )
