"""Implant cases of the reference file: areas, contact and interference of a stem in a reamed section."""

import json
from pathlib import Path

import numpy as np
import pytest

from sizing.canal import Canal
from sizing.fit.levels import stem_levels
from sizing.fit.tooling import Tooling
from sizing.fit.view import Contours, view_along
from sizing.reaming import Reamer, ToolAxis

CASES = {
    c["id"]: c
    for c in json.loads((Path(__file__).parent.parent / "data" / "analytic_cases.json").read_text())["cases"]
    if c["kind"] == "implant2d"
}
N = 8192  # chords of 8192 rays lose 1e-7 of an area


def section(case: dict, make_ellipse) -> Canal:
    def contour(e: dict) -> np.ndarray:
        return make_ellipse(e["a"], e["b"], N, rot_deg=e["rot_deg"], cx=e["cx"], cy=e["cy"])

    inner, outer = contour(case["inputs"]["endosteal"]), contour(case["inputs"]["periosteal"])
    return Canal.from_sections([0.0, 1.0], [inner] * 2, [outer] * 2, n_angles=N)


@pytest.mark.parametrize(
    "name", [k for k, c in CASES.items() if c["inputs"]["reamer"]["cx"] == c["inputs"]["implant"]["cx"]]
)
def test_stem_in_its_own_hole(name: str, make_ellipse, make_stem) -> None:
    case, expected = CASES[name]["inputs"], CASES[name]["expected"]
    canal = section(CASES[name], make_ellipse)
    view = view_along(
        canal,
        ToolAxis([case["implant"]["cx"], case["implant"]["cy"], 0], [0, 0, 1.0]),
        Contours.of(canal, canal.wall_radial_mm),
    )
    bore, radius = 2 * case["reamer"]["r"], case["implant"]["r"]
    levels = stem_levels(view, [make_stem(2 * radius, 1.0)], [Tooling((Reamer(bore),), bore, bore)], 1.0, 0.0)
    hole = view.canal_mm2[0] + levels.removed_mm2[0, 0]
    assert hole == pytest.approx(expected["reamed_canal_area"], rel=1e-6)
    filled = hole - levels.gap_mm2[0, 0]
    assert filled == pytest.approx(expected["void_filled_area"], rel=1e-6)
    assert np.pi * radius**2 - filled == pytest.approx(expected["interference_area"], abs=1e-4)
    if "implant_contact_arc_fraction" in expected:
        assert levels.contact[0, 0] == pytest.approx(expected["implant_contact_arc_fraction"], abs=1e-5)
        assert levels.overlap_mm[0, 0] == pytest.approx(expected["mean_radial_interference_over_contact"], abs=1e-6)
