"""What if the hand is off, and the scan too: thousands of drawn reamings, and how often something goes wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sizing.anatomy import direction_word
from sizing.canal.model import Canal
from sizing.errors import ReamingError
from sizing.geometry import FloatArray
from sizing.reaming.evaluate import (
    N_TOTALS,
    GridEvaluation,
    PreparedCanal,
    depth_or_error,
    evaluate,
    named_totals,
    pose_of,
    prepare,
    radii_or_error,
    work_space,
)
from sizing.reaming.size_doubt import SizeDoubt, size_doubt
from sizing.reaming.surface_noise import smooth_fields, surface_errors
from sizing.reaming.tool_axis import ToolAxis
from sizing.strict import is_number

# Independent draws of the surface; poses take them in turn, and what all points share is drawn for each pose.
_FIELDS = 24
_MOST_POSES = 200_000


@dataclass(frozen=True, slots=True)
class AstraySettings:
    """How far things may be off: standard deviations of normal errors, all independent.

    Attributes
    ----------
    n_poses : int
    seed : int
        Same seed, same numbers.
    offset_mm : float
        Entry, along each of the two directions across the axis.
    tilt_deg : float
        Direction, about each of the two axes across it.
    depth_mm : float
    oversize_mm : float
        Diametral: how much wider than its name a tool cuts.
    oversize_mean_mm : float
        A reamer that wobbles cuts wide on average.
    surface : bool
        Draw the surfaces too, by the standard errors of the canal's radii (none known: nothing is drawn).
    shared_variance : float
        Part of the surfaces' error variance that all points share (cortex HU, blur); the rest varies along
        the surface over ``correlation_mm``.
    correlation_mm : float
    wall_limit_mm : float
        A wall below this counts as too thin.
    coin_toss : float
        A second size at least this probable makes the choice a coin toss.
    """

    n_poses: int = 10_000
    seed: int = 20_000
    offset_mm: float = 1.0
    tilt_deg: float = 0.5
    depth_mm: float = 2.0
    oversize_mm: float = 0.1
    oversize_mean_mm: float = 0.0
    surface: bool = True
    shared_variance: float = 0.5
    correlation_mm: float = 10.0
    wall_limit_mm: float = 2.0
    coin_toss: float = 0.3

    def __post_init__(self) -> None:
        spreads = (self.offset_mm, self.tilt_deg, self.depth_mm, self.oversize_mm, self.correlation_mm)
        counts = isinstance(self.n_poses, int) and 1 <= self.n_poses <= _MOST_POSES
        if not (counts and all(is_number(x) and x >= 0 for x in spreads)):
            raise ReamingError(
                "CF-R014",
                "the errors to draw are not usable",
                expected=f"1 to {_MOST_POSES} poses, spreads that are not negative",
            )
        shares = (self.shared_variance, self.coin_toss, self.wall_limit_mm)
        known = all(is_number(x) for x in shares)
        if not (known and 0 <= self.shared_variance <= 1 and 0 < self.coin_toss < 1 and self.wall_limit_mm >= 0):
            raise ReamingError("CF-R014", "a share must lie between 0 and 1, and a wall limit not below 0")


@dataclass(frozen=True)
class Astray:
    """How often, per size (k,), and where.

    Attributes
    ----------
    diameters_mm : (k,) array
    too_thin_probability, breach_probability : (k,) arrays
        The least wall outside the tool is below the limit; the tool leaves the bone. A native wall that is thin
        where no tool comes is another matter.
    too_thin_se, breach_se : (k,) arrays
        Sampling error of these numbers alone: one standard error; never 0, since "never seen" is not "never".
    wall_quantiles_mm : (k, 3) array
        5, 50 and 95 % of the least wall outside the tool; negative = breach.
    worst_depth_mm : (k,) array
        Level at which a wall that is too thin lies most often; NaN = it never is.
    worst_direction_lps : (k, 3) array
        Mean outward direction of those places; NaN = none.
    worst_direction : tuple of (str or None)
        The same in a surgeon's word, where the bone's side is known.
    size : SizeDoubt
        Which size would be taken, and how surely.
    settings : AstraySettings
        What was drawn.
    """

    settings: AstraySettings
    diameters_mm: FloatArray
    too_thin_probability: FloatArray
    too_thin_se: FloatArray
    breach_probability: FloatArray
    breach_se: FloatArray
    wall_quantiles_mm: FloatArray
    worst_depth_mm: FloatArray
    worst_direction_lps: FloatArray
    worst_direction: tuple[str | None, ...]
    size: SizeDoubt


def astray(
    canal: Canal | PreparedCanal,
    axis: ToolAxis,
    diameters_mm: ArrayLike,
    depth_mm: float,
    planned_diameter_mm: float,
    settings: AstraySettings | None = None,
) -> Astray:
    """Draw errors of hand, tool and scan, and ream with all sizes each time.

    Parameters
    ----------
    canal : Canal or PreparedCanal
        As measured; its ``endosteal_se_mm`` and ``periosteal_se_mm`` say how far the surfaces may be off.
    axis : ToolAxis
        As planned, straight or bowed.
    diameters_mm : (k,) array_like
        Sizes of the tray, strictly increasing.
    depth_mm : float
        As planned.
    planned_diameter_mm : float
        One of the sizes: the last tool of the plan.
    settings : AstraySettings, optional
        What may be off, and by how much.

    Raises
    ------
    ReamingError
        CF-R002, CF-R005 as ``evaluate``; CF-R004 when the planned size is not one of the sizes.
    """
    settings = settings or AstraySettings()
    prepared = canal if isinstance(canal, PreparedCanal) else prepare(canal)
    radius, depth = radii_or_error(diameters_mm), depth_or_error(depth_mm)
    planned = np.flatnonzero(np.isclose(2.0 * radius, planned_diameter_mm, atol=1e-6))
    if not len(planned):
        measured = f"{planned_diameter_mm:g} mm"
        raise ReamingError("CF-R004", "the planned size is not one of the sizes", measured=measured)
    random = np.random.default_rng(settings.seed)
    poses, depths, oversize = _drawn_poses(axis, depth, settings, random)
    drawn = _ream_all(prepared, poses, radius, depths, oversize, settings, random)
    thin, broken = drawn.tool_wall_mm < settings.wall_limit_mm, drawn.tool_wall_mm < 0.0
    worst_depth, worst_way = _where(prepared, poses, drawn, thin)
    side = prepared.canal.side
    words = tuple(direction_word(w, side) if side and np.hypot(w[0], w[1]) > 0 else None for w in worst_way)
    cut = evaluate(prepared, axis, 2.0 * radius, depth).removed_cortical_mm3
    size = size_doubt(cut, drawn.removed_cortical_mm3, ~thin, 2.0 * radius, int(planned[0]), settings.coin_toss)
    return Astray(
        settings,
        2.0 * radius,
        thin.mean(axis=0),
        sampling_error(thin.mean(axis=0), settings.n_poses),
        broken.mean(axis=0),
        sampling_error(broken.mean(axis=0), settings.n_poses),
        np.nanquantile(drawn.tool_wall_mm, [0.05, 0.5, 0.95], axis=0).T,
        worst_depth,
        worst_way,
        words,
        size,
    )


def sampling_error(probability: ArrayLike, n: int) -> FloatArray:
    """Standard error of a probability from n draws (Agresti and Coull: two successes and two failures added)."""
    p = (np.asarray(probability, np.float64) * n + 2.0) / (n + 4.0)
    return np.sqrt(p * (1.0 - p) / (n + 4.0))


def _drawn_poses(
    axis: ToolAxis, depth_mm: float, settings: AstraySettings, random: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Poses (q, 10), depths (q,) and radial oversizes (q,)."""
    q, d = settings.n_poses, axis.direction_lps
    across = np.linalg.svd(d[None])[2][1:]  # two directions at right angles to the axis and to each other
    draws = random.standard_normal((q, 6))
    poses = np.tile(pose_of(axis), (q, 1))
    poses[:, :3] += settings.offset_mm * draws[:, :2] @ across
    turn = np.tan(np.radians(settings.tilt_deg)) * draws[:, 2:4] @ across
    poses[:, 3:6] = d + turn
    poses[:, 3:6] /= np.linalg.norm(poses[:, 3:6], axis=1, keepdims=True)
    if axis.bow_centre_lps is not None:  # the bow turns with the axis
        centre = poses[:, 6:9] - np.sum(poses[:, 6:9] * poses[:, 3:6], axis=1, keepdims=True) * poses[:, 3:6]
        poses[:, 6:9] = centre / np.linalg.norm(centre, axis=1, keepdims=True)
    depths = np.maximum(depth_mm + settings.depth_mm * draws[:, 4], 0.1 * depth_mm)
    return poses, depths, 0.5 * (settings.oversize_mean_mm + settings.oversize_mm * draws[:, 5])


