"""The planner as a page in a real browser: who may see it, what it asks, how it fits, what survives a crash."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from planner_browser import WAIT_MS, Page, Served


def test_it_opens_and_asks_nobody_else(page: Page, served: Served) -> None:
    host = served.url.split("/index")[0]
    outside = [u for u in page.asked if not u.startswith((host, "data:", "blob:"))]
    assert outside == []
    assert "secret" not in page.page.url  # the key does not stay in the address bar
    for key in ("section", "long-coronal", "long-sagittal", "wall-map"):
        assert page.page.is_visible(f"svg.pane[data-key={key}]")
    for word in ("DRAFT", "RIGHT FEMUR", "CASE-0042"):
        assert word in page.text("header") and word in page.picture("section")


def test_a_wrong_key_sees_nothing(browser: Any, served: Served) -> None:
    other = browser.new_page()
    other.goto(served.url.split("?")[0] + "?secret=wslink-secret")
    other.wait_for_timeout(1500)
    assert other.query_selector("svg.pane") is None and "CASE-0042" not in other.content()
    other.close()


def test_the_server_listens_on_this_machine_only(served: Served) -> None:
    port = int(served.url.split(":")[2].split("/")[0])
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    mine = [fields[1] for fields in listening if fields[1].endswith(f":{port:04X}") and fields[3] == "0A"]
    assert mine == [f"0100007F:{port:04X}"]  # 127.0.0.1


def test_a_page_that_reconnects_has_lost_nothing(page: Page, browser: Any, served: Served) -> None:
    page.click("#thinner")
    here = page.facts()
    again = Page(browser, served.url)
    assert again.facts() == here
    again.page.close()


def test_a_server_that_dies_loses_no_plan(browser: Any, tmp_path: Path) -> None:
    first = Served(tmp_path)
    page = Page(browser, first.url)
    page.press("-", "Shift+ArrowUp", "Alt+ArrowUp")
    here = page.facts()
    first.kill()
    page.page.close()
    second = Served(tmp_path)
    try:
        page = Page(browser, second.url)
        assert page.facts() == here
        assert "restored" in page.text("#message")
        page.page.close()
    finally:
        second.kill()


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1920, 1080)])
def test_both_themes_fit_both_screens(browser: Any, served: Served, width: int, height: int) -> None:
    page = Page(browser, served.url, width, height)
    for _ in range(2):
        page.press("t")
        assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth && scrollY === 0")
        for svg in page.page.query_selector_all("svg.pane"):
            if svg.is_visible():
                box = svg.bounding_box()
                assert box["width"] > 60 and box["height"] > 120
                assert box["x"] >= 0 and box["x"] + box["width"] <= width
                assert box["y"] + box["height"] <= height
        labels = "nav button, .controls button, .cap button"
        cut = page.page.evaluate(f"""[...document.querySelectorAll('{labels}')]
            .filter(b => b.scrollWidth > b.clientWidth + 1).map(b => b.id)""")
        assert cut == []  # no label is cut
        assert page.page.evaluate(SELECT_NEEDS_PX) <= 0  # nor what is chosen
        assert page.page.evaluate(EMPTY_BANDS) == []
        assert page.page.evaluate(TEXTS_OVER_EACH_OTHER) == []
    page.close()


# Width of the chosen text and the arrow beside it, less the width of the field.
SELECT_NEEDS_PX = """(() => {
    const s = document.getElementById('implant'), g = document.createElement('canvas').getContext('2d');
    g.font = getComputedStyle(s).font;
    return g.measureText(s.selectedOptions[0].text).width + 26 - s.clientWidth;
})()"""
# Charts fill their place; a slice or a section fills it in one direction at least.
EMPTY_BANDS = """[...document.querySelectorAll('svg.pane')].filter(s => s.checkVisibility()).filter(s => {
    const b = s.viewBox.baseVal, h = s.closest('.hold'), w = h.clientWidth - b.width, t = h.clientHeight - b.height;
    return s.closest('.chart') ? Math.max(w, t) > 2 : Math.min(w, t) > 2;
}).map(s => s.dataset.key)"""
TEXTS_OVER_EACH_OTHER = """[...document.querySelectorAll('svg.pane')].filter(s => s.checkVisibility()).flatMap(s => {
    const t = [...s.querySelectorAll('text')].map(n => [n.textContent, n.getBoundingClientRect()]), bad = [];
    t.forEach(([a, p], i) => t.slice(i + 1).forEach(([b, q]) => {
        const w = Math.min(p.right, q.right) - Math.max(p.left, q.left);
        const h = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
        if (w > 2 && h > 5) bad.push(`${s.dataset.key}: ${a} | ${b}`);
    }));
    return bad;
})"""


def test_the_scene_is_fitted_again_when_the_window_changes(page: Page) -> None:
    """The bone keeps its share of the picture's height; a camera that was turned by hand stays."""
    shares = []
    for height in (800, 1080, 640):
        page.page.set_viewport_size({"width": 1280, "height": height})
        page.page.wait_for_timeout(400)  # the view tells its size a little later
        page.settle()
        shares.append(_share_of_height(page.shot()))
    assert min(shares) > 0.75 and max(shares) - min(shares) < 0.06


def _share_of_height(png: str) -> float:
    from PIL import Image

    image = np.asarray(Image.open(BytesIO(base64.b64decode(png.split(",")[1]))).convert("L"))
    rows = np.flatnonzero((image != image[0, 0]).any(axis=1))
    return float(rows[-1] - rows[0] + 1) / len(image)


def test_one_picture_alone_and_the_canal_straightened(page: Page) -> None:
    small = page.page.locator("svg.pane[data-key=section]").bounding_box()["width"]
    page.page.hover("svg.pane[data-key=section]")
    page.press("e")
    assert page.page.locator("svg.pane[data-key=section]").bounding_box()["width"] > 1.5 * small
    assert not page.page.is_visible("svg.pane[data-key=wall-map]")
    page.press("Escape")
    page.click(".cell.map .big")  # wall left and native wall side by side
    assert page.page.is_visible("svg.pane[data-key=wall-map]") and page.page.is_visible("svg.pane[data-key=native-map]")
    page.press("Escape")
    assert page.page.is_visible("svg.pane[data-key=long-coronal]")
    page.press("x")
    assert page.page.is_visible("svg.pane[data-key=canal-coronal]")
    assert not page.page.is_visible("svg.pane[data-key=long-coronal]")
    page.press("x")


def test_png_of_a_picture_and_of_the_screen(page: Page) -> None:
    page.page.hover("svg.pane[data-key=section]")
    for key, name in (("g", "canalfit-section.png"), (None, "canalfit-screen.png")):
        with page.page.expect_download(timeout=WAIT_MS) as got:
            page.page.keyboard.press("g") if key else page.page.click("#png")
        assert got.value.suggested_filename == name
        assert Path(got.value.path()).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    from PIL import Image

    screen = np.asarray(Image.open(got.value.path()).convert("RGB"))
    assert screen.shape == (1600, 2560, 3)  # twice the window
    top, left = screen[4, 1200], screen[1000, 4]  # the header's ground, and the page's
    assert tuple(top) == (0x12, 0x40, 0x5E) and tuple(left) == (0xEE, 0xF2, 0xF4)
