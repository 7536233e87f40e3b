"""The widest ball in a polytope, in few dimensions: the linear programme behind the axis search.

maximise r subject to a_i . v + r <= b_i for all i. With v = (offset, slope) of a straight axis, one
row per contour point, r is the clearance that a straight cylinder keeps everywhere. The optimum is
global: a linear programme has no side valleys to stick in.

The dual has only k + 1 rows however many constraints there are, so the revised simplex method on the
dual prices all rows in one matrix product and brings in the most violated one: constraint generation.
"""

from __future__ import annotations

import numpy as np

from sizing import _search
from sizing.geometry import FloatArray

# Slack below this many mm is rounding, not a violated constraint.
_TOLERANCE_MM = 1e-10
_MAX_STEPS = 500


def widest_clearance(
    normals: FloatArray, offsets_mm: FloatArray, box: FloatArray, reach: FloatArray | None = None
) -> tuple[FloatArray, float]:
    """Maximise r with ``normals @ v + reach * r <= offsets_mm`` and ``abs(v) <= box``.

    Parameters
    ----------
    normals : (n, k) array
        Rows a_i.
    offsets_mm : (n,) array
        Right-hand sides b_i.
    box : (k,) array
        Bounds of v; keep the programme bounded and carry the caller's limits.
    reach : (n,) array, optional
        1 (the default) where r counts; 0 for a row that must hold whatever r is.

    Returns
    -------
    v : (k,) array
    r : float
        -inf, with v = 0, when the programme is degenerate or what must hold cannot.
    """
    n, k = normals.shape
    # Columns of the dual: the n constraints, then +v <= box, -v <= box, r <= big.
    big = float(np.max(np.abs(offsets_mm)) + np.abs(normals).sum(axis=1).max() * np.max(box) + 1.0)
    rows = np.zeros((n + 2 * k + 1, k + 1))
    rows[:n, :k], rows[:n, k] = normals, 1.0 if reach is None else reach
    rows[n : n + k, :k], rows[n + k : n + 2 * k, :k] = np.eye(k), -np.eye(k)
    rows[-1, k] = 1.0
    cost = np.concatenate([offsets_mm, box, box, [big]])
    basis = np.append(np.arange(n, n + k), n + 2 * k)
    vertex = np.zeros(k + 1)
    if not _search.widest(rows, cost, k, basis, vertex, _TOLERANCE_MM, _MAX_STEPS):
        return np.zeros(k), float("-inf")
    return vertex[:k], float(vertex[k])
