"""What reaming refuses, and what it calls not measured: never a zero that looks like an answer."""

from __future__ import annotations

import numpy as np
import pytest

from sizing.canal import Canal, parallel_axis
from sizing.errors import ReamingError
from sizing.reaming import (
    Reamer,
    ReamerPass,
    ReamerSet,
    ToolAxis,
    default_reamer_set,
    evaluate,
    evaluate_grid,
    evaluate_profiles,
    ream,
    reaming_plan,
)
from sizing.reaming.astray import AstraySettings

Z = np.arange(0.0, 61.0, 2.0)
THETA = np.arange(64) * 2 * np.pi / 64
UP = ToolAxis(np.zeros(3), np.array([0.0, 0.0, 1.0]))
DOWN = ToolAxis(np.zeros(3), np.array([0.0, 0.0, -1.0]))


def tube(inner: float = 6.0, outer: float = 11.0) -> Canal:
    return Canal(parallel_axis(Z), THETA, np.full((31, 64), inner), np.full((31, 64), outer))


CASES = {
    "no size": ("CF-R002", lambda: evaluate(tube(), UP, [], 40.0)),
    "size of zero": ("CF-R002", lambda: evaluate(tube(), UP, [0.0, 12.0], 40.0)),
    "sizes that shrink": ("CF-R002", lambda: evaluate(tube(), UP, [12.0, 11.0], 40.0)),
    "a set that repeats a size": ("CF-R002", lambda: ReamerSet("x", (Reamer(9.0), Reamer(9.0)))),
    "negative reamer": ("CF-R001", lambda: Reamer(-1.0)),
    "depth that is no number": ("CF-R005", lambda: ReamerPass(Reamer(9.0), UP, float("nan"))),
    "depth below zero": ("CF-R005", lambda: evaluate(tube(), UP, [12.0], -3.0)),
    "no axis": ("CF-R005", lambda: evaluate_grid(tube(), [], [12.0], 40.0)),
    "three depths for two axes": ("CF-R005", lambda: evaluate_grid(tube(), [UP, UP], [12.0], [40.0, 30.0, 20.0])),
    "axis without direction": ("CF-R003", lambda: ToolAxis(np.zeros(3), np.zeros(3))),
    "axis nowhere": ("CF-R003", lambda: ToolAxis(np.full(3, np.nan), np.array([0.0, 0.0, 1.0]))),
    "axis in a plane": ("CF-R003", lambda: ToolAxis(np.zeros(2), np.array([0.0, 0.0, 1.0]))),
    "axis that points out of the bone": ("CF-R008", lambda: evaluate(tube(), DOWN, [12.0], 40.0)),
    "nothing measured": ("CF-R023", lambda: evaluate(tube(np.nan, np.nan), UP, [12.0], 40.0)),
    "stems of other levels": ("CF-R002", lambda: evaluate_profiles(tube(), UP, np.ones((2, 5)))),
    "a size in words": ("CF-R001", lambda: Reamer("12")),
    "a size that is true": ("CF-R001", lambda: Reamer(True)),
    "a barrel in words": ("CF-R009", lambda: Reamer(9.0, barrel_length_mm="long")),
    "a chamfer in words": ("CF-R009", lambda: Reamer(9.0, chamfer_half_angle_deg="45")),
    "a profile in words": ("CF-R009", lambda: Reamer(9.0, profile_mm=[["0", "4"], ["9", "3"]])),
    "a set of numbers": ("CF-R002", lambda: ReamerSet("x", (9.0, 10.0))),
    "an empty set": ("CF-R002", lambda: ReamerSet("x", ())),
    "depth of a pass in words": ("CF-R005", lambda: ReamerPass(Reamer(9.0), UP, "80")),
    "sizes in words": ("CF-R002", lambda: evaluate(tube(), UP, ["12", "13"], 40.0)),
    "depth in words": ("CF-R005", lambda: evaluate(tube(), UP, [12.0], "deep")),
    "depths in words": ("CF-R005", lambda: evaluate_grid(tube(), [UP], [12.0], "deep")),
    "last size in words": ("CF-R004", lambda: reaming_plan(default_reamer_set(), UP, "12", 80.0)),
    "axis in words": ("CF-R003", lambda: ToolAxis("here", np.array([0.0, 0.0, 1.0]))),
    "bow in words": ("CF-R003", lambda: ToolAxis(np.zeros(3), [0.0, 0.0, 1.0], "900", np.array([1.0, 0.0, 0.0]))),
    "bow towards nowhere": ("CF-R003", lambda: ToolAxis(np.zeros(3), [0.0, 0.0, 1.0], 900.0, "left")),
    "wall limit in words": ("CF-R014", lambda: AstraySettings(wall_limit_mm="thick")),
    "half a pose": ("CF-R014", lambda: AstraySettings(n_poses=0.5)),
    "stem of negative radius": ("CF-R002", lambda: evaluate_profiles(tube(), UP, -np.ones((1, 31)))),
}


@pytest.mark.parametrize("name", CASES)
def test_one_clear_error(name):
    code, act = CASES[name]
    with pytest.raises(ReamingError) as caught:
        act()
    assert caught.value.code == code
    assert "\n" not in str(caught.value)


def test_a_set_with_sizes_missing_tells_them_and_reaming_with_it_says_so():
    tray = ReamerSet("mine", tuple(Reamer(d) for d in (11.0, 11.5, 12.0, 15.0, 15.5, 18.0)))
    assert tray.jumps_mm(0.5) == ((12.0, 15.0), (15.5, 18.0))
    assert tray.jumps_mm(2.5) == ((12.0, 15.0),)
    reamed = ream(tube(), reaming_plan(tray, UP, 15.5, 40.0))
    (finding,) = [f for f in reamed.findings if f.code == "CF-R024"]
    assert finding.level == "warning" and "3 mm larger" in finding.message
    assert "CF-R024" not in [f.code for f in ream(tube(), reaming_plan(tray, UP, 12.0, 40.0)).findings]


def test_an_axis_of_a_grid_that_meets_no_level_is_not_a_zero():
    found = evaluate_grid(tube(), [UP, DOWN], [13.0], 40.0)
    assert found.removed_cortical_mm3[0, 0] > 0
    for values in (found.removed_cortical_mm3, found.removed_outside_mm3, found.engaged_mm2, found.wall_min_mm):
        assert np.isnan(values[1, 0])


def test_a_canal_is_shown_in_a_line():
    assert repr(tube()) == "<Canal 31 levels x 64 rays, depth 0.0 to 60.0 mm, 100% measured>"
