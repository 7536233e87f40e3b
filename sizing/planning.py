"""From a CT volume to an implantation plan: the one function that walks through all rooms."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

from sizing.anatomy import Bone, Side
from sizing.canal import (
    CanalSettings,
    CanalShape,
    SectionTable,
    describe_shape,
    isthmus_findings,
    measure_canal,
    measure_sections,
)
from sizing.canal.model import Canal
from sizing.errors import UsageError
from sizing.findings import Finding
from sizing.fit import (
    OUTLOOK_CODES,
    Fit,
    FitContext,
    FitSettings,
    astray_of,
    choice_findings,
    choose,
    envelope_of,
    fit_all,
    fit_context,
    outlook_findings,
    size_doubt_of,
)
from sizing.implants.model import Catalogue, ImplantTemplate
from sizing.implants.reamer_sets import load_reamer_set
from sizing.intended_use import RESEARCH_USE
from sizing.reaming import Astray, AstraySettings, Envelope, GraftAccount, GraftSettings, SizeDoubt, graft_account
from sizing.reaming.model import ReamedCanal, ReamerSet
from sizing.segmentation import Locator, find_residual_bone
from sizing.segmentation.model import ResidualBone
from sizing.volume import CtVolume, ScanInfo

__all__ = ["RESEARCH_USE", "ImplantationPlan", "PlanSettings", "plan_canal", "plan_case", "with_outlook"]

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


def plan_case(
    volume: CtVolume,
    catalogue: Catalogue,
    settings: PlanSettings | None = None,
    reamers: ReamerSet | None = None,
    *,
    locator: Locator | None = None,
) -> ImplantationPlan:
    """Plan one case from its CT volume; a locator (a mask from elsewhere) says which bone is meant.

    Raises
    ------
    SegmentationError, CanalError
        The bone or its canal cannot be told.
    UsageError
        The settings leave no implant to try.
    """
    settings = settings or PlanSettings()
    watch = _Stopwatch()
    with watch("segment"):
        residual = find_residual_bone(
            volume,
            bone=settings.bone,
            side=settings.side,
            distal=settings.distal,
            resect_at_mm=settings.resect_at_mm,
            locator=locator,
        )
    with watch("measure"):
        steps = CanalSettings(level_step_mm=settings.level_step_mm, n_angles=settings.n_angles)
        canal = measure_canal(volume, residual, steps)
    plan = plan_canal(canal, catalogue, settings, reamers)
    return replace(
        plan,
        scan=volume.info,
        residual_bone=residual,
        findings=(*residual.findings, *plan.findings),
        timings_s=watch.seconds | plan.timings_s,
    )


def plan_canal(
    canal: Canal, catalogue: Catalogue, settings: PlanSettings | None = None, reamers: ReamerSet | None = None
) -> ImplantationPlan:
    """Plan one case from a measured canal, or from one built of section contours.

    Returns
    -------
    ImplantationPlan
        ``scan`` is empty and ``residual_bone`` None; ``chosen`` is None when no implant can serve.

    Raises
    ------
    UsageError
        The settings leave no implant to try.
    """
    settings = settings or PlanSettings()
    reamers = reamers or load_reamer_set()
    watch = _Stopwatch()
    with watch("describe"):
        sections = measure_sections(canal)
        shape = describe_shape(canal, sections)
        seen = (*canal.findings, *isthmus_findings(shape.isthmus_depth_mm, shape.isthmus_depth_se_mm))
    with watch("fit"):
        context = fit_context(
            canal,
            reamers=reamers,
            settings=settings.fit.with_wall_limit(settings.wall_limit_mm),
            isthmus_depth_mm=shape.isthmus_depth_mm,
            cut_is_planned=settings.resect_at_mm is not None,
        )
        candidates = _candidates(catalogue, canal.bone, settings)
        fits = fit_all(context, candidates)
    with watch("ream"):
        chosen, neighbours = choose(context, fits)
    plan = ImplantationPlan(
        settings=settings,
        scan=ScanInfo(),
        residual_bone=None,
        canal=canal,
        sections=sections,
        shape=shape,
        reamers=reamers,
        chosen=chosen,
        fits=_with(fits, chosen, *neighbours),
        neighbours=neighbours,
        catalogue_version=catalogue.version,
        catalogue_sha256=catalogue.sha256,
        findings=(*seen, *choice_findings(chosen, fits, settings.fit)),
    )
    with watch("what if"):
        plan = with_outlook(replace(plan, envelope=envelope_of(context, candidates)), context)
    return replace(plan, timings_s=watch.seconds)


def with_outlook(plan: ImplantationPlan, context: FitContext) -> ImplantationPlan:
    """Return a plan with what may go astray and the graft account of its choice; for plans changed by hand as well."""
    fit, others = plan.chosen, tuple(f for f in plan.findings if f.code not in OUTLOOK_CODES)
    if fit is None:
        return replace(plan, astray=None, size=None, graft=None, findings=others)
    drawn = astray_of(context, fit, plan.fits, plan.settings.what_if)
    size = size_doubt_of(context, fit, plan.fits, plan.settings.what_if)
    graft = graft_account(fit.reamed, fit.gap_mm3, settings=plan.settings.graft) if fit.reamed else None
    found = (*others, *outlook_findings(fit, drawn, size))
    return replace(plan, astray=drawn, size=size, graft=graft, findings=found)


def _candidates(catalogue: Catalogue, bone: Bone | None, settings: PlanSettings) -> list[ImplantTemplate]:
    """Return the implants made for this bone that the settings allow."""
    known = {i.family_id for i in catalogue.implants}
    if unknown := sorted(set(settings.families) - known):
        raise UsageError(f"family {', '.join(unknown)} is not in the catalogue; it has {', '.join(sorted(known))}")
    longest = settings.max_stem_length_mm or float("inf")
    found = [
        i
        for i in catalogue.implants
        if (bone is None or bone in i.bones)
        and (not settings.families or i.family_id in settings.families)
        and i.length_mm <= longest
    ]
    if not found:
        what = f" for the {bone}" if bone else ""
        raise UsageError(f"the settings leave no implant to try{what}: check families and the longest stem allowed")
    return found


def _with(fits: tuple[Fit, ...], *reamed: Fit | None) -> tuple[Fit, ...]:
    """Put the fits that were reamed in place of their lighter twins."""
    full = {f.implant.part_number: f for f in reamed if f is not None}
    return tuple(full.get(f.implant.part_number, f) for f in fits)


class _Stopwatch:
    """Seconds per named step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start
