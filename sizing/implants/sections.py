"""Largest sections under a limit: superellipses at one orientation, smooth free forms, and profiles below a curve."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sizing.geometry import FloatArray
from sizing.implants.custom_settings import CustomSettings
from sizing.implants.shape import Splines, StemShape, superellipse_radius_mm

# Ratios b/a are tried from 1:2 to 2:1 in steps of 4 %, then in finer steps round the best: the last is 2e-5, or
# 0.0001 mm on a semi-axis. The search for a centre is content with 8 %.
FINE = (np.geomspace(0.5, 2.0, 36), *(1 + step * np.linspace(-1, 1, 9) for step in (0.04, 0.01, 2.5e-3, 6e-4, 1.5e-4)))
_COARSE = (np.geomspace(0.5, 2.0, 19),)
ROUND: tuple = ()
# Harmonics of a free form. Order 8 follows a triangular tibia; higher orders are noise of the rays.
FREE_FORM_ORDERS = (8, 5, 3)
# Curvature between the rows and angles that are looked at may be sharper by this much.
_MARGIN = 1.05
# Contact that a centre off the axis has to win; less is the coarseness of the search.
_WORTH_OFFSET = 0.01
# Weight of a section's area against its contact, both as shares: contact decides, area breaks ties.
_AREA_WEIGHT = 0.1
# A gap up to this counts as contact: the doubt of a measured radius.
_TOUCHING_MM = 0.1
# Rows that draw a round tip: a quarter circle in 24 chords is within 0.01 mm of the arc for a 9 mm radius.
_TIP_ROWS = 24
# A chamfered tip keeps this share of the stem's width at its end.
_CHAMFER_KEEPS = 0.6


def principal_direction_rad(limit: FloatArray, phi_rad: FloatArray) -> float:
    """Direction of the widest way across, one for the whole stem: phase of the second harmonic of the area."""
    return 0.5 * float(np.angle(((limit**2) @ np.exp(2j * phi_rad)).sum()))


def best_superellipse(
    limit: FloatArray, hole: FloatArray, phi_rad: FloatArray, exponent: float, ratio_spans: tuple = FINE
) -> tuple[FloatArray, float]:
    """Superellipse per station below a limit (k, n), all at one orientation, that touches the hole (k, n) most.

    |c/a|^e + |s/b|^e >= limit^-e at every angle is linear in (a^-e, b^-e): for each ratio the tightest angle
    gives the size. The ratio with most contact wins; between equals, the larger area. ``ratio_spans`` are the
    ratios to try, each span about the best of the one before; none = round.

    Returns
    -------
    semi_axes_mm : (k, 2) array
    orientation_rad : float
    """
    turn = principal_direction_rad(limit, phi_rad) if ratio_spans else 0.0
    c = np.abs(np.cos(phi_rad - turn)) ** exponent
    s = np.abs(np.sin(phi_rad - turn)) ** exponent
    tight = limit ** (-exponent)
    room = (limit**2).mean(axis=1)

    def size_and_merit(ratio: FloatArray) -> tuple[FloatArray, FloatArray]:
        # With b = ratio * a: a^-e (c + s ratio^-e) >= tight at every angle.
        curve = c + s * ratio[:, None] ** -exponent
        a = np.max(tight / curve, axis=1) ** (-1.0 / exponent)
        touches = a[:, None] * curve ** (-1.0 / exponent) >= hole - _TOUCHING_MM
        return a, touches.mean(axis=1) + _AREA_WEIGHT * a * a * ratio / room

    best = np.ones(len(limit))
    for span in ratio_spans:
        merit = np.stack([size_and_merit(best * f)[1] for f in span])
        best = best * span[merit.argmax(axis=0)]
    a = size_and_merit(best)[0]
    return np.stack([a, best * a], axis=1), turn


def profile_below(station_mm: FloatArray, semi_axes_mm: FloatArray, knots: FloatArray) -> FloatArray:
    """Broken line of each semi-axis (knots, 2) that stays below it, never widens towards the tip, and is largest.

    A linear programme per axis: a sum of the knots' values is maximised. Monotone semi-axes at one orientation
    are nested sections, so the stem still goes in.
    """
    return np.stack([_largest_below(station_mm, semi_axes_mm[:, i], knots) for i in (0, 1)], axis=1)


def knots_mm(settings: CustomSettings, length_mm: float) -> FloatArray:
    """Return the stations of the section table's rows for the chosen profile."""
    flare = settings.flare_length_mm
    if settings.profile == "following":
        n = max(1, round(length_mm / settings.knot_step_mm))
        return np.linspace(0, length_mm, n + 1)
    return np.array([0.0, length_mm]) if flare == 0 else np.array([0.0, flare, length_mm])


