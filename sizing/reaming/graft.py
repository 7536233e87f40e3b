"""Bone won by reaming against the space it has to fill."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sizing.errors import ReamingError
from sizing.reaming.model import ReamedCanal, ToolKind
from sizing.strict import is_number

_MM3_PER_ML = 1000.0


@dataclass(frozen=True, slots=True)
class GraftSettings:
    """How harvested bone is counted.

    Attributes
    ----------
    bulking_factor : float
        Volume of chips per volume of solid bone. No published factor exists (solid yields by CT and clinical
        yields differ about tenfold, marrow included), so nothing is assumed: 1 = solid bone.
    collected_share : float
        Part of the bone cut that ends up in the tray.
    cancellous_counts : bool
        Cancellous bone goes into the account as well.
    """

    bulking_factor: float = 1.0
    collected_share: float = 1.0
    cancellous_counts: bool = True

    def __post_init__(self) -> None:
        if not (is_number(self.bulking_factor) and self.bulking_factor > 0 and is_number(self.collected_share)
                and 0 <= self.collected_share <= 1):  # fmt: skip
            raise ReamingError(
                "CF-R016",
                "the graft account's settings are not usable",
                measured=f"bulking {self.bulking_factor:g}, collected {self.collected_share:g}",
                expected="a bulking factor above 0, a share from 0 to 1",
            )


@dataclass(frozen=True)
class GraftAccount:
    """Harvest and need, in ml. NaN = not measured.

    Attributes
    ----------
    settings : GraftSettings
        Printed with every number.
    cortical_by_pass_ml, cancellous_by_pass_ml : tuple of float
        Solid bone that each pass takes, in the order of the plan.
    solid_cortical_ml, solid_cancellous_ml : float
        Their sums.
    harvest_ml : float
        What is there to be used: solid bone times collected share times bulking factor.
    gap_ml, defect_ml : float
        Space between implant and bone, and a named defect.
    balance_ml : float
        Harvest minus both; negative = graft is missing.
    """

    settings: GraftSettings
    cortical_by_pass_ml: tuple[float, ...]
    cancellous_by_pass_ml: tuple[float, ...]
    solid_cortical_ml: float
    solid_cancellous_ml: float
    harvest_ml: float
    gap_ml: float
    defect_ml: float
    balance_ml: float


def graft_account(
    reamed: ReamedCanal, gap_mm3: float, *, defect_mm3: float = 0.0, settings: GraftSettings | None = None
) -> GraftAccount:
    """Set the bone that the passes take against the space it has to fill.

    Parameters
    ----------
    reamed : ReamedCanal
        All passes count but the facing of the cut end and the thread of a tap, whose chips are not collected.
    gap_mm3 : float
        Space between implant and bone, from the fit.
    defect_mm3 : float
        A defect to fill besides.
    settings : GraftSettings, optional
        Bulking and loss.
    """
    settings = settings or GraftSettings()
    if not (gap_mm3 >= 0 or np.isnan(gap_mm3)) or not defect_mm3 >= 0:
        raise ReamingError("CF-R016", "a space to fill cannot be negative", measured=f"{gap_mm3:g}, {defect_mm3:g} mm³")
    collected = [p.reamer_pass.reamer.kind not in (ToolKind.FACING, ToolKind.TAP) for p in reamed.passes]
    cortical = tuple(p.removed_cortical_mm3 / _MM3_PER_ML * c for p, c in zip(reamed.passes, collected, strict=True))
    spongy = tuple(p.removed_cancellous_mm3 / _MM3_PER_ML * c for p, c in zip(reamed.passes, collected, strict=True))
    solid = sum(cortical) + (sum(spongy) if settings.cancellous_counts else 0.0)
    harvest = solid * settings.collected_share * settings.bulking_factor
    gap, defect = gap_mm3 / _MM3_PER_ML, defect_mm3 / _MM3_PER_ML
    return GraftAccount(
        settings, cortical, spongy, sum(cortical), sum(spongy), harvest, gap, defect, harvest - gap - defect
    )
