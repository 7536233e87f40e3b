"""A bone's locator made from a phantom's truth, to judge the measurement apart from the finding of the bone."""

from __future__ import annotations

import numpy as np

from sizing.geometry import Plane
from sizing.phantom.truth import PhantomTruth
from sizing.segmentation.model import ResidualBone
from sizing.volume import CtVolume

MARGIN_MM = 8.0


def true_residual_bone(volume: CtVolume, truth: PhantomTruth) -> ResidualBone:
    """Return the phantom's bone as segmentation would hand it on: voxels whose centre lies in the periosteum."""
    g, axis = volume.geometry, truth.axis
    reach = truth.periosteal_radius_mm.max() + MARGIN_MM
    corners = np.stack([axis.points_lps - reach, axis.points_lps + reach]).reshape(-1, 3)
    index = g.lps_to_index(corners)
    start = np.clip(np.floor(index.min(axis=0)), 0, np.array(g.shape) - 1).astype(int)
    stop = np.clip(np.ceil(index.max(axis=0)) + 1, 1, g.shape).astype(int)
    crop = g.cropped(tuple(start), tuple(stop))
    z = crop.index_to_lps(np.stack([np.arange(crop.shape[0]), *np.zeros((2, crop.shape[0]))], axis=-1))[:, 2]
    mask = np.zeros(crop.shape, bool)
    row, column = np.indices(crop.shape[1:])
    for i in range(len(z)):
        points = crop.index_to_lps(np.stack([np.full(row.shape, i), row, column], axis=-1))
        depth, x, y = np.moveaxis(axis.locate(points), -1, 0)
        inside = np.hypot(x, y) < truth.radius_at(depth, np.arctan2(y, x), "periosteal")
        end = truth.spec.shape.end_depth_mm
        mask[i] = inside & ((depth > end) if end is not None else True)
    at_zero = axis.at(np.array([0.0]))
    return ResidualBone(
        mask=mask, geometry=crop, crop_start=(int(start[0]), int(start[1]), int(start[2])), bone=truth.spec.bone,
        side=truth.spec.side, side_source="given", resection=Plane(at_zero.points_lps[0], at_zero.s_lps[0]),
        resection_source="given", proximal_lps=axis.points_lps[-1] - axis.points_lps[0], stump_removed_mm=0.0,
    )  # fmt: skip
