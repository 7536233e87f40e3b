"""The same tools driven along the same axis through the measured and through the exact canal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sizing.canal import Canal
from sizing.reaming import ReamedCanal, ReamingPlan, ream

# Goals of a removed volume: this share of it and this much besides.
VOLUME_GOAL_SHARE, VOLUME_GOAL_MM3 = 0.01, 5.0
WALL_GOAL_MM, CONTACT_GOAL = 0.08, 0.02


@dataclass(frozen=True)
class ReamingErrors:
    """Measured minus true, after all passes.

    Attributes
    ----------
    removed_mm3, true_removed_mm3 : float
        Cortical bone cut by all passes.
    wall_error_mm : float
        Of the least wall left by the last pass.
    contact_error : float
        Of the last tool's contact, as a mean over the levels it reaches.
    """

    removed_mm3: float
    true_removed_mm3: float
    wall_error_mm: float
    contact_error: float

    @property
    def volume_excess(self) -> float:
        """How far the volume's error is from its goal, as a multiple: up to 1 = reached."""
        allowed = VOLUME_GOAL_SHARE * self.true_removed_mm3 + VOLUME_GOAL_MM3
        return abs(self.removed_mm3 - self.true_removed_mm3) / allowed


def compare_reaming(canal: Canal, exact: Canal, plan: ReamingPlan) -> ReamingErrors:
    """Ream both canals by one plan and compare what was cut."""
    ours, true = ream(canal, plan), ream(exact, plan)
    last, true_last = ours.passes[-1], true.passes[-1]
    return ReamingErrors(
        removed_mm3=ours.harvested_cortical_mm3,
        true_removed_mm3=true.harvested_cortical_mm3,
        wall_error_mm=last.wall_min_mm - true_last.wall_min_mm,
        contact_error=_contact(ours) - _contact(true),
    )


def _contact(reamed: ReamedCanal) -> float:
    share = reamed.passes[-1].contact_share
    known = share[np.isfinite(share)]
    return float(known.mean()) if len(known) else float("nan")
