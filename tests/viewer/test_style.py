"""Colour scales: an edge belongs to the upper band, and a table never moves an edge."""

from __future__ import annotations

import numpy as np
import pytest

from viewer import style


def test_below_the_limit_is_warm_and_at_the_limit_is_not() -> None:
    bands = style.wall_bands(2.0)
    names = [
        bands[i].text for i in style.band_index(np.array([-0.1, 0.0, 1.999, 2.0, 2.99, 3.0, 7.5, 8.0, 50.0]), bands)
    ]
    assert names == [
        "breach",
        "below 2 mm",
        "below 2 mm",
        "2–3 mm",
        "2–3 mm",
        "3–4 mm",
        "7–8 mm",
        "over 8 mm",
        "over 8 mm",
    ]
    assert style.band_index(np.array([np.nan]), bands)[0] == -1


def test_a_limit_between_whole_millimetres_keeps_its_own_edge() -> None:
    assert [b.low for b in style.wall_bands(2.5)][1:4] == [0.0, 2.5, 3.0]


def test_edges_in_the_table_are_where_the_bands_are() -> None:
    bands = style.wall_bands(2.0)
    table = style.colour_table(bands, -2.0, 10.0, entries=1200)
    change = np.flatnonzero(np.any(np.diff(table, axis=0) != 0, axis=1)) + 1
    assert np.allclose(-2.0 + change * 12.0 / 1200, [0, 2, 3, 4, 5, 6, 7, 8], atol=12.0 / 1200)


def test_a_short_table_is_refused() -> None:
    with pytest.raises(ValueError, match="250"):
        style.colour_table(style.wall_bands(2.0), 0.0, 8.0, entries=7)
