"""The fit and search kernels against their slow twins."""

import numpy as np
import oracles_search as oracle
import pytest

from sizing import _fit, _search
from sizing.reaming.widest import widest_clearance

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


@pytest.mark.parametrize("bow", [0.0, 900.0])
def test_counted_points(bow: float) -> None:
    rng = np.random.default_rng(4)
    z = np.arange(-3.0, 12.0, 1.3)
    points = np.stack([np.column_stack([blob(5, 12), np.full(12, t)]) for t in z])
    points[4, 3] = np.nan
    margin = rng.uniform(0, 1, points.shape[:2])
    d = np.array([0.05, 0.02, 1.0]) / np.linalg.norm([0.05, 0.02, 1.0])
    x = np.cross([0.0, 1.0, 0.0], d) / np.linalg.norm(np.cross([0.0, 1.0, 0.0], d))
    frame = np.stack([d, x, np.cross(d, x)])
    entry = np.array([0.2, -0.1, 0.3])
    count = (len(z) + 2) * 12
    position, travel, room = np.empty((count, 2)), np.empty(count), np.empty(count)
    n = _search.counted_points(points, margin, entry, frame, bow, 8.0, np.empty((12, 3)), position, travel, room)
    expected = oracle.counted_points(points, margin, entry, frame, bow, 8.0)
    np.testing.assert_allclose(np.column_stack([position, travel, room])[:n], expected, atol=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_linear_programme(seed: int) -> None:
    rng = np.random.default_rng(seed)
    normals = rng.standard_normal((300, 5))
    offsets = rng.uniform(2.0, 9.0, 300)
    reach = (rng.uniform(size=300) > 0.2).astype(float)
    box = np.full(5, 2.0)
    v, r = widest_clearance(normals, offsets, box, reach)
    expected_v, expected_r = oracle.widest_clearance(normals, offsets, box, reach)
    assert r == pytest.approx(expected_r, abs=1e-9)
    assert np.all(normals @ v + reach * r <= offsets + 1e-8) and np.all(np.abs(v) <= box + 1e-9)
    np.testing.assert_allclose(v, expected_v, atol=1e-7)


def test_what_cannot_hold_is_told() -> None:
    # x <= -3 and |x| <= 2 cannot hold together.
    v, r = widest_clearance(np.array([[1.0], [1.0]]), np.array([5.0, -3.0]), np.array([2.0]), np.array([1.0, 0.0]))
    assert r == -np.inf and np.all(v == 0)
