"""Children that draw: the same pages as without them, nobody left behind, and a way out when they fail."""

from __future__ import annotations

from pathlib import Path

import example_case
import pytest

import viewer.press as press_module
from viewer.child import Child
from viewer.page_frame import ReportCase
from viewer.pages import write_pdf
from viewer.press import Press


@pytest.fixture(scope="module")
def case() -> ReportCase:
    plan, volume = example_case.make_case()
    return ReportCase(plan, volume, example_case.PROVENANCE)


@pytest.fixture(scope="module")
def pages(case: ReportCase, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("here") / "report.pdf"
    write_pdf(case, path)
    return path.read_bytes()


def child_of(press: Press) -> Child:
    assert press._pages is not None
    return press._pages


def test_a_child_draws_the_same_pages(
    case: ReportCase, pages: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(press_module, "cores", lambda: 2)
    with Press() as press:
        child = child_of(press)
        press.start_pages(case, tmp_path / "report.pdf")
        monkeypatch.setattr(press_module, "write_pdf", lambda *args: pytest.fail("drawn here, not in the child"))
        press.finish_pages(case, tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes() == pages
    assert child._process.poll() == 0  # ended, and collected


def test_a_child_that_fails_is_replaced_by_this_process(
    case: ReportCase, pages: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(press_module, "cores", lambda: 2)
    monkeypatch.setattr(press_module, "Child", lambda _: Child("viewer.no_such_module"))
    with Press() as press:
        press.start_pages(case, tmp_path / "report.pdf")
        press.finish_pages(case, tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes() == pages


def test_no_second_core_no_child(
    case: ReportCase, pages: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(press_module, "cores", lambda: 1)
    with Press() as press:
        assert press._pages is None and press._picture is None
        press.start_pages(case, tmp_path / "report.pdf")
        press.finish_pages(case, tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes() == pages


def test_an_error_leaves_no_child_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(press_module, "cores", lambda: 2)
    with pytest.raises(RuntimeError, match="planning failed"), Press() as press:
        children = [press._pages, press._picture]
        raise RuntimeError("planning failed")
    for child in children:
        assert child is not None and child._process.returncode is not None


def test_a_child_without_a_job_ends_by_itself() -> None:
    child = Child("viewer.press_child")
    stdin, child._process.stdin = child._process.stdin, None
    assert stdin is not None
    stdin.close()  # as when the parent dies
    assert child._process.wait(60) == 0


def test_no_process_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> Child:
        raise OSError("no more processes")

    monkeypatch.setattr(press_module, "cores", lambda: 2)
    monkeypatch.setattr(press_module, "Child", refuse)
    with Press() as press:
        assert press._pages is None
