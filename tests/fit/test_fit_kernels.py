"""The fit and search kernels against their slow twins."""

import numpy as np
import oracles_search as oracle
import pytest

from sizing import _fit, _search

pytestmark = pytest.mark.kernel


def blob(seed: int, n: int = 40) -> np.ndarray:
    """An irregular star-shaped contour about a point near the origin."""
    rng = np.random.default_rng(seed)
    theta = np.linspace(0, 2 * np.pi, n, endpoint=False)
    r = 7.0 + 0.8 * np.cos(2 * theta + seed) + 0.3 * rng.standard_normal(n)
    return np.stack([r * np.cos(theta) + 0.5, r * np.sin(theta) - 0.3], axis=-1)


def edges_of(xy: np.ndarray) -> np.ndarray:
    edges = np.empty((*xy.shape[:2], 4))
    _fit.contour_edges(xy, np.hypot(xy[..., 0], xy[..., 1]), edges)
    return edges


@pytest.mark.parametrize("radius", [5.0, 6.6, 7.3, 9.0])
def test_disc_sums(radius: float) -> None:
    xy = np.ascontiguousarray(np.stack([blob(1), blob(2)]))
    area, arc, reach = (np.empty((1, 2)) for _ in range(3))
    _fit.disc_sums(xy, edges_of(xy), np.full((1, 2), radius), area, arc, reach)
    for level in range(2):
        expected_area, expected_arc = oracle.disc_against_contour(xy[level], radius)
        assert area[0, level] == pytest.approx(expected_area, rel=1e-4)  # the twin samples 20000 rays
        assert arc[0, level] == pytest.approx(expected_arc, abs=4 * 2 * np.pi / 20000)
        assert reach[0, level] <= radius * arc[0, level] + 1e-12


def test_a_ray_that_is_not_measured_is_left_out_and_not_counted_as_zero() -> None:
    xy = np.ascontiguousarray(blob(3)[None])
    whole, seen = edges_of(xy), xy.copy()
    seen[0, 5] = np.nan
    edges = edges_of(seen)
    assert np.isnan(edges[0, [4, 5], 3]).all() and np.isfinite(edges[0, 6:, 3]).all()
    area, arc, reach = (np.empty((1, 1)) for _ in range(3))
    _fit.disc_sums(seen, edges, np.full((1, 1), 20.0), area, arc, reach)
    assert area[0, 0] == pytest.approx(whole[0, :, 2].sum() - whole[0, [4, 5], 2].sum())
    assert arc[0, 0] == pytest.approx(2 * np.pi - whole[0, [4, 5], 3].sum())


def tube(seed: int, n: int = 12) -> np.ndarray:
    """Contours (m, n, 3) across z that wander from side to side."""
    z = np.arange(-3.0, 12.0, 1.3)
    return np.stack([np.column_stack([blob(seed, n) + 0.1 * np.sin(t), np.full(n, t)]) for t in z])


def pose_near_z() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return oracle.squared(np.array([0.2, -0.1, 0.3]), np.array([0.05, 0.02, 1.0]), np.array([1.0, 0.0, 0.0]))


def what(bow: float, high: float, tilt_rad: float = 0.2) -> np.ndarray:
    """A task from the plane z = 0 on, within a cone about z."""
    return np.array([bow, 0.0, high, high, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, tilt_rad])


