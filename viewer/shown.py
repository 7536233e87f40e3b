"""The part of a scan that pictures of one canal can show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sizing.canal.model import Canal
from sizing.volume import CtVolume

# A long picture may show this much of the scan beyond the canal to fill its box; to the sides pictures show less.
_REACH_MM = 120.0


def shown_part(volume: CtVolume, canal: Canal) -> CtVolume:
    """Return the scan within reach of the canal's axis; the scan itself where that is all of it."""
    index = volume.geometry.lps_to_index(canal.axis.points_lps)
    steps = _REACH_MM / np.array(volume.geometry.spacing_mm)
    first = np.floor(index.min(axis=0) - steps).astype(int).tolist()
    last = np.ceil(index.max(axis=0) + steps).astype(int).tolist()
    low = (max(first[0], 0), max(first[1], 0), max(first[2], 0))
    s, r, c = volume.geometry.shape
    high = (min(last[0] + 1, s), min(last[1] + 1, r), min(last[2] + 1, c))
    if low == (0, 0, 0) and high == volume.geometry.shape:
        return volume
    part = np.ascontiguousarray(volume.hu[tuple(slice(a, b) for a, b in zip(low, high, strict=True))])
    unmeasured = tuple(k - low[0] for k in volume.unmeasured_slices if low[0] <= k < high[0])
    return replace(volume, hu=part, geometry=volume.geometry.cropped(low, high), unmeasured_slices=unmeasured)