def _ream_all(
    prepared: PreparedCanal,
    poses: FloatArray,
    radius: FloatArray,
    depths: FloatArray,
    oversize: FloatArray,
    settings: AstraySettings,
    random: np.random.Generator,
) -> GridEvaluation:
    canal, k = prepared.canal, len(radius)
    se = surface_errors(canal) if settings.surface else np.zeros((2, *canal.endosteal_radius_mm.shape), np.float32)
    fields = smooth_fields(canal, _FIELDS, settings.correlation_mm, random)
    shared = np.sqrt(settings.shared_variance) * random.standard_normal((len(poses), 2))
    rays = np.stack([np.cos(canal.theta_rad), np.sin(canal.theta_rad)]).astype(np.float32)
    totals = np.empty((len(poses), N_TOTALS, k))
    oversize = np.maximum(oversize, 0.1 - radius[0])  # a tool never shrinks to nothing
    prepared.kernel.astray(
        np.ascontiguousarray(poses),
        radius,
        np.ascontiguousarray(depths),
        np.ascontiguousarray(oversize),
        rays,
        se,
        fields,
        shared.astype(np.float32),
        float(np.sqrt(1.0 - settings.shared_variance)),
        work_space(prepared, k),
        np.empty(k),
        totals,
    )
    return GridEvaluation(2.0 * radius, **named_totals(totals))


