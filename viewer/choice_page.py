"""Page 1 of the report: what is proposed, and why."""

from __future__ import annotations

import viewer.contours as contours
import viewer.facts as facts
import viewer.outlook_facts as outlook
import viewer.panes as panes
import viewer.style as style
import viewer.words as words
from sizing.fit.model import Fit
from sizing.planning import ImplantationPlan
from viewer.page_frame import LEFT, LEVEL_COLOUR, RIGHT, WIDTH, ReportCase, frame, identity
from viewer.paint import Sheet, legend, wrap
from viewer.section_pane import section_pane

SCORE_ROOM_MM = 34.0  # free height on page 1 from which the score's parts are shown
SCORE_PARTS = 8


def choice_page(case: ReportCase) -> Sheet:
    """Page 1: what is proposed, and why."""
    sheet, plan, fit = Sheet(), case.plan, case.plan.chosen
    frame(sheet, case, 1, "implantation plan")
    identity(sheet, case, 20.0)
    left_width = 108.0
    y = _choice_box(sheet, case, 33.0, left_width)
    if fit is not None:
        y = _tiles(sheet, case, fit, y + 3.0, left_width)
        y = _reamers(sheet, fit, y + 6.5, left_width)
        y = _zones(sheet, fit, y + 7.5, left_width)
    bottom = 280.0 - _table_height(plan)
    y = _findings(sheet, case, y + 7.5, left_width, bottom - 7.0)
    if fit is not None and bottom - y > SCORE_ROOM_MM:
        _score(sheet, fit, y + 4.0, left_width)
    _pictures(sheet, case, LEFT + left_width + 5.0, 37.0, RIGHT - LEFT - left_width - 5.0, bottom - 7.0)
    _comparison(sheet, plan, bottom)
    return sheet


def _choice_box(sheet: Sheet, case: ReportCase, y: float, width: float) -> float:
    fit = case.plan.chosen
    sheet.box(LEFT, y, width, 23.0 if fit is None else 27.5, fill=style.PALE, radius=1.5)
    if fit is None:
        sheet.text(LEFT + 4, y + 9.5, "No implant of the catalogue fits", 14, bold=True, colour=style.DEEP_WARM)
        near = case.plan.drawn
        drawn = f"The pictures show the nearest, {words.size_text(near.implant)}: it must not be used. " if near else ""
        sheet.paragraph(
            LEFT + 4, y + 15, drawn + "The table below gives the reason for each that came near.", width - 8.0, 8
        )
        return y + 23.0
    sheet.text(LEFT + 4, y + 5.5, words.family_title(fit.implant), 9, colour=style.ACCENT, bold=True)
    sheet.text(LEFT + width - 4, y + 5.5, fit.implant.part_number, 7, colour=style.GREY, align="right")
    sheet.text(LEFT + 4, y + 14.2, words.size_text(fit.implant), 19, bold=True)
    sheet.text(
        LEFT + 4, y + 19.8, f"last tool {facts.last_reamer(fit)}, to {facts.reaming_depth(fit)} above the cut", 8.5
    )
    if case.plan.size is not None:
        text = f"how surely the scan tells it: {outlook.size_words(case.plan.size)}"
        sheet.paragraph(LEFT + 4, y + 24.6, text, width - 8.0, 7.0, colour=style.GREY, max_lines=1)
    return y + 27.5


