"""The score of a fit: named parts between 0 and 1, weighted by settings. See docs/method/fit.md."""

from __future__ import annotations

import math

from sizing.fit.model import Fit, Score
from sizing.fit.settings import FitSettings
from sizing.fit.zones import TIP_BAND_MM

# Share of the cortex along the stem whose removal earns no points any more.
_NO_BONE_KEPT_SHARE = 0.5
# A comfortable wall earns 1 - exp(-2) = 0.86 of the points: the first half millimetre above the limit
# counts most, a wall beyond comfort next to nothing.
_COMFORTABLE_SCALES = 2.0
# The tip earns full points this many isthmus bands away from the isthmus.
_TIP_FREE_BANDS = 2.0


def score_parts(fit: Fit, settings: FitSettings) -> dict[str, float]:
    """Return each part, 0..1; NaN where it cannot be told."""
    s, above = settings, settings.comfortable_wall_mm - settings.wall_limit_mm
    wall = math.inf if math.isnan(fit.reamed_wall_min_mm) else fit.reamed_wall_min_mm
    if math.isnan(fit.wall_min_mm):
        wall = math.nan  # nothing is measured: no cut is not known to be harmless
    from_isthmus = abs(fit.tip_to_isthmus_mm) / (_TIP_FREE_BANDS * s.isthmus_band_mm)
    return {
        "contact": 1.0 - (1.0 - fit.contact_share) ** 2,
        "wall": 1.0 - math.exp(-_COMFORTABLE_SCALES * (wall - s.wall_limit_mm) / above),
        "fill": fit.canal_fill_volume,
        "bone_kept": 1.0 - fit.removed_share / _NO_BONE_KEPT_SHARE,
        "tip": 0.0 if _tip_at_risk(fit, s) else from_isthmus,
        "length": fit.implant.length_mm / s.usual_length_mm,
    }


def _tip_at_risk(fit: Fit, settings: FitSettings) -> bool:
    """The tip ends near a wall that is too thin, or near a hole."""
    return fit.wall_min_tip_mm < settings.wall_limit_mm or fit.tip_to_defect_mm <= TIP_BAND_MM


def score_fit(settings: FitSettings, fit: Fit) -> Score:
    """Return the score. A part that cannot be told is left out, and the rest is weighed anew."""
    rows, total, weight_sum = [], 0.0, 0.0
    for name, value in score_parts(fit, settings).items():
        weight = getattr(settings.weights, name)
        clipped = float("nan") if math.isnan(value) else min(max(float(value), 0.0), 1.0)
        rows.append((name, clipped, weight))
        if not math.isnan(clipped):
            total += weight * clipped
            weight_sum += weight
    return Score(100.0 * total / weight_sum if weight_sum else float("nan"), tuple(rows))
