"""Section tables of stems against closed forms: cylinder, cone, ellipse, Pappus, second moments."""

import numpy as np
import pytest

from sizing.errors import InputError
from sizing.implants.shape import Splines, StemShape, section_properties, superellipse_radius_mm

TWO = np.zeros(2)


def elliptic(a: float, b: float, *, turn_deg: float = 0.0, offset=(0.0, 0.0), bow=None, length=80.0) -> StemShape:
    return StemShape([0, length], [[a, b]] * 2, TWO + 2, TWO + turn_deg, [offset] * 2, bow_radius_mm=bow)


# Volumes are sums of rounding errors only: 1e-12 relative leaves room for a few thousand additions.
def test_cylinder_and_cone_have_their_textbook_volumes() -> None:
    assert StemShape.round([0, 100], [9, 9]).volume_mm3 == pytest.approx(np.pi * 81 * 100, rel=1e-12)
    cone = StemShape.round([0, 100], [9, 7])
    assert cone.volume_mm3 == pytest.approx(np.pi * 100 / 3 * (81 + 63 + 49), rel=1e-12)


def test_bowed_stem_obeys_pappus() -> None:
    centred = elliptic(9, 7, bow=700.0)
    assert centred.volume_mm3 == pytest.approx(np.pi * 63 * 80, rel=1e-12)
    towards_centre = elliptic(9, 7, turn_deg=30, offset=(0.5, 0.3), bow=700.0)
    assert towards_centre.volume_mm3 == pytest.approx(np.pi * 63 * 80 * (1 - 0.5 / 700), rel=1e-12)


def test_section_constants_of_a_turned_and_shifted_ellipse() -> None:
    a, b, turn = 9.0, 7.0, np.deg2rad(30)
    p = section_properties(elliptic(a, b, turn_deg=30, offset=(0.5, 0.3)), [40.0])
    along, across = np.pi / 4 * a * b**3, np.pi / 4 * a**3 * b
    assert p.area_mm2[0] == pytest.approx(np.pi * a * b, rel=1e-12)
    assert p.centroid_mm[0] == pytest.approx([0.5, 0.3], abs=1e-12)
    assert p.i_xx_mm4[0] == pytest.approx(along * np.cos(turn) ** 2 + across * np.sin(turn) ** 2, rel=1e-12)
    assert p.i_yy_mm4[0] == pytest.approx(along * np.sin(turn) ** 2 + across * np.cos(turn) ** 2, rel=1e-12)


def test_section_modulus_of_a_round_stem() -> None:
    p = section_properties(StemShape.round([0, 50], [8, 8]), [10.0])
    assert p.modulus_x_mm3[0] == pytest.approx(np.pi / 4 * 8**3, rel=1e-12)


def test_the_constants_of_a_pointed_tip_go_to_zero() -> None:
    p = section_properties(StemShape.round([0, 50], [8, 0]), [50.0])
    assert (p.area_mm2[0], p.i_xx_mm4[0], p.modulus_x_mm3[0], p.modulus_y_mm3[0]) == (0, 0, 0, 0)


@pytest.mark.parametrize("exponent", [1.7, 2.0, 2.5, 4.0])
def test_superellipse_points_lie_on_the_curve(exponent: float) -> None:
    phi = np.linspace(0, 2 * np.pi, 97)
    r = superellipse_radius_mm(phi, (8, 6), exponent, 0.4, (1.1, -0.7))
    x, y = r * np.cos(phi) - 1.1, r * np.sin(phi) + 0.7
    own = np.abs((np.cos(0.4) * x + np.sin(0.4) * y) / 8) ** exponent
    own += np.abs((np.cos(0.4) * y - np.sin(0.4) * x) / 6) ** exponent
    assert own == pytest.approx(np.ones_like(phi), abs=1e-10)


def test_free_form_reproduces_the_section_it_was_sampled_from() -> None:
    phi = np.arange(64) * (2 * np.pi / 64)
    radius = 8 + 0.4 * np.cos(2 * phi) + 0.2 * np.sin(3 * phi)
    free = StemShape([0, 60], [[8, 8]] * 2, TWO + 2, TWO, [[0, 0]] * 2, free_radius_mm=[radius, radius])
    at = np.linspace(0, 6, 41)
    assert free.radius_mm([30.0], at)[0] == pytest.approx(8 + 0.4 * np.cos(2 * at) + 0.2 * np.sin(3 * at), abs=1e-12)
    # area of r(phi) = pi (r0^2 + sum of squares / 2), exact for a trigonometric polynomial
    assert free.volume_mm3 == pytest.approx(60 * np.pi * (64 + (0.16 + 0.04) / 2), rel=1e-12)


def test_splines_add_their_closed_form_volume() -> None:
    ribs = Splines(count=8, height_mm=0.5, from_station_mm=20, to_station_mm=70, run_out_mm=5)
    plain = StemShape.round([0, 80], [8, 8])
    ribbed = StemShape([0, 80], [[8, 8]] * 2, TWO + 2, TWO, [[0, 0]] * 2, splines=ribs)
    # h cos^2: mean h/2, mean square 3/8 h^2; the ramps add 2/2 of a run-out to the mean and 2/3 to the square
    mean, square = 0.25 * (40 + 5), 3 / 8 * 0.25 * (40 + 10 / 3)
    expected = 2 * np.pi * (8 * mean + square / 2)
    assert ribbed.volume_mm3 - plain.volume_mm3 == pytest.approx(expected, rel=1e-9)


def test_beyond_the_stem_nothing_is_invented() -> None:
    assert np.isnan(StemShape.round([0, 80], [8, 8]).radius_mm([80.5, -0.1], [0.0])).all()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"station_mm": [0, 0]}, "CF-I032"),
        ({"semi_axes_mm": [[9, -1]] * 2}, "CF-I033"),
        ({"exponent": [0.5, 2]}, "CF-I033"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(change: dict, code: str) -> None:
    fields = {"station_mm": [0, 80], "semi_axes_mm": [[9, 7]] * 2, "exponent": TWO + 2,
              "orientation_deg": TWO, "offset_mm": [[0, 0]] * 2}  # fmt: skip
    with pytest.raises(InputError) as caught:
        StemShape(**{**fields, **change})
    assert caught.value.code == code


def test_an_axis_outside_its_section_is_refused() -> None:
    with pytest.raises(InputError, match="CF-I031"):
        elliptic(9, 7, offset=(9.5, 0)).radius_mm([10.0], [0.0])
