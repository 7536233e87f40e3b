"""The fit kernel against a slow twin, and the ray samplers against scipy."""

import numpy as np
import pytest
from oracles_canal import wall_profile
from scipy.ndimage import map_coordinates

from sizing import _edges, _wallfit

pytestmark = pytest.mark.kernel

NOISE = 10.0


def scan_row(sigma=0.5, ring=0.0, step=0.35, decay=2.5):
    lags = np.eye(1, _wallfit.N_LAGS)[0]
    return np.concatenate([[step, sigma, 0.4, ring, NOISE, decay, 5.0, 2.5, 400.0, 300.0], lags])


def ray_row(start, direction, spacing, cortex=1500.0, cortex_sd=150.0, fade_sd=0.0):
    """One ray in a grid of ``spacing`` (slice, row, column) mm, surfaces perpendicular to it."""
    d = np.asarray(direction, float)
    along = d * spacing  # mm along the ray per voxel step
    step = 0.35 * d / spacing
    across = d[0] ** 2
    shares = [1 - across, across]
    return np.concatenate([start, step, along, along, shares, shares, [cortex, cortex_sd, fade_sd]])[None]


def slab_volume(direction, spacing, origin, params, sigma, sigma_slice, ring=0.0):
    """A flat wall across the ray, sampled voxel by voxel from the model with the scanner's blur alone."""
    shape = (24, 64, 64)
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    r = ((index - origin) * spacing) @ direction
    across = direction[0] ** 2
    blur = np.sqrt(sigma**2 * (1 - across) + sigma_slice**2 * across)
    wide = np.sqrt((2 * sigma) ** 2 * (1 - across) + sigma_slice**2 * across)
    return wall_profile(r, params, blur, wide, ring)


@pytest.mark.parametrize("ring", [0.0, 0.3])
@pytest.mark.parametrize("lean_deg", [0.0, 30.0])
@pytest.mark.parametrize(("fade", "fade_sd"), [(0.0, 0.0), (0.3, 0.0), (0.3, 1.0)])
def test_the_fit_finds_what_the_profile_was_made_of(ring, lean_deg, fade, fade_sd):
    spacing = np.array([1.0, 0.7, 0.7])
    lean, turn = np.radians(lean_deg), 0.3
    direction = np.array([np.sin(lean), np.cos(lean) * np.sin(turn), np.cos(lean) * np.cos(turn)])
    origin = np.array([10.3, 20.4, 12.2])
    truth = np.array([6.13, 9.42 + 2 * fade, 30.0, 200.0, 1480.0, 55.0, fade])
    hu = slab_volume(direction, spacing, origin, truth, 0.5, 0.4, ring)
    hu = np.ascontiguousarray(np.round(hu), np.int16)
    params = np.array([[6.4, 9.2, 0.0, 0.0, 1500.0, 0.0, 0.0 if fade_sd else fade]])
    stats, lags = np.empty((1, _wallfit.N_STATS)), np.zeros((2, _wallfit.N_LAGS))
    row = ray_row(origin, direction, spacing, fade_sd=fade_sd)
    _wallfit.fit_walls(hu, row, scan_row(ring=ring), params, stats, lags, 20, True)
    # 10 um and 10 HU: rounding to int16, linear interpolation described to its second moment; three times that where
    # the ray has to tell a sloping wall from a blurred one by itself
    np.testing.assert_allclose(params[0, :2], truth[:2], atol=0.03 if fade_sd else 0.01)
    np.testing.assert_allclose(params[0, 4], truth[4], atol=30 if fade_sd else 10)
    np.testing.assert_allclose(params[0, 6], truth[6], atol=0.03 if fade_sd else 0)
    assert stats[0, 7] < 8  # rms residual, HU: what the second moment leaves of linear interpolation


