"""What cannot be measured is refused in one sentence, never a number, never a bare exception."""

from dataclasses import replace

import numpy as np
import pytest

from sizing.canal import CanalSettings, measure_canal
from sizing.errors import CanalError, InputError, SegmentationError, VolumeError
from sizing.volume import CtVolume


def refusal(action, code, kind=InputError):
    with pytest.raises(kind) as caught:
        action()
    assert caught.value.code == code
    return str(caught.value)


def test_a_volume_with_nan_is_refused_and_counted(tube):
    hu = np.zeros(tube().volume.hu.shape)
    hu[3, 4, 5:9] = np.nan
    said = refusal(lambda: CtVolume(hu, tube().volume.geometry), "CF-C014", VolumeError)
    assert f"4 of {hu.size} voxels NaN" in said


def test_a_volume_of_another_shape_or_order_is_refused(tube):
    volume = tube().volume
    refusal(lambda: replace(volume, hu=np.ascontiguousarray(volume.hu[1:])), "CF-C015", VolumeError)
    refusal(lambda: replace(volume, hu=np.asfortranarray(volume.hu)), "CF-C016", VolumeError)


def test_an_empty_mask_is_refused(tube):
    bone = tube().bone
    refusal(lambda: replace(bone, mask=np.zeros_like(bone.mask)), "CF-S013", SegmentationError)
    refusal(lambda: replace(bone, mask=bone.mask.astype(np.uint8)), "CF-S012", SegmentationError)


def test_a_mask_that_is_hardly_there_is_refused(tube):
    case = tube()
    dot = np.zeros_like(case.bone.mask)
    dot[dot.shape[0] // 2, dot.shape[1] // 2, dot.shape[2] // 2] = True
    refusal(lambda: measure_canal(case.volume, replace(case.bone, mask=dot)), "CF-C010", CanalError)
    line = np.zeros_like(case.bone.mask)
    line[:, line.shape[1] // 2, line.shape[2] // 2] = True
    refusal(lambda: measure_canal(case.volume, replace(case.bone, mask=line)), "CF-C013", CanalError)


@pytest.mark.parametrize("content_hu", [1500.0, 1200.0, 900.0])
def test_a_sclerosed_canal_is_refused_with_its_levels(tube, content_hu):
    case = tube(edit=lambda hu, u, v, s: np.where(hu == 0, content_hu, hu))
    said = refusal(lambda: measure_canal(case.volume, case.bone), "CF-C013", CanalError)
    assert "mm above the resection plane" in said
    assert "canal" in said


@pytest.mark.parametrize("hu", [0, -1000, 400, 3000])
def test_a_scan_of_nothing_is_refused(tube, hu):
    case = tube()
    flat = CtVolume(np.full_like(case.volume.hu, hu), case.volume.geometry)
    refusal(lambda: measure_canal(flat, case.bone), "CF-C013", CanalError)


@pytest.mark.parametrize(("settings", "code"), [({"n_angles": 31}, "CF-C012"), ({"n_angles": 1025}, "CF-C012"),
                                                ({"level_step_mm": 0.0}, "CF-C011")])  # fmt: skip
def test_too_few_rays_or_levels_are_refused(settings, code):
    said = refusal(lambda: CanalSettings(**settings), code, CanalError)
    assert "expected" in said
