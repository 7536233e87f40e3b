"""What a fit is judged by: thresholds and weights. Policy of the user, not physics; the defaults say why."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from sizing.anatomy import Bone
from sizing.errors import UsageError
from sizing.strict import is_number


@dataclass(frozen=True, slots=True)
class ScoreWeights:
    """Weight of each named part of the score; only their ratios matter.

    The defaults put holding and safety first: contact carries the load, the wall left decides over
    fracture, a stem that fills the canal is stiffer and breaks less often, bone that stays is kept
    for a revision.
    """

    contact: float = 0.30
    wall: float = 0.25
    fill: float = 0.15
    bone_kept: float = 0.10
    tip: float = 0.10
    length: float = 0.10

    def __post_init__(self) -> None:
        values = [getattr(self, name) for name in self.__slots__]
        if min(values) < 0 or sum(values) <= 0:
            raise UsageError("score weights must be zero or more, and not all zero")


class Objective(StrEnum):
    """What the axis of an implant is chosen for."""

    CANAL = "canal"  # follow the canal: the deepest cut into the cortex is as shallow as it can be
    WALL = "wall"  # spare the wall: the least wall left is as thick as it can be
    BALANCED = "balanced"  # follow the canal as nearly as a comfortable wall allows; else spare the wall


@dataclass(frozen=True, slots=True)
class FitSettings:
    """Thresholds of placement, measuring and judging.

    Attributes
    ----------
    objective : Objective
        What the axis is chosen for.
    wall_limit_mm : float
        Least wall that reaming may leave. No minimum for press-fit is published; 2 mm is the weak
        figure for threaded fixtures, 2.5 mm the figure of a compressive device.
    tip_wall_limit_mm, collar_wall_limit_mm : float or None
        The limit within 20 mm of the tip and of the collar; None: the same as everywhere.
    comfortable_wall_mm : float
        Wall beyond which more wall earns no more score.
    contact_tolerance_mm : float
        A gap up to this counts as contact: the doubt of a measured radius.
    min_contact_length_mm : float
        Length of full contact without which a stem is too loose (30-40 mm for cylinders in cadaver femora,
        PMC1635007).
    arm_min_contact_length_mm : float
        The same for the humerus; our judgement: bending strength is 0.37 of a femur's, and an arm hangs.
    usual_contact_length_mm : float
        Less contact than this is pointed out even where it is allowed.
    far_end_clearance_mm : float
        Measured bone that must remain beyond the tip.
    usual_length_mm : float
        Length from which longer earns no more score: the mean of 60 press-fit segments (JLLR 2022 8:115).
    axis_gain_mm : float
        An axis leaves the canal's middle (and then the canal's course) only for more clearance than this.
    max_tilt_deg : float
        Largest angle between the stem's axis and the normal of the cut.
    entry_inside_mm : float
        Least distance of the axis, where it enters, from the edge of the cut face; the axis must lie within it.
    isthmus_band_mm : float
        A tip this near to the isthmus is called a stress riser.
    max_unmeasured_share : float
        Of the circumference along the stem; above it nothing can be told.
    ream_past_tip_mm : float
        How far the tools go beyond the stem's tip.
    tools_before_contact : int
        Reamers used before the first that can touch bone.
    toss_up_points : float
        Two families whose best scores differ by no more than this are called a toss-up.
    max_tool_mismatch_mm : float
        Largest difference between the tool an implant asks for and the nearest one on the tray.
    """

    objective: Objective = Objective.BALANCED
    wall_limit_mm: float = 2.0
    tip_wall_limit_mm: float | None = None
    collar_wall_limit_mm: float | None = None
    comfortable_wall_mm: float = 4.0
    contact_tolerance_mm: float = 0.1
    min_contact_length_mm: float = 30.0
    arm_min_contact_length_mm: float = 20.0
    usual_contact_length_mm: float = 30.0
    far_end_clearance_mm: float = 10.0
    usual_length_mm: float = 130.0
    axis_gain_mm: float = 0.05
    max_tilt_deg: float = 10.0
    entry_inside_mm: float = 0.0
    isthmus_band_mm: float = 10.0
    max_unmeasured_share: float = 0.10
    ream_past_tip_mm: float = 0.0
    tools_before_contact: int = 2
    toss_up_points: float = 1.0
    max_tool_mismatch_mm: float = 0.26
    weights: ScoreWeights = field(default_factory=ScoreWeights)

    def __post_init__(self) -> None:
        numbers = {n: getattr(self, n) for n in self.__slots__ if n not in ("weights", "objective")}
        bad = [n for n, v in numbers.items() if v is not None and not (is_number(v) and 0 <= v < 1e4)]
        if bad:
            raise UsageError(f"fit settings must be zero or more: {', '.join(bad)}")
        if self.comfortable_wall_mm <= self.wall_limit_mm:
            raise UsageError("comfortable_wall_mm must be above wall_limit_mm")

    def for_bone(self, bone: Bone | None) -> FitSettings:
        """Return the settings as they hold for one bone."""
        if bone is not Bone.HUMERUS:
            return self
        return replace(self, min_contact_length_mm=min(self.min_contact_length_mm, self.arm_min_contact_length_mm))

    def with_wall_limit(self, wall_limit_mm: float) -> FitSettings:
        """Return the same settings with another wall limit; a higher one lifts the comfortable wall with it."""
        lift = max(0.0, wall_limit_mm - self.wall_limit_mm)
        return replace(self, wall_limit_mm=wall_limit_mm, comfortable_wall_mm=self.comfortable_wall_mm + lift)
