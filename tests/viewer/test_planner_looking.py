"""Looking, in a real browser: levels, probe, distance, reamers, windows, maps, 3-D."""

from __future__ import annotations

import example_case
import pytest
from planner_browser import Page, twin

import viewer.facts as facts
from viewer import words


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

    seen = [page.shot()]
    for view in ("lateral", "distal", "front"):
        page.click(f"#look-{view}")
        seen.append(page.shot())
    assert len(set(seen[:3])) == 3 and seen[3] == seen[0]
    choices = {
        "bone": ("glass", "surface", "hidden", "half"),
        "keep": ("medial", "posterior"),
        "colour": ("thickness", "contact", "wall"),
        "stem": ("gap", "hidden", "plain"),
    }
    for name, values in choices.items():
        for value in values:
            before = page.shot()
            page.page.select_option(f"#scene-{name}", value)
            page.settle()
            assert page.shot() != before, (name, value)
