"""The line a tool advances along."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sizing.errors import ReamingError
from sizing.geometry import FloatArray, frozen_array, numbers_in, unit, unit_rows
from sizing.strict import is_number

# Cosine below which two directions are at right angles but for rounding.
PERPENDICULAR = 1e-12
# A cubic B-spline needs four points.
MIN_PATH_POINTS = 4


@dataclass(frozen=True)
class ToolAxis:
    """The line a tool advances along: straight, a circular arc, or a path that follows the canal.

    Attributes
    ----------
    entry_lps : (3,) array
        Where the axis crosses the resection plane.
    direction_lps : (3,) array
        Unit tangent at the entry, pointing proximally.
    bow_radius_mm : float or None
        None: no arc. Else the axis is a circular arc of this radius.
    bow_centre_lps : (3,) array or None
        Unit vector at the entry from the axis towards the centre of curvature.
    path_lps : (k, 3) array or None
        Only for flexible tools: points in order, at equal travel, the first one at the entry.
    path_step_mm : float or None
        Travel from point to point; beyond both ends the path runs on straight.
    """

    entry_lps: FloatArray
    direction_lps: FloatArray
    bow_radius_mm: float | None = None
    bow_centre_lps: FloatArray | None = None
    path_lps: FloatArray | None = None
    path_step_mm: float | None = None

    def __post_init__(self) -> None:
        for name in ("entry_lps", "direction_lps"):
            value = numbers_in(getattr(self, name))
            if value.shape != (3,) or not np.all(np.isfinite(value)) or (name == "direction_lps" and not value.any()):
                raise ReamingError("CF-R003", f"a tool axis needs a usable {name}", measured=str(getattr(self, name)),
                                   expected="three finite numbers, a direction not all zero")  # fmt: skip
        object.__setattr__(self, "entry_lps", frozen_array(self.entry_lps))
        object.__setattr__(self, "direction_lps", frozen_array(unit(self.direction_lps)))
        if (self.bow_radius_mm is None) != (self.bow_centre_lps is None):
            raise ReamingError("CF-R003", "a bowed axis needs both a radius and the direction of its centre")
        if self.bow_radius_mm is not None and not (is_number(self.bow_radius_mm) and self.bow_radius_mm > 0):
            raise ReamingError("CF-R003", "a bow radius must be positive", measured=f"{self.bow_radius_mm} mm")
        if self.bow_centre_lps is not None:
            towards = numbers_in(self.bow_centre_lps)
            if towards.shape != (3,) or not np.all(np.isfinite(towards)):
                raise ReamingError("CF-R003", "a bow's direction must be three finite numbers",
                                   measured=str(self.bow_centre_lps))  # fmt: skip
            along = float(towards @ self.direction_lps)
            if abs(along) > PERPENDICULAR:  # else it stays bit for bit, so that a copy of an axis equals it
                towards = towards - along * self.direction_lps
            object.__setattr__(self, "bow_centre_lps", frozen_array(unit(towards)))
        if self.path_lps is not None:
            object.__setattr__(self, "path_lps", frozen_array(self.path_lps))
            ok = self.path_lps.ndim == 2 and self.path_lps.shape[1] == 3 and len(self.path_lps) >= MIN_PATH_POINTS
            if not ok or not (self.path_step_mm and self.path_step_mm > 0) or self.bow_radius_mm is not None:
                raise ReamingError("CF-R003", "a path needs points (k, 3), a positive step and no bow",
                                   expected=f"at least {MIN_PATH_POINTS} points")  # fmt: skip

    @property
    def is_straight(self) -> bool:
        """True for a line."""
        return self.bow_radius_mm is None and self.path_lps is None

    def point_at(self, travel_mm: FloatArray | float) -> FloatArray:
        """Return the LPS point(s) (..., 3) after a travel along the axis from the entry."""
        return self._derivative(travel_mm, 0)

    def direction_at(self, travel_mm: FloatArray | float) -> FloatArray:
        """Return the unit tangent(s) (..., 3) at a travel."""
        return self._derivative(travel_mm, 1)

    def curvature_at(self, travel_mm: FloatArray | float) -> FloatArray:
        """Return the change of the tangent (..., 3) per mm of travel, 1/mm."""
        return self._derivative(travel_mm, 2)

    def _derivative(self, travel_mm: FloatArray | float, order: int) -> FloatArray:
        t = np.asarray(travel_mm, np.float64)[..., None]
        if self.path_lps is not None:
            return _along_path(self.path_lps, float(self.path_step_mm or 0.0), t, order)
        d, n, radius = self.direction_lps, self.bow_centre_lps, self.bow_radius_mm
        if radius is None or n is None:
            return (self.entry_lps + t * d, d + 0.0 * t, np.zeros(3) * t)[order]
        sin, cos = np.sin(t / radius), np.cos(t / radius)
        if order == 0:
            return self.entry_lps + radius * (sin * d + (1.0 - cos) * n)
        return cos * d + sin * n if order == 1 else (cos * n - sin * d) / radius


def _along_path(points: FloatArray, step_mm: float, t: FloatArray, order: int) -> FloatArray:
    """Value, unit tangent or curvature of the uniform cubic B-spline whose control points are ``points``.

    The spline has continuous curvature and stays in the hull of its control points; its parameter is
    travel up to the second order of the spacing times the bend. Beyond the ends it runs on straight.
    """
    first, last = 2.0 * points[:1] - points[1:2], 2.0 * points[-1:] - points[-2:-1]
    control = np.concatenate([first, points, last])
    at = np.clip(t[..., 0] / step_mm, 0.0, len(points) - 1.0)
    cell = np.minimum(at.astype(int), len(points) - 2)
    x = (at - cell)[..., None]
    p0, p1, p2, p3 = (control[cell + i] for i in range(4))
    beyond = t - step_mm * at[..., None]
    tangent = unit_rows(-((1 - x) ** 2) * p0 + (3 * x**2 - 4 * x) * p1 + (1 + 2 * x - 3 * x**2) * p2 + x**2 * p3)
    if order == 1:
        return tangent
    if order == 2:
        bend = ((1 - x) * p0 + (3 * x - 2) * p1 + (1 - 3 * x) * p2 + x * p3) / step_mm**2
        return np.where(np.abs(beyond) > 0, 0.0, bend - np.sum(bend * tangent, axis=-1, keepdims=True) * tangent)
    inner = (3 * x**3 - 6 * x**2 + 4) * p1 + (1 + 3 * x + 3 * x**2 - 3 * x**3) * p2
    return ((1 - x) ** 3 * p0 + inner + x**3 * p3) / 6 + beyond * tangent
