"""The operating-room card: one page that can be read at arm's length."""

from __future__ import annotations

import viewer.facts as facts
import viewer.panes as panes
import viewer.style as style
import viewer.words as words
from sizing.findings import Level
from sizing.fit.model import Fit
from viewer.contours import nearest_level, passes_of
from viewer.page_frame import LEFT, RIGHT, WIDTH, ReportCase, frame
from viewer.paint import Sheet
from viewer.section_pane import section_pane

LAST_ROWS = 26  # reamers on the card; a longer run shows its end, and says so


def operating_card(case: ReportCase) -> Sheet:
    """Page 4: side, cut, reamers with depth marks, implant, back-ups, graft, what to watch."""
    sheet, plan, fit = Sheet(), case.plan, case.plan.chosen
    _watermark(sheet, case.status)
    frame(sheet, case, 4, "operating-room card")
    side = plan.canal.side.value.upper() if plan.canal.side else "SIDE UNKNOWN"
    sheet.box(LEFT, 15.0, WIDTH, 25.0, fill=style.ACCENT, radius=1.5)
    w = sheet.text(LEFT + 5, 33.0, side, 44, bold=True, colour="#ffffff")
    bone = plan.canal.bone.value if plan.canal.bone else "bone unknown"
    sheet.text(LEFT + w + 11, 26.0, bone, 20, bold=True, colour="#ffffff")
    sheet.text(LEFT + w + 11, 35.0, facts.case_name(plan), 13, colour="#ffffff")
    sheet.text(LEFT, 48.5, "Cut", 9, bold=True, colour=style.GREY)
    sheet.text(LEFT + 11, 48.5, facts.cut_text(plan) + "; face square to the axis", 10, bold=True)
    if fit is None:
        sheet.text(LEFT, 62.0, "No implant of the catalogue fits: no card.", 14, bold=True, colour=style.DEEP_WARM)
        return sheet
    _implant(sheet, case, fit, 53.0)
    _reamer_table(sheet, fit, 92.0)
    _watch(sheet, case, fit, 92.0)
    _sign_off(sheet)
    return sheet


def _watermark(sheet: Sheet, status: str) -> None:
    text = "NOT APPROVED" if status == "DRAFT" else "RESEARCH USE"
    sheet.figure.text(0.5, 0.42, text, fontsize=72, color="#f6eee7", ha="center", va="center", rotation=52,
                      fontweight="bold", zorder=-5)  # fmt: skip


