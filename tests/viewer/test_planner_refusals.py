"""What the planner says when something is missing or wrong: one clear sentence, and the rest goes on."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from pathlib import Path

import example_case
import numpy as np
import pytest

import viewer.render as render
from canalfit.viewing import open_plan
from sizing.errors import CanalfitError, UsageError
from sizing.findings import Finding, Level
from sizing.implants import load_catalogue
from sizing.record import plan_record
from viewer.app.journal import Journal
from viewer.app.session import KEPT_REAMED, OF_PROPOSAL, Session, findings_of, preview_of


@pytest.fixture(scope="module")
def plan():
    return example_case.make_plan()


@pytest.fixture
def folder(plan, tmp_path: Path) -> Path:
    (tmp_path / "plan.json").write_text(plan_record(plan)[1], encoding="utf-8")
    return tmp_path


def test_a_plan_from_a_newer_version_is_refused_by_name(folder: Path) -> None:
    record = json.loads((folder / "plan.json").read_text())
    record["schema_version"] += 1
    (folder / "plan.json").write_text(json.dumps(record))
    with pytest.raises(CanalfitError, match="schema that this version does not know"):
        open_plan(folder, None, ())


def test_a_plan_that_was_edited_is_refused(folder: Path) -> None:
    text = (folder / "plan.json").read_text()
    (folder / "plan.json").write_text(text.replace('"CASE-0042"', '"CASE-0043"', 1))
    with pytest.raises(CanalfitError):
        open_plan(folder, None, ())


def test_a_folder_without_a_plan(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no plan"):
        open_plan(tmp_path, None, ())


def test_a_scan_that_is_not_that_of_the_plan_is_not_shown_and_the_plan_is(folder: Path, sample_scans: Path) -> None:
    opened = open_plan(folder, sample_scans / "humerus", ())
    assert (
        opened.volume is None and opened.note.startswith("The scan is not shown: ") and opened.plan.chosen is not None
    )
    assert "not the scan that the plan was made from [humerus]; measured other series" in opened.note


def test_a_scan_that_is_gone_is_not_shown_and_the_plan_is(folder: Path) -> None:
    opened = open_plan(folder, folder / "gone", ())
    assert opened.volume is None and "not shown" in opened.note and opened.replan is None
    assert "--scan" in open_plan(folder, None, ()).note


def test_ports() -> None:
    from viewer.app.server import free_port

    assert free_port(0) > 0
    with pytest.raises(UsageError, match="no port"):
        free_port(99999)
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        with pytest.raises(UsageError, match="is taken"):
            free_port(busy.getsockname()[1])


def test_without_opengl_everything_else_works(plan) -> None:
    pytest.importorskip("trame_pyvista", reason="trame-pyvista is not installed: there is no planner")
    from viewer.app.planner import Services
    from viewer.app.server import build, make_server

    session = Session(plan, load_catalogue())
    sentence = f"OpenGL does not work here: install {render.PACKAGES}"
    services = Services(lambda p: Path(), Journal(None), "", lambda: (False, sentence))
    planner = build(make_server("key"), session, None, services)
    state = planner.server.state
    assert planner.screen.stage is None and not state.has_3d and state.no_3d == sentence
    assert "<svg" in state.svg_section and state.implant["diameter"]


def test_no_window_without_a_display(plan, monkeypatch: pytest.MonkeyPatch) -> None:
    from viewer.window import open_window

    monkeypatch.setattr(render, "opengl_works", lambda: (True, "a window"))
    monkeypatch.setattr(render, "has_display", lambda: False)
    with pytest.raises(UsageError, match="no display"):
        open_window(plan)
    monkeypatch.setattr(render, "opengl_works", lambda: (True, "vtkEGLRenderWindow"))  # the display does not answer
    monkeypatch.setattr(render, "has_display", lambda: True)
    with pytest.raises(UsageError, match="no display"):
        open_window(plan)
    monkeypatch.setattr(render, "opengl_works", lambda: (False, "install something"))
    with pytest.raises(UsageError, match="install something"):
        open_window(plan)


def test_a_plan_shows_itself_in_a_notebook(plan) -> None:
    works, why = render.opengl_works()
    if not works:
        pytest.skip(why)
    plotter = plan.show(off_screen=True)
    assert {"implant"} <= set(plotter.actors)
    plotter.close()


def test_a_typed_size_is_one_of_the_catalogue(plan) -> None:
    session = Session(plan, load_catalogue())
    row = sorted(i.diameter_mm for i in session._row("diameter_mm"))
    session.set_size("diameter_mm", row[0])
    assert session.state.fit.implant.diameter_mm == row[0]
    before = session.state
    with pytest.raises(UsageError, match=r"no diameter of 17\.3 mm"):
        session.set_size("diameter_mm", 17.3)
    assert session.state is before


def test_the_preview_is_the_hole_after_the_last_tool(plan) -> None:
    session = Session(plan, load_catalogue())
    session.nudge("anterior_mm", 0.5)
    preview = preview_of(session.state)
    assert preview is not None
    whole = session.complete().fit.reamed
    assert len(whole.passes) > 1
    np.testing.assert_array_equal(preview.reamed.passes[-1].wall_left_mm, whole.passes[-1].wall_left_mm)
    np.testing.assert_array_equal(preview.reamed.bore_radius_mm, whole.bore_radius_mm)
    assert not preview.reamed.passes[-1].contact.any()  # untold, not "none": nothing is hatched


def test_history_is_light_and_comes_back_whole(plan) -> None:
    session = Session(plan, load_catalogue())
    first = session.complete().fit
    for _ in range(2 * KEPT_REAMED):
        session.nudge("anterior_mm", 0.1)
        session.complete()
    assert sum(s.fit.reamed is not None for s in session._past) == KEPT_REAMED
    while session.can_undo:
        session.undo()
    again = session.complete().fit
    assert again.reamed.harvested_cortical_mm3 == first.reamed.harvested_cortical_mm3


def test_findings_are_those_of_the_stem_on_screen(plan) -> None:
    session = Session(plan, load_catalogue())
    assert findings_of(session.state) == plan.findings
    session.step_diameter(-1)
    here, of_old = findings_of(session.complete()), set(plan.chosen.findings) - set(session.state.fit.findings)
    assert set(session.state.fit.findings) <= set(here)
    assert not of_old & set(here) and not {f.code for f in here} & set(OF_PROPOSAL)
    assert {f.code for f in session.edited_plan().findings} >= {f.code for f in here}
    session.undo()
    assert findings_of(session.state) == plan.findings


def test_a_new_search_and_a_new_cut_keep_what_was_found_of_the_scan(plan) -> None:
    coarse = Finding(Level.WARNING, "CF-D022", "The voxels are coarse.")
    spur = Finding(Level.INFO, "CF-S101", "A spur was left out.")
    warned = replace(plan, findings=(coarse, spur, *plan.findings))
    session = Session(warned, load_catalogue(), lambda settings: replace(plan, settings=settings))
    session.search()
    assert {coarse, spur} <= set(session.state.plan.findings)
    session.move_cut(50.0)
    assert coarse in session.state.plan.findings and spur not in session.state.plan.findings  # the bone is found anew


def test_no_browser_is_said_and_the_address_stays(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    import webbrowser

    import viewer.app.server as server
    from canalfit import cli, exit_codes

    def no_browser(url: str) -> bool:
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(render, "opengl_works", lambda: (False, "OpenGL does not work here: install it"))
    monkeypatch.setattr(server, "run", lambda *args, ready, **kwargs: ready("http://127.0.0.1:5000/index.html"))
    for browser in (no_browser, lambda url: False):
        monkeypatch.setattr(webbrowser, "open", browser)
        assert cli.main(["view", str(folder)]) == exit_codes.OK
        said = capsys.readouterr()
        assert said.out == "http://127.0.0.1:5000/index.html\n"
        assert "No browser could be opened from here: copy the address into one." in said.err
        assert "No 3-D picture: OpenGL does not work here: install it. Everything else works." in said.err


def test_one_changed_file_of_the_scan_is_counted(tmp_path: Path, sample_scans: Path) -> None:
    from canalfit.viewing import _check_same
    from dicom_io import read_series
    from sizing.record import InputFile, InputManifest

    read = read_series(sample_scans / "tibia")
    files = [InputFile(path, sha256, uid) for path, sha256, uid in read.manifest]
    _check_same(read, InputManifest(tuple(files)), tmp_path)
    files[3] = replace(files[3], sha256="0" * 64)
    with pytest.raises(CanalfitError, match=f"{len(files)} files, 1 of them not as recorded"):
        _check_same(read, InputManifest(tuple(files)), tmp_path)