def with_tip(body: StemShape, tip_form: str, tip_length_mm: float) -> StemShape:
    """Return the stem with its last stretch drawn in to a bullet or a chamfer; flat leaves it as it is."""
    if tip_form == "flat" or tip_length_mm == 0:
        return body
    start = body.length_mm - tip_length_mm
    if tip_form == "chamfer":
        tip_at, share = np.array([start, body.length_mm]), np.array([1.0, _CHAMFER_KEEPS])
    else:
        turn = np.linspace(0, np.pi / 2, _TIP_ROWS)
        tip_at, share = start + tip_length_mm * np.sin(turn), np.cos(turn)
        tip_at[-1], share[-1] = body.length_mm, 0.0
    before = body.station_mm < start - 1e-9
    at = np.concatenate([body.station_mm[before], tip_at])
    factor = np.concatenate([np.ones(before.sum()), share])

    def rows(values: FloatArray) -> FloatArray:
        return np.stack([np.interp(at, body.station_mm, column) for column in np.atleast_2d(values.T)], axis=-1)

    free = None if body.free_radius_mm is None else rows(body.free_radius_mm) * factor[:, None]
    return StemShape(
        at,
        rows(body.semi_axes_mm) * factor[:, None],
        rows(body.exponent)[:, 0],
        rows(body.orientation_deg)[:, 0],
        rows(body.offset_mm) * factor[:, None],
        free,
        body.bow_radius_mm,
        body.splines,
    )


def free_form_stem(
    station_mm: FloatArray, radius_mm: FloatArray, bow_radius_mm: float | None, splines: Splines | None
) -> StemShape:
    """Return a stem of free-form rows (k, n); the semi-axes column holds the largest and smallest radius."""
    k = len(station_mm)
    extent = np.stack([radius_mm.max(axis=1), radius_mm.min(axis=1)], axis=1)
    return StemShape(
        station_mm, extent, np.full(k, 2.0), np.zeros(k), np.zeros((k, 2)), radius_mm, bow_radius_mm, splines
    )


def _largest_below(station: FloatArray, limit: FloatArray, knots: FloatArray) -> FloatArray:
    from scipy.optimize import linprog

    hat = np.stack([np.interp(station, knots, row) for row in np.eye(len(knots))], axis=1)
    falling = np.eye(len(knots))[1:] - np.eye(len(knots))[:-1]
    result = linprog(
        -hat.sum(axis=0), A_ub=np.concatenate([hat, falling]), b_ub=np.concatenate([limit, np.zeros(len(falling))]),
        bounds=(0, None), method="highs",
    )  # fmt: skip
    return result.x


def rows_that_hold(
    station_mm: FloatArray, limit: FloatArray, step_mm: float, length_mm: float
) -> tuple[FloatArray, FloatArray]:
    """Return rows about ``step_mm`` apart and the limit (rows, n) that holds on the whole stretch after each row.

    The limit falls towards the tip, so what is below it at the end of a stretch is below it on the stretch.
    """
    rows_at = np.linspace(0, length_mm, max(2, round(length_mm / step_mm) + 1))
    ends = np.searchsorted(station_mm, np.append(rows_at[1:], length_mm) - 1e-9)
    return rows_at, limit[np.minimum(ends, len(limit) - 1)]


def smooth_free_form(
    limit: FloatArray, hole: FloatArray, phi_rad: FloatArray, smallest_curvature_radius_mm: float
) -> FloatArray:
    """Smooth contours (k, n) below a limit that reach the hole's wall along as much of it as they can, nested.

    A trigonometric polynomial per station, by linear programmes. The highest of FREE_FORM_ORDERS is taken whose
    contours a cutter of the given radius can make.
    """
    for order in FREE_FORM_ORDERS:
        wave = np.outer(phi_rad, np.arange(1, order + 1))
        basis = np.concatenate([np.ones((len(phi_rad), 1)), np.cos(wave), np.sin(wave)], axis=1)

        # Each contour also lies within the one before it: nested, so that the stem goes in, and still smooth.
        nested: list[FloatArray] = []
        for below, wall in zip(limit, hole, strict=True):
            if nested:
                nested.append(basis @ _closest_inside(basis, np.minimum(below, nested[-1]), wall, nested[-1]))
            else:
                first = basis @ _closest_inside(basis, below, wall, None)
                nested.append(basis @ _closest_inside(basis, below, wall, first))
        smooth = np.stack(nested)
        if _curvature_radius(smooth).min() >= _MARGIN * smallest_curvature_radius_mm:
            return smooth
    return np.broadcast_to(limit.min(axis=1, keepdims=True), limit.shape)


