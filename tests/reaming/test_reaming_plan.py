"""Reaming against answers known on paper, at the accuracy of plain rays."""

import numpy as np
import pytest
from analytic_shapes import stack

from sizing.errors import ReamingError
from sizing.reaming import (
    Reamer,
    ReamerPass,
    ReamerSet,
    ReamingPlan,
    ToolAxis,
    default_reamer_set,
    ream,
    reaming_plan,
)


def straight_canal(depth=101, inner=(7.0, 5.5), outer=(13.0, 12.0)):
    return stack(*inner, *outer, np.arange(float(depth)))


def test_default_set_runs_from_8_to_24_by_half_millimetres():
    d = default_reamer_set().diameters_mm
    assert (d[0], d[-1], len(d)) == (8.0, 24.0, 33)


def test_plan_stops_at_the_last_size_and_refuses_one_that_is_not_there():
    axis = ToolAxis(np.zeros(3), np.array([0, 0, 1.0]))
    plan = reaming_plan(default_reamer_set(), axis, 12.0, 80.0, first_diameter_mm=10.0)
    assert [p.reamer.diameter_mm for p in plan.passes] == [10.0, 10.5, 11.0, 11.5, 12.0]
    with pytest.raises(ReamingError, match=r"CF-R004.*12\.3 mm"):
        reaming_plan(default_reamer_set(), axis, 12.3, 80.0)


@pytest.mark.parametrize("sizes", [(10.0, 10.0), (12.0, 11.0), (0.0, 8.0), (-8.0, 9.0), (np.nan, 8.0)])
def test_sizes_that_do_not_grow_are_refused(sizes):
    with pytest.raises(ReamingError):
        ReamerSet("x", tuple(Reamer(d) for d in sizes))


def test_sum_of_passes_is_one_big_pass():
    canal = straight_canal()
    axis = ToolAxis(np.array([0.5, -0.3, 0.0]), np.array([0.01, 0.0, 1.0]))
    many = ream(canal, reaming_plan(default_reamer_set(), axis, 13.0, 80.0))
    one = ream(canal, ReamingPlan((ReamerPass(Reamer(13.0), axis, 80.0),)))
    assert many.harvested_cortical_mm3 == pytest.approx(one.harvested_cortical_mm3, rel=1e-12)
    again = ream(canal, ReamingPlan((*one.plan.passes, ReamerPass(Reamer(10.0), axis, 80.0), one.plan.passes[0])))
    assert [p.removed_cortical_mm3 for p in again.passes[1:]] == [0.0, 0.0]
