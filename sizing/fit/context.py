"""What every fit of one case shares: the canal, the tray, the thresholds, and what is measured once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sizing.anatomy import direction_word
from sizing.canal.model import Canal
from sizing.fit.settings import FitSettings
from sizing.fit.tooling import Tray
from sizing.fit.view import Contours


@dataclass(frozen=True)
class FitContext:
    """One canal, ready for many fits.

    Attributes
    ----------
    canal : Canal
    tray : Tray
        The reamers at hand.
    settings : FitSettings
    contours : Contours
        The surfaces in LPS, and the wall before reaming, normal to the endosteal surface.
    isthmus_depth_mm : float
        NaN when no isthmus lies in the scan.
    cut_is_planned : bool
        The cut is part of the plan and can still be made square to the stem; not a stump that is there.
    """

    canal: Canal
    tray: Tray
    settings: FitSettings
    contours: Contours
    isthmus_depth_mm: float = np.nan
    cut_is_planned: bool = False

    def direction(self, level: int, theta_rad: float) -> str:
        """Name the direction of a ray of one level; in degrees from anterior where no side is known."""
        a = self.canal.axis
        if self.canal.side is None:
            return f"{np.degrees(theta_rad) % 360.0:.0f} degrees from u"
        ray = np.cos(theta_rad) * a.u_lps[level] + np.sin(theta_rad) * a.v_lps[level]
        return direction_word(ray, self.canal.side)