def _closest_inside(basis: FloatArray, limit: FloatArray, hole: FloatArray, like: FloatArray | None) -> FloatArray:
    """Coefficients of one contour below a limit.

    The sum of gaps is minimised with weights 1 / (gap to the hole + tolerance) of a contour ``like`` it, its neighbour
    or itself before: a share of the circumference that does not touch, rather than an area. None: the area.
    """
    from scipy.optimize import linprog

    weight = np.ones(len(limit)) if like is None else 1.0 / (np.maximum(hole - like, 0.0) + _TOUCHING_MM)
    return linprog(-(weight @ basis), A_ub=basis, b_ub=limit, bounds=(None, None), method="highs").x


def best_offset_mm(limit: FloatArray, hole: FloatArray, phi_rad: FloatArray, exponent: float) -> FloatArray:
    """Centre (2,) for all sections, off the stem's axis, at which they touch the hole most.

    Nelder-Mead from the axis on ten stations: any centre is a valid design, the best one only a better one.
    """
    from scipy.optimize import minimize

    some = (slice(None, None, max(1, len(limit) // 10)), slice(None, None, 2))
    phi_rad = phi_rad[::2]
    reach = 0.5 * float(limit.min())

    def lost(centre: FloatArray, ratios: tuple = _COARSE) -> float:
        if np.hypot(*centre) > reach:
            return 0.0
        below, wall = (seen_from(contour[some], phi_rad, centre) for contour in (limit, hole))
        semi, turn = best_superellipse(below, wall, phi_rad, exponent, ratios)
        semi = np.minimum.accumulate(semi, axis=0)
        k = len(semi)
        stem = superellipse_radius_mm(phi_rad, semi, np.full(k, exponent), np.full(k, turn), np.zeros((k, 2)))
        return -float((stem >= wall - _TOUCHING_MM).mean()) - _AREA_WEIGHT * float(
            semi.prod(axis=1).mean() / (limit**2).mean()
        )

    start = np.array([[0, 0], [0.5, 0], [0, 0.5]])
    found = minimize(lost, np.zeros(2), method="Nelder-Mead",
                     options={"initial_simplex": start, "xatol": 0.02, "fatol": 1e-3, "maxfev": 40})  # fmt: skip
    won = lost(np.zeros(2), FINE) - lost(found.x, FINE)
    return found.x if won > _WORTH_OFFSET else np.zeros(2)


def seen_from(limit: FloatArray, phi_rad: FloatArray, centre_mm: FloatArray) -> FloatArray:
    """Return the same contours (k, n) in polar form about another centre inside them."""
    if not np.any(centre_mm):
        return limit
    x = limit * np.cos(phi_rad) - centre_mm[0]
    y = limit * np.sin(phi_rad) - centre_mm[1]
    angle = np.unwrap(np.arctan2(y, x), axis=1)
    radius = np.hypot(x, y)
    rows = [np.interp(phi_rad, a, r, period=2 * np.pi) for a, r in zip(angle % (2 * np.pi), radius, strict=True)]
    return np.stack(rows)


def curvature_radius_mm(shape: StemShape, station_mm: FloatArray) -> FloatArray:
    """Smallest radius of convex or concave curvature (k,) of the sections, splines left out."""
    phi = np.arange(720) * (2 * np.pi / 720)
    return _curvature_radius(replace(shape, splines=None).radius_mm(station_mm, phi))


def _curvature_radius(radius_mm: FloatArray) -> FloatArray:
    n = radius_mm.shape[1]
    spectrum = np.fft.rfft(radius_mm, axis=1)
    order = np.arange(spectrum.shape[1])
    first = np.fft.irfft(1j * order * spectrum, n=n, axis=1)
    second = np.fft.irfft(-(order**2) * spectrum, n=n, axis=1)
    bend = np.abs(radius_mm**2 + 2 * first**2 - radius_mm * second) / (radius_mm**2 + first**2) ** 1.5
    return 1.0 / bend.max(axis=1)
