"""Sums and means along a stem that keep "not measured" apart from zero."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sizing.geometry import FloatArray

# A sum over the stem is scaled up from the measured levels when no more than this share is missing.
_LARGEST_MISSING_SHARE = 0.1


def least(values: FloatArray, where: NDArray[np.bool_]) -> float:
    """Return the smallest finite value among the chosen; NaN if there is none."""
    chosen = values[where & np.isfinite(values)]
    return float(chosen.min()) if len(chosen) else float("nan")


def mean(values: FloatArray, weights: FloatArray) -> float:
    """Return the weighted mean of the measured values; NaN if there is none."""
    known = np.isfinite(values) & (weights > 0)
    total = float(weights[known].sum())
    return float((values[known] * weights[known]).sum()) / total if total > 0 else float("nan")


def integral(values: FloatArray, weights: FloatArray) -> float:
    """Return the sum of values times weights; NaN when more than a tenth of the weight is not measured."""
    known = np.isfinite(values)
    whole, seen = float(weights.sum()), float(weights[known].sum())
    if not whole > 0 or seen < (1 - _LARGEST_MISSING_SHARE) * whole:
        return float("nan")
    return float((values[known] * weights[known]).sum()) * whole / seen


def ratio(part: FloatArray, whole: FloatArray, weights: FloatArray) -> float:
    """Return integral of part over integral of whole, over the levels where both are measured."""
    known = np.isfinite(part) & np.isfinite(whole) & (weights > 0)
    total = float((whole[known] * weights[known]).sum())
    return float((part[known] * weights[known]).sum()) / total if total > 0 else float("nan")
