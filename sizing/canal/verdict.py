"""Ray by ray: measured, or why it cannot be told."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from sizing.canal.fitting import WallFit
from sizing.canal.locate import Located
from sizing.canal.rays import Rays
from sizing.geometry import FloatArray
from sizing.intervals import TWO_SIDED_95
from sizing.volume import CtVolume

# Below this many sigma a wall is told from its brightness only: a thin dense wall and a thicker porous one look alike.
# Where the scan does not even show its cortex HU, more is asked.
LEAST_WALL_SIGMAS, LEAST_UNKNOWN_CORTEX_SIGMAS = 1.2, 1.9
# A layer this much darker than the cortex round it is not cortex (tumour, callus, cancellous bone, a gap's edge).
LEAST_CORTEX_SHARE = 0.65
# Residuals beyond both: the profile is no wall between two tissues (defect's edge, streak, second bone).
WORST_NOISES, WORST_CONTRAST = 5.0, 0.06
# One ray may be vague where cancellous bone grows into cortex, if its neighbours help; the surface may not.
WORST_RAY_SE_MM, WORST_SE_MM = 1.5, 0.4
# A wall whose width may be wrong by a whole reamer step, all round and along the bone, plans nothing.
WORST_WALL_MM = 0.5
# Soft tissue must be seen this far outside the wall, and content this far inside.
SEEN_MM = 1.0
# A canal whose middle is brighter than this share of the cortex is closed by bone: no cancellous bone is so dense.
# On a single ray more is asked: the corner of a tibia's crest is filled to half and yet not closed.
CLOSED_LEVEL_SHARE, CLOSED_RAY_SHARE, CLOSED_MM = 0.5, 0.7, 2.0
# A canal narrower than this cannot be told from the pores of a closed one.
LEAST_RADIUS_MM = 0.5
# Metal shines this far: blur, and the streaks that start at it. Rays next to it do not see the wall either.
METAL_REACH_MM, METAL_RAYS, METAL_LEVELS = 3.0, 2, 1
# A ray whose neighbourhood mostly cannot be told is not believed either.
NEIGHBOUR_RAYS, NEIGHBOUR_LEVELS = 5, 3


class RayState(IntEnum):
    """Why a ray carries no number, or that it does."""

    MEASURED = 0
    NO_WALL = 1  # no crest of bone near the bone's outline
    NO_CANAL = 2  # bone from the outline to the axis
    OUT_OF_SCAN = 3
    METAL = 4
    TOO_THIN = 5  # thinner than this scan can resolve
    NOT_CORTEX = 6  # a layer much darker than cortex
    UNLIKE_A_WALL = 7
    UNSURE = 8  # standard error too large
    AMONG_UNKNOWN = 9
    UNMEASURED_SLICE = 10  # a slice that was interpolated or repaired, not scanned
    HIDDEN_CORTEX = 11  # no wall of the scan shows its HU, so that no width is known to a reamer step


WORDS = {
    RayState.NO_WALL: "no bone at the outline",
    RayState.NO_CANAL: "no canal inside the wall",
    RayState.OUT_OF_SCAN: "the wall leaves the scan",
    RayState.METAL: "metal hides the wall",
    RayState.TOO_THIN: "thinner than this scan resolves",
    RayState.NOT_CORTEX: "much darker than cortex",
    RayState.UNLIKE_A_WALL: "unlike a wall",
    RayState.UNSURE: "too vague",
    RayState.AMONG_UNKNOWN: "alone among rays that cannot be told",
    RayState.UNMEASURED_SLICE: "on a slice that was not scanned",
    RayState.HIDDEN_CORTEX: "too thin to show the HU of cortex, and its width uncertain by over half a millimetre",
}


def reasons(state: NDArray[np.int8]) -> list[tuple[str, float]]:
    """Return why rays carry no number, with the share of all rays, commonest first."""
    shares = [(WORDS[kind], float((state == kind).mean())) for kind in WORDS]
    return sorted(shares, key=lambda s: -s[1])


def judge(
    volume: CtVolume,
    rays: Rays,
    located: Located,
    fit: WallFit,
    expected_hu: FloatArray,
    least_wall_mm: FloatArray,
) -> NDArray[np.int8]:
    """Return the RayState (m, n) of every ray; the first reason that holds, in the order of the tests below."""
    wall = fit.outer_mm - fit.inner_mm
    state = np.full(wall.shape, RayState.MEASURED, np.int8)

    def mark(where: NDArray[np.bool_], reason: RayState) -> None:
        state[where & (state == RayState.MEASURED)] = reason

    mark(~_inside_scan(volume, rays, located.outer_mm, located.mask_radius_mm), RayState.OUT_OF_SCAN)
    mark(_on_unmeasured_slice(volume, rays, located), RayState.UNMEASURED_SLICE)
    mark(_near_metal(located.metal_mm, located.outer_mm, located.mask_radius_mm), RayState.METAL)
    mark(~np.isfinite(located.outer_mm), RayState.NO_WALL)
    mark(~np.isfinite(located.inner_mm), RayState.NO_CANAL)
    mark(~np.isfinite(wall), RayState.UNLIKE_A_WALL)
    with np.errstate(invalid="ignore"):
        contrast = expected_hu - np.minimum(fit.content_hu, fit.outside_hu)
        worst = np.maximum(WORST_NOISES * np.nanmedian(fit.rms_hu), WORST_CONTRAST * contrast)
        mark(fit.rms_hu > worst, RayState.UNLIKE_A_WALL)
        content = fit.content_hu + fit.tail_hu * np.exp(-CLOSED_MM / fit.decay_mm)
        mark(content > CLOSED_RAY_SHARE * expected_hu, RayState.NO_CANAL)
        mark(located.middle_hu[:, None] > CLOSED_LEVEL_SHARE * expected_hu, RayState.NO_CANAL)
        mark(fit.cortex_hu < LEAST_CORTEX_SHARE * expected_hu, RayState.NOT_CORTEX)
        mark(wall < least_wall_mm, RayState.TOO_THIN)
        mark(~(np.maximum(fit.inner_se_mm, fit.outer_se_mm) < WORST_RAY_SE_MM), RayState.UNSURE)
    mark(_lonely(state == RayState.MEASURED), RayState.AMONG_UNKNOWN)
    return state


def judge_scan(state: NDArray[np.int8], wall_mm: FloatArray, wall_doubt_share: float) -> NDArray[np.int8]:
    """Return the states (m, n) once the scan as a whole is looked at.

    Where cortex HU is unknown, every wall is wrong by the same share at once (standard error ``wall_doubt_share``), so
    that the usual wall decides for all: to believe some would pick those that are wrong in one direction.
    """
    measured = state == RayState.MEASURED
    if not measured.any() or TWO_SIDED_95 * wall_doubt_share * float(np.median(wall_mm[measured])) < WORST_WALL_MM:
        return state
    return np.where(measured, RayState.HIDDEN_CORTEX, state).astype(np.int8)


def judge_surface(
    state: NDArray[np.int8], inner_mm: FloatArray, outer_mm: FloatArray, se_mm: FloatArray, least_wall_mm: FloatArray
) -> NDArray[np.int8]:
    """Return the states (m, n) once rays are joined: what is still too thin or too vague is not measured."""
    measured = state == RayState.MEASURED
    with np.errstate(invalid="ignore"):
        closed = measured & ~(inner_mm > LEAST_RADIUS_MM)
        thin = measured & ~(outer_mm - inner_mm > least_wall_mm)
        vague = measured & ~(se_mm < WORST_SE_MM)
    state = np.where(thin, RayState.TOO_THIN, np.where(vague, RayState.UNSURE, state))
    return np.where(closed, RayState.NO_CANAL, state).astype(np.int8)


def _near_metal(metal_mm: FloatArray, outer_mm: FloatArray, mask_radius_mm: FloatArray) -> NDArray[np.bool_]:
    """Mark rays (m, n) that meet metal within the bone or close outside it, and those beside them."""
    from scipy.ndimage import maximum_filter

    reach = np.where(np.isfinite(outer_mm), outer_mm, np.nan_to_num(mask_radius_mm)) + METAL_REACH_MM
    with np.errstate(invalid="ignore"):
        met = metal_mm < reach
    size = (2 * METAL_LEVELS + 1, 2 * METAL_RAYS + 1)
    return np.asarray(maximum_filter(met, size, mode=("nearest", "wrap")))


def _inside_scan(volume: CtVolume, rays: Rays, outer_mm: FloatArray, mask_radius_mm: FloatArray) -> NDArray[np.bool_]:
    """Mark rays (m, n) whose soft tissue beyond the wall still lies in the scan."""
    reach = np.where(np.isfinite(outer_mm), outer_mm, np.nan_to_num(mask_radius_mm)) + SEEN_MM
    start, step = rays.in_index(volume.geometry)
    end = start + step * (reach.reshape(-1, 1) / rays.step_mm)
    inside = np.all((end >= 0) & (end <= np.array(volume.geometry.shape) - 1), axis=1)
    return inside.reshape(reach.shape)


def _on_unmeasured_slice(volume: CtVolume, rays: Rays, located: Located) -> NDArray[np.bool_]:
    """Mark rays (m, n) that take the wall from a slice which was not scanned."""
    shape = located.outer_mm.shape
    if not volume.unmeasured_slices:
        return np.zeros(shape, bool)
    bad = np.zeros(volume.geometry.shape[0] + 1, np.intp)
    bad[np.array(volume.unmeasured_slices) + 1] = 1
    before = np.cumsum(bad)  # unmeasured slices below index i
    start, step = rays.in_index(volume.geometry)
    ends = [start[:, 0] + step[:, 0] * np.nan_to_num(r).ravel() / rays.step_mm
            for r in (located.inner_mm, located.outer_mm)]  # fmt: skip
    low = np.clip(np.floor(np.minimum(*ends)), 0, len(bad) - 1).astype(np.intp)
    high = np.clip(np.ceil(np.maximum(*ends)) + 1, 0, len(bad) - 1).astype(np.intp)
    return (before[high] > before[low]).reshape(shape)


def _lonely(measured: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark measured rays whose neighbours round and along the bone mostly are not."""
    from scipy.ndimage import uniform_filter

    share = uniform_filter(measured.astype(np.float32), (NEIGHBOUR_LEVELS, NEIGHBOUR_RAYS), mode=("nearest", "wrap"))
    return measured & (share < 0.5)
