"""Axes that a custom stem could go in along: that of the best stock stem, the canal's middle, and its own bow."""

from __future__ import annotations

import numpy as np

from sizing.errors import InputError, ReamingError
from sizing.fit import Fit
from sizing.geometry import unit
from sizing.implants.custom_settings import SMALLEST_BOW_RADIUS_MM, CustomSettings
from sizing.planning import ImplantationPlan
from sizing.reaming import ToolAxis, centre_line
from sizing.reaming.axis import axis_through, centroids_lps, unrolled

# A parabola through the centres needs this many levels before its curvature means anything.
_LEAST_LEVELS = 8
# Bows are told to this step: a finer one is noise of the centres.
_BOW_STEP_MM = 10.0
# An arc that leaves its chord by less is straight within what a canal's centres are measured to.
_LEAST_SAGITTA_MM = 0.3


def axes_to_try(plan: ImplantationPlan, base: Fit, settings: CustomSettings, length_mm: float) -> list[ToolAxis]:
    """Return the axes that the settings allow, the stock stem's first.

    A stock stem is often placed to one side, where a round stem touches more; a stem of the canal's own section
    wants the middle of the canal.

    Raises
    ------
    InputError
        CF-I049 when a bowed stem is asked for where no bow can be told and none is given.
    """
    stock = base.placement.axis
    if settings.axis == "stock":
        return [stock]
    middle, bowed = _middle(plan, length_mm), _bowed(plan, settings, length_mm)
    if settings.axis == "bowed":
        if bowed is None:
            raise InputError(
                "CF-I049",
                "the canal has no bow that can be told, so a bowed stem has nothing to follow",
                where="axis",
                advice="Give bow_radius_mm, or choose axis = 'best'",
            )
        return [bowed]
    found = [middle] if settings.axis == "middle" else [stock, middle, bowed]
    return [axis for axis in found if axis is not None] or [stock]


def _middle(plan: ImplantationPlan, length_mm: float) -> ToolAxis | None:
    try:
        return centre_line(plan.canal, 0.0, length_mm)
    except ReamingError:
        return None  # too little is measured for a line of its own; the stock stem's axis serves


def _bowed(plan: ImplantationPlan, settings: CustomSettings, length_mm: float) -> ToolAxis | None:
    """An arc through the canal's centres: two parabolas across the chord give its place, turn and curvature."""
    straight = _middle(plan, length_mm)
    if straight is None:
        return None
    centres, depth = centroids_lps(plan.canal)
    along = np.isfinite(centres[:, 0]) & (depth >= 0) & (depth <= length_mm)
    if along.sum() < _LEAST_LEVELS:
        return None
    s, q = unrolled(straight, centres[along])
    middle = 0.5 * float(s.min() + s.max())
    curve = np.polyfit(s - middle, q, 2)
    bend = 2.0 * float(np.linalg.norm(curve[0]))
    if bend == 0 or (settings.bow_radius_mm is None and bend * length_mm**2 / 8 < _LEAST_SAGITTA_MM):
        return None
    radius = settings.bow_radius_mm or max(_BOW_STEP_MM * round(1.0 / (_BOW_STEP_MM * bend)), SMALLEST_BOW_RADIUS_MM)
    x = _first_across(straight)
    frame = np.stack([x, np.cross(straight.direction_lps, x)])
    point = straight.point_at(middle) + curve[2] @ frame
    direction = unit(straight.direction_lps + curve[1] @ frame)
    return axis_through(plan.canal, point, direction, float(radius), unit(curve[0] @ frame))


def _first_across(axis: ToolAxis) -> np.ndarray:
    """The first of the two directions in which ``unrolled`` tells positions across a straight axis."""
    probe = axis.entry_lps + np.eye(3)
    return unit(unrolled(axis, probe)[1][:, 0])
