"""Where a tool's axis pierces a section, and which way it runs there."""

from __future__ import annotations

import numpy as np

from sizing.errors import ReamingError
from sizing.geometry import FloatArray
from sizing.reaming.model import ReamerPass, ToolAxis
from sizing.reaming.sections import SectionStack
from sizing.reaming.tools import tool_pieces

# A tool this oblique to a section (cosine) does not ream a canal but crosses it.
_LEAST_COSINE = 0.2
_NEWTON_STEPS = 25
_CONVERGED_MM = 1e-12

# Columns of the kernels' tool table.
TOOL_COLUMNS = 8


def pierce(axis: ToolAxis, sections: SectionStack) -> FloatArray:
    """Return the travel (k,) at which an axis passes through the plane of each section.

    Raises
    ------
    ReamingError
        CF-R008 when the axis crosses the canal instead of following it.
    """
    along = np.einsum("ij,ij->i", sections.points_lps - axis.entry_lps, sections.s_lps)
    climb = sections.s_lps @ axis.direction_lps
    if axis.is_straight:
        _check(climb)
        return along / climb
    travel = along / np.maximum(climb, _LEAST_COSINE)
    for _ in range(_NEWTON_STEPS):
        miss = np.einsum("ij,ij->i", sections.points_lps - axis.point_at(travel), sections.s_lps)
        climb = np.einsum("ij,ij->i", axis.direction_at(travel), sections.s_lps)
        travel = travel + miss / np.maximum(climb, _LEAST_COSINE)
        if np.max(np.abs(miss), initial=0.0) < _CONVERGED_MM:
            break
    _check(climb)
    return travel


def tools_in_sections(passes: tuple[ReamerPass, ...], sections: SectionStack) -> FloatArray:
    """Return the table (passes, k, 8) of tools as the kernels read it.

    Columns: cx, cy = where the axis pierces the section; du, dv = in-plane part of the direction there;
    ku, kv = of the curvature, 1/mm; tau0 = travel there minus the pass's depth; 1 if the tool reaches
    the section at all, else 0.
    """
    table = np.zeros((len(passes), len(sections.depth_mm), TOOL_COLUMNS))
    seen: dict[int, tuple[FloatArray, FloatArray]] = {}
    for row, made in zip(table, passes, strict=True):
        if id(made.axis) not in seen:
            seen[id(made.axis)] = _local(made.axis, sections)
        local, travel = seen[id(made.axis)]
        row[:, :6] = local
        row[:, 6] = travel - made.depth_mm
        radius = np.sqrt(max(float(piece[2]) for piece in tool_pieces(made.reamer)))
        lean = np.hypot(local[:, 2], local[:, 3])
        row[:, 7] = row[:, 6] <= 2.0 * max(radius, 0.5 * made.reamer.diameter_mm) * lean / _LEAST_COSINE + 1e-9
    return table


def _local(axis: ToolAxis, sections: SectionStack) -> tuple[FloatArray, FloatArray]:
    travel = pierce(axis, sections)
    offset = axis.point_at(travel) - sections.points_lps
    vectors = (offset, axis.direction_at(travel), axis.curvature_at(travel))
    columns = [np.einsum("ij,ij->i", v, w) for v in vectors for w in (sections.u_lps, sections.v_lps)]
    return np.stack(columns, axis=1), travel


def _check(climb: FloatArray) -> None:
    if np.any(climb < _LEAST_COSINE):
        raise ReamingError(
            "CF-R008",
            "the tool axis crosses the canal instead of following it",
            measured=f"{np.degrees(np.arccos(np.clip(climb.min(), -1, 1))):.0f} degrees to a section's normal",
            advice="Let the axis point proximally, into the bone",
        )