def _where(
    prepared: PreparedCanal, poses: FloatArray, drawn: GridEvaluation, thin: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """Most frequent level (k,) of a wall that is too thin, and mean outward direction (k, 3) there."""
    axis, k = prepared.canal.axis, thin.shape[1]
    depth, way = np.full(k, np.nan), np.full((k, 3), np.nan)
    for j in range(k):
        bad = np.flatnonzero(thin[:, j] & np.isfinite(drawn.tool_wall_depth_mm[:, j]))
        if not len(bad):
            continue
        levels = np.searchsorted(axis.depth_mm, drawn.tool_wall_depth_mm[bad, j])
        worst = int(np.bincount(levels).argmax())
        depth[j] = axis.depth_mm[worst]
        # the tool leans towards the thin wall: from the canal's bone centre to the axis, at that level
        here = poses[bad[levels == worst]]
        along = (axis.points_lps[worst] - here[:, :3]) @ axis.s_lps[worst] / (here[:, 3:6] @ axis.s_lps[worst])
        at = here[:, :3] + along[:, None] * here[:, 3:6]
        outline = prepared.canal.contour_lps("periosteal")[worst]
        outline = outline[np.isfinite(outline[:, 0])]
        nearest = np.argmin(np.linalg.norm(outline[None] - at[:, None], axis=2), axis=1)
        outward = (outline[nearest] - at).mean(axis=0)
        way[j] = outward / max(float(np.linalg.norm(outward)), 1e-12)
    return depth, way
