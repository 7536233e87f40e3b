"""Changing the plan in a real browser: every control, keys alone, numbers against ``sizing`` in every state."""

from __future__ import annotations

import json

import pytest
from planner_browser import WAIT_MS, Page, Served, expected, twin

import viewer.facts as facts
from sizing.record import plan_from_record
from viewer import words


def test_numbers_on_the_screen_are_the_plans_in_every_state(page: Page) -> None:
    """Walk through states with the controls, and through the same ones without a browser."""
    session = twin()
    assert page.facts() == expected(session)
    steps = (
        ("#thicker", lambda s: s.step_diameter(1)), ("#anterior_mm-more", lambda s: s.nudge("anterior_mm", 0.25)),
        ("#tilt_lateral_deg-less", lambda s: s.nudge("tilt_lateral_deg", -0.25)),
        ("#thinner", lambda s: s.step_diameter(-1)),
        ("#shorter", lambda s: s.step_length(-1)), ("#along_mm-more", lambda s: s.nudge("along_mm", 0.5)),
        ("#undo", lambda s: s.undo()), ("#redo", lambda s: s.redo()), ("#reset", lambda s: s.reset()),
    )  # fmt: skip
    for selector, change in steps:
        page.click(selector)
        change(session)
        assert page.facts() == expected(session), selector
        assert page.text("#score") == words.number(session.state.fit.score.total)
        assert page.text("h2") == words.size_text(session.state.fit.implant)


def test_typed_values(page: Page) -> None:
    session = twin()
    for selector, value, change in (
        ("#lateral_mm", "0,5", lambda s: s.set_move("lateral_mm", 0.5)),
        ("#limit", "2.4", lambda s: s.set_wall_limit(2.4)),
    ):  # fmt: skip
        page.page.fill(selector, value)
        page.page.press(selector, "Enter")
        page.settle()
        change(session)
        assert page.facts() == expected(session), selector
    row = session._row("diameter_mm")
    page.page.fill("#diameter", f"{row[1].diameter_mm:g}")
    page.page.press("#diameter", "Enter")
    page.settle()
    session.set_size("diameter_mm", row[1].diameter_mm)
    assert page.facts() == expected(session) and row[1].part_number in page.text(".numbers")
    page.page.fill("#length", "133")
    page.page.press("#length", "Enter")
    page.settle()
    assert "no length of 133 mm" in page.text("#message") and page.facts() == expected(session)
    page.page.fill("#lateral_mm", "much")
    page.page.press("#lateral_mm", "Enter")
    page.settle()
    assert "number is needed" in page.text("#message")
    part = next(i for i in session.implants() if i.family_id == "generic-threaded").part_number
    page.page.select_option("#implant", part)
    page.settle()
    assert part in page.text(".numbers")


def test_keyboard_alone(page: Page) -> None:
    session = twin()
    page.press("+", "Shift+ArrowUp", "Alt+ArrowRight", "[", ">")
    for change in (lambda s: s.step_diameter(1), lambda s: s.nudge("anterior_mm", 0.25),
                   lambda s: s.nudge("tilt_lateral_deg", 0.25), lambda s: s.step_length(-1),
                   lambda s: s.nudge("along_mm", 0.5)):  # fmt: skip
        change(session)
    assert page.facts() == expected(session)
    page.press("Control+z", "Control+z", "Control+y")
    session.undo()
    assert page.facts() == expected(session)
    level = float(page.page.input_value("#level"))
    page.press("ArrowUp", "PageUp")
    assert float(page.page.input_value("#level")) == pytest.approx(level + 11 * 2.0)  # levels are 2 mm apart here
    page.press("Home")
    assert float(page.page.input_value("#level")) == 0.0
    page.press("?")
    assert page.page.is_visible("#help-text")
    page.press("Escape", "L")
    assert page.text("#lock") == "locked"
    page.press("+")
    assert "locked" in page.text("#message") and page.facts() == expected(session)
    page.press("L")
    assert page.text("#lock") == "lock"


def test_compare_review_and_save(page: Page, served: Served) -> None:
    page.click("#compare")
    first = page.text("h2")
    page.click("#thicker")
    assert first in page.text("#facts") and page.page.query_selector("svg .l-compared") is not None
    page.click("#compare")
    page.page.fill("#reviewer", "Dr. Example")
    page.page.fill("#review-date", "2026-01-14")
    page.click("#review")
    assert "REVIEWED by Dr. Example, 2026-01-14" in page.text("header") and "DRAFT" not in page.picture("section")
    page.press("Control+s")
    page.page.wait_for_selector("#message", timeout=WAIT_MS)
    record = json.loads((served.folder / "saved.json").read_text())
    saved = plan_from_record(record)
    assert record["state"].startswith("REVIEWED") and saved.ancestry.parent_plan_sha256 == "ef" * 32
    shown = {f.name: f.value for f in facts.main_facts(saved, saved.chosen)}
    assert page.facts() == shown  # the screen, the record and the report say the same
    page.click("#lateral_mm-more")
    assert "DRAFT" in page.text("header")
