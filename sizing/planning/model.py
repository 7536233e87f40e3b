"""What a plan is: the settings it is made with, the whole answer, and who reviewed or changed it."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from sizing.anatomy import Bone, Side
from sizing.canal import CanalShape, SectionTable
from sizing.canal.model import Canal
from sizing.errors import UsageError
from sizing.findings import Finding
from sizing.fit import Fit, FitSettings
from sizing.reaming import Astray, AstraySettings, Envelope, GraftAccount, GraftSettings, SizeDoubt
from sizing.reaming.model import ReamedCanal, ReamerSet
from sizing.segmentation.model import ResidualBone
from sizing.volume import ScanInfo

PICTURES = "viewer.window"  # who draws a plan


@dataclass(frozen=True)
class PlanSettings:
    """What the user may decide about one plan."""

    bone: Bone | None = None  # None: told from the scan, or refused
    side: Side | None = None
    distal: str | None = None  # which end is distal: "low" or "high" along the scan; None = from the anatomy
    resect_at_mm: float | None = None  # virtual amputation, mm above the lowest bone along its axis
    level_step_mm: float = 1.0
    n_angles: int = 128
    wall_limit_mm: float = 2.0  # overrides the limit in ``fit``
    max_stem_length_mm: float | None = None
    families: tuple[str, ...] = ()  # empty: all of the catalogue
    fit: FitSettings = field(default_factory=FitSettings)
    # 2000 draws: a probability of 1/2 is good to 1 in 100, which is finer than the assumed errors are known.
    what_if: AstraySettings = field(default_factory=lambda: AstraySettings(n_poses=2000, coin_toss=0.25))
    graft: GraftSettings = field(default_factory=GraftSettings)


@dataclass(frozen=True, slots=True)
class Review:
    """Who looked at exactly this plan, and when (ISO date); any change makes a plan a draft again."""

    name: str
    date: str

    def __post_init__(self) -> None:
        if not self.name.strip() or not self.date.strip():
            raise UsageError("a review needs the name of a person and a date")


@dataclass(frozen=True)
class Ancestry:
    """Where a plan that was changed by hand comes from.

    Attributes
    ----------
    parent_plan_sha256 : str
        Hash of the plan it was opened from; empty for a plan that was never saved.
    changes : tuple of str
        What was done, in order, in words.
    """

    parent_plan_sha256: str
    changes: tuple[str, ...]


@dataclass(frozen=True)
class ImplantationPlan:
    """The whole answer for one case; what ``plan.json`` holds.

    Attributes
    ----------
    sections, shape : SectionTable, CanalShape
        The canal level by level, and as a whole.
    chosen : Fit or None
        None when nothing fits; the reasons are in ``fits``.
    fits : tuple of Fit
        Every implant that was placed, best first.
    neighbours : tuple of Fit
        One size down and one up of the chosen implant, where the catalogue has them.
    findings : tuple of Finding
        Of all rooms, from the scan's end to the chosen fit's.
    envelope : Envelope or None
        The longest stem of every diameter and bow that keeps the wall; None where no axis can be told.
    astray : Astray or None
        What happens to the choice when hand and scan are off; None without a choice.
    size : SizeDoubt or None
        How surely the scan tells the size of the choice; None without one.
    graft : GraftAccount or None
        Bone won by reaming against the gap round the choice.
    review : Review or None
        None: a draft.
    ancestry : Ancestry or None
        None: as the program proposed it.
    """

    settings: PlanSettings
    scan: ScanInfo
    residual_bone: ResidualBone | None
    canal: Canal
    sections: SectionTable
    shape: CanalShape
    reamers: ReamerSet
    chosen: Fit | None
    fits: tuple[Fit, ...]
    neighbours: tuple[Fit, ...]
    catalogue_version: str
    catalogue_sha256: str
    findings: tuple[Finding, ...] = ()
    envelope: Envelope | None = None
    astray: Astray | None = None
    size: SizeDoubt | None = None
    graft: GraftAccount | None = None
    review: Review | None = None
    ancestry: Ancestry | None = None
    timings_s: dict[str, float] = field(default_factory=dict)  # never hashed, never in plan.json

    @property
    def status(self) -> str:
        """``DRAFT``, until a person has reviewed exactly this plan."""
        return "DRAFT" if self.review is None else f"REVIEWED by {self.review.name}, {self.review.date}"

    @property
    def drawn(self) -> Fit | None:
        """What pictures show: the choice; where nothing can serve, the nearest, which must be called so."""
        return self.chosen or (self.fits[0] if self.fits else None)

    def show(self, *, off_screen: bool = False) -> Any:
        """Return a PyVista plotter with the plan's 3-D scene, for a notebook: ``plan.show().show()``.

        The viewer stands above this room and is looked up by name only when somebody asks for a picture.
        """
        return import_module(PICTURES).show(self, off_screen=off_screen)

    @property
    def reaming(self) -> ReamedCanal | None:
        """What each pass for the chosen implant cuts."""
        return None if self.chosen is None else self.chosen.reamed
