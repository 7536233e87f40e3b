"""Every number on the screen, in all panes, is that of ``plan.json`` for the same state.

Each state of the walk is saved; what was saved is read back, drawn without a browser, and compared with the page
text by text. The main numbers are compared with the bare JSON too, worded here and not by the viewer.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import example_case
import pytest
from planner_browser import WAIT_MS, Page, Served

import viewer.facts as facts
from sizing.implants import load_catalogue
from sizing.record import plan_from_record
from viewer import words
from viewer.app import panel
from viewer.app.pictures import Look, Pictures
from viewer.app.probe import probe
from viewer.app.session import Session
from viewer.app.stage import legend_of
from viewer.contours import nearest_level
from viewer.scene import SceneOptions, plan_scene

# What is done to the page before each comparison; together with the level (mm) and the reamers back from the last.
WALK = (
    ((), 40.0, 0),
    (("+", "Shift+ArrowUp"), 100.0, 3),
    (("[", ">", "Alt+ArrowLeft"), 12.0, 1),
    (("-", "-", "]"), 88.0, 0),
)
TEXTS = "[...document.querySelectorAll('svg.pane[data-key=\"%s\"] text')].map(t => t.textContent)"
CELLS = "[...document.querySelectorAll('%s tr')].map(r => [...r.querySelectorAll('td')].map(c => c.innerText.trim()))"
BANDS = "[...document.querySelectorAll('.cell.%s .bands span')].map(s => s.textContent.trim())"


@pytest.fixture(scope="module")
def wide(browser: Any, served: Served) -> Iterator[Page]:
    """A page on which every pane is to be seen."""
    made = Page(browser, served.url, 1920, 1080)
    yield made
    made.close()


class ReadBack:
    """What the page must show, from the saved record alone."""

    def __init__(self, page: Page, served: Served, level_mm: float, back: int) -> None:
        page.page.keyboard.press("Control+s")
        page.page.wait_for_selector("#message", timeout=WAIT_MS)
        page.press("Escape")
        self.record = json.loads((served.folder / "saved.json").read_text())
        self.plan = plan_from_record(self.record)
        self.session = Session(self.plan, load_catalogue())
        self.state = self.session.complete()
        passes = len(self.state.fit.reaming_plan.passes)
        reamer = -1 if back == 0 else passes - 1 - back
        self.look = Look(level=nearest_level(self.plan.canal, level_mm), reamer=reamer)
        self.pictures = Pictures(example_case.make_volume(self.plan.canal))
        self.pictures.fill(json.loads(page.page.get_attribute("#pictures", "data-rooms")))

    def panes(self) -> dict[str, str]:
        """Return the SVG of every pane by its key."""
        s, look, p = self.state, self.look, self.pictures
        along, straight = p.along_stem(s, look, None), p.along_canal(s, look)
        return {
            "section": p.section(s, look, None), "long-coronal": along[0], "long-sagittal": along[1],
            "canal-coronal": straight[0], "canal-sagittal": straight[1], "wall-map": p.unrolled(s, look)[0],
            "native-map": p.native(s)[0], "diameters": p.diameters(s),
        }  # fmt: skip


def texts(svg: str) -> list[str]:
    return [unescape(t) for t in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


@pytest.fixture(scope="module", params=range(len(WALK)), ids=lambda k: f"state {k}")
def both(request: pytest.FixtureRequest, wide: Page, served: Served) -> tuple[Page, ReadBack]:
    keys, level_mm, back = WALK[request.param]
    wide.press(*keys)
    wide.type("#level", str(level_mm))
    wide.page.evaluate("document.activeElement.blur()")
    wide.press(*([","] * back))
    return wide, ReadBack(wide, served, level_mm, back)


def test_every_text_in_every_pane(both: tuple[Page, ReadBack]) -> None:
    page, back = both
    for key, svg in back.panes().items():
        assert page.page.is_visible(f"svg.pane[data-key={key}]")
        shown = page.page.evaluate(TEXTS % key)
        assert shown == texts(svg) and len(shown) > 3, key
    assert page.page.evaluate(BANDS % "map") == [b["text"] for b in back.pictures.unrolled(back.state, back.look)[1]]
    scene = plan_scene(back.plan, back.state.fit, SceneOptions(), back.plan.settings.wall_limit_mm)
    assert page.page.evaluate(BANDS % "stage") == [b["text"] for b in legend_of(scene, False)]


def test_every_number_of_the_panel(both: tuple[Page, ReadBack]) -> None:
    page, back = both
    numbers, fit = panel.numbers(back.session), back.state.fit
    assert page.facts() == {f["name"]: f["value"] for f in numbers["facts"]}
    assert page.facts("small") == {f["name"]: f["note"] for f in numbers["facts"]}
    assert page.text("h2") == numbers["implant"]["size"] and page.text("#score") == numbers["score"]
    assert f"last tool {facts.last_reamer(fit)}, to {facts.reaming_depth(fit)}" in page.text(".numbers p.sub")
    assert page.page.evaluate(CELLS % "#zones")[1:] == numbers["zones"]
    assert page.page.evaluate(CELLS % "#neighbours")[1:] == [n["cells"] for n in numbers["neighbours"]]
    level = panel.level(back.state, back.look.level)
    assert page.page.evaluate(CELLS % "#level-facts") == [[f["name"], f["value"]] for f in level["level_facts"]]
    assert float(page.page.input_value("#level")) == level["level_mm"]
    assert level["level_words"] in page.text(".cell.section .cap")
    reaming = panel.reaming(back.state, back.look.reamer)
    chips = page.page.query_selector_all(".chips span")
    assert [c.inner_text() for c in chips] == [r["d"] for r in reaming["reamers"]]
    assert [c.get_attribute("title") for c in chips] == [
        f"wall left {r['wall']}, new bone {r['ml']}" for r in reaming["reamers"]
    ]
    now = reaming["reamers"][reaming["reamer"]]
    said = page.text("#reamer-words")
    assert f"{now['d']} mm" in said and f"wall left {now['wall']}" in said
    assert page.text("#graft") == reaming["graft_so_far"] and reaming["first_contact"] in said


def test_what_is_under_the_pointer(both: tuple[Page, ReadBack]) -> None:
    page, back = both
    for key in ("section", "wall-map", "long-coronal"):
        page.page.mouse.move(2, 2)
        page.page.wait_for_timeout(120)
        box = page.page.locator(f"svg.pane[data-key={key}]").bounding_box()
        at = page.page.evaluate(UNITS_OF, [key, box["x"] + 0.4 * box["width"], box["y"] + 0.6 * box["height"]])
        page.page.evaluate("a => window.trame.trigger('probe', a)", [key, *at])
        page.settle()
        assert page.text("#probe") == probe(back.state, back.look, back.pictures, key, *at), key


# The place of a pointer in a picture's own units.
UNITS_OF = """([key, px, py]) => {
    const svg = document.querySelector(`svg.pane[data-key=${key}]`);
    const [left, top, w, h] = svg.dataset.box.split(' ').map(Number);
    const [x0, x1, y0, y1] = svg.dataset.range.split(' ').map(Number);
    const p = new DOMPoint(px, py).matrixTransform(svg.getScreenCTM().inverse());
    return [x0 + (p.x - left) / w * (x1 - x0), y1 - (p.y - top) / h * (y1 - y0)];
}"""


def test_main_numbers_against_the_bare_json(both: tuple[Page, ReadBack]) -> None:
    page, back = both
    record = back.record
    fit = record["fits"][int(record["plan"]["chosen"]["same_as"].split("/")[1])]
    shown = page.facts()
    assert shown["least wall left"] == _wall(fit["wall_min_mm"])
    assert shown["wall at the tip"] == _wall(fit["wall_min_tip_mm"])
    assert shown["wall at the collar"] == _wall(fit["wall_min_collar_mm"])
    assert shown["contact with bone"] == f"{100 * fit['contact_share']:.0f} %"
    assert shown["canal fill"] == f"{100 * fit['canal_fill_volume']:.0f} %"
    assert shown["gap left"] == f"{fit['gap_mm3'] / 1000:.1f} ml"
    assert page.facts("small")["gap left"] == f"solid graft {fit['graft_mm3'] / 1000:.1f} ml"
    assert page.text("#score") == f"{fit['score']['total']:.0f}"
    zones = [z for z in fit["zones"] if not re.search("[A-Z]$", z["name"])]
    assert [row[-1] for row in page.page.evaluate(CELLS % "#zones")[1:]] == [_wall(z["wall_min_mm"]) for z in zones]


def _wall(value_mm: float | None) -> str:
    """Round down to a tenth: 1.99 mm is not the 2.0 mm that a limit asks for."""
    return words.CANNOT_TELL if value_mm is None else f"{math.floor(round(value_mm * 10, 6)) / 10:.1f} mm"
