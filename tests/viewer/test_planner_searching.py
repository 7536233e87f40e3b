"""Large changes in a real browser: search again, another cut, a turned stem, two stems side by side, many changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import example_case
import psutil
import pytest
from planner_browser import CURVED, Page, Served, expected, twin

import viewer.facts as facts
from viewer import words

MEBI = 2**20
CHANGES = 80  # a leak of one picture (about 0.5 MB) per change would be seen
GROWTH_MB = 25.0  # undo keeps what reamers cut for four states, 10 MB each on a real bone, 2 MB here
PANES = ("section", "long-coronal", "long-sagittal", "wall-map")


@pytest.fixture(scope="module")
def curved(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    served = Served(tmp_path_factory.mktemp("curved"), CURVED)
    made = Page(browser, served.url)
    yield made
    made.close()
    served.kill()


def test_search_again_from_here(page: Page) -> None:
    """A higher limit, then the search: ranking, choice and numbers are those of a search without a browser."""
    session = twin()
    page.type("#limit", "3.0")
    assert "search again" in page.text(".controls")
    session.set_wall_limit(3.0)
    assert page.facts() == expected(session)
    page.click("#search")
    session.search()
    session.complete()
    assert page.facts() == expected(session) and "search again" not in page.text(".controls")
    assert page.text("h2") == words.size_text(session.state.fit.implant)
    assert page.text("#score") == words.number(session.state.fit.score.total)
    page.click("#undo")
    session.undo()
    assert page.facts() == expected(session)
    page.type("#limit", "9")
    assert "the least wall must be above 0 and below" in page.text("#message")
    page.press("Escape")


def test_the_cut_is_moved(page: Page) -> None:
    """20 mm higher: another canal, another proposal; the pictures end 20 mm earlier; undo brings everything back."""
    session = twin()
    page.press("Home")
    before = page.picture("long-coronal")
    page.press("End")
    top = float(page.page.input_value("#level"))
    page.type("#cut", f"{example_case.CUT_AT_MM + 20:g}")
    session.move_cut(example_case.CUT_AT_MM + 20.0)
    session.complete()
    assert page.facts() == expected(session)
    assert page.text("h2") == words.size_text(session.state.fit.implant)
    assert facts.cut_text(session.state.plan) in page.text("header")
    assert page.picture("long-coronal") != before
    page.press("End")
    assert float(page.page.input_value("#level")) == pytest.approx(top - 20.0)
    page.click("#undo")
    session.undo()
    page.press("Home")
    assert page.facts() == expected(session) and page.picture("long-coronal") == before
    page.type("#cut", "nan")
    assert "number is needed" in page.text("#message")


def test_a_curved_stem_is_turned(curved: Page) -> None:
    session = twin(CURVED)
    assert session.state.fit.implant.bow_radius_mm is not None
    before = curved.picture("long-sagittal")
    curved.click("#turn_deg-more")
    session.nudge("turn_deg", 5.0)
    assert curved.facts() == expected(session) and curved.text("#move-words") == "5° turned"
    curved.type("#turn_deg", "180")
    session.set_move("turn_deg", 180.0)
    assert curved.facts() == expected(session)
    assert curved.picture("long-sagittal") != before
    curved.click("#reset")
    session.reset()
    assert curved.facts() == expected(session) and curved.picture("long-sagittal") == before


def test_two_stems_stand_side_by_side_as_two_sets_of_pictures(page: Page) -> None:
    session = twin()
    page.type("#level", "40")
    page.click("#compare")
    kept = {key: page.picture(f"kept-{key}") for key in PANES}
    page.click("#thicker")
    page.click("#lateral_mm-more")
    for key in PANES:
        assert page.page.is_visible(f"svg.pane[data-key=kept-{key}]")
        assert page.picture(f"kept-{key}") != page.picture(key)
    assert page.picture("kept-wall-map") == kept["wall-map"]  # what is kept does not follow
    assert words.size_text(session.state.fit.implant) in page.text(".kept.section")
    box = page.page.locator("svg.pane[data-key=kept-long-coronal]").bounding_box()
    level = page.page.input_value("#level")
    page.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.25)
    page.settle()
    assert page.page.input_value("#level") != level  # one level for both
    page.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.6)
    page.page.wait_for_function("document.getElementById('probe').innerText.includes('HU')")
    page.click("#reset")
    page.click("#compare")
    assert page.page.query_selector("[data-key^=kept-]") is None


def test_memory_stays_flat(page: Page, served: Served) -> None:
    """Many changes of size and place: the server's memory stands still once its history is warm."""
    server = psutil.Process(served.process.pid)
    keys = ("+", "-", ">", "<", "Shift+ArrowUp", "Shift+ArrowDown", "ArrowUp", "ArrowDown")

    def change(times: int) -> float:
        for k in range(times):
            page.page.keyboard.press(keys[k % len(keys)])
            if k % 8 == 7:
                page.settle()
        page.settle()
        return server.memory_info().rss / MEBI

    warm = change(CHANGES // 2)
    assert change(CHANGES) - warm < GROWTH_MB
