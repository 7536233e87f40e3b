"""The table of implants that were tried: the choice, its neighbours, and why each other one was not taken."""

from __future__ import annotations

import viewer.facts as facts
import viewer.style as style
import viewer.words as words
from sizing.fit.model import Fit
from sizing.planning import ImplantationPlan
from viewer.lettering import LEAST_POINTS, fitted, paragraph_mm
from viewer.page_frame import LEFT, RIGHT, WIDTH
from viewer.paint import Sheet

TABLE_POINTS = 7.2
_COLUMNS = (2.0, 28.0, 47.0, 64.0, 102.0, 117.0, 129.0, 144.0, 158.0)
_WALL_COLUMN = _COLUMNS[2]
_ROW_MM, _HEAD_MM = 4.6, 9.2
_REASON_LINES = 2


def comparison_mm(plan: ImplantationPlan, fits: tuple[Fit, ...]) -> float:
    """Return the height of the table."""
    return _HEAD_MM + sum(_row_mm(_reason(plan, fit)) for fit in fits)


def _reason(plan: ImplantationPlan, fit: Fit) -> list[str]:
    reason = words.why_not(fit)
    if not reason:
        return []
    same = plan.chosen is not None and fit.implant.family_id == plan.chosen.implant.family_id
    family = "" if same else words.family_title(fit.implant) + ": "
    return fitted(f"{family}not chosen: {reason}", WIDTH - 4.0, LEAST_POINTS, _REASON_LINES)


def _row_mm(reason: list[str]) -> float:
    return _ROW_MM + paragraph_mm(len(reason), LEAST_POINTS) + (0.4 if reason else 0.0)


def comparison(sheet: Sheet, plan: ImplantationPlan, fits: tuple[Fit, ...], y: float, title: str) -> float:
    """Draw the table; returns the baseline below it."""
    sheet.text(LEFT, y, title, 8.5, bold=True)
    y += 4.6
    for x, name in zip(_COLUMNS, facts.NEIGHBOUR_HEADER, strict=True):
        sheet.text(LEFT + x, y, name, LEAST_POINTS, colour=style.GREY)
    sheet.line((LEFT, RIGHT), (y + 1.2, y + 1.2), "#9aa7b1", 0.5)
    y += _HEAD_MM - 4.6
    for fit in fits:
        _row(sheet, plan, fit, y)
        reason = _reason(plan, fit)
        for i, line in enumerate(reason):
            at = y + 3.4 + paragraph_mm(i, LEAST_POINTS)
            sheet.text(LEFT + _COLUMNS[0], at, line, LEAST_POINTS, colour=style.GREY)
        y += _row_mm(reason)
    return y


def _row(sheet: Sheet, plan: ImplantationPlan, fit: Fit, y: float) -> None:
    chosen = fit is plan.chosen
    if chosen:
        sheet.box(LEFT, y - 3.3, WIDTH, _ROW_MM, fill="#dcebf4")
        sheet.text(RIGHT - 2, y, "chosen", TABLE_POINTS, bold=True, colour=style.ACCENT, align="right")
    for x, value in zip(_COLUMNS, facts.neighbour_row(fit), strict=True):
        warn = x == _WALL_COLUMN and not fit.wall_min_mm >= plan.settings.wall_limit_mm
        sheet.text(LEFT + x, y, value, TABLE_POINTS, bold=chosen or x == _COLUMNS[0] or warn,
                   colour=style.DEEP_WARM if warn else style.INK)  # fmt: skip
