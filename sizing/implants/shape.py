"""The form of a stem as a table of sections along its axis, straight or bowed on a circular arc.

Frame of a section: x points to the centre of curvature (any fixed direction for a straight stem),
y completes the right hand with the axis, which runs from the collar's seat to the tip.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sizing.errors import InputError
from sizing.geometry import FloatArray, frozen_array

# Trapezoid rule over a period: exact to rounding for smooth sections from a few dozen angles on;
# 720 also resolves 12 splines with 60 angles each.
N_ANGLES = 720
# Gauss points per stretch between two stations: exact for polynomials of degree 9 in the station.
_GAUSS_NODES, _GAUSS_WEIGHTS = np.polynomial.legendre.leggauss(5)
# Newton on a convex function from outside: quadratic, and monotone; 60 steps reach rounding for any n <= 8.
_NEWTON_STEPS = 60
# Value and derivatives at the middle of five samples one step apart: central differences of a quartic.
_DERIVATIVES = np.array(
    [[0, 0, 12, 0, 0], [1, -8, 0, 8, -1], [-1, 16, -30, 16, -1], [-6, 12, 0, -12, 6], [12, -48, 72, -48, 12]]
) / 12.0  # fmt: skip
# Newton from the highest sample to the top beside it: quadratic, from half a step away.
_TOP_STEPS = 4


@dataclass(frozen=True, slots=True)
class Splines:
    """Longitudinal ribs raised above the section, smooth in cross-section (squared cosine)."""

    count: int
    height_mm: float
    from_station_mm: float
    to_station_mm: float
    run_out_mm: float

    def __post_init__(self) -> None:
        length = self.to_station_mm - self.from_station_mm
        if not (3 <= self.count <= 24 and self.height_mm > 0 and 0 < 2 * self.run_out_mm <= length):
            raise InputError(
                "CF-I030",
                "these splines cannot be made",
                where="splines",
                measured=f"{self.count} ribs, {self.height_mm:g} mm high, run-out {self.run_out_mm:g} on {length:g} mm",
                expected="3 to 24 ribs, height > 0, two run-outs within the length",
            )

    def added_mm(self, station_mm: FloatArray, phi_rad: FloatArray) -> FloatArray:
        """Return the height (k, n) that the ribs add at stations (k,) and angles (n,)."""
        into = np.minimum(station_mm - self.from_station_mm, self.to_station_mm - station_mm)
        ramp = np.clip(into / self.run_out_mm, 0.0, 1.0)
        return self.height_mm * np.outer(ramp, np.cos(0.5 * self.count * phi_rad) ** 2)


def superellipse_radius_mm(
    phi_rad: FloatArray, semi_axes_mm: ArrayLike, exponent: ArrayLike, orientation_rad: ArrayLike, offset_mm: ArrayLike
) -> FloatArray:
    """Polar radius about the origin of |x/a|^e + |y/b|^e = 1, rotated and then shifted.

    Semi-axes (..., 2), exponent (...), orientation (...) and offset (..., 2) give one section, or many at once;
    the result is (..., n). The left side to the power 1/e is a norm, hence convex along a ray: Newton from outside
    cannot overshoot.

    Raises
    ------
    InputError
        CF-I031 when a section does not surround the origin.
    """
    semi, centre = np.asarray(semi_axes_mm, float), np.asarray(offset_mm, float)
    a, b, ox, oy = (v[..., None] for v in (semi[..., 0], semi[..., 1], centre[..., 0], centre[..., 1]))
    e, turn = np.asarray(exponent, float)[..., None], np.asarray(orientation_rad, float)[..., None]
    c, s = np.cos(turn), np.sin(turn)
    # The ray p = r (cos, sin) in the section's own axes: p_own = r * d - o, both scaled by the semi-axes.
    dx, dy = (c * np.cos(phi_rad) + s * np.sin(phi_rad)) / a, (c * np.sin(phi_rad) - s * np.cos(phi_rad)) / b
    px, py = (c * ox + s * oy) / a, (c * oy - s * ox) / b
    outside = np.abs(px) ** e + np.abs(py) ** e >= 1
    if outside.any():
        raise InputError("CF-I031", "a section does not surround the stem's axis", where="offset",
                         measured=f"{np.max(np.hypot(ox, oy)):g} mm off",
                         expected=f"well inside semi-axes {a.min():g} x {b.min():g} mm")  # fmt: skip
    if not (px.any() or py.any()):
        return (np.abs(dx) ** e + np.abs(dy) ** e) ** (-1.0 / e)
    if np.all(e == 2):
        # A quadratic in r: |r d - p| = 1.
        dd, dp, pp = dx * dx + dy * dy, dx * px + dy * py, px * px + py * py
        return (dp + np.sqrt(dp * dp + dd * (1.0 - pp))) / dd
    r = (np.abs(dx) ** e + np.abs(dy) ** e) ** (-1.0 / e)
    r = r * (1.0 + 2.0 * (np.abs(px) + np.abs(py))) + np.hypot(ox, oy)
    for _ in range(_NEWTON_STEPS):
        x, y = r * dx - px, r * dy - py
        ax, ay = np.abs(x), np.abs(y)
        norm = (ax**e + ay**e) ** (1.0 / e)
        slope = norm ** (1.0 - e) * (ax ** (e - 1) * np.sign(x) * dx + ay ** (e - 1) * np.sign(y) * dy)
        step = (norm - 1.0) / slope
        r = r - step
        if np.max(np.abs(step)) < 1e-13 * np.max(r):
            break
    return r


@dataclass(frozen=True)
class StemShape:
    """Sections at k stations; between stations the numbers of the table are linear.

    Attributes
    ----------
    station_mm : (k,) array
        Arc length from the collar's seat, first 0, strictly increasing.
    semi_axes_mm : (k, 2) array
        Semi-axes a (along the orientation) and b. Zero at a pointed tip.
    exponent : (k,) array
        2 = ellipse (circle when a = b), larger = squarer.
    orientation_deg : (k,) array
        Angle of the a axis from x.
    offset_mm : (k, 2) array
        Centre of the section from the stem's axis.
    free_radius_mm : (k, n) array or None
        Smooth free form: polar radius about the axis at n equal angles; replaces the superellipse.
    bow_radius_mm : float or None
        None: straight axis.
    splines : Splines or None
    """

    station_mm: FloatArray
    semi_axes_mm: FloatArray
    exponent: FloatArray
    orientation_deg: FloatArray
    offset_mm: FloatArray
    free_radius_mm: FloatArray | None = None
    bow_radius_mm: float | None = None
    splines: Splines | None = None

    def __post_init__(self) -> None:
        for name in ("station_mm", "semi_axes_mm", "exponent", "orientation_deg", "offset_mm", "free_radius_mm"):
            values = getattr(self, name)
            if values is not None:
                object.__setattr__(self, name, frozen_array(values))
        k = len(self.station_mm)
        shapes = (self.semi_axes_mm.shape, self.exponent.shape, self.orientation_deg.shape, self.offset_mm.shape)
        if shapes != ((k, 2), (k,), (k,), (k, 2)) or (
            self.free_radius_mm is not None and len(self.free_radius_mm) != k
        ):
            raise ValueError(f"a section table needs one row per station, got {shapes}")
        if k < 2 or self.station_mm[0] != 0 or np.any(np.diff(self.station_mm) <= 0):
            raise InputError("CF-I032", "stations must start at the collar's seat and grow towards the tip",
                             where="section table", expected="0 = first < second < ... = length")  # fmt: skip
        if np.any(self.semi_axes_mm < 0) or np.any(self.exponent < 1) or not np.all(np.isfinite(self.semi_axes_mm)):
            raise InputError("CF-I033", "a section has a negative or missing semi-axis, or an exponent below 1",
                             where="section table")  # fmt: skip

    @classmethod
    def round(cls, station_mm: ArrayLike, radius_mm: ArrayLike, bow_radius_mm: float | None = None) -> StemShape:
        """Build a stem of circular sections centred on its axis."""
        s, r = np.asarray(station_mm, float), np.asarray(radius_mm, float)
        zero = np.zeros_like(s)
        return cls(s, np.stack([r, r], 1), zero + 2.0, zero, np.stack([zero, zero], 1), bow_radius_mm=bow_radius_mm)

    @property
    def length_mm(self) -> float:
        """Arc length from the collar's seat to the tip."""
        return float(self.station_mm[-1])

    @property
    def breaks_mm(self) -> FloatArray:
        """Stations (b,) where the surface may kink: the rows of the table, and the ends of ribs and their run-outs."""
        if self.splines is None:
            return self.station_mm
        low, high, run = self.splines.from_station_mm, self.splines.to_station_mm, self.splines.run_out_mm
        kinks = np.clip([low, low + run, high - run, high], 0.0, self.length_mm)
        return np.unique(np.concatenate([self.station_mm, kinks]))

    def radius_mm(self, station_mm: ArrayLike, phi_rad: ArrayLike) -> FloatArray:
        """Polar radius (k, n) about the axis at stations (k,) and angles (n,); NaN beyond the stem."""
        s = np.atleast_1d(np.asarray(station_mm, np.float64))
        phi = np.asarray(phi_rad, np.float64)
        out = self._free_radius(s, phi) if self.free_radius_mm is not None else self._superellipses(s, phi)
        if self.splines is not None:
            out = out + self.splines.added_mm(s, phi)
        out[(s < 0) | (s > self.length_mm)] = np.nan
        return out

    def _free_radius(self, s: FloatArray, phi: FloatArray) -> FloatArray:
        assert self.free_radius_mm is not None
        n = self.free_radius_mm.shape[1]
        # Between its samples the contour is the trigonometric polynomial through them.
        spectrum = np.fft.rfft(self.free_radius_mm, axis=1) / n
        order = np.arange(spectrum.shape[1])
        weight = np.where((order == 0) | (2 * order == n), 1.0, 2.0)
        at_stations = (spectrum * weight) @ np.exp(1j * np.outer(order, phi))
        blend = np.stack([np.interp(s, self.station_mm, column) for column in at_stations.real.T], axis=1)
        return np.maximum(blend, 0.0)

    def _superellipses(self, s: FloatArray, phi: FloatArray) -> FloatArray:
        def rows(column: FloatArray) -> FloatArray:
            return np.interp(s, self.station_mm, column)

        semi = np.stack([rows(self.semi_axes_mm[:, 0]), rows(self.semi_axes_mm[:, 1])], axis=1)
        offset = np.stack([rows(self.offset_mm[:, 0]), rows(self.offset_mm[:, 1])], axis=1)
        out = np.zeros((len(s), len(phi)))  # a pointed tip has no section
        body = semi.min(axis=1) > 0
        turn = np.deg2rad(rows(self.orientation_deg))
        out[body] = superellipse_radius_mm(phi, semi[body], rows(self.exponent)[body], turn[body], offset[body])
        return out

    def points_mm(self, station_mm: ArrayLike, phi_rad: ArrayLike) -> FloatArray:
        """Return surface points (k, n, 3) in the implant frame."""
        s = np.atleast_1d(np.asarray(station_mm, np.float64))[:, None]
        phi = np.asarray(phi_rad, np.float64)
        r = self.radius_mm(s[:, 0], phi)
        return self.placed_mm(s, r * np.cos(phi), r * np.sin(phi))

    def placed_mm(self, station_mm: FloatArray, x_mm: FloatArray, y_mm: FloatArray) -> FloatArray:
        """Return points (..., 3) in the implant frame from their station and their place in the section there."""
        s, x, y = np.broadcast_arrays(station_mm, x_mm, y_mm)
        if self.bow_radius_mm is None:
            return np.stack([x, y, s], axis=-1)
        # Distance to the centre of curvature shrinks by x, which points at it.
        reach = self.bow_radius_mm - x
        angle = s / self.bow_radius_mm
        return np.stack([self.bow_radius_mm - reach * np.cos(angle), y, reach * np.sin(angle)], axis=-1)

    def quadrature(self) -> tuple[FloatArray, FloatArray]:
        """Return stations and weights (q,) that integrate a smooth function along the axis."""
        low, high = self.breaks_mm[:-1, None], self.breaks_mm[1:, None]
        stations = 0.5 * (low + high) + 0.5 * (high - low) * _GAUSS_NODES
        weights = 0.5 * (high - low) * _GAUSS_WEIGHTS
        return stations.ravel(), weights.ravel()

    @property
    def volume_mm3(self) -> float:
        """Volume of the stem without collar and holes: the integral of the section table (Pappus for a bow)."""
        stations, weights = self.quadrature()
        phi = np.arange(N_ANGLES) * (2 * np.pi / N_ANGLES)
        r = self.radius_mm(stations, phi)
        area = (0.5 * r**2).mean(1) * 2 * np.pi
        if self.bow_radius_mm is not None:
            area = area - (r**3 * np.cos(phi)).mean(1) * (2 * np.pi / 3) / self.bow_radius_mm
        return float(area @ weights)


