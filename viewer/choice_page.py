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
from viewer.comparison import comparison, comparison_mm
from viewer.lettering import LEAST_POINTS, fitted, paragraph_mm, text_width_mm
from viewer.page_frame import LEFT, LEVEL_COLOUR, RIGHT, ReportCase, frame, identity
from viewer.paint import Sheet, legend
from viewer.pane import Pane
from viewer.section_pane import section_pane

SCORE_ROOM_MM = 34.0  # free height on page 1 from which the score's parts are shown
SCORE_PARTS = 8
MOST_LINES = (8, 4, 3)  # of a finding: the first number with which all of them have room
_LEFT_MM, _GAP_MM = 108.0, 5.0
_TILE_MM, _TILE_GAP_MM = 17.5, 1.6
_CHIP_MM, _CHIPS = 6.4, 10
_ZONE_ROW_MM = 4.6


def choice_page(case: ReportCase) -> Sheet:
    """Page 1: what is proposed, and why; what needs a look stands before how it is done."""
    sheet, plan, fit = Sheet(), case.plan, case.plan.chosen
    frame(sheet, case, 1, "implantation plan")
    identity(sheet, case, 20.0)
    y = _choice_box(sheet, case, 33.0, _LEFT_MM)
    if plan.drawn is not None:
        y = _tiles(sheet, case, plan.drawn, y + 3.0, _LEFT_MM)
    rows = facts.compared(plan, 3 if fit is not None else 5)
    bottom = 281.0 - comparison_mm(plan, rows)
    below = 0.0 if plan.drawn is None else _zones_mm(plan.drawn) + (_reamers_mm(fit) if fit else 0.0)
    y = _findings(sheet, case, y + 6.5, _LEFT_MM, bottom - 8.0 - below)
    if fit is not None:
        y = _reamers(sheet, fit, y + 4.0, _LEFT_MM)
    if plan.drawn is not None:
        y = _zones(sheet, plan.drawn, y + 6.5, _LEFT_MM)
    if fit is not None and bottom - y > SCORE_ROOM_MM:
        _score(sheet, fit, y + 8.0, _LEFT_MM, min(SCORE_PARTS, int((bottom - y - 16.0) / _SCORE_ROW_MM)))
    x = LEFT + _LEFT_MM + _GAP_MM
    _pictures(sheet, case, x, 37.0, RIGHT - x, bottom - 6.0)
    comparison(sheet, plan, rows, bottom, "The choice and its neighbours" if fit else "What came near, and why not")
    return sheet


def _choice_box(sheet: Sheet, case: ReportCase, y: float, width: float) -> float:
    fit = case.plan.chosen
    sheet.box(LEFT, y, width, 23.0 if fit is None else 27.5, fill=style.PALE, radius=1.5)
    if fit is None:
        sheet.text(LEFT + 4, y + 9.5, "No implant of the catalogue fits", 14, bold=True, colour=style.DEEP_WARM)
        near = case.plan.drawn
        text = f"Shown here is the nearest, {words.size_text(near.implant)}: it must not be used. " if near else ""
        text += "The table below gives the reason for each that came near."
        sheet.paragraph(LEFT + 4, y + 15, text, width - 8.0, 8)
        return y + 23.0
    sheet.text(LEFT + 4, y + 5.5, words.family_title(fit.implant), 9, colour=style.ACCENT, bold=True)
    sheet.text(LEFT + width - 4, y + 5.5, fit.implant.part_number, 7, colour=style.GREY, align="right")
    sheet.text(LEFT + 4, y + 14.2, words.size_text(fit.implant), 19, bold=True)
    sheet.text(
        LEFT + 4, y + 19.8, f"last tool {facts.last_reamer(fit)}, to {facts.reaming_depth(fit)} above the cut", 8.5
    )
    if fit.condition:
        sheet.paragraph(LEFT + 4, y + 24.6, fit.condition, width - 8.0, 7.5, colour=style.DEEP_WARM, max_lines=1)
    elif case.plan.size is not None:
        text = f"how surely the scan tells it: {outlook.size_words(case.plan.size)}"
        sheet.paragraph(LEFT + 4, y + 24.6, text, width - 8.0, 7.0, colour=style.GREY, max_lines=1)
    return y + 27.5


