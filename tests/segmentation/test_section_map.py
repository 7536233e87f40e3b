"""The run kernels against a slow twin, exactly, on volumes that are nasty on purpose."""

import numpy as np
import oracles_runs
import pytest
from scipy import ndimage

from sizing.segmentation.sections import map_sections

pytestmark = pytest.mark.kernel


def noise(seed, shape, smooth):
    field = np.random.default_rng(seed).normal(size=shape)
    field = ndimage.gaussian_filter(field, (0, smooth, smooth)) if smooth else field
    return np.ascontiguousarray(np.round(field / field.std() * 300), np.int16)


VOLUMES = {
    "salt": noise(1, (3, 17, 70), 0.0),
    "blobs": noise(2, (4, 40, 65), 1.5),
    "rings": noise(3, (5, 60, 90), 3.0),
    "one column": noise(4, (3, 20, 1), 0.0),
    "one row": noise(5, (3, 1, 100), 1.0),
    "empty": np.full((2, 8, 40), -1000, np.int16),
    "full": np.full((2, 8, 40), 1000, np.int16),
}


@pytest.mark.parametrize("name", VOLUMES)
@pytest.mark.parametrize("threshold_hu", [-200, 0, 150])
def test_sections_equal_those_of_the_slow_twin(name, threshold_hu):
    hu = VOLUMES[name]
    found, expected = map_sections(hu, threshold_hu), oracles_runs.sections_of(hu, threshold_hu)
    assert len(found.area) == len(expected)
    for i, section in enumerate(expected):
        assert found.slice_index[i] == section["slice"]
        assert found.area[i] == section["area"]
        assert found.bone_area[i] == section["bone_area"]
        assert found.bone_hu[i] == pytest.approx(section["bone_hu"], abs=1e-9)
        assert found.hole_hu[i] == pytest.approx(section["hole_hu"], abs=1e-9, nan_ok=True)
        assert found.centre[i] == pytest.approx(section["centre"], abs=1e-9)
        assert found.spread[i] == pytest.approx(section["spread"], abs=1e-8)
        assert list(found.box[i]) == section["box"]
    assert {tuple(int(v) for v in link) for link in found.links} == oracles_runs.links_of(expected)


@pytest.mark.parametrize("name", VOLUMES)
def test_painting_all_sections_gives_the_filled_mask(name):
    hu = VOLUMES[name]
    found, solid = map_sections(hu, 0), oracles_runs.solid_of(hu, 0)
    every = np.ones(len(found.area), np.bool_)
    assert np.array_equal(found.paint(every, (0, 0, 0), hu.shape), solid)
    if min(hu.shape) > 2:
        start, stop = (1, 3, 7), (hu.shape[0], hu.shape[1] - 2, hu.shape[2] - 5)
        crop = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
        assert np.array_equal(found.paint(every, start, stop), solid[crop])


def test_an_island_in_a_hole_belongs_to_the_ring_round_it():
    hu = np.zeros((1, 9, 9), np.int16)
    hu[0, 1:8, 1:8] = 1000
    hu[0, 2:7, 2:7] = -50
    hu[0, 4, 4] = 1000
    found = map_sections(hu, 500)
    assert list(found.area) == [49]
    assert list(found.bone_area) == [25]
    assert found.hole_hu[0] == -50


def test_a_ring_closed_by_corners_only_is_closed():
    hu = np.zeros((1, 5, 5), np.int16)
    for r, c in ((1, 2), (2, 1), (2, 3), (3, 2)):
        hu[0, r, c] = 1000
    assert list(map_sections(hu, 500).area) == [5]


def test_noise_needs_a_second_reading_with_more_room():
    hu = np.tile(np.array([1000, 0], np.int16), (2, 4, 100)).reshape(2, 4, 200)
    found = map_sections(hu, 500)
    assert len(found.start) == 2 * 4 * 100