@dataclass(frozen=True)
class SectionProperties:
    """Area, centroid and bending constants at k stations, about the section's own centroid."""

    station_mm: FloatArray
    area_mm2: FloatArray
    centroid_mm: FloatArray  # (k, 2)
    i_xx_mm4: FloatArray
    i_yy_mm4: FloatArray
    i_xy_mm4: FloatArray
    modulus_x_mm3: FloatArray  # bending about x: i_xx / largest |y|
    modulus_y_mm3: FloatArray


def _outermost_mm(distance_mm: FloatArray) -> FloatArray:
    """Largest value (k,) of smooth periodic curves (k, n), between their samples: the top of a quartic through five.

    The outermost fibre rarely lies on a sampled angle; the samples alone are short by up to 1e-4, the quartic by 1e-7.
    """
    rows, at = np.arange(len(distance_mm)), distance_mm.argmax(axis=1)
    near = np.stack([distance_mm[rows, (at + shift) % distance_mm.shape[1]] for shift in range(-2, 3)], axis=1)
    value, first, second, third, fourth = (near @ _DERIVATIVES.T).T
    t = np.zeros_like(value)
    for _ in range(_TOP_STEPS):
        slope = first + t * (second + t * (third / 2 + t * fourth / 6))
        bend = second + t * (third + t * fourth / 2)
        t = np.clip(t - np.divide(slope, bend, out=np.zeros_like(t), where=bend < 0), -1.0, 1.0)
    return value + t * (first + t * (second / 2 + t * (third / 6 + t * fourth / 24)))


