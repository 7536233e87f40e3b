"""A served planner and a page of it in headless Chromium, for ``test_planner_*.py``; they skip where there is none."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import example_case
import pytest

import viewer.facts as facts
from sizing.implants import load_catalogue
from viewer.app.session import Session

pytest.importorskip("trame_pyvista", reason="trame-pyvista is not installed: there is no planner to drive")
pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no browser can be driven")
CHROMIUM = shutil.which("chromium")
if CHROMIUM is None:
    pytest.skip("chromium is not installed: the planner cannot be opened", allow_module_level=True)

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SCRIPT = Path(__file__).parent / "serve_example.py"
WAIT_MS = 20000  # a loaded machine is slow, not wrong
STRAIGHT, CURVED = "generic-pressfit-straight", "generic-pressfit-curved"


class Served:
    """A running planner in a process of its own."""

    def __init__(self, folder: Path, family: str = STRAIGHT) -> None:
        self.folder = folder
        command = [sys.executable, str(SCRIPT), str(folder), family]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), "the planner did not start"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


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
        """Wait until nothing is being measured and every picture fills its room."""
        self.page.evaluate("window.trame.trigger('idle')")  # answered after everything that was sent before
        self.page.wait_for_selector(".planner[data-busy='0'][data-reaming='0']", timeout=WAIT_MS)
        self.page.wait_for_selector("#pictures[data-fitting='0']", timeout=WAIT_MS)
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

    def type(self, selector: str, value: str) -> None:
        """Type into a field and press Enter."""
        self.page.fill(selector, value)
        self.page.press(selector, "Enter")
        self.settle()

    def facts(self, which: str = "b") -> dict[str, str]:
        """The facts on screen by name."""
        return {e.get_attribute("data-fact"): e.query_selector(which).inner_text()
                for e in self.page.query_selector_all("#facts [data-fact]")}  # fmt: skip

    def picture(self, key: str) -> str:
        return self.page.inner_html(f"svg.pane[data-key={key}]")

    def shot(self) -> str:
        """The 3-D picture, as the page would save it."""
        return self.page.evaluate("window.trame.trigger('shot')")

    def close(self) -> None:
        assert self.wrong == []
        self.page.close()


def expected(session: Session) -> dict[str, str]:
    """What the page must say of a session's present state."""
    s = session.state
    return {f.name: f.value for f in facts.fit_facts(s.plan, s.fit, s.wall_limit_mm)}


def twin(family: str = STRAIGHT) -> Session:
    """The session that ``serve_example.py`` serves, without a browser."""
    return Session(example_case.make_plan(family=family), load_catalogue(), example_case.cut_again)
