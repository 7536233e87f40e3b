"""Sums and means along stems that keep "not measured" apart from zero.

Values are (..., m) over m levels, weights (m,) or (z, m) for z zones; the result has the shape of the
values without their last axis, then (z,) where there are zones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sizing.geometry import FloatArray

# A sum over the stem is scaled up from the measured levels when no more than this share is missing.
_LARGEST_MISSING_SHARE = 0.1


def least(values: FloatArray, where: NDArray[np.bool_]) -> FloatArray:
    """Return the smallest finite value among the chosen levels; NaN if there is none."""
    chosen = values[..., None, :] if where.ndim == 2 else values
    low = np.min(np.where(where & np.isfinite(chosen), chosen, np.inf), axis=-1)
    return np.where(np.isfinite(low), low, np.nan)


def mean(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the weighted mean of the measured values; NaN if there is none."""
    known = np.isfinite(values)
    return _divided(np.where(known, values, 0.0) @ weights.T, known.astype(float) @ weights.T)


def mean_with(values: FloatArray, own_weights: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the mean of values that carry weights (..., m) of their own besides those of the levels."""
    own = np.where(np.isfinite(values) & np.isfinite(own_weights), own_weights, 0.0)
    return _divided((own * np.nan_to_num(values)) @ weights.T, own @ weights.T)


def integral(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the sum of values times weights; NaN when more than a tenth of the weight is not measured."""
    known = np.isfinite(values)
    whole, seen = weights.sum(axis=-1), known.astype(float) @ weights.T
    enough = (seen >= (1 - _LARGEST_MISSING_SHARE) * whole) & (whole > 0)
    return np.where(enough, _divided((np.where(known, values, 0.0) @ weights.T) * whole, seen), np.nan)


def ratio(part: FloatArray, whole: FloatArray, weights: FloatArray) -> FloatArray:
    """Return integral of part over integral of whole, over the levels where both are measured."""
    known = np.isfinite(part) & np.isfinite(whole)
    return _divided(np.where(known, part, 0.0) @ weights.T, np.where(known, whole, 0.0) @ weights.T)


def _divided(top: FloatArray, bottom: FloatArray) -> FloatArray:
    return np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=np.asarray(bottom) > 0)
