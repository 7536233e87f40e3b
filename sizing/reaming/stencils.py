"""Local interpolation along an uneven sequence of stations (levels of a canal, points of a path)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.geometry import FloatArray

# A cubic through the four nearest stations: smooth enough for arcs, and a gap spoils only its neighbours.
MOST_POINTS = 4


@dataclass(frozen=True)
class Stencils:
    """Which stations make the value at each place, and how much of each.

    Attributes
    ----------
    first : (k,) int array
        First station used.
    weights, slopes : (k, w) arrays
        Weights of the value and of its derivative along the sequence.
    """

    first: NDArray[np.intp]
    weights: FloatArray
    slopes: FloatArray

    def value(self, samples: FloatArray) -> FloatArray:
        """Interpolate samples (m, ...) to (k, ...)."""
        return self._combine(self.weights, samples)

    def slope(self, samples: FloatArray) -> FloatArray:
        """Differentiate samples (m, ...) along the sequence, to (k, ...)."""
        return self._combine(self.slopes, samples)

    def _combine(self, weights: FloatArray, samples: FloatArray) -> FloatArray:
        total = np.zeros((len(self.first), *samples.shape[1:]))
        for i in range(weights.shape[1]):
            w = weights[:, i].reshape(-1, *(1,) * (samples.ndim - 1))
            # A station of weight zero has no say, also when it is NaN.
            total += np.where(w == 0.0, 0.0, w * samples[self.first + i])
        return total


def stencils(stations: FloatArray, at: FloatArray, points: int = MOST_POINTS) -> Stencils:
    """Make Lagrange stencils of up to ``points`` stations around each place.

    Parameters
    ----------
    stations : (m,) array
        Strictly increasing. Places outside are extrapolated from the nearest stations.
    at : (k,) array
        Places.
    points : int
        Stations in a stencil; fewer where the sequence is shorter.
    """
    m, width = len(stations), min(points, len(stations))
    cell = np.clip(np.searchsorted(stations, at, side="right") - 1, 0, max(m - 2, 0))
    first = np.clip(cell - (width // 2 - 1), 0, m - width)
    knots = stations[first[:, None] + np.arange(width)]
    gap = at[:, None] - knots
    weights, slopes = np.ones((len(at), width)), np.zeros((len(at), width))
    for i in range(width):
        for j in range(width):
            if j == i:
                continue
            span = knots[:, i] - knots[:, j]
            slopes[:, i] = (slopes[:, i] * gap[:, j] + weights[:, i]) / span
            weights[:, i] *= gap[:, j] / span
    return Stencils(first, weights, slopes)
