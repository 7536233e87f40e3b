"""How numbers are written where a rounding could turn "too little" into "enough"."""

from __future__ import annotations

import numpy as np

# A wall of 1.5 mm minus a rounding error is still written as 1.5.
_ROUNDING = 1e-6


def wall_text(wall_mm: float, decimals: int = 1) -> str:
    """Return a thickness rounded down: a wall just under a limit is never written as the limit itself."""
    scale = 10.0**decimals
    return f"{np.floor(wall_mm * scale + _ROUNDING) / scale + 0.0:.{decimals}f}"
