"""A bone's locator made from a phantom's truth, to judge the measurement apart from the finding of the bone."""

from __future__ import annotations

import numpy as np

from sizing.geometry import Plane, VolumeGeometry
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
    mask = np.zeros(crop.shape, bool)
    for i in range(crop.shape[0]):
        near = _near_axis(crop, truth, i, reach)
        row, column = np.indices((near[0].stop - near[0].start, near[1].stop - near[1].start))
        index = np.stack([np.full(row.shape, i), row + near[0].start, column + near[1].start], axis=-1)
        depth, x, y = np.moveaxis(axis.locate(crop.index_to_lps(index)), -1, 0)
        inside = np.hypot(x, y) < truth.radius_at(depth, np.arctan2(y, x), "periosteal")
        end = truth.spec.shape.end_depth_mm
        mask[(i, *near)] = inside & ((depth > end) if end is not None else True)
    at_zero = axis.at(np.array([0.0]))
    return ResidualBone(
        mask=mask, geometry=crop, crop_start=(int(start[0]), int(start[1]), int(start[2])), bone=truth.spec.bone,
        side=truth.spec.side, side_source="given", resection=Plane(at_zero.points_lps[0], at_zero.s_lps[0]),
        resection_source="given", proximal_lps=axis.points_lps[-1] - axis.points_lps[0], stump_removed_mm=0.0,
    )  # fmt: skip


def _near_axis(crop: VolumeGeometry, truth: PhantomTruth, i: int, reach_mm: float) -> tuple[slice, slice]:
    """Return the rows and columns of one slice that the bone may reach."""
    axis = truth.axis
    z = float(crop.index_to_lps((i, 0, 0))[2])
    slope = 1.0 / float(axis.s_lps[:, 2].min())
    x, y = (np.interp(z, axis.points_lps[:, 2], axis.points_lps[:, k]) for k in (0, 1))
    _, row, column = crop.lps_to_index((x, y, z))
    half = reach_mm * slope / np.array(crop.spacing_mm[1:])
    limits = zip((row, column), half, crop.shape[1:], strict=True)
    return tuple(  # type: ignore[return-value]
        slice(int(np.clip(c - h, 0, n)), int(np.clip(np.ceil(c + h), 0, n))) for c, h, n in limits
    )
