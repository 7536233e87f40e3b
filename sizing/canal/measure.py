"""From a scan and a located bone to a measured canal."""

from __future__ import annotations

import numpy as np

from sizing.canal.axis import find_axis, recentre
from sizing.canal.blur import expected_blur
from sizing.canal.calibrate import Calibration, calibrate
from sizing.canal.cortex import FIELD_ANGLE_RAD
from sizing.canal.locate import Located, locate
from sizing.canal.model import Canal, CanalAxis, EdgeModel
from sizing.canal.rays import Rays, mask_radius_mm, ray_step_mm, rays_of, reach_of, sample_hu
from sizing.canal.report import canal_findings, unknown_cortex
from sizing.canal.settings import CanalSettings
from sizing.canal.walls import Walls, fit_surfaces
from sizing.errors import CanalError
from sizing.segmentation.model import ResidualBone
from sizing.volume import CtVolume

# Rays of the quick first look that only serves to centre the axis in the canal.
SCOUT_ANGLES = 48


def measure_canal(volume: CtVolume, residual_bone: ResidualBone, settings: CanalSettings | None = None) -> Canal:
    """Measure the canal's surfaces in sections perpendicular to its own axis.

    Parameters
    ----------
    volume : CtVolume
        The whole scan.
    residual_bone : ResidualBone
        Located in a crop of the same volume.
    settings : CanalSettings, optional
        Step between levels and number of rays.

    Returns
    -------
    Canal
        Levels from the resection plane (depth 0) upward; NaN where a surface cannot be told.

    Raises
    ------
    CanalError
        CF-C010 the bone is too short; CF-C013 no ray of any level finds a wall.
    """
    settings = settings or CanalSettings()
    axis = find_axis(residual_bone, settings.level_step_mm)
    axis = recentre(axis, _canal_centres(volume, residual_bone, axis), residual_bone, settings.level_step_mm)
    rays, located = _look(volume, residual_bone, axis, settings.n_angles)
    if not np.isfinite(located.inner_mm).any():
        raise CanalError("CF-C013", "no level of this bone shows a wall with a canal inside",
                         where=f"{len(axis)} levels, {axis.depth_mm[0]:.0f} to {axis.depth_mm[-1]:.0f} mm above the "
                               "resection plane",
                         advice="Check the bone and the resection level; a sclerosed canal has no edge")  # fmt: skip
    calibration = calibrate(volume, rays, located, expected_blur(volume))
    walls = fit_surfaces(volume, rays, located, calibration)
    findings, defects = canal_findings(walls, located, rays, residual_bone.side)
    edges = _edge_model(calibration, walls)
    if not calibration.cortex_known:
        findings = (unknown_cortex(edges), *findings)
    return Canal(
        axis,
        rays.theta_rad,
        walls.inner_mm,
        walls.outer_mm,
        walls.inner_se_mm,
        walls.outer_se_mm,
        cortex_hu=walls.cortex_hu,
        canal_hu=walls.content_hu,
        bone=residual_bone.bone,
        side=residual_bone.side,
        resection=residual_bone.resection,
        edges=edges,
        findings=findings,
        endosteal_common_se_mm=walls.inner_shared.scan_mm,
        periosteal_common_se_mm=walls.outer_shared.scan_mm,
        endosteal_regional_se_mm=walls.inner_shared.regional_mm,
        periosteal_regional_se_mm=walls.outer_shared.regional_mm,
        defects=defects,
    )


def _edge_model(calibration: Calibration, walls: Walls) -> EdgeModel:
    c, blur = calibration, calibration.blur
    tenth_hu = 0.1 * c.cortex_hu
    return EdgeModel(
        "blur-model",
        cortex_hu=c.cortex_hu,
        cortex_hu_se=c.cortex_se_hu,
        sigma_in_plane_mm=blur.sigma_in_plane_mm,
        sigma_slice_mm=blur.sigma_slice_mm,
        cortex_spread_hu=c.cortex_spread_hu,
        sigma_in_plane_se=float(c.blur_se[0]),
        ring=blur.ring,
        noise_hu=c.noise_hu,
        independent_mm=walls.independent_mm,
        regional_rad=FIELD_ANGLE_RAD,
        endosteal_mm_per_10_percent_cortex=walls.per_cortex_mm[0] * tenth_hu,
        wall_mm_per_10_percent_cortex=(walls.per_cortex_mm[1] - walls.per_cortex_mm[0]) * tenth_hu,
        endosteal_mm_per_10_percent_sigma=c.per_sigma_mm[0] * 0.1,
        wall_mm_per_10_percent_sigma=(c.per_sigma_mm[1] - c.per_sigma_mm[0]) * 0.1,
        fade_share=max(c.fade_share, 0.0),
        decay_mm=c.decay_mm,
    )


def _look(volume: CtVolume, bone: ResidualBone, axis: CanalAxis, n_angles: int) -> tuple[Rays, Located]:
    step = ray_step_mm(volume.geometry)
    rays = rays_of(axis, n_angles, step, reach_of(bone, axis))
    return rays, locate(sample_hu(volume, rays), mask_radius_mm(bone, rays), step)


def _canal_centres(volume: CtVolume, bone: ResidualBone, axis: CanalAxis) -> np.ndarray:
    """Return the centroid (m, 3) LPS of the half-maximum canal per level; NaN where it is not closed."""
    rays, located = _look(volume, bone, axis, SCOUT_ANGLES)
    r, t = located.inner_mm, rays.theta_rad
    # centroid of a polar region: int r^3 cos / 3 over int r^2 / 2
    ray = np.stack([np.cos(t), np.sin(t)], axis=-1)
    centre = (r**3 @ ray) * 2 / 3 / (r**2).sum(axis=1, keepdims=True)
    return axis.points_lps + centre[:, :1] * axis.u_lps + centre[:, 1:] * axis.v_lps
