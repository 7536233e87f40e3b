"""Tubes of known size, measured from a scan."""

import numpy as np
import pytest

from sizing.canal import CanalSettings, describe_shape, measure_canal, measure_sections
from sizing.errors import CanalError


@pytest.mark.parametrize("tilt_deg", [0, 35])
def test_a_tube_is_measured_in_its_own_sections(tube, tilt_deg):
    case = tube(tilt_deg=tilt_deg)
    canal = measure_canal(case.volume, case.bone, CanalSettings(level_step_mm=2.0))
    table = measure_sections(canal)
    assert np.degrees(np.arccos(canal.axis.s_lps @ case.up)).max() < 0.5
    assert canal.axis.depth_mm[0] == 0
    assert canal.measured.mean() > 0.9
    # 0.15 mm: half-maximum ignores curvature, which narrows the canal by sigma^2 / R
    assert np.nanmedian(table.minor_diameter_mm) == pytest.approx(11.0, abs=0.15)
    assert np.nanmedian(table.major_diameter_mm) == pytest.approx(14.0, abs=0.15)
    assert np.nanmedian(table.wall_mean_mm) == pytest.approx(4.0, abs=0.15)


def test_nothing_but_solid_bone_has_no_canal(tube):
    case = tube(edit=lambda hu, u, v, s: np.where(hu == 0, 1500.0, hu))
    with pytest.raises(CanalError, match="CF-C013"):
        measure_canal(case.volume, case.bone)


def test_a_straight_tube_has_no_bow_and_no_isthmus(tube):
    case = tube(taper=0.005)
    canal = measure_canal(case.volume, case.bone)
    shape = describe_shape(canal, measure_sections(canal))
    assert shape.bow_radius_mm is None
    assert shape.isthmus_depth_mm is None
    assert shape.narrowest_depth_mm is not None


def test_settings_out_of_range_are_refused():
    with pytest.raises(CanalError, match="CF-C012"):
        CanalSettings(n_angles=8)
    with pytest.raises(CanalError, match="CF-C011"):
        CanalSettings(level_step_mm=0)