def section_properties(shape: StemShape, station_mm: ArrayLike) -> SectionProperties:
    """Return section constants at stations (k,), by Green's theorem on the polar contour."""
    s = np.atleast_1d(np.asarray(station_mm, np.float64))
    phi = np.arange(N_ANGLES) * (2 * np.pi / N_ANGLES)
    c, d = np.cos(phi), np.sin(phi)
    r = shape.radius_mm(s, phi)
    turn = 2 * np.pi
    area = (r**2).mean(1) * turn / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        cx, cy = (r**3 * c).mean(1) * turn / 3 / area, (r**3 * d).mean(1) * turn / 3 / area
    i_xx = (r**4 * d * d).mean(1) * turn / 4 - area * cy**2
    i_yy = (r**4 * c * c).mean(1) * turn / 4 - area * cx**2
    i_xy = (r**4 * c * d).mean(1) * turn / 4 - area * cx * cy
    with np.errstate(invalid="ignore", divide="ignore"):
        z_x = i_xx / _outermost_mm(np.abs(r * d - cy[:, None]))
        z_y = i_yy / _outermost_mm(np.abs(r * c - cx[:, None]))
    # A pointed tip has no section: constants go to 0 with its area, only its centroid cannot be told.
    i_xx, i_yy, i_xy, z_x, z_y = (np.where(area == 0, 0.0, v) for v in (i_xx, i_yy, i_xy, z_x, z_y))
    return SectionProperties(s, area, np.stack([cx, cy], 1), i_xx, i_yy, i_xy, z_x, z_y)