def _implant(sheet: Sheet, case: ReportCase, fit: Fit, y: float) -> None:
    sheet.box(LEFT, y, WIDTH, 32.0, edge=style.ACCENT, width=1.2, radius=1.5)
    sheet.text(LEFT + 4, y + 6.5, "Implant", 9, bold=True, colour=style.GREY)
    sheet.text(LEFT + 4, y + 16.5, words.size_text(fit.implant), 21, bold=True)
    sheet.text(LEFT + 4, y + 23.0, words.family_title(fit.implant), 10)
    sheet.text(LEFT + 4, y + 28.5, fit.implant.part_number, 8, colour=style.GREY)
    x = LEFT + 80
    sheet.text(x, y + 6.5, "Final tool", 9, bold=True, colour=style.GREY)
    sheet.text(x, y + 16.5, words.diameter(_last_mm(fit)), 21, bold=True)
    sheet.text(x, y + 23.0, facts.last_reamer(fit).split(" mm ", 1)[-1] + ", mm", 10)
    sheet.text(x, y + 28.5, f"to {facts.reaming_depth(fit)} above the cut", 8, colour=style.GREY)
    x = LEFT + 122
    sheet.text(x, y + 6.5, "Have ready too", 9, bold=True, colour=style.GREY)
    for i, other in enumerate(_backups(case)):
        sheet.text(x, y + 13.5 + i * 9.5, words.size_text(other.implant), 12, bold=True)
        reason = words.why_not(other) or "next size"
        sheet.paragraph(x, y + 17.2 + i * 9.5, reason, RIGHT - x - 3, 6.2, colour=style.GREY, max_lines=1)


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
    columns = (4.0, 20.0, 40.0, 58.0, 78.0)
    sheet.text(LEFT, y, "Reamers in order", 11, bold=True)
    y += 6.0
    for x, name in zip(columns, ("mm", "depth mark", "wall left", "new bone", ""), strict=True):
        sheet.text(LEFT + x, y, name, 7, colour=style.GREY)
    shown = rows[-LAST_ROWS:]
    if len(rows) > len(shown):
        sheet.text(LEFT + columns[-1], y, f"first {len(rows) - len(shown)} in plan.json", 6.5, colour=style.GREY)
    row_height = min(11.5, 165.0 / max(1, len(shown)))
    y += 1.6
    for r in shown:
        fill = "#dcebf4" if r.last else "#fbf6bd" if r.first_contact else None
        if fill:
            sheet.box(LEFT, y, 104.0, row_height, fill=fill)
        base = y + row_height / 2 + 1.5
        for x, value in zip(columns, (r.diameter, r.depth, r.wall_min, r.harvest), strict=False):
            sheet.text(LEFT + x, base, value, 11 if x == columns[0] else 9, bold=x == columns[0])
        note = "FINAL" if r.last else "first contact" if r.first_contact else ""
        sheet.text(LEFT + columns[4], base, note, 8.5, bold=True, colour=style.ACCENT)
        sheet.line((LEFT, LEFT + 104.0), (y + row_height, y + row_height), "#cfd6db", 0.3)
        y += row_height


def _watch(sheet: Sheet, case: ReportCase, fit: Fit, y: float) -> None:
    x, width = LEFT + 112.0, WIDTH - 112.0
    sheet.text(x, y, "Expect", 11, bold=True)
    y += 6.5
    for name, value in (
        ("first contact", facts.first_contact(fit)),
        (
            "least wall left",
            f"{words.wall(fit.wall_min_mm)}, {words.place(fit.wall_min_depth_mm, fit.wall_min_direction)}",
        ),
        ("solid graft", f"{words.ml(fit.graft_mm3)} of cortical bone; gap to fill {words.ml(fit.gap_mm3)}"),
        ("nominal fit", facts.nominal_fit(fit)),
    ):
        sheet.text(x, y, name, 7, colour=style.GREY)
        y = sheet.paragraph(x, y + 4.2, value, width, 9, bold=True) + 2.2
    y += 2.0
    sheet.text(x, y, "Watch", 11, bold=True)
    y += 6.0
    found = [f for f in facts.findings_of(case.plan) if f.level is not Level.INFO]
    if not found:
        y = sheet.paragraph(x, y, "Nothing beyond the usual care.", width, 8.5) + 2.0
    for finding in found[:5]:
        sheet.box(x, y - 2.4, 1.8, 2.8, fill=style.DEEP_WARM if finding.level is Level.CRITICAL else style.WARM)
        y = sheet.paragraph(x + 4, y, facts.finding_text(finding), width - 4, 8, max_lines=4) + 1.6
    size = min(width, 264.0 - y - 6)
    if size > 30.0 and words.known(fit.wall_min_depth_mm):
        level = nearest_level(case.plan.canal, fit.wall_min_depth_mm)
        pane = section_pane(
            case.plan.canal, level, fit, case.volume, case.settings, panes.half_width(case.plan.canal, [level])
        )
        sheet.pane(pane, x, y + 6.0, width, size)


def _sign_off(sheet: Sheet) -> None:
    y = 273.0
    for x, name in ((LEFT, "reviewed by"), (LEFT + 70, "date"), (LEFT + 115, "signature")):
        sheet.line((x, x + (60 if x == LEFT else 38 if x == LEFT + 70 else 71)), (y, y), style.INK, 0.5)
        sheet.text(x, y + 3.4, name, 6.5, colour=style.GREY)
