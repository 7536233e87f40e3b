"""The operating-room card: one page whose essentials can be read at two metres.

An eye of normal sharpness needs letters of 3 mm for that, capitals of 11.5 points; what the hand acts on is larger.
"""

from __future__ import annotations

import viewer.facts as facts
import viewer.panes as panes
import viewer.style as style
import viewer.words as words
from sizing.findings import Level
from sizing.fit.model import Fit
from viewer.contours import nearest_level, passes_of
from viewer.lettering import MM_PER_POINT, text_width_mm
from viewer.page_frame import LEFT, LEVEL_COLOUR, RIGHT, WIDTH, ReportCase, frame
from viewer.paint import Sheet
from viewer.section_pane import section_pane

LAST_ROWS = 26  # reamers on the card; a longer run shows its end, and says so
READ_FROM_AFAR = 12.0  # points
MOST_WATCHED = 4
_TABLE_MM = 112.0
_TOP, _BOTTOM = 92.0, 268.0
_CONDITION_MM = 7.5  # what must be true before this implant may be chosen stands above the tools


def operating_card(case: ReportCase) -> Sheet:
    """Page 4: side, cut, reamers with depth marks, implant, back-ups, graft, what to watch."""
    sheet, plan, fit = Sheet(), case.plan, case.plan.chosen
    _watermark(sheet, case.status)
    frame(sheet, case, 4, "operating-room card")
    side = plan.canal.side.value.upper() if plan.canal.side else "SIDE UNKNOWN"
    sheet.box(LEFT, 14.0, WIDTH, 24.0, fill=style.ACCENT, radius=1.5)
    w = sheet.text(LEFT + 5, 32.0, side, 48, bold=True, colour="#ffffff")
    bone = plan.canal.bone.value if plan.canal.bone else "bone unknown"
    sheet.text(LEFT + w + 11, 25.0, bone.upper(), 22, bold=True, colour="#ffffff")
    sheet.text(LEFT + w + 11, 33.5, facts.case_name(plan), 14, colour="#ffffff")
    _cut(sheet, case, 46.5)
    if fit is None:
        _nothing_fits(sheet, case, 62.0)
        return sheet
    _implant(sheet, case, fit, 50.5)
    top = _TOP + (_CONDITION_MM if fit.condition else 0.0)
    _reamer_table(sheet, fit, top)
    _watch(sheet, case, fit, top)
    _sign_off(sheet)
    return sheet


def _watermark(sheet: Sheet, status: str) -> None:
    text = "NOT APPROVED" if status == "DRAFT" else "RESEARCH USE"
    sheet.figure.text(0.5, 0.42, text, fontsize=72, color="#f6eee7", ha="center", va="center", rotation=52,
                      fontweight="bold", zorder=-5)  # fmt: skip


def _cut(sheet: Sheet, case: ReportCase, y: float) -> None:
    w = sheet.text(LEFT, y, "Cut", 10, bold=True, colour=style.GREY)
    text = facts.cut_text(case.plan) + "; face square to the axis"
    room = WIDTH - w - 4.0
    size = READ_FROM_AFAR + 1.0
    while text_width_mm(text, size, True) > room:
        size -= 0.5
    sheet.text(LEFT + w + 4.0, y, text, size, bold=True)


def _nothing_fits(sheet: Sheet, case: ReportCase, y: float) -> None:
    """No card, but why: what the nearest would do, and all that needs a look."""
    sheet.text(LEFT, y, "No implant of the catalogue fits: no card.", 20, bold=True, colour=style.DEEP_WARM)
    y = sheet.paragraph(LEFT, y + 10.0, "Do not ream from this plan. What was found:", WIDTH, 14, bold=True) + 4.0
    for finding in facts.findings_of(case.plan):
        if finding.level is Level.INFO or y > _BOTTOM - 24.0:
            continue
        sheet.box(LEFT, y - 3.4, 2.4, 4.0, fill=LEVEL_COLOUR[finding.level])
        text = facts.finding_text(finding)
        y = sheet.paragraph(LEFT + 6, y, text, WIDTH - 6, READ_FROM_AFAR + 2.0, max_lines=6) + 5.0


def _implant(sheet: Sheet, case: ReportCase, fit: Fit, y: float) -> None:
    sheet.box(LEFT, y, WIDTH, 35.0, edge=style.ACCENT, width=1.2, radius=1.5)
    sheet.text(LEFT + 4, y + 6.0, "Implant", 10, bold=True, colour=style.GREY)
    sheet.text(LEFT + 4, y + 16.5, words.size_text(fit.implant), 21, bold=True)
    sheet.text(LEFT + 4, y + 24.0, words.family_title(fit.implant), READ_FROM_AFAR)
    sheet.text(LEFT + 4, y + 30.0, fit.implant.part_number, 10, colour=style.GREY)
    if fit.condition:
        text = f"{fit.condition[:1].upper()}{fit.condition[1:]}."
        sheet.text(LEFT, y + 41.5, text, READ_FROM_AFAR + 1.0, bold=True, colour=style.DEEP_WARM)
    x = LEFT + 75
    sheet.text(x, y + 6.0, "Final tool", 10, bold=True, colour=style.GREY)
    w = sheet.text(x, y + 16.5, words.diameter(_last_mm(fit)), 21, bold=True)
    sheet.text(x + w + 1.5, y + 16.5, "mm", READ_FROM_AFAR, bold=True)
    sheet.text(x, y + 24.0, facts.last_reamer(fit).split(" mm ", 1)[-1], READ_FROM_AFAR)
    sheet.text(x, y + 30.0, f"to {facts.reaming_depth(fit)}", READ_FROM_AFAR, bold=True)
    x = LEFT + _TABLE_MM
    sheet.text(x, y + 6.0, "Have ready too", 10, bold=True, colour=style.GREY)
    for i, other in enumerate(_backups(case)):
        at = y + 12.0 + i * 12.6
        sheet.text(x, at, words.size_text(other.implant), 14, bold=True)
        sheet.paragraph(x, at + 3.7, _backup_words(other), RIGHT - x - 2, 7.5, max_lines=2,
                        colour=style.DEEP_WARM if other.rejected else style.GREY)  # fmt: skip


