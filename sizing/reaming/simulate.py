"""Ream a canal: every pass cut on paper, along the rays of every section."""

from __future__ import annotations

import numpy as np

from sizing.canal.model import Canal
from sizing.errors import ReamingError
from sizing.findings import Finding, Level
from sizing.geometry import FloatArray
from sizing.reaming.model import PassResult, ReamedCanal, ReamerPass, ReamingPlan
from sizing.reaming.tools import HIGH, LOW, A, B, C, tool_pieces

# A hole's wall this close to the endosteum is not yet a contact, mm: rounding, not bone.
_TOUCH_MM = 1e-9


def ream(canal: Canal, plan: ReamingPlan) -> ReamedCanal:
    """Make the passes of a plan in their order.

    Parameters
    ----------
    canal : Canal
        As measured, before any tool.
    plan : ReamingPlan
        Passes in the order in which they are made.

    Returns
    -------
    ReamedCanal
        NaN where the canal is not measured; volumes are of the measured part, and a finding tells what share
        of the tools' way that is.

    Raises
    ------
    ReamingError
        CF-R010 when the plan is empty, CF-R011 when an axis misses the canal altogether.
    """
    if not plan.passes:
        raise ReamingError("CF-R010", "a reaming plan needs at least one pass")
    sections = [_tool_along_rays(canal, p) for p in plan.passes]
    if all(np.all(high <= 0) for _, high in sections):
        raise ReamingError(
            "CF-R011",
            "no tool of the plan reaches the measured canal",
            advice="Check the axis: its entry must lie on the cut end and point into the bone",
        )
    hole = [(np.zeros(canal.endosteal_radius_mm.shape),) * 2]
    results: list[PassResult] = []
    for reamer_pass, interval in zip(plan.passes, sections, strict=True):
        merged = _merge(hole[-1], interval)
        results.append(_pass_result(canal, reamer_pass, hole[-1], merged, interval))
        hole.append(merged)
    bore = np.fmax(canal.endosteal_radius_mm, np.where(np.isfinite(canal.endosteal_radius_mm), hole[-1][1], np.nan))
    touching = [r for r in results if r.first_contact_depth_mm is not None]
    first = min(touching, key=lambda r: r.reamer_pass.reamer.diameter_mm, default=None)
    return ReamedCanal(
        canal,
        plan,
        tuple(results),
        bore,
        first.reamer_pass.reamer.diameter_mm if first else None,
        first.first_contact_depth_mm if first else None,
        _coverage(canal, plan) + _breaches(results),
    )


def _tool_along_rays(canal: Canal, reamer_pass: ReamerPass) -> tuple[FloatArray, FloatArray]:
    """Return where each ray (m, n) of each section enters and leaves the tool; (0, 0) where it misses."""
    axis, a = reamer_pass.axis, canal.axis
    ray = a.u_lps[:, None] * np.cos(canal.theta_rad)[:, None] + a.v_lps[:, None] * np.sin(canal.theta_rad)[:, None]
    travel = np.einsum("ij,ij->i", a.points_lps - axis.entry_lps, a.s_lps) / (a.s_lps @ axis.direction_lps)
    q = a.points_lps - axis.point_at(travel)
    direction = np.broadcast_to(axis.direction_lps, q.shape)
    if axis.bow_radius_mm is not None:
        angle = travel[:, None] / axis.bow_radius_mm
        direction = np.cos(angle) * axis.direction_lps + np.sin(angle) * axis.bow_centre_lps
    qd = np.einsum("ij,ij->i", q, direction)
    qq = np.einsum("ij,ij->i", q, q)
    ed = np.einsum("ijk,ik->ij", ray, direction)
    eq = np.einsum("ijk,ik->ij", ray, q)
    tau = (travel + qd - reamer_pass.depth_mm)[:, None]
    low, high = np.full(ed.shape, np.inf), np.full(ed.shape, -np.inf)
    for piece in tool_pieces(reamer_pass.reamer):
        qa = 1.0 - ed**2 - piece[C] * ed**2
        qb = eq - qd[:, None] * ed - 0.5 * piece[B] * ed - piece[C] * tau * ed
        qc = (qq - qd**2)[:, None] - piece[A] - piece[B] * tau - piece[C] * tau**2
        root = qb**2 - qa * qc
        hit = root > 0
        half = np.sqrt(np.where(hit, root, 0.0))
        enter, leave = (-qb - half) / qa, (-qb + half) / qa
        with np.errstate(divide="ignore", invalid="ignore"):
            at_low, at_high = (piece[LOW] - tau) / ed, (piece[HIGH] - tau) / ed
        flat = np.abs(ed) < 1e-12
        inside = (tau >= piece[LOW]) & (tau <= piece[HIGH])
        enter = np.where(flat, enter, np.maximum(enter, np.minimum(at_low, at_high)))
        leave = np.where(flat, leave, np.minimum(leave, np.maximum(at_low, at_high)))
        enter = np.maximum(enter, 0.0)
        hit &= (leave > enter) & (~flat | inside)
        low = np.where(hit, np.minimum(low, enter), low)
        high = np.where(hit, np.maximum(high, leave), high)
    missed = high <= low
    return np.where(missed, 0.0, low), np.where(missed, 0.0, high)


