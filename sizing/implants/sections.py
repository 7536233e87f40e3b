"""Largest sections under a limit: superellipses at one orientation, smooth free forms, and profiles below a curve."""

from __future__ import annotations

import numpy as np

from sizing.geometry import FloatArray
from sizing.implants.custom_settings import CustomSettings
from sizing.implants.shape import Splines, StemShape

# Ratios b/a that are tried: canals of long bones are less than twice as wide as deep; steps of 1 %.
_RATIOS = np.geomspace(0.5, 2.0, 141)
# Harmonics of a free form. Order 8 follows a triangular tibia; higher orders are noise of the rays.
FREE_FORM_ORDER = 8
# Rows that draw a round tip: a quarter circle in 24 chords is within 0.01 mm of the arc for a 9 mm radius.
_TIP_ROWS = 24
# A chamfered tip keeps this share of the stem's width at its end.
_CHAMFER_KEEPS = 0.6


def principal_direction_rad(limit: FloatArray, phi_rad: FloatArray) -> float:
    """Direction of the widest way across, one for the whole stem: phase of the second harmonic of the area."""
    return 0.5 * float(np.angle(((limit**2) @ np.exp(2j * phi_rad)).sum()))


def largest_superellipse(
    limit: FloatArray, phi_rad: FloatArray, exponent: float, *, round_only: bool = False
) -> tuple[FloatArray, float]:
    """Largest superellipse per station under a limit (k, n), all at one orientation.

    |c/a|^e + |s/b|^e >= limit^-e at every angle is linear in (a^-e, b^-e): for each ratio the tightest angle
    gives the size; the ratio of the largest area wins.

    Returns
    -------
    semi_axes_mm : (k, 2) array
    orientation_rad : float
    """
    turn = 0.0 if round_only else principal_direction_rad(limit, phi_rad)
    c = np.abs(np.cos(phi_rad - turn)) ** exponent
    s = np.abs(np.sin(phi_rad - turn)) ** exponent
    tight = limit ** (-exponent)
    best = np.zeros((len(limit), 2))
    for ratio in (1.0,) if round_only else _RATIOS:
        # With b = ratio * a: a^-e (c + s ratio^-e) >= tight
        a = np.max(tight / (c + s * ratio**-exponent), axis=1) ** (-1.0 / exponent)
        better = a * a * ratio > best[:, 0] * best[:, 1]
        best[better] = np.stack([a, ratio * a], axis=1)[better]
    return best, turn


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


def smooth_free_form(limit: FloatArray, phi_rad: FloatArray) -> FloatArray:
    """Smooth contours (k, n) under a limit: harmonics up to FREE_FORM_ORDER, shrunk by their overshoot, nested."""
    spectrum = np.fft.rfft(limit, axis=1)
    spectrum[:, FREE_FORM_ORDER + 1 :] = 0
    smooth = np.fft.irfft(spectrum, n=limit.shape[1], axis=1)
    smooth -= np.maximum(smooth - limit, 0).max(axis=1, keepdims=True)
    return np.minimum.accumulate(smooth, axis=0)


def curvature_radius_mm(shape: StemShape, station_mm: FloatArray) -> FloatArray:
    """Smallest radius of convex or concave curvature (k,) of the sections, splines left out."""
    phi = np.arange(720) * (2 * np.pi / 720)
    body = StemShape(
        shape.station_mm,
        shape.semi_axes_mm,
        shape.exponent,
        shape.orientation_deg,
        shape.offset_mm,
        shape.free_radius_mm,
    )
    r = body.radius_mm(station_mm, phi)
    spectrum = np.fft.rfft(r, axis=1)
    order = np.arange(spectrum.shape[1])
    first = np.fft.irfft(1j * order * spectrum, n=720, axis=1)
    second = np.fft.irfft(-(order**2) * spectrum, n=720, axis=1)
    bend = np.abs(r**2 + 2 * first**2 - r * second) / (r**2 + first**2) ** 1.5
    return 1.0 / bend.max(axis=1)