def scratch(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    m, n = points.shape[:2]
    return np.empty((n, 4)), np.empty(((m + 2) * n, 5))


@pytest.mark.parametrize("bow", [0.0, 900.0])
def test_points_that_count(bow: float) -> None:
    points = tube(5)
    points[4, 3] = np.nan
    margin = np.random.default_rng(4).uniform(0, 1, points.shape[:2])
    entry, d, x = pose_near_z()
    before, counted = scratch(points)
    least, n = _search.least_room(points, margin, np.concatenate([entry, d, x]), what(bow, 8.0), before, counted)
    expected = oracle.counted_points(points, margin, entry, np.stack([d, x, np.cross(d, x)]), bow, 8.0)
    px, py, along, far, room = counted[:n].T
    travel = bow * np.arctan2(along, far) if bow else along
    # A point between two levels is interpolated in the tangent of the angle: 1e-9 mm at 1 mm in 900.
    np.testing.assert_allclose(np.column_stack([px, py, travel, room]), expected, atol=1e-8)
    assert least == room.min()


def test_an_axis_outside_its_cone_has_no_clearance() -> None:
    points = tube(5)
    pose = np.concatenate(pose_near_z())  # 3 degrees off z
    zero = np.zeros(points.shape[:2])
    assert _search.least_room(points, zero, pose, what(0.0, 8.0, 0.06), *scratch(points))[0] > 0
    assert _search.least_room(points, zero, pose, what(0.0, 8.0, 0.05), *scratch(points))[0] == -np.inf


@pytest.mark.parametrize("bow", [0.0, 40.0])
@pytest.mark.parametrize("seed", [5, 6, 7])
def test_climb(seed: int, bow: float) -> None:
    points, start = tube(seed), pose_near_z()
    margin = np.random.default_rng(seed).uniform(0, 1, points.shape[:2])
    pose, (before, counted) = np.concatenate(start), scratch(points)
    rows = np.empty((len(counted) + 19, 6))
    found = _search.climb(
        points, margin, pose, what(bow, 8.0), 3.0, 1e-3, 1e-3, 6.0, 40, before, counted, rows, np.empty(len(rows))
    )
    expected, clear = oracle.climb(points, margin, start, bow, 8.0, np.array([0.0, 0.0, 1.0]), 0.2)
    assert found == pytest.approx(clear, abs=2e-3)  # both stop when a round gains less than half of this
    ours = (pose[:3], pose[3:6], pose[6:])
    assert found == pytest.approx(oracle.least_room(points, margin, ours, bow, 8.0), abs=1e-8)
    assert pose[2] == pytest.approx(0.0, abs=1e-6)  # it enters at the plane
    assert expected[0][2] == pytest.approx(0.0, abs=1e-6)
    assert np.linalg.norm(ours[1]) == pytest.approx(1.0) and ours[1] @ ours[2] == pytest.approx(0.0, abs=1e-12)


def widest(
    normals: np.ndarray, offsets_mm: np.ndarray, box: np.ndarray, reach: np.ndarray
) -> tuple[np.ndarray, float] | None:
    """Lay out the programme's rows for the kernel; None where it finds no optimum."""
    n, k = normals.shape
    big = float(np.abs(offsets_mm).max() + np.abs(normals).sum(axis=1).max() * box.max() + 1.0)
    rows = np.zeros((n + 2 * k + 1, k + 1))
    rows[:n, :k], rows[:n, k] = normals, reach
    rows[n : n + k, :k], rows[n + k : n + 2 * k, :k], rows[-1, k] = np.eye(k), -np.eye(k), 1.0
    vertex = np.zeros(k + 1)
    basis = np.append(np.arange(n, n + k), n + 2 * k)
    done = _search.widest(rows, np.concatenate([offsets_mm, box, box, [big]]), k, basis, vertex, 1e-10, 500)
    return (vertex[:k], float(vertex[k])) if done else None


@pytest.mark.parametrize("seed", range(6))
def test_linear_programme(seed: int) -> None:
    rng = np.random.default_rng(seed)
    normals = rng.standard_normal((300, 5))
    offsets = rng.uniform(2.0, 9.0, 300)
    reach = (rng.uniform(size=300) > 0.2).astype(float)
    box = np.full(5, 2.0)
    found = widest(normals, offsets, box, reach)
    assert found is not None
    v, r = found
    expected_v, expected_r = oracle.widest_clearance(normals, offsets, box, reach)
    assert r == pytest.approx(expected_r, abs=1e-9)
    assert np.all(normals @ v + reach * r <= offsets + 1e-8) and np.all(np.abs(v) <= box + 1e-9)
    np.testing.assert_allclose(v, expected_v, atol=1e-7)


def test_what_cannot_hold_is_told() -> None:
    # x <= -3 and |x| <= 2 cannot hold together.
    rows, offsets = np.array([[1.0], [1.0]]), np.array([5.0, -3.0])
    assert widest(rows, offsets, np.array([2.0]), np.array([1.0, 0.0])) is None