@pytest.mark.parametrize("given_fade", [0.0, 0.2])
def test_what_is_said_of_sigma_and_cortex_is_true(given_fade):
    """Sensitivities to cortex HU, blur and fade against finite differences of the whole fit."""
    spacing, direction, origin = np.array([1.0, 0.7, 0.7]), np.array([0.0, 0.0, 1.0]), np.array([10.0, 30.2, 12.1])
    truth = np.array([6.13, 7.5, 30.0, 0.0, 1480.0, 55.0, given_fade])
    hu = np.ascontiguousarray(np.round(slab_volume(direction, spacing, origin, truth, 0.5, 0.4)), np.int16)

    def fit(sigma=0.5, cortex=1500.0, fade=given_fade):
        params = np.array([[6.2, 7.4, 0.0, 0.0, cortex, 0.0, fade]])
        stats, lags = np.empty((1, _wallfit.N_STATS)), np.zeros((2, _wallfit.N_LAGS))
        row = ray_row(origin, direction, spacing, cortex=cortex, cortex_sd=40.0)
        _wallfit.fit_walls(hu, row, scan_row(sigma=sigma), params, stats, lags, 60, True)
        return params[0], stats[0]

    _, stats = fit()
    by_cortex = (fit(cortex=1520.0)[0] - fit(cortex=1480.0)[0])[:2] / 40
    by_sigma = (fit(sigma=0.505)[0] - fit(sigma=0.495)[0])[:2] / 0.02
    by_fade = (fit(fade=given_fade + 0.01)[0] - fit(fade=given_fade - 0.01)[0])[:2] / 0.02
    np.testing.assert_allclose(stats[3:5], by_cortex, rtol=0.15, atol=2e-6)
    np.testing.assert_allclose(stats[5:7], by_sigma, rtol=0.25, atol=4e-3)
    np.testing.assert_allclose(stats[20:22], by_fade, rtol=0.15, atol=4e-3)


def test_a_ray_without_a_start_is_left_alone():
    hu = np.zeros((4, 8, 8), np.int16)
    params = np.full((1, _wallfit.N_PARAM), np.nan)
    stats, lags = np.empty((1, _wallfit.N_STATS)), np.zeros((2, _wallfit.N_LAGS))
    row = ray_row(np.array([1.0, 3, 3]), np.array([0.0, 0, 1]), np.array([1.0, 0.7, 0.7]))
    _wallfit.fit_walls(hu, row, scan_row(), params, stats, lags, 5, False)
    assert np.isnan(params).all()
    assert np.isnan(stats).all()


def test_samples_agree_with_scipy_and_end_at_the_border():
    rng = np.random.default_rng(0)
    hu = rng.integers(-1000, 2000, (9, 11, 13)).astype(np.int16)
    start, step = rng.uniform(2, 6, (20, 3)), rng.normal(0, 0.5, (20, 3))
    out = np.empty((20, 25), np.float32)
    _edges.sample_rays(hu, start, step, out)
    at = start[:, None] + np.arange(25)[:, None] * step[:, None]
    inside = np.all((at >= 0) & (at <= np.array(hu.shape) - 1), axis=-1)
    expected = map_coordinates(hu.astype(float), at.transpose(2, 0, 1), order=1)
    np.testing.assert_allclose(out[inside], expected[inside], atol=2e-3)
    assert np.isnan(out[~inside]).all()
    assert (~inside).any()


def test_window_means_leave_out_what_is_unknown():
    profile = np.array([[1, 2, np.nan, 4, 5]], np.float32)
    out = np.empty(1)
    for low, high, mean in ((0, 4, 3.0), (0.5, 3.2, 3.0), (2, 2, np.nan), (-5, 99, 3.0), (np.nan, 3, np.nan)):
        _edges.window_means(profile, np.array([low], float), np.array([high], float), out)
        np.testing.assert_equal(out[0], mean)


def test_half_maximum_of_a_ramp():
    r = np.arange(60) * 0.25
    # content 0, cortex 1000, outside 100: edges at 5 and 9 mm, each a ramp of 1 mm
    hu = np.interp(r, [4.5, 5.5, 8.5, 9.5], [0, 1000, 1000, 100]).astype(np.float32)[None]
    out = np.empty((1, 3))
    levels = np.array([[9.0 / 0.25, 1000, 0, 100]])
    _edges.half_maximum(hu, levels, np.array([10.0, 10.0, 4.0, 0.25]), out)
    assert out[0, 0] * 0.25 == pytest.approx(5.0, abs=1e-6)
    assert out[0, 1] * 0.25 == pytest.approx(9.0, abs=1e-6)
    assert out[0, 2] == 1000
