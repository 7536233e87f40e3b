"""What reaming found worth a person's look, in words."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from sizing.anatomy import direction_word
from sizing.canal.model import Canal
from sizing.findings import Finding, Level
from sizing.reaming.model import PassResult, ReamingPlan, ToolKind

# Less unmeasured surface than this is one ray in a thousand: not worth a sentence.
_NEARLY_ALL = 0.999
# More than this is worth a look; less is said only.
_WARNED_BELOW = 0.99
_GAP_MM = 0.05


def remarks(canal: Canal, plan: ReamingPlan, results: tuple[PassResult, ...]) -> tuple[Finding, ...]:
    """Say what is not measured, what breaks through, and steps between sizes that are too large."""
    return (*_coverage(canal, plan, results), *_breach(canal, results), *_steps(plan))


def _coverage(canal: Canal, plan: ReamingPlan, results: tuple[PassResult, ...]) -> list[Finding]:
    depth = canal.axis.depth_mm
    reach = max(p.depth_mm for p in plan.passes)
    within = depth <= reach + _GAP_MM
    share = float(results[0].measured_share[within].mean()) if within.any() else 0.0
    found = []
    if share < _NEARLY_ALL:
        found.append(
            Finding(
                Level.WARNING if share < _WARNED_BELOW else Level.INFO,
                "CF-R020",
                f"{100 * (1 - share):.1f} % of the surface along the reaming is not measured; "
                "removed volumes and walls are of the measured part only",
                "Look at the sections that the canal's findings name",
            )
        )
    beyond = reach - float(depth[-1])
    step = float(np.median(np.diff(depth))) if len(depth) > 1 else np.inf
    if beyond > step:
        found.append(
            Finding(
                Level.WARNING,
                "CF-R021",
                f"the deepest tool runs {beyond:.1f} mm past the measured canal; nothing is said about that stretch",
                "Measure further, or ream less deep",
                depth_mm=float(depth[-1]),
            )
        )
    return found


def _breach(canal: Canal, results: tuple[PassResult, ...]) -> list[Finding]:
    for r in results:
        if not r.breach or r.reamer_pass.reamer.kind is ToolKind.FACING:
            continue
        level = int(np.argmin(np.abs(canal.axis.depth_mm - r.wall_min_depth_mm)))
        a, theta = canal.axis, r.wall_min_theta_rad
        outward = np.cos(theta) * a.u_lps[level] + np.sin(theta) * a.v_lps[level]
        side = direction_word(outward, canal.side) if canal.side and np.hypot(*outward[:2]) > 0 else None
        return [
            Finding(
                Level.CRITICAL,
                "CF-R022",
                f"the {r.reamer_pass.reamer.diameter_mm:g} mm tool breaks through the outer surface of the bone "
                f"at depth {r.wall_min_depth_mm:.0f} mm{', ' + side if side else ''}",
                "Choose a smaller size, another axis or less depth",
                depth_mm=r.wall_min_depth_mm,
                direction=side,
            )
        ]
    return []


def _steps(plan: ReamingPlan) -> list[Finding]:
    """A reamer more than 0.5 mm bigger than the one before raises heat (clinical reference, section 2, step 5)."""
    sizes = [p.reamer.diameter_mm for p in plan.passes if p.reamer.kind in _SEQUENCE]
    worst = max((b - a for a, b in pairwise(sizes)), default=0.0)
    if worst <= LARGEST_STEP_MM + 1e-6:
        return []
    return [
        Finding(
            Level.WARNING,
            "CF-R024",
            f"a tool is {worst:g} mm larger than the one before; steps above {LARGEST_STEP_MM:g} mm raise heat",
            "Add the sizes between",
        )
    ]


_SEQUENCE = (ToolKind.RIGID, ToolKind.FLEXIBLE, ToolKind.CURVED, ToolKind.DRILL)
LARGEST_STEP_MM = 0.5