def _backup_words(other: Fit) -> str:
    """Say what speaks against a back-up: a stem that the rules refuse must not look like a free choice."""
    reason = words.why_not(other) or "next size"
    return f"refused by the plan: {reason}" if other.rejected else reason


def _last_mm(fit: Fit) -> float:
    passes = passes_of(fit)
    return passes[-1].reamer.diameter_mm if passes else fit.implant.last_reamer_mm


def _backups(case: ReportCase) -> list[Fit]:
    """The two neighbours in size; where the catalogue has fewer, the next best of the ranking."""
    plan = case.plan
    shown = {f.implant.part_number for f in (*plan.neighbours, *([plan.chosen] if plan.chosen else []))}
    others = [*plan.neighbours, *(f for f in plan.fits if f.implant.part_number not in shown)]
    return others[:2]


def _reamer_table(sheet: Sheet, fit: Fit, y: float) -> None:
    rows = facts.steps(fit)
    shown = rows[-LAST_ROWS:]
    columns = (2.0, 26.0, 50.0, 72.0)
    left_out = f", the last {len(shown)} of {len(rows)}" if len(rows) > len(shown) else ""
    sheet.text(LEFT, y, "Reamers in order" + left_out, 13, bold=True)
    y += 6.0
    for x, name in zip(columns, ("mm", "depth mark", "wall left", ""), strict=True):
        sheet.text(LEFT + x, y, name, 8, colour=style.GREY)
    y += 1.6
    row_height = min(19.0, (_BOTTOM - y) / max(1, len(shown)))
    large = min(22.0, 0.62 * row_height / MM_PER_POINT)
    for r in shown:
        fill = "#dcebf4" if r.last else "#fbf6bd" if r.first_contact else None
        if fill:
            sheet.box(LEFT, y, _TABLE_MM - 8.0, row_height, fill=fill)
        base = y + row_height / 2 + 0.36 * large * MM_PER_POINT
        for x, value in zip(columns, (r.diameter, r.depth, r.wall_min), strict=False):
            size = large if x == columns[0] else min(large, 14.0)
            sheet.text(LEFT + x, base, value, size, bold=x == columns[0])
        note = "FINAL" if r.last else "first contact" if r.first_contact else ""
        sheet.text(LEFT + columns[3], base, note, min(large, READ_FROM_AFAR), bold=True, colour=style.ACCENT)
        sheet.line((LEFT, LEFT + _TABLE_MM - 8.0), (y + row_height, y + row_height), "#cfd6db", 0.3)
        y += row_height


def _watch(sheet: Sheet, case: ReportCase, fit: Fit, y: float) -> None:
    x, width = LEFT + _TABLE_MM, WIDTH - _TABLE_MM
    sheet.text(x, y, "Expect", 13, bold=True)
    y += 6.0
    wall = words.place(fit.wall_min_depth_mm, fit.wall_min_direction)
    for name, value in (
        ("first contact", facts.first_contact(fit)),
        ("least wall left", f"{words.wall(fit.wall_min_mm)}, {wall}"),
        ("solid graft; gap to fill", f"{words.ml(fit.graft_mm3)}; {words.ml(fit.gap_mm3)}"),
        ("stem minus last tool, diametral", facts.nominal_fit(fit)),
    ):
        sheet.text(x, y, name, 8, colour=style.GREY)
        y = sheet.paragraph(x, y + 5.2, value, width, READ_FROM_AFAR, bold=True) + 1.4
    y += 3.0
    sheet.text(x, y, "Watch", 13, bold=True)
    y = _findings(sheet, case, x, y + 6.5, width)
    size = min(width, _BOTTOM - y - 2.0)
    if size > 30.0 and words.known(fit.wall_min_depth_mm):
        level = nearest_level(case.plan.canal, fit.wall_min_depth_mm)
        pane = section_pane(
            case.plan.canal, level, fit, case.volume, case.settings, panes.half_width(case.plan.canal, [level])
        )
        sheet.pane(pane, x, y + 2.0, width, size)


def _findings(sheet: Sheet, case: ReportCase, x: float, y: float, width: float) -> float:
    found = [f for f in facts.findings_of(case.plan) if f.level is not Level.INFO]
    if not found:
        return sheet.paragraph(x, y, "Nothing beyond the usual care.", width, READ_FROM_AFAR) + 2.0
    for finding in found[:MOST_WATCHED]:
        sheet.box(x, y - 3.0, 2.0, 3.6, fill=LEVEL_COLOUR[finding.level])
        y = sheet.paragraph(x + 4, y, facts.finding_text(finding), width - 4, 10.5, max_lines=6) + 2.0
    if len(found) > MOST_WATCHED:
        sheet.text(x + 4, y, f"and {len(found) - MOST_WATCHED} more: page 1", 9, colour=style.GREY)
        y += 5.0
    return y


def _sign_off(sheet: Sheet) -> None:
    y = 277.0
    for x, w, name in ((LEFT, 60.0, "reviewed by"), (LEFT + 70, 38.0, "date"), (LEFT + 115, 71.0, "signature")):
        sheet.line((x, x + w), (y, y), style.INK, 0.5)
        sheet.text(x, y + 3.6, name, 8, colour=style.GREY)
