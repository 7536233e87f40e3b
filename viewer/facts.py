"""The words and numbers of a plan page, once for PDF, browser and planner. Nothing is computed here, only said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import viewer.words as words
from sizing.canal.model import Canal
from sizing.findings import Finding, by_importance
from sizing.fit.model import Fit
from sizing.planning import ImplantationPlan
from viewer.contours import passes_of

NEIGHBOUR_HEADER = ("implant", "last reamer", "least wall", "where", "contact", "fill", "gap", "graft", "score")


@dataclass(frozen=True)
class Fact:
    """One number with its name and a remark; ``warn`` where it is past a limit."""

    name: str
    value: str
    note: str = ""
    warn: bool = False


@dataclass(frozen=True)
class Step:
    """One reamer in its turn."""

    diameter: str
    kind: str
    depth: str
    wall_min: str
    harvest: str
    first_contact: bool
    last: bool


def heading(plan: ImplantationPlan) -> str:
    """Return side and bone in capitals: ``RIGHT FEMUR``."""
    canal = plan.canal
    side = canal.side.value if canal.side else "side unknown"
    bone = canal.bone.value if canal.bone else "bone unknown"
    return f"{side} {bone}".upper()


def case_name(plan: ImplantationPlan) -> str:
    """Return the pseudonym, never a patient's name."""
    return plan.scan.pseudonym or "no pseudonym"


def cut_text(plan: ImplantationPlan) -> str:
    """Return where the cut lies and where that comes from."""
    bone = plan.residual_bone
    if bone is None:
        if plan.settings.resect_at_mm is not None:
            return f"cut {plan.settings.resect_at_mm:g} mm above the lowest bone in the scan"
        return "cut as given"
    way = {"virtual": "virtual cut", "stump end": "faced at the stump's end", "scan end": "faced at the scan's end",
           "shaft end": "faced at the shaft's end", "given": "cut as given"}  # fmt: skip
    return (
        f"{way.get(bone.resection_source, bone.resection_source)}, {words.mm(bone.stump_removed_mm, 0)} of bone removed"
    )


def scan_text(plan: ImplantationPlan) -> str:
    """Return date and series of the scan in one line."""
    scan = plan.scan
    date = scan.study_date
    parts = [f"CT of {date[:4]}-{date[4:6]}-{date[6:]}" if date and len(date) == 8 else "CT, date not given"]
    if scan.kernel:
        parts.append(f"kernel {scan.kernel}")
    if scan.slice_thickness_mm:
        parts.append(f"slices {scan.slice_thickness_mm:g} mm thick")
    if scan.series_uid:
        parts.append(f"series …{scan.series_uid[-8:]}")
    return " · ".join(parts)


def last_reamer(fit: Fit) -> str:
    """Return the tool that finishes the hole: ``16.0 mm rigid reamer``."""
    passes = passes_of(fit)
    if not passes:
        return f"{words.diameter(fit.implant.last_reamer_mm)} mm {fit.implant.reamer_kind}"
    last = passes[-1].reamer
    tool = {"drill": "drill", "tap": "tap", "broach": "broach"}.get(last.kind.value, f"{last.kind.value} reamer")
    return f"{words.diameter(last.diameter_mm)} mm {tool}"


def reaming_depth(fit: Fit) -> str:
    """Return how deep the last tool goes, to its foremost point."""
    passes = passes_of(fit)
    return words.mm(passes[-1].depth_mm, 0) if passes else words.CANNOT_TELL


def first_contact(fit: Fit) -> str:
    """Return when chatter is expected: ``12.5 mm reamer, 88 mm above the cut``."""
    reamed = fit.reamed
    if reamed is None:
        return words.CANNOT_TELL
    if reamed.first_contact_diameter_mm is None:
        return "no tool touches the cortex"
    return f"{words.diameter(reamed.first_contact_diameter_mm)} mm, {words.above_cut(reamed.first_contact_depth_mm)}"


def steps(fit: Fit) -> tuple[Step, ...]:
    """Return the reamers in order."""
    reamed, passes = fit.reamed, passes_of(fit)
    first = None if reamed is None else reamed.first_contact_diameter_mm
    rows = []
    for i, a_pass in enumerate(passes):
        result = reamed.passes[i] if reamed is not None and i < len(reamed.passes) else None
        d = a_pass.reamer.diameter_mm
        rows.append(
            Step(
                words.diameter(d), a_pass.reamer.kind.value, words.mm(a_pass.depth_mm, 0),
                words.wall(result.wall_min_mm) if result else "",
                words.ml(result.removed_cortical_mm3) if result else "",
                first is not None and abs(d - first) < 1e-9, i == len(passes) - 1,
            )
        )  # fmt: skip
    return tuple(rows)


def main_facts(plan: ImplantationPlan, fit: Fit) -> tuple[Fact, ...]:
    """Return the eight numbers a surgeon asks for first, against the plan's own limit."""
    return fit_facts(plan, fit, plan.settings.wall_limit_mm)


