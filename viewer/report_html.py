"""The report for the screen: one file that opens without a network, with a scene that turns."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import viewer.charts as charts
import viewer.facts as facts
import viewer.outlook_charts as outlook_charts
import viewer.outlook_facts as outlook
import viewer.panes as panes
import viewer.style as style
import viewer.words as words
from sizing.fit.model import Fit
from sizing.intended_use import RESEARCH_USE
from viewer.page_frame import ReportCase
from viewer.pane import Pane
from viewer.scene import plan_scene
from viewer.section_pane import section_pane
from viewer.svg import pane_svg
from viewer.turntable import pack

TEMPLATES = Path(__file__).parent / "templates"
SECTIONS = 12
LONG_SHAPE = 4.5  # height over width of the slices along the stem where there is scan: as high as what stands beside


def write_html(case: ReportCase, path: Path) -> None:
    """Write ``report.html``: no network, no script but the one whose hash the page itself names."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    env = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    script = (TEMPLATES / "turn.js").read_text(encoding="utf-8")
    values = _values(case)
    for name in ("longs", "sections", "charts"):
        values[name] = [{"title": p.title, "svg": Markup(pane_svg(p, w))} for p, w in values[name]]
    scene = plan_scene(case.plan)
    packed = pack(scene)
    values |= {
        "scene": {"description": Markup(packed.description), "data": packed.data, "titles": packed.titles},
        "script": Markup(script), "legend": scene.legend,
        "bands": [{"colour": style.hex_colour(b.rgb), "text": b.text} for b in scene.bands],
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }  # fmt: skip
    path.write_text(env.get_template("report.html").render(values), encoding="utf-8")


def _values(case: ReportCase) -> dict[str, Any]:
    plan, fit = case.plan, case.plan.drawn
    return {
        "status": case.status, "heading": facts.heading(plan), "case_name": facts.case_name(plan),
        "cut": facts.cut_text(plan), "scan": facts.scan_text(plan), "research_use": RESEARCH_USE,
        "provenance": case.provenance, "catalogue": f"{plan.catalogue_version} {plan.catalogue_sha256[:16]}",
        "findings": [
            {"level": f.level.value, "code": f.code, "text": facts.finding_text(f)} for f in facts.findings_of(plan)
        ],
        "fit": None if fit is None else _fit_values(case, fit), "chosen": plan.chosen is not None,
        "outlook": _outlook(case), "line_legend": _line_legend(case),
        "neighbour_header": facts.NEIGHBOUR_HEADER,
        "neighbours": [_neighbour(case, f) for f in facts.compared(plan, others=5)],
        "longs": [(panes.long_pane(plan.canal, fit, p, case.volume, case.settings, LONG_SHAPE), 230.0)
                  for p in ("coronal", "sagittal")],
        "sections": [(p, 260.0) for p in _sections(case)],
        "charts": [(p, w) for p, w in _charts(case)],
    }  # fmt: skip


def _fit_values(case: ReportCase, fit: Fit) -> dict[str, Any]:
    return {
        "family": words.family_title(fit.implant), "size": words.size_text(fit.implant),
        "part": fit.implant.part_number, "condition": fit.condition,
        "last": facts.last_reamer(fit), "depth": facts.reaming_depth(fit), "facts": facts.main_facts(case.plan, fit),
        "steps": facts.steps(fit), "first_contact": facts.first_contact(fit), "graft": words.ml(fit.graft_mm3),
        "gap": words.ml(fit.gap_mm3),
        "doubt": outlook.size_words(case.plan.size) if case.plan.size else words.CANNOT_TELL,
        "drawn": outlook.SIZE_NOTE, "zone_header": facts.ZONE_HEADER, "zones": facts.zone_rows(fit),
    }  # fmt: skip


def _outlook(case: ReportCase) -> list[dict[str, Any]]:
    """Return the tables of what lies round the plan, as on page 3 of the PDF; none without a choice."""
    plan = case.plan
    found: list[tuple[str, tuple[str, ...], list[tuple[str, ...]], str]] = []
    if plan.chosen is None:
        return []
    if plan.astray is not None:
        found.append(("If hand, tool and scan are off", outlook.RISK_HEADER, outlook.risk_rows(plan),
                      outlook.drawn_words(plan.astray)))  # fmt: skip
    if outlook.quarter_rows(plan.chosen):
        found.append(
            ("Contact and least wall by quarter", outlook.QUARTER_HEADER, outlook.quarter_rows(plan.chosen), "")
        )
    if plan.graft is not None:
        found.append(
            ("Graft account", outlook.GRAFT_HEADER, outlook.graft_rows(plan.graft), outlook.graft_note(plan.graft))
        )
    return [
        {
            "title": title, "header": header, "note": note,
            "rows": [{"chosen": row[0].endswith(outlook.CHOICE), "cells": [c.removesuffix(outlook.CHOICE) for c in row]}
                     for row in rows],
        }
        for title, header, rows, note in found
    ]  # fmt: skip


def _line_legend(case: ReportCase) -> list[dict[str, str]]:
    """Return the colours of the lines in the charts of what lies round the plan."""
    plan, found = case.plan, []
    if plan.envelope is not None:
        bows = zip(outlook_charts.BOW_ROLES, outlook_charts.bows_of(plan.envelope), strict=False)
        found += [(role, "longest straight stem" if bow is None else f"bow {bow:g} mm") for role, bow in bows]
    if plan.astray is not None:
        found += [("risk", f"wall under {case.limit_mm:g} mm"), ("risk breach", "breach")]
    return [{"colour": style.LOOKS[role].stroke, "text": text} for role, text in found]


def _neighbour(case: ReportCase, fit: Fit) -> dict[str, Any]:
    return {
        "family": words.family_title(fit.implant), "row": facts.neighbour_row(fit), "why": words.why_not(fit),
        "chosen": fit is case.plan.chosen, "warn": not fit.wall_min_mm >= case.limit_mm,
    }  # fmt: skip


def _sections(case: ReportCase) -> list[Pane]:
    canal, fit = case.plan.canal, case.plan.drawn
    levels = facts.section_levels(canal, fit, SECTIONS)
    half = panes.half_width(canal, levels)
    return [section_pane(canal, k, fit, case.volume, case.settings, half) for k in levels]


def _charts(case: ReportCase) -> list[tuple[Pane, float]]:
    plan, fit = case.plan, case.plan.drawn
    wall = charts.reamed_wall_pane(plan, fit) if fit else None
    if wall is None:
        wall = charts.wall_map_pane(plan.canal, plan.canal.wall_radial_mm, case.limit_mm, "Wall of the untouched bone")
    pairs = [(wall, 560.0), (charts.diameter_pane(plan, fit), 300.0)]
    if fit is not None:
        pairs.append((charts.fill_pane(plan, fit), 250.0))
    if plan.envelope is not None:
        pairs.append((outlook_charts.envelope_pane(plan.envelope, plan.chosen), 560.0))
    if plan.astray is not None and plan.size is not None:
        pairs += [(outlook_charts.size_pane(plan.size), 300.0), (outlook_charts.risk_pane(plan.astray), 250.0)]
    return pairs
