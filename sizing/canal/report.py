"""What could not be measured, in words: which level, which side, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.anatomy import Side, direction_word
from sizing.canal.locate import Located
from sizing.canal.model import CorticalDefect, EdgeModel
from sizing.canal.rays import Rays
from sizing.canal.verdict import RayState
from sizing.canal.walls import Walls
from sizing.findings import Finding, Level
from sizing.geometry import FloatArray
from sizing.intervals import TWO_SIDED_95

# A hole in the wall smaller than this is a vessel's canal or noise.
DEFECT_MM = 4.0
# Round a defect the cortex is solid; where it is thin all round, the bone is metaphysis and not destroyed.
SOLID_RIM_MM = 1.8
RIM_RAYS, RIM_LEVELS = 6, 4
# Bone counts as missing where half of what the rim has is gone.
MISSING_SHARE = 0.5
# Thin or unclear walls are named when they take this share of a level for at least this length.
NAMED_SHARE = 0.05
NAMED_LENGTH_MM = 3.0
# Stretches closer than this are told as one, and this many at most.
JOINED_MM, NAMED_STRETCHES = 10.0, 3
# Cortex fades where it lacks this share of its HU at the endosteum, on this share of a level's rays. An edge that is
# uncertain by less than this (half a reamer step) seldom changes a reamer; a mean direction weaker than
# this is no side.
FADED_SHARE, NAMED_FADED, TELLING_MM, ONE_SIDED = 0.1, 0.25, 0.25, 0.15
# Marrow, fat or fluid, and the loose bone of a metaphysis stay below this.
FILLED_HU = 400.0


@dataclass(frozen=True)
class Patch:
    """Connected rays of one kind: levels from..to, share of the circumference, centre."""

    from_mm: float
    to_mm: float
    depth_mm: float
    theta_rad: float
    width_mm: float
    rays: NDArray[np.bool_]


def find_patches(kind: NDArray[np.bool_], rays: Rays, radius_mm: FloatArray) -> list[Patch]:
    """Group marked rays (m, n) that touch, round the section and along the bone; largest first."""
    from scipy.ndimage import label

    groups, _ = label(kind, structure=np.ones((3, 3)))
    for a, b in zip(groups[:, 0], groups[:, -1], strict=True):  # theta wraps
        if a and b and a != b:
            groups[groups == b] = a
    depth, theta = rays.axis.depth_mm, rays.theta_rad
    patches = []
    for g in np.unique(groups[groups > 0]):
        member = groups == g
        level, ray = np.nonzero(member)
        mean = float(np.angle(np.exp(1j * theta[ray]).mean()))
        arc = member.sum(axis=1).max() * (2 * np.pi / len(theta)) * float(np.nanmedian(radius_mm))
        patches.append(Patch(depth[level].min(), depth[level].max(), float(depth[level].mean()), mean, arc, member))
    return sorted(patches, key=lambda p: -int(p.rays.sum()))


def canal_findings(
    walls: Walls, located: Located, rays: Rays, side: Side
) -> tuple[tuple[Finding, ...], tuple[CorticalDefect, ...]]:
    """Name what a person should look at: defects, thin walls, closed or filled canal, metal, the scan's edge.

    Parameters
    ----------
    walls : Walls
        What was measured, and the state of every ray.
    located : Located
        Outline of the bone, for lengths along the circumference, and what fills the canal.
    rays : Rays
        Levels and directions.
    side : Side
        Decides the words for directions.

    Returns
    -------
    findings, defects
        The defects are among the findings as well.
    """

    def where(theta_rad: float, level: int) -> str:
        a = rays.axis
        return direction_word(np.cos(theta_rad) * a.u_lps[level] + np.sin(theta_rad) * a.v_lps[level], side)

    findings: list[Finding] = []
    defects: list[CorticalDefect] = []
    broken = np.isin(walls.state, _BROKEN)
    defect_rays = np.zeros(broken.shape, bool)
    for patch in find_patches(broken, rays, located.outer_mm):
        if patch.width_mm < DEFECT_MM or patch.to_mm - patch.from_mm < DEFECT_MM or not _is_defect(patch, walls):
            continue
        defect_rays |= patch.rays
        defects.append(_defect(patch, rays, where))
        findings.append(_finding_of(defects[-1]))
    for code, kinds, level, what, advice in _NAMED:
        kind = np.isin(walls.state, kinds) & ~defect_rays
        findings.extend(_named(kind, rays, where, (code, level, what, advice)))
    return (*findings, *_filled(walls, located.middle_hu, rays), *_faded(walls, rays, where)), tuple(defects)


def unknown_cortex(edges: EdgeModel) -> Finding:
    """Say that no wall is thick enough to show its HU, and what this does to the walls."""
    assert edges.cortex_hu is not None and edges.cortex_hu_se is not None
    assert edges.wall_mm_per_10_percent_cortex is not None
    share = edges.cortex_hu_se / edges.cortex_hu
    off = TWO_SIDED_95 * abs(edges.wall_mm_per_10_percent_cortex) * share / 0.1
    return Finding(
        Level.WARNING,
        "CF-C108",
        f"no wall is thick enough to show the HU of cortex in this scan: {edges.cortex_hu:.0f} ± "
        f"{edges.cortex_hu_se:.0f} HU is assumed, and walls may all be thicker or thinner by {off:.1f} mm",
        "Use a finer scan, or one with more of the shaft in it",
    )


def _filled(walls: Walls, middle_hu: FloatArray, rays: Rays) -> list[Finding]:
    """Name the stretch where cancellous bone fills the canal: its walls are measured, but it is not open."""
    depth = rays.axis.depth_mm
    with np.errstate(invalid="ignore"):
        filled = (middle_hu > FILLED_HU) & (np.isfinite(walls.inner_mm).mean(axis=1) > 0.5)
    step = float(np.median(np.diff(depth))) if len(depth) > 1 else 1.0
    if filled.sum() * step < NAMED_LENGTH_MM:
        return []
    at = np.flatnonzero(filled)
    return [
        Finding(
            Level.WARNING,
            "CF-C109",
            f"dense cancellous bone ({np.median(middle_hu[filled]):.0f} HU) fills the canal at {len(at)} of "
            f"{len(depth)} levels, {_stretches(filled, depth)}",
            "The canal is measured to its cortex there; a reamer meets bone before it",
            depth_mm=float(depth[at[int(middle_hu[filled].argmax())]]),
        )
    ]


def _faded(walls: Walls, rays: Rays, where: Callable[[float, int], str]) -> list[Finding]:
    """Name the stretch where the cortex loses HU towards the canal, and what that does to the endosteal edge."""
    depth = rays.axis.depth_mm
    share = np.nan_to_num(walls.fade_share)
    faded = share > FADED_SHARE
    hit = faded.mean(axis=1) > NAMED_FADED
    step = float(np.median(np.diff(depth))) if len(depth) > 1 else 1.0
    if hit.sum() * step < NAMED_LENGTH_MM:
        return []
    there = faded & hit[:, None]
    worst = int(np.where(hit, share.mean(axis=1), 0.0).argmax())
    mean = (share[worst] * np.exp(1j * rays.theta_rad)).sum() / share[worst].sum()
    word = where(float(np.angle(mean)), worst) if abs(mean) > ONE_SIDED else None
    place = f", most on the {word} side" if word else ""
    doubt = TWO_SIDED_95 * float(np.median(walls.fade_se_mm[there]))
    return [
        Finding(
            Level.WARNING if doubt > TELLING_MM else Level.INFO,
            "CF-C110",
            f"the cortex fades towards the canal at {hit.sum()} of {len(depth)} levels, {_stretches(hit, depth)}{place}"
            f": {np.median(share[there]):.0%} of its HU is missing at the endosteal edge, which is uncertain by about "
            f"{doubt:.1f} mm there",
            "Porous cortex, as after disuse: where firm bone begins is not sharp; be ready for one size less",
            depth_mm=float(depth[worst]),
            direction=word,
        )
    ]


def _defect(patch: Patch, rays: Rays, where: Callable[[float, int], str]) -> CorticalDefect:
    word = where(patch.theta_rad, int(np.abs(rays.axis.depth_mm - patch.depth_mm).argmin()))
    return CorticalDefect(
        float(patch.from_mm), float(patch.to_mm), patch.depth_mm, patch.theta_rad, float(patch.width_mm), word
    )


def _finding_of(defect: CorticalDefect) -> Finding:
    return Finding(
        Level.WARNING,
        "CF-C101",
        f"the cortex is interrupted on the {defect.direction} side from {defect.from_depth_mm:.0f} to "
        f"{defect.to_depth_mm:.0f} mm above the resection plane, about {defect.width_mm:.0f} mm wide",
        "Look at the images there: a defect, not a thin wall; no wall is reported inside it",
        depth_mm=defect.depth_mm,
        direction=defect.direction,
    )


_BROKEN = (RayState.NO_WALL, RayState.NOT_CORTEX, RayState.TOO_THIN, RayState.UNLIKE_A_WALL, RayState.UNSURE,
           RayState.AMONG_UNKNOWN)  # fmt: skip

_NAMED = (
    ("CF-C102", (RayState.TOO_THIN,), Level.WARNING, "the wall is thinner than this scan can resolve",
     "Thickness there is below about one blur width; use a finer scan if the stem reaches it"),
    ("CF-C103", (RayState.NO_CANAL,), Level.WARNING, "the canal is closed",
     "Sclerosed or filled with bone: nothing is measured there"),
    ("CF-C104", (RayState.METAL,), Level.WARNING, "metal hides the wall", "Nothing is measured there"),
    ("CF-C107", (RayState.UNMEASURED_SLICE,), Level.WARNING, "slices were interpolated, not scanned",
     "Nothing is reported as measured there"),
    ("CF-C105", (RayState.OUT_OF_SCAN,), Level.INFO, "the wall leaves the scan", ""),
    ("CF-C106", (RayState.NO_WALL, RayState.NOT_CORTEX, RayState.UNLIKE_A_WALL, RayState.UNSURE), Level.WARNING,
     "no wall of cortical bone can be told", "Look at the images there"),
)  # fmt: skip


def _named(
    kind: NDArray[np.bool_], rays: Rays, where: Callable[[float, int], str], named: tuple[str, Level, str, str]
) -> list[Finding]:
    """Return one finding for all levels of one kind, at the place where most rays are lost."""
    code, level, what, advice = named
    share = kind.mean(axis=1)
    hit = share >= NAMED_SHARE
    depth = rays.axis.depth_mm
    step = float(np.median(np.diff(depth))) if len(depth) > 1 else 1.0
    if hit.sum() * step < NAMED_LENGTH_MM:
        return []
    worst = int(share.argmax())
    mean = np.exp(1j * rays.theta_rad)[kind[worst]].mean()
    # rays lost all round have no side
    word = where(float(np.angle(mean)), worst) if abs(mean) > 0.3 else None
    place = f", most on the {word} side" if word else ""
    message = f"{what} at {hit.sum()} of {len(depth)} levels, {_stretches(hit, depth)}{place}"
    return [Finding(level, code, message, advice, depth_mm=float(depth[worst]), direction=word)]


def _stretches(hit: NDArray[np.bool_], depth_mm: FloatArray) -> str:
    """Say where marked levels (m,) lie: "9 to 11 and 160 to 166 mm above the resection plane", the largest three."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], hit, [False]]).astype(int)))
    runs = [(first, last - 1) for first, last in edges.reshape(-1, 2)]
    joined = [runs[0]]
    for first, last in runs[1:]:
        if depth_mm[first] - depth_mm[joined[-1][1]] <= JOINED_MM:
            joined[-1] = joined[-1][0], last
        else:
            joined.append((first, last))
    longest = sorted(joined, key=lambda run: run[0] - run[1])[:NAMED_STRETCHES]
    words = [f"{depth_mm[a]:.0f} to {depth_mm[b]:.0f}" if a < b else f"{depth_mm[a]:.0f}" for a, b in sorted(longest)]
    more = f" and {len(joined) - len(longest)} shorter stretches" if len(joined) > len(longest) else ""
    return f"{' and '.join(words)} mm above the resection plane{more}"


def _is_defect(patch: Patch, walls: Walls) -> bool:
    """Tell whether bone is missing inside a rim of solid cortex; where bone thins out all round, it is metaphysis."""
    from scipy.ndimage import binary_dilation

    m, n = patch.rays.shape
    levels = np.flatnonzero(patch.rays.any(axis=1))
    if levels[0] == 0 or levels[-1] == m - 1:
        return False  # not closed: its far rim is not in the scan
    low, high = max(levels[0] - RIM_LEVELS, 0), min(levels[-1] + RIM_LEVELS + 1, m)
    member = patch.rays[low:high]
    round_and_round = np.concatenate([member, member, member], axis=1)
    grown = binary_dilation(round_and_round, np.ones((2 * RIM_LEVELS + 1, 2 * RIM_RAYS + 1)))
    rim = grown[:, n : 2 * n] & ~member
    wall = (walls.outer_mm - walls.inner_mm)[low:high][rim]
    bone = walls.bone_hu_mm[low:high]
    known = np.isfinite(wall)
    if known.sum() < 0.5 * rim.sum() or np.median(wall[known]) < SOLID_RIM_MM:
        return False
    return bool(np.median(bone[member]) < MISSING_SHARE * np.median(bone[rim][known]))
