"""From a CT volume, or from a measured canal, to a plan: through all rooms, each timed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sizing.anatomy import Bone
from sizing.canal import CanalSettings, describe_shape, isthmus_findings, measure_canal, measure_sections
from sizing.canal.model import Canal
from sizing.errors import UsageError
from sizing.fit import Fit, choice_findings, choose, envelope_of, fit_all, fit_context
from sizing.implants.model import Catalogue, ImplantTemplate
from sizing.implants.reamer_sets import load_reamer_set
from sizing.planning.model import ImplantationPlan, PlanSettings
from sizing.planning.outlook import with_outlook
from sizing.reaming.model import ReamerSet
from sizing.segmentation import Locator, find_residual_bone
from sizing.volume import CtVolume, ScanInfo


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
