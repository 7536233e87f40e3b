"""Properties that hold for every series: file order, rotation and the split of the rescale change nothing."""

import random
import tempfile
from pathlib import Path

import ct_files
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dicom_io import DicomError, read_series

SHAPE = (10, 16, 18)
HU = ct_files.limb(SHAPE)
SLOW = settings(max_examples=25, deadline=None)

# Slice step, rows, columns; pixels further off square than 2 : 1 are refused.
spacings = st.tuples(st.floats(0.3, 4.9), st.floats(0.3, 1.5), st.floats(0.51, 1.9)).map(
    lambda s: (s[0], s[1], s[1] * s[2])
)
quaternions = st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 0.1)
origins = st.tuples(*[st.floats(-900, 900)] * 3)


def turn_of(q):
    w, x, y, z = np.array(q) / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def read(slices, order=None):
    with tempfile.TemporaryDirectory() as folder:
        names = list(range(len(slices)))
        random.Random(order).shuffle(names)
        ct_files.save(slices, Path(folder), lambda k: f"{names[k - 1]:03d}.dcm")
        return read_series(folder)


@SLOW
@given(spacings, quaternions, origins, st.integers(0, 1000))
def test_any_pose_round_trips(spacing_mm, q, origin, order):
    turn = turn_of(q)
    slices = ct_files.series(HU, spacing_mm=spacing_mm, orientation=(*turn[:, 0], *turn[:, 1]), origin=origin)
    volume = read(slices, order).volume
    assert np.array_equal(volume.hu, HU)
    index = np.array([(0, 0, 0), (9, 15, 17), (4, 0, 17), (9, 3, 1)], float)
    expected = np.array(origin) + (index[:, [2, 1, 0]] * np.array(spacing_mm)[[2, 1, 0]]) @ turn.T
    # Positions are written with ten significant digits: 900 mm is good to 5e-8 mm.
    assert np.abs(volume.geometry.index_to_lps(index) - expected).max() < 1e-6
    assert np.abs(volume.geometry.lps_to_index(volume.geometry.index_to_lps(index)) - index).max() < 1e-6


@SLOW
@given(st.lists(st.tuples(st.sampled_from([1, 2, 4]), st.integers(-3000, -1024)), min_size=10, max_size=10))
def test_the_split_of_the_rescale_changes_nothing(pairs):
    slices = ct_files.series(HU)
    even = HU - HU % 4
    for ds, hu, (slope, intercept) in zip(slices, even, pairs, strict=True):
        ct_files.set_hu(ds, hu, slope=slope, intercept=intercept - intercept % 4, signed=False)
    assert np.array_equal(read(slices).volume.hu, even)


@SLOW
@given(st.sets(st.integers(0, 9), min_size=0, max_size=4), st.integers(0, 5))
def test_any_subset_is_whole_or_refused(missing, order):
    """Dropping end slices leaves a shorter stack; dropping any other is a refusal, too few slices as well."""
    slices = ct_files.series(ct_files.limb((16, 16, 18)))
    kept = [k for k in range(16) if k not in {m + 3 for m in missing}]
    try:
        volume = read([slices[k] for k in kept], order).volume
    except DicomError as error:
        assert missing and error.code in {"CF-D001", "CF-D022", "CF-D005"}
    else:
        assert kept == list(range(kept[0], kept[-1] + 1)) and volume.hu.shape[0] == len(kept)


@SLOW
@given(st.lists(st.floats(-0.004, 0.004), min_size=10, max_size=10))
def test_jitter_below_the_tolerance_moves_nothing_further(jitter):
    slices = ct_files.series(HU, spacing_mm=(1.25, 0.8, 0.8))
    for k, ds in enumerate(slices):
        ds.ImagePositionPatient = ["-25", "-30", f"{100 + 1.25 * k + jitter[k]:.9f}"]
    geometry = read(slices).volume.geometry
    # Least squares over ten slices: an end moves by at most the jitter, the step by a fraction of it.
    assert abs(geometry.slice_step_mm - 1.25) < 0.002
    assert np.abs(geometry.affine[:3, 3] - (-25, -30, 100)).max() < 0.008
