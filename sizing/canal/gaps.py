"""Bridges over rays that could not be measured: for finding an axis, never for reporting a wall."""

from __future__ import annotations

import numpy as np

from sizing.geometry import FloatArray


def bridge_gaps(radius_mm: FloatArray, theta_rad: FloatArray, least_share: float) -> FloatArray:
    """Bridge gaps round each level, linear in the angle.

    Parameters
    ----------
    radius_mm : (m, n) array
        NaN where a ray is not measured.
    theta_rad : (n,) array
        Angles of the rays, over a full turn.
    least_share : float
        Levels of which less is measured become NaN all round.

    Returns
    -------
    (m, n) array
        The same array where nothing is missing.
    """
    known = np.isfinite(radius_mm)
    if known.all():
        return radius_mm
    enough = known.mean(axis=1) >= least_share
    bridged = np.where(enough[:, None], radius_mm, np.nan)
    for level in np.flatnonzero(enough & ~known.all(axis=1)):
        seen = known[level]
        bridged[level] = np.interp(theta_rad, theta_rad[seen], radius_mm[level, seen], period=2 * np.pi)
    return bridged
