"""Measured against true: one canal measured in a phantom, level by level and ray by ray."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.canal import Canal, SectionTable, cortical_thickness, describe_shape, measure_sections
from sizing.geometry import FloatArray
from sizing.phantom.truth import PhantomTruth

DIAMETERS = ("inscribed", "minor", "major", "area")
REAMER_STEP_MM = 0.5
# Angle over which the slope of the true surface is taken.
SLOPE_RAD = 1e-4


@dataclass(frozen=True)
class Comparison:
    """Errors are measured minus true, in mm; NaN where nothing was measured or nothing is true.

    Attributes
    ----------
    depth_mm : (m,) array
        True depth of each measured level.
    diameter_error_mm : dict of (m,) arrays
        By name: inscribed, minor, major, area.
    diameter_se_mm : dict of (m,) arrays
        What the program says of its doubt in them, where it says it.
    true_inscribed_mm : (m,) array
    endosteal_error_mm, periosteal_error_mm : (m, n) arrays
        Along the true surface's normal, positive outward.
    endosteal_se_mm, periosteal_se_mm : (m, n) arrays
    wall_error_mm, true_wall_mm : (m, n) arrays
        Normal wall at each endosteal point.
    expected : (m, n) bool array
        Rays on which both surfaces exist.
    centre_error_mm : (m,) array
        Distance between measured and true centroid of the canal.
    isthmus_error_mm : float
        NaN when one side has no isthmus.
    isthmus_se_mm : float
        What the program says of its doubt in the level.
    made_up_share : float
        Share of rays on which a surface does not exist (plug, hole) and yet both are reported.
    cortex_hu : float
    sigma_in_plane_mm, sigma_slice_mm : float
        As estimated by the program.
    """

    depth_mm: FloatArray
    diameter_error_mm: dict[str, FloatArray]
    diameter_se_mm: dict[str, FloatArray]
    true_inscribed_mm: FloatArray
    endosteal_error_mm: FloatArray
    periosteal_error_mm: FloatArray
    endosteal_se_mm: FloatArray
    periosteal_se_mm: FloatArray
    wall_error_mm: FloatArray
    true_wall_mm: FloatArray
    expected: NDArray[np.bool_]
    centre_error_mm: FloatArray
    isthmus_error_mm: float
    made_up_share: float
    cortex_hu: float
    sigma_in_plane_mm: float
    sigma_slice_mm: float
    isthmus_se_mm: float = float("nan")

    @property
    def cannot_tell_share(self) -> float:
        """Share of rays with two surfaces on which the program says that it cannot tell."""
        unknown = np.isnan(self.endosteal_error_mm) | np.isnan(self.periosteal_error_mm)
        return float(unknown[self.expected].mean()) if self.expected.any() else float("nan")

    @property
    def wrong_reamer_bin(self) -> NDArray[np.bool_]:
        """(k,) levels, among the measured ones, whose inscribed diameter falls into another 0.5 mm step."""
        error = self.diameter_error_mm["inscribed"]
        known = np.isfinite(error)
        true = self.true_inscribed_mm[known]
        return np.floor((true + error[known]) / REAMER_STEP_MM) != np.floor(true / REAMER_STEP_MM)


def compare(truth: PhantomTruth, canal: Canal, table: SectionTable | None = None) -> Comparison:
    """Compare a measured canal with the truth of its phantom.

    The measured levels may start elsewhere and lean: each measured point is carried into the
    true frame, and per-level numbers are compared at the true depth of the measured centre.
    """
    table = measure_sections(canal) if table is None else table
    depth = truth.axis.locate(canal.axis.points_lps)[:, 0]
    inner_error, inner_depth, inner_theta = _surface_error(truth, canal, "endosteal")
    outer_error, _, _ = _surface_error(truth, canal, "periosteal")
    there = _on_truth_grid(truth, truth.open.astype(float), inner_depth, inner_theta)
    expected = there > 0.999
    reported = canal.measured[(there < 0.001) & _within(truth, inner_depth)]
    true_wall = _on_truth_grid(truth, truth.wall_normal_mm, inner_depth, inner_theta)
    whole = np.where(expected.all(axis=1), 0.0, np.nan)
    errors = {
        name: getattr(table, f"{name}_diameter_mm")
        - truth.level_of(depth, getattr(truth, f"{name}_diameter_mm"))
        + whole
        for name in DIAMETERS
    }
    edges = canal.edges
    waist_error, waist_se = _isthmus_error(truth, canal, table)
    unknown = np.full(inner_error.shape, np.nan)
    return Comparison(
        depth_mm=depth, diameter_error_mm=errors, diameter_se_mm=_stated_se(table),
        true_inscribed_mm=truth.level_of(depth, truth.inscribed_diameter_mm),
        endosteal_error_mm=inner_error, periosteal_error_mm=outer_error,
        endosteal_se_mm=unknown if canal.endosteal_se_mm is None else canal.endosteal_se_mm,
        periosteal_se_mm=unknown if canal.periosteal_se_mm is None else canal.periosteal_se_mm,
        wall_error_mm=np.where(expected, cortical_thickness(canal) - true_wall, np.nan), true_wall_mm=true_wall,
        expected=expected, centre_error_mm=_centre_error(truth, canal, table, depth) + whole,
        isthmus_error_mm=waist_error, isthmus_se_mm=waist_se,
        made_up_share=float(reported.mean()) if reported.size else float("nan"),
        cortex_hu=_number(edges.cortex_hu), sigma_in_plane_mm=_number(edges.sigma_in_plane_mm),
        sigma_slice_mm=_number(edges.sigma_slice_mm),
    )  # fmt: skip


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _stated_se(table: SectionTable) -> dict[str, FloatArray]:
    stated = {name: getattr(table, f"{name}_diameter_se_mm", None) for name in DIAMETERS}
    return {name: se for name, se in stated.items() if se is not None}


def _surface_error(truth: PhantomTruth, canal: Canal, surface: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the error along the normal (m, n), and true depth and angle of each point; NaN outside the truth."""
    points = canal.contour_lps(surface)
    known = np.asarray(np.isfinite(points).all(axis=-1))
    filled = np.where(known[..., None], points, canal.axis.points_lps[:, None])
    depth, x, y = np.moveaxis(truth.axis.locate(filled), -1, 0)
    radius, theta = np.hypot(x, y), np.arctan2(y, x)
    true = truth.radius_at(depth, theta, surface)
    around = (truth.radius_at(depth, theta + SLOPE_RAD, surface) - true) / SLOPE_RAD / true
    along = (truth.radius_at(depth + SLOPE_RAD, theta, surface) - true) / SLOPE_RAD
    known &= _within(truth, depth)
    known &= _on_truth_grid(truth, truth.open.astype(float), depth, theta) > 0.999
    return np.where(known, (radius - true) / np.sqrt(1 + around**2 + along**2), np.nan), depth, theta


