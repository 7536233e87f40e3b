"""Thread form used where a maker's is not public: ISO 60 degree profile (ISO 68-1)."""

from __future__ import annotations

import math

# Height of the sharp triangle of an ISO thread, per pitch; the core lies 5/8 of it below the crest.
_TRIANGLE_HEIGHT = math.sqrt(3.0) / 2.0


def iso_core_diameter_mm(crest_diameter_mm: float, pitch_mm: float) -> float:
    """Return the minor diameter D1 = D - 2 * 5/8 * H = D - 1.0825 P."""
    return crest_diameter_mm - 1.25 * _TRIANGLE_HEIGHT * pitch_mm


def iso_drill_diameter_mm(crest_diameter_mm: float, pitch_mm: float) -> float:
    """Return the usual tap drill, D - P."""
    return crest_diameter_mm - pitch_mm
