"""Slices show the place they claim, and curves lie on the edges in the pixels."""

from __future__ import annotations

from dataclasses import replace

import example_case
import numpy as np
import pytest

from sizing.geometry import VolumeGeometry
from sizing.reaming.model import ToolAxis
from sizing.volume import CtVolume
from viewer import contours, panes, slices
from viewer.section_pane import section_edges
from viewer.shown import shown_part
from viewer.stem_frame import StemFrame

SETTINGS = panes.PaneSettings()


@pytest.mark.parametrize("bow", [None, 600.0])
def test_stem_frame_goes_there_and_back(bow: float | None) -> None:
    axis = ToolAxis(np.array([3.0, -4.0, 50.0]), np.array([0.1, 0.2, 1.0]), bow,
                    None if bow is None else np.array([0.3, -1.0, 0.1]))  # fmt: skip
    frame = StemFrame.of(axis, [0.0, -1.0, 0.0])
    local = np.random.default_rng(1).uniform((-15, -15, -10), (15, 15, 160), (200, 3))
    back = frame.from_lps(frame.to_lps(local[:, 0], local[:, 1], local[:, 2]))
    assert np.allclose(back, local, atol=1e-9)
    assert np.allclose(frame.to_lps(0.0, 0.0, local[:, 2]), axis.point_at(local[:, 2]))


def test_pictures_have_medial_and_lateral_on_the_right_sides() -> None:
    plan, _ = example_case.make_case()
    edges = section_edges(plan.canal, 10)
    assert edges == ("lat", "med", "post", "ant")  # a right leg seen from the cut end: patient's right is on the left
    left = section_edges(example_case.make_canal(example_case.Side.LEFT), 10)
    assert left == ("med", "lat", "post", "ant")
    pane = panes.long_pane(plan.canal, plan.chosen, "sagittal", None, SETTINGS)
    assert pane.edges[:2] == ("ant", "post")
    # Side words stand clear of the level numbers, which stand on their level and take the lower half of a step in a
    # small picture: in the middle of the upper half, as near the picture's middle as that goes.
    assert pane.sides_at is not None and pane.sides_at % panes.MARKS_MM == 0.75 * panes.MARKS_MM
    assert abs(pane.sides_at - sum(pane.y_range) / 2) <= panes.MARKS_MM / 2
    assert panes.long_pane(plan.canal, plan.chosen, "coronal", None, SETTINGS).edges[:2] == ("lat", "med")


@pytest.mark.parametrize("plane", ["coronal", "sagittal"])
def test_curves_on_the_slice_lie_on_the_grey_edge(plane: str) -> None:
    """Half way between marrow and cortex along each row must lie the drawn canal edge."""
    plan, volume = example_case.make_case()
    frame = contours.stem_frame(plan.chosen, plan.canal)
    hu, box = slices.slice_along_stem(volume, frame, plane, (-20.0, 20.0), (10.0, 130.0), 0.2)
    x = box[0] + 0.2 * (np.arange(hu.shape[1]) + 0.5)
    t = box[3] - 0.2 * (np.arange(hu.shape[0]) + 0.5)
    half = (example_case.CORTEX_HU + example_case.MARROW_HU) / 2
    left, right = contours.surface_on_slice(plan.canal, frame, plane, "endosteal")
    errors = []
    for edge, grows in ((left, False), (right, True)):
        drawn = np.interp(t, edge[:, 1], edge[:, 0])
        for row, want in zip(hu[::20], drawn[::20], strict=True):
            near = np.abs(x - want) < 2.0
            crossing = np.flatnonzero(np.diff((row[near] > half).astype(int)) == (1 if grows else -1))
            assert len(crossing) >= 1
            errors.append(np.min(np.abs(x[near][crossing] + 0.1 - want)))
    # the painted CT has voxels of 0.8 mm with hard edges: an edge is seen within about half a voxel's diagonal
    assert np.max(errors) < 0.8 and np.mean(errors) < 0.3


def test_the_cylinder_on_an_oblique_section_lies_on_the_cylinder_and_in_the_plane() -> None:
    plan, _ = example_case.make_case()
    axis = contours.stem_axis(plan.chosen)
    level = 20
    curve = contours.cylinder_on_section(plan.canal, level, axis, 7.5)
    c = plan.canal.axis
    points = c.points_lps[level] + curve[:, :1] * c.v_lps[level] + curve[:, 1:] * c.u_lps[level]
    local = StemFrame.of(axis, c.u_lps[0]).from_lps(points)
    assert np.allclose(np.hypot(local[:, 0], local[:, 1]), 7.5, atol=1e-9)


def test_outside_the_scan_is_not_a_grey_of_tissue() -> None:
    _, volume = example_case.make_case()
    far = np.array([[1e4, 0.0, 0.0]])
    assert np.isnan(slices.sample_hu(volume, far)).all()
    assert slices.to_grey(slices.sample_hu(volume, far))[0] == slices.OUTSIDE_GREY


def test_the_part_that_pictures_show_is_the_same_scan() -> None:
    plan, _ = example_case.make_case()
    axis = plan.canal.axis.points_lps
    low, step = axis.min(axis=0) - 200.0, 2.0
    shape = tuple(np.ceil((np.ptp(axis, axis=0) + 400.0) / step).astype(int)[::-1].tolist())
    affine = np.array([[0, 0, step, low[0]], [0, step, 0, low[1]], [step, 0, 0, low[2]], [0, 0, 0, 1.0]])
    hu = np.random.default_rng(1).integers(-1000, 2000, shape, dtype=np.int16)
    volume = CtVolume(hu, VolumeGeometry(shape, affine), unmeasured_slices=(3, shape[0] // 2))
    part = shown_part(volume, plan.canal)
    assert part.hu.size < volume.hu.size / 2
    near = axis[::5] + np.array([40.0, -30.0, 5.0])
    # Grey values differ by the rounding of indices alone.
    np.testing.assert_allclose(slices.sample_hu(part, near), slices.sample_hu(volume, near), atol=1e-3)
    (kept,) = part.unmeasured_slices
    np.testing.assert_array_equal(part.hu[kept], hu[shape[0] // 2][np.ix_(*_kept(part, volume))])
    assert shown_part(part, plan.canal) is part


def _kept(part: CtVolume, volume: CtVolume) -> tuple[range, range]:
    start = np.round(volume.geometry.lps_to_index(part.geometry.index_to_lps([0.0, 0.0, 0.0]))).astype(int)
    _, rows, columns = part.geometry.shape
    return range(start[1], start[1] + rows), range(start[2], start[2] + columns)


def test_a_hole_in_the_wall_is_a_gap_on_its_own_side() -> None:
    """Rays of the lateral side are unknown at some levels: the medial edge goes on, and no line crosses the canal."""
    whole = example_case.make_canal()
    hole = np.cos(whole.theta_rad - 1.5 * np.pi) > 0.8  # about -v, at the level of the slice
    inner = whole.endosteal_radius_mm.copy()
    inner[40:50, hole] = np.nan
    canal = replace(whole, endosteal_radius_mm=inner)
    frame = contours.chord_frame(canal)
    before = contours.surface_on_slice(whole, frame, "coronal", "endosteal")
    after = contours.surface_on_slice(canal, frame, "coronal", "endosteal")
    gaps = [np.flatnonzero(np.isnan(edge[:, 0])) for edge in after]
    assert sorted(len(g) for g in gaps) == [0, 10]
    assert np.array_equal(max(gaps, key=len), np.arange(40, 50))
    for old, new in zip(before, after, strict=True):
        known = np.isfinite(new[:, 0])
        assert np.array_equal(old[known], new[known])
