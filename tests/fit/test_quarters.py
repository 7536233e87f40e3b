"""Zones by quarter, where the answer is known on paper."""

import dataclasses

import numpy as np
import pytest

from sizing.anatomy import Side
from sizing.fit import fit_context, fit_implant
from sizing.fit.fitting import with_reaming
from sizing.fit.measure import measure_fits
from sizing.implants import Fixation, ImplantTemplate, Preparation, Provenance
from sizing.implants.shape import StemShape
from sizing.reaming import ToolAxis


def fit_in(tube, stem, entry=(0.0, 0.0, 0.0)):
    context = fit_context(dataclasses.replace(tube, side=Side.LEFT))
    axis = ToolAxis(np.array(entry), np.array([0.0, 0.0, 1.0]))
    return with_reaming(context, measure_fits(context, axis, [stem])[0])


def test_a_centred_stem_has_four_equal_quarters(make_tube, make_stem) -> None:
    """Canal 16, stem 17: contact all round; removed ring, no gap; wall 12 - 8.5."""
    fit = fit_in(make_tube(8.0, 12.0), make_stem(17.0, 100.0))
    quarters = [z for z in fit.zones if z.name[-1] in "APML" and z.name[-2] == " "]
    assert len(quarters) == 20
    for z in quarters:
        assert z.contact_share == pytest.approx(1.0) and z.canal_fill == pytest.approx(1.0)
        assert z.gap_mm3 == pytest.approx(0.0, abs=1e-9)
        assert z.wall_min_mm == pytest.approx(3.5, abs=1e-3)


def test_gaps_of_the_quarters_sum_to_the_zones_and_lie_where_the_stem_is_not(make_tube, make_stem) -> None:
    """A stem of 14 in a canal of 16, moved 1 mm to the left side's lateral (+x): it touches there alone."""
    fit = fit_in(make_tube(8.0, 12.0), make_stem(14.0, 100.0), (1.0, 0.0, 0.0))
    zone = {z.name: z for z in fit.zones}
    for name in ("collar", "middle third", "tip"):
        parts = [zone[f"{name} {q}"] for q in "APML"]
        # sums over rays against the exact ring: 256 rays, second order in their spacing
        assert sum(p.gap_mm3 for p in parts) == pytest.approx(zone[name].gap_mm3, rel=2e-3)
        assert zone[f"{name} L"].contact_share > 0.1 and zone[f"{name} M"].contact_share == 0.0
        assert zone[f"{name} M"].gap_mm3 > 3 * zone[f"{name} L"].gap_mm3
        assert zone[f"{name} A"].gap_mm3 == pytest.approx(zone[f"{name} P"].gap_mm3, rel=0.05)


def test_a_round_stem_given_as_a_table_has_the_quarters_of_a_round_stem(make_tube, make_stem) -> None:
    """The same stem twice, off centre in an under-reamed hole: rays of the canal against 512 equal angles."""
    plain = make_stem(17.0, 100.0, under_ream_mm=0.5)
    tabled = dataclasses.replace(plain, shape=StemShape.round([0, 100], [8.5, 8.5]))
    one, two = ({z.name: z for z in fit_in(make_tube(8.0, 13.0), s, (0.4, 0.2, 0.0)).zones} for s in (plain, tabled))
    assert len(one) == len(two) == 25
    for name, z in one.items():
        # a quarter's edge may fall on either side of a ray: half a ray of 256 in 64
        assert two[name].contact_share == pytest.approx(z.contact_share, abs=0.02)
        assert two[name].canal_fill == pytest.approx(z.canal_fill, rel=0.01)
        assert two[name].gap_mm3 == pytest.approx(z.gap_mm3, rel=0.05, abs=1.0)
        assert two[name].diametral_interference_mm == pytest.approx(z.diametral_interference_mm, abs=0.01, nan_ok=True)
        assert two[name].wall_min_mm == pytest.approx(z.wall_min_mm, abs=0.01)


@pytest.mark.parametrize(("gap", "share"), [(0.0, 1.0), (0.3, 0.0)], ids=["tight", "with room"])
def test_a_broached_stem_off_its_axis_has_its_thin_wall_on_that_side(make_tube, gap, share) -> None:
    """Stem of radius 9 whose centre lies 1 mm off the axis, in a tube of 8 and 13: its broach leaves 3 mm there."""
    shape = StemShape([0, 100], [[9.0, 9.0]] * 2, [2, 2], [0, 0], [[-1.0, 0.0]] * 2)
    stem = ImplantTemplate(
        "test", "own", Fixation.PRESS_FIT, 20.0, 100.0, [[0, 10.0], [100, 10.0]], Preparation.BROACH,
        Provenance("on paper", "custom", "2026-01-01"), diametral_under_ream_mm=5.0, shape=shape,
        broach_gap_mm=[[0, gap], [100, gap]] if gap else None,
    )  # fmt: skip
    fit = fit_in(make_tube(8.0, 13.0), stem)
    zones = {z.name: z for z in fit.zones}
    parts = {q: zones[f"middle third {q}"] for q in "APML"}
    assert [p.contact_share for p in parts.values()] == pytest.approx([share] * 4)
    assert sum(p.gap_mm3 for p in parts.values()) == pytest.approx(zones["middle third"].gap_mm3, rel=1e-6, abs=1e-6)
    away_lps = -fit.placement.implant_to_lps[:3, 0]
    ways = {"A": (0, -1, 0), "P": (0, 1, 0), "M": (-Side.LEFT.lateral_x, 0, 0), "L": (Side.LEFT.lateral_x, 0, 0)}
    thin = max(ways, key=lambda q: away_lps @ ways[q])
    opposite = min(ways, key=lambda q: away_lps @ ways[q])
    assert parts[thin].wall_min_mm == pytest.approx(13 - 10 - gap, abs=5e-3)
    # On the other side the hole reaches 8 mm from the axis and the gap; the quarter's edge, at 45 degrees, is nearer.
    edge_mm = -np.cos(np.pi / 4) + np.sqrt(81 - 0.5) + gap
    assert parts[opposite].wall_min_mm == pytest.approx(13 - max(edge_mm, 8.0), abs=0.05)


def test_without_a_side_there_is_no_medial(make_tube, make_stem) -> None:
    fit = fit_implant(fit_context(make_tube(8.0, 12.0)), make_stem(17.0, 100.0))
    assert len(fit.zones) == 5
