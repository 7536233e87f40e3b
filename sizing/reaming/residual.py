"""What is left of every section after reaming: areas, shares, and the bone's resistance to bending."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.geometry import FloatArray
from sizing.reaming.cut import hole_edges, kernel_for
from sizing.reaming.model import ReamedCanal
from sizing.reaming.pierce import tools_in_sections
from sizing.reaming.sections import SectionStack, sections_at

# Contour lengths and mean walls are sampled this densely round the section: the corner where the hole leaves
# the endosteum is then missed by less than a thousandth of a turn.
_DENSE = 2048


@dataclass(frozen=True)
class ReamedSections:
    """Sections at the canal's levels after all passes, m levels; NaN where a level is not wholly measured.

    Attributes
    ----------
    depth_mm : (m,) array
    canal_mm2, bone_mm2 : (m,) arrays
        Native canal, and everything within the periosteum.
    hole_mm2 : (m,) array
        Canal and hole together, within the bone.
    cortical_mm2 : (m,) array
        Wall that is left.
    canal_fill : (m,) array
        Share of the native canal that the tools passed through.
    endosteum_engaged : (m,) array
        Share of the endosteal contour's length that the tools took.
    wall_mean_radial_mm : (m,) array
        Mean over the angle about the last tool's axis of the wall along the radius.
    centroid_xy_mm : (m, 2) array
        Of the wall that is left, along u and v from the section's origin.
    second_moments_mm4 : (m, 3) array
        About that centroid: integrals of v v, u u and u v over the wall (Ixx, Iyy, Ixy).
    principal_mm4 : (m, 2) array
        Largest and smallest second moment.
    """

    depth_mm: FloatArray
    canal_mm2: FloatArray
    bone_mm2: FloatArray
    hole_mm2: FloatArray
    cortical_mm2: FloatArray
    canal_fill: FloatArray
    endosteum_engaged: FloatArray
    wall_mean_radial_mm: FloatArray
    centroid_xy_mm: FloatArray
    second_moments_mm4: FloatArray
    principal_mm4: FloatArray


def reamed_sections(reamed: ReamedCanal) -> ReamedSections:
    """Describe every level of a reamed canal; areas and moments by the exact kernels."""
    canal, plan = reamed.canal, reamed.plan
    sections = sections_at(canal, canal.axis.depth_mm)
    kernel = kernel_for(sections, plan)
    out = np.zeros((len(canal.axis), 9))
    kernel.residual(len(plan.passes) - 1, out)
    area = out[:, 3]
    gone = area <= 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        centroid = np.where(gone[:, None], np.nan, out[:, 4:6] / area[:, None])
    x, y = centroid.T
    second = out[:, 6:9] - area[:, None] * np.stack([y * y, x * x, x * y], axis=1)
    middle, half = second[:, :2].mean(axis=1), 0.5 * (second[:, 0] - second[:, 1])
    spread = np.hypot(half, second[:, 2])
    filled = sum(p.removed_medullary_mm2 + p.removed_cancellous_mm2 for p in reamed.passes)
    engaged, mean_wall = _round_the_section(reamed, sections)
    return ReamedSections(
        canal.axis.depth_mm,
        out[:, 0],
        out[:, 1],
        out[:, 2],
        area,
        filled / out[:, 0],
        engaged,
        mean_wall,
        centroid,
        second,
        np.stack([middle + spread, middle - spread], axis=1),
    )


def _round_the_section(reamed: ReamedCanal, sections: SectionStack) -> tuple[FloatArray, FloatArray]:
    """Share of endosteal length inside the hole, and mean radial wall about the last tool's axis, by dense sampling."""
    from scipy.interpolate import CubicSpline

    theta = np.append(reamed.canal.theta_rad, 2 * np.pi)
    fine = np.arange(_DENSE) * (2 * np.pi / _DENSE)
    whole: NDArray[np.bool_] = np.all(np.isfinite(sections.endosteal_mm + sections.periosteal_mm), axis=1)
    centres = tools_in_sections(reamed.plan.passes[-1:], sections)[0, :, :2]
    hole = np.fmax(hole_edges(kernel_for(sections, reamed.plan))[0][-1], 0.0)
    engaged, mean_wall = np.full(len(whole), np.nan), np.full(len(whole), np.nan)
    for i in np.flatnonzero(whole):
        inner, outer, edge = (
            CubicSpline(theta, np.append(r, r[0]), bc_type="periodic")
            for r in (sections.endosteal_mm[i], sections.periosteal_mm[i], hole[i])
        )
        length = np.hypot(inner(fine), inner(fine, 1))
        engaged[i] = float(length[inner(fine) < edge(fine)].sum() / length.sum())
        left = np.fmin(np.fmax(inner(fine), edge(fine)), outer(fine))  # a breach leaves no wall, not a negative one
        mean_wall[i] = _mean_radial(left, outer(fine), fine, centres[i])
    return engaged, mean_wall


def _mean_radial(inner: FloatArray, outer: FloatArray, theta: FloatArray, centre: FloatArray) -> float:
    """Mean over the angle about ``centre`` of the distance between two contours given about the origin."""
    about = []
    for radius in (inner, outer):
        x, y = radius * np.cos(theta) - centre[0], radius * np.sin(theta) - centre[1]
        angle, distance = np.unwrap(np.arctan2(y, x)), np.hypot(x, y)
        turned = 0.5 * (np.roll(angle, -1) - np.roll(angle, 1))
        turned[[0, -1]] += np.pi * np.sign(angle[-1] - angle[0])
        about.append(float(np.sum(distance * turned) / (2 * np.pi)))
    return about[1] - about[0]
