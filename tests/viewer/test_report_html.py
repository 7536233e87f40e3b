"""The page for the screen, in a real browser without a network."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import example_case
import numpy as np
import pytest
from test_scene import band_edges_mm, strip_scene

import viewer.report_html as report_html
from viewer import words, write_report
from viewer.page_frame import ReportCase

CHROMIUM = shutil.which("chromium")
WEBGL = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
         "--ignore-gpu-blocklist", "--disable-background-networking"]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("html")
    plan, volume = example_case.make_case()
    report_html.write_html(ReportCase(plan, volume, example_case.PROVENANCE), out / "report.html")
    return out


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: the page cannot be opened")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the page cannot be opened")
    with api.sync_playwright() as play:
        made = play.chromium.launch(executable_path=CHROMIUM, args=WEBGL)
        yield made
        made.close()


def open_page(browser: Any, path: Path) -> tuple[Any, list[str], list[str]]:
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if not r.url.startswith("data:") else None)
    page.on("pageerror", lambda e: wrong.append(str(e)))
    page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    page.goto(path.as_uri())
    page.wait_for_selector("#turntable[data-state]", timeout=20000)
    return page, asked, wrong


def test_it_opens_offline_asks_for_nothing_and_has_no_error(browser: Any, folder: Path) -> None:
    page, asked, wrong = open_page(browser, folder / "report.html")
    assert asked == [(folder / "report.html").as_uri()]
    assert wrong == []
    assert page.get_attribute("#turntable", "data-state") == "ready"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")  # nothing runs off to the side


def test_its_numbers_are_the_plans(folder: Path) -> None:
    plan, _ = example_case.make_case()
    text = (folder / "report.html").read_text()
    for value in (words.size_text(plan.chosen.implant), words.wall(plan.chosen.wall_min_mm), "RIGHT FEMUR", "CASE-0042",
                  "DRAFT", "posterolateral", "ab" * 32):  # fmt: skip
        assert value in text
    assert text.count('<svg class="pane"') == 2 + 12 + 6


def test_the_scene_turns(browser: Any, folder: Path) -> None:
    page, _, wrong = open_page(browser, folder / "report.html")
    picture = "document.querySelector('#turntable canvas').toDataURL()"
    front = page.evaluate(picture)
    page.locator("#turntable canvas").scroll_into_view_if_needed()
    box = page.locator("#turntable canvas").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 320, box["y"] + 230, steps=4)
    page.mouse.up()
    turned = page.evaluate(picture)
    page.click("button[data-look=front]")
    again = page.evaluate(picture)
    page.uncheck("input[data-layer='3']")
    assert turned != front and again == front and page.evaluate(picture) != front and wrong == []


def test_looking_from_lateral_shows_lateral_towards_the_viewer(browser: Any, folder: Path) -> None:
    page, _, _ = open_page(browser, folder / "report.html")
    for view, key, sign in (("lateral", "lateral", 1), ("medial", "lateral", -1), ("front", "anterior", 1),
                            ("proximal", "proximal", 1)):  # fmt: skip
        page.click(f"button[data-look={view}]")
        towards = page.evaluate("window.turntable.axes()[2]")
        way = page.evaluate(f"window.turntable.scene.{key}")
        assert sign * np.dot(towards, way) > 0.999, view


def test_band_edges_in_the_browsers_pixels(browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A coarse strip from -1 to 9: each colour must change where the value is, and nowhere else."""
    monkeypatch.setattr(report_html, "plan_scene", lambda plan: strip_scene())
    plan = example_case.make_plan()
    report_html.write_html(ReportCase(plan, None, example_case.PROVENANCE), tmp_path / "strip.html")
    page, _, _ = open_page(browser, tmp_path / "strip.html")
    page.evaluate("window.turntable.zoom = 0.1; window.turntable.draw()")  # the strip is wide, the page fits heights
    w, h, raw = page.evaluate("""(() => {
        const t = window.turntable, g = t.gl, w = t.canvas.width, h = t.canvas.height, b = new Uint8Array(4 * w);
        g.readPixels(0, h >> 1, w, 1, g.RGBA, g.UNSIGNED_BYTE, b);
        return [w, h, Array.from(b)];
    })()""")
    row = np.array(raw, np.uint8).reshape(w, 4)[:, :3]
    edges = band_edges_mm(row)
    assert np.allclose(edges, [0, 2, 3, 4, 5, 6, 7, 8], atol=0.06), (w, h, edges)  # a strip of some 700 pixels


def test_text_cannot_become_markup(tmp_path: Path) -> None:
    plan = example_case.make_plan()
    wicked = replace(plan, scan=replace(plan.scan, pseudonym="<script>alert(1)</script>"))
    report_html.write_html(ReportCase(wicked, None, example_case.PROVENANCE), tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text()
    assert "<script>alert(1)" not in text and "&lt;script&gt;alert(1)" in text
    inside = text.split('id="scene">')[1].split("</script>")[0]
    assert json.loads(inside)["words"] == ["lateral", "medial"]


def test_the_whole_report_is_written_and_only_a_picture_may_be_missing(tmp_path: Path) -> None:
    plan, volume = example_case.make_case()
    found = write_report(plan, volume, tmp_path, provenance=example_case.PROVENANCE)
    names = {p.name for p in tmp_path.iterdir()}
    assert {"report.pdf", "report.html"} <= names
    assert ("scene.png" in names) == (not found)


def test_where_nothing_fits_the_nearest_is_shown_as_what_it_is(tmp_path: Path) -> None:
    plan = example_case.without_choice(example_case.make_plan())
    report_html.write_html(ReportCase(plan, None, example_case.PROVENANCE), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    near = plan.drawn
    assert near is not None and f"the nearest, {words.size_text(near.implant)}: it must not be used" in page
    assert "Fit along the nearest stem, does not fit" in page and "Reamers in order" not in page


def test_what_the_page_speaks_of_is_on_it(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    for title in ("If hand, tool and scan are off", "Contact and least wall by quarter", "Graft account"):
        assert f"<h2>{title}</h2>" in page
