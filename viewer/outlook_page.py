"""Page 3 of the report: how sure the size is, what happens if the hand is off, and how long a stem could be."""

from __future__ import annotations

import viewer.facts as facts
import viewer.outlook_charts as charts
import viewer.outlook_facts as outlook
import viewer.style as style
import viewer.words as words
from sizing.planning import ImplantationPlan
from viewer.comparison import comparison, comparison_mm
from viewer.lettering import LEAST_POINTS, paragraph_mm, wrap
from viewer.page_frame import LEFT, RIGHT, WIDTH, ReportCase, frame
from viewer.paint import Sheet, legend

_GAP = 9.0
_ROW_MM = 4.7
_BOTTOM = 281.0
MOST_CHART_MM = 95.0  # higher, and a chart says no more
MOST_TRIED = 14


def outlook_page(case: ReportCase) -> Sheet:
    """Page 3: the size with its doubt, the risk by size, the envelope, quarters and graft."""
    sheet, plan = Sheet(), case.plan
    frame(sheet, case, 3, "how sure, and what if")
    w = sheet.text(LEFT, 19.0, facts.heading(plan), 12, bold=True, colour=style.ACCENT)
    sheet.text(LEFT + w + 4, 19.0, f"{facts.case_name(plan)} · {facts.cut_text(plan)}", 8)
    y = _size_box(sheet, plan, 25.0)
    rows = () if plan.chosen is not None else facts.compared(plan, MOST_TRIED)
    below = comparison_mm(plan, rows) + 10.0 if rows else _tables_mm(plan)
    y = _charts(sheet, plan, y + 9.0, min(MOST_CHART_MM, _BOTTOM - y - below - 20.0))
    if rows:
        comparison(sheet, plan, rows, y + 10.0, "What was tried, and why it does not serve")
    else:
        _tables(sheet, plan, y)
    return sheet


def _tables(sheet: Sheet, plan: ImplantationPlan, y: float) -> None:
    if plan.astray is not None:
        y = _table(sheet, "If hand, tool and scan are off", outlook.RISK_HEADER, outlook.risk_rows(plan), y + 10.0,
                   (0.0, 26.0, 53.0, 84.0, 110.0, 142.0))  # fmt: skip
        note = outlook.drawn_words(plan.astray)
        y = sheet.paragraph(LEFT, y + 4.8, note, WIDTH, LEAST_POINTS, colour=style.GREY) - 3.0
    if plan.chosen is not None and outlook.quarter_rows(plan.chosen):
        y = _table(sheet, "Contact and least wall by quarter", outlook.QUARTER_HEADER,
                   outlook.quarter_rows(plan.chosen), y + 10.0, (0.0, 38.0, 74.0, 110.0, 146.0))  # fmt: skip
    if plan.graft is not None:
        y = _table(sheet, "Graft account", outlook.GRAFT_HEADER, outlook.graft_rows(plan.graft), y + 10.0,
                   (0.0, 44.0, 84.0, 112.0, 146.0))  # fmt: skip
        sheet.paragraph(LEFT, y + 5.0, outlook.graft_note(plan.graft), WIDTH, LEAST_POINTS, colour=style.GREY)


def _tables_mm(plan: ImplantationPlan) -> float:
    """Return the height of all tables and their notes, so that the charts take what is left."""
    height = 0.0
    if plan.astray is not None:
        notes = wrap(outlook.drawn_words(plan.astray), WIDTH, LEAST_POINTS)
        height += _table_mm(len(outlook.risk_rows(plan))) + 1.8 + paragraph_mm(len(notes), LEAST_POINTS)
    if plan.chosen is not None and outlook.quarter_rows(plan.chosen):
        height += _table_mm(len(outlook.quarter_rows(plan.chosen)))
    if plan.graft is not None:
        height += _table_mm(1) + 5.0 + 2 * paragraph_mm(1, LEAST_POINTS)
    return height


def _table_mm(rows: int) -> float:
    return 10.0 + 4.6 + rows * _ROW_MM


def _size_box(sheet: Sheet, plan: ImplantationPlan, y: float) -> float:
    sheet.box(LEFT, y, WIDTH, 23.0, fill=style.PALE, radius=1.5)
    size = plan.size
    if size is None:
        sheet.text(LEFT + 4, y + 9.0, "No implant of the catalogue fits: nothing to vary", 13, bold=True,
                   colour=style.DEEP_WARM)  # fmt: skip
        text = "The chart shows how long a stem of each diameter could be if it were made."
        sheet.text(LEFT + 4, y + 16.0, text, 8)
        return y + 23.0
    sheet.text(LEFT + 4, y + 5.5, "The size with its doubt (last tool)", 9, bold=True, colour=style.ACCENT)
    sheet.paragraph(LEFT + 4, y + 12.6, outlook.size_words(size), WIDTH - 8.0, 13, bold=True, max_lines=1)
    sheet.paragraph(LEFT + 4, y + 17.6, outlook.SIZE_NOTE, WIDTH - 8.0, LEAST_POINTS, colour=style.GREY, max_lines=2)
    return y + 23.0


def _charts(sheet: Sheet, plan: ImplantationPlan, y: float, height: float) -> float:
    """The envelope over half the width; size and risk side by side where something was drawn."""
    left = LEFT + 8.0
    wide = WIDTH / 2 - 8.0 if plan.astray is not None else WIDTH - 8.0
    if plan.envelope is not None:
        sheet.pane(charts.envelope_pane(plan.envelope, plan.chosen), left, y, wide, height)
        items = [
            (role, "straight" if bow is None else f"bow {bow:g}")
            for role, bow in zip(charts.BOW_ROLES, charts.bows_of(plan.envelope), strict=False)
        ]
        legend(sheet, left, y + height + 9.0, items, LEAST_POINTS)
    else:
        sheet.text(left, y + 8.0, f"Longest stem: {words.CANNOT_TELL}", 8)
    if plan.astray is not None and plan.size is not None:
        x = LEFT + WIDTH / 2 + _GAP
        each = (RIGHT - x - _GAP) / 2
        sheet.pane(charts.size_pane(plan.size), x, y, each, height)
        sheet.pane(charts.risk_pane(plan.astray), x + each + _GAP, y, each, height, y_axis=False)
        items = [("risk", f"under {plan.astray.settings.wall_limit_mm:g} mm"), ("risk breach", "breach")]
        legend(sheet, x + each + _GAP, y + height + 9.0, items, LEAST_POINTS)
    return y + height + 9.0


def _table(
    sheet: Sheet, title: str, header: tuple[str, ...], rows: list[tuple[str, ...]], y: float, columns: tuple[float, ...]
) -> float:
    """A table whose first row is drawn bold where its first cell carries the mark of the choice."""
    sheet.text(LEFT, y, title, 8.5, bold=True)
    y += 4.6
    for x, name in zip(columns, header, strict=True):
        sheet.text(LEFT + x, y, name, LEAST_POINTS, colour=style.GREY)
    sheet.line((LEFT, RIGHT), (y + 1.2, y + 1.2), "#9aa7b1", 0.5)
    for row in rows:
        y += _ROW_MM
        chosen = row[0].endswith(outlook.CHOICE)
        if chosen:
            sheet.box(LEFT, y - 3.4, WIDTH, _ROW_MM, fill="#dcebf4")
        for x, value in zip(columns, row, strict=True):
            sheet.text(LEFT + x, y, value.removesuffix(outlook.CHOICE), 7.2, bold=chosen or x == 0.0)
    return y
