"""Page 2 of the report: sections, the wall laid out flat, and the canal's width against the stem."""

from __future__ import annotations

import viewer.charts as charts
import viewer.facts as facts
import viewer.panes as panes
import viewer.style as style
from sizing.fit.model import Fit
from viewer.lettering import LEAST_POINTS, text_width_mm
from viewer.page_frame import LEFT, RIGHT, WIDTH, ReportCase, frame
from viewer.paint import Sheet, band_bar, legend
from viewer.section_pane import section_pane


def measurement_page(case: ReportCase) -> Sheet:
    """Page 2: sections, the wall laid out, and the canal's width against the stem."""
    sheet, plan, fit = Sheet(), case.plan, case.plan.drawn
    frame(sheet, case, 2, "measurements")
    w = sheet.text(LEFT, 19.0, facts.heading(plan), 12, bold=True, colour=style.ACCENT)
    sheet.text(LEFT + w + 4, 19.0, f"{facts.case_name(plan)} · {facts.cut_text(plan)}", 8)
    levels = facts.section_levels(plan.canal, fit)
    gap = 2.4
    each = (WIDTH - 3 * gap) / 4
    half = panes.half_width(plan.canal, levels)
    for i, level in enumerate(levels):
        x, y = LEFT + (i % 4) * (each + gap), 28.0 + (i // 4) * (each + 6.6)
        pane = section_pane(plan.canal, level, fit, case.volume, case.settings, half)
        sheet.pane(pane, x, y, each, each)
    y = 28.0 + 2 * (each + 6.6) - 2.4
    name = "stem" if plan.chosen else "nearest stem: does not fit"
    items = [(style.YELLOW, "canal"), (style.GREEN, "outer bone"), ("reamer", "last reamer"), (style.SKY, name),
             (style.WARM, "least wall at this level")]  # fmt: skip
    end = legend(sheet, LEFT, y, items)
    text = "sections across the canal, seen from the cut end"
    if end + text_width_mm(text, LEAST_POINTS) < RIGHT:
        sheet.text(RIGHT, y, text, LEAST_POINTS, colour=style.GREY, align="right")
    _charts(sheet, case, y + 8.5, 260.0)
    return sheet


def _charts(sheet: Sheet, case: ReportCase, top: float, bottom: float) -> None:
    """Charts and straightened pictures side by side, all on one scale of depth."""
    plan, fit, h = case.plan, case.plan.drawn, bottom - top
    depth = plan.canal.axis.depth_mm
    scale = h / float(depth[-1] - depth[0])  # paper mm per mm of canal
    each = min(27.0, 2.0 * panes.half_width(plan.canal) * scale)
    narrow = 33.0 + 3.0 + (24.0 + 3.0 if fit else 0.0)
    x, gap = LEFT + 8.0, 3.0
    map_width = WIDTH - 8.0 - narrow - 2.0 * (each + gap)
    wall = charts.reamed_wall_pane(plan, fit) if fit else None
    if wall is None:
        wall = charts.wall_map_pane(plan.canal, plan.canal.wall_radial_mm, case.limit_mm, "Wall of the untouched bone")
    sheet.pane(wall, x, top, map_width, h)
    x += map_width + gap
    sheet.pane(charts.diameter_pane(plan, fit), x, top, 33.0, h, y_axis=False)
    x += 33.0 + gap
    if fit is not None:
        sheet.pane(charts.fill_pane(plan, fit), x, top, 24.0, h, y_axis=False)
        x += 24.0 + gap
    for plane in ("coronal", "sagittal"):
        pane = panes.straight_pane(plan.canal, plane, case.volume, case.settings, each / scale / 2.0)
        sheet.pane(pane, x, top, each, h)
        x += each + gap
    end = band_bar(sheet, wall.bands, LEFT, bottom + 8.0)
    sheet.box(end + 3.0, bottom + 8.0, 4.6, 3.2, fill="#d6dade")
    end += 9.0 + sheet.text(end + 8.6, bottom + 10.6, "cannot tell", LEAST_POINTS) + 3.0
    sheet.text(end, bottom + 10.6, "hatched: the tool touches bone", LEAST_POINTS, colour=style.GREY)
    _chart_legend(sheet, fit, bottom + 18.6)


def _chart_legend(sheet: Sheet, fit: Fit | None, y: float) -> None:
    items = [("#f3eb8f", "canal, least to greatest width"), ("#8a7a00", "largest circle inside")]
    if fit is not None:
        items += [(style.BLUE, "stem, fill"), ("#b0558a", "contact")]
    legend(sheet, LEFT, y, items, LEAST_POINTS)
    text = "frontal, lateral: the canal straightened, no stem"
    sheet.text(RIGHT, y, text, LEAST_POINTS, colour=style.GREY, align="right")
