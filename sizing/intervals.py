"""95 % intervals: how many standard errors they reach, and that of a share."""

from __future__ import annotations

import math

TWO_SIDED_95 = 1.959964


def wilson(share: float, n: float) -> tuple[float, float]:
    """Return the 95 % interval of a share seen in ``n`` independent answers (Wilson 1927); NaN without any."""
    if not n > 0:
        return math.nan, math.nan
    z2 = TWO_SIDED_95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = TWO_SIDED_95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n**2)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)
