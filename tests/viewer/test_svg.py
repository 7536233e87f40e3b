"""Panes as SVG: they fill the room they are given, and their stamp stands on nothing."""

from __future__ import annotations

import re

import pytest

from viewer.pane import Mark, Pane, Ticks
from viewer.svg import pane_in

STAMP = "DRAFT\nCASE-0042"
TICKS = Ticks((0.0, 50.0, 100.0), ("0", "50", "100"))


def chart(*marks: Mark) -> Pane:
    return Pane("chart", "Chart", (0.0, 100.0), (0.0, 100.0), marks=marks, x_ticks=TICKS, y_ticks=TICKS, equal=False,
                dark=False)  # fmt: skip


def size(svg: str) -> tuple[float, float]:
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert found is not None
    return float(found[1]), float(found[2])


def stamp_anchor(svg: str) -> str:
    found = re.search(r'text-anchor="(\w+)" font-size="9" class="stamp"', svg)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("room", [(300.0, 200.0), (200.0, 500.0), (640.0, 480.0)])
def test_a_chart_fills_its_room_and_a_picture_one_side_of_it(room: tuple[float, float]) -> None:
    assert size(pane_in(chart(), room)) == pytest.approx(room, abs=0.1)
    picture = Pane("slice", "Slice", (-20.0, 20.0), (0.0, 100.0))
    width, height = size(pane_in(picture, room))
    assert height / width == pytest.approx(2.5, abs=0.01)  # millimetres stay equal
    assert min(abs(width - room[0]), abs(height - room[1])) < 0.11 and width <= room[0] + 0.1


def test_the_stamp_goes_to_the_other_corner_where_a_mark_stands() -> None:
    here = Mark((2.0, 95.0), "tip of the stem", "chart stem")
    there = Mark((2.0, 20.0), "tip of the stem", "chart stem")
    assert stamp_anchor(pane_in(chart(here), (300.0, 200.0), STAMP)) == "end"
    assert stamp_anchor(pane_in(chart(there), (300.0, 200.0), STAMP)) == "start"


def test_level_numbers_under_the_stamp_and_lines_too_long_for_a_picture_are_left_out() -> None:
    marks = (Mark((-20.0, 97.0), "97", "label"), Mark((-20.0, 40.0), "40", "label"))
    picture = Pane("slice", "Slice", (-20.0, 20.0), (0.0, 100.0), marks=marks)
    wide = pane_in(picture, (200.0, 500.0), STAMP)
    assert ">40<" in wide and ">97<" not in wide and ">CASE-0042<" in wide
    narrow = pane_in(picture, (40.0, 100.0), STAMP)
    assert ">DRAFT<" in narrow and "CASE-0042" not in narrow