def _tiles(sheet: Sheet, case: ReportCase, fit: Fit, y: float, width: float) -> float:
    step, height = (width + 2.0) / 4, 16.5
    for i, fact in enumerate(facts.main_facts(case.plan, fit)):
        x, top = LEFT + (i % 4) * step, y + (i // 4) * (height + 2.0)
        sheet.box(
            x,
            top,
            step - 2.0,
            height,
            edge=style.WARM if fact.warn else "#c5ced5",
            width=1.1 if fact.warn else 0.5,
            radius=1.0,
        )
        sheet.text(x + 1.8, top + 3.8, fact.name, 6, colour=style.GREY)
        sheet.text(x + 1.8, top + 8.6, fact.value, 10, bold=True, colour=style.DEEP_WARM if fact.warn else style.INK)
        sheet.paragraph(x + 1.8, top + 11.6, fact.note, step - 5.0, 5.2, colour=style.GREY, max_lines=2)
    return y + 2 * (height + 2.0) - 2.0


def _reamers(sheet: Sheet, fit: Fit, y: float, width: float) -> float:
    sheet.text(LEFT, y, "Reamers in order, mm", 8.5, bold=True)
    rows = facts.steps(fit)
    per_row, chip_h = 10, 6.4
    step = width / per_row
    y += 2.2
    for i, r in enumerate(rows):
        x, top = LEFT + (i % per_row) * step, y + (i // per_row) * (chip_h + 1.2)
        fill = style.ACCENT if r.last else style.YELLOW if r.first_contact else "#ffffff"
        sheet.box(x, top, step - 1.3, chip_h, fill=fill, edge="#9aa7b1", width=0.5, radius=0.9)
        sheet.text(x + (step - 1.3) / 2, top + 4.4, r.diameter, 8, bold=r.last or r.first_contact, align="center",
                   colour="#ffffff" if r.last else style.INK)  # fmt: skip
    y += ((len(rows) - 1) // per_row + 1) * (chip_h + 1.2) + 2.6
    sheet.box(LEFT, y - 2.3, 3.0, 2.6, fill=style.YELLOW, edge="#9aa7b1", width=0.4)
    w = sheet.text(LEFT + 4.2, y, f"first contact expected: {facts.first_contact(fit)}", 7)
    sheet.box(LEFT + w + 9, y - 2.3, 3.0, 2.6, fill=style.ACCENT)
    sheet.text(LEFT + w + 13.2, y, "last", 7)
    return y


_ZONE_COLUMNS = (0.0, 25.0, 49.0, 64.0, 77.0, 93.0)


def _zones(sheet: Sheet, fit: Fit, y: float, width: float) -> float:
    sheet.text(LEFT, y, "Fit along the stem", 8.5, bold=True)
    y += 4.2
    for x, name in zip(_ZONE_COLUMNS, facts.ZONE_HEADER, strict=True):
        sheet.text(LEFT + x, y, name, 6.2, colour=style.GREY)
    sheet.line((LEFT, LEFT + width), (y + 1.1, y + 1.1), "#9aa7b1", 0.5)
    for row in facts.zone_rows(fit):
        y += 4.6
        for x, value in zip(_ZONE_COLUMNS, row, strict=True):
            sheet.text(LEFT + x, y, value, 7.2, bold=x == 0.0)
    return y


def _findings(sheet: Sheet, case: ReportCase, y: float, width: float, bottom: float) -> float:
    found = facts.findings_of(case.plan)
    sheet.text(LEFT, y, "Look at this", 8.5, bold=True)
    y += 4.4
    if not found:
        sheet.text(LEFT, y, "Nothing was found that needs a look.", 7.5)
        return y + 4.0
    for i, finding in enumerate(found):
        text = facts.finding_text(finding)
        lines = min(3, len(wrap(text, width - 5.0, 7.2)))
        if y + (lines - 1) * 3.5 > bottom - (3.5 if i < len(found) - 1 else 0.0):
            sheet.text(LEFT + 4, y, f"and {len(found) - i} more, in report.html and plan.json", 7, colour=style.GREY)
            return y + 4.0
        sheet.box(LEFT, y - 2.1, 1.6, 2.4, fill=LEVEL_COLOUR[finding.level])
        y = sheet.paragraph(LEFT + 4, y, text, width - 5.0, 7.2, max_lines=3) + 0.9
    return y


def _score(sheet: Sheet, fit: Fit, y: float, width: float) -> None:
    """Bars of the score's parts: what spoke for this implant, and what did not."""
    sheet.text(LEFT, y, f"Score {words.number(fit.score.total)} of 100, part by part", 8.5, bold=True)
    bar_x, bar_w = LEFT + 46.0, width - 62.0
    for name, value, weight in fit.score.parts[:SCORE_PARTS]:
        y += 4.5
        sheet.text(LEFT, y, name, 7.2)
        sheet.box(bar_x, y - 2.1, bar_w, 2.4, fill=style.PALE)
        if words.known(value):
            sheet.box(bar_x, y - 2.1, bar_w * min(1.0, max(0.0, value)), 2.4, fill=style.BLUE)
        sheet.text(
            LEFT + width,
            y,
            f"{words.percent(value)} × {words.number(weight, 2)}",
            6.4,
            colour=style.GREY,
            align="right",
        )


def _pictures(sheet: Sheet, case: ReportCase, x: float, y: float, w: float, bottom: float) -> None:
    """Two slices along the stem, and under them two sections: at the least wall and at the tip."""
    plan, fit = case.plan, case.plan.drawn
    gap = 2.0
    each = (w - gap) / 2
    h = bottom - y - each - 13.0
    longs = [panes.long_pane(plan.canal, fit, p, case.volume, case.settings, h / each) for p in ("coronal", "sagittal")]
    h = min(h, each * (longs[0].y_range[1] - longs[0].y_range[0]) / (longs[0].x_range[1] - longs[0].x_range[0]))
    for i, pane in enumerate(longs):
        sheet.pane(pane, x + i * (each + gap), y, each, h)
    y += h + 4.0
    name = "stem" if plan.chosen else "nearest, does not fit"
    items = [(style.YELLOW, "canal"), (style.GREEN, "outer bone")]
    legend(sheet, x, y, [("stem", name), *items] if fit else items, 6.2)
    bowed = fit is not None and fit.implant.bow_radius_mm is not None
    if plan.chosen is not None:
        text = "unrolled along the bow" if bowed else "mm above the cut"
        sheet.text(x + w, y, text, 6.2, colour=style.GREY, align="right")
    levels = _two_levels(plan)
    half = panes.half_width(plan.canal, levels)
    for i, level in enumerate(levels):
        pane = section_pane(plan.canal, level, fit, case.volume, case.settings, half)
        sheet.pane(pane, x + i * (each + gap), y + 6.5, each, each)


def _two_levels(plan: ImplantationPlan) -> list[int]:
    canal, fit = plan.canal, plan.drawn
    depth = canal.axis.depth_mm
    if fit is None:
        wanted = [
            float(depth[0]) + 0.25 * float(depth[-1] - depth[0]),
            float(depth[0]) + 0.75 * float(depth[-1] - depth[0]),
        ]
    else:
        least = fit.wall_min_depth_mm if words.known(fit.wall_min_depth_mm) else float(depth[0])
        wanted = [least, fit.tip_depth_mm - 5.0 if words.known(fit.tip_depth_mm) else float(depth[-1])]
    return [contours.nearest_level(canal, d) for d in wanted]


_COLUMNS = (0.0, 28.0, 46.0, 63.0, 104.0, 119.0, 131.0, 144.0, 158.0)


def _table_height(plan: ImplantationPlan) -> float:
    rows = facts.compared(plan)
    return 9.5 + sum(4.6 + (3.4 if words.why_not(f) else 0.0) for f in rows)


def _comparison(sheet: Sheet, plan: ImplantationPlan, y: float) -> None:
    sheet.text(LEFT, y, "The choice and its neighbours", 8.5, bold=True)
    y += 4.6
    for x, name in zip(_COLUMNS, facts.NEIGHBOUR_HEADER, strict=True):
        sheet.text(LEFT + x + (2.0 if x == 0 else 0.0), y, name, 6.4, colour=style.GREY)
    sheet.line((LEFT, RIGHT), (y + 1.2, y + 1.2), "#9aa7b1", 0.5)
    y += 4.6
    for fit in facts.compared(plan):
        reason, chosen = words.why_not(fit), fit is plan.chosen
        if chosen:
            sheet.box(LEFT, y - 3.3, WIDTH, 4.6, fill="#dcebf4")
        row = facts.neighbour_row(fit)
        for x, value in zip(_COLUMNS, row, strict=True):
            warn = x == _COLUMNS[2] and not fit.wall_min_mm >= plan.settings.wall_limit_mm
            sheet.text(LEFT + x + (2.0 if x == 0 else 0.0), y, value, 7.2, bold=chosen or x == 0 or warn,
                       colour=style.DEEP_WARM if warn else style.INK)  # fmt: skip
        if chosen:
            sheet.text(RIGHT - 2, y, "chosen", 7.2, bold=True, colour=style.ACCENT, align="right")
        y += 4.6 if not reason else 3.3
        if reason:
            family = "" if plan.chosen and fit.implant.family_id == plan.chosen.implant.family_id else (
                words.family_title(fit.implant) + ": ")  # fmt: skip
            sheet.paragraph(
                LEFT + 2.0, y, family + "not chosen: " + reason, WIDTH - 4.0, 6.6, colour=style.GREY, max_lines=1
            )
            y += 4.7
