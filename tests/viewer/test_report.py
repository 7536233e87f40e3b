"""The report on paper: what stands on it, that it is the plan's, and that it never changes by itself."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import example_case
import pytest

from sizing.intended_use import RESEARCH_USE
from sizing.planning import Review
from viewer import facts, words, write_report
from viewer.card import operating_card
from viewer.lettering import text_width_mm, wrap
from viewer.page_frame import ReportCase


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    plan, volume = example_case.make_case()
    write_report(plan, volume, out, provenance=example_case.PROVENANCE)
    return out


def pages_of(pdf: Path) -> list[str]:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not installed: the text of the pages cannot be read back")
    text = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, check=True).stdout
    return text.split("\f")[:-1]


def test_every_page_says_what_it_is_and_from_what(folder: Path) -> None:
    pages = pages_of(folder / "report.pdf")
    assert len(pages) == 4
    for i, page in enumerate(pages, 1):
        assert "DRAFT" in page and "research use only" in page
        assert RESEARCH_USE in page
        assert "abababababababab" in page and f"page {i} of 4" in page and "canalfit 0.1.0" in page


def test_page_one_holds_the_choice_in_the_plans_own_numbers(folder: Path) -> None:
    plan, _ = example_case.make_case()
    page, fit = pages_of(folder / "report.pdf")[0], plan.chosen
    assert "RIGHT FEMUR" in page and "CASE-0042" in page
    assert words.size_text(fit.implant) in page
    assert words.wall(fit.wall_min_mm) in page and fit.wall_min_direction in page
    assert f"{100 * fit.contact_share:.0f} %" in page
    for other in plan.neighbours:
        assert words.size_text(other.implant) in page
    for step in facts.steps(fit):
        assert step.diameter in page
    assert "posterolateral" in page  # the finding with its place


def test_the_card_has_side_final_tool_and_every_reamer(folder: Path) -> None:
    plan, _ = example_case.make_case()
    card = pages_of(folder / "report.pdf")[3]
    assert "RIGHT" in card and "FINAL" in card
    for step in facts.steps(plan.chosen)[-26:]:
        assert step.diameter in card and step.depth in card


def test_the_card_is_marked_until_a_person_has_approved_it() -> None:
    plan, _ = example_case.make_case()
    reviewed = replace(plan, review=Review("Dr. Example", "2026-01-14"))
    for shown, mark in ((plan, "NOT APPROVED"), (reviewed, "RESEARCH USE")):
        sheet = operating_card(ReportCase(shown, None, example_case.PROVENANCE))
        assert mark in [t.get_text() for t in sheet.figure.texts]


def test_two_runs_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    plan, volume = example_case.make_case()
    write_report(plan, volume, tmp_path, provenance=example_case.PROVENANCE)
    for name in ("report.pdf", "report.html"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_without_scan_and_without_choice_there_is_still_a_report(tmp_path: Path) -> None:
    plan = example_case.without_choice(example_case.make_plan())
    write_report(plan, None, tmp_path, provenance=example_case.PROVENANCE)
    pages = pages_of(tmp_path / "report.pdf")
    assert "No implant of the catalogue fits" in pages[0] and "1.1 mm of wall" in pages[0]
    nearest = plan.drawn
    assert nearest is plan.fits[0] and words.size_text(nearest.implant) in pages[0]
    assert "must not be used" in pages[0] and "does not fit" in pages[0] and "does not fit" in pages[1]
    assert "no card" in pages[3]


def test_unknown_is_said_and_never_zero() -> None:
    nan = float("nan")
    assert {words.mm(nan), words.ml(None), words.percent(nan)} == {"cannot tell"}
    assert words.mm(-0.04) == "0.0 mm"  # no minus zero
    assert words.above_cut(0.2) == "at the cut" and words.above_cut(-3.0) == "3 mm below the cut"


def test_wrapped_lines_fit_their_column() -> None:
    text = "The stem's tip ends within 20 mm of a wall of 1.2 mm; Pneumonoultramicroscopicsilicovolcanoconiosis too."
    for width in (20.0, 35.0, 80.0):
        lines = wrap(text, width, 8.0)
        assert all(text_width_mm(line, 8.0) <= width for line in lines)
        assert "".join(lines).replace("-", "").replace(" ", "") == text.replace(" ", "")
