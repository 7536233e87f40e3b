"""Zones by quarter, where the answer is known on paper."""

import dataclasses

import numpy as np
import pytest

from sizing.anatomy import Side
from sizing.fit import fit_context, fit_implant
from sizing.fit.fitting import with_reaming
from sizing.fit.measure import measure_fits
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


def test_without_a_side_there_is_no_medial(make_tube, make_stem) -> None:
    fit = fit_implant(fit_context(make_tube(8.0, 12.0)), make_stem(17.0, 100.0))
    assert len(fit.zones) == 5
