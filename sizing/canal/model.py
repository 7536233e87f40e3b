"""The canal as measured: sections perpendicular to an axis, with endosteal and periosteal radii."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sizing.anatomy import Bone, Side
from sizing.canal.contours import radii_of
from sizing.canal.frames import CanalAxis
from sizing.errors import CanalError
from sizing.findings import Finding
from sizing.geometry import FloatArray, Plane, frozen_array


@dataclass(frozen=True)
class EdgeModel:
    """How the surfaces were located, and the blur that was estimated from this scan.

    Attributes
    ----------
    method : str
        "blur-model", or "given" for section contours.
    cortex_hu, cortex_hu_se : float or None
        HU of solid cortex in this scan.
    cortex_spread_hu : float or None
        SD of its real differences from place to place.
    sigma_in_plane_mm, sigma_slice_mm : float or None
        Gaussian blur within and across the slices.
    sigma_in_plane_se : float or None
        Relative standard error of ``sigma_in_plane_mm``.
    ring : float or None
        Weight of the negative ring of a sharp kernel, 0 = smooth.
    noise_hu : float or None
        Median residual of the fitted profiles.
    independent_mm : float or None
        Length of endosteal surface, round the section, that stands for one independent measurement.
    fade_share : float or None
        Share of the cortex's HU that is missing at the endosteum, in the scan as a whole; 0 = solid.
    decay_mm : float or None
        Over which cancellous bone on the endosteum fades inwards.
    regional_rad : float or None
        Size of a region that shares an error: two rays share exp(-(angle / 2 / regional_rad)^2) of it.
    endosteal_mm_per_10_percent_cortex, wall_mm_per_10_percent_cortex : float or None
        Median change of the endosteal radius and of the wall if cortex HU were assumed 10 % higher.
    endosteal_mm_per_10_percent_sigma, wall_mm_per_10_percent_sigma : float or None
        The same for the in-plane sigma.
    """

    method: str
    cortex_hu: float | None = None
    cortex_hu_se: float | None = None
    sigma_in_plane_mm: float | None = None
    sigma_slice_mm: float | None = None
    cortex_spread_hu: float | None = None
    sigma_in_plane_se: float | None = None
    ring: float | None = None
    noise_hu: float | None = None
    independent_mm: float | None = None
    endosteal_mm_per_10_percent_cortex: float | None = None
    wall_mm_per_10_percent_cortex: float | None = None
    endosteal_mm_per_10_percent_sigma: float | None = None
    wall_mm_per_10_percent_sigma: float | None = None
    fade_share: float | None = None
    decay_mm: float | None = None
    regional_rad: float | None = None


@dataclass(frozen=True, slots=True)
class CorticalDefect:
    """A hole in the wall inside a rim of solid cortex: levels from..to, its middle, greatest width round the bone.

    ``direction`` is its side in words.
    """

    from_depth_mm: float
    to_depth_mm: float
    depth_mm: float
    theta_rad: float
    width_mm: float
    direction: str


@dataclass(frozen=True)
class Canal:
    """Residual canal: m levels, n angles.

    NaN is "cannot tell", never zero. Angles run from u (anterior) towards v, first angle 0.

    Attributes
    ----------
    axis : CanalAxis
    theta_rad : (n,) array
        Equally spaced over a full turn.
    endosteal_radius_mm, periosteal_radius_mm : (m, n) arrays
        Distance from the axis to the surface along each ray.
    endosteal_se_mm, periosteal_se_mm : (m, n) arrays or None
        Standard error of the radii; None where the contours were given and not measured.
    endosteal_common_se_mm, periosteal_common_se_mm : (m, n) arrays or None
        The part of these that all rays share: it does not average out.
    endosteal_regional_se_mm, periosteal_regional_se_mm : (m, n) arrays or None
        The part that rays of a region share (``edges.regional_rad``): it averages out over regions.
    marrow_radius_mm : (m, n) array or None
        Inner limit of cancellous bone lying on the endosteum; None = no cancellous layer known.
    cortex_hu, canal_hu : (m, n) arrays or None
        Mean HU of the wall, and of the canal content along the ray.
    bone, side : Bone or None, Side or None
        None for contours that belong to no patient.
    resection : Plane
    edges : EdgeModel
    findings : tuple of Finding
    defects : tuple of CorticalDefect
        Holes in the wall, largest first; empty also where none could be looked for.
    """

    axis: CanalAxis
    theta_rad: FloatArray
    endosteal_radius_mm: FloatArray
    periosteal_radius_mm: FloatArray
    endosteal_se_mm: FloatArray | None = None
    periosteal_se_mm: FloatArray | None = None
    marrow_radius_mm: FloatArray | None = None
    cortex_hu: FloatArray | None = None
    canal_hu: FloatArray | None = None
    bone: Bone | None = None
    side: Side | None = None
    resection: Plane | None = None
    edges: EdgeModel = EdgeModel("given")
    findings: tuple[Finding, ...] = ()
    endosteal_common_se_mm: FloatArray | None = None
    periosteal_common_se_mm: FloatArray | None = None
    defects: tuple[CorticalDefect, ...] = ()
    endosteal_regional_se_mm: FloatArray | None = None
    periosteal_regional_se_mm: FloatArray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "theta_rad", frozen_array(self.theta_rad))
        shape = (len(self.axis), len(self.theta_rad))
        for name in (
            "endosteal_radius_mm", "periosteal_radius_mm", "endosteal_se_mm", "periosteal_se_mm",
            "endosteal_common_se_mm", "periosteal_common_se_mm", "endosteal_regional_se_mm",
            "periosteal_regional_se_mm", "marrow_radius_mm", "cortex_hu", "canal_hu",
        ):  # fmt: skip
            values = getattr(self, name)
            if values is None:
                continue
            if np.shape(values) != shape:
                raise CanalError("CF-C002", f"{name} has the wrong shape",
                                 measured=str(np.shape(values)), expected=str(shape))  # fmt: skip
            object.__setattr__(self, name, frozen_array(values))
        inside, outside = self.endosteal_radius_mm, self.periosteal_radius_mm
        if np.any(inside <= 0) or np.any(outside <= 0) or np.isinf(inside).any() or np.isinf(outside).any():
            raise CanalError("CF-C003", "a radius is zero, negative or infinite",
                             advice="Give NaN where a surface cannot be told")  # fmt: skip
        if self.resection is None:
            plane = Plane(self.axis.points_lps[0] - self.axis.depth_mm[0] * self.axis.s_lps[0], self.axis.s_lps[0])
            object.__setattr__(self, "resection", plane)

    def __repr__(self) -> str:
        """Say what it is, not all its numbers: levels, rays, which bone and side, how much is measured."""
        m, n = self.endosteal_radius_mm.shape
        depth = self.axis.depth_mm
        whose = " ".join(str(x) for x in (self.side, self.bone) if x is not None)
        return (
            f"<Canal {whose + ': ' if whose else ''}{m} levels x {n} rays, depth {depth[0]:.1f} to {depth[-1]:.1f} mm, "
            f"{self.measured.mean():.0%} measured>"
        )

    @property
    def measured(self) -> NDArray[np.bool_]:
        """(m, n) bool: both surfaces are known on this ray."""
        return np.isfinite(self.endosteal_radius_mm) & np.isfinite(self.periosteal_radius_mm)

    @property
    def wall_radial_mm(self) -> FloatArray:
        """(m, n) wall along the ray; the normal distance is ``sizing.canal.thickness``."""
        return self.periosteal_radius_mm - self.endosteal_radius_mm

    def contour_xy_mm(self, surface: str = "endosteal") -> FloatArray:
        """Return section coordinates (m, n, 2) along (u, v) of one surface: endosteal, periosteal or marrow."""
        radius = getattr(self, f"{surface}_radius_mm")
        ray = np.stack([np.cos(self.theta_rad), np.sin(self.theta_rad)], axis=-1)
        return radius[..., None] * ray

    def contour_lps(self, surface: str = "endosteal") -> FloatArray:
        """Return LPS points (m, n, 3) of one surface."""
        xy = self.contour_xy_mm(surface)
        a = self.axis
        return a.points_lps[:, None] + xy[..., :1] * a.u_lps[:, None] + xy[..., 1:] * a.v_lps[:, None]

    @classmethod
    def from_sections(
        cls,
        depth_mm: ArrayLike,
        endosteal_xy_mm: Sequence[ArrayLike],
        periosteal_xy_mm: Sequence[ArrayLike],
        *,
        marrow_xy_mm: Sequence[ArrayLike] | None = None,
        axis: CanalAxis | None = None,
        n_angles: int | None = None,
        resection: Plane | None = None,
    ) -> Canal:
        """Build a canal from section contours, without a CT.

        ``resection`` is by default the plane of depth 0; for the other arguments see
        ``sizing.canal.contours.radii_of``.
        """
        axis, theta, inside, outside, marrow = radii_of(
            depth_mm, endosteal_xy_mm, periosteal_xy_mm, marrow_xy_mm, axis, n_angles
        )
        return cls(axis, theta, inside, outside, marrow_radius_mm=marrow, resection=resection)