def _merge(one: tuple[FloatArray, FloatArray], two: tuple[FloatArray, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Union of two intervals per ray, as their hull: exact while they overlap, as tools of one canal do."""
    empty_one, empty_two = one[1] <= one[0], two[1] <= two[0]
    low = np.where(empty_one, two[0], np.where(empty_two, one[0], np.minimum(one[0], two[0])))
    return low, np.maximum(one[1], two[1])


def _area(interval: tuple[FloatArray, FloatArray], limit: FloatArray | float, step: float) -> FloatArray:
    """Area per level (m,) of the part of a hole within a limit radius; unmeasured rays count in nothing."""
    low, high = (np.minimum(edge, limit) for edge in interval)
    return 0.5 * step * np.nansum(high**2 - low**2, axis=1)


def _pass_result(
    canal: Canal,
    reamer_pass: ReamerPass,
    before: tuple[FloatArray, FloatArray],
    after: tuple[FloatArray, FloatArray],
    tool: tuple[FloatArray, FloatArray],
) -> PassResult:
    step = 2.0 * np.pi / len(canal.theta_rad)
    measured = canal.measured
    inner = np.where(measured, canal.endosteal_radius_mm, np.nan)
    outer = np.where(measured, canal.periosteal_radius_mm, np.nan)
    marrow = inner if canal.marrow_radius_mm is None else np.minimum(canal.marrow_radius_mm, inner)

    def gained(limit: FloatArray | float) -> FloatArray:
        return _area(after, limit, step) - _area(before, limit, step)

    in_marrow, in_canal, in_bone = gained(marrow), gained(inner), gained(outer)
    everywhere = gained(np.where(measured, np.inf, np.nan))
    depth = canal.axis.depth_mm
    cortical = in_bone - in_canal
    grown = after[1] > before[1]
    contact = grown & (tool[1] > inner + _TOUCH_MM)
    hole = np.fmax(inner, after[1])
    wall = outer - hole
    share = np.where(measured.any(axis=1), contact.sum(axis=1) / np.maximum(measured.sum(axis=1), 1), np.nan)
    reached = np.any(tool[1] > 0, axis=1)
    least = np.where(reached[:, None] & measured, wall, np.nan)
    at = np.unravel_index(np.nanargmin(least), least.shape) if np.isfinite(least).any() else None
    touching = np.flatnonzero(contact.any(axis=1))
    return PassResult(
        reamer_pass=reamer_pass,
        removed_cortical_mm3=float(np.trapezoid(cortical, depth)),
        removed_cancellous_mm3=float(np.trapezoid(in_canal - in_marrow, depth)),
        removed_medullary_mm3=float(np.trapezoid(in_marrow, depth)),
        removed_outside_mm3=float(np.trapezoid(everywhere - in_bone, depth)),
        removed_cortical_mm2=cortical,
        contact_share=share,
        contact=contact,
        wall_left_mm=wall,
        wall_min_mm=float(least[at]) if at else np.nan,
        wall_min_depth_mm=float(depth[at[0]]) if at else np.nan,
        wall_min_theta_rad=float(canal.theta_rad[at[1]]) if at else np.nan,
        first_contact_depth_mm=float(depth[touching[0]]) if len(touching) else None,
        engaged_cortical_mm2=float(np.trapezoid(np.nan_to_num(share), depth) * np.pi * reamer_pass.reamer.diameter_mm),
        breach=bool(np.any(least < 0)),
    )


def _coverage(canal: Canal, plan: ReamingPlan) -> tuple[Finding, ...]:
    """Say which part of the tools' way is not measured; it is in no volume and no wall."""
    depth, findings = canal.axis.depth_mm, []
    reach = max(p.depth_mm for p in plan.passes)
    within = depth <= reach
    share = float(canal.measured[within].mean()) if within.any() else 0.0
    if share < 1.0:
        findings.append(
            Finding(
                Level.WARNING,
                "CF-R020",
                f"{100 * (1 - share):.1f} % of the surface along the reaming "
                "is not measured; removed volumes and walls are of the measured part only",
                "Look at the sections named by the canal's findings",
            )
        )
    beyond = reach - float(depth[-1])
    if beyond > 1e-6:
        findings.append(
            Finding(
                Level.WARNING,
                "CF-R021",
                f"the deepest tool runs {beyond:.1f} mm past the measured canal; nothing is said about that stretch",
                "Measure further, or ream less deep",
                depth_mm=float(depth[-1]),
            )
        )
    return tuple(findings)


def _breaches(results: list[PassResult]) -> tuple[Finding, ...]:
    for r in results:
        if r.breach:
            size = r.reamer_pass.reamer.diameter_mm
            return (
                Finding(
                    Level.CRITICAL,
                    "CF-R022",
                    f"the {size:g} mm tool breaks through the outer surface of the "
                    f"bone at {r.wall_min_depth_mm:.0f} mm",
                    "Choose a smaller size or another axis",
                    depth_mm=r.wall_min_depth_mm,
                ),
            )
    return ()
