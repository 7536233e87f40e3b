"""One browser and one served planner for a module of ``test_planner_*.py``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from planner_browser import Served

    made = Served(tmp_path_factory.mktemp("planner"))
    yield made
    made.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from planner_browser import CHROMIUM, FLAGS
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        made = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield made
        made.close()


@pytest.fixture
def page(browser: Any, served: Any) -> Iterator[Any]:
    from planner_browser import Page

    made = Page(browser, served.url)
    if made.page.is_disabled("#reset") is False:
        made.click("#reset")
    yield made
    made.close()
