"""The page of doubts: its words are the plan's numbers, and nothing runs out of its box."""

import dataclasses

import example_case
import numpy as np
import pytest

import viewer.outlook_facts as outlook
from sizing.planning import plan_canal
from viewer.outlook_charts import bows_of, envelope_pane, risk_pane, size_pane
from viewer.outlook_page import outlook_page
from viewer.page_frame import ReportCase


@pytest.fixture(scope="module")
def plan():
    return example_case.make_case()[0]


def test_example_plan_has_what_the_page_shows(plan) -> None:
    assert plan.envelope is not None and plan.astray is not None and plan.size is not None and plan.graft is not None


def test_charts_hold_the_plans_numbers(plan) -> None:
    straight = envelope_pane(plan.envelope, plan.chosen).lines[0].points
    lengths = plan.envelope.lengths_mm(None)
    assert np.array_equal(straight[lengths > 0, 1], lengths[lengths > 0])
    assert np.isnan(straight[lengths == 0, 1]).all()  # no stem is no point, not a length of zero
    assert np.allclose(risk_pane(plan.astray).lines[0].points[:, 1], 100 * plan.astray.too_thin_probability)
    heights = [a.points[:, 1].max() for a in size_pane(plan.size).areas]
    assert sum(heights) == pytest.approx(100 * (1 - plan.size.none_probability), abs=5.0)
    assert bows_of(plan.envelope)[0] is None


def test_the_words_are_the_numbers(plan) -> None:
    best = int(np.argmax(plan.size.probability))
    assert outlook.size_words(plan.size).startswith(f"{plan.size.diameters_mm[best]:.1f} mm: ")
    marked = [row for row in outlook.risk_rows(plan) if row[0].endswith(outlook.CHOICE)]
    assert len(marked) == 1 and marked[0][0].startswith(f"{plan.chosen.reaming_plan.passes[-1].reamer.diameter_mm:.1f}")
    toss = dataclasses.replace(plan.size, coin_toss=True)
    assert "coin toss" in outlook.size_words(toss)


def pages_without(plan, **gone):
    case = ReportCase(dataclasses.replace(plan, **gone), None, example_case.PROVENANCE)
    return outlook_page(case)


@pytest.mark.parametrize(
    "gone", [{}, {"envelope": None}, {"chosen": None, "astray": None, "size": None, "graft": None}]
)
def test_no_text_leaves_the_sheet(plan, gone) -> None:
    figure = pages_without(plan, **gone).figure
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_dpi(300)  # at 100 the hinting of letters widens a line by 2 %
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # labels of axes have no place before
    renderer = canvas.get_renderer()
    width, height = figure.bbox.width, figure.bbox.height
    for text in figure.findobj(lambda a: hasattr(a, "get_text") and a.get_text().strip()):
        box = text.get_window_extent(renderer)
        if box.width <= 1.0:  # a tick beyond its axis is not drawn
            continue
        assert box.x0 > 0.04 * width and box.x1 < 0.96 * width, text.get_text()
        assert box.y0 > 0.01 * height, text.get_text()


def test_a_plan_without_a_choice_still_shows_the_envelope(plan) -> None:
    empty = dataclasses.replace(plan, chosen=None, astray=None, size=None, graft=None)
    assert envelope_pane(empty.envelope, None).lines and outlook.risk_rows(empty) == []


def test_hourglass_too_short_for_all_has_an_envelope() -> None:
    from sizing.implants import load_catalogue

    canal = example_case.make_case()[0].canal
    short = dataclasses.replace(example_case.make_case()[0].settings, max_stem_length_mm=None, wall_limit_mm=30.0)
    plan = plan_canal(canal, load_catalogue(), short)
    assert plan.chosen is None and plan.astray is None
    assert all(r.length_mm == 0 and r.axis is None for r in plan.envelope.rows)
