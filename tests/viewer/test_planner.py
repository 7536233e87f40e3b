"""The planner in a real browser: every control, numbers against ``sizing``, keys alone, crash and reconnect."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import example_case
import numpy as np
import pytest

import viewer.facts as facts
from sizing.implants import load_catalogue
from sizing.record import plan_from_record
from viewer import words
from viewer.app.session import Session

pytest.importorskip("trame_pyvista", reason="trame-pyvista is not installed: there is no planner to drive")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no browser can be driven")
CHROMIUM = shutil.which("chromium")
if CHROMIUM is None:
    pytest.skip("chromium is not installed: the planner cannot be opened", allow_module_level=True)

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SCRIPT = Path(__file__).parent / "serve_example.py"
WAIT_MS = 20000  # a loaded machine is slow, not wrong


class Served:
    """A running planner in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen([sys.executable, str(SCRIPT), str(folder)], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), "the planner did not start"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = Served(tmp_path_factory.mktemp("planner"))
    yield made
    made.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as play:
        made = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield made
        made.close()


class Page:
    """A page with what it asked for and what went wrong."""

    def __init__(self, browser: Any, url: str, width: int = 1280, height: int = 800) -> None:
        self.page = browser.new_page(viewport={"width": width, "height": height})
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self.page.on("request", lambda r: self.asked.append(r.url))
        self.page.on("pageerror", lambda e: self.wrong.append(str(e)))
        self.page.goto(url)
        self.page.wait_for_selector("svg.pane[data-key=section]", timeout=WAIT_MS)
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is being measured."""
        self.page.evaluate("window.trame.trigger('idle')")  # answered after everything that was sent before
        self.page.wait_for_selector(".planner[data-busy='0'][data-reaming='0']", timeout=WAIT_MS)
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def text(self, selector: str) -> str:
        return self.page.inner_text(selector)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.settle()

    def click(self, selector: str) -> None:
        self.page.click(selector)
        self.settle()

    def facts(self) -> dict[str, str]:
        return {e.get_attribute("data-fact"): e.query_selector("b").inner_text()
                for e in self.page.query_selector_all("#facts [data-fact]")}  # fmt: skip

    def picture(self, key: str) -> str:
        return self.page.inner_html(f"svg.pane[data-key={key}]")


@pytest.fixture
def page(browser: Any, served: Served) -> Iterator[Page]:
    made = Page(browser, served.url)
    if made.page.is_disabled("#reset") is False:
        made.click("#reset")
    yield made
    assert made.wrong == []
    made.page.close()


def expected(session: Session) -> dict[str, str]:
    s = session.state
    return {f.name: f.value for f in facts.fit_facts(s.plan, s.fit, s.wall_limit_mm)}


def twin() -> Session:
    return Session(example_case.make_plan(), load_catalogue())


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


def test_a_click_is_a_level_and_all_pictures_follow(page: Page) -> None:
    box = page.page.locator("svg.pane[data-key=long-coronal]").bounding_box()
    before = page.picture("section")
    page.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.3)
    page.settle()
    assert page.picture("section") != before
    level = float(page.page.input_value("#level"))
    for key in ("long-coronal", "long-sagittal", "wall-map"):
        line = page.page.query_selector(f"svg.pane[data-key={key}] .cursor-line")
        assert line is not None
    page.page.mouse.wheel(0, -300)
    page.settle()
    assert float(page.page.input_value("#level")) == pytest.approx(level + 3 * 2.0)


def test_probe_and_distance(page: Page) -> None:
    box = page.page.locator("svg.pane[data-key=section]").bounding_box()
    side = min(box["width"], box["height"])
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.page.mouse.move(x, y)
    page.page.wait_for_function(f"document.getElementById('probe').innerText.includes('{example_case.MARROW_HU} HU')")
    assert "native wall" in page.text("#probe") and "wall left" in page.text("#probe")
    page.press("d")
    page.page.mouse.click(x - side * 0.25, y)
    page.page.mouse.click(x + side * 0.25, y)
    shown = float(page.page.text_content(".distance").split()[0])
    width = page.page.evaluate("(() => {const r = document.querySelector('svg.pane[data-key=section]').dataset.range"
                               ".split(' ').map(Number); return r[1] - r[0]})()")  # fmt: skip
    assert shown == pytest.approx(width / 2, abs=width / side + 0.06)  # a pixel, and the rounding of the label
    page.press("d")


def test_reamers_step_and_play(page: Page) -> None:
    fit = twin().complete().fit
    page.page.evaluate("window.trame.trigger('reamer', [0])")
    page.settle()
    before = page.picture("wall-map")
    assert page.text("#reamer-words").startswith(f"{facts.steps(fit)[0].diameter} mm")
    assert page.text("#graft") == words.ml(fit.reamed.passes[0].removed_cortical_mm3)
    page.press(".")
    assert page.text("#reamer-words").startswith(f"{facts.steps(fit)[1].diameter} mm")
    page.page.evaluate(f"window.trame.trigger('reamer', [{len(fit.reamed.passes) - 1}])")
    page.settle()
    assert page.text("#graft") == words.ml(fit.reamed.harvested_cortical_mm3)
    assert page.picture("wall-map") != before
    page.page.evaluate(f"window.trame.trigger('reamer', [{len(fit.reamed.passes) - 3}])")
    page.settle()
    page.click("#play")
    page.page.wait_for_timeout(2600)
    assert page.text("#reamer-words").startswith(f"{facts.steps(fit)[-1].diameter} mm")


def test_views_windows_and_maps(page: Page) -> None:
    for selector in ("#preset-soft", "#preset-bone"):
        before = page.picture("section")
        page.click(selector)
        assert page.picture("section") != before, selector
    for name in ("thickness", "wall"):
        before = page.picture("wall-map")
        page.click(f"#map-{name}")
        assert page.picture("wall-map") != before, name
    box = page.page.locator("svg.pane[data-key=section]").bounding_box()
    before = page.text("#window")
    page.page.mouse.move(box["x"] + 80, box["y"] + 80)
    page.page.mouse.down(button="right")
    page.page.mouse.move(box["x"] + 120, box["y"] + 120, steps=4)
    page.page.mouse.up(button="right")
    page.settle()
    assert page.text("#window") != before
    page.click("#preset-bone")


def test_three_d_controls_change_the_picture(page: Page) -> None:
    if page.page.query_selector(".stage .view") is None:
        pytest.skip("OpenGL does not work on this machine: the planner has no 3-D picture")

    def shot() -> str:
        return page.page.evaluate("window.trame.trigger('shot')")

    seen = [shot()]
    for view in ("lateral", "distal", "front"):
        page.click(f"#look-{view}")
        seen.append(shot())
    assert len(set(seen[:3])) == 3 and seen[3] == seen[0]
    choices = {
        "bone": ("glass", "surface", "hidden", "half"),
        "keep": ("medial", "posterior"),
        "colour": ("thickness", "contact", "wall"),
        "stem": ("gap", "hidden", "plain"),
    }
    for name, values in choices.items():
        for value in values:
            before = shot()
            page.page.select_option(f"#scene-{name}", value)
            page.settle()
            assert shot() != before, (name, value)


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
    assert page.wrong == []
    page.page.close()


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


def test_the_server_listens_on_this_machine_only(served: Served) -> None:
    port = int(served.url.split(":")[2].split("/")[0])
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    mine = [fields[1] for fields in listening if fields[1].endswith(f":{port:04X}") and fields[3] == "0A"]
    assert mine == [f"0100007F:{port:04X}"]  # 127.0.0.1
