"""How certain it is that an implant can serve, given the errors of the canal. See ``docs/method/cohort.md``."""

from __future__ import annotations

import math

import numpy as np

from sizing.fit.model import Fit
from sizing.planning import ImplantationPlan


def serve_probability(plan: ImplantationPlan, fit: Fit) -> float | None:
    """Return the chance that a fit keeps its wall and its hold; None = cannot be told.

    The wall left and the contact are moved by the error of the canal's surfaces; both requirements are taken as
    failing independently. Rules that the errors of the canal do not touch (length, tilt, tools) stay as they are.
    """
    limits = plan.settings.fit.with_wall_limit(plan.settings.wall_limit_mm).for_bone(plan.canal.bone)
    hard = fit.protrusion_mm > 0 or fit.far_end_margin_mm < limits.far_end_clearance_mm
    hard |= fit.seat_angle_deg > limits.max_tilt_deg or fit.unmeasured_share > limits.max_unmeasured_share
    if hard:
        return 0.0
    wall = _wall(plan, fit, limits.wall_limit_mm)
    hold = _hold(plan, fit, limits.min_contact_length_mm)
    if wall is None or hold is None:
        return None
    # Rules that are not modelled here, as a tool that is not on the tray.
    if fit.rejected and wall > 0.5 and hold > 0.5:
        return 0.0
    return wall * hold


def _wall(plan: ImplantationPlan, fit: Fit, limit_mm: float) -> float | None:
    if not math.isfinite(fit.wall_min_mm):
        return None
    left = fit.reamed_wall_min_mm
    if not math.isfinite(left):  # no tool touches the cortex
        return 1.0
    return _chance(left - limit_mm, _error(plan, fit, "wall_min_se_mm"))


def _hold(plan: ImplantationPlan, fit: Fit, least_mm: float) -> float | None:
    """A canal wider by one error loosens the stem by about the share of the contact that lies in that band."""
    if not math.isfinite(fit.contact_length_mm):
        return None
    error_mm = _error(plan, fit, "inscribed_diameter_se_mm")
    if error_mm is None:
        return None
    # Contact grows from none to all over about the ovality of the canal: its long minus its short axis.
    inside = _along(plan, fit)
    span = np.nanmedian((plan.sections.major_diameter_mm - plan.sections.minor_diameter_mm)[inside])
    per_mm = fit.implant.length_mm / max(float(span), 0.5) if math.isfinite(span) else fit.implant.length_mm
    return _chance(fit.contact_length_mm - least_mm, error_mm * per_mm)


def _along(plan: ImplantationPlan, fit: Fit) -> np.ndarray:
    depth = plan.sections.depth_mm
    return (depth >= 0) & (depth <= fit.implant.length_mm)


def _error(plan: ImplantationPlan, fit: Fit, name: str) -> float | None:
    errors = getattr(plan.sections, name)[_along(plan, fit)]
    errors = errors[np.isfinite(errors)]
    return float(np.median(errors)) if len(errors) else None


def _chance(margin: float, error: float | None) -> float | None:
    if error is None:
        return None
    return 0.5 * math.erfc(-margin / (error * math.sqrt(2))) if error > 0 else float(margin >= 0)
