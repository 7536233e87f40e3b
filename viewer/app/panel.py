"""The planner's words and numbers as the page's state; every value is a field of the fit, said by ``viewer.facts``."""

from __future__ import annotations

from typing import Any

import viewer.facts as facts
import viewer.panes as panes
import viewer.words as words
from sizing.anatomy import direction_word
from sizing.findings import Finding, Level, by_importance
from sizing.fit.model import Fit
from sizing.intended_use import RESEARCH_USE
from viewer.app.pictures import MAPS
from viewer.app.session import Session, State, findings_of
from viewer.scene import SceneOptions

MEASURING = "…"  # in place of what is not yet measured
MOVES = (
    ("along_mm", "deeper", "mm", 0.5),
    ("anterior_mm", "anterior", "mm", 0.25),
    ("lateral_mm", "lateral", "mm", 0.25),
    ("tilt_anterior_deg", "tip anterior", "°", 0.25),
    ("tilt_lateral_deg", "tip lateral", "°", 0.25),
    ("turn_deg", "turn", "°", 5.0),
)


def first_state(session: Session, scan_note: str) -> dict[str, Any]:
    """Return everything that does not change while the planner runs, and empty places for what does."""
    plan = session.plan
    empty = dict.fromkeys(
        ("svg_section", "svg_coronal", "svg_sagittal", "svg_frontal", "svg_lateral", "svg_map", "svg_native",
         "svg_diameters", "svg_section_kept", "svg_coronal_kept", "svg_sagittal_kept", "svg_map_kept",
         "message", "busy", "probe", "scene_title"), ""
    )  # fmt: skip
    return empty | {
        "trame__title": f"{facts.heading(plan)} · canalfit", "heading": facts.heading(plan),
        "case_name": facts.case_name(plan), "scan": facts.scan_text(plan), "scan_note": scan_note,
        "research_use": RESEARCH_USE, "theme": "light", "reaming": False, "window": "2500 / 480 HU", "map": "wall",
        "maps": [{"key": k, "text": t} for k, t in MAPS.items()], "map_legend": [], "native_legend": [],
        "scene_legend": [], "scene_options": scene_options(SceneOptions()), "has_scan": session.replan is not None,
        "cursor": {}, "has_3d": False, "no_3d": "", "reviewer": "", "review_date": "",
    }  # fmt: skip


def scene_options(options: SceneOptions) -> dict[str, Any]:
    """Return the options of the 3-D scene for the page."""
    return {name: getattr(options, name) for name in options.__dataclass_fields__}


def numbers(session: Session) -> dict[str, Any]:
    """Return the numbers of the present state, of the compared implant, and of the neighbours."""
    s = session.state
    compared = session.compared
    found = by_importance(findings_of(s))
    return {
        "status": s.status, "draft": s.review is None, "locked": session.locked, "cut": facts.cut_text(s.plan),
        "can_undo": session.can_undo, "can_redo": session.can_redo, "comparing": compared is not None,
        "short_bone": panes.is_short(s.plan.canal), "shape": round(panes.shape_of(s.plan.canal), 3),
        "ranking_current": s.ranking_current, "wall_limit": s.wall_limit_mm,
        "resect_at": s.plan.settings.resect_at_mm if s.plan.settings.resect_at_mm is not None else "",
        "implant": _implant(s.fit), "implants": _implants(session),
        "moves": [
            {"name": name, "text": text, "unit": unit, "step": step, "value": getattr(s.move, name)}
            for name, text, unit, step in MOVES
            if name != "turn_deg" or s.fit.implant.bow_radius_mm is not None
        ],
        "move_words": s.move.words(),
        "facts": _facts(s, compared), "compared_name": _implant(compared.fit)["size"] if compared else "",
        "compared_move": compared.move.words() if compared else "",
        "zones": [list(row) for row in facts.zone_rows(s.fit)], "zone_header": list(facts.ZONE_HEADER),
        "rejected": list(s.fit.rejected), "condition": s.fit.condition,
        "findings": [
            {"level": f.level.value, "code": f.code, "text": facts.finding_text(f)}
            for f in found
        ],
        "findings_count": _count(found),
        "neighbours": [_row(f, s.wall_limit_mm, f is s.fit) for f in _with_neighbours(session)],
        "neighbour_header": ["mm", "least wall", "contact", "fill", "score"],
        "score": words.number(s.fit.score.total), "as_found": s.as_found,
    }  # fmt: skip