def fit_facts(plan: ImplantationPlan, fit: Fit, limit: float) -> tuple[Fact, ...]:
    """Return the same numbers against a given least wall (mm)."""
    offset = fit.tip_to_isthmus_mm
    isthmus = "isthmus not in the scan" if not words.known(offset) else (
        f"the tip ends {abs(offset):.0f} mm {'above' if offset >= 0 else 'below'} it")  # fmt: skip
    native = f"before reaming {words.wall(fit.native_wall_min_mm)}"
    return (
        Fact("least wall left", words.wall(fit.wall_min_mm), words.place(fit.wall_min_depth_mm, fit.wall_min_direction),
             not fit.wall_min_mm >= limit),
        Fact("wall at the tip", words.wall(fit.wall_min_tip_mm), f"tip ±20 mm, limit {words.mm(limit)}",
             not fit.wall_min_tip_mm >= limit),
        Fact("wall at the collar", words.wall(fit.wall_min_collar_mm), native,
             not fit.wall_min_collar_mm >= limit),
        Fact("contact with bone", words.percent(fit.contact_share), "of the stem's flank"),
        Fact("canal fill", words.percent(fit.canal_fill_volume), "of the canal's volume"),
        Fact("gap left", words.ml(fit.gap_mm3), f"solid graft {words.ml(fit.graft_mm3)}"),
        Fact("isthmus", words.mm(plan.shape.isthmus_diameter_mm), isthmus),
        Fact("nominal fit", nominal_fit(fit), "stem minus last reamer, diametral"),
    )  # fmt: skip


ZONE_HEADER = ("zone", "mm above the cut", "contact", "fill", "gap", "least wall")


def zone_rows(fit: Fit) -> tuple[tuple[str, ...], ...]:
    """Return one line per zone of the whole circumference, from the collar to the tip; columns as ``ZONE_HEADER``."""
    return tuple(
        (z.name, f"{words.number(z.from_depth_mm)}–{words.number(z.to_depth_mm)}", words.percent(z.contact_share),
         words.percent(z.canal_fill), words.ml(z.gap_mm3), words.wall(z.wall_min_mm))
        for z in fit.zones if not z.name[-1].isupper()  # a capital letter names a quarter
    )  # fmt: skip


def nominal_fit(fit: Fit) -> str:
    """Return the nominal diametral interference in words."""
    value = fit.diametral_interference_mm
    if not words.known(value):
        return words.CANNOT_TELL
    return "line-to-line" if abs(value) < 5e-3 else f"{value:+.2f} mm".replace("-", "−")


def neighbour_row(fit: Fit) -> tuple[str, ...]:
    """Return one line of the comparison; columns as in ``NEIGHBOUR_HEADER``."""
    passes = passes_of(fit)
    last = passes[-1].reamer.diameter_mm if passes else fit.implant.last_reamer_mm
    where = words.place(fit.wall_min_depth_mm, fit.wall_min_direction).replace(" above the cut", "")
    return (
        words.size_text(fit.implant), words.diameter(last), words.wall(fit.wall_min_mm), where,
        words.percent(fit.contact_share), words.percent(fit.canal_fill_volume), words.ml(fit.gap_mm3),
        words.ml(fit.graft_mm3), f"{fit.score.total:.1f}" if words.known(fit.score.total) else words.CANNOT_TELL,
    )  # fmt: skip


def compared(plan: ImplantationPlan, others: int = 3) -> tuple[Fit, ...]:
    """Return the fits of the comparison: the choice, its neighbours, and the best of what else was tried."""
    chosen = [plan.chosen] if plan.chosen else []
    rows = [*chosen, *plan.neighbours]
    seen = {f.implant.part_number for f in rows}
    families = {f.implant.family_id for f in rows}
    for fit in plan.fits:  # the best of each other family first: it tells more than a third length of the same stem
        if others > 0 and fit.implant.part_number not in seen and fit.implant.family_id not in families:
            rows.append(fit)
            families.add(fit.implant.family_id)
            seen.add(fit.implant.part_number)
            others -= 1
    for fit in plan.fits:
        if others > 0 and fit.implant.part_number not in seen:
            rows.append(fit)
            seen.add(fit.implant.part_number)
            others -= 1
    return tuple(rows)


def findings_of(plan: ImplantationPlan) -> list[Finding]:
    """Return every finding of the plan and its choice, most important first, each once."""
    parts: list[Finding] = [*plan.findings]
    if plan.chosen is not None:
        parts += [*plan.chosen.findings, *(plan.chosen.reamed.findings if plan.chosen.reamed else ())]
    parts += [*plan.canal.findings, *(plan.residual_bone.findings if plan.residual_bone else ())]
    return by_importance(parts)


def finding_text(finding: Finding) -> str:
    """Return a finding as a sentence with its place and advice."""
    text = finding.message.rstrip(".")
    text = text[:1].upper() + text[1:]
    if finding.depth_mm is not None or finding.direction:
        where = words.place(finding.depth_mm, finding.direction) if finding.depth_mm is not None else finding.direction
        text += f" ({where})"
    return f"{text}. {finding.advice.rstrip('.')}." if finding.advice else f"{text}."


def section_levels(canal: Canal, fit: Fit | None, n: int = 8) -> list[int]:
    """Return n levels to show: even steps over the stem, with the place of the least wall among them."""
    depth = canal.axis.depth_mm
    top = min(float(depth[-1]), (fit.implant.length_mm if fit else float(depth[-1])) + 5.0)
    wanted = np.linspace(max(2.0, float(depth[0])), top - 6.0, n)
    if fit is not None and words.known(fit.wall_min_depth_mm):
        wanted[int(np.argmin(np.abs(wanted - fit.wall_min_depth_mm)))] = fit.wall_min_depth_mm
    return sorted({int(np.argmin(np.abs(depth - w))) for w in wanted})
