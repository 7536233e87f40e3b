"""How an implant sits in a prepared canal: placement, zones, score, and the reasons."""

from __future__ import annotations

from dataclasses import dataclass

from sizing.findings import Finding
from sizing.geometry import FloatArray, frozen_array
from sizing.implants.model import ImplantTemplate
from sizing.reaming.model import ReamedCanal, ReamingPlan, ToolAxis

# Of the wall where an implant enters. With more than half of it unknown, even the part that is seen may be a rim that
# carries nothing: no choice stands without a look at the scan.
MOST_UNSEEN_ENTRY = 0.5


@dataclass(frozen=True)
class Placement:
    """Where the implant is: its frame to LPS (4, 4), and the axis along which it was prepared."""

    implant_to_lps: FloatArray
    axis: ToolAxis

    def __post_init__(self) -> None:
        object.__setattr__(self, "implant_to_lps", frozen_array(self.implant_to_lps))


@dataclass(frozen=True, slots=True)
class ZoneFit:
    """One stretch of the stem. Shares 0..1; NaN = not measured.

    Attributes
    ----------
    name : str
        "collar", "distal third", "middle third", "proximal third" or "tip" for the whole
        circumference; with A, P, M or L appended for one quarter of it.
    diametral_interference_mm : float
        Mean nominal overlap of stem and hole where they touch; NaN without contact.
    wall_min_mm : float
        Least wall left; the tip's zone reaches as far beyond the tip as before it.
    """

    name: str
    from_depth_mm: float
    to_depth_mm: float
    contact_share: float
    canal_fill: float
    gap_mm3: float
    diametral_interference_mm: float
    wall_min_mm: float


@dataclass(frozen=True, slots=True)
class Score:
    """Total in 0..100 and its named parts, each 0..1, with the weight it entered with."""

    total: float
    parts: tuple[tuple[str, float, float], ...]  # (name, value, weight)


@dataclass(frozen=True)
class Fit:
    """One implant in one place. NaN = not measured, or (threads, seat) not applicable.

    Attributes
    ----------
    reaming_plan : ReamingPlan
        The tools that prepare this implant, in order.
    reamed : ReamedCanal or None
        What they cut, pass by pass; kept for the chosen implant only.
    contact_share : float
        Share of the stem's flank that lies on or in bone.
    contact_length_mm : float
        Length of full contact that would be worth the same: the integral of contact over length.
    toggle_length_mm : float
        From the most distal to the most proximal level with contact; the lever that resists tilting.
    fill_by_level, contact_by_level, wall_by_level_mm : (m,) arrays
        Per level of the canal: stem area / canal area, share of the circumference in contact, and
        least wall left. NaN beyond the stem.
    canal_fill_volume : float
        Share of the native canal's volume over the stem's length that the stem takes.
    gap_mm3, graft_mm3 : float
        Space between stem and hole, and solid bone won by reaming.
    diametral_interference_mm : float
        Nominal: stem minus last tool. Never an elastic interference.
    wall_min_mm, wall_min_tip_mm, wall_min_collar_mm : float
        Least wall left overall, within 20 mm of the tip, within 20 mm of the collar.
    reamed_wall_min_mm : float
        Least wall left where a tool or thread cut into the cortex; NaN where none did.
    native_wall_min_mm : float
        Least wall over the same levels before reaming.
    wall_min_depth_mm, wall_min_theta_rad, wall_min_direction : float, float, str
        Where the least wall left is, along the canal and around it; likewise ``reamed_…``, ``native_…``.
    removed_share : float
        Share of the cortex over the stem's length that the tools take.
    tip_depth_mm, tip_to_isthmus_mm : float
        Depth of the tip, and that minus the isthmus's; NaN when no isthmus lies in the scan.
    tip_to_defect_mm : float
        Length between the tip and the nearest hole in the cortex; 0 = beside it, NaN = no hole.
    wall_round_defects_mm : float
        Least wall left at the levels of the holes that the stem passes; NaN without any.
    protrusion_mm : float
        Length of the stem beyond the measured bone; 0 = none.
    far_end_margin_mm : float
        Measured bone beyond the tip.
    unmeasured_share : float
        Share of the circumference along the stem whose wall is not known.
    entry_unmeasured_share : float
        The same for the first 10 mm above the cut, where the collar seats.
    seat_angle_deg, seat_share, facing_loss_mm : float
        Axis against the normal of the cut; share of the collar's ring that rests on cortex once
        the end is faced square; bone taken by the facing on its long side.
    entry_inside_mm : float
        Distance of the axis at the cut from the edge of the cut face; negative = it enters beside the bone.
    bite_depth_mm, wall_outside_crest_mm : float
        Threads: mean radial engagement where the crest lies in bone, and least wall outside it.
    rejected : tuple of str
        Reasons that exclude this implant; empty = it can serve.
    shortfall : float
        How far it is from serving: the shares of the requirements that are missing, summed; 0 = it can serve.
    lost_because : str
        Why the chosen implant is ranked before this one; empty for the chosen one.
    """

    implant: ImplantTemplate
    placement: Placement
    reaming_plan: ReamingPlan
    zones: tuple[ZoneFit, ...]
    contact_share: float
    contact_length_mm: float
    toggle_length_mm: float
    fill_by_level: FloatArray
    contact_by_level: FloatArray
    wall_by_level_mm: FloatArray
    canal_fill_volume: float
    gap_mm3: float
    graft_mm3: float
    diametral_interference_mm: float
    wall_min_mm: float
    wall_min_depth_mm: float
    wall_min_theta_rad: float
    wall_min_direction: str
    wall_min_tip_mm: float
    wall_min_collar_mm: float
    reamed_wall_min_mm: float
    reamed_wall_min_depth_mm: float
    reamed_wall_min_direction: str
    native_wall_min_mm: float
    native_wall_min_depth_mm: float
    native_wall_min_direction: str
    removed_share: float
    tip_depth_mm: float
    tip_to_isthmus_mm: float
    protrusion_mm: float
    far_end_margin_mm: float
    unmeasured_share: float
    seat_angle_deg: float
    seat_share: float
    facing_loss_mm: float
    bite_depth_mm: float
    wall_outside_crest_mm: float
    score: Score
    tip_to_defect_mm: float = float("nan")
    wall_round_defects_mm: float = float("nan")
    entry_inside_mm: float = float("nan")
    entry_unmeasured_share: float = float("nan")
    reamed: ReamedCanal | None = None
    rejected: tuple[str, ...] = ()
    shortfall: float = 0.0
    lost_because: str = ""
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        for name in ("fill_by_level", "contact_by_level", "wall_by_level_mm"):
            object.__setattr__(self, name, frozen_array(getattr(self, name)))

    @property
    def model(self) -> tuple[str, float, float | None]:
        """Family, length and bow: what all sizes of one stem have in common."""
        return self.implant.family_id, self.implant.length_mm, self.implant.bow_radius_mm

    @property
    def condition(self) -> str:
        """What must be true before this implant may be chosen, as a clause; empty = nothing special."""
        if self.entry_unmeasured_share > MOST_UNSEEN_ENTRY:
            return "only if the unmeasured bone just above the cut is whole"
        return ""

    @property
    def serves(self) -> bool:
        """No reason excludes this implant."""
        return not self.rejected