def reaming(state: State, reamer: int) -> dict[str, Any]:
    """Return the reamers in order, the one that is shown, and the running total of graft up to it."""
    steps = facts.steps(state.fit)
    k = len(steps) - 1 if reamer == -1 else reamer
    reamed = state.fit.reamed
    graft = words.CANNOT_TELL if reamed is not None else MEASURING
    contact = ""
    if reamed is not None and reamed.passes:
        graft = words.ml(sum(p.removed_cortical_mm3 for p in reamed.passes[: k + 1]))
        contact = facts.first_contact(state.fit)
    return {
        "reamers": [
            {"d": s.diameter, "wall": s.wall_min, "ml": s.harvest, "first": s.first_contact, "last": s.last}
            for s in steps
        ],
        "reamer": k, "graft_so_far": graft, "first_contact": contact, "last_reamer": facts.last_reamer(state.fit),
        "reaming_depth": facts.reaming_depth(state.fit),
    }  # fmt: skip


def level(state: State, index: int) -> dict[str, Any]:
    """Return what is known of one level."""
    canal, table = state.plan.canal, state.plan.sections
    depth = float(canal.axis.depth_mm[index])
    theta = float(table.wall_min_theta_rad[index])
    where = ""
    if canal.side is not None and words.known(theta):
        a = canal.axis
        where = direction_word(_ray(theta, a.u_lps[index], a.v_lps[index]), canal.side)
    rows = (
        (
            "canal, least to greatest",
            f"{_plain(table.minor_diameter_mm[index])}–{words.mm(table.major_diameter_mm[index])}",
        ),
        ("largest circle inside", words.mm(float(table.inscribed_diameter_mm[index]))),
        ("native wall, least", f"{words.wall(float(table.wall_min_mm[index]))} {where}".strip()),
        ("wall left, least", words.wall(float(state.fit.wall_by_level_mm[index]))),
        ("fill", words.percent(float(state.fit.fill_by_level[index]))),
        ("contact", words.percent(float(state.fit.contact_by_level[index]))),
    )
    return {"level_mm": round(depth, 1) + 0.0, "level_words": words.above_cut(depth),
            "level_facts": [{"name": n, "value": v} for n, v in rows]}  # fmt: skip


def _ray(theta: float, u: Any, v: Any) -> Any:
    import numpy as np

    return np.cos(theta) * u + np.sin(theta) * v


def _plain(value: float) -> str:
    return words.number(float(value), 1) if words.known(float(value)) else words.CANNOT_TELL


def _implant(fit: Fit) -> dict[str, Any]:
    i = fit.implant
    return {"part": i.part_number, "family": words.family_title(i), "size": words.size_text(i),
            "diameter": words.diameter(i.diameter_mm), "length": f"{i.length_mm:.0f}"}  # fmt: skip


def _implants(session: Session) -> list[dict[str, Any]]:
    """Return the catalogue by family: the choice shows the size, its family stands beside."""
    families: dict[str, list[dict[str, str]]] = {}
    for i in session.implants():
        bow = f", bow {i.bow_radius_mm:g}" if i.bow_radius_mm else ""
        item = {"part": i.part_number, "text": words.size_text(i) + bow}
        families.setdefault(words.family_title(i), []).append(item)
    return [{"family": family, "sizes": sizes} for family, sizes in families.items()]


def _facts(s: State, compared: State | None) -> list[dict[str, Any]]:
    here = facts.fit_facts(s.plan, s.fit, s.wall_limit_mm)
    c = compared
    other = (None,) * len(here) if c is None else facts.fit_facts(c.plan, c.fit, c.wall_limit_mm)
    return [
        {"name": a.name, "value": a.value, "note": a.note, "warn": a.warn, "other": b.value if b else ""}
        for a, b in zip(here, other, strict=True)
    ]


def _count(found: list[Finding]) -> str:
    """Return how many findings of each level there are: ``1 critical, 2 warnings``."""
    names = {Level.CRITICAL: ("critical", "critical"), Level.WARNING: ("warning", "warnings"),
             Level.INFO: ("remark", "remarks")}  # fmt: skip
    counts = {level: sum(f.level is level for f in found) for level in names}
    return ", ".join(f"{n} {names[level][n != 1]}" for level, n in counts.items() if n)


def _with_neighbours(session: Session) -> list[Fit]:
    fits = [session.state.fit, *session.neighbours()]
    return sorted(fits, key=lambda f: f.implant.diameter_mm)


def _row(fit: Fit, limit_mm: float, here: bool) -> dict[str, Any]:
    size = words.size_text(fit.implant).removesuffix(" mm")
    cells = [
        size, words.wall(fit.wall_min_mm), words.percent(fit.contact_share), words.percent(fit.canal_fill_volume),
        words.number(fit.score.total),
    ]  # fmt: skip
    return {"part": fit.implant.part_number, "cells": cells, "here": here, "why": "; ".join(fit.rejected),
            "warn": not fit.wall_min_mm >= limit_mm}  # fmt: skip
