"""Every page of the report as it is laid out: nothing too small, nothing cut, nothing over something else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import example_case
import pytest

from sizing.findings import Finding, Level
from sizing.planning import ImplantationPlan
from viewer.card import operating_card
from viewer.choice_page import choice_page
from viewer.lettering import LEAST_POINTS, fitted, text_width_mm
from viewer.measurement_page import measurement_page
from viewer.outlook_page import outlook_page
from viewer.page_frame import ReportCase
from viewer.paint import PAGE_MM, Sheet

PAGES = (choice_page, measurement_page, outlook_page, operating_card)
DPI = 100
TOUCHING_MM = 0.35  # boxes of letters reach beyond their ink by about this much
WATERMARK_POINTS = 50.0


def many_findings() -> ImplantationPlan:
    """Return the invented plan with a dozen long findings."""
    plan = example_case.make_plan()
    advice = "Look at the images there. Consider another length. Ask a second reader before the tools are laid out."
    found = tuple(Finding(Level.WARNING, f"CF-X{k:03d}", f"finding number {k} of a long list that goes on for more "
                          "than one line of a narrow column", advice, 40.0 + k, "anteromedial")
                  for k in range(12))  # fmt: skip
    return replace(plan, findings=(*found, *plan.findings))


def under_a_condition() -> ImplantationPlan:
    """Return the invented plan with a stem whose entry, gap and wall are not measured."""
    plan = example_case.make_plan()
    chosen = plan.chosen
    assert chosen is not None
    nan = float("nan")
    zones = tuple(replace(z, contact_share=nan, canal_fill=nan, gap_mm3=nan, wall_min_mm=nan) for z in chosen.zones)
    unseen = replace(chosen, entry_unmeasured_share=0.9, zones=zones)
    assert unseen.condition
    return replace(plan, chosen=unseen)


PLANS: dict[str, Callable[[], ImplantationPlan]] = {
    "chosen": example_case.make_plan,
    "curved": lambda: example_case.make_plan(family="generic-pressfit-curved"),
    "nothing fits": lambda: example_case.without_choice(example_case.make_plan()),
    "many findings": many_findings,
    "under a condition": under_a_condition,
}


def texts_of(sheet: Sheet) -> list[tuple[str, float, Any]]:
    """Return every visible text with its size (points) and its box in mm from the lower left corner."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    figure = sheet.figure
    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    mm = 25.4 / DPI
    found = []
    for t in figure.findobj(Text):
        if t.get_text().strip() and t.get_visible():
            box = t.get_window_extent(canvas.get_renderer())
            found.append((t.get_text(), float(t.get_fontsize()), [mm * v for v in box.extents]))
    return found


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.__name__)
def test_letters_are_large_enough_whole_and_apart(name: str, page: Callable[[ReportCase], Sheet]) -> None:
    texts = texts_of(page(ReportCase(PLANS[name](), None, example_case.PROVENANCE)))
    assert len(texts) > 8
    assert [(t, size) for t, size, _ in texts if size < LEAST_POINTS] == []
    outside = [t for t, size, (x0, y0, x1, y1) in texts if size < WATERMARK_POINTS
               and not (x0 >= 0 and x1 <= PAGE_MM[0] and y0 >= 0 and y1 <= PAGE_MM[1])]  # fmt: skip
    assert outside == []
    small = [t for t in texts if t[1] < WATERMARK_POINTS]
    assert [(a[0], b[0]) for a, b in combinations(small, 2) if _overlap(a[2], b[2])] == []


def _overlap(a: list[float], b: list[float]) -> bool:
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    return wide > TOUCHING_MM and high > 2.0 * TOUCHING_MM


def test_what_has_no_room_is_left_out_by_sentences() -> None:
    text = "The wall is 1.3 mm (limit 2 mm). Look at this level in the scan. Consider a longer stem."
    width = text_width_mm(text, 8.0)
    assert fitted(text, width + 1.0, 8.0, 1) == [text]
    assert fitted(text, width - 1.0, 8.0, 1) == ["The wall is 1.3 mm (limit 2 mm). Look at this level in the scan."]
    cut = fitted("one sentence that is far too long for its line", 30.0, 8.0, 1)
    assert len(cut) == 1 and cut[0].endswith("…") and text_width_mm(cut[0], 8.0) <= 30.0


def test_the_card_can_be_read_from_two_metres() -> None:
    plan = example_case.make_plan()
    chosen = plan.chosen
    assert chosen is not None
    texts = texts_of(operating_card(ReportCase(plan, None, example_case.PROVENANCE)))
    sizes = {t: size for t, size, _ in sorted(texts, key=lambda t: t[1])}  # the largest where a text stands twice
    assert sizes["RIGHT"] >= 40.0
    for text in (f"{chosen.implant.diameter_mm:.1f} × {chosen.implant.length_mm:.0f} mm", "FINAL", "first contact"):
        assert sizes[text] >= 11.5  # 3 mm capitals: five minutes of arc at two metres
    assert next(s for t, s in sizes.items() if "face square to the axis" in t) >= 10.5