def _tiles(sheet: Sheet, case: ReportCase, fit: Fit, y: float, width: float) -> float:
    step, gap = (width + _TILE_GAP_MM) / 4, _TILE_GAP_MM
    for i, fact in enumerate(facts.main_facts(case.plan, fit)):
        x, top = LEFT + (i % 4) * step, y + (i // 4) * (_TILE_MM + gap)
        edge = style.WARM if fact.warn else "#c5ced5"
        sheet.box(x, top, step - gap, _TILE_MM, edge=edge, width=1.1 if fact.warn else 0.5, radius=1.0)
        sheet.text(x + 1.4, top + 3.8, fact.name, LEAST_POINTS, colour=style.GREY)
        sheet.text(x + 1.4, top + 8.8, fact.value, 10, bold=True, colour=style.DEEP_WARM if fact.warn else style.INK)
        note = fact.note.replace(" above the cut", "")
        sheet.paragraph(x + 1.4, top + 12.2, note, step - gap - 2.4, LEAST_POINTS, colour=style.GREY, max_lines=2)
    return y + 2 * (_TILE_MM + gap) - gap


def _reamers_mm(fit: Fit) -> float:
    return 9.0 + _chip_rows(fit) * (_CHIP_MM + 1.2)


def _chip_rows(fit: Fit) -> int:
    return (len(facts.steps(fit)) - 1) // _CHIPS + 1


def _reamers(sheet: Sheet, fit: Fit, y: float, width: float) -> float:
    sheet.text(LEFT, y, "Reamers in order, mm", 8.5, bold=True)
    step = width / _CHIPS
    y += 2.2
    for i, r in enumerate(facts.steps(fit)):
        x, top = LEFT + (i % _CHIPS) * step, y + (i // _CHIPS) * (_CHIP_MM + 1.2)
        fill = style.ACCENT if r.last else style.YELLOW if r.first_contact else "#ffffff"
        sheet.box(x, top, step - 1.3, _CHIP_MM, fill=fill, edge="#9aa7b1", width=0.5, radius=0.9)
        sheet.text(x + (step - 1.3) / 2, top + 4.4, r.diameter, 8, bold=r.last or r.first_contact, align="center",
                   colour="#ffffff" if r.last else style.INK)  # fmt: skip
    y += _chip_rows(fit) * (_CHIP_MM + 1.2) + 2.6
    sheet.box(LEFT, y - 2.3, 3.0, 2.6, fill=style.YELLOW, edge="#9aa7b1", width=0.4)
    w = sheet.text(LEFT + 4.2, y, f"first contact expected: {facts.first_contact(fit)}", LEAST_POINTS)
    sheet.box(LEFT + w + 9, y - 2.3, 3.0, 2.6, fill=style.ACCENT)
    sheet.text(LEFT + w + 13.2, y, "last", LEAST_POINTS)
    return y


_ZONE_COLUMNS = (0.0, 24.5, 47.8, 63.0, 78.2, 93.2)  # "cannot tell" has room in each


def _zones_mm(fit: Fit) -> float:
    return 11.0 + _ZONE_ROW_MM * len(facts.zone_rows(fit))


def _zones(sheet: Sheet, fit: Fit, y: float, width: float) -> float:
    sheet.text(LEFT, y, "Fit along the stem", 8.5, bold=True)
    y += 4.2
    for x, name in zip(_ZONE_COLUMNS, facts.ZONE_HEADER, strict=True):
        sheet.text(LEFT + x, y, name, LEAST_POINTS, colour=style.GREY)
    sheet.line((LEFT, LEFT + width), (y + 1.1, y + 1.1), "#9aa7b1", 0.5)
    for row in facts.zone_rows(fit):
        y += _ZONE_ROW_MM
        for x, value in zip(_ZONE_COLUMNS, row, strict=True):
            sheet.text(LEFT + x, y, value, LEAST_POINTS, bold=x == 0.0)
    return y


def _findings(sheet: Sheet, case: ReportCase, y: float, width: float, bottom: float) -> float:
    found = facts.findings_of(case.plan)
    sheet.text(LEFT, y, "Look at this", 8.5, bold=True)
    y += 4.4
    if not found:
        sheet.text(LEFT, y, "Nothing was found that needs a look.", 7.5)
        return y + 4.0
    texts = [facts.finding_text(f) for f in found]
    most = next((n for n in MOST_LINES if y + _findings_mm(texts, width, n) <= bottom), MOST_LINES[-1])
    for i, (finding, text) in enumerate(zip(found, texts, strict=True)):
        rest = 0.0 if i == len(found) - 1 else 4.0  # room for the line that says how many are left out
        if y - 3.0 + _findings_mm([text], width, most) > bottom - rest:
            sheet.text(LEFT + 4, y, f"and {len(found) - i} more, in report.html and plan.json", 7.2, colour=style.GREY)
            return y + 4.0
        sheet.box(LEFT, y - 2.1, 1.6, 2.4, fill=LEVEL_COLOUR[finding.level])
        y = sheet.paragraph(LEFT + 4, y, text, width - 5.0, 7.2, max_lines=most) + 0.9
    return y


def _findings_mm(texts: list[str], width: float, most: int) -> float:
    return sum(paragraph_mm(len(fitted(t, width - 5.0, 7.2, most)), 7.2) + 0.9 for t in texts)


_SCORE_ROW_MM = 4.5


def _score(sheet: Sheet, fit: Fit, y: float, width: float, parts: int) -> None:
    """Bars of the score's parts: what spoke for this implant, and what did not."""
    sheet.text(LEFT, y, f"Score {words.number(fit.score.total)} of 100, part by part", 8.5, bold=True)
    bar_x, bar_w = LEFT + 46.0, width - 66.0
    for name, value, weight in fit.score.parts[:parts]:
        y += _SCORE_ROW_MM
        sheet.text(LEFT, y, name, 7.2)
        sheet.box(bar_x, y - 2.1, bar_w, 2.4, fill=style.PALE)
        if words.known(value):
            sheet.box(bar_x, y - 2.1, bar_w * min(1.0, max(0.0, value)), 2.4, fill=style.BLUE)
        share = f"{words.percent(value)} × {words.number(weight, 2)}"
        sheet.text(LEFT + width, y, share, LEAST_POINTS, colour=style.GREY, align="right")


def _pictures(sheet: Sheet, case: ReportCase, x: float, y: float, w: float, bottom: float) -> None:
    """Two slices along the stem, and under them sections: two, or four if there is room."""
    plan, fit = case.plan, case.plan.drawn
    gap, under = 2.0, 6.5
    each = (w - gap) / 2
    shape = _shape(panes.long_pane(plan.canal, fit, "coronal", None, case.settings))
    rows = 2 if bottom - y - 2 * (each + under) - 4.0 >= each * shape else 1
    h = bottom - y - rows * (each + under) - 4.0
    longs = [panes.long_pane(plan.canal, fit, p, case.volume, case.settings, h / each) for p in ("coronal", "sagittal")]
    h = min(h, each * _shape(longs[0]))
    for i, pane in enumerate(longs):
        sheet.pane(pane, x + i * (each + gap), y, each, h)
    y += h + 4.0
    name = "stem" if plan.chosen else "nearest, does not fit"
    items = [(style.YELLOW, "canal"), (style.GREEN, "outer bone")]
    end = legend(sheet, x, y, [("stem", name), *items] if fit else items)
    text = "unrolled" if fit is not None and fit.implant.bow_radius_mm is not None else ""
    if end + text_width_mm(text, LEAST_POINTS) < x + w:
        sheet.text(x + w, y, text, LEAST_POINTS, colour=style.GREY, align="right")
    levels = _levels(plan, 2 * rows)
    half = panes.half_width(plan.canal, levels)
    for i, level in enumerate(levels):
        pane = section_pane(plan.canal, level, fit, case.volume, case.settings, half)
        sheet.pane(pane, x + i % 2 * (each + gap), y + under + i // 2 * (each + under), each, each)


def _shape(pane: Pane) -> float:
    return (pane.y_range[1] - pane.y_range[0]) / (pane.x_range[1] - pane.x_range[0])


def _levels(plan: ImplantationPlan, n: int) -> list[int]:
    """Return the levels of n sections; of two, the least wall and the tip."""
    canal, fit = plan.canal, plan.drawn
    if n > 2 or fit is None or not (words.known(fit.wall_min_depth_mm) and words.known(fit.tip_depth_mm)):
        return facts.section_levels(canal, fit, n)
    return [contours.nearest_level(canal, d) for d in (fit.wall_min_depth_mm, fit.tip_depth_mm - 5.0)]
