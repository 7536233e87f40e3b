"""How wide a tool may be before it touches."""

from __future__ import annotations

import numpy as np

from sizing.canal.model import Canal
from sizing.reaming.model import ReamerPass
from sizing.reaming.pierce import tools_in_sections
from sizing.reaming.sections import sections_at


def contact_begins_mm(canal: Canal, made: ReamerPass) -> float:
    """Return the diameter at which a tool on this axis, to this depth, begins to touch the endosteum.

    Twice the least distance of the endosteum to the axis; between rays by a parabola through the nearest three.
    NaN when no level on the way is measured.
    """
    sections = sections_at(canal, canal.axis.depth_mm)
    cx, cy, du, dv, ku, kv, tau0, _ = (column[:, None] for column in tools_in_sections((made,), sections)[0].T)
    qx = sections.endosteal_mm * np.cos(canal.theta_rad) - cx
    qy = sections.endosteal_mm * np.sin(canal.theta_rad) - cy
    along = du * qx + dv * qy
    square = qx**2 + qy**2 - along**2 / (1.0 - ku * qx - kv * qy)
    square = np.where((tau0 <= 0.0) & np.isfinite(square), square, np.inf)
    level, ray = np.unravel_index(int(np.argmin(square)), square.shape)
    here = square[level, ray]
    if not np.isfinite(here):
        return float("nan")
    before, after = square[level, ray - 1], square[level, (ray + 1) % square.shape[1]]
    bend = before - 2.0 * here + after
    if np.isfinite(bend) and bend > 0.0:
        here -= (after - before) ** 2 / (8.0 * bend)
    return 2.0 * float(np.sqrt(max(here, 0.0)))
