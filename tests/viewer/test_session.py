"""The planner's state: each change is the fit's own number, can be taken back, and ends a review."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import example_case
import numpy as np
import pytest

from sizing.errors import UsageError
from sizing.fit import fit_implant
from sizing.implants import load_catalogue
from sizing.record import plan_from_record, plan_to_record
from viewer.app.journal import Journal
from viewer.app.moves import Move, across, moved
from viewer.app.session import Session


def opened(family: str = "generic-pressfit-straight", **changes: object) -> Session:
    return Session(example_case.make_plan(family=family), load_catalogue(), **changes)


def numbers(fit: object) -> tuple:
    return (fit.wall_min_mm, fit.contact_share, fit.canal_fill_volume, fit.gap_mm3, fit.score.total)


def test_it_opens_with_the_plans_own_choice() -> None:
    s = opened()
    assert s.state.fit is s.plan.chosen and s.state.status == "DRAFT" and not s.can_undo


def test_size_up_and_down_are_the_plans_own_rows() -> None:
    s = opened()
    before = s.state.fit
    s.step_diameter(1)
    assert s.state.fit.implant.diameter_mm == before.implant.diameter_mm + 0.5
    row = next(f for f in s.plan.fits if f.implant.part_number == s.state.fit.implant.part_number)
    assert numbers(s.state.fit) == numbers(row)
    s.step_diameter(-1)
    assert numbers(s.state.fit) == numbers(before)
    s.step_diameter(500)
    largest = max(i.diameter_mm for i in s.implants() if i.family_id == before.implant.family_id)
    assert s.state.fit.implant.diameter_mm == largest  # stays at the end of the row


def test_a_moved_stem_is_measured_where_it_is_and_keeps_its_place() -> None:
    s = opened()
    s.nudge("anterior_mm", 0.5)
    s.nudge("tilt_lateral_deg", 0.5)
    axis = moved(s.plan.chosen.placement.axis, Move(anterior_mm=0.5, tilt_lateral_deg=0.5), s.plan.canal)
    again = fit_implant(s.state.context, s.state.fit.implant, axis)
    assert numbers(again) == numbers(s.state.fit)
    assert numbers(again) != numbers(s.plan.chosen)
    s.step_diameter(-1)
    assert np.allclose(s.state.fit.placement.axis.entry_lps, axis.entry_lps) and not s.state.move.none


def test_moves_go_where_their_names_say() -> None:
    plan = example_case.make_plan()
    axis, canal = plan.chosen.placement.axis, plan.canal
    anterior, lateral = across(canal, axis)
    assert anterior[1] < -0.9 and lateral[0] < -0.9  # LPS: anterior is -y; lateral of a right leg is -x
    assert np.allclose(moved(axis, Move(lateral_mm=2.0), canal).entry_lps - axis.entry_lps, 2.0 * lateral)
    deeper = moved(axis, Move(along_mm=3.0), canal).entry_lps - axis.entry_lps
    assert np.allclose(deeper, 3.0 * axis.direction_lps)
    tilted = moved(axis, Move(tilt_anterior_deg=2.0), canal).direction_lps
    assert np.degrees(np.arccos(tilted @ axis.direction_lps)) == pytest.approx(2.0)
    assert tilted @ anterior > 0


def test_a_bowed_stem_turns_about_its_own_axis() -> None:
    plan = example_case.make_plan(family="generic-pressfit-curved")
    axis = plan.fits[0].placement.axis
    turned = moved(axis, Move(turn_deg=90.0), plan.canal)
    assert np.allclose(turned.direction_lps, axis.direction_lps)
    assert turned.bow_centre_lps @ axis.bow_centre_lps == pytest.approx(0.0, abs=1e-12)
    tilted = moved(axis, Move(tilt_anterior_deg=3.0), plan.canal)
    assert tilted.bow_centre_lps @ tilted.direction_lps == pytest.approx(0.0, abs=1e-12)


def test_undo_and_redo_walk_through_every_change() -> None:
    s = opened()
    seen = [s.state]
    for change in (lambda: s.step_diameter(1), lambda: s.nudge("along_mm", 1.0), lambda: s.set_wall_limit(3.0),
                   lambda: s.step_length(-1)):  # fmt: skip
        change()
        seen.append(s.state)
    for state in reversed(seen[:-1]):
        s.undo()
        assert s.state is state
    s.undo()
    assert s.state is seen[0]
    for state in seen[1:]:
        s.redo()
        assert s.state is state
    s.step_diameter(-1)
    assert not s.can_redo


def test_reset_can_be_undone() -> None:
    s = opened()
    s.nudge("anterior_mm", 1.0)
    changed = s.state
    s.reset()
    assert numbers(s.state.fit) == numbers(s.plan.chosen) and s.state.move.none
    s.undo()
    assert s.state is changed


def test_a_locked_plan_does_not_change() -> None:
    s = opened()
    s.nudge("anterior_mm", 1.0)
    s.locked = True
    here = s.state
    for change in (lambda: s.step_diameter(1), lambda: s.set_move("along_mm", 2.0), s.undo, s.reset,
                   lambda: s.review("A", "2026-01-01"), s.search):  # fmt: skip
        with pytest.raises(UsageError, match="locked"):
            change()
    assert s.state is here


def test_any_change_ends_a_review() -> None:
    s = opened()
    s.review("Dr. Example", "2026-01-14")
    assert s.state.status == "REVIEWED by Dr. Example, 2026-01-14"
    s.nudge("along_mm", 0.5)
    assert s.state.status == "DRAFT"
    s.undo()
    assert s.state.status.startswith("REVIEWED")
    with pytest.raises(UsageError, match="name"):
        s.review("  ", "2026-01-14")


def test_the_limit_judges_again_and_marks_the_ranking_as_old() -> None:
    s = opened()
    wall = s.state.fit.wall_min_mm
    limit = round(s.state.fit.reamed_wall_min_mm + 0.1, 2)
    s.set_wall_limit(limit)
    assert s.state.fit.wall_min_mm == wall and s.state.fit.rejected and not s.state.ranking_current
    s.search()
    assert s.state.ranking_current and s.state.plan.settings.wall_limit_mm == limit


def test_what_is_saved_is_what_is_on_the_screen() -> None:
    s = opened(parent_plan_sha256="ef" * 32)
    s.step_diameter(-1)
    s.nudge("lateral_mm", 0.5)
    s.review("Dr. Example", "2026-01-14")
    record = plan_to_record(s.edited_plan())
    again = plan_from_record(record)
    assert numbers(again.chosen) == numbers(s.state.fit)
    assert again.ancestry.parent_plan_sha256 == "ef" * 32
    assert again.ancestry.changes == (f"implant {s.state.fit.implant.part_number}", "stem 0.5 mm lateral")
    assert record["state"] == "REVIEWED by Dr. Example, 2026-01-14"
    assert [f.implant.diameter_mm for f in again.neighbours] == [f.implant.diameter_mm for f in s.neighbours()]
    assert len(again.fits) == len(s.plan.fits)


def test_the_cut_needs_the_scan() -> None:
    s = opened()
    with pytest.raises(UsageError, match="scan"):
        s.move_cut(130.0)
    other = replace(s.plan, settings=replace(s.plan.settings, resect_at_mm=130.0))
    s = opened(replan=lambda settings: other if settings.resect_at_mm == 130.0 else None)
    s.move_cut(130.0)
    assert s.state.plan is other
    s.undo()
    assert s.state.plan is s.plan


def test_comparing_keeps_the_first_and_ends_on_the_second_call() -> None:
    s = opened()
    first = s.complete().fit
    s.compare()
    s.step_diameter(1)
    assert s.compared.fit is first
    s.compare()
    assert s.compared is None


def test_the_journal_forgets_what_is_back_where_it_began(tmp_path: Path) -> None:
    session = Session(example_case.make_plan(), load_catalogue(), example_case.cut_again, parent_plan_sha256="ef" * 32)
    journal = Journal(tmp_path / "journal.json")
    session.step_diameter(1)
    journal.keep(session)
    assert journal.path.is_file()
    session.reset()
    journal.keep(session)
    assert not journal.path.exists() and journal.restore(session) == ""
