"""From a CT volume to an implantation plan: the one function that walks through all rooms."""

from __future__ import annotations

from dataclasses import dataclass, field

from sizing.anatomy import Bone, Side
from sizing.canal.model import Canal
from sizing.findings import Finding
from sizing.fit.model import Fit
from sizing.intended_use import RESEARCH_USE as RESEARCH_USE
from sizing.segmentation.model import ResidualBone
from sizing.volume import ScanInfo


@dataclass(frozen=True)
class PlanSettings:
    """What the user may decide about one plan."""

    bone: Bone | None = None  # None: told from the scan, or refused
    side: Side | None = None
    distal: str | None = None  # which end is distal: "low" or "high" along the scan; None = from the anatomy
    resect_at_mm: float | None = None  # virtual amputation, mm above the lowest bone along its axis
    level_step_mm: float = 1.0
    n_angles: int = 128
    wall_limit_mm: float = 2.0
    max_stem_length_mm: float | None = None
    families: tuple[str, ...] = ()  # empty: all of the catalogue


@dataclass(frozen=True)
class ImplantationPlan:
    """The whole answer for one case; what ``plan.json`` holds.

    Attributes
    ----------
    chosen : Fit or None
        None when nothing fits; the reasons are in ``fits``.
    fits : tuple of Fit
        Every implant that was placed, best first.
    neighbours : tuple of Fit
        One size down and one up of the chosen implant, where the catalogue has them.
    """

    settings: PlanSettings
    scan: ScanInfo
    residual_bone: ResidualBone | None
    canal: Canal
    chosen: Fit | None
    fits: tuple[Fit, ...]
    neighbours: tuple[Fit, ...]
    catalogue_version: str
    catalogue_sha256: str
    findings: tuple[Finding, ...] = ()
    timings_s: dict[str, float] = field(default_factory=dict)  # never hashed, never in plan.json
