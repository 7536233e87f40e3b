"""The same tools driven along the same axis through the measured and through the exact canal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.canal import Canal
from sizing.geometry import FloatArray
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
        Cortical bone cut by all passes; where one canal ends before the tool, over the levels that both have.
    wall_error_mm : float
        Of the least wall left by the last pass.
    contact_error : float
        Of the last tool's contact, as a mean over those of these levels that it touches.
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
    same = _same_levels(ours, true)
    # Over levels alone, a tool that ends between two of them may count one level more in one of the canals.
    reach_mm = max(p.depth_mm for p in plan.passes)
    ends_inside = min(canal.axis.depth_mm[-1], exact.axis.depth_mm[-1]) >= reach_mm
    whole = ends_inside and same[canal.axis.depth_mm <= reach_mm].all()
    step_mm = float(np.median(np.diff(canal.axis.depth_mm)))
    touched = same & ((last.contact_share > 0) | (_fitted(true_last.contact_share, len(same)) > 0))
    contact = last.contact_share - _fitted(true_last.contact_share, len(same))
    return ReamingErrors(
        removed_mm3=ours.harvested_cortical_mm3 if whole else _cut_mm2(ours, same).sum() * step_mm,
        true_removed_mm3=true.harvested_cortical_mm3 if whole else _cut_mm2(true, same).sum() * step_mm,
        wall_error_mm=last.wall_min_mm - true_last.wall_min_mm,
        contact_error=float(contact[touched].mean()) if touched.any() else float("nan"),
    )


def _same_levels(ours: ReamedCanal, true: ReamedCanal) -> NDArray[np.bool_]:
    """Mark the measured levels (m,) whose section is whole in both canals: the truth ends sooner, a scan begins later.

    Both canals start at the same depth, with the same step (``true_canal``). A mean over other levels would compare
    how far the tool stands out of either.
    """
    known = np.isfinite(ours.passes[-1].contact_share)
    return known & np.isfinite(_fitted(true.passes[-1].contact_share, len(known)))


def _cut_mm2(reamed: ReamedCanal, same: NDArray[np.bool_]) -> FloatArray:
    """Return the cortical area (k,) cut by all passes at the marked levels."""
    return np.asarray(sum(_fitted(p.removed_cortical_mm2, len(same))[same] for p in reamed.passes))


def _fitted(values: FloatArray, levels: int) -> FloatArray:
    """Return per-level values cut or filled up with NaN to a number of levels."""
    return np.concatenate([values[:levels], np.full(max(0, levels - len(values)), np.nan)])
