"""Borders of colour bands on a surface: where they must lie is known on paper."""

from __future__ import annotations

import example_case
import numpy as np
import pytest

import viewer.style as style
from viewer.isolines import ValuedTriangles, isolines
from viewer.mesh import Mesh, grid_triangles
from viewer.scene import SceneOptions, plan_scene


def sheet(values) -> Mesh:
    """A flat sheet of 21 x 31 points, 1 mm apart, with ``values(x, y)``."""
    x, y = np.meshgrid(np.arange(31.0), np.arange(21.0))
    points = np.stack([x, y, 0 * x], axis=-1).reshape(-1, 3)
    return Mesh("sheet", points, grid_triangles(21, 31, wrap=False), values(points[:, 0], points[:, 1]))


def length_mm(segments: np.ndarray) -> float:
    return float(np.linalg.norm(segments[:, 1] - segments[:, 0], axis=1).sum())


def test_a_linear_value_is_crossed_on_its_straight_line() -> None:
    found = ValuedTriangles.of(sheet(lambda x, y: 0.3 * x + 0.4 * y)).crossings(5.0)
    assert found.reshape(-1, 3) @ [0.3, 0.4, 0.0] == pytest.approx(5.0, abs=1e-12)  # linear in each triangle: exact
    # from (0, 12.5) to (16.67, 0): the line's whole length within the sheet, in pieces that meet
    assert length_mm(found) == pytest.approx(np.hypot(12.5, 5.0 / 0.3), abs=1e-9)


def test_a_value_that_falls_on_points_is_crossed_once() -> None:
    found = ValuedTriangles.of(sheet(lambda x, y: x)).crossings(7.0)
    assert np.all(found[..., 0] == 7.0) and length_mm(found) == pytest.approx(20.0, abs=1e-12)


def test_unknown_values_have_no_line() -> None:
    found = ValuedTriangles.of(sheet(lambda x, y: np.where(y < 10.5, x, np.nan))).crossings(7.5)
    assert found[..., 1].max() == 10.0 and length_mm(found) == pytest.approx(10.0, abs=1e-12)
    assert len(ValuedTriangles.of(sheet(lambda x, y: 0 * x)).crossings(1.0)) == 0


def test_the_limit_is_told_from_the_other_borders() -> None:
    made = isolines([(sheet(lambda x, y: x - 1.0), style.wall_bands(2.0))])
    assert np.unique(made.limit_lps[..., 0]) == pytest.approx([3.0])
    assert np.unique(made.borders_lps[..., 0]) == pytest.approx([1.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0])  # breach; 1 mm


def test_lines_of_a_plan_lie_on_what_is_shown() -> None:
    plan, _ = example_case.make_case()
    inside = plan_scene(plan).isolines()
    hidden = plan_scene(plan, options=SceneOptions(bone="hidden")).isolines()
    assert len(inside.borders_lps) > 0 and len(hidden.borders_lps) == len(hidden.limit_lps) == 0
    a = plan.canal.axis
    away = np.linalg.norm(inside.borders_lps.reshape(-1, 1, 3) - a.points_lps[None, ::5], axis=2).min(axis=1)
    assert away.max() < np.nanmax(plan.canal.periosteal_radius_mm)
