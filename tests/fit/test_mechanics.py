"""Mechanics against the twelve reference cases, each computed there by two routes, and against limits on paper."""

import json
from pathlib import Path

import numpy as np
import pytest

from sizing.fit.mechanics import Materials, bedded_stem, composite_section, tube_pressure

CASES = json.loads((Path(__file__).parent.parent / "data" / "mechanics_cases.json").read_text())["cases"]


def of_kind(kind: str) -> list:
    return [pytest.param(c["inputs"], c["expected"], id=c["id"]) for c in CASES if c["kind"] == kind]


@pytest.mark.parametrize(("case", "expected"), of_kind("lame_interference_plane_stress"))
def test_tube(case: dict, expected: dict) -> None:
    m = Materials(bone_transverse_mpa=case["Eb"], bone_poisson=case["nub"], implant_mpa=case["Ei"],
                  implant_poisson=case["nui"])  # fmt: skip
    found = tube_pressure(case["delta_d"], case["R"], case["Ro"], m, case["c"])
    assert found.pressure_mpa == pytest.approx(expected["pressure"], rel=1e-9)
    assert found.hoop_stress_bore_mpa == pytest.approx(expected["hoop_stress_bore"], rel=1e-9)
    assert found.hoop_strain_bore == pytest.approx(expected["hoop_strain_bore"], rel=1e-9)
    assert found.hoop_stress_outer_mpa == pytest.approx(expected["hoop_stress_outer"], rel=1e-9)
    assert found.hoop_strain_outer == pytest.approx(expected["hoop_strain_outer"], rel=1e-9)


def ring(inner: list, outer: list) -> tuple[float, float]:
    """Area and second moment about x of an elliptic ring."""
    (a, b), (p, q) = inner, outer
    return np.pi * (p * q - a * b), np.pi / 4 * (p * q**3 - a * b**3)


def reamed_ring(inner: list, outer: list, radius: float) -> tuple[float, float]:
    """The same with a circle added to the hole, by fine quadrature over angle."""
    (a, b), (p, q) = inner, outer
    t = (np.arange(400_000) + 0.5) * (2 * np.pi / 400_000)
    hole = np.maximum(a * b / np.hypot(b * np.cos(t), a * np.sin(t)), radius)
    out = p * q / np.hypot(q * np.cos(t), p * np.sin(t))
    step = 2 * np.pi / 400_000
    return 0.5 * step * (out**2 - hole**2).sum(), 0.25 * step * ((out**4 - hole**4) * np.sin(t) ** 2).sum()


@pytest.mark.parametrize(("case", "expected"), of_kind("composite_section"))
def test_composite(case: dict, expected: dict) -> None:
    before = ring(case["endosteal"], case["periosteal"])
    after = reamed_ring(case["endosteal"], case["periosteal"], case["reamer_r"])
    assert before[1] == pytest.approx(expected["Ixx_before"], rel=1e-9)
    m = Materials(bone_axial_mpa=case["Eb"], implant_mpa=case["Ei"])
    found = composite_section(before, after, case["stem_r"], m)
    # The kink where reamer and canal meet limits the quadrature of this test to about 1e-9.
    assert found.bone_axial_share == pytest.approx(expected["bone_axial_share"], rel=1e-7)
    assert found.bone_bending_share == pytest.approx(expected["bone_bending_share"], rel=1e-7)
    assert found.section_modulus_ratio == pytest.approx(expected["section_modulus_ratio"], rel=1e-7)
    assert found.area_ratio == pytest.approx(expected["area_ratio"], rel=1e-7)


@pytest.mark.parametrize(("case", "expected"), of_kind("beam_on_winkler_foundation"))
def test_bedded_stem(case: dict, expected: dict) -> None:
    found = bedded_stem(case["EI"], case["k"], case["L"], case["M0"], case["F0"])
    assert found.beta_per_mm == pytest.approx(expected["beta"], rel=1e-9)
    assert abs(found.deflection_mm[0]) == pytest.approx(abs(expected["y0"]), rel=1e-8)
    assert abs(found.deflection_mm[-1]) == pytest.approx(abs(expected["yL"]), rel=1e-6)
    assert found.line_load_max_n_per_mm == pytest.approx(expected["pressure_max"], rel=1e-8)
    middle = found.moment_nmm[len(found.moment_nmm) // 2]
    assert abs(middle) == pytest.approx(abs(expected["moment_at_mid"]), rel=1e-7)


def test_signs_of_the_bedded_stem() -> None:
    # A long stem under a side force alone: y0 = 2 F beta / k, towards the force, and the moment starts at zero.
    case = next(c for c in CASES if c["id"] == "F03")
    i = case["inputs"]
    found = bedded_stem(i["EI"], i["k"], i["L"], 0.0, i["F0"])
    assert found.deflection_mm[0] == pytest.approx(case["expected"]["y0"], rel=1e-8)
    assert found.moment_nmm[0] == pytest.approx(0.0, abs=1e-6)


def test_the_model_is_void_when_the_wall_is_breached() -> None:
    with pytest.raises(ValueError, match="tube"):
        tube_pressure(0.05, 9.0, 9.0)
