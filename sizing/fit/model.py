"""How an implant sits in a prepared canal: placement, zones, score, and the reasons."""

from __future__ import annotations

from dataclasses import dataclass

from sizing.findings import Finding
from sizing.geometry import FloatArray, frozen_array
from sizing.implants.model import ImplantTemplate
from sizing.reaming.model import ReamedCanal, ToolAxis


@dataclass(frozen=True)
class Placement:
    """Where the implant is: its frame to LPS (4, 4), and the axis along which it was prepared."""

    implant_to_lps: FloatArray
    axis: ToolAxis

    def __post_init__(self) -> None:
        object.__setattr__(self, "implant_to_lps", frozen_array(self.implant_to_lps))


@dataclass(frozen=True, slots=True)
class ZoneFit:
    """One stretch of the stem. Shares 0..1; NaN = not measured."""

    name: str  # "collar", "distal third", "middle third", "proximal third", "tip"
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
    """One implant in one place.

    Attributes
    ----------
    contact_share : float
        Share of the stem's flank that lies on or in bone.
    fill_by_level : (m,) array
        Stem area / canal area per level of the canal; NaN beyond the stem.
    canal_fill_volume : float
        Share of the native canal's volume over the stem's length that the stem takes.
    gap_mm3, graft_mm3 : float
        Space between stem and hole, and solid bone won by reaming.
    wall_min_mm, wall_min_tip_mm, wall_min_collar_mm : float
        Least wall left overall, within 20 mm of the tip, within 20 mm of the collar.
    native_wall_min_mm : float
        Least wall over the same levels before reaming.
    tip_to_isthmus_mm : float
        Depth of the tip minus depth of the isthmus; NaN when no isthmus lies in the scan.
    protrusion_mm : float
        Length of the stem beyond the measured bone; 0 = none.
    rejected : tuple of str
        Reasons that exclude this implant; empty = it can serve.
    """

    implant: ImplantTemplate
    placement: Placement
    reamed: ReamedCanal
    zones: tuple[ZoneFit, ...]
    contact_share: float
    fill_by_level: FloatArray
    canal_fill_volume: float
    gap_mm3: float
    graft_mm3: float
    diametral_interference_mm: float
    wall_min_mm: float
    wall_min_depth_mm: float
    wall_min_direction: str
    wall_min_tip_mm: float
    wall_min_collar_mm: float
    native_wall_min_mm: float
    tip_to_isthmus_mm: float
    protrusion_mm: float
    score: Score
    rejected: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