def _within(truth: PhantomTruth, depth_mm: FloatArray) -> NDArray[np.bool_]:
    return np.asarray((depth_mm >= truth.axis.depth_mm[0]) & (depth_mm <= truth.axis.depth_mm[-1]))


def _on_truth_grid(truth: PhantomTruth, values: FloatArray, depth_mm: FloatArray, theta_rad: FloatArray) -> FloatArray:
    """Interpolate a field (levels, angles) of the truth linearly; 0 outside its levels."""
    from scipy.ndimage import map_coordinates

    n = len(truth.theta_rad)
    wrapped = np.concatenate([values, values[:, :1]], axis=1)
    step = truth.axis.depth_mm[1] - truth.axis.depth_mm[0]
    at = [(depth_mm - truth.axis.depth_mm[0]) / step, np.mod(theta_rad, 2 * np.pi) * n / (2 * np.pi)]
    return map_coordinates(wrapped, at, order=1, mode="constant", cval=0.0)


def _centre_error(truth: PhantomTruth, canal: Canal, table: SectionTable, depth_mm: FloatArray) -> FloatArray:
    xy = table.canal_centroid_xy_mm
    a = canal.axis
    centre = a.points_lps + xy[:, :1] * a.u_lps + xy[:, 1:] * a.v_lps
    known = np.asarray(np.isfinite(centre).all(axis=1))
    found = truth.axis.locate(np.where(known[:, None], centre, a.points_lps))
    true = np.stack([truth.level_of(depth_mm, truth.centroid_xy_mm[:, i]) for i in (0, 1)], axis=-1)
    return np.where(known, np.linalg.norm(found[:, 1:] - true, axis=1), np.nan)


def _isthmus_error(truth: PhantomTruth, canal: Canal, table: SectionTable) -> tuple[float, float]:
    """Return the error of the isthmus's level along the true axis, and the standard error that is stated."""
    shape = describe_shape(canal, table)
    found = shape.isthmus_depth_mm
    if found is None:
        return float("nan"), float("nan")
    a = canal.axis
    point = [np.interp(found, a.depth_mm, a.points_lps[:, i]) for i in range(3)]
    error = float(truth.axis.locate(np.array(point))[0]) - truth.isthmus_depth_mm
    return error, _number(shape.isthmus_depth_se_mm)
