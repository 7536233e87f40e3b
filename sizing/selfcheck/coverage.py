"""How often the truth lies inside the stated 95 % interval, and how well a few limbs can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sizing.geometry import FloatArray
from sizing.intervals import TWO_SIDED_95, wilson

COVERAGE_RANGE = (0.90, 0.99)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Share of truths inside the stated interval, with the 95 % interval of this share itself.

    Attributes
    ----------
    share, low, high : float
        NaN if nothing is stated.
    independent : float
        Number of independent answers that the errors amount to.
    """

    share: float
    low: float
    high: float
    independent: float

    @property
    def missed(self) -> bool:
        """The goal is excluded: the whole interval of the share lies below or above its range."""
        return self.high < COVERAGE_RANGE[0] or self.low > COVERAGE_RANGE[1]


NOTHING = Coverage(float("nan"), float("nan"), float("nan"), 0.0)


def coverage_of(error: FloatArray, se: FloatArray) -> float:
    """Return the share of errors inside the stated 95 % interval; NaN if no interval is stated."""
    known = np.isfinite(error) & np.isfinite(se)
    return float(np.mean(np.abs(error[known]) <= TWO_SIDED_95 * se[known])) if known.any() else float("nan")


def coverage_of_limbs(pairs: Sequence[tuple[FloatArray, FloatArray]]) -> Coverage:
    """Return the coverage over limbs, each with its errors and standard errors.

    Levels and rays of one limb share their errors; limbs do not. So the share's variance is taken between limbs,
    and the share counts like ``share (1 - share) / variance`` independent answers, at least one per limb (they
    may agree by chance) and at most one per error. The interval is Wilson's for that number.
    """
    each = [(coverage_of(e, s), np.sum(np.isfinite(e) & np.isfinite(s))) for e, s in pairs]
    known = [(share, count) for share, count in each if count]
    if not known:
        return NOTHING
    shares, counts = (np.array(values, np.float64) for values in zip(*known, strict=True))
    share, limbs = float(np.average(shares, weights=counts)), len(shares)
    independent = float(limbs)
    if limbs > 1:
        weight = counts / counts.sum()
        variance = float(((weight * (shares - share)) ** 2).sum()) * limbs / (limbs - 1)
        own = share * (1 - share)
        independent = float(np.clip(own / max(variance, own / counts.sum(), 1e-12), limbs, counts.sum()))
    return Coverage(share, *wilson(share, independent), independent)
